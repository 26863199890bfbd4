//! The site's evidence as one file, written while it is read.

use axum::body::Body;
use axum::extract::{Path, Query};
use axum::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use domain::event::hex;
use tokio_stream::wrappers::ReceiverStream;

use crate::bundle;
use crate::desk::Moment;
use crate::identity::Permission;
use crate::portal::act::Given;
use crate::portal::error::Fault;
use crate::portal::sheet::Card;
use crate::portal::visit::Visit;
use crate::portal::words::Language;

/// Its card.
pub(super) fn card(base: &str, moment: &Moment, language: Language) -> Card {
    let href = format!("{base}/audit/bundle?through={}", moment.position);
    Card {
        id: "bundle",
        title: language.say("bundle"),
        lead: language.say("bundle-lead"),
        facts: vec![
            (language.say("bundle-size"), moment.position.to_string()),
            (language.say("proof-root"), hex(&moment.root)),
        ],
        lines: vec![(1, language.say("bundle-verify")), (1, language.say("bundle-not"))],
        links: vec![(language.say("bundle-download"), href)],
        ..Card::default()
    }
}

/// `GET …/audit/bundle`: all events up to a position; to the last, where none is named.
pub(super) async fn download(visit: Visit, Path(site): Path<String>, Query(given): Query<Given>) -> Response {
    let served = match visit.site(&site, Permission::ReadAudit) {
        Ok(served) => served,
        Err(fault) => return visit.fault(fault),
    };
    let last = served.desk.moment().position;
    let through = match given.text("through") {
        "" => Some(last),
        text => text.parse::<u64>().ok().filter(|position| (1..=last).contains(position)),
    };
    let Some(through) = through else { return visit.fault(Fault::NotFound) };
    let Ok(pieces) = bundle::download(served.log.clone(), served.desk.site().clone(), through).await else {
        return visit.fault(Fault::Unready);
    };
    let name = format!("attachment; filename=\"{}\"", bundle::file_name(&site, through));
    let name = HeaderValue::from_str(&name).unwrap_or(HeaderValue::from_static("attachment"));
    let kind = HeaderValue::from_static("application/octet-stream");
    let kept = HeaderValue::from_static("no-store");
    let headers = [(CONTENT_TYPE, kind), (CONTENT_DISPOSITION, name), (CACHE_CONTROL, kept)];
    (StatusCode::OK, headers, Body::from_stream(ReceiverStream::new(pieces))).into_response()
}
