//! A site's books as a file, made while it is sent.

use axum::body::Body;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE, ETAG, HeaderName, IF_NONE_MATCH};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use clap::ValueEnum as _;
use domain::quantity::Date;
use tokio_stream::wrappers::ReceiverStream;

use super::ask::Ask;
use super::table::Parameter::{From, Step, Table, Through, Until};
use crate::bundle;
use crate::exit::{Exit, Failure};
use crate::export::{Days, Format, Pieces, Request, download};
use crate::serve::access::{Code, Problem};

/// The position of the log that a file is by.
const POSITION: HeaderName = HeaderName::from_static("tallywatt-position");

/// The name of a file: of characters that no file system minds.
fn name(site: &str, request: &Request, through: u64) -> String {
    let plain = |one: char| if one.is_ascii_alphanumeric() || "-_".contains(one) { one } else { '_' };
    let site: String = site.chars().map(plain).collect();
    let days = [request.days.from, request.days.to].into_iter().flatten().map(|day| format!("-{day}"));
    let (format, days) = (request.format, days.collect::<String>());
    format!("{site}-{}{days}-{through}.{}", format.name(), format.extension())
}

fn problem(failure: &Failure) -> Problem {
    match failure.exit {
        Exit::BadInput => Problem::new(Code::Unprocessable, failure.error.to_string()),
        _ => Problem::internal(&failure.error),
    }
}

fn attached(pieces: Pieces, name: &str, media_type: &'static str) -> Result<Response, Problem> {
    let mut response = Response::new(Body::from_stream(ReceiverStream::new(pieces)));
    let disposition = format!("attachment; filename=\"{name}\"");
    let value = HeaderValue::from_str(&disposition).map_err(|error| Problem::internal(&error))?;
    response.headers_mut().insert(CONTENT_DISPOSITION, value);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    Ok(response)
}

/// All events up to a position, which is the tag.
pub(super) async fn bundle(headers: HeaderMap, ask: Ask) -> Result<Response, Problem> {
    let ask = ask.takes(&[Through])?;
    let site = ask.site()?;
    let through = ask.through(site.desk.moment().position)?;
    if has(&headers, through) {
        return tagged(StatusCode::NOT_MODIFIED.into_response(), through);
    }
    let pieces = bundle::download(site.log.clone(), site.desk.site().clone(), through).await;
    let pieces = pieces.map_err(|failure| problem(&failure))?;
    let name = bundle::file_name(site.desk.site().as_str(), through);
    tagged(attached(pieces, &name, "application/octet-stream")?, through)
}

/// Whether the caller has what is by a position.
fn has(headers: &HeaderMap, through: u64) -> bool {
    let tag = format!("\"{through}\"");
    let held = headers.get(IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    held.is_some_and(|held| held.split(',').any(|one| one.trim() == tag))
}

fn tagged(mut response: Response, through: u64) -> Result<Response, Problem> {
    let value = HeaderValue::from_str(&format!("\"{through}\"")).map_err(|error| Problem::internal(&error))?;
    response.headers_mut().insert(ETAG, value);
    response.headers_mut().insert(POSITION, HeaderValue::from(through));
    Ok(response)
}

/// The same request of the same position gives the same bytes: the position is the tag.
pub(super) async fn get(headers: HeaderMap, ask: Ask) -> Result<Response, Problem> {
    let ask = ask.takes(&[From, Until, Step, Table, Through])?;
    let site = ask.site()?;
    let format = ask.part("format", |text| Format::from_str(text, false).ok())?;
    let (from, until) = ask.days()?;
    let days = Days { from, to: until.map(Date::previous) };
    let (table, step_s) = (ask.table()?, ask.step_s()?);
    let through = ask.through(site.desk.moment().position)?;
    let request = Request { table, step_s, through: Some(through), ..Request::new(format, days) };
    if has(&headers, through) {
        return tagged(StatusCode::NOT_MODIFIED.into_response(), through);
    }
    let name = name(site.desk.site().as_str(), &request, through);
    let pieces = download(request, site.log.clone(), site.desk.site().clone()).await;
    let pieces = pieces.map_err(|failure| problem(&failure))?;
    tagged(attached(pieces, &name, format.media_type())?, through)
}
