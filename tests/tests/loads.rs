//! Load curves of a year through the whole pipeline: every watt-hour is on a bill, once.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;
use tests::{
    loads::{self, Expected, UNITS},
    nats::{ALWAYS, Server},
    run::{bills, run, thousandths},
};

/// A decimal with at most six decimals, such as kWh, in millionths, such as mWh.
fn millionths(value: &Value) -> i64 {
    let text = value.as_str().expect("a decimal's text");
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    assert!(fraction.len() <= 6, "{text}");
    format!("{whole}{fraction:0<6}").parse().expect("a decimal")
}

/// Runs a written site over its year and holds its bills to its curves.
fn check(site: &Path, expected: &Expected, log: &[&str]) -> anyhow::Result<Value> {
    let folder = tempfile::tempdir()?;
    let out = folder.path().join("out");
    let summary = run(site, "2019-01-05T00:00:00Z", &out, log)?;
    let bills = bills(&out)?;
    let (mut indoor_wh, mut shared_mwh) = (BTreeMap::<String, i64>::new(), 0);
    for ((account, month), bill) in &bills {
        assert_eq!(bill["adjustments"], Value::Array(Vec::new()), "{account} {month}");
        shared_mwh += millionths(&bill["totals"]["shared_kwh"]);
        let wh = thousandths(&bill["totals"]["indoor_kwh"])?;
        let unit = account.replace('A', "U");
        let of_month = expected.unit_month_wh.get(&(unit.clone(), month.clone())).copied();
        assert_eq!(wh, of_month.unwrap_or(0), "{account} {month}");
        *indoor_wh.entry(unit).or_default() += wh;
    }
    // The landlord has no unit; his bills hold what the split rounds off.
    assert_eq!(indoor_wh.remove("U-0").unwrap_or(0), 0);
    assert_eq!(indoor_wh, expected.unit_wh);
    assert_eq!(shared_mwh, expected.pool_wh * 1000);
    assert!(bills.len() >= UNITS.len() * 12);
    Ok(summary)
}

#[test]
fn every_watt_hour_of_the_year_is_on_a_bill() -> anyhow::Result<()> {
    let site = tempfile::tempdir()?;
    let expected = loads::write_site(site.path())?;
    let server = Server::start(ALWAYS);
    let (embedded, jetstream) = std::thread::scope(|scope| {
        let embedded = scope.spawn(|| check(site.path(), &expected, &[]));
        let jetstream = scope.spawn(|| check(site.path(), &expected, &["--log", &server.url()]));
        (embedded.join().expect("embedded"), jetstream.join().expect("jetstream"))
    });
    assert_eq!(embedded?, jetstream?, "the same summary, root included, on both logs");
    Ok(())
}
