//! Who changed what, when and why: every fact that says how the site is run.

use axum::extract::{Path, Query};
use axum::http::StatusCode;
use axum::response::Response;

use crate::identity::Permission;
use crate::portal::act::Given;
use crate::portal::page::page as answer;
use crate::portal::sheet::{Card, Item, Sheet, stamp};
use crate::portal::site::{Spot, base, frame};
use crate::portal::visit::Visit;
use crate::portal::words::Language;
use crate::query::{self, ChangeRow};

/// So many on a page.
const PAGE: usize = 40;
/// A payload's longest, in characters; the API has all of it.
const LONGEST: usize = 600;

/// `GET …/audit/changes`
pub(super) async fn page(visit: Visit, Path(site): Path<String>, Query(given): Query<Given>) -> Response {
    let served = match visit.site(&site, Permission::ReadAudit) {
        Ok(served) => served,
        Err(fault) => return visit.fault(fault),
    };
    let language = visit.reader.language;
    let before = given.text("before").parse::<u64>().ok();
    let rows = match query::changes(served, before, PAGE).await {
        Ok(rows) => rows,
        Err(error) => return visit.fault(error.into()),
    };
    let older = rows.last().filter(|_| rows.len() == PAGE).map(|row| row.position);
    let href = |before: u64| format!("{}/audit/changes?before={before}", base(&site));
    let card = Card {
        id: "changes",
        title: language.say("changes"),
        items: rows.iter().map(|row| item(row, language)).collect(),
        none: language.say("changes-none"),
        links: older.map(|before| (language.say("changes-older"), href(before))).into_iter().collect(),
        ..Card::default()
    };
    let title = language.say("changes");
    let frame = frame(&visit, &site, Spot::Audit, title);
    let lead = language.say("changes-lead");
    answer(StatusCode::OK, &Sheet { frame, lead, said: None, cards: vec![card] })
}

pub(super) fn item(row: &ChangeRow, language: Language) -> Item {
    let values = [("by", row.author.as_str()), ("time", &*stamp(&row.received))];
    let mut lines = vec![language.say_with("rules-by", &values)];
    if row.time.utc != row.received.utc {
        lines.push(language.say1("changes-for", "time", &stamp(&row.time)));
    }
    lines.extend(row.reason.as_ref().map(|reason| language.say1("changes-why", "reason", reason)));
    lines.extend(row.approver.as_ref().map(|by| language.say1("supply-approved", "by", by)));
    lines.extend(row.reverses.as_ref().map(|id| language.say1("changes-reverses", "id", id)));
    let data = row.data.to_string();
    let cut: String = data.chars().take(LONGEST).collect();
    lines.push(if cut.len() < data.len() { format!("{cut}…") } else { cut });
    Item { name: format!("{} · {}", row.position, row.r#type), lines, ..Item::default() }
}
