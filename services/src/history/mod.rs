//! A site's history, read from its log and folded anew: what `replay` compares
//! and `explain` looks at.

mod known;
mod replayer;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use adapters::event_log::{self, EventLog, Filter, LogError, Sequence, Stored};
use domain::billing::{BillingError, Site};
use domain::event::{Body, Decoder, Event, EventError, SiteId, leaf_hash};
use domain::quantity::Month;
pub use known::KnownAt;
pub(crate) use known::{Known, known};
use replayer::{Recorded, Replayer};

const PAGE: usize = 1000;

/// Why a history can't be read or folded.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// The log refused or failed.
    #[error(transparent)]
    Log(#[from] LogError),
    /// No log is there.
    #[error("there is no log at {0}")]
    NoLog(String),
    /// Bytes that are no event.
    #[error("event {position} cannot be read: {error}")]
    Event {
        /// Its position.
        position: u64,
        /// Why.
        error: EventError,
    },
    /// A fact with which the site cannot be.
    #[error("event {position} stops the site: {error}")]
    Billing {
        /// Its position.
        position: u64,
        /// Why.
        error: BillingError,
    },
    /// A log without an event.
    #[error("the log has no event")]
    Empty,
    /// A log of several sites, and none was named.
    #[error("the log has events of site {one} and of site {other}")]
    ManySites {
        /// One of them.
        one: SiteId,
        /// Another.
        other: SiteId,
    },
}

/// A site's id on the command line.
pub(crate) fn site_id(text: &str) -> Result<SiteId, &'static str> {
    SiteId::try_new(text).ok_or("a site's id has 1 to 64 bytes, no control character and no slash")
}

/// An event with its leaf hash.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The event.
    pub event: Event,
    /// Its leaf hash.
    pub leaf: [u8; 32],
}

/// All events of a log in order, as they are stored; with a name, of that site.
pub fn stored(dir: &Path, log: Option<&str>, site: Option<&SiteId>) -> Result<Vec<Stored>, HistoryError> {
    let mut all = Vec::new();
    pages(dir, log, site, |page| {
        all.extend(page);
        Ok(())
    })?;
    Ok(all)
}

/// All events of the one site of a log, in order, as `read_site` gives them.
pub fn read(dir: &Path, log: Option<&str>) -> Result<Vec<Entry>, HistoryError> {
    read_site(dir, log, None)
}

/// All events of a site of a log, in order; without a name, of the only one. A
/// run without its last decision does not count: what there is of it is left out.
pub fn read_site(dir: &Path, log: Option<&str>, site: Option<&SiteId>) -> Result<Vec<Entry>, HistoryError> {
    let mut entries = Vec::new();
    stream(dir, log, site, |entry| {
        entries.push(entry);
        Ok(())
    })?;
    entries.truncate(ended(&entries));
    if entries.is_empty() { Err(HistoryError::Empty) } else { Ok(entries) }
}

/// The events of a site of a log, in order; no more than a page of them is in memory.
fn stream(
    dir: &Path,
    log: Option<&str>,
    site: Option<&SiteId>,
    mut take: impl FnMut(Entry) -> Result<(), HistoryError>,
) -> Result<(), HistoryError> {
    let mut decoder = Opener::default();
    pages(dir, log, site, |page| page.iter().try_for_each(|stored| take(decoder.entry(stored)?)))
}

/// Decodes the events of one site, in order.
#[derive(Default)]
struct Opener {
    decoder: Decoder,
    first: Option<SiteId>,
}

impl Opener {
    fn entry(&mut self, stored: &Stored) -> Result<Entry, HistoryError> {
        let (bytes, position) = (&stored.event.bytes, stored.event.position);
        let event = self.decoder.decode(bytes).map_err(|error| HistoryError::Event { position, error })?;
        let one = self.first.get_or_insert_with(|| event.site.clone());
        if *one != event.site {
            return Err(HistoryError::ManySites { one: one.clone(), other: event.site });
        }
        Ok(Entry { event, leaf: leaf_hash(bytes) })
    }
}

/// Opens a log that is there, for reading.
pub(crate) fn open(dir: &Path, log: Option<&str>) -> Result<Box<dyn EventLog>, HistoryError> {
    let path = match log {
        Some(location) if event_log::is_stream(location) => return Ok(event_log::open(location)?),
        Some(location) => PathBuf::from(location),
        None => dir.join("log.db"),
    };
    if !path.exists() {
        return Err(HistoryError::NoLog(path.display().to_string()));
    }
    Ok(event_log::open_file(&path)?)
}

/// The first event of a log.
pub(crate) fn first(log: &dyn EventLog) -> Result<Stored, HistoryError> {
    let first = log.read(Sequence(0), &Filter::default(), 1)?.into_iter().next();
    first.ok_or(HistoryError::Empty)
}

/// The events of a site from a position on: so many, where there are. A position is at most its sequence, by which a log
/// is read: where other sites stand between, it is sought.
pub(crate) fn at(log: &dyn EventLog, site: &SiteId, position: u64, count: usize) -> Result<Vec<Stored>, HistoryError> {
    let filter = Filter { site: Some(site.clone()), kind: None };
    let mut after = Sequence(position.saturating_sub(1));
    loop {
        let page = log.read(after, &filter, count)?;
        let Some(first) = page.first() else { return Ok(page) };
        let short = position.saturating_sub(first.event.position);
        if short == 0 {
            return Ok(page);
        }
        after = Sequence(first.sequence.0.saturating_add(short).saturating_sub(1));
    }
}

/// The pages of a log, in order; with a name, of that site.
pub(crate) fn pages(
    dir: &Path,
    log: Option<&str>,
    site: Option<&SiteId>,
    mut take: impl FnMut(Vec<Stored>) -> Result<(), HistoryError>,
) -> Result<(), HistoryError> {
    let filter = Filter { site: site.cloned(), kind: None };
    let log = open(dir, log)?;
    let mut after = Sequence(0);
    loop {
        let page = log.read(after, &filter, PAGE)?;
        let Some(last) = page.last() else { break };
        after = last.sequence;
        take(page)?;
    }
    if after == Sequence(0) { Err(HistoryError::Empty) } else { Ok(()) }
}

/// How many events there are without a run at the end that lacks its last decision.
pub fn ended(entries: &[Entry]) -> usize {
    let counts = |entry: &Entry| !entry.event.body.is_decision() || matches!(entry.event.body, Body::DaySettled(_));
    entries.iter().rposition(counts).map_or(0, |last| last.saturating_add(1))
}

/// Where recorded and recomputed decisions are not the same.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Difference {
    /// Position of the recorded event; of a missing one, that of the run's last.
    pub position: u64,
    /// The run, or what else is wrong there.
    pub run: String,
    /// Type of the event and path of the member.
    pub what: String,
    /// In the log.
    pub recorded: String,
    /// By the facts up to `seen`.
    pub recomputed: String,
}

/// What a replay found.
#[derive(Debug, Clone, Default)]
pub struct Replay {
    /// Facts that were folded.
    pub facts: u64,
    /// Decisions that were compared.
    pub decisions: u64,
    /// Runs that were recomputed.
    pub runs: u64,
    /// Where they differ.
    pub differences: Vec<Difference>,
}

/// The run that a decision belongs to.
pub fn run_of(body: &Body) -> Option<String> {
    match body {
        Body::PoolDayAllocated(data) => Some(data.run.clone()),
        Body::AccountSettled(data) => Some(data.run.clone()),
        Body::DaySettled(data) => Some(data.run.clone()),
        Body::BillHeld(data) => Some(data.run.clone()),
        Body::BillIssued(data) => Some(format!("bill/{}", data.month)),
        Body::FindingRaised(data) => Some(data.run.clone()),
        _ => None,
    }
}

/// The run that issued a bill: that of its month, or a later one where it was held.
pub fn issued_by(entries: &[Entry], account: &str, month: Month) -> Option<String> {
    let is_it =
        |body: &Body| matches!(body, Body::BillIssued(bill) if bill.account.as_str() == account && bill.month == month);
    let from = entries.iter().position(|entry| is_it(&entry.event.body))?;
    entries.get(from..)?.iter().find_map(|entry| match &entry.event.body {
        Body::DaySettled(data) => Some(data.run.clone()),
        _ => None,
    })
}

/// Folds the facts and recomputes every run; `stop` ends it after a run, by its name.
pub fn replay(entries: &[Entry], stop: Option<&str>) -> Result<(Site, Replay), HistoryError> {
    let mut replayer = Replayer::new();
    for entry in entries {
        let ended = replayer.take(entry.clone())?;
        if stop.is_some() && stop == ended.as_deref() {
            return Ok((replayer.site, replayer.found));
        }
    }
    replayer.end_run()?;
    Ok((replayer.site, replayer.found))
}

/// As `read_site` and `replay` together, without the whole log in memory.
pub fn replay_log(dir: &Path, log: Option<&str>, site: Option<&SiteId>) -> Result<Replay, HistoryError> {
    let mut replayer = Replayer::new();
    let mut opener = Opener::default();
    pages(dir, log, site, |page| {
        for stored in page {
            if replayer::is_decision(&stored.event.bytes) {
                replayer.decision(Recorded::Bytes(stored.event.position, stored.event.bytes))?;
            } else {
                replayer.take(opener.entry(&stored)?)?;
            }
        }
        Ok(())
    })?;
    Ok(replayer.found)
}

impl Replay {
    fn note(&mut self, position: u64, run: &str, what: &str, recorded: &str, recomputed: &str) {
        self.differences.push(Difference {
            position,
            run: run.to_owned(),
            what: what.to_owned(),
            recorded: recorded.to_owned(),
            recomputed: recomputed.to_owned(),
        });
    }

    fn compare(&mut self, at: u64, run: &str, path: String, was: &serde_json::Value, is: &serde_json::Value) {
        use serde_json::Value;
        match (was, is) {
            (Value::Object(a), Value::Object(b)) => {
                let keys: std::collections::BTreeSet<&String> = a.keys().chain(b.keys()).collect();
                for key in keys {
                    let of = |map: &serde_json::Map<String, Value>| map.get(key).cloned().unwrap_or_default();
                    self.compare(at, run, format!("{path}.{key}"), &of(a), &of(b));
                }
            }
            (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
                for (index, (a, b)) in a.iter().zip(b).enumerate() {
                    self.compare(at, run, format!("{path}[{index}]"), a, b);
                }
            }
            (a, b) if a == b => {}
            (a, b) => self.note(at, run, &path, &short(a), &short(b)),
        }
    }
}

fn short(value: &serde_json::Value) -> String {
    let text = value.to_string();
    if text.chars().count() <= 100 { text } else { text.chars().take(97).chain("...".chars()).collect() }
}
