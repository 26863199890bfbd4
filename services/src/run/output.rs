//! The files of BILLING §9.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use domain::billing::Site;
use domain::event::AccountId;
use domain::prepayment::{Live, Settled};
use domain::quantity::Instant;
use serde_json::Value;

fn write_json(path: &Path, value: &Value) -> io::Result<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    let mut bytes = serde_json::to_vec_pretty(value).map_err(io::Error::other)?;
    bytes.push(b'\n');
    fs::write(path, bytes)
}

/// Writes all files; how many bills.
pub(crate) fn write(
    dir: &Path,
    site: &Site,
    at: Instant,
    settled: &Settled,
    live: &BTreeMap<AccountId, Live>,
) -> io::Result<usize> {
    let facts = site.premises().site();
    fs::create_dir_all(dir.join("bills"))?;
    fs::create_dir_all(dir.join("allocations"))?;
    let mut bills = 0usize;
    for parts in site.issued().values() {
        let Some(document) = projections::bill::document(&facts.id, parts, facts.currency_decimals) else { continue };
        let Some(bill) = parts.first() else { continue };
        write_json(&dir.join("bills").join(bill.account.as_str()).join(format!("{}.json", bill.month)), &document)?;
        bills = bills.saturating_add(1);
    }
    for (month, target) in site.targets() {
        for (pool, rated) in target.pools.iter().filter(|(_, rated)| !rated.days.is_empty()) {
            let document = projections::allocation::document(site, pool, *month, rated);
            write_json(&dir.join("allocations").join(pool.as_str()).join(format!("{month}.json")), &document)?;
        }
    }
    write_json(&dir.join("balances.json"), &projections::balance::document(site, at, settled, live))?;
    write_json(&dir.join("quarantine.json"), &projections::quarantine::document(site.metering()))?;
    Ok(bills)
}
