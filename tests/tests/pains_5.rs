//! Old energy keeps its old price (home-assistant/core#83266,
//! BottlecapDave/HomeAssistant-OctopusEnergy#748): a change on the 15th leaves
//! every posting before it byte-equal; a back-dated one gives an itemised
//! difference, and the issued bill keeps its hash.

use std::{collections::BTreeMap, fmt::Write, fs, path::Path};

use anyhow::Context;
use domain::event::{Body, hex};
use serde_json::{Value, json};
use services::history;
use tests::run::bills;

const HEAD: &str = r#"format = 1
[site]
id = "prices"
name = "Prices"
time_zone = "Europe/Berlin"
currency = "EUR"
landlord = "A-0"
settle_after = "00:15"
bill_after = "03:00"
[[unit]]
id = "U-1"
[[point]]
id = "P-1"
kind = "unit"
unit = "U-1"
[[account]]
id = "A-0"
name = "Landlord"
[[account]]
id = "A-1"
name = "Tenant"
[[meter]]
id = "M-1"
point = "P-1"
installed = 2026-03-01T00:00:00+01:00
start_kwh = "0"
[[lease]]
account = "A-1"
unit = "U-1"
from = 2026-03-01T00:00:00+01:00
[[assign]]
point = "P-1"
tariff = "t"
from = 2026-03-01
"#;

fn tariff(version: u32, from: &str, price: &str, received: &str) -> String {
    let received = if received.is_empty() { String::new() } else { format!("received = {received}\n") };
    format!(
        "[[tariff]]\nid = \"t\"\nversion = {version}\nfrom = {from}\n{received}default_period = \"all\"\n\
         energy = [ {{ period = \"all\", tiers = [ {{ price = \"{price}\" }} ] }} ]\n"
    )
}

/// 24 kWh a day, read every hour, over March and April.
fn run(folder: &Path, tariffs: &[String]) -> anyhow::Result<std::path::PathBuf> {
    let (site, out) = (folder.join("site"), folder.join("out"));
    fs::create_dir_all(&site)?;
    fs::write(site.join("site.toml"), format!("{HEAD}{}", tariffs.concat()))?;
    let mut readings = String::from("time,meter,kwh\n");
    let start = domain::quantity::Instant::parse("2026-03-01T00:00:00+01:00")?;
    for hour in 1..=(61 * 24) {
        writeln!(readings, "{},M-1,{hour}", start.plus(i64::from(hour) * 3600))?;
    }
    fs::write(site.join("readings.csv"), readings)?;
    fs::write(site.join("recharges.csv"), "time,account,amount,reference\n")?;
    tests::run::run(&site, "2026-05-02T00:00:00Z", &out, &[])?;
    Ok(out)
}

/// The bytes of the lines that each settlement posted to the tenant.
fn postings(out: &Path) -> anyhow::Result<BTreeMap<String, Vec<u8>>> {
    let mut all = BTreeMap::new();
    for entry in history::read(out, None)? {
        if let Body::AccountSettled(data) = &entry.event.body {
            all.insert(data.run.clone(), serde_json::to_vec(&data.lines)?);
        }
    }
    Ok(all)
}

/// The leaf hash of the tenant's bill of a month.
fn leaf(out: &Path, month: &str) -> anyhow::Result<String> {
    let entries = history::read(out, None)?;
    let of = |body: &Body| matches!(body, Body::BillIssued(bill) if bill.account.as_str() == "A-1" && bill.month.to_string() == month);
    let found = entries.iter().find(|entry| of(&entry.event.body)).context("a bill")?;
    Ok(hex(&found.leaf))
}

#[test]
fn a_change_on_the_fifteenth_leaves_every_line_before_it() -> anyhow::Result<()> {
    let temp = tempfile::tempdir()?;
    let old = tariff(1, "2026-03-01", "0.20", "");
    let same = run(&temp.path().join("same"), std::slice::from_ref(&old))?;
    let changed = run(&temp.path().join("changed"), &[old, tariff(2, "2026-03-15", "0.30", "2026-03-10T09:00:00Z")])?;
    let (same, changed_postings) = (postings(&same)?, postings(&changed)?);
    let mut days = 0;
    for (run, bytes) in same.iter().filter(|(run, _)| run.as_str() < "settlement/2026-03-15") {
        assert_eq!(changed_postings.get(run), Some(bytes), "{run}");
        days += 1;
    }
    assert_eq!(days, 14);
    let bill = &bills(&changed)?[&("A-1".to_owned(), "2026-03".to_owned())];
    let lines = |field: &str| {
        bill["indoor"].as_array().map(|all| all.iter().map(|line| line[field].clone()).collect::<Vec<_>>())
    };
    // The month has 743 hours: 14 x 24 kWh at the old price, 407 at the new.
    assert_eq!(lines("quantity"), Some(vec![json!("336.00"), json!("407.00")]));
    assert_eq!(lines("amount"), Some(vec![json!("67.20"), json!("122.10")]));
    assert_eq!(bill["adjustments"], Value::Array(Vec::new()));
    Ok(())
}

#[test]
fn a_back_dated_change_is_itemised_and_the_bill_keeps_its_hash() -> anyhow::Result<()> {
    let temp = tempfile::tempdir()?;
    let old = tariff(1, "2026-03-01", "0.20", "");
    let same = run(&temp.path().join("same"), std::slice::from_ref(&old))?;
    let late = run(&temp.path().join("late"), &[old, tariff(2, "2026-03-15", "0.30", "2026-04-10T09:00:00Z")])?;
    let file = "bills/A-1/2026-03.json";
    assert_eq!(fs::read(same.join(file))?, fs::read(late.join(file))?, "the bill of March");
    let (before, after) = (leaf(&same, "2026-03")?, leaf(&late, "2026-03")?);
    assert_eq!(before.len(), 64);
    assert_eq!(before, after, "its event's hash");
    let bill = &bills(&late)?[&("A-1".to_owned(), "2026-04".to_owned())];
    let adjustments: Vec<Value> = bill["adjustments"].as_array().cloned().unwrap_or_default();
    let shown: Vec<(Value, Value, Value)> = adjustments
        .iter()
        .map(|one| (one["line"]["version"].clone(), one["quantity"].clone(), one["amount"].clone()))
        .collect();
    // 407 kWh leave version 1 (0.20) for version 2 (0.30): 81.40 back, 122.10 more.
    assert_eq!(shown, [(json!(1), json!("-407.00"), json!("-81.40")), (json!(2), json!("407.00"), json!("122.10"))]);
    assert_eq!(bill["totals"]["adjustments"], "40.70");
    Ok(())
}
