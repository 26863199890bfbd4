//! The changes that people made: who, why, and what each takes back.

use domain::event::{Body, ChangeKind};
use serde_json::{Value, json};

use super::{Known, Scope, text};
use crate::console::Console;
use crate::exit::{Exit, Failure, bad};
use crate::history::Entry;
use crate::table;

/// The chain that the reading of a meter is told about in.
fn meter_of(body: &Body) -> Option<String> {
    match body {
        Body::ReadingWithdrawn(data) => Some(format!("meter/{}", data.meter)),
        Body::ReadingReleased(data) => Some(format!("meter/{}", data.meter)),
        _ => None,
    }
}

fn is_about(entry: &Entry, key: &str) -> bool {
    key == "all"
        || entry.event.chains.iter().any(|link| link.key == key)
        || meter_of(&entry.event.body).as_deref() == Some(key)
}

/// A change as a document; none of an event that no person made.
fn document(known: &Known, entry: &Entry) -> Option<Value> {
    let (kind, approver, proposal) = match &entry.event.body {
        Body::ChangeRecorded(change) => (json!(change.kind), change.approver.clone(), change.proposal),
        Body::ChangeProposed(_) => (json!("proposal"), None, None),
        // A fact of a recorded change is shown below it.
        _ if entry.event.cause.is_some() => return None,
        Body::PostingMade(_) | Body::ReadingWithdrawn(_) | Body::ReadingReleased(_) => {
            (json!(ChangeKind::Correct), None, None)
        }
        _ => return None,
    };
    let trail = known.trail(entry);
    let made = known.entries.iter().filter(|other| other.event.cause == Some(entry.event.id));
    let is_head = |body: &Body| matches!(body, Body::ChangeRecorded(_) | Body::ChangeProposed(_));
    let facts = made.filter(|other| !is_head(&other.event.body)).map(|other| {
        json!({"position": other.event.position, "id": other.event.id, "type": other.event.body.type_name(),
            "data": other.event.body.to_value()})
    });
    Some(json!({
        "position": entry.event.position, "id": entry.event.id, "received": entry.event.received, "kind": kind,
        "by": trail.by, "reason": trail.reason, "reverses": trail.reverses, "approver": approver, "proposal": proposal,
        "facts": facts.collect::<Vec<_>>(),
    }))
}

fn text_or_blank(value: Option<&Value>) -> String {
    value.filter(|value| !value.is_null()).map_or_else(String::new, text)
}

/// Shows the changes.
pub(super) fn show(known: &Known, scope: &Scope, console: &mut Console) -> Result<Exit, Failure> {
    if !known.entries.iter().any(|entry| is_about(entry, &scope.id)) {
        let text = format!("nothing was known of {}", scope.id);
        return Err(bad(text, "name a chain, such as tariff/T, rule/POOL, account/A or meter/M, or none for all"));
    }
    let about = known.entries.iter().filter(|entry| is_about(entry, &scope.id));
    let changes: Vec<Value> = about.filter_map(|entry| document(known, entry)).collect();
    if scope.json {
        console.line(json!({"about": scope.id, "known_at": known.at, "changes": changes}).to_string());
        return Ok(Exit::Done);
    }
    let cells: Vec<[String; 7]> = changes
        .iter()
        .map(|one| {
            ["kind", "id", "received", "by", "approver", "reverses", "reason"].map(|name| text_or_blank(one.get(name)))
        })
        .collect();
    if cells.is_empty() {
        console.line(format!("no change was made to {}", scope.id));
        return Ok(Exit::Done);
    }
    table::write(["change", "id", "received", "by", "approver", "reverses", "reason"], &cells, console);
    Ok(Exit::Done)
}
