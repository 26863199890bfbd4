//! The checks of a month, but for that of its losses.

use domain::billing::{Imbalance, Site};
use domain::event::RechargeSuspended;
use domain::metering::MeterRegister;
use domain::quantity::{Energy, Instant, Money, Month, show_scaled};
use domain::recharge::Payments;

use super::Finding;
use crate::alarm::held_as;
use crate::history::{Entry, Replay};
use crate::told::{Told, Value, told};

/// The month's part of a meter's installation; none outside of it.
fn installed(register: &MeterRegister<'_>, from: Instant, until: Instant) -> Option<(Instant, Instant)> {
    let table = register.installation();
    let (from, until) = (from.max(table.installed), table.removed.map_or(until, |removed| removed.min(until)));
    (from < until).then_some((from, until))
}

fn bounds(site: &Site, month: Month) -> (Instant, Instant) {
    let calendar = &site.premises().calendar;
    (calendar.start_of(month.first()), calendar.end_of(month.last()))
}

/// Stretches between two accepted readings, or before the first, that are longer than `max_gap`.
pub(super) fn gaps(site: &Site, month: Month) -> Vec<Finding> {
    let (from, until) = bounds(site, month);
    let premises = site.premises();
    let mut found = Vec::new();
    for register in site.metering().registers() {
        let Some((a, b)) = installed(&register, from, until) else { continue };
        let Some(last) = register.last_accepted() else { continue };
        let before = register.accepted(Instant::new(i64::MIN), a.plus(1)).last().map(|(at, _)| at);
        let mut since = before.unwrap_or(register.installation().installed);
        let within = register.accepted(a.plus(1), b).map(|(at, _)| at);
        let after = register.accepted(b, last.plus(1)).next().map(|(at, _)| at);
        for at in within.chain(after) {
            let allowed = premises.max_gap_on(premises.calendar.day_of(since.max(from)));
            if at.since(since) > allowed {
                let hours = show_scaled(i128::from(at.since(since)).saturating_mul(10).div_euclid(3600), 1, 1);
                let said = told("close-gap").with("since", since).with("until", at).with("hours", hours);
                found.push(Finding::new("gap", register.id(), said));
            }
            since = at;
        }
    }
    found
}

/// Meters without an accepted reading at or after the month's end, or their removal.
pub(super) fn silent(site: &Site, month: Month) -> Vec<Finding> {
    let (from, until) = bounds(site, month);
    let silent = site.metering().registers().filter_map(|register| {
        let (_, end) = installed(&register, from, until)?;
        if register.has_reading_at_or_after(end) {
            return None;
        }
        let said = match register.last_accepted() {
            Some(last) => told("close-silent").with("last", last),
            None => told("close-never-read"),
        };
        Some(Finding::new("silent", register.id(), said.with("end", end)))
    });
    silent.collect()
}

/// Readings of the month that are kept, but not booked.
pub(super) fn quarantine(site: &Site, month: Month) -> Vec<Finding> {
    let (from, until) = bounds(site, month);
    let within = |at: Instant| from <= at && at < until;
    let rows = site.metering().quarantine().into_iter().filter(|one| within(one.time));
    let finding = |one: domain::metering::Quarantined| {
        let said = told("close-quarantine").with("kwh", one.kwh.to_string()).with("time", one.time);
        Finding::new("quarantine", one.meter, said.with("reason", held_as(one.reason)))
    };
    rows.map(finding).collect()
}

/// Payments that name no known account.
pub(super) fn suspense(site: &Site, entries: &[Entry], month: Month) -> Vec<Finding> {
    let mut payments = Payments::default();
    for entry in entries {
        payments.apply(&entry.event);
    }
    let (_, until) = bounds(site, month);
    let decimals = site.premises().site().currency_decimals;
    let open = site.ledger().unmatched().filter(|(time, _)| *time < until);
    let finding = |(time, data): &(Instant, RechargeSuspended)| {
        // What was returned or taken back is in suspense no longer.
        let left = payments.left_in_suspense(&data.reference).unwrap_or(Money::new(data.amount_minor));
        if left <= Money::ZERO {
            return None;
        }
        let amount = left.major(decimals);
        let said = told("close-suspense").with("amount", amount).with("time", *time);
        Some(Finding::new("suspense", &data.reference, said.with("account", data.account.as_str())))
    };
    open.filter_map(finding).collect()
}

/// Sums of the month's target that are not their wholes.
pub(super) fn conservation(site: &Site, month: Month) -> Vec<Finding> {
    let imbalances = site.targets().get(&month).map(domain::billing::MonthTarget::imbalances).unwrap_or_default();
    imbalances.iter().map(|one| Finding::new("conservation", month, imbalance(one))).collect()
}

fn imbalance(one: &Imbalance) -> Told {
    let both = |(energy, nano): (Energy, i128)| format!("{} kWh, {nano} nano", energy.kwh());
    match one {
        Imbalance::Shares { pool, shares, cost } => {
            told("close-shares").with("pool", pool.as_str()).with("shares", shares.get()).with("cost", cost.get())
        }
        Imbalance::Parts { pool, day, parts, whole } => told("close-parts")
            .with("pool", pool.as_str())
            .with("day", day.to_string())
            .with("parts", both(*parts))
            .with("whole", both(*whole)),
        Imbalance::Lines { point, lines, slices } => {
            told("close-lines").with("point", point.as_str()).with("lines", lines.kwh()).with("slices", slices.kwh())
        }
    }
}

/// Decisions that do not follow from the facts.
pub(super) fn replay(replayed: &Replay) -> Vec<Finding> {
    let finding = |one: &crate::history::Difference| {
        let said = told("close-replay")
            .with("position", one.position.to_string())
            .with("what", one.what.as_str())
            .with("recorded", one.recorded.as_str())
            .with("recomputed", one.recomputed.as_str());
        Finding::new("replay", &one.run, said)
    };
    replayed.differences.iter().map(finding).collect()
}

/// Bills of the month, or an earlier one, that are held.
pub(super) fn held(site: &Site, month: Month) -> Vec<Finding> {
    let mut found = Vec::new();
    for ((_, account), reasons) in site.held().iter().filter(|((of, _), _)| *of <= month) {
        for reason in reasons {
            let point = reason.point.as_ref().map(|point| told("of-point").with("point", point.as_str()));
            let meter = reason.meter.as_ref().map(|meter| told("of-meter").with("meter", meter.as_str()));
            let day = reason.day.map(|day| told("on-day").with("day", day.to_string()));
            let said = told("close-held").with("code", bill_held_for(&reason.code));
            found.push(Finding::new("held", account, said.with("point", point).with("meter", meter).with("day", day)));
        }
    }
    found
}

/// A month with days that are not settled yet.
pub(super) fn unsettled(site: &Site, month: Month) -> Option<Finding> {
    let due = site.next_due()?;
    let settled = site.settled_to().is_some_and(|day| day >= month.last());
    (!settled).then(|| {
        let said = match site.settled_to() {
            Some(day) => told("close-unsettled").with("day", day.to_string()),
            None => told("close-never-settled"),
        };
        Finding::new("unsettled", month, said.with("run", due.kind.to_string()).with("at", due.at))
    })
}

/// Why a bill is held: the rules of the law have codes of their own.
pub(crate) fn bill_held_for(code: &str) -> Value {
    match code {
        "no_tariff" => told("bill-held-no-tariff").into(),
        "meter_table" => told("bill-held-meter-table").into(),
        rule => rule.into(),
    }
}
