//! `tallywatt doctor`: whether a log is whole, event by event, and whether a service
//! has all it needs. Each check is a function from what was read to what is wrong.

mod service;

use std::path::{Path, PathBuf};

use adapters::event_log::{Kind, LogEvent, Stored};
use clap::Args as ClapArgs;
use domain::event::{Body, Chains, Decoder, Event, SiteId, hex, leaf_hash, readings_id};
use domain::proof::Frontier;
use serde_json::json;

use crate::console::Console;
use crate::exit::{Exit, Failure, bad};
use crate::history::{self, Entry, HistoryError};
use crate::replay::failed;
use crate::serve::Config;

/// Check that a log is whole: readable, canonical, in order, chained, and replayed without a difference.
#[derive(Debug, ClapArgs)]
#[command(after_help = "Example:
  tallywatt doctor target/hand-late
  tallywatt doctor target/hand-late --root 5f0c…   # the root that `tallywatt run` printed
  tallywatt doctor --config tallywatt.toml --meters   # everything that a service needs

Exit code 0: the log is whole; 1: findings, each with its mend.")]
pub struct Args {
    /// The output folder of a run, with its log.db.
    #[arg(required_unless_present = "config")]
    dir: Option<PathBuf>,
    /// A service's file: check its folder, clock, users, sites and logs.
    #[arg(long, value_name = "FILE", conflicts_with = "dir")]
    config: Option<PathBuf>,
    /// Ask every meter of the service once, too. Not while it polls a serial port.
    #[arg(long, requires = "config")]
    meters: bool,
    /// Another log: a file, or nats://HOST:PORT/STREAM.
    #[arg(long, value_name = "LOG")]
    log: Option<String>,
    /// The site, where the log has several.
    #[arg(long, value_name = "SITE", value_parser = history::site_id)]
    site: Option<SiteId>,
    /// The root that the log must have: it also shows what was cut off or edited after the last settlement.
    #[arg(long, value_name = "HEX")]
    root: Option<String>,
    /// Write the result as JSON.
    #[arg(long)]
    json: bool,
}

const RESTORE: &str = "restore the log from its second copy or a backup; never edit it";

const UNREADABLE: &str =
    "do what the message says; where the file is damaged, restore the log from its second copy or a backup";

/// What one check says.
struct Line {
    check: String,
    problems: Vec<String>,
    good: String,
    mend: &'static str,
}

/// Runs the command.
pub fn run(args: Args, console: &mut Console) -> Result<Exit, Failure> {
    let mut lines = Vec::new();
    let mut root = None;
    let Some(dir) = &args.dir else {
        let path = args.config.as_deref().unwrap_or(Path::new("tallywatt.toml"));
        let config = Config::read(path).map_err(|error| bad(error, "mend the file as the message says"))?;
        let lines = service::service(&config, args.meters);
        report(&args, &lines, None, console);
        return Ok(outcome(&lines));
    };
    match history::stored(dir, args.log.as_deref(), args.site.as_ref()) {
        Err(error @ (HistoryError::NoLog(_) | HistoryError::Empty)) => return Err(failed(error)),
        Err(error) => {
            lines.push(Line {
                check: "log".to_owned(),
                problems: vec![error.to_string()],
                good: String::new(),
                mend: UNREADABLE,
            });
        }
        Ok(stored) => {
            lines.push(Line {
                check: "log".to_owned(),
                problems: Vec::new(),
                good: format!("{} events are readable", stored.len()),
                mend: RESTORE,
            });
            root = Some(examine(&stored, args.root.as_deref(), &mut lines).root);
        }
    }
    report(&args, &lines, root.as_deref(), console);
    Ok(outcome(&lines))
}

fn outcome(lines: &[Line]) -> Exit {
    if lines.iter().all(|line| line.problems.is_empty()) { Exit::Done } else { Exit::Differences }
}

/// What was read of a log.
struct Examined {
    entries: Vec<Entry>,
    root: String,
}

/// All checks of a log that can be read.
fn examine(stored: &[Stored], wanted: Option<&str>, lines: &mut Vec<Line>) -> Examined {
    lines.push(positions(stored));
    let (bytes, entries) = events(stored);
    let whole = bytes.problems.is_empty();
    lines.push(bytes);
    let mut tree = Frontier::default();
    for one in stored {
        tree.push(leaf_hash(&one.event.bytes));
    }
    let root = hex(&tree.root());
    let other = wanted.filter(|wanted| *wanted != root).map(|wanted| format!("the root is {root}, not {wanted}"));
    let said = if wanted.is_some() { "as given" } else { "compare it with the one you noted, by --root" };
    lines.push(Line {
        check: "root".to_owned(),
        problems: other.into_iter().collect(),
        good: format!("{root}, {said}"),
        mend: "the log was cut off or edited: restore it from its second copy or a backup",
    });
    if whole {
        lines.push(chains(&entries));
        lines.push(replay(&entries));
    }
    Examined { entries, root }
}

/// Positions are 1, 2, 3, … in one site.
fn positions(stored: &[Stored]) -> Line {
    let mut problems = Vec::new();
    let site = stored.first().map(|one| &one.event.site);
    for (wanted, one) in (1u64..).zip(stored) {
        if one.event.position != wanted {
            problems.push(format!("event {} stands where {wanted} is due", one.event.position));
        }
        if Some(&one.event.site) != site {
            problems.push(format!("event {} is of another site, {}", one.event.position, one.event.site));
        }
    }
    Line {
        check: "positions".to_owned(),
        problems,
        good: format!("1 to {}, without a gap", stored.len()),
        mend: RESTORE,
    }
}

/// Every event's bytes are the ones that its encoding gives, and the log's columns say what they say.
fn events(stored: &[Stored]) -> (Line, Vec<Entry>) {
    let mut decoder = Decoder::new();
    let (mut problems, mut entries) = (Vec::new(), Vec::new());
    for one in stored {
        let at = one.event.position;
        match decoder.decode(&one.event.bytes) {
            Err(error) => problems.push(format!("event {at} cannot be read: {error}")),
            Ok(event) => {
                problems.extend(odd(&event, &one.event).map(|what| format!("event {at}: {what}")));
                entries.push(Entry { event, leaf: leaf_hash(&one.event.bytes) });
            }
        }
    }
    let line = Line {
        check: "bytes".to_owned(),
        problems,
        good: "decoding and encoding each event gives its bytes".to_owned(),
        mend: RESTORE,
    };
    (line, entries)
}

/// What is odd about an event, beside its stored form.
pub(crate) fn odd(event: &Event, columns: &LogEvent) -> Option<String> {
    let kind = match &event.body {
        Body::ReadingsRecorded(_) => Kind::Readings,
        body if body.is_decision() => Kind::Decision,
        _ => Kind::Fact,
    };
    if (event.position, event.id, &event.site, kind) != (columns.position, columns.id, &columns.site, columns.kind) {
        return Some("its position, id, site or kind in the log is not the one in its bytes".to_owned());
    }
    if let Some(batch) = event.readings()
        && readings_id(&event.site, batch) != event.id
    {
        return Some("its id is not the hash of its readings".to_owned());
    }
    match event.encode() {
        Ok(bytes) if bytes == columns.bytes => None,
        Ok(_) => Some("encoding it again gives other bytes".to_owned()),
        Err(error) => Some(format!("it cannot be encoded again: {error}")),
    }
}

fn chains(entries: &[Entry]) -> Line {
    let mut heads = Chains::default();
    let broken = entries.iter().filter(|entry| !heads.extend(&entry.event.chains, &entry.leaf));
    let problems = broken.map(|entry| {
        let keys: Vec<&str> = entry.event.chains.iter().map(|link| link.key.as_str()).collect();
        format!("event {} does not follow in {}", entry.event.position, keys.join(", "))
    });
    Line {
        check: "chains".to_owned(),
        problems: problems.collect(),
        good: "each event about an account, tariff, rule or pool names the one before".to_owned(),
        mend: RESTORE,
    }
}

fn replay(entries: &[Entry]) -> Line {
    let mend = "run `tallywatt replay` for all differences; restore the log, or use the version that wrote it";
    let entries = entries.get(..history::ended(entries)).unwrap_or(entries);
    let (problems, good) = match history::replay(entries, None) {
        Err(error) => (vec![error.to_string()], String::new()),
        Ok((_, found)) => {
            let text = |one: &history::Difference| {
                format!(
                    "event {} ({}) {}: recorded {}, recomputed {}",
                    one.position, one.run, one.what, one.recorded, one.recomputed
                )
            };
            let good = format!("{} decisions of {} runs follow from the facts", found.decisions, found.runs);
            (found.differences.iter().map(text).collect(), good)
        }
    };
    Line { check: "replay".to_owned(), problems, good, mend }
}

fn report(args: &Args, lines: &[Line], root: Option<&str>, console: &mut Console) {
    if args.json {
        let checks = lines.iter().map(|line| {
            let ok = line.problems.is_empty();
            json!({"check": line.check, "ok": ok, "problems": line.problems, "mend": (!ok).then_some(line.mend)})
        });
        let healthy = lines.iter().all(|line| line.problems.is_empty());
        console.line(json!({"healthy": healthy, "root": root, "checks": checks.collect::<Vec<_>>()}).to_string());
        return;
    }
    for line in lines {
        if line.problems.is_empty() {
            console.line(format!("ok      {}: {}", line.check, line.good));
            continue;
        }
        for problem in line.problems.iter().take(10) {
            console.line(format!("FINDING {}: {problem}", line.check));
        }
        if let Some(more) = line.problems.len().checked_sub(10).filter(|more| *more > 0) {
            console.line(format!("        and {more} more"));
        }
        console.line(format!("        mend: {}", line.mend));
    }
}
