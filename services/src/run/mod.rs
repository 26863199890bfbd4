//! `tallywatt run`: a site folder through the whole pipeline, in a batch, time by `received`.

pub(crate) mod output;
mod place;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use adapters::clock::GivenClock;
use adapters::event_log::{self, EmbeddedLog, EventLog, Filter, LogError, Sequence};
use adapters::intake::{self, Arrival, ArrivalError, Intake as _, MemoryIntake, Poll};
use adapters::site_folder::{Fact, SiteFolder};
use clap::Args as ClapArgs;
use domain::event::{EventId, ReadingRow, SiteId};
use domain::prepayment::{self, Settled};
use domain::quantity::Instant;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use crate::console::Console;
use crate::exit::{Exit, Failure, bad};
use crate::owner::{COMMIT, Feed, Inlet, Owner, OwnerError};
use place::Places;

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

/// Runs the command.
pub fn run(args: Args, console: &mut Console) -> Result<Exit, Failure> {
    let until = Instant::parse(&args.until).map_err(|error| bad(error, "give --until as in 2026-04-02T00:00:00Z"))?;
    if args.out.exists() {
        let text = format!("{} is there already", args.out.display());
        return Err(bad(text, "name a folder that is not there yet, or remove it"));
    }
    let folder = SiteFolder::open(&args.site)?;
    let partial = partial_of(&args.out);
    let outcome = run_into(&args, folder, until, &partial, console);
    if outcome.is_err() && partial.exists() {
        fs::remove_dir_all(&partial)
            .map_err(|error| Failure::new(Exit::Storage, error, "remove the .partial folder"))?;
    }
    outcome
}

fn partial_of(out: &Path) -> PathBuf {
    let mut name = out.file_name().unwrap_or_default().to_owned();
    name.push(".partial");
    out.with_file_name(name)
}

fn storage(dir: &Path, error: &std::io::Error) -> Failure {
    Failure::new(Exit::Storage, format!("{}: {error}", dir.display()), "make room or give rights there")
}

/// Makes the folder that files and log are kept in until all is done. The log of a run that was cut off stays.
fn make_room(args: &Args, site: &SiteId, dir: &Path) -> Result<(), Failure> {
    let storage = |error| storage(dir, &error);
    let own = dir.join("log.db");
    let goes_on = args.log.is_none() && own.exists() && is_of(&own, site);
    if dir.exists() && !goes_on {
        fs::remove_dir_all(dir).map_err(storage)?;
    }
    fs::create_dir_all(dir).map_err(storage)?;
    for entry in fs::read_dir(dir).map_err(storage)? {
        let path = entry.map_err(storage)?.path();
        if path.is_dir() {
            fs::remove_dir_all(&path).map_err(storage)?;
        } else if path.extension().is_some_and(|extension| extension == "json") {
            fs::remove_file(&path).map_err(storage)?;
        }
    }
    Ok(())
}

/// Whether a file is a log of this site, as a run that was cut off leaves one.
fn is_of(path: &Path, site: &SiteId) -> bool {
    let first = EmbeddedLog::open(path).and_then(|log| log.read(Sequence(0), &Filter::default(), 1));
    first.is_ok_and(|events| events.first().is_none_or(|stored| stored.event.site == *site))
}

fn run_into(
    args: &Args,
    folder: SiteFolder,
    until: Instant,
    dir: &Path,
    console: &mut Console,
) -> Result<Exit, Failure> {
    make_room(args, &folder.site, dir)?;
    let location = args.log.clone().unwrap_or_else(|| dir.join("log.db").display().to_string());
    let log_failure = |error: LogError| Failure::new(Exit::Storage, error, "see that the log is there and yours");
    let mut log = event_log::open(&location).map_err(log_failure)?;
    let summary = play(log.as_mut(), folder, until, args, dir)?;
    drop(log);
    fs::rename(dir, &args.out).map_err(|error| {
        if args.out.exists() {
            let text = format!("{} was written by another run meanwhile", args.out.display());
            Failure::new(Exit::Storage, text, "start one run at a time, or name another folder")
        } else {
            storage(&args.out, &error)
        }
    })?;
    if args.json {
        console.line(summary.to_string());
    } else {
        let text =
            |name: &str| summary.get(name).map_or_else(String::new, |v| v.to_string().trim_matches('"').to_owned());
        for warning in summary.get("warnings").and_then(serde_json::Value::as_array).into_iter().flatten() {
            console.line(format!("warning: {}", warning.as_str().unwrap_or_default()));
        }
        if summary.get("found").is_some() {
            console.line(format!("went on from a log of {} events", text("found")));
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
#[derive(Default)]
struct Received {
    facts: Vec<Fact>,
    rows: Vec<ReadingRow>,
    after: Vec<Fact>,
}

fn by_received(folder: SiteFolder) -> BTreeMap<Instant, Received> {
    let mut all: BTreeMap<Instant, Received> = BTreeMap::new();
    for fact in folder.facts {
        let of = all.entry(fact.received).or_default();
        if fact.after_readings { of.after.push(fact) } else { of.facts.push(fact) }
    }
    for (received, row) in folder.readings {
        all.entry(received).or_default().rows.push(row);
    }
    all
}

/// What an error is called and mended by.
fn stop(error: OwnerError, places: &Places) -> Failure {
    if let Some(error) = places.stopped(&error) {
        return error.into();
    }
    let (exit, mend) = match &error {
        OwnerError::Log(LogError::Conflict { .. }) | OwnerError::StandsDown { .. } => {
            (Exit::Storage, "let one process write to this log, then run again: it goes on from there")
        }
        OwnerError::Log(_) => {
            (Exit::Storage, "mend what the message says, and run again; nothing was left in the output folder")
        }
        OwnerError::Unreadable { .. }
        | OwnerError::Broken { .. }
        | OwnerError::Stops { .. }
        | OwnerError::Differs { .. } => (
            Exit::BadInput,
            "the log is of other rules, or was changed outside tallywatt: `tallywatt replay` names what differs; run into a new log",
        ),
        _ => (Exit::BadInput, "mend the site folder as the message says, and run again"),
    };
    Failure::new(exit, error, mend)
}

fn play(
    log: &mut dyn EventLog,
    folder: SiteFolder,
    until: Instant,
    args: &Args,
    dir: &Path,
) -> Result<serde_json::Value, Failure> {
    let places = Places::of(&folder);
    let stop = |error| stop(error, &places);
    let mut owner = Owner::open(log, folder.site.clone(), args.commit).map_err(stop)?;
    if args.hold {
        owner.site_mut().hold_errors();
    }
    if let Some(last) = owner.received().filter(|last| *last > until) {
        let text = format!("the log goes on to {last}, past --until {until}");
        return Err(bad(text, "give a later --until, or run into a new log"));
    }
    let found = owner.events();
    let arrivals = by_received(folder);
    let total: usize = arrivals.range(..=until).map(|(_, one)| one.rows.len()).sum();
    let bar = ProgressBar::new(u64::try_from(total).unwrap_or(u64::MAX));
    let template = "{bar:40} {percent}% {human_pos} of {human_len} readings, {per_sec} {msg} {eta}";
    bar.set_style(ProgressStyle::with_template(template).unwrap_or(ProgressStyle::default_bar()));
    let mut settled = owner.settled().clone();
    let (mut intake, clock) = (MemoryIntake::new(), GivenClock::default());
    let mut offers = intake.reopen();
    let mut inlet = Inlet::new(&mut intake, &clock, Feed::Source);
    for (received, arrival) in arrivals.into_iter().take_while(|(received, _)| *received <= until) {
        settle_before(&mut owner, received, until, &mut settled, &bar).map_err(stop)?;
        clock.set(received);
        let (readings, first) = (arrival.rows.len(), arrival.rows.first().map_or(0, |row| row.place));
        let new = arrival.facts.iter().filter(|fact| !owner.knows(place::id_of(fact))).map(|fact| &fact.body);
        let new: Vec<_> = new.collect();
        owner.check_publication(&new).map_err(stop)?;
        let site = owner.site_id().clone();
        offers.offer_all(&offers_of(&site, arrival).map_err(bug)?).map_err(bug)?;
        feed(&mut inlet, &mut owner, &places, first)?;
        bar.inc(u64::try_from(readings).unwrap_or(0));
    }
    settle_before(&mut owner, until.plus(1), until, &mut settled, &bar).map_err(stop)?;
    owner.flush().map_err(stop)?;
    inlet.acknowledge(&owner).map_err(stop)?;
    bar.finish_and_clear();
    if owner.events() == 0 {
        let text = format!("nothing of the site is known by --until {until}");
        return Err(bad(text, "give an --until after the first reading or installation"));
    }
    let live = prepayment::live(owner.site_mut(), until).map_err(|error| stop(error.into()))?;
    let bills = output::write(dir, owner.site(), until, &settled, &live).map_err(|error| storage(dir, &error))?;
    let root = domain::event::hex(&owner.root());
    let warnings: Vec<String> = owner.warned().iter().map(ToString::to_string).collect();
    let held = owner.site().held().len();
    let (events, runs) = (owner.events(), owner.runs());
    let mut summary =
        json!({"events": events, "runs": runs, "bills": bills, "held": held, "root": root, "warnings": warnings});
    if found > 0 {
        summary["found"] = found.into();
    }
    Ok(summary)
}

fn bug(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Failure {
    bad(error, "this is a bug of tallywatt: report it with the site folder")
}

/// What of the folder became known at one instant, as items of an intake.
fn offers_of(site: &SiteId, received: Received) -> Result<Vec<(EventId, Vec<u8>)>, ArrivalError> {
    let Received { facts, mut rows, after } = received;
    rows.sort_by_key(|row| row.time);
    let fact = |fact: Fact| {
        let id = place::id_of(&fact);
        let Fact { time, actor, body, .. } = fact;
        Arrival::Fact(Box::new(intake::Fact { id, site: site.clone(), time, actor, body })).encode()
    };
    let polls = Poll::of_rows(site, "site-folder", "readings.csv", &rows).into_iter();
    let polls = polls.map(|poll| Arrival::Poll(poll).encode());
    facts.into_iter().map(fact).chain(polls).chain(after.into_iter().map(fact)).collect()
}

/// Has the owner take up all that waits; an item that it refuses is an error of the folder.
fn feed(inlet: &mut Inlet<'_>, owner: &mut Owner<'_>, places: &Places, line: u32) -> Result<(), Failure> {
    loop {
        let taken = inlet.pump(owner).map_err(|error| {
            if place::is_of_readings(&error) { place::of_readings(line, &error).into() } else { stop(error, places) }
        })?;
        if let Some(refused) = taken.refused.first() {
            return Err(places.refused(refused).into());
        }
        inlet.acknowledge(owner).map_err(|error| stop(error, places))?;
        if taken.items == 0 {
            return Ok(());
        }
    }
}

/// Decides the runs due before an instant; what the last of them saw is kept for days left.
fn settle_before(
    owner: &mut Owner<'_>,
    before: Instant,
    until: Instant,
    settled: &mut Settled,
    bar: &ProgressBar,
) -> Result<(), OwnerError> {
    while let Some(due) = owner.site().next_due().filter(|due| due.at < before && due.at <= until) {
        bar.set_message(due.kind.to_string());
        owner.settle(due)?;
        let last = owner.site().next_due().is_none_or(|next| next.at > until);
        if last {
            *settled = prepayment::settled(owner.site())?;
        }
    }
    Ok(())
}
