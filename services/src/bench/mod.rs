//! `tallywatt bench`: each figure beside its raw limit, in the same run.

mod ask;
mod child;
mod data;
mod http;
mod ingest;
mod live;
mod meters;
mod rating;
mod recharge;
mod restoring;
mod serve;
mod settling;
mod what_if;

use std::path::PathBuf;
use std::time::Instant as Clock;

use clap::Args as ClapArgs;
use serde_json::json;

use crate::console::Console;
use crate::exit::{Exit, Failure};

/// Measure rating, replay, log size, durable append and meters, each beside its raw limit.
#[derive(Debug, ClapArgs)]
#[command(after_help = "Example:
  tallywatt bench --meters 1000 --days 5 --json")]
#[expect(clippy::struct_excessive_bools, reason = "flags of a command line")]
pub struct Args {
    /// Meters, read every minute.
    #[arg(long, default_value_t = 1000)]
    meters: usize,
    /// Days of readings.
    #[arg(long, default_value_t = 5)]
    days: usize,
    /// Where the log of the bench is written, and removed again.
    #[arg(long, default_value = "target/bench")]
    dir: PathBuf,
    /// Only rating in memory, as `make rivals` compares it.
    #[arg(long)]
    rating: bool,
    /// Only live balances over gRPC while readings come in.
    #[arg(long, conflicts_with = "rating")]
    live: bool,
    /// Only the time from a payment to a relay that is read back.
    #[arg(long, conflicts_with_all = ["rating", "live"])]
    restoring: bool,
    /// Only what a service as a process of its own gives, on a log of ten million readings: pages, streams, memory, explain.
    #[arg(long, conflicts_with_all = ["rating", "live", "restoring"])]
    serve: bool,
    /// Ask for balances there; what `--live` and `--serve` start.
    #[arg(long, hide = true, conflicts_with_all = ["rating", "live", "restoring", "serve"])]
    ask: Option<String>,
    /// Write the figures as JSON.
    #[arg(long)]
    json: bool,
}

/// A figure beside its limit.
#[derive(Debug)]
pub(crate) struct Figure {
    /// What was measured.
    pub(crate) what: &'static str,
    /// What it is in.
    pub(crate) unit: &'static str,
    /// Ours.
    pub(crate) ours: u128,
    /// The raw limit, and what that is.
    pub(crate) limit: Option<(u128, &'static str)>,
    /// The least of several times, where ours is their median.
    pub(crate) least: Option<u128>,
}

/// How many of `count` a second, when they took this long.
pub(crate) fn per_second(count: usize, began: Clock) -> u128 {
    let nanos = began.elapsed().as_nanos().max(1);
    let count = u128::try_from(count).unwrap_or(u128::MAX);
    count.saturating_mul(1_000_000_000).checked_div(nanos).unwrap_or_default()
}

/// The best of three: the others were disturbed.
pub(crate) fn best(mut once: impl FnMut() -> u128) -> u128 {
    (0..3).map(|_| once()).max().unwrap_or_default()
}

/// Rating in memory; unless only that is asked for, log, what-if, settling and meters.
fn measure(args: &Args) -> Result<Vec<Figure>, Box<dyn std::error::Error + Send + Sync>> {
    let (units, days) = (args.meters.max(1), args.days.max(1));
    let data = data::Registers::new(units, days);
    let mut figures = rating::measure(&data);
    if !args.rating {
        figures.extend(ingest::measure(&data, &args.dir)?);
        figures.extend(what_if::measure(&data, &args.dir)?);
        figures.push(settling::replay(units, days.min(7), &args.dir)?);
        figures.extend(settling::accounts(units)?);
        figures.extend(recharge::measure(&args.dir)?);
        figures.extend(meters::measure(&args.dir)?);
    }
    Ok(figures)
}

/// Runs the command.
pub fn run(args: Args, console: &mut Console) -> Result<Exit, Failure> {
    let storage = |error: Box<dyn std::error::Error + Send + Sync>| Failure {
        exit: Exit::Storage,
        error,
        mend: "name a --dir with room and rights".to_owned(),
    };
    let units = args.meters.max(1);
    if let Some(address) = &args.ask {
        console.line(ask::run(address, units).map_err(storage)?.to_string());
        return Ok(Exit::Done);
    }
    let only = args.rating || args.live || args.restoring || args.serve;
    let mut figures = Vec::new();
    if args.rating || !only {
        figures.extend(measure(&args).map_err(storage)?);
    }
    if args.live || !only {
        figures.extend(live::measure(units, &args.dir).map_err(storage)?);
    }
    if args.serve || !only {
        figures.extend(serve::measure(units, &args.dir).map_err(storage)?);
    }
    if args.restoring || !only {
        figures.extend(restoring::measure(&args.dir).map_err(storage)?);
    }
    if args.json {
        let rows = figures.iter().map(|figure| {
            json!({
                "what": figure.what, "unit": figure.unit, "value": figure.ours.to_string(),
                "least": figure.least.map(|least| least.to_string()),
                "limit": figure.limit.map(|(limit, _)| limit.to_string()), "limit_is": figure.limit.map(|(_, is)| is),
            })
        });
        console
            .line(json!({"meters": args.meters, "days": args.days, "figures": rows.collect::<Vec<_>>()}).to_string());
    } else {
        for figure in &figures {
            let limit = figure.limit.map_or_else(String::new, |(limit, is)| {
                let percent = figure.ours.saturating_mul(100).checked_div(limit.max(1)).unwrap_or_default();
                format!("  {percent} % of {limit} ({is})")
            });
            let least = figure.least.map_or_else(String::new, |least| format!(", least {least}"));
            console.line(format!("{:<50} {:>14} {}{least}{limit}", figure.what, figure.ours, figure.unit));
        }
    }
    Ok(Exit::Done)
}
