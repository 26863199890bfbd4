//! `tallywatt alarms acknowledge`: who sees to an alarm.

use domain::event::{AlarmKind, AlarmSubject};
use domain::quantity::Instant;
use serde_json::json;

use super::command::{AlarmError, acknowledge};
use super::list::kind_of;
use super::{Place, read, with_owner};
use crate::change::owner_failure;
use crate::console::Console;
use crate::exit::{Exit, Failure, bad};

/// Say who sees to an open alarm; without --yes it is only looked for.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  tallywatt alarms acknowledge DIR --kind silent_meter --about meter/M-1 --by 'J. Doe' --note 'fuse' --yes")]
pub(super) struct Args {
    #[command(flatten)]
    place: Place,
    /// The kind.
    #[arg(long, value_name = "KIND", value_parser = kind_of)]
    kind: AlarmKind,
    /// About whom: account/ID, meter/ID, point/ID or site.
    #[arg(long, value_name = "SUBJECT", value_parser = |text: &str| AlarmSubject::try_from(text.to_owned()))]
    about: AlarmSubject,
    /// Who.
    #[arg(long, value_name = "NAME")]
    by: String,
    /// What is done about it.
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
    /// When it becomes known (RFC 3339): now, or as late as the log's last event.
    #[arg(long, value_name = "INSTANT", value_parser = Instant::parse)]
    at: Option<Instant>,
    /// Append it; without this nothing is written.
    #[arg(long)]
    yes: bool,
    /// Write the result as JSON.
    #[arg(long)]
    json: bool,
}

/// What a refusal means to a person at a terminal.
pub(super) fn failure(error: AlarmError) -> Failure {
    match error {
        AlarmError::Refused(refused) => bad(refused, "mend what the message says; nothing was appended"),
        AlarmError::Owner(error) => owner_failure(error),
    }
}

/// Runs the command.
pub(super) fn run(args: &Args, console: &mut Console) -> Result<Exit, Failure> {
    let (site, alarms, _) = read(&args.place)?;
    let note = args.note.as_deref();
    domain::alarm::acknowledge(&alarms, args.kind, &args.about, &args.by, note)
        .map_err(|refused| failure(refused.into()))?;
    if !args.yes {
        if args.json {
            console.line(json!({"appended": false}).to_string());
        } else {
            console.line(format!("{} about {} is open; nothing is written: add --yes", args.kind, args.about));
        }
        return Ok(Exit::Done);
    }
    let Place { dir, log, .. } = &args.place;
    let id = with_owner(dir, log.as_deref(), site, args.at, |owner, now| {
        acknowledge(owner, now, args.kind, &args.about, &args.by, note).map_err(failure)
    })?;
    if args.json {
        console.line(json!({"appended": true, "event": id}).to_string());
    } else {
        console.line(format!("event {id}: {} sees to {} about {}", args.by, args.kind, args.about));
    }
    Ok(Exit::Done)
}
