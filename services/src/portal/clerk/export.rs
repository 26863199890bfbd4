//! The books for other programs, written while they are read: nothing is kept in memory, and nothing stops the desk.

use axum::body::Body;
use axum::extract::{Path, Query};
use axum::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use clap::ValueEnum as _;
use domain::quantity::Month;
use tokio_stream::wrappers::ReceiverStream;

use crate::exit::Exit;
use crate::export::{self, Days, Format, Request, Table};
use crate::identity::Permission;
use crate::portal::act::Given;
use crate::portal::error::Fault;
use crate::portal::sheet::{Card, Field, Form, Kind};
use crate::portal::visit::Visit;
use crate::portal::words::Language;

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
    match export::download(request, served.log.clone(), served.desk.site().clone()).await {
        Ok(pieces) => attachment(format, &format!("{site}-{month}"), Body::from_stream(ReceiverStream::new(pieces))),
        Err(failure) => {
            tracing::warn!(error = %failure.error, "an export is refused");
            let refused = failure.exit == Exit::BadInput;
            visit.fault(if refused { Fault::NotFound } else { Fault::Unready })
        }
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
