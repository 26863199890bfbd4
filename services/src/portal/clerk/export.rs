//! The books for other programs, written while they are read: nothing is kept in memory, and nothing stops the desk.

use std::io::{self, Write};
use std::path::Path as FilePath;

use axum::body::Body;
use axum::extract::{Path, Query};
use axum::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use clap::ValueEnum as _;
use domain::quantity::Month;
use tokio::sync::{mpsc, oneshot};
use tokio_stream::wrappers::ReceiverStream;

use crate::export::{self, Days, Format, Request, Source, Table};
use crate::identity::Permission;
use crate::portal::act::Given;
use crate::portal::error::Fault;
use crate::portal::sheet::{Card, Field, Form, Kind};
use crate::portal::visit::Visit;
use crate::portal::words::Language;

/// So many bytes are sent at a time, and so many such pieces may wait for the reader.
const PIECE: usize = 65_536;
const WAITING: usize = 4;

/// Its form.
pub(super) fn card(action: &str, month: Month, language: Language) -> Card {
    let formats = Format::value_variants().iter().map(|format| {
        let name = format.name();
        (name.to_owned(), language.say(&format!("format-{name}")))
    });
    let tables = [("charges", "table-charges"), ("postings", "table-postings"), ("readings", "table-readings")];
    let tables = tables.map(|(value, key)| (value.to_owned(), language.say(key))).to_vec();
    let form = Form {
        id: "export".to_owned(),
        action: action.to_owned(),
        button: language.say("export-button"),
        fields: vec![
            Field::select("format", language.say("field-format"), "xlsx", formats.collect()),
            Field::select("table", language.say("field-table"), "charges", tables),
            Field::new("month", language.say("field-month"), Kind::Month, month.to_string()),
        ],
        ..Form::default()
    };
    form.card("exports", language.say("export"), language.say("export-lead"))
}

/// `GET …/books/export`
pub(super) async fn download(visit: Visit, Path(site): Path<String>, Query(given): Query<Given>) -> Response {
    let served = match visit.site(&site, Permission::Export) {
        Ok(served) => served,
        Err(fault) => return visit.fault(fault),
    };
    let moment = served.desk.moment();
    // Without a question it is the charges of the month before.
    let format = match given.text("format") {
        "" => Some(Format::Charges),
        name => Format::from_str(name, true).ok(),
    };
    let month = match given.text("month") {
        "" => Some(moment.premises.calendar.day_of(moment.live_at.1).month().plus(-1)),
        text => Month::parse(text),
    };
    let Some((format, month)) = format.zip(month) else { return visit.fault(Fault::NotFound) };
    let mut request = Request::new(format, Days { from: Some(month.first()), to: Some(month.last()) });
    if let Ok(table) = Table::from_str(given.text("table"), true) {
        request.table = table;
    }
    let (log, id) = (served.log.clone(), served.desk.site().clone());
    let (ready, begun) = oneshot::channel();
    let (pieces, stream) = mpsc::channel(WAITING);
    tokio::task::spawn_blocking(move || {
        let source = Source { dir: FilePath::new("."), log: Some(&log), site: Some(&id) };
        let prepared = match export::prepare(&request, source) {
            Ok(prepared) => prepared,
            Err(failure) => {
                tracing::warn!(error = %failure.error, "an export is refused");
                // Whoever asked may be gone.
                ready.send(false).ok();
                return;
            }
        };
        ready.send(true).ok();
        let mut pipe = Pipe { pieces, piece: Vec::with_capacity(PIECE) };
        let written = prepared.write(&mut pipe).map_err(io::Error::other).and_then(|()| pipe.flush());
        if let Err(error) = written {
            tracing::warn!(%error, "an export ends early");
            pipe.pieces.blocking_send(Err(error)).ok();
        }
    });
    match begun.await {
        Ok(true) => attachment(format, &format!("{site}-{month}"), Body::from_stream(ReceiverStream::new(stream))),
        Ok(false) => visit.fault(Fault::NotFound),
        Err(_) => visit.fault(Fault::Unready),
    }
}

fn attachment(format: Format, name: &str, body: Body) -> Response {
    let name: String = name.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' }).collect();
    let name = format!("attachment; filename=\"{name}.{}\"", format.extension());
    let name = HeaderValue::from_str(&name).unwrap_or(HeaderValue::from_static("attachment"));
    let kind = HeaderValue::from_static(format.media_type());
    let kept = HeaderValue::from_static("no-store");
    (StatusCode::OK, [(CONTENT_TYPE, kind), (CONTENT_DISPOSITION, name), (CACHE_CONTROL, kept)], body).into_response()
}

/// Sends what is written in pieces, and waits where the reader is slow.
struct Pipe {
    pieces: mpsc::Sender<io::Result<Vec<u8>>>,
    piece: Vec<u8>,
}

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.piece.extend_from_slice(bytes);
        if self.piece.len() >= PIECE {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.piece.is_empty() {
            return Ok(());
        }
        let piece = std::mem::replace(&mut self.piece, Vec::with_capacity(PIECE));
        self.pieces.blocking_send(Ok(piece)).map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))
    }
}
