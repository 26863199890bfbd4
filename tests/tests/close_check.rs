//! `tallywatt close-check`: a month without a fault has no finding; one seeded
//! fault for each check is found, and nothing else.

use std::{collections::BTreeMap, fmt::Write, fs, path::Path};

use adapters::event_log::{EmbeddedLog, EventLog, Filter, Kind, LogEvent, Sequence};
use anyhow::Context;
use domain::event::{Body, Chains, Decoder, Event, EventId, RechargeKind, RechargeSuspended, leaf_hash};
use domain::quantity::Instant;
use serde_json::Value;
use tests::run::command;

const HEAD: &str = r#"format = 1
[site]
id = "close"
name = "Close"
time_zone = "Etc/UTC"
currency = "EUR"
landlord = "A-0"
settle_after = "00:15"
bill_after = "03:00"
max_gap = "01:00"
[[account]]
id = "A-0"
name = "Landlord"
[[account]]
id = "A-1"
name = "One"
[[account]]
id = "A-2"
name = "Two"
[[unit]]
id = "U-1"
[[unit]]
id = "U-2"
[[point]]
id = "P-MAIN"
kind = "main"
[[point]]
id = "P-C"
kind = "common"
[[point]]
id = "P-1"
kind = "unit"
unit = "U-1"
[[point]]
id = "P-2"
kind = "unit"
unit = "U-2"
[[lease]]
account = "A-1"
unit = "U-1"
from = 2026-02-01T00:00:00Z
[[lease]]
account = "A-2"
unit = "U-2"
from = 2026-02-01T00:00:00Z
[[tariff]]
id = "t"
version = 1
from = 2026-01-01
default_period = "day"
schedule = [ { period = "night", from = "00:00", to = "06:00" } ]
energy = [ { period = "day", tiers = [ { price = "0.30" } ] }, { period = "night", tiers = [ { price = "0.20" } ] } ]
[[assign]]
point = "P-1"
tariff = "t"
from = 2026-01-01
[[assign]]
pool = "hall"
tariff = "t"
from = 2026-01-01
[[pool]]
id = "hall"
name = "Hall"
points = ["P-C"]
[[rule]]
pool = "hall"
version = 1
from = 2026-01-01
units = ["U-1", "U-2"]
parts = [ { percent = "100", basis = "equal" } ]
"#;

const METERS: [(&str, &str, i64); 4] =
    [("M-MAIN", "P-MAIN", 410), ("M-C", "P-C", 100), ("M-1", "P-1", 120), ("M-2", "P-2", 180)];

/// A site's tables and rows, by hour and meter in Wh.
struct Seed {
    toml: String,
    rows: BTreeMap<(i64, &'static str), i64>,
    more_rows: String,
}

/// A building with 10 Wh an hour lost, of 410.
fn sound() -> Seed {
    let mut toml = HEAD.to_owned();
    let mut rows = BTreeMap::new();
    for (meter, point, step) in METERS {
        toml += &format!(
            "[[meter]]\nid = \"{meter}\"\npoint = \"{point}\"\ninstalled = 2026-02-01T00:00:00Z\nstart_kwh = \"1\"\n"
        );
        rows.extend((1..=29 * 24).map(|hour| ((hour, meter), 1000 + hour * step)));
    }
    toml += "[[assign]]\npoint = \"P-2\"\ntariff = \"t\"\nfrom = 2026-01-01\n";
    Seed { toml, rows, more_rows: String::new() }
}

/// Runs a seed to March, and gives the checks that find something, with their subjects.
fn found(
    seed: &Seed,
    more: &[&str],
    edit: impl FnOnce(&Path) -> anyhow::Result<()>,
) -> anyhow::Result<Vec<(String, String)>> {
    let temp = tempfile::tempdir()?;
    let (site, out) = (temp.path().join("site"), temp.path().join("out"));
    fs::create_dir(&site)?;
    fs::write(site.join("site.toml"), &seed.toml)?;
    let start = Instant::parse("2026-02-01T00:00:00Z")?;
    let mut readings = String::from("time,meter,kwh\n");
    for ((hour, meter), wh) in &seed.rows {
        writeln!(readings, "{},{meter},{}.{:03}", start.plus(hour * 3600), wh / 1000, wh % 1000)?;
    }
    fs::write(site.join("readings.csv"), readings + &seed.more_rows)?;
    fs::write(site.join("recharges.csv"), "time,account,amount,reference\n")?;
    tests::run::run(&site, "2026-03-02T00:00:00Z", &out, &["--hold"])?;
    edit(&out)?;
    let dir = out.display().to_string();
    let (code, said) = command(&[&["close-check", &dir, "--month", "2026-02", "--json"][..], more].concat())?;
    let document: Value = serde_json::from_str(&said).with_context(|| said.clone())?;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let findings = document["findings"].as_array().context("a list")?;
    let all: Vec<_> = findings.iter().map(|one| (text(&one["check"]), text(&one["subject"]))).collect();
    assert_eq!(code, u8::from(!all.is_empty()), "{said}");
    assert_eq!(document["ready"], all.is_empty());
    Ok(all)
}

fn check(seed: &Seed, check: &str, subject: &str) -> anyhow::Result<()> {
    assert_eq!(found(seed, &[], |_| Ok(()))?, [(check.to_owned(), subject.to_owned())]);
    Ok(())
}

#[test]
fn a_sound_month_has_no_finding() -> anyhow::Result<()> {
    assert_eq!(found(&sound(), &[], |_| Ok(()))?, []);
    Ok(())
}

#[test]
fn a_gap_is_found() -> anyhow::Result<()> {
    let mut seed = sound();
    seed.rows.retain(|(hour, meter), _| *meter != "M-1" || !(100..104).contains(hour));
    check(&seed, "gap", "M-1")
}

#[test]
fn a_silent_meter_is_found() -> anyhow::Result<()> {
    let mut seed = sound();
    seed.rows.retain(|(hour, meter), _| *meter != "M-1" || *hour < 28 * 24 - 1);
    check(&seed, "silent", "M-1")
}

#[test]
fn a_quarantined_reading_is_found() -> anyhow::Result<()> {
    let mut seed = sound();
    seed.more_rows = "2026-02-10T10:30:00Z,M-2,0\n".to_owned();
    check(&seed, "quarantine", "M-2")
}

#[test]
fn a_loss_is_found_in_its_period_and_by_its_bound() -> anyhow::Result<()> {
    let mut seed = sound();
    // The main meter gains 4 kWh more between 02:00 and 03:00 of one night: 74.88 of 1,722 become 1.68 + 4 of 72.88.
    for ((hour, meter), wh) in &mut seed.rows {
        *wh += if *meter == "M-MAIN" && *hour >= 243 { 4_000 } else { 0 };
    }
    check(&seed, "loss", "2026-02 night")?;
    assert_eq!(found(&seed, &["--loss-percent", "10"], |_| Ok(()))?, []);
    let both = found(&sound(), &["--loss-percent", "2"], |_| Ok(()))?;
    let subjects: Vec<&str> = both.iter().map(|(_, subject)| subject.as_str()).collect();
    assert_eq!(subjects, ["2026-02 day", "2026-02 night"], "10 of 410 is 2.4 %");
    Ok(())
}

#[test]
fn a_held_bill_is_found() -> anyhow::Result<()> {
    let mut seed = sound();
    seed.toml = seed.toml.replace("[[assign]]\npoint = \"P-2\"\ntariff = \"t\"\nfrom = 2026-01-01\n", "");
    check(&seed, "held", "A-2")
}

/// A log copied with each event passed through `edit`, chains hashed again, and a fact at its end.
fn rewrite(dir: &Path, mut edit: impl FnMut(&mut Event), last: Option<Body>) -> anyhow::Result<()> {
    let path = dir.join("log.db");
    let stored = EmbeddedLog::open_read_only(&path)?.read(Sequence(0), &Filter::default(), usize::MAX >> 1)?;
    let copy = dir.join("copy.db");
    let mut log = EmbeddedLog::open(&copy)?;
    let (mut decoder, mut chains) = (Decoder::new(), Chains::default());
    let mut events: Vec<LogEvent> = Vec::new();
    let mut like = None;
    for one in stored {
        let mut event = decoder.decode(&one.event.bytes)?;
        if event.readings().is_some() {
            events.push(one.event);
            continue;
        }
        edit(&mut event);
        event.chains = chains.links(&event.body);
        let bytes = event.encode()?;
        chains.extend(&event.chains, &leaf_hash(&bytes));
        events.push(LogEvent { bytes, ..one.event });
        like = Some(event);
    }
    if let (Some(body), Some(like)) = (last, like) {
        let position = u64::try_from(events.len())? + 1;
        let id = EventId::derive(&[b"seeded"]);
        let event = Event {
            position,
            id,
            chains: chains.links(&body),
            body,
            time: Instant::parse("2026-02-20T10:00:00Z")?,
            ..like
        };
        let bytes = event.encode()?;
        events.push(LogEvent { site: event.site, position, id, kind: Kind::Fact, bytes });
    }
    for batch in events.chunks(500) {
        let head = log.head()?;
        log.append(head, batch)?;
    }
    drop(log);
    fs::rename(copy, path)?;
    Ok(())
}

#[test]
fn a_payment_in_suspense_is_found() -> anyhow::Result<()> {
    let body = Body::RechargeSuspended(RechargeSuspended {
        account: "A-l".to_owned(),
        amount_minor: 5000,
        kind: RechargeKind::Recharge,
        reference: "R-9".to_owned(),
    });
    let found = found(&sound(), &[], |dir| rewrite(dir, |_| {}, Some(body)))?;
    assert_eq!(found, [("suspense".to_owned(), "R-9".to_owned())]);
    Ok(())
}

#[test]
fn an_edited_decision_is_found() -> anyhow::Result<()> {
    let edit = |event: &mut Event| {
        if let Body::PoolDayAllocated(day) = &mut event.body
            && day.day.to_string() == "2026-02-07"
        {
            day.parts[0].shares[0].nano = "1".to_owned();
        }
    };
    let found = found(&sound(), &[], |dir| rewrite(dir, edit, None))?;
    assert_eq!(found, [("replay".to_owned(), "settlement/2026-02-07".to_owned())]);
    Ok(())
}
