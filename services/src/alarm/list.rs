//! `tallywatt alarms list`: what was raised, acknowledged and cleared.

use domain::alarm::Happened;
use domain::event::{AlarmEvent, AlarmKind};
use serde_json::{Value, json};

use super::{Place, notice, read};
use crate::console::Console;
use crate::exit::{Exit, Failure};

/// Show what was raised, acknowledged and cleared, the newest first.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  tallywatt alarms list DIR --open
  tallywatt alarms list DIR --kind low_balance --json")]
pub(super) struct Args {
    #[command(flatten)]
    place: Place,
    /// Only those that are not over.
    #[arg(long)]
    open: bool,
    /// Only this kind.
    #[arg(long, value_name = "KIND", value_parser = kind_of)]
    kind: Option<AlarmKind>,
    /// At most so many.
    #[arg(long, value_name = "N", default_value_t = 100)]
    last: usize,
    /// Write them as JSON.
    #[arg(long)]
    json: bool,
}

pub(super) fn kind_of(text: &str) -> Result<AlarmKind, String> {
    AlarmKind::of_name(text).ok_or_else(|| {
        let names = AlarmKind::ALL.map(AlarmKind::name).join(", ");
        format!("it is one of {names}")
    })
}

/// Runs the command.
pub(super) fn run(args: &Args, console: &mut Console) -> Result<Exit, Failure> {
    let (site, alarms, at) = read(&args.place)?;
    let is_open = |one: &Happened| {
        let AlarmEvent::AlarmRaised(data) = &one.event else { return false };
        alarms.open_of(data.kind, &data.subject).is_some_and(|open| open.raised.episode == data.episode)
    };
    let wanted = |one: &&Happened| {
        (!args.open || is_open(one))
            && args.kind.is_none_or(|kind| one.event.about().is_some_and(|(of, ..)| of == kind))
    };
    let decimals = 2;
    let found: Vec<(&Happened, Value)> =
        alarms.recent().filter(wanted).take(args.last).map(|one| (one, notice::said(&site, decimals, one))).collect();
    if args.json {
        let rows: Vec<&Value> = found.iter().map(|(_, row)| row).collect();
        console.line(json!({"alarms": rows, "at": at, "open": alarms.open().count(), "site": site}).to_string());
        return Ok(Exit::Done);
    }
    for (one, row) in &found {
        let text = |name: &str| row.get(name).and_then(Value::as_str).unwrap_or_default();
        let kind = one.event.about().map_or("", |(kind, ..)| kind.name());
        console.line(format!("{} {} {kind} {}", one.at, text("what"), text("text")));
    }
    console.line(format!("{} open at {at}", alarms.open().count()));
    Ok(Exit::Done)
}
