//! A line explained by the owner at work says what `tallywatt explain` says of the log, and reads no more of a longer log.

use std::cell::Cell;
use std::collections::BTreeMap;

use adapters::event_log::{EmbeddedLog, EventLog, Filter, Follow, LogError, LogEvent, MemoryLog, Sequence, Stored};
use adapters::site_folder::SiteFolder;
use anyhow::{Context, ensure};
use domain::billing::Site;
use domain::event::{AccountId, Body, EventId, LeaseRecorded, MeterId, ReadingRow, ReadingWithdrawn, UnitId};
use domain::premises::Premises;
use domain::quantity::{Instant, Month};
use services::desk::Moment;
use services::explain::{self, Case};
use services::history::{self, Entry};
use services::owner::{COMMIT, Draft, Owner};
use tests::cases;
use tests::run::run;
use tests::site;

/// A log that counts the events that are read from it.
struct Counted<L> {
    log: L,
    read: Cell<usize>,
}

impl<L: EventLog> EventLog for Counted<L> {
    fn append(&mut self, expected: Sequence, events: &[LogEvent]) -> Result<Vec<Sequence>, LogError> {
        self.log.append(expected, events)
    }

    fn read(&self, after: Sequence, filter: &Filter, limit: usize) -> Result<Vec<Stored>, LogError> {
        let found = self.log.read(after, filter, limit)?;
        self.read.set(self.read.get() + found.len());
        Ok(found)
    }

    fn head(&self) -> Result<Sequence, LogError> {
        self.log.head()
    }

    fn follow(&self, after: Sequence, filter: Filter) -> Result<Box<dyn Follow>, LogError> {
        self.log.follow(after, filter)
    }
}

/// The bills of a log: account, month and how many lines.
fn bills(entries: &[Entry]) -> Vec<(AccountId, Month, usize)> {
    let mut bills: BTreeMap<i64, (AccountId, Month, usize)> = BTreeMap::new();
    for entry in entries {
        if let Body::BillIssued(part) = &entry.event.body {
            let of = bills.entry(part.number).or_insert_with(|| (part.account.clone(), part.month, 0));
            of.2 += part.indoor.len() + part.shared.len();
        }
    }
    bills.into_values().collect()
}

/// Compares every line of every bill of a case; how many there were.
fn compare(case: &cases::Case) -> anyhow::Result<usize> {
    let folder = tempfile::tempdir()?;
    let out = folder.path().join("out");
    run(&case.path, &case.until, &out, &[])?;
    let entries = history::read(&out, None)?;
    let site = entries.first().context("an event")?.event.site.clone();
    let mut log = EmbeddedLog::open(&out.join("log.db"))?;
    let reader = EmbeddedLog::open_read_only(&out.join("log.db"))?;
    let owner = Owner::open(&mut log, site, COMMIT)?;
    let mut then: BTreeMap<String, Site> = BTreeMap::new();
    let mut lines = 0;
    for (account, month, count) in bills(&entries) {
        let run = history::issued_by(&entries, account.as_str(), month).context("a run")?;
        if !then.contains_key(&run) {
            then.insert(run.clone(), history::replay(&entries, Some(&run))?.0);
        }
        let then = then.get(&run).context("a site")?;
        for line in 1..=count {
            let of = (account.as_str(), month);
            let said = explain::steps(then, &entries, of, line);
            let said = said.map_err(|failure| anyhow::anyhow!(failure.error))?;
            let document = explain::document(then, &entries, of, line).map_err(|failure| failure.error);
            let live = Case::of(&owner, &Moment::default(), (&account, month), line);
            let live = live.map_err(|failure| anyhow::anyhow!(failure.error))?.context("a bill")?;
            let said_live = live.steps(&reader).map_err(|failure| anyhow::anyhow!(failure.error))?;
            let document_live = live.document(&reader).map_err(|failure| anyhow::anyhow!(failure.error))?;
            ensure!(said_live == said, "line {line} of {account}/{month}: {said_live:#?} is not {said:#?}");
            let document = document.map_err(|error| anyhow::anyhow!(error))?;
            ensure!(document_live == document, "line {line} of {account}/{month}: {document_live} is not {document}");
            lines += 1;
        }
    }
    Ok(lines)
}

#[test]
fn every_line_of_every_bill_is_explained_as_by_the_command() -> anyhow::Result<()> {
    let lines = std::sync::atomic::AtomicUsize::new(0);
    cases::check_each(&cases::all()?, |case| {
        lines.fetch_add(compare(case)?, std::sync::atomic::Ordering::Relaxed);
        Ok(())
    });
    let lines = lines.into_inner();
    ensure!(lines > 1_000, "only {lines} lines");
    Ok(())
}

const HOUR: i64 = 3600;

/// Two flats and a pool by area, and an owner of the site in a log of memory.
fn folder() -> anyhow::Result<SiteFolder> {
    let toml = site::head("Etc/UTC", "EUR")
        + &site::one_price("t", "0.25")
        + &site::flat(1, "2026-01-01T00:00:00Z", "t")
        + &site::flat(2, "2026-01-01T00:00:00Z", "t")
        + "[[point]]\nid = \"P-C\"\nkind = \"common\"\n[[meter]]\nid = \"M-C\"\npoint = \"P-C\"\n\
           installed = 2026-01-01T00:00:00Z\nstart_kwh = \"0\"\n[[pool]]\nid = \"lifts\"\nname = \"Lifts\"\n\
           points = [\"P-C\"]\n[[assign]]\npool = \"lifts\"\ntariff = \"t\"\nfrom = 2026-01-01\n[[rule]]\n\
           pool = \"lifts\"\nversion = 1\nfrom = 2026-01-01\nunits = [\"U-1\", \"U-2\"]\n\
           parts = [ { percent = \"100\", basis = \"area\", zero = \"equal\" } ]\n";
    let folder = tempfile::tempdir()?;
    std::fs::write(folder.path().join("site.toml"), toml)?;
    std::fs::write(folder.path().join("readings.csv"), "time,meter,kwh\n")?;
    std::fs::write(folder.path().join("recharges.csv"), "time,account,amount,reference\n")?;
    Ok(SiteFolder::open(folder.path())?)
}

fn row(meter: &str, time: Instant, wh: i64) -> ReadingRow {
    let kwh = format!("{}.{:03}", wh / 1000, wh % 1000).into();
    let meter = MeterId::try_new(meter).expect("a good id");
    ReadingRow { meter, time, kwh, serial: None, device_time: None, place: 0 }
}

fn append(owner: &mut Owner<'_>, name: &str, received: Instant, body: Body) -> anyhow::Result<()> {
    owner.settle_before(received)?;
    let id = EventId::derive(&[name.as_bytes()]);
    owner.append(Draft { id, time: received, received, actor: "j.doe".to_owned(), body })?;
    Ok(())
}

/// Reads three meters each hour of some days after the first instant.
fn days(owner: &mut Owner<'_>, begin: Instant, days: std::ops::Range<i64>) -> anyhow::Result<()> {
    for hour in days.start * 24..days.end * 24 {
        let time = begin.plus(hour * HOUR);
        owner.settle_before(time)?;
        let rows = [("M-1", 500), ("M-2", 700), ("M-C", 90)];
        owner.append_readings(time, "test", rows.map(|(meter, wh)| row(meter, time, hour * wh)).to_vec())?;
    }
    owner.flush()?;
    Ok(())
}

/// What every line of the bills of January says, and how many events were read for each.
fn january(owner: &Owner<'_>, log: &MemoryLog) -> anyhow::Result<Vec<(Vec<String>, usize)>> {
    let month = Month::parse("2026-01").context("a month")?;
    let mut all = Vec::new();
    for account in ["A-0", "A-1", "A-2"] {
        let account = AccountId::try_new(account).context("an account")?;
        for line in 1.. {
            let Ok(case) = Case::of(owner, &Moment::default(), (&account, month), line) else { break };
            let Some(case) = case else { break };
            let counted = Counted { log: log.clone(), read: Cell::new(0) };
            let steps = case.steps(&counted).map_err(|failure| anyhow::anyhow!(failure.error))?;
            all.push((steps.iter().map(ToString::to_string).collect(), counted.read.get()));
        }
    }
    Ok(all)
}

/// PAINS 22: what a line of a bill costs to explain does not grow with the log, and what came later is not in it.
#[test]
fn a_longer_log_is_read_no_more_for_a_line_and_says_the_same() -> anyhow::Result<()> {
    let folder = folder()?;
    let begin = Instant::parse("2026-01-01T00:00:00Z").context("an instant")?;
    let log = MemoryLog::new();
    let mut held = log.clone();
    let mut owner = Owner::open(&mut held, folder.site.clone(), COMMIT)?;
    for fact in folder.facts {
        let id = EventId::derive(&[b"fact", fact.key.as_bytes()]);
        owner.append(Draft { id, time: fact.time, received: fact.received, actor: fact.actor, body: fact.body })?;
    }
    days(&mut owner, begin, 0..40)?;
    let short = owner.events();
    let first = january(&owner, &log)?;
    ensure!(first.len() >= 4, "lines of energy and shares: {first:?}");
    // Readings of the 31 days' ends, and the facts that are named.
    for (lines, read) in &first {
        ensure!(*read <= 40, "{read} events read for {lines:#?}");
    }

    // A reading of January that comes late, one that is taken back, and another lease.
    days(&mut owner, begin, 40..42)?;
    let later = begin.plus(42 * 24 * HOUR - HOUR / 2);
    owner.append_readings(later, "test", vec![row("M-1", begin.plus(15 * 24 * HOUR + 60), 15 * 24 * 500 + 2)])?;
    let withdrawn = ReadingWithdrawn {
        meter: MeterId::try_new("M-2").context("a meter")?,
        reading_time: begin.plus(20 * 24 * HOUR),
        reason: "seen wrongly".to_owned(),
        by: "j.doe".to_owned(),
    };
    append(&mut owner, "withdrawn", later, Body::ReadingWithdrawn(withdrawn))?;
    let lease = LeaseRecorded {
        account: AccountId::try_new("A-2").context("an account")?,
        unit: UnitId::try_new("U-2").context("a unit")?,
        from: begin,
        until: Some(begin.plus(10 * 24 * HOUR)),
    };
    append(&mut owner, "lease", later, Body::LeaseRecorded(lease))?;
    days(&mut owner, begin, 42..400)?;
    ensure!(owner.events() >= short * 9, "{} events are not many more than {short}", owner.events());
    let again = january(&owner, &log)?;
    ensure!(again == first, "{again:#?} is not {first:#?}");
    Ok(())
}

/// What is kept of the facts gives the premises of any position again, so no kind of fact may be forgotten there.
#[test]
fn what_is_in_force_is_kept_of_every_structural_fact() -> anyhow::Result<()> {
    for sample in tests::samples::all()? {
        let (name, mut premises) = (sample.body.type_name(), Premises::default());
        ensure!(premises.apply(&sample.body) == Premises::takes_up(&sample.body), "{name}");
    }
    Ok(())
}
