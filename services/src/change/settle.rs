//! `tallywatt settle`: goes on with a log that is there, up to an instant.

use std::path::PathBuf;

use adapters::event_log;
use clap::Args as ClapArgs;
use domain::event::SiteId;
use domain::quantity::Instant;
use serde_json::json;

use super::book::{owner_failure, refresh};
use crate::console::Console;
use crate::exit::{Exit, Failure, bad};
use crate::history;
use crate::owner::{COMMIT, Owner};
use crate::replay::failed;

/// Settle every day and issue every bill due up to an instant, by the facts in the log.
#[derive(Debug, ClapArgs)]
#[command(after_help = "Example:
  tallywatt settle target/hand-late --until 2026-05-02T00:00:00Z")]
pub struct Args {
    /// The output folder of a run, with its log.db.
    dir: PathBuf,
    /// Up to and with this instant (RFC 3339).
    #[arg(long, value_name = "INSTANT")]
    until: String,
    /// Another log: a file, or nats://HOST:PORT/STREAM.
    #[arg(long, value_name = "LOG")]
    log: Option<String>,
    /// The site, where the log has several.
    #[arg(long, value_name = "SITE", value_parser = history::site_id)]
    site: Option<SiteId>,
    /// Hold the bill of an account whose data are in error, and go on.
    #[arg(long)]
    hold: bool,
    /// Write the summary as JSON.
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub fn run(args: Args, console: &mut Console) -> Result<Exit, Failure> {
    let until = Instant::parse(&args.until).map_err(|error| bad(error, "give --until as in 2026-04-02T00:00:00Z"))?;
    let entries = history::read_site(&args.dir, args.log.as_deref(), args.site.as_ref()).map_err(failed)?;
    let site = entries
        .first()
        .map(|entry| entry.event.site.clone())
        .ok_or_else(|| bad("the log has no event", "run a site into it first"))?;
    drop(entries);
    let location = args.log.clone().unwrap_or_else(|| args.dir.join("log.db").display().to_string());
    let mut log = event_log::open(&location).map_err(|error| owner_failure(error.into()))?;
    let mut owner = Owner::open(log.as_mut(), site, COMMIT).map_err(owner_failure)?;
    if args.hold {
        owner.site_mut().hold_errors();
    }
    let before = owner.runs();
    owner.settle_before(until.plus(1)).map_err(owner_failure)?;
    owner.flush().map_err(owner_failure)?;
    let bills = refresh(&args.dir, &mut owner, until)?;
    let (runs, held) = (owner.runs().saturating_sub(before), owner.site().held().len());
    if args.json {
        let root = domain::event::hex(&owner.root());
        console.line(
            json!({"events": owner.events(), "runs": runs, "bills": bills, "held": held, "root": root}).to_string(),
        );
    } else {
        console.line(format!(
            "{} events, {runs} further settlements and bill runs, {bills} bills, {held} held",
            owner.events()
        ));
    }
    Ok(Exit::Done)
}
