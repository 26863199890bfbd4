//! `tallywatt audit`: what a log says about an account, a pool or a bill, on
//! two time axes: what was known at an instant, and what was in force on a day.

mod account;
mod bill;
mod changes;
mod pool;

use std::path::PathBuf;

use clap::{Args as ClapArgs, Subcommand};
use domain::billing::Site;
use domain::event::{Body, EventId, SiteId, hex};
use domain::quantity::{Date, Instant};
use serde_json::{Value, json};

use crate::console::Console;
use crate::exit::{Exit, Failure, bad};
use crate::history::{self, Entry};
use crate::replay::failed;

/// Show every event about an account, the split of a pool's day, or a bill and what became of it.
#[derive(Debug, ClapArgs)]
#[command(after_help = "Example:
  tallywatt audit account target/hand-late A-1
  tallywatt audit account target/hand-late A-1 --known-at 2026-03-01T00:00:00Z --effective 2026-02-15
  tallywatt audit pool target/hand-area lifts --effective 2026-02-03
  tallywatt audit bill target/hand-late A-1/2026-02 --json
  tallywatt audit changes target/hand-late
  tallywatt audit changes target/hand-late tariff/t --json")]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Every event on an account's chain, with its balance after each, and what it has on a day.
    Account(Scope),
    /// A pool's day: weights, shares and remainders, and the rule's version.
    Pool(Scope),
    /// A bill (ACCOUNT/YYYY-MM): its lines, its place in the chain, and its later adjustments.
    Bill(Scope),
    /// The changes people made to a chain (tariff/T, rule/POOL, account/A, meter/M) or to all: who, why, what it reverses.
    Changes(ChangesArgs),
}

/// Of all chains or of one, and as seen when.
#[derive(Debug, ClapArgs)]
pub(crate) struct ChangesArgs {
    /// The output folder of a run, with its log.db.
    dir: PathBuf,
    /// The chain: tariff/T, rule/POOL, account/A or meter/M; all of them otherwise.
    #[arg(default_value = "all", value_name = "CHAIN")]
    id: String,
    #[command(flatten)]
    axes: Axes,
    /// Another log: a file, or nats://HOST:PORT/STREAM.
    #[arg(long, value_name = "LOG")]
    log: Option<String>,
    /// The site, where the log has several.
    #[arg(long, value_name = "SITE", value_parser = history::site_id)]
    site: Option<SiteId>,
    /// Write it as JSON.
    #[arg(long)]
    json: bool,
}

impl From<ChangesArgs> for Scope {
    fn from(ChangesArgs { dir, id, axes, log, site, json }: ChangesArgs) -> Self {
        Self { dir, id, axes, log, site, json }
    }
}

/// Of what, and as seen when.
#[derive(Debug, ClapArgs)]
pub(crate) struct Scope {
    /// The output folder of a run, with its log.db.
    dir: PathBuf,
    /// The account, the pool, or the bill as ACCOUNT/YYYY-MM.
    id: String,
    #[command(flatten)]
    axes: Axes,
    /// Another log: a file, or nats://HOST:PORT/STREAM.
    #[arg(long, value_name = "LOG")]
    log: Option<String>,
    /// The site, where the log has several.
    #[arg(long, value_name = "SITE", value_parser = history::site_id)]
    site: Option<SiteId>,
    /// Write it as JSON.
    #[arg(long)]
    json: bool,
}

/// The two time axes.
#[derive(Debug, ClapArgs)]
pub(crate) struct Axes {
    /// By the facts received up to this instant (RFC 3339); by all of them otherwise.
    #[arg(long, value_name = "INSTANT")]
    known_at: Option<String>,
    /// What was in force on this local day.
    #[arg(long, value_name = "DATE")]
    effective: Option<String>,
}

impl Axes {
    /// The instant up to which facts count.
    pub(crate) fn known_at(&self) -> Result<Option<Instant>, Failure> {
        let parse = |text: &String| {
            Instant::parse(text).map_err(|error| bad(error, "give --known-at as in 2026-04-02T00:00:00Z"))
        };
        self.known_at.as_ref().map(parse).transpose()
    }

    /// The day that is asked for.
    pub(crate) fn effective(&self) -> Result<Option<Date>, Failure> {
        let parse = |text: &String| {
            Date::parse(text).ok_or_else(|| bad(format!("'{text}' is no date"), "give --effective as in 2026-04-02"))
        };
        self.effective.as_ref().map(parse).transpose()
    }
}

/// A log's events received up to an instant, and the site by them.
pub(crate) struct Known {
    pub(crate) entries: Vec<Entry>,
    pub(crate) site: Site,
    pub(crate) at: Instant,
}

impl Known {
    /// Folds what was known at an instant, or all.
    pub(crate) fn at(mut entries: Vec<Entry>, known_at: Option<Instant>) -> Result<Self, Failure> {
        if let Some(at) = known_at {
            entries.retain(|entry| entry.event.received <= at);
        }
        let last = entries.last().map(|entry| entry.event.received);
        let Some(last) = last else {
            return Err(bad("nothing was known then", "name a later instant"));
        };
        let (mut site, _) = history::replay(&entries, None).map_err(failed)?;
        let at = known_at.unwrap_or(last);
        site.advance(at).map_err(|error| bad(error, "mend the fact that the message names"))?;
        Ok(Self { entries, site, at })
    }

    /// An event of the log by its id.
    fn event(&self, id: EventId) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.event.id == id)
    }

    /// Who and why, of an event that a person caused.
    pub(crate) fn trail(&self, entry: &Entry) -> Trail {
        let cause = entry.event.cause.and_then(|id| self.event(id)).map(|cause| &cause.event.body);
        let (by, reason, reverses) = match (&entry.event.body, cause) {
            (Body::ChangeRecorded(change), _) | (_, Some(Body::ChangeRecorded(change))) => {
                (change.author.clone(), Some(change.reason.clone()), change.reverses)
            }
            (Body::ChangeProposed(change), _) => (change.author.clone(), Some(change.reason.clone()), change.reverses),
            (Body::PostingMade(data), _) => (data.by.clone(), Some(data.reason.clone()), None),
            (Body::ReadingWithdrawn(data), _) => (data.by.clone(), Some(data.reason.clone()), None),
            (Body::ReadingReleased(data), _) => (data.by.clone(), Some(data.reason.clone()), None),
            _ => (entry.event.actor.clone(), None, None),
        };
        Trail { by, reason, reverses }
    }
}

/// Who caused an event, why, and what it takes back.
pub(crate) struct Trail {
    pub(crate) by: String,
    pub(crate) reason: Option<String>,
    pub(crate) reverses: Option<EventId>,
}

/// An event's envelope as a document.
pub(crate) fn envelope(known: &Known, entry: &Entry) -> Value {
    let event = &entry.event;
    let trail = known.trail(entry);
    json!({
        "position": event.position, "id": event.id, "type": event.body.type_name(), "time": event.time,
        "received": event.received, "by": trail.by, "reason": trail.reason, "reverses": trail.reverses,
        "cause": event.cause, "leaf": hex(&entry.leaf), "data": event.body.to_value(),
    })
}

/// Runs the command.
pub fn run(args: Args, console: &mut Console) -> Result<Exit, Failure> {
    type Show = fn(&Known, &Scope, &mut Console) -> Result<Exit, Failure>;
    let (scope, show): (Scope, Show) = match args.what {
        What::Account(scope) => (scope, account::show),
        What::Pool(scope) => (scope, pool::show),
        What::Bill(scope) => (scope, bill::show),
        What::Changes(args) => (args.into(), changes::show),
    };
    let entries = history::read_site(&scope.dir, scope.log.as_deref(), scope.site.as_ref()).map_err(failed)?;
    let known = Known::at(entries, scope.axes.known_at()?)?;
    show(&known, &scope, console)
}

/// A member as a table shows it.
fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
