//! `tallywatt undo`: takes a change back by new facts that name what they reverse.

use clap::Args as ClapArgs;
use domain::event::{
    Body, ChangeKind, Event, EventId, LeaseRecorded, PostingMade, ReadingReleased, ReadingWithdrawn, RulePublished,
    TariffPublished,
};
use domain::quantity::{Date, Instant};

use super::{Book, Plan, Rehearsal, Target, carry_out, said};
use crate::console::Console;
use crate::exit::{Exit, Failure, bad};

/// Take a change back, with author and reason; what was in the log stays there.
#[derive(Debug, ClapArgs)]
#[command(after_help = "Example:
  tallywatt undo target/hand-late --event 0253294046425dce0253294046425dce --by j.moore --reason 'it was right'

The event is a change, or one fact: a table gets its earlier value again (a first lease, or a new
version of a tariff or rule, is said anew so that it is never in force), a withdrawn reading is
released, a released one withdrawn, a posting posted with the other sign. `tallywatt audit` shows the ids.")]
pub struct Args {
    #[command(flatten)]
    target: Target,
    /// The event to take back.
    #[arg(long, value_name = "ID")]
    event: String,
    /// Who takes it back.
    #[arg(long, value_name = "NAME")]
    by: String,
    /// Why.
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

/// An event's id from the command line.
pub(super) fn id_of(text: &str) -> Result<EventId, Failure> {
    EventId::parse(text).ok_or_else(|| bad(format!("'{text}' is no event id"), "write its 32 hexadecimal digits"))
}

/// Whether it records or proposes a change, and is no fact that carries one out.
const fn is_head(body: &Body) -> bool {
    matches!(body, Body::ChangeRecorded(_) | Body::ChangeProposed(_))
}

/// The fact that takes another one back.
fn reversal(book: &Rehearsal, event: &Event, by: &str, reason: &str) -> Result<Body, Failure> {
    let (by, reason) = (by.to_owned(), reason.to_owned());
    Ok(match &event.body {
        Body::PostingMade(data) => Body::PostingMade(PostingMade {
            account: data.account.clone(),
            amount_minor: data.amount_minor.saturating_neg(),
            by,
            reason,
            reference: format!("undo {}", data.reference),
        }),
        Body::ReadingWithdrawn(data) => Body::ReadingReleased(ReadingReleased {
            by,
            meter: data.meter.clone(),
            reading_time: data.reading_time,
            reason,
        }),
        Body::ReadingReleased(data) => Body::ReadingWithdrawn(ReadingWithdrawn {
            by,
            meter: data.meter.clone(),
            reading_time: data.reading_time,
            reason,
        }),
        body => return earlier(book, event, body),
    })
}

/// The value that a table had before.
fn earlier(book: &Rehearsal, event: &Event, body: &Body) -> Result<Body, Failure> {
    let name = body.type_name();
    let Some(key) = body.table_key() else {
        return Err(bad(format!("a {name} cannot be taken back"), "name a correction, or the fact that it made"));
    };
    let same = |other: &&Event| other.body.table_key().as_ref() == Some(&key);
    let of_key: Vec<&Event> = book.events().iter().filter(same).collect();
    if let Some(later) = of_key.iter().find(|other| other.position > event.position) {
        let text = format!("{} {} was said anew by event {} since", key.0, key.1, later.id);
        return Err(bad(text, "undo that one"));
    }
    if let Some(before) = of_key.iter().rev().find(|other| other.position < event.position) {
        return Ok(before.body.clone());
    }
    none_of(body).ok_or_else(|| {
        let text = format!("{} {} had no value before", key.0, key.1);
        bad(text, "what is in force is replaced by a new version or a later date: use publish or correct")
    })
}

/// The first value of a table, said anew so that it is never in force; none where no such value can be said.
fn none_of(body: &Body) -> Option<Body> {
    // The last date that can be written: no day is settled by what begins there.
    let never = Date::from_ymd(2999, 12, 31)?;
    match body {
        // A lease whose `until` is its `from` is none (BILLING §8).
        Body::LeaseRecorded(lease) => {
            Some(Body::LeaseRecorded(LeaseRecorded { until: Some(lease.from), ..lease.clone() }))
        }
        Body::TariffPublished(version) => {
            Some(Body::TariffPublished(TariffPublished { from: never, ..version.clone() }))
        }
        Body::RulePublished(version) => Some(Body::RulePublished(RulePublished { from: never, ..version.clone() })),
        _ => None,
    }
}

/// The plan that takes an event back: a change with all its facts, or one fact.
pub fn plan(book: &Rehearsal, id: EventId, author: String, reason: String) -> Result<Plan, Failure> {
    let named =
        book.event(id).ok_or_else(|| bad(format!("no event {id} is in the log"), "`tallywatt audit` shows ids"))?;
    let made: Vec<&Event> = match &named.body {
        Body::ChangeRecorded(_) => {
            let facts = book.events().iter().filter(|event| !is_head(&event.body));
            facts.filter(|event| event.cause == Some(id)).collect()
        }
        _ => vec![named],
    };
    let facts: Vec<(Instant, Body)> = made
        .iter()
        .rev()
        .map(|event| Ok((book.at(), reversal(book, event, &author, &reason)?)))
        .collect::<Result<_, Failure>>()?;
    if facts.is_empty() {
        return Err(bad(format!("change {id} made no fact"), "name another event"));
    }
    Ok(Plan { kind: ChangeKind::Undo, author, reason, reverses: Some(id), approved: None, facts })
}

/// Runs the command.
pub fn run(args: Args, console: &mut Console) -> Result<Exit, Failure> {
    let (author, reason) = (said("--by", &args.by)?, said("--reason", &args.reason)?);
    let id = id_of(&args.event)?;
    let mut book = Book::open(&args.target)?;
    let plan = plan(&book.rehearsal, id, author, reason)?;
    carry_out(&mut book, &plan, &args.target, None, console)
}
