//! `tallywatt run`: a site folder through the whole pipeline, in a batch, time by `received`.

pub(crate) mod output;

use std::fs;
use std::path::{Path, PathBuf};

use adapters::event_log::{self, EventLog, Sequence};
use adapters::site_folder::{Fact, SiteFolder};
use clap::Args as ClapArgs;
use domain::event::{EventId, ReadingRow};
use domain::prepayment::{self, Settled};
use domain::quantity::Instant;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use crate::console::Console;
use crate::exit::{Exit, Failure};
use crate::owner::{COMMIT, Owner};

/// Run a site folder up to an instant, and write its bills, allocations, balances and quarantine.
#[derive(Debug, ClapArgs)]
#[command(after_help = "Example:
  tallywatt run tests/site-cases/hand-late --until 2026-04-02T00:00:00Z --out target/hand-late
  tallywatt run SITE --until 2026-04-02T00:00:00Z --out DIR --log nats://127.0.0.1:4222/SITE")]
pub struct Args {
    /// The site folder: site.toml, readings.csv, recharges.csv.
    site: PathBuf,
    /// Play facts received, and settlements and bills due, up to this instant (RFC 3339).
    #[arg(long, value_name = "INSTANT")]
    until: String,
    /// Where the files go; a folder that is not there yet.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// The log: a file, or nats://HOST:PORT/STREAM; by default log.db in the output folder.
    #[arg(long, value_name = "LOG")]
    log: Option<String>,
    /// How many events a commit holds, at most 500.
    #[arg(long, default_value_t = COMMIT, value_name = "EVENTS")]
    commit: usize,
    /// Hold the bill of an account whose data are in error, and go on, instead of stopping.
    #[arg(long)]
    hold: bool,
    /// Write the summary as JSON.
    #[arg(long)]
    json: bool,
}

fn failure(exit: Exit, error: impl Into<Box<dyn std::error::Error + Send + Sync>>, mend: &str) -> Failure {
    Failure { exit, error: error.into(), mend: mend.to_owned() }
}

/// Runs the command.
pub fn run(args: Args, console: &mut Console) -> Result<Exit, Failure> {
    let until = Instant::parse(&args.until)
        .map_err(|error| failure(Exit::BadInput, error, "give --until as in 2026-04-02T00:00:00Z"))?;
    if args.out.exists() {
        let text = format!("{} is there already", args.out.display());
        return Err(failure(Exit::BadInput, text, "name a folder that is not there yet, or remove it"));
    }
    let folder = SiteFolder::open(&args.site).map_err(|error| {
        let mend = error.mend.clone();
        failure(Exit::BadInput, error, &mend)
    })?;
    let partial = partial_of(&args.out);
    let outcome = run_into(&args, folder, until, &partial, console);
    if outcome.is_err() && partial.exists() {
        fs::remove_dir_all(&partial).map_err(|error| failure(Exit::Storage, error, "remove the .partial folder"))?;
    }
    outcome
}

fn partial_of(out: &Path) -> PathBuf {
    let mut name = out.file_name().unwrap_or_default().to_owned();
    name.push(".partial");
    out.with_file_name(name)
}

fn run_into(
    args: &Args,
    folder: SiteFolder,
    until: Instant,
    dir: &Path,
    console: &mut Console,
) -> Result<Exit, Failure> {
    let storage = |error: std::io::Error| failure(Exit::Storage, error, "make room or give rights there");
    if dir.exists() {
        fs::remove_dir_all(dir).map_err(storage)?;
    }
    fs::create_dir_all(dir).map_err(storage)?;
    let location = args.log.clone().unwrap_or_else(|| dir.join("log.db").display().to_string());
    let log_failure = |error: event_log::LogError| failure(Exit::Storage, error, "see that the log is there and yours");
    let mut log = event_log::open(&location).map_err(log_failure)?;
    if log.head().map_err(log_failure)? != Sequence(0) {
        return Err(failure(Exit::BadInput, "the log has events already", "run into an empty log"));
    }
    let summary = play(log.as_mut(), folder, until, args, dir)?;
    drop(log);
    fs::rename(dir, &args.out).map_err(storage)?;
    if args.json {
        console.line(summary.to_string());
    } else {
        let text =
            |name: &str| summary.get(name).map_or_else(String::new, |v| v.to_string().trim_matches('"').to_owned());
        for warning in summary.get("warnings").and_then(serde_json::Value::as_array).into_iter().flatten() {
            console.line(format!("warning: {}", warning.as_str().unwrap_or_default()));
        }
        console.line(format!(
            "{} events, {} settlements and bill runs, {} bills, {} held, root {}",
            text("events"),
            text("runs"),
            text("bills"),
            text("held"),
            text("root")
        ));
    }
    Ok(Exit::Done)
}

/// Facts and readings of one `received`.
struct Arrival {
    facts: Vec<Fact>,
    rows: Vec<ReadingRow>,
    after: Vec<Fact>,
}

fn arrivals(folder: SiteFolder) -> std::collections::BTreeMap<Instant, Arrival> {
    let mut all = std::collections::BTreeMap::new();
    let empty = || Arrival { facts: Vec::new(), rows: Vec::new(), after: Vec::new() };
    for fact in folder.facts {
        let of = all.entry(fact.received).or_insert_with(empty);
        if fact.after_readings { of.after.push(fact) } else { of.facts.push(fact) }
    }
    for (received, row) in folder.readings {
        all.entry(received).or_insert_with(empty).rows.push(row);
    }
    all
}

fn play(
    log: &mut dyn EventLog,
    folder: SiteFolder,
    until: Instant,
    args: &Args,
    dir: &Path,
) -> Result<serde_json::Value, Failure> {
    let stop = |error: crate::owner::OwnerError| match error {
        error @ crate::owner::OwnerError::Log(_) => failure(
            Exit::Storage,
            error,
            "mend what the message says, and run again; nothing was left in the output folder",
        ),
        error => failure(Exit::BadInput, error, "mend the site folder as the message says, and run again"),
    };
    let mut owner = Owner::new(log, folder.site.clone(), args.commit).map_err(stop)?;
    if args.hold {
        owner.site_mut().hold_errors();
    }
    let arrivals = arrivals(folder);
    let bar = ProgressBar::new(u64::try_from(arrivals.len()).unwrap_or(u64::MAX));
    bar.set_style(
        ProgressStyle::with_template("{bar:40} {percent}% {msg} {eta}").unwrap_or(ProgressStyle::default_bar()),
    );
    let mut settled = Settled::default();
    let mut runs = 0u64;
    for (received, arrival) in arrivals.into_iter().take_while(|(received, _)| *received <= until) {
        runs = runs.saturating_add(settle_before(&mut owner, received, until, &mut settled, &bar).map_err(stop)?);
        take_up(&mut owner, received, arrival).map_err(stop)?;
        bar.inc(1);
    }
    runs = runs.saturating_add(settle_before(&mut owner, until.plus(1), until, &mut settled, &bar).map_err(stop)?);
    owner.flush().map_err(stop)?;
    bar.finish_and_clear();
    let live = prepayment::live(owner.site_mut(), until).map_err(|error| stop(error.into()))?;
    let bills = output::write(dir, owner.site(), until, &settled, &live)
        .map_err(|error| failure(Exit::Storage, error, "make room or give rights there"))?;
    let root = domain::event::hex(&owner.root());
    let warnings: Vec<String> = owner.warned().iter().map(ToString::to_string).collect();
    let held = owner.site().held().len();
    let events = owner.events();
    Ok(json!({"events": events, "runs": runs, "bills": bills, "held": held, "root": root, "warnings": warnings}))
}

/// Decides the runs due before an instant; what the last of them saw is kept for days left.
fn settle_before(
    owner: &mut Owner<'_>,
    before: Instant,
    until: Instant,
    settled: &mut Settled,
    bar: &ProgressBar,
) -> Result<u64, crate::owner::OwnerError> {
    let mut runs = 0u64;
    while let Some(due) = owner.site().next_due().filter(|due| due.at < before && due.at <= until) {
        bar.set_message(due.kind.to_string());
        owner.settle(due)?;
        runs = runs.saturating_add(1);
        let last = owner.site().next_due().is_none_or(|next| next.at > until);
        if last {
            *settled = prepayment::settled(owner.site())?;
        }
    }
    Ok(runs)
}

fn take_up(owner: &mut Owner<'_>, received: Instant, arrival: Arrival) -> Result<(), crate::owner::OwnerError> {
    owner.check_publication(&arrival.facts.iter().map(|fact| &fact.body).collect::<Vec<_>>())?;
    for fact in arrival.facts {
        append_fact(owner, fact)?;
    }
    if !arrival.rows.is_empty() {
        owner.append_readings(received, arrival.rows)?;
    }
    for fact in arrival.after {
        append_fact(owner, fact)?;
    }
    Ok(())
}

fn append_fact(owner: &mut Owner<'_>, fact: Fact) -> Result<(), crate::owner::OwnerError> {
    let id = EventId::derive(&[b"fact", fact.key.as_bytes()]);
    owner.append(crate::owner::Draft {
        id,
        time: fact.time,
        received: fact.received,
        actor: fact.actor,
        body: fact.body,
    })
}
