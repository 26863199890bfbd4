//! Where a bill stands in the site's log, so that paper and log can be compared, and the proof of it as a file.

use axum::Json;
use axum::extract::Path;
use axum::http::HeaderValue;
use axum::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION};
use axum::response::{IntoResponse as _, Response};
use domain::event::hex;
use domain::quantity::Month;

use crate::desk::Moment;
use crate::identity::Permission;
use crate::portal::error::Fault;
use crate::portal::visit::Visit;
use crate::portal::words::Language;
use crate::query::{self, BillEvent, ProofAsk, Which};

/// Where a bill stands.
pub(in crate::portal) struct Stands {
    /// In a sentence.
    pub(in crate::portal) text: String,
    /// Its hashes and the root, with what they are.
    pub(in crate::portal) hashes: Vec<(String, String)>,
    /// Where the proof is.
    pub(in crate::portal) href: String,
}

/// Where an issued bill stands; none of one that the moment does not have yet.
pub(in crate::portal) fn stands(
    events: &[BillEvent],
    moment: &Moment,
    bill: &str,
    language: Language,
) -> Option<Stands> {
    let positions: Vec<u64> = events.iter().map(|one| one.position).collect();
    let is_there = positions.iter().all(|position| *position <= moment.position) && !positions.is_empty();
    if !is_there {
        return None;
    }
    let numbers = positions.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let text = language.say_with("proof-stands", &[("position", &numbers), ("size", &moment.position.to_string())]);
    let mut hashes: Vec<(String, String)> =
        events.iter().map(|one| (language.say("proof-leaf"), one.leaf.clone())).collect();
    hashes.push((language.say("proof-root"), hex(&moment.root)));
    Some(Stands { text, hashes, href: format!("{bill}/proof") })
}

/// `GET …/bills/{month}/proof`: that the bill's events are in the tree, as JSON.
pub(super) async fn download(visit: Visit, Path((site, account, month)): Path<(String, String, String)>) -> Response {
    let (served, account) = match visit.account(&site, &account, Permission::ReadAccount) {
        Ok(found) => found,
        Err(fault) => return visit.fault(fault),
    };
    let Some(month) = Month::parse(&month) else { return visit.fault(Fault::NotFound) };
    let asked = account.clone();
    let bill = match query::read(&served.desk, move |view| query::bill(&view, &asked, month)).await {
        Ok(bill) if !bill.events.is_empty() => bill,
        Ok(_) => return visit.fault(Fault::NotFound),
        Err(error) => return visit.fault(error.into()),
    };
    let mut proofs = Vec::new();
    // All parts under one root.
    let mut size = None;
    for event in &bill.events {
        let ask = ProofAsk {
            event: Some(Which::Position(event.position)),
            size,
            since: None,
            account: Some(account.clone()),
        };
        match query::proof(served, ask).await {
            Ok(proof) => {
                size = Some(proof.size);
                proofs.push(proof);
            }
            Err(error) => return visit.fault(error.into()),
        }
    }
    let plain = |one: char| if one.is_ascii_alphanumeric() || "-_".contains(one) { one } else { '_' };
    let name: String = format!("{site}-{account}-{month}-proof").chars().map(plain).collect();
    let name = HeaderValue::from_str(&format!("attachment; filename=\"{name}.json\""));
    let name = name.unwrap_or(HeaderValue::from_static("attachment"));
    let kept = HeaderValue::from_static("no-store");
    ([(CONTENT_DISPOSITION, name), (CACHE_CONTROL, kept)], Json(proofs)).into_response()
}
