//! Late and out of order (killbill/killbill#876, #1081, getlago/lago#122): 1,000
//! shuffles of a month's arrivals give the same bill bytes; a reading for an
//! issued month gives one linked adjustment.

use std::{fmt::Write, fs};

use anyhow::{Context, ensure};
use domain::billing::{Due, RunKind, Site};
use domain::event::{Body, Event, EventId, MeterId, ReadingRow, ReadingsBatch, encode_canonical};
use domain::quantity::Instant;
use serde_json::json;
use services::history;
use tests::random::Random;

const SITE: &str = r#"format = 1
[site]
id = "late"
name = "Late"
time_zone = "Europe/Berlin"
currency = "EUR"
landlord = "A-0"
settle_after = "00:15"
bill_after = "06:00"
max_gap = "24:00"
[[unit]]
id = "U-1"
area_m2 = "60"
[[unit]]
id = "U-2"
area_m2 = "40"
[[point]]
id = "P-1"
kind = "unit"
unit = "U-1"
[[point]]
id = "P-2"
kind = "unit"
unit = "U-2"
[[point]]
id = "P-C"
kind = "common"
[[account]]
id = "A-0"
name = "Landlord"
[[account]]
id = "A-1"
name = "One"
[[account]]
id = "A-2"
name = "Two"
[[meter]]
id = "M-1"
point = "P-1"
installed = 2026-03-01T00:00:00+01:00
start_kwh = "100"
[[meter]]
id = "M-2"
point = "P-2"
installed = 2026-03-01T00:00:00+01:00
start_kwh = "200"
[[meter]]
id = "M-C"
point = "P-C"
installed = 2026-03-01T00:00:00+01:00
start_kwh = "300"
[[lease]]
account = "A-1"
unit = "U-1"
from = 2026-03-01T00:00:00+01:00
[[lease]]
account = "A-2"
unit = "U-2"
from = 2026-03-01T00:00:00+01:00
[[tariff]]
id = "t"
version = 1
from = 2026-03-01
default_period = "day"
schedule = [ { period = "night", from = "22:00", to = "06:00" } ]
energy = [ { period = "day", tiers = [ { up_to_kwh = "50", price = "0.30" }, { price = "0.40" } ] },
           { period = "night", tiers = [ { up_to_kwh = "50", price = "0.20" }, { price = "0.25" } ] } ]
[[assign]]
point = "P-1"
tariff = "t"
from = 2026-03-01
[[assign]]
point = "P-2"
tariff = "t"
from = 2026-03-01
[[assign]]
pool = "hall"
tariff = "t"
from = 2026-03-01
[[pool]]
id = "hall"
name = "Hall"
points = ["P-C"]
[[rule]]
pool = "hall"
version = 1
from = 2026-03-01
units = ["U-1", "U-2"]
parts = [ { percent = "60", basis = "area" }, { percent = "40", basis = "consumption", zero = "equal" } ]
"#;

const SHUFFLES: u64 = 1000;

/// The facts of the site, but for readings.
fn facts() -> anyhow::Result<Vec<Event>> {
    let temp = tempfile::tempdir()?;
    let (site, out) = (temp.path().join("site"), temp.path().join("out"));
    fs::create_dir(&site)?;
    fs::write(site.join("site.toml"), SITE)?;
    fs::write(site.join("readings.csv"), "time,meter,kwh\n")?;
    fs::write(site.join("recharges.csv"), "time,account,amount,reference\n")?;
    tests::run::run(&site, "2026-03-01T00:00:00Z", &out, &[])?;
    Ok(history::read(&out, None)?
        .into_iter()
        .map(|entry| entry.event)
        .filter(|event| !event.body.is_decision())
        .collect())
}

/// Two readings a day of each meter, over March and two days more.
fn rows() -> anyhow::Result<Vec<ReadingRow>> {
    let start = Instant::parse("2026-03-01T00:00:00+01:00")?;
    let mut rows = Vec::new();
    for (meter, first, step) in [("M-1", 100_000, 1_731), ("M-2", 200_000, 2_377), ("M-C", 300_000, 991)] {
        for half in 1..=66i64 {
            let wh = first + half * step + half * half % 97;
            let kwh = format!("{}.{:03}", wh / 1000, wh % 1000);
            let meter = MeterId::try_new(meter).context("an id")?;
            let time = start.plus(half * 43_200);
            rows.push(ReadingRow { meter, time, kwh: kwh.into(), serial: None, device_time: None, place: 0 });
        }
    }
    Ok(rows)
}

/// Bills of March when each row arrives at its instant; settlements are made in between.
fn bills(facts: &[Event], arrivals: &[(Instant, ReadingRow)]) -> anyhow::Result<Vec<Vec<u8>>> {
    let mut site = Site::new();
    let mut position = 0;
    for event in facts {
        position = event.position;
        site.apply(event, &[0; 32])?;
    }
    let like = facts.last().context("a fact")?;
    let mut bills = Vec::new();
    let mut settle = |site: &mut Site, before: Instant| -> anyhow::Result<()> {
        while let Some(due) = site.next_due().filter(|due: &Due| due.at < before) {
            let run = site.decide(due)?;
            if due.kind == RunKind::Bill(domain::quantity::Month::of(2026, 3)) {
                for body in run.decisions {
                    if let Body::BillIssued(bill) = body {
                        bills.push(encode_canonical(&bill)?);
                    }
                }
            }
        }
        Ok(())
    };
    for (received, row) in arrivals {
        settle(&mut site, *received)?;
        position += 1;
        let batch = ReadingsBatch::try_new(0, row.time, std::slice::from_ref(row), None)?;
        let event = Event {
            position,
            id: EventId::derive(&[b"row", &position.to_be_bytes()]),
            time: row.time,
            received: *received,
            body: Body::ReadingsRecorded(batch),
            chains: Vec::new(),
            ..like.clone()
        };
        site.apply(&event, &[0; 32])?;
    }
    settle(&mut site, Instant::parse("2026-04-02T12:00:00Z")?)?;
    Ok(bills)
}

#[test]
fn a_thousand_shuffles_of_a_months_arrivals_give_the_same_bill_bytes() -> anyhow::Result<()> {
    let (facts, rows) = (facts()?, rows()?);
    let bill = Instant::parse("2026-04-01T04:00:00Z")?;
    let in_order: Vec<(Instant, ReadingRow)> = {
        let mut rows: Vec<_> = rows.iter().map(|row| (row.time, row.clone())).collect();
        rows.sort_by_key(|(at, _)| *at);
        rows
    };
    // What is received after the bill is the same in each: it belongs to April.
    let (in_time, after): (Vec<_>, Vec<_>) = in_order.iter().cloned().partition(|(at, _)| *at <= bill);
    let expected = bills(&facts, &in_order)?;
    assert_eq!(expected.len(), 3, "of two tenants and of the landlord, who bears what is left over");
    let check = |seeds: std::ops::RangeInclusive<u64>| -> anyhow::Result<()> {
        for seed in seeds {
            let shuffled = shuffle(seed, bill, &in_time, &after)?;
            ensure!(bills(&facts, &shuffled)? == expected, "seed {seed}: other bills");
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        let halves = [1..=SHUFFLES / 2, SHUFFLES / 2 + 1..=SHUFFLES].map(|seeds| scope.spawn(|| check(seeds)));
        halves.into_iter().try_for_each(|half| half.join().expect("a check does not panic"))
    })
}

/// The rows of a month, most of them late; what is received after the bill stays as it is.
fn shuffle(
    seed: u64,
    bill: Instant,
    in_time: &[(Instant, ReadingRow)],
    after: &[(Instant, ReadingRow)],
) -> anyhow::Result<Vec<(Instant, ReadingRow)>> {
    let mut random = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15));
    let mut shuffled = Vec::new();
    for (at, row) in in_time {
        let room = u64::try_from(bill.since(*at))?;
        // Half are late by up to a day, a quarter by weeks; the others come at once.
        let late = match random.below(4) {
            0 => 0,
            1 => random.below(room + 1),
            _ => random.below(room.min(86_400) + 1),
        };
        shuffled.push((at.plus(i64::try_from(late)?), row.clone()));
    }
    shuffled.sort_by_key(|(at, _)| *at);
    let in_order = shuffled.windows(2).all(|pair| pair[0].1.time <= pair[1].1.time);
    ensure!(!in_order, "seed {seed}: the arrivals are in order");
    shuffled.extend(after.iter().cloned());
    Ok(shuffled)
}

#[test]
fn a_reading_for_an_issued_month_gives_one_linked_adjustment() -> anyhow::Result<()> {
    let temp = tempfile::tempdir()?;
    let (site, out) = (temp.path().join("site"), temp.path().join("out"));
    fs::create_dir(&site)?;
    let toml = SITE.replace(
        "tiers = [ { up_to_kwh = \"50\", price = \"0.30\" }, { price = \"0.40\" } ]",
        "tiers = [ { price = \"0.30\" } ]",
    );
    let toml = toml.replace(
        "tiers = [ { up_to_kwh = \"50\", price = \"0.20\" }, { price = \"0.25\" } ]",
        "tiers = [ { price = \"0.20\" } ]",
    );
    let toml = toml.replace(", { percent = \"40\", basis = \"consumption\", zero = \"equal\" }", "");
    fs::write(site.join("site.toml"), toml)?;
    let mut readings = String::from("time,meter,kwh,received\n");
    // Noon to 20:00 of 31 March is in the day's period alone; its end is known on 9 April.
    for (time, kwh, received) in [
        ("2026-03-31T12:00:00+02:00", "150", ""),
        ("2026-03-31T20:00:00+02:00", "160", "2026-04-09T10:00:00Z"),
        ("2026-04-30T12:00:00+02:00", "160", ""),
    ] {
        writeln!(readings, "{time},M-1,{kwh},{received}")?;
    }
    fs::write(site.join("readings.csv"), readings)?;
    fs::write(site.join("recharges.csv"), "time,account,amount,reference\n")?;
    tests::run::run(&site, "2026-05-02T00:00:00Z", &out, &[])?;
    let bills = tests::run::bills(&out)?;
    let april = &bills[&("A-1".to_owned(), "2026-04".to_owned())];
    let adjustments = april["adjustments"].as_array().context("a list")?;
    assert_eq!(adjustments.len(), 1, "{april}");
    let one = &adjustments[0];
    assert_eq!(
        (&one["month"], &one["line"]["point"], &one["line"]["period"]),
        (&json!("2026-03"), &json!("P-1"), &json!("day"))
    );
    assert_eq!((&one["quantity"], &one["amount"]), (&json!("10.00"), &json!("3.00")));
    Ok(())
}
