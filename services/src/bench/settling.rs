//! The ledger's own paths, as `run`, `replay` and the live service use them: a
//! building of so many accounts, settled, asked, corrected and replayed.

use std::error::Error;
use std::fs;
use std::path::Path;
use std::time::Instant as Clock;

use adapters::event_log::{EmbeddedLog, EventLog as _, Filter, MemoryLog, Sequence};
use adapters::site_folder::Fact;
use domain::billing::RunKind;
use domain::event::EventId;
use domain::prepayment;
use domain::quantity::Instant;

use super::Figure;
use super::data::{BEGIN, Polls, building};
use crate::history;
use crate::owner::{COMMIT, Draft, Owner};

type Failed = Box<dyn Error + Send + Sync>;

/// Days of hourly readings before the questions: one closed month and more.
const DAYS: i64 = 62;
const DAY_S: i64 = 86_400;

fn micros(began: Clock) -> u128 {
    began.elapsed().as_micros()
}

fn median(mut all: Vec<u128>) -> u128 {
    all.sort_unstable();
    all.get(all.len().div_euclid(2)).copied().unwrap_or_default()
}

fn append(owner: &mut Owner<'_>, fact: Fact) -> Result<(), Failed> {
    let id = EventId::derive(&[b"fact", fact.key.as_bytes()]);
    owner.append(Draft { id, time: fact.time, received: fact.received, actor: fact.actor, body: fact.body })?;
    Ok(())
}

/// Times in microseconds, each beside the goal.
fn figure(what: &'static str, times: Vec<u128>, goal: u128) -> Figure {
    let least = times.iter().min().copied().unwrap_or_default();
    let limit = Some((goal, "the most it should take"));
    Figure { what, unit: "us", ours: median(times), limit, least: Some(least) }
}

/// Settles, asks and corrects a building of `units` accounts.
pub(super) fn accounts(units: usize) -> Result<Vec<Figure>, Failed> {
    let later = BEGIN.plus(DAYS.saturating_mul(DAY_S));
    let folder = building(units, Some(later))?;
    let mut log = MemoryLog::default();
    let mut owner = Owner::open(&mut log, folder.site.clone(), COMMIT)?;
    let (after, before): (Vec<Fact>, Vec<Fact>) = folder.facts.into_iter().partition(|fact| fact.received >= later);
    before.into_iter().try_for_each(|fact| append(&mut owner, fact))?;
    let mut polls = Polls::new(units, 900);
    let mut settling = Vec::new();
    for hour in 0..DAYS.saturating_mul(24) {
        let time = BEGIN.plus(hour.saturating_mul(3600));
        settle(&mut owner, time, &mut settling)?;
        owner.append_readings(time, "bench", polls.at(time))?;
    }
    let mut now = later.plus(-1800);
    let mut live = Vec::new();
    for _ in 0..7 {
        now = now.plus(60);
        let began = Clock::now();
        prepayment::live(owner.site_mut(), now)?;
        live.push(micros(began));
    }
    // A reading of a month that is billed, between two others; then a tariff from the first day.
    let mut late = Polls::new(1, 1).at(BEGIN.plus(1800));
    late.truncate(1);
    owner.append_readings(later, "bench", late)?;
    let mut corrected = Vec::new();
    settle(&mut owner, later.plus(DAY_S), &mut corrected)?;
    after.into_iter().try_for_each(|fact| append(&mut owner, Fact { received: later.plus(DAY_S), ..fact }))?;
    let mut rated = Vec::new();
    settle(&mut owner, later.plus(DAY_S.saturating_mul(2)), &mut rated)?;
    let days = settling.split_off(settling.len().saturating_sub(20));
    Ok(vec![
        figure("settling a day, decided and appended", days, 50_000),
        figure("the same with one late reading in a closed month", corrected, 1_000_000),
        figure("the same after a tariff from the first day", rated, 1_000_000),
        figure("live balances of all accounts", live, 5_000),
    ])
}

/// Decides and appends what is due before an instant, and notes how long each settlement takes.
fn settle(owner: &mut Owner<'_>, before: Instant, times: &mut Vec<u128>) -> Result<(), Failed> {
    while let Some(due) = owner.site().next_due().filter(|due| due.at < before) {
        let began = Clock::now();
        owner.settle(due)?;
        if matches!(due.kind, RunKind::Settlement(_)) {
            times.push(micros(began));
        }
    }
    Ok(())
}

/// Replays a log of a building by the minute as `tallywatt replay` does, beside reading it.
pub(super) fn replay(units: usize, days: usize, dir: &Path) -> Result<Figure, Failed> {
    fs::create_dir_all(dir)?;
    let minutes = i64::try_from(days)?.saturating_mul(1440);
    let path = dir.join("log.db");
    let mut log = EmbeddedLog::open(&path)?;
    let folder = building(units, None)?;
    let mut owner = Owner::open(&mut log, folder.site.clone(), COMMIT)?;
    folder.facts.into_iter().try_for_each(|fact| append(&mut owner, fact))?;
    let mut polls = Polls::new(units, 60);
    for minute in 0..minutes {
        let time = BEGIN.plus(minute.saturating_mul(60));
        settle(&mut owner, time, &mut Vec::new())?;
        owner.append_readings(time, "bench", polls.at(time))?;
    }
    settle(&mut owner, BEGIN.plus(minutes.saturating_mul(60)).plus(DAY_S), &mut Vec::new())?;
    owner.flush()?;
    drop(owner);
    drop(log);
    let readings = units.saturating_add(1).saturating_mul(usize::try_from(minutes)?);
    let began = Clock::now();
    let found = history::replay_log(dir, None, None)?;
    let ours = super::per_second(readings, began);
    if let Some(first) = found.differences.first() {
        return Err(format!("replay differs from what was decided: {first:?}").into());
    }
    let began = Clock::now();
    let (log, mut after) = (EmbeddedLog::open_read_only(&path)?, Sequence(0));
    while let Some(last) = log.read(after, &Filter::default(), COMMIT)?.last() {
        after = last.sequence;
    }
    let limit = Some((super::per_second(readings, began), "reading the events alone"));
    fs::remove_dir_all(dir)?;
    Ok(Figure { what: "replay of a building, settled and compared", unit: "readings/s", ours, limit, least: None })
}
