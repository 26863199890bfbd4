//! `tallywatt close-check`: whether a month can be closed, and what stands
//! against it.

mod checks;
mod loss;

use std::path::PathBuf;

use clap::Args as ClapArgs;
use domain::event::SiteId;
use domain::quantity::{Instant, Month};
use rust_decimal::Decimal;
use serde::Serialize;
use serde_json::json;

use crate::console::Console;
use crate::exit::{Exit, Failure, bad};
use crate::history;
use crate::replay::failed;
use crate::told::Told;
use crate::what_if::month_of;

/// Check whether a month can be closed: gaps, silence, quarantine, suspense, conservation, held bills.
#[derive(Debug, ClapArgs)]
#[command(after_help = "Example:
  tallywatt close-check target/hand-late --month 2026-02
  tallywatt close-check DIR --month 2026-02 --loss-percent 3 --json

Checks: gap, silent, quarantine, suspense, loss (main = tenants + common + loss, by period),
conservation (shares = cost), replay (decisions follow from the facts), held, unsettled.
Exit code 0: no finding; 1: findings, each named.")]
pub struct Args {
    /// The output folder of a run, with its log.db.
    dir: PathBuf,
    /// The month.
    #[arg(long, value_name = "YYYY-MM")]
    month: String,
    /// How much of the main meters' energy may be lost, or be too much, in a period.
    #[arg(long, value_name = "PERCENT", default_value = "5")]
    loss_percent: Decimal,
    /// Another log: a file, or nats://HOST:PORT/STREAM.
    #[arg(long, value_name = "LOG")]
    log: Option<String>,
    /// The site, where the log has several.
    #[arg(long, value_name = "SITE", value_parser = history::site_id)]
    site: Option<SiteId>,
    /// Write the findings as JSON.
    #[arg(long)]
    json: bool,
}

/// Something that stands against closing a month.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Which check found it.
    pub check: &'static str,
    /// The point, meter, pool, account or reference.
    pub subject: String,
    /// What is wrong, and what mends it.
    pub text: String,
    /// The same before it has a language.
    #[serde(skip)]
    pub told: Told,
}

impl Finding {
    fn new(check: &'static str, subject: impl ToString, told: Told) -> Self {
        Self { check, subject: subject.to_string(), text: told.english(), told }
    }
}

/// What stands against closing a month of a log, in the order of the checks.
pub fn findings(entries: &[history::Entry], month: Month, loss: Decimal) -> Result<Vec<Finding>, Failure> {
    let (mut site, replayed) = history::replay(entries, None).map_err(failed)?;
    let at = entries.last().map_or(Instant::default(), |entry| entry.event.received);
    // A reading that contradicts a meter's table is among the findings of `held`.
    site.advance(at).map_err(|error| bad(error, "mend the fact that the message names"))?;
    let mut found = checks::gaps(&site, month);
    found.extend(checks::silent(&site, month));
    found.extend(checks::quarantine(&site, month));
    found.extend(checks::suspense(&site, entries, month));
    found.extend(loss::check(&site, month, loss)?);
    found.extend(checks::conservation(&site, month));
    found.extend(checks::replay(&replayed));
    found.extend(checks::held(&site, month));
    found.extend(checks::unsettled(&site, month));
    Ok(found)
}

/// Runs the command.
pub fn run(args: Args, console: &mut Console) -> Result<Exit, Failure> {
    let month = month_of(&args.month)?;
    if args.loss_percent.is_sign_negative() || args.loss_percent > Decimal::ONE_HUNDRED {
        return Err(bad("--loss-percent is out of bounds", "write 0 to 100"));
    }
    let entries = history::read_site(&args.dir, args.log.as_deref(), args.site.as_ref()).map_err(failed)?;
    let found = findings(&entries, month, args.loss_percent)?;
    if args.json {
        console.line(json!({"month": month, "ready": found.is_empty(), "findings": found}).to_string());
    } else {
        for one in &found {
            console.line(format!("{} {}: {}", one.check, one.subject, one.text));
        }
        let count = found.len();
        let summary =
            if count == 0 { "nothing stands against closing it".to_owned() } else { format!("{count} findings") };
        console.line(format!("{month}: {summary}"));
    }
    Ok(if found.is_empty() { Exit::Done } else { Exit::Differences })
}
