//! `tallywatt replay`: every decision recomputed from the facts up to its `seen`.

use std::path::PathBuf;

use clap::Args as ClapArgs;
use domain::event::SiteId;
use serde_json::json;

use crate::console::Console;
use crate::exit::{Exit, Failure};
use crate::history::{self, HistoryError};

/// Recompute every decision of a log from its facts, and name each difference.
#[derive(Debug, ClapArgs)]
#[command(after_help = "Example:
  tallywatt replay target/hand-late

Exit code 0: no difference; 1: differences, each named.")]
pub struct Args {
    /// The output folder of a run, with its log.db.
    dir: PathBuf,
    /// Another log: a file, or nats://HOST:PORT/STREAM.
    #[arg(long, value_name = "LOG")]
    log: Option<String>,
    /// The site, where the log has several.
    #[arg(long, value_name = "SITE", value_parser = history::site_id)]
    site: Option<SiteId>,
    /// How many differences to print.
    #[arg(long, default_value_t = 50, value_name = "N")]
    max: usize,
    /// Write the result as JSON.
    #[arg(long)]
    json: bool,
}

/// The failure of a history, with its mend.
pub(crate) fn failed(error: HistoryError) -> Failure {
    let (exit, mend) = match &error {
        HistoryError::NoLog(_) | HistoryError::Empty => {
            (Exit::BadInput, "name a folder that `tallywatt run` has written")
        }
        HistoryError::ManySites { .. } => (Exit::BadInput, "name the site with --site"),
        HistoryError::Log(_) => (Exit::Storage, "see that the log is there, readable and not newer than this program"),
        HistoryError::Event { .. } | HistoryError::Billing { .. } => {
            (Exit::Differences, "the log was changed outside tallywatt, or written by a newer version: restore it")
        }
    };
    Failure { exit, error: Box::new(error), mend: mend.to_owned() }
}

/// Runs the command.
pub fn run(args: Args, console: &mut Console) -> Result<Exit, Failure> {
    let found = history::replay_log(&args.dir, args.log.as_deref(), args.site.as_ref()).map_err(failed)?;
    let shown = found.differences.iter().take(args.max);
    if args.json {
        let document = json!({
            "facts": found.facts, "runs": found.runs, "decisions": found.decisions,
            "differences": found.differences.len(), "shown": shown.collect::<Vec<_>>(),
        });
        console.line(document.to_string());
    } else {
        for one in shown {
            console.line(format!(
                "event {} ({}) {}: recorded {}, recomputed {}",
                one.position, one.run, one.what, one.recorded, one.recomputed
            ));
        }
        console.line(format!(
            "{} facts, {} runs, {} decisions compared, {} differences",
            found.facts,
            found.runs,
            found.decisions,
            found.differences.len()
        ));
    }
    Ok(if found.differences.is_empty() { Exit::Done } else { Exit::Differences })
}
