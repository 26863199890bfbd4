//! A site's books in pieces.

use clap::ValueEnum as _;
use domain::quantity::Date;
use futures_util::StreamExt as _;
use proto::v1::{Chunk, ExportRequest};
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;

use super::access::Call;
use super::refusal::{Kind, Refusal};
use super::stream::Answers;
use crate::exit::{Exit, Failure};
use crate::export::{Days, Format, Request, Table, download};
use crate::serve::App;

fn day(field: &'static str, text: &str) -> Result<Option<Date>, Refusal> {
    if text.is_empty() {
        return Ok(None);
    }
    let day = Date::parse(text).filter(|day| (1900..3000).contains(&day.year()));
    day.map(Some).ok_or_else(|| Refusal::field(field, "is no day such as 2026-03-01"))
}

fn refused(failure: &Failure) -> Refusal {
    match failure.exit {
        Exit::BadInput => Refusal::new(Kind::Precondition, "NOT_SHOWN", &failure.error.to_string()),
        _ => Refusal::internal(failure.error.as_ref()),
    }
}

/// The pieces of a file.
pub(super) async fn get(app: &App, call: &Call, request: ExportRequest) -> Result<Answers<Chunk>, Refusal> {
    let site = call.site(app, &request.site)?;
    let format = Format::from_str(&request.format, false).map_err(|_| Refusal::field("format", "is none"))?;
    let (from, until) = (day("from_day", &request.from_day)?, day("until_day", &request.until_day)?);
    let mut wanted = Request::new(format, Days { from, to: until.map(Date::previous) });
    if !request.table.is_empty() {
        wanted.table = Table::from_str(&request.table, false).map_err(|_| Refusal::field("table", "is none"))?;
    }
    if request.step_s != 0 {
        wanted.step_s = request.step_s;
    }
    let position = site.desk.moment().position;
    wanted.through = Some(if request.through == 0 { position } else { request.through.min(position) });
    let pieces = download(wanted, site.log.clone(), site.desk.site().clone()).await;
    let pieces = ReceiverStream::new(pieces.map_err(|failure| refused(&failure))?);
    let stopped =
        || Status::from(Refusal::new(Kind::Unavailable, "SITE_UNAVAILABLE", "the export stopped: call again"));
    Ok(Box::pin(pieces.map(move |piece| piece.map(|data| Chunk { data }).map_err(|_| stopped()))))
}
