//! Readings that are kept and shown, but not booked: `view` lists them with what was read before and after, and
//! `command` lets one in or leaves one out, for whoever has the owner. `tallywatt quarantine` does both over a log.

mod command;
mod view;

use std::path::PathBuf;

use clap::Subcommand;
use domain::event::{Body, ChangeKind, MeterId, ReadingReleased, ReadingWithdrawn};
use domain::quantity::Instant;
use serde_json::json;

use crate::change::{Book, Plan, Target, carry_out, said};
use crate::console::Console;
use crate::exit::{Exit, Failure, bad};
use crate::history;
use crate::replay::failed;

pub use command::{Ask, Done, QuarantineError, release, withdraw};
pub use view::{Neighbour, Row, list};

/// `tallywatt quarantine COMMAND …`
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show what is held, why, and what was read before and after.
    List(List),
    /// Let a quarantined or withdrawn reading in, after a dry run.
    Release(Change),
    /// Leave an accepted reading out, after a dry run.
    Withdraw(Change),
}

/// Show what is held, why, and what was read before and after.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  tallywatt quarantine list DIR --meter M-2")]
struct List {
    /// The output folder of a run, with its log.db.
    dir: PathBuf,
    /// Another log: a file, or nats://HOST:PORT/STREAM.
    #[arg(long, value_name = "LOG")]
    log: Option<String>,
    /// Only this meter.
    #[arg(long, value_name = "METER", value_parser = meter_of)]
    meter: Option<MeterId>,
    /// Write the list as JSON.
    #[arg(long)]
    json: bool,
}

/// A reading, by its meter and instant.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  tallywatt quarantine release DIR --meter M-2 --time 2026-02-04T00:00:00Z --by 'J. Doe' --reason 'read on site' --yes")]
struct Change {
    #[command(flatten)]
    target: Target,
    /// Its meter.
    #[arg(long, value_name = "METER", value_parser = meter_of)]
    meter: MeterId,
    /// Its instant.
    #[arg(long, value_name = "INSTANT", value_parser = Instant::parse)]
    time: Instant,
    /// Who.
    #[arg(long, value_name = "NAME")]
    by: String,
    /// Why.
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

fn meter_of(text: &str) -> Result<MeterId, &'static str> {
    MeterId::try_new(text).ok_or("a meter's id has 1 to 64 bytes, no control character and no slash")
}

/// Runs the command.
pub fn run(args: Args, console: &mut Console) -> Result<Exit, Failure> {
    match args.command {
        Command::List(args) => show(&args, console),
        Command::Release(args) => change(&args, true, console),
        Command::Withdraw(args) => change(&args, false, console),
    }
}

/// The fact of a change, as a plan of one.
fn plan(release: bool, meter: MeterId, time: Instant, by: String, reason: String) -> Plan {
    let (who, why) = (by.clone(), reason.clone());
    let body = if release {
        Body::ReadingReleased(ReadingReleased { by: who, meter, reading_time: time, reason: why })
    } else {
        Body::ReadingWithdrawn(ReadingWithdrawn { by: who, meter, reading_time: time, reason: why })
    };
    let facts = vec![(time, body)];
    Plan { kind: ChangeKind::Correct, author: by, reason, reverses: None, approved: None, facts }
}

fn change(args: &Change, release: bool, console: &mut Console) -> Result<Exit, Failure> {
    let (by, reason) = (said("--by", &args.by)?, said("--reason", &args.reason)?);
    let mut book = Book::open(&args.target)?;
    let plan = plan(release, args.meter.clone(), args.time, by, reason);
    carry_out(&mut book, &plan, &args.target, None, console)
}

fn show(args: &List, console: &mut Console) -> Result<Exit, Failure> {
    let entries = history::read(&args.dir, args.log.as_deref()).map_err(failed)?;
    let at = entries.last().map_or(Instant::default(), |entry| entry.event.received);
    let (mut site, _) = history::replay(&entries, None).map_err(failed)?;
    site.advance(at).map_err(|error| bad(error, "mend the fact that the message names"))?;
    let rows = list(&site, args.meter.as_ref(), at);
    if args.json {
        console.line(json!({"at": at, "readings": rows}).to_string());
        return Ok(Exit::Done);
    }
    for row in &rows {
        let near = |one: &Option<Neighbour>| {
            one.as_ref().map_or_else(|| "nothing".to_owned(), |one| format!("{} kWh at {}", one.kwh, one.time))
        };
        let ends = if row.refusal.is_none() { "may be released" } else { "cannot be released" };
        let why = row.refusal.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
        console.line(format!("{} {} {} kWh: {} ({ends}{why})", row.meter, row.time, row.kwh, row.reason));
        console.line(format!("  before {}, after {}", near(&row.before), near(&row.after)));
    }
    console.line(format!("{} readings are held at {at}", rows.len()));
    Ok(Exit::Done)
}
