//! A law: after every run, what is posted equals the target from zero, whatever
//! came late, was back-dated, replaced or withdrawn, and in whatever order.

use std::fmt::Write as _;

use adapters::event_log::MemoryLog;
use adapters::site_folder::SiteFolder;
use domain::event::EventId;
use domain::quantity::Instant;
use proptest::prelude::*;
use services::owner::{COMMIT, Draft, Owner};

const BEGIN: i64 = 1_769_472_000;
const DAY_S: i64 = 86_400;
const DAYS: i64 = 9;

const HEAD: &str = r#"format = 1
[site]
id = "law"
name = "Law"
time_zone = "Europe/London"
currency = "GBP"
landlord = "A-0"
settle_after = "00:15"
bill_after = "03:00"
max_gap = "05:00"
tax = { name = "VAT", rate = "0.05", mode = "exclusive" }
[[account]]
id = "A-0"
name = "Landlord"
[[point]]
id = "P-C"
kind = "common"
[[point]]
id = "P-M"
kind = "main"
[[point]]
id = "P-V"
kind = "virtual"
formula = ["+P-M", "-P-1", "-P-2", "-P-C"]
[[pool]]
id = "pool"
name = "Pool"
points = ["P-C", "P-V"]
[[assign]]
pool = "pool"
tariff = "one"
from = 2026-01-01
"#;

/// A fact beside the building: what it is about, how many days back it takes effect, and the day on which it comes.
#[derive(Debug, Clone, Copy)]
struct Later {
    kind: u8,
    unit: u8,
    back: i64,
    day: i64,
    size: u8,
}

fn later() -> impl Strategy<Value = Later> {
    (0u8..9, 1u8..4, 0i64..8, 1i64..DAYS, 1u8..9).prop_map(|(kind, unit, back, day, size)| Later {
        kind,
        unit,
        back,
        day,
        size,
    })
}

fn at(seconds: i64) -> Instant {
    Instant::new(BEGIN + seconds)
}

fn date(day: i64) -> String {
    at(day * DAY_S).to_string()[..10].to_owned()
}

fn tariff(id: &str, version: usize, from: &str, price: u8) -> String {
    format!(
        "[[tariff]]\nid = \"{id}\"\nversion = {version}\nfrom = {from}\ndefault_period = \"day\"\ntier_window = \"year\"\n\
         schedule = [ {{ period = \"night\", from = \"22:00\", to = \"06:00\" }} ]\n\
         energy = [ {{ period = \"day\", tiers = [ {{ up_to_kwh = \"9\", price = \"0.{price}\" }}, {{ price = \"0.5\" }} ] }},\n\
         {{ period = \"night\", tiers = [ {{ up_to_kwh = \"9\", price = \"0.1\" }}, {{ price = \"0.2\" }} ] }} ]\n\
         fixed = [ {{ name = \"Standing\", per = \"month\", amount = \"9.31\" }} ]\n"
    )
}

fn rule(version: usize, from: &str, percent: u8) -> String {
    format!(
        "[[rule]]\npool = \"pool\"\nversion = {version}\nfrom = {from}\nunits = [\"U-1\", \"U-2\", \"U-3\"]\nparts = [ {{ \
         percent = \"{percent}0\", basis = \"area\" }}, {{ percent = \"10\", basis = \"consumption\", zero = \"equal\" }} ]\n"
    )
}

fn site_toml(facts: &[Later]) -> String {
    let mut toml = HEAD.to_owned() + &tariff("one", 1, "2026-01-01", 3) + &tariff("two", 1, "2026-01-01", 4);
    toml += &rule(1, "2026-01-01", 6);
    for meter in ["C", "M", "1", "2", "3"] {
        let _ = write!(
            toml,
            "[[meter]]\nid = \"M-{meter}\"\nserial = \"{meter}\"\npoint = \"P-{meter}\"\ninstalled = {}\n",
            at(0)
        );
    }
    for unit in 1..4 {
        let _ = write!(
            toml,
            "[[unit]]\nid = \"U-{unit}\"\narea_m2 = \"{unit}0\"\n[[point]]\nid = \"P-{unit}\"\nkind = \"unit\"\nunit = \"U-{unit}\"\n\
             [[account]]\nid = \"A-{unit}\"\nname = \"A\"\n[[lease]]\naccount = \"A-{unit}\"\nunit = \"U-{unit}\"\nfrom = {}\n\
             [[assign]]\npoint = \"P-{unit}\"\ntariff = \"one\"\nfrom = 2026-01-01\n",
            at(0)
        );
    }
    for (number, Later { kind, unit, back, day, size }) in facts.iter().enumerate() {
        let from = date((day - back).max(0));
        let table = match kind {
            0 => tariff("one", number + 2, &from, *size),
            1 => tariff("two", 1, "2026-01-01", *size),
            2 => format!("[[assign]]\npoint = \"P-{unit}\"\ntariff = \"two\"\nfrom = {from}\n"),
            3 => rule(number + 2, &from, *size),
            4 => format!("[[area]]\nunit = \"U-{unit}\"\narea_m2 = \"{size}5\"\nfrom = {from}\n"),
            5 => format!("[[holiday]]\ndate = {from}\n"),
            6 => format!("[[max_gap]]\nvalue = \"0{size}:00\"\nfrom = {from}\n"),
            7 => format!(
                "[[lease]]\naccount = \"A-{unit}\"\nunit = \"U-{unit}\"\nfrom = {}\nuntil = {}\n",
                at(0),
                at((day - back).max(0) * DAY_S + i64::from(*size) * 3600)
            ),
            _ => format!("[[pool_points]]\npool = \"pool\"\npoints = [\"P-C\"]\nfrom = {from}\n"),
        };
        let received = at(day * DAY_S + i64::try_from(number).unwrap_or(0) + 40_000);
        let _ = writeln!(toml, "{table}received = {received}");
    }
    toml
}

/// Readings every six hours or so; some come late, none after the last day.
fn readings(steps: &[(u8, u8)]) -> String {
    let mut csv = String::from("time,meter,kwh,received\n");
    let mut totals = [0u32; 5];
    for (index, (step, lag)) in (0i64..).zip(steps) {
        let time = index * 21_600 + i64::from(*step % 3) - 1;
        for ((meter, total), factor) in ["C", "M", "1", "2", "3"].iter().zip(&mut totals).zip([1, 9, 2, 1, 3]) {
            *total += u32::from(*step) * factor;
            let late = if *lag % 5 == 0 && *meter != "M" { i64::from(*lag) * 9_000 } else { 60 };
            let received = at((time.max(0) + late).min(DAYS * DAY_S));
            let _ = writeln!(csv, "{},M-{meter},{}.{},{received}", at(time.max(0)), *total / 10, *total % 10);
        }
    }
    csv
}

fn check(facts: &[Later], steps: &[(u8, u8)]) -> Result<(), TestCaseError> {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text) in [("site.toml", site_toml(facts)), ("readings.csv", readings(steps))] {
        std::fs::write(folder.path().join(name), text).expect("written");
    }
    std::fs::write(folder.path().join("recharges.csv"), "time,account,amount,reference\n").expect("written");
    // Two facts of one key and received make no site.
    let Ok(mut site) = SiteFolder::open(folder.path()) else { return Ok(()) };
    site.facts.sort_by_key(|fact| fact.received);
    site.readings.sort_by_key(|(received, _)| *received);
    let mut log = MemoryLog::default();
    let mut owner = Owner::open(&mut log, site.site.clone(), COMMIT).expect("an empty log");
    let mut rows = site.readings.into_iter().peekable();
    let mut instants: Vec<Instant> = site.facts.iter().map(|fact| fact.received).collect();
    let mut facts = site.facts.into_iter().peekable();
    instants.extend((0..DAYS * 4).map(|quarter| at(quarter * 21_600 + 7_000)));
    instants.sort_unstable();
    for now in instants {
        settle(&mut owner, now)?;
        while let Some(fact) = facts.next_if(|fact| fact.received <= now) {
            let id = EventId::derive(&[b"fact", fact.key.as_bytes()]);
            let (time, received) = (fact.time, fact.received);
            owner.append(Draft { id, time, received, actor: fact.actor, body: fact.body }).expect("a fact");
        }
        while let Some((received, row)) = rows.next_if(|(received, _)| *received <= now) {
            owner
                .append_readings(received.max(owner.received().unwrap_or(received)), "law", vec![row])
                .expect("a reading");
        }
    }
    settle(&mut owner, at((DAYS + 1) * DAY_S))
}

fn settle(owner: &mut Owner<'_>, before: Instant) -> Result<(), TestCaseError> {
    while let Some(due) = owner.site().next_due().filter(|due| due.at < before) {
        owner.settle(due).expect("it settles");
        let site = owner.site();
        let day = site.settled_to().expect("it settled");
        let zero = site.targets_until(site.premises().calendar.end_of(day), day).expect("a target");
        prop_assert_eq!(site.targets().keys().collect::<Vec<_>>(), zero.keys().collect::<Vec<_>>());
        for (month, target) in site.targets() {
            prop_assert_eq!(&target.accounts, &zero[month].accounts, "{} {}", due.kind, month);
            prop_assert_eq!(&target.pools, &zero[month].pools, "{} {}", due.kind, month);
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if std::env::var_os("TALLYWATT_SOAK").is_some() { 500 } else { 24 }))]
    #[test]
    fn what_is_posted_is_the_target_from_zero(
        facts in prop::collection::vec(later(), 0..7), steps in prop::collection::vec((0u8..40, 0u8..40), 20..36),
    ) {
        check(&facts, &steps)?;
    }
}
