//! Alarms: `duty` looks, raises and clears; `command` is what people do; `notice` and `words` are what they read.
//! `tallywatt alarms` shows and acknowledges them over a log, and publishes other bounds.

mod acknowledge;
mod command;
mod duty;
mod list;
mod notice;
mod policy;
mod words;

use std::path::{Path, PathBuf};

use adapters::clock::{Clock as _, SystemClock};
use adapters::event_log;
use clap::Subcommand;
use domain::alarm::Alarms;
use domain::event::SiteId;
use domain::quantity::Instant;

use crate::change::{owner_failure, refresh};
use crate::console::Console;
use crate::exit::{Exit, Failure, bad};
use crate::history::{self, HistoryError};
use crate::owner::{COMMIT, Owner};
use crate::replay::failed;

pub use command::{AlarmError, acknowledge, publish};
pub use duty::AlarmDuty;
pub use notice::{notice, said};
pub(crate) use words::held_as;
pub use words::{cleared_text, raised, raised_text};

/// `tallywatt alarms COMMAND …`
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show what was raised, acknowledged and cleared, the newest first.
    List(list::Args),
    /// Say who sees to an open alarm.
    Acknowledge(acknowledge::Args),
    /// Show the bounds in force, or publish others.
    Policy(policy::Args),
}

/// Runs the command.
pub fn run(args: &Args, console: &mut Console) -> Result<Exit, Failure> {
    match &args.command {
        Command::List(args) => list::run(args, console),
        Command::Acknowledge(args) => acknowledge::run(args, console),
        Command::Policy(args) => policy::run(args, console),
    }
}

/// Where the log is.
#[derive(Debug, clap::Args)]
struct Place {
    /// The output folder of a run, with its log.db.
    dir: PathBuf,
    /// Another log: a file, or nats://HOST:PORT/STREAM.
    #[arg(long, value_name = "LOG")]
    log: Option<String>,
    /// The site, where the log has several.
    #[arg(long, value_name = "SITE", value_parser = history::site_id)]
    site: Option<SiteId>,
}

/// A site's alarms, folded from its log, with the instant of its last event.
fn read(place: &Place) -> Result<(SiteId, Alarms, Instant), Failure> {
    let entries = history::read_site(&place.dir, place.log.as_deref(), place.site.as_ref()).map_err(failed)?;
    let last = entries.last().ok_or_else(|| failed(HistoryError::Empty))?;
    let mut alarms = Alarms::default();
    for entry in &entries {
        alarms.apply(&entry.event);
    }
    Ok((last.event.site.clone(), alarms, last.event.received))
}

/// Appends by the owner of a log that nobody serves at present.
pub(crate) fn with_owner<T>(
    dir: &Path,
    log: Option<&str>,
    site: SiteId,
    at: Option<Instant>,
    append: impl FnOnce(&mut Owner<'_>, Instant) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let location = log.map_or_else(|| dir.join("log.db").display().to_string(), str::to_owned);
    let mut log = event_log::open(&location).map_err(|error| owner_failure(error.into()))?;
    let mut owner = Owner::open(log.as_mut(), site, COMMIT).map_err(owner_failure)?;
    let last = owner.received().unwrap_or_default();
    let now = at.unwrap_or_else(|| SystemClock.now().max(last));
    if now < last {
        let text = format!("the log's last event was received at {last}, after {now}");
        return Err(bad(text, "what becomes known is appended at the end: give a later --at"));
    }
    if !owner.site().held().is_empty() {
        owner.site_mut().hold_errors();
    }
    let before = owner.runs();
    owner.settle_before(now).map_err(owner_failure)?;
    let done = append(&mut owner, now)?;
    owner.flush().map_err(owner_failure)?;
    if owner.runs() > before {
        refresh(dir, &mut owner, now)?;
    }
    Ok(done)
}
