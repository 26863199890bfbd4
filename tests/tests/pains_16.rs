//! A bill run does not jam (getlago/lago-api#4240): accounts whose data are in
//! error are held with the reason, all others get their bills, numbers have no gaps.

use std::{collections::BTreeSet, fmt::Write, fs, path::Path};

use domain::event::{BillHeld, Body};
use serde_json::Value;
use services::history;

const HEAD: &str = r#"format = 1
[site]
id = "block"
name = "A block"
time_zone = "Etc/UTC"
currency = "EUR"
landlord = "A-0"
settle_after = "00:15"
bill_after = "03:00"

[[account]]
id = "A-0"
name = "Landlord"

[[tariff]]
id = "standard"
version = 1
from = 2026-01-01
default_period = "all"
energy = [ { period = "all", tiers = [ { price = "0.20" } ] } ]
"#;

/// A site of so many units from 30 March on, a kWh a day each; `late` get their tariff on 2 April only.
fn write_site(folder: &Path, units: usize, late: &BTreeSet<usize>, more: &str) -> anyhow::Result<()> {
    let mut toml = String::from(HEAD);
    let mut readings = String::from("time,meter,kwh\n");
    for n in 1..=units {
        let received = if late.contains(&n) { "received = 2026-04-02T09:00:00Z\n" } else { "" };
        write!(
            toml,
            "\n[[unit]]\nid = \"U-{n:04}\"\n[[point]]\nid = \"P-{n:04}\"\nkind = \"unit\"\nunit = \"U-{n:04}\"\n\
             [[account]]\nid = \"A-{n:04}\"\nname = \"Unit {n}\"\n\
             [[lease]]\naccount = \"A-{n:04}\"\nunit = \"U-{n:04}\"\nfrom = 2026-03-30T00:00:00Z\n\
             [[meter]]\nid = \"M-{n:04}\"\npoint = \"P-{n:04}\"\ninstalled = 2026-03-30T00:00:00Z\nstart_kwh = \"1.00\"\n\
             [[assign]]\npoint = \"P-{n:04}\"\ntariff = \"standard\"\nfrom = 2026-01-01\n{received}"
        )?;
        for day in ["03-31", "04-01", "04-03"] {
            let kwh = match day {
                "03-31" => 2,
                "04-01" => 3,
                _ => 5,
            };
            writeln!(readings, "2026-{day}T00:00:00Z,M-{n:04},{kwh}")?;
        }
    }
    toml.push_str(more);
    fs::write(folder.join("site.toml"), toml)?;
    fs::write(folder.join("readings.csv"), readings)?;
    fs::write(folder.join("recharges.csv"), "time,account,amount,reference\n")?;
    Ok(())
}

fn holds(out: &Path) -> anyhow::Result<Vec<BillHeld>> {
    let bodies = history::read(out, None)?.into_iter().map(|entry| entry.event.body);
    Ok(bodies.filter_map(|body| if let Body::BillHeld(held) = body { Some(held) } else { None }).collect())
}

fn numbers(out: &Path) -> anyhow::Result<Vec<i64>> {
    let mut numbers: Vec<i64> = tests::run::bills(out)?.values().filter_map(|bill| bill["number"].as_i64()).collect();
    numbers.sort_unstable();
    Ok(numbers)
}

#[test]
fn three_of_five_thousand_accounts_are_held_and_billed_once_mended() -> anyhow::Result<()> {
    let temp = tempfile::tempdir()?;
    let (site, out) = (temp.path().join("site"), temp.path().join("out"));
    fs::create_dir(&site)?;
    let late = BTreeSet::from([7, 2500, 5000]);
    write_site(&site, 5000, &late, "")?;
    let summary = tests::run::run(&site, "2026-04-04T00:00:00Z", &out, &["--hold"])?;
    assert_eq!((&summary["bills"], &summary["held"]), (&Value::from(5000), &Value::from(0)));

    let reasons = holds(&out)?;
    assert_eq!(reasons.len(), 3);
    for (held, n) in reasons.iter().zip(&late) {
        assert_eq!((held.account.to_string(), held.run.as_str()), (format!("A-{n:04}"), "bill/2026-03"));
        let [reason] = &held.reasons[..] else { anyhow::bail!("one reason") };
        assert_eq!(reason.code, "no_tariff");
        assert_eq!(reason.point.as_ref().map(ToString::to_string), Some(format!("P-{n:04}")));
        assert_eq!(reason.day.map(|day| day.to_string()).as_deref(), Some("2026-03-30"));
    }
    let bills = tests::run::bills(&out)?;
    let in_time: BTreeSet<i64> = bills
        .values()
        .filter(|bill| bill["issued"] == "2026-04-01T03:00:00Z")
        .filter_map(|bill| bill["number"].as_i64())
        .collect();
    assert_eq!(in_time, (1..=4997).collect::<BTreeSet<i64>>(), "numbers without gaps");
    for (n, number) in late.iter().zip(4998..) {
        let bill = &bills[&(format!("A-{n:04}"), "2026-03".to_owned())];
        assert_eq!(bill["number"], number);
        assert_eq!(bill["issued"], "2026-04-03T00:15:00Z", "the first run after the data were mended");
        assert_eq!(bill["totals"]["charges"], "0.40", "2 kWh x 0.20");
        assert_eq!(bill["adjustments"], Value::Array(Vec::new()));
    }
    Ok(())
}

#[test]
fn without_hold_the_run_stops_and_names_the_point() -> anyhow::Result<()> {
    let temp = tempfile::tempdir()?;
    write_site(temp.path(), 3, &BTreeSet::from([2]), "")?;
    let stopped = tests::run::run(temp.path(), "2026-04-02T00:00:00Z", &temp.path().join("out"), &[]);
    let error = stopped.expect_err("the run stops").to_string();
    assert!(error.contains("exit 2") && error.contains("P-0002") && error.contains("2026-03-30"), "{error}");
    Ok(())
}

#[test]
fn a_held_bill_changes_no_other_and_replays() -> anyhow::Result<()> {
    let temp = tempfile::tempdir()?;
    let (site, held, mended) = (temp.path().join("site"), temp.path().join("held"), temp.path().join("mended"));
    fs::create_dir(&site)?;
    write_site(&site, 5, &BTreeSet::from([2, 4]), "")?;
    let summary = tests::run::run(&site, "2026-04-02T00:00:00Z", &held, &["--hold"])?;
    assert_eq!((&summary["bills"], &summary["held"]), (&Value::from(3), &Value::from(2)));
    assert_eq!(numbers(&held)?, [1, 2, 3]);
    tests::run::run(&site, "2026-05-02T00:00:00Z", &mended, &["--hold"])?;
    assert_eq!(numbers(&mended)?, (1..=10).collect::<Vec<i64>>(), "March and April of five");
    let bills = tests::run::bills(&mended)?;
    for (key, bill) in tests::run::bills(&held)? {
        assert_eq!(bills[&key], bill, "an issued bill never changes");
    }
    for month in ["2026-03", "2026-04"] {
        let charges = |n: usize| &bills[&(format!("A-{n:04}"), month.to_owned())]["totals"];
        assert_eq!(charges(2), charges(1), "{month}: a held account ends where the others do");
    }
    let (_, found) = history::replay(&history::read(&mended, None)?, None)?;
    assert_eq!(found.differences, []);
    Ok(())
}

#[test]
fn a_meter_whose_table_cannot_be_holds_its_account_alone() -> anyhow::Result<()> {
    let temp = tempfile::tempdir()?;
    let (site, held, mended) = (temp.path().join("site"), temp.path().join("held"), temp.path().join("mended"));
    fs::create_dir(&site)?;
    let table = |kwh: &str, received: &str| {
        format!(
            "\n[[meter]]\nid = \"M-0002\"\npoint = \"P-0002\"\ninstalled = 2026-03-30T00:00:00Z\nstart_kwh = \"1.00\"\n\
             removed = 2026-03-31T12:00:00Z\nfinal_kwh = \"{kwh}\"\nreceived = {received}\n"
        )
    };
    let wrong = table("0.50", "2026-03-31T13:00:00Z");
    write_site(&site, 3, &BTreeSet::new(), &(wrong + &table("2.50", "2026-04-02T09:00:00Z")))?;

    let summary = tests::run::run(&site, "2026-04-02T00:00:00Z", &held, &["--hold"])?;
    assert_eq!((&summary["bills"], &summary["held"]), (&Value::from(2), &Value::from(1)));
    let [reason] = &holds(&held)?[..] else { anyhow::bail!("one bill is held") };
    assert_eq!((reason.account.as_str(), reason.reasons[0].code.as_str()), ("A-0002", "meter_table"));
    assert_eq!(reason.reasons[0].meter.as_ref().map(domain::event::MeterId::as_str), Some("M-0002"));

    let summary = tests::run::run(&site, "2026-04-04T00:00:00Z", &mended, &["--hold"])?;
    assert_eq!((&summary["bills"], &summary["held"]), (&Value::from(3), &Value::from(0)));
    let bill = &tests::run::bills(&mended)?[&("A-0002".to_owned(), "2026-03".to_owned())];
    assert_eq!((&bill["number"], &bill["totals"]["indoor_kwh"]), (&Value::from(3), &Value::from("1.50")));
    let (_, found) = history::replay(&history::read(&mended, None)?, None)?;
    assert_eq!(found.differences, []);
    Ok(())
}
