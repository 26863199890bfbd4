//! Changes that people make to a site whose facts are in a log: `publish`,
//! `correct`, `undo`, `approve`. Each is rehearsed on a copy first, shows what
//! it would change, and writes nothing without `--yes`.

mod append;
pub mod approve;
mod book;
pub mod correct;
mod effect;
pub mod publish;
mod rehearsal;
pub mod settle;
pub mod undo;

use std::path::PathBuf;

use clap::Args as ClapArgs;
use domain::event::{Body, ChangeKind, ChangeProposed, ChangeRecorded, EventId, ProposedFact, encode_canonical};
use domain::quantity::Instant;
use serde_json::{Value, json};

use crate::command::Key;
use crate::console::Console;
use crate::exit::{Exit, Failure, bad};
pub(crate) use append::append_plan;
pub use append::{AppendError, Appended, Order, append};
pub use approve::ApproveError;
pub(crate) use book::{Book, owner_failure, refresh};
pub use effect::Effect;
pub use rehearsal::{Rehearsal, RehearsalError};

/// Where the log is, and whether to write to it.
#[derive(Debug, ClapArgs)]
pub(crate) struct Target {
    /// The output folder of a run, with its log.db.
    pub(crate) dir: PathBuf,
    /// Another log: a file, or nats://HOST:PORT/STREAM.
    #[arg(long, value_name = "LOG")]
    pub(crate) log: Option<String>,
    /// The site, where the log has several.
    #[arg(long, value_name = "SITE", value_parser = crate::history::site_id)]
    site: Option<domain::event::SiteId>,
    /// When it becomes known (RFC 3339): now, or as late as the log's last event. What is due before is settled first.
    #[arg(long, value_name = "INSTANT")]
    pub(crate) at: Option<String>,
    /// What makes it the same change when it is sent again, here or by any other surface: it is made once.
    #[arg(long, value_name = "KEY", value_parser = Key::try_new)]
    pub(crate) key: Option<Key>,
    /// Append it; without this nothing is written.
    #[arg(long)]
    pub(crate) yes: bool,
    /// Write the result as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// A change before it is in the log.
#[derive(Debug, Clone)]
pub struct Plan {
    /// What kind of change.
    pub kind: ChangeKind,
    /// Who makes it.
    pub author: String,
    /// Why.
    pub reason: String,
    /// The fact that it takes back.
    pub reverses: Option<EventId>,
    /// The proposal that it carries out, and who approved it.
    pub approved: Option<(EventId, String)>,
    /// When each fact happened, and what it says.
    pub facts: Vec<(Instant, Body)>,
}

impl Plan {
    /// Facts that a person says, with the reason.
    pub fn correction(author: &str, reason: String, facts: Vec<(Instant, Body)>) -> Self {
        Self { kind: ChangeKind::Correct, author: author.to_owned(), reason, reverses: None, approved: None, facts }
    }

    /// Whose event records it: the approver's, where it was proposed.
    pub(crate) fn actor(&self) -> &str {
        self.approved.as_ref().map_or(&self.author, |(_, approver)| approver)
    }

    /// The chains that it is about, sorted.
    fn about(&self) -> Vec<String> {
        let meter = |body: &Body| match body {
            Body::ReadingWithdrawn(data) => Some(format!("meter/{}", data.meter)),
            Body::ReadingReleased(data) => Some(format!("meter/{}", data.meter)),
            _ => None,
        };
        let bodies = self.facts.iter().map(|(_, body)| body);
        let mut keys: Vec<String> = bodies.flat_map(|body| body.chain_keys().into_iter().chain(meter(body))).collect();
        keys.sort();
        keys.dedup();
        keys
    }

    /// The event that records it, or proposes it where someone else has to approve.
    pub(crate) fn head(&self, propose: bool) -> Result<Body, Failure> {
        let (about, author, reason) = (self.about(), self.author.clone(), self.reason.clone());
        if !propose {
            let (proposal, approver) = self.approved.clone().unzip();
            let (kind, reverses) = (self.kind, self.reverses);
            return Ok(Body::ChangeRecorded(ChangeRecorded {
                about,
                approver,
                author,
                kind,
                proposal,
                reason,
                reverses,
            }));
        }
        let fact = |(_, body): &(Instant, Body)| {
            let data =
                encode_canonical(&body.to_value().unwrap_or_default()).map_err(|error| bad(error, "write less"))?;
            let data = String::from_utf8(data).map_err(|error| bad(error, "write UTF-8"))?;
            Ok(ProposedFact { data, r#type: body.type_name().to_owned() })
        };
        let facts = self.facts.iter().map(fact).collect::<Result<_, Failure>>()?;
        Ok(Body::ChangeProposed(ChangeProposed {
            about,
            author,
            facts,
            kind: self.kind,
            reason,
            reverses: self.reverses,
        }))
    }
}

/// A name or reason that says something.
pub(crate) fn said(key: &str, text: &str) -> Result<String, Failure> {
    let text = text.trim();
    if text.is_empty() {
        return Err(bad(format!("{key} is empty"), "write who, and why"));
    }
    Ok(text.to_owned())
}

/// Rehearses a plan, shows its effect, and with `--yes` appends it.
pub(crate) fn carry_out(
    book: &mut Book,
    plan: &Plan,
    target: &Target,
    what_if: Option<Value>,
    console: &mut Console,
) -> Result<Exit, Failure> {
    // What its key brought before is in the log: there is nothing to rehearse.
    let effect = if book.rehearsal.repeats() { None } else { Some(book.rehearsal.rehearse(plan)?) };
    let propose = book.rehearsal.proposes(plan);
    let done = if target.yes { Some(book.append(plan, propose, target.key.as_ref())?) } else { None };
    if target.json {
        let mut document = effect.as_ref().map_or_else(|| json!({}), Effect::document);
        if let Some(members) = document.as_object_mut() {
            members.insert("appended".to_owned(), json!(done.is_some()));
            members.insert("what_if".to_owned(), json!(what_if));
            members.insert("proposed".to_owned(), json!(propose));
            members.insert("at".to_owned(), json!(book.rehearsal.at()));
            members.insert("repeated".to_owned(), json!(book.rehearsal.repeats()));
            if let Some((done, runs)) = &done {
                members.insert("change".to_owned(), json!(done.change));
                members.insert("events".to_owned(), json!(done.facts));
                members.insert("runs_before".to_owned(), json!(runs));
            }
        }
        console.line(document.to_string());
        return Ok(Exit::Done);
    }
    if let Some(effect) = &effect {
        effect.write(console);
    } else {
        console.line("a change with this key is in the log already");
    }
    let Some((done, runs)) = done else {
        console.line(format!("nothing is written; add --yes to append it as known at {}", book.rehearsal.at()));
        if propose {
            console.line("the site requires a second person: it would wait for `tallywatt approve`");
        }
        return Ok(Exit::Done);
    };
    if runs > 0 {
        console.line(format!("{runs} runs that were due before {} were settled first", book.rehearsal.at()));
    }
    if propose {
        console.line(format!(
            "proposed as {}; another person approves it: tallywatt approve --proposal {}",
            done.change, done.change
        ));
    } else {
        console.line(format!("change {} by {}: {}", done.change, plan.author, plan.reason));
        for (id, (_, body)) in done.facts.iter().zip(&plan.facts) {
            console.line(format!("  event {id}: {}", body.type_name()));
        }
        console.line("the next settlement posts the difference: tallywatt settle DIR --until INSTANT");
    }
    Ok(Exit::Done)
}
