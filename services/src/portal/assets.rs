//! What pages load: files embedded in the program, named by their bytes, and so kept for ever.

use std::io::Write as _;
use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::header::{ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, IF_NONE_MATCH, VARY};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use domain::event::{hex, sha256};
use flate2::Compression;
use flate2::write::GzEncoder;

const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";

/// Every file: its name, its type, its bytes.
const FILES: [(&str, &str, &[u8]); 7] = [
    ("portal.css", CSS, include_bytes!("assets/portal.css")),
    ("portal.js", SCRIPT, include_bytes!("assets/portal.js")),
    ("icon.svg", "image/svg+xml", include_bytes!("assets/icon.svg")),
    ("htmx.js", SCRIPT, include_bytes!("assets/htmx.js")),
    ("htmx-sse.js", SCRIPT, include_bytes!("assets/htmx-sse.js")),
    ("uplot.js", SCRIPT, include_bytes!("assets/uplot.js")),
    ("uplot.css", CSS, include_bytes!("assets/uplot.css")),
];

struct Asset {
    name: &'static str,
    /// The hash of its bytes, as it stands in its address and as its `ETag`.
    hash: String,
    kind: &'static str,
    plain: &'static [u8],
    /// None where compressing does not make it smaller.
    gzip: Option<Vec<u8>>,
}

static ASSETS: LazyLock<Vec<Asset>> = LazyLock::new(|| FILES.map(asset).into());

fn asset((name, kind, plain): (&'static str, &'static str, &'static [u8])) -> Asset {
    let hash = hex(&sha256(&[plain])).chars().take(12).collect();
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    let gzip = encoder.write_all(plain).and_then(|()| encoder.finish()).ok();
    let gzip = gzip.filter(|gzip| gzip.len() < plain.len());
    Asset { name, hash, kind, plain, gzip }
}

/// The address of a file.
pub(super) fn href(name: &str) -> String {
    let asset = ASSETS.iter().find(|asset| asset.name == name);
    asset.map_or_else(|| format!("/assets/{name}"), |asset| format!("/assets/{}/{name}", asset.hash))
}

/// `/assets/{hash}/{name}`.
pub(super) async fn serve(Path((hash, name)): Path<(String, String)>, asked: HeaderMap) -> Response {
    let Some(asset) = ASSETS.iter().find(|asset| asset.name == name && asset.hash == hash) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let says = |header, word: &str| {
        let value = asked.get(header).and_then(|value| value.to_str().ok());
        value.is_some_and(|value| value.contains(word))
    };
    let mut headers = HeaderMap::new();
    let mut set = |header, value: &str| {
        if let Ok(value) = value.parse() {
            headers.insert(header, value);
        }
    };
    set(CACHE_CONTROL, "public, max-age=31536000, immutable");
    set(ETAG, &format!("\"{hash}\""));
    set(VARY, "accept-encoding");
    if says(IF_NONE_MATCH, &hash) {
        return (StatusCode::NOT_MODIFIED, headers).into_response();
    }
    set(CONTENT_TYPE, asset.kind);
    match asset.gzip.as_deref().filter(|_| says(ACCEPT_ENCODING, "gzip")) {
        Some(gzip) => {
            set(CONTENT_ENCODING, "gzip");
            (headers, gzip).into_response()
        }
        None => (headers, asset.plain).into_response(),
    }
}
