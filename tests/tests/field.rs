//! The field log from its lines to its bills.

use serde_json::Value;
use tests::{
    field,
    run::{bills, run, thousandths},
};

/// A bill's kWh in Wh: indoor and shared.
fn kwh(bill: &Value) -> anyhow::Result<(i64, i64)> {
    Ok((thousandths(&bill["totals"]["indoor_kwh"])?, thousandths(&bill["totals"]["shared_kwh"])?))
}

#[test]
fn the_bills_have_the_kwh_of_the_meters() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let site = folder.path().join("site");
    std::fs::create_dir(&site)?;
    field::write_site(&site)?;
    let out = folder.path().join("out");
    let summary = run(&site, "2026-02-05T00:00:00Z", &out, &[])?;
    let bills = bills(&out)?;
    assert_eq!(summary["bills"], bills.len());
    let of = |account: &str| kwh(&bills[&(account.to_owned(), "2026-01".to_owned())]);
    assert_eq!(of("A-27")?, (50_707, 0));
    assert_eq!(of("A-29")?, (20_501, 0));
    for bill in bills.values() {
        for share in bill["shared"].as_array().into_iter().flatten() {
            assert_eq!(share["pool_kwh"], "0.00", "{share}");
        }
    }
    let refused: Value = serde_json::from_slice(&std::fs::read(out.join("quarantine.json"))?)?;
    assert_eq!(refused, serde_json::json!([]));
    Ok(())
}
