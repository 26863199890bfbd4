//! The checks of a month, but for that of its losses.

use domain::billing::Site;
use domain::event::RechargeSuspended;
use domain::metering::MeterRegister;
use domain::quantity::{Instant, Money, Month, show_scaled};
use domain::recharge::Payments;

use super::Finding;
use crate::history::{Entry, Replay};

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
                let text = format!("no reading from {since} to {at} ({hours} h): its energy there is interpolated");
                found.push(Finding::new("gap", register.id(), text));
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
        let last = register.last_accepted().map_or_else(|| "ever".to_owned(), |last| format!("since {last}"));
        Some(Finding::new("silent", register.id(), format!("no accepted reading {last}; read it at or after {end}")))
    });
    silent.collect()
}

/// Readings of the month that are kept, but not booked.
pub(super) fn quarantine(site: &Site, month: Month) -> Vec<Finding> {
    let (from, until) = bounds(site, month);
    let within = |at: Instant| from <= at && at < until;
    let rows = site.metering().quarantine().into_iter().filter(|one| within(one.time));
    let finding = |one: domain::metering::Quarantined| {
        let text = format!(
            "{} kWh at {} is quarantined as {}: release it, or let it be",
            one.kwh,
            one.time,
            one.reason.code()
        );
        Finding::new("quarantine", one.meter, text)
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
        let text = format!(
            "{amount} of {time} names account '{}', which is not known: credit it to its account",
            data.account
        );
        Some(Finding::new("suspense", &data.reference, text))
    };
    open.filter_map(finding).collect()
}

/// Sums of the month's target that are not their wholes.
pub(super) fn conservation(site: &Site, month: Month) -> Vec<Finding> {
    let imbalances = site.targets().get(&month).map(domain::billing::MonthTarget::imbalances).unwrap_or_default();
    imbalances.iter().map(|one| Finding::new("conservation", month, one.to_string())).collect()
}

/// Decisions that do not follow from the facts.
pub(super) fn replay(replayed: &Replay) -> Vec<Finding> {
    let finding = |one: &crate::history::Difference| {
        let text = format!(
            "event {}: {} is recorded as {}, by the facts {}",
            one.position, one.what, one.recorded, one.recomputed
        );
        Finding::new("replay", &one.run, text)
    };
    replayed.differences.iter().map(finding).collect()
}

/// Bills of the month, or an earlier one, that are held.
pub(super) fn held(site: &Site, month: Month) -> Vec<Finding> {
    let mut found = Vec::new();
    for ((_, account), reasons) in site.held().iter().filter(|((of, _), _)| *of <= month) {
        for reason in reasons {
            let point = reason.point.as_ref().map(|point| format!(" of point {point}")).unwrap_or_default();
            let meter = reason.meter.as_ref().map(|meter| format!(" of meter {meter}")).unwrap_or_default();
            let day = reason.day.map(|day| format!(" on {day}")).unwrap_or_default();
            let text = format!("bill is held: {}{point}{meter}{day}", reason.code);
            found.push(Finding::new("held", account, text));
        }
    }
    found
}

/// A month with days that are not settled yet.
pub(super) fn unsettled(site: &Site, month: Month) -> Option<Finding> {
    let due = site.next_due()?;
    let settled = site.settled_to().is_some_and(|day| day >= month.last());
    (!settled).then(|| {
        let to = site.settled_to().map_or_else(|| "nothing".to_owned(), |day| day.to_string());
        Finding::new("unsettled", month, format!("settled to {to}; the next run, {}, is due {}", due.kind, due.at))
    })
}
