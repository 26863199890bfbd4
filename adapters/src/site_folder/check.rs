//! What no single table can tell: keys given twice, leases that overlap,
//! points in two pools, tariffs that a pool cannot have.

use std::collections::BTreeMap;

use domain::event::{Body, LeaseRecorded, MeterInstalled, PointId, PointKind, PointRegistered, PoolId};
use domain::quantity::{Date, Instant};

use super::error::FolderError;
use super::tables::Entry;

fn error(entry: &Entry, key: &str, problem: String, mend: &str) -> FolderError {
    let (file, table) = if entry.table == "recharge" {
        ("recharges.csv", String::new())
    } else {
        ("site.toml", format!("[[{}]] ", entry.table))
    };
    FolderError { file, line: Some(entry.line), field: Some(format!("{table}{key}")), problem, mend: mend.to_owned() }
}

/// Judges all tables together.
pub(super) fn entries(entries: &[Entry]) -> Result<(), FolderError> {
    let mut seen: BTreeMap<(&str, &str, Option<Instant>), usize> = BTreeMap::new();
    for entry in entries {
        if let Some(line) = seen.insert((entry.table, &entry.key, entry.received), entry.line) {
            let problem = format!("'{}' is there twice with the same received, first in line {line}", entry.key);
            return Err(error(entry, "received", problem, "take one out, or say when it became known"));
        }
    }
    let mut ordered: Vec<&Entry> = entries.iter().collect();
    ordered.sort_by_key(|entry| entry.received);
    let points: BTreeMap<&PointId, &PointRegistered> = ordered
        .iter()
        .filter_map(|entry| match &entry.body {
            Body::PointRegistered(point) => Some((&point.id, point)),
            _ => None,
        })
        .collect();
    for entry in &ordered {
        kinds(entry, &points)?;
        pool_tariff(entry, &ordered)?;
    }
    unchanged(&ordered)?;
    for batch in ordered.chunk_by(|a, b| a.received == b.received) {
        let until = batch.first().and_then(|entry| entry.received);
        let known: Vec<&Entry> = ordered.iter().copied().take_while(|entry| entry.received <= until).collect();
        let latest: BTreeMap<(&str, &str), &Entry> =
            known.into_iter().map(|e| ((e.table, e.key.as_str()), e)).collect();
        if batch.iter().any(|entry| entry.table == "lease") {
            leases(latest.values().copied())?;
        }
        if batch.iter().any(|entry| matches!(entry.table, "pool" | "pool_points")) {
            pools(&latest.values().copied().collect::<Vec<_>>())?;
        }
    }
    Ok(())
}

fn kinds(entry: &Entry, points: &BTreeMap<&PointId, &PointRegistered>) -> Result<(), FolderError> {
    let kind = |id: &PointId| points.get(id).map(|point| point.kind);
    match &entry.body {
        Body::PointRegistered(point) => {
            for term in &point.formula {
                if kind(&term.point) == Some(PointKind::Virtual) {
                    let problem = format!("'{}' is virtual", term.point);
                    return Err(error(entry, "formula", problem, "name metered points only"));
                }
            }
        }
        Body::PoolDefined(pool) => pool_kinds(entry, &pool.points, kind)?,
        Body::PoolPointsChanged(pool) => pool_kinds(entry, &pool.points, kind)?,
        Body::MeterInstalled(meter) if kind(&meter.point) == Some(PointKind::Virtual) => {
            let problem = format!("'{}' is virtual", meter.point);
            return Err(error(entry, "point", problem, "install meters at other points; a virtual one has a formula"));
        }
        _ => {}
    }
    Ok(())
}

fn pool_kinds(
    entry: &Entry,
    points: &[PointId],
    kind: impl Fn(&PointId) -> Option<PointKind>,
) -> Result<(), FolderError> {
    match points.iter().find(|point| kind(point) == Some(PointKind::Unit)) {
        Some(point) => Err(error(
            entry,
            "points",
            format!("'{point}' is a unit's point"),
            "name points of kind common, main or virtual",
        )),
        None => Ok(()),
    }
}

fn pool_tariff(entry: &Entry, all: &[&Entry]) -> Result<(), FolderError> {
    let Body::TariffAssigned(assigned) = &entry.body else { return Ok(()) };
    if assigned.pool.is_none() {
        return Ok(());
    }
    for other in all {
        if let Body::TariffPublished(tariff) = &other.body
            && tariff.id == assigned.tariff
            && let Some(finding) = domain::tariff::pool_findings(tariff).first()
        {
            let problem = format!("tariff '{}' (line {}): {}: {}", tariff.id, other.line, finding.place, finding.fault);
            return Err(error(entry, "tariff", problem, &finding.fault.mend()));
        }
    }
    Ok(())
}

/// Opening balances, multipliers and the first day never change.
fn unchanged(ordered: &[&Entry]) -> Result<(), FolderError> {
    let mut balances = BTreeMap::new();
    let mut meters: BTreeMap<&str, &MeterInstalled> = BTreeMap::new();
    let mut first: Option<(Option<Instant>, Instant)> = None;
    for entry in ordered {
        match &entry.body {
            Body::AccountOpened(account)
                if *balances.entry(entry.key.as_str()).or_insert(account.opening_balance_minor)
                    != account.opening_balance_minor =>
            {
                return Err(error(
                    entry,
                    "opening_balance",
                    "never changes".to_owned(),
                    "correct the balance with a [[posting]]",
                ));
            }
            Body::MeterInstalled(meter) => {
                if meters.insert(&entry.key, meter).is_some_and(|before| before.multiplier != meter.multiplier) {
                    return Err(error(
                        entry,
                        "multiplier",
                        "never changes".to_owned(),
                        "make it a new meter with its own installed",
                    ));
                }
                let (batch, start) = *first.get_or_insert((entry.received, meter.installed));
                if entry.received == batch {
                    first = Some((batch, start.min(meter.installed)));
                } else if meter.installed < start {
                    let problem = format!("is before {start}, the first installed of the site");
                    return Err(error(entry, "installed", problem, "install it no earlier, or leave received out"));
                }
            }
            _ => {}
        }
    }
    Ok(())
}

fn leases<'a>(latest: impl Iterator<Item = &'a Entry>) -> Result<(), FolderError> {
    let mut units: BTreeMap<&str, Vec<(&LeaseRecorded, &Entry)>> = BTreeMap::new();
    for entry in latest {
        if let Body::LeaseRecorded(lease) = &entry.body
            && lease.until != Some(lease.from)
        {
            units.entry(lease.unit.as_str()).or_default().push((lease, entry));
        }
    }
    for (unit, mut list) in units {
        list.sort_by_key(|(lease, _)| lease.from);
        for pair in list.windows(2) {
            if let [(before, first), (after, second)] = pair
                && before.until.is_none_or(|until| until > after.from)
            {
                let entry = if first.received > second.received { first } else { second };
                let problem = format!(
                    "unit '{unit}' has two leases from {}: of '{}' (line {}) and '{}' (line {})",
                    after.from, before.account, first.line, after.account, second.line
                );
                return Err(error(entry, "from", problem, "end one before the other begins"));
            }
        }
    }
    Ok(())
}

/// A pool's points from a date on, and where they are written.
type DatedPoints<'a> = BTreeMap<Option<Date>, (&'a [PointId], &'a Entry)>;

/// At any date each point is in one pool at most.
fn pools(latest: &[&Entry]) -> Result<(), FolderError> {
    let mut dated: BTreeMap<&PoolId, DatedPoints<'_>> = BTreeMap::new();
    for entry in latest {
        match &entry.body {
            Body::PoolDefined(pool) => {
                dated.entry(&pool.id).or_default().insert(None, (&pool.points, entry));
            }
            Body::PoolPointsChanged(pool) => {
                dated.entry(&pool.pool).or_default().insert(Some(pool.from), (&pool.points, entry));
            }
            _ => {}
        }
    }
    let mut dates: Vec<Option<Date>> = dated.values().flat_map(|changes| changes.keys().copied()).collect();
    dates.sort_unstable();
    dates.dedup();
    for date in dates {
        let mut owner: BTreeMap<&PointId, (&PoolId, &Entry)> = BTreeMap::new();
        for (pool, changes) in &dated {
            let Some((_, (points, entry))) = changes.range(..=date).next_back() else { continue };
            for point in *points {
                if let Some((other, first)) = owner.insert(point, (pool, entry)) {
                    let problem = format!(
                        "'{point}' is in pool '{other}' (line {}) and in '{pool}' (line {})",
                        first.line, entry.line
                    );
                    let later = if first.line > entry.line { first } else { entry };
                    return Err(error(later, "points", problem, "name each point in one pool at a time"));
                }
            }
        }
    }
    Ok(())
}

/// The recharges and postings whose reference is new; the same again has no effect.
pub(super) fn references(mut entries: Vec<Entry>) -> Result<Vec<Entry>, FolderError> {
    entries.sort_by_key(|entry| entry.received);
    let mut seen: BTreeMap<(&'static str, String), (String, i64, usize)> = BTreeMap::new();
    let mut kept = Vec::new();
    for entry in entries {
        let (account, amount) = match &entry.body {
            Body::RechargeReceived(recharge) => (recharge.account.to_string(), recharge.amount_minor),
            Body::PostingMade(posting) => (posting.account.to_string(), posting.amount_minor),
            _ => continue,
        };
        match seen.get(&(entry.table, entry.key.clone())) {
            None => {
                seen.insert((entry.table, entry.key.clone()), (account, amount, entry.line));
                kept.push(entry);
            }
            Some((a, b, _)) if *a == account && *b == amount => {}
            Some((_, _, line)) => {
                let problem = format!("'{}' stands in line {line} with another account or amount", entry.key);
                return Err(error(&entry, "reference", problem, "use a reference once, or repeat the row as it was"));
            }
        }
    }
    Ok(kept)
}
