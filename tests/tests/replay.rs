//! Replay: live and replayed decisions are the same, and whoever edits a log
//! is named, also when the chains were hashed again.

use std::path::Path;

use adapters::event_log::{EmbeddedLog, EventLog, Filter, LogEvent, Sequence};
use domain::event::{Body, Chains, Decoder, Event, ReadingRow, ReadingsBatch, leaf_hash};
use services::history::{self, Replay};

fn run_case(case: &str, out: &Path) {
    let case = tests::cases::named(case).expect("a case");
    tests::run::run(&case.path, &case.until, out, &[]).expect("the case runs");
}

fn replay(dir: &Path) -> Replay {
    let entries = history::read(dir, None).expect("the log can be read");
    history::replay(&entries, None).expect("the log can be folded").1
}

/// A copy of the log at `dir` with each event passed through `edit`, its
/// chains hashed again and its readings full events.
fn edited(dir: &Path, copy: &Path, mut edit: impl FnMut(&mut Event)) {
    std::fs::create_dir_all(copy).expect("a folder for the copy");
    let log = EmbeddedLog::open_read_only(&dir.join("log.db")).expect("the log opens");
    let mut target = EmbeddedLog::open(&copy.join("log.db")).expect("the copy opens");
    let (mut decoder, mut chains) = (Decoder::new(), Chains::default());
    let mut events = Vec::new();
    for stored in log.read(Sequence(0), &Filter::default(), usize::MAX >> 1).expect("the log reads") {
        let mut event = decoder.decode(&stored.event.bytes).expect("an event");
        if let Body::ReadingsRecorded(batch) = &event.body {
            let rows: Vec<ReadingRow> = batch.rows().collect();
            let full = ReadingsBatch::try_new(batch.part(), batch.time(), &rows, None).expect("the same rows");
            event.body = Body::ReadingsRecorded(full);
        }
        edit(&mut event);
        event.chains = chains.links(&event.body);
        let bytes = event.encode().expect("canonical");
        chains.extend(&event.chains, &leaf_hash(&bytes));
        events.push(LogEvent { bytes, ..stored.event });
    }
    for batch in events.chunks(500) {
        let head = target.head().expect("a head");
        target.append(head, batch).expect("appended");
    }
}

/// The case's log, edited: what the replay finds of it, beside an unedited copy that differs
/// only in the digests of its re-encoded readings.
fn check(case: &str, edit: impl FnMut(&mut Event)) -> Vec<(String, String)> {
    let temp = tempfile::tempdir().expect("a temporary folder");
    let (dir, copy) = (temp.path().join("run"), temp.path().join("copy"));
    run_case(case, &dir);
    assert_eq!(replay(&dir).differences, [], "the log as written has no difference");
    edited(&dir, &copy, edit);
    let found = replay(&copy).differences;
    let streamed = history::replay_log(&copy, None, None).expect("the log can be folded").differences;
    assert_eq!(streamed, found, "what is compared by its bytes is compared as what was decoded is");
    let differences = found.into_iter();
    differences.map(|one| (one.run, one.what)).collect()
}

fn names(found: &[(String, String)], run: &str, what: &str) -> bool {
    found.iter().any(|(r, w)| r == run && w.starts_with(what))
}

#[test]
fn an_edited_price_is_named() {
    let found = check("hand-tou", |event| {
        if let Body::TariffPublished(tariff) = &mut event.body {
            let tier = tariff.energy.first_mut().and_then(|row| row.tiers.first_mut()).expect("a price");
            tier.price = "0.99".parse().expect("a decimal");
        }
    });
    assert!(names(&found, "settlement/2026-03-06", "account.settled.v1.lines[0].price"), "{found:#?}");
}

#[test]
fn an_edited_weight_is_named() {
    let found = check("hand-area", |event| {
        if let Body::PoolDayAllocated(day) = &mut event.body
            && day.day.to_string() == "2026-02-03"
        {
            day.parts[0].shares[1].weight = "41".to_owned();
        }
    });
    assert!(names(&found, "settlement/2026-02-03", "pool.day.allocated.v1.parts[0].shares[1].weight"), "{found:#?}");
}

#[test]
fn an_edited_seen_is_named() {
    let found = check("hand-area", |event| {
        if let Body::DaySettled(day) = &mut event.body
            && day.run == "settlement/2026-02-03"
        {
            day.seen -= 1;
        }
    });
    assert!(names(&found, "settlement/2026-02-03", "day.settled.v1.seen"), "{found:#?}");
}

#[test]
fn an_edited_reading_is_named_even_where_no_bill_depends_on_it() {
    let found = check("hand-tou", |event| {
        let Body::ReadingsRecorded(batch) = &event.body else { return };
        if event.time.to_string() != "2026-03-07T20:00:00Z" {
            return;
        }
        let mut rows: Vec<ReadingRow> = batch.rows().collect();
        rows[0].time = rows[0].time.plus(1);
        let changed = ReadingsBatch::try_new(batch.part(), batch.time(), &rows, None).expect("rows");
        event.body = Body::ReadingsRecorded(changed);
    });
    assert!(names(&found, "settlement/2026-03-07", "day.settled.v1.digest"), "{found:#?}");
}

#[test]
fn every_hand_case_replays_without_a_difference() {
    for case in ["hand-late", "hand-vacant", "hand-swap", "hand-withdrawn-spike", "hand-correct-undo-correct", "late-2"]
    {
        let temp = tempfile::tempdir().expect("a temporary folder");
        run_case(case, &temp.path().join("run"));
        let found = replay(&temp.path().join("run"));
        assert_eq!(found.differences, [], "{case}");
        assert!(found.decisions > 0, "{case} has decisions");
        let streamed = history::replay_log(&temp.path().join("run"), None, None).expect("the log can be folded");
        assert_eq!(streamed.differences, [], "{case}");
        let counts = |of: &Replay| (of.facts, of.decisions, of.runs);
        assert_eq!(counts(&streamed), counts(&found), "{case}");
    }
}
