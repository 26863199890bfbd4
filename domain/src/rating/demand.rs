//! Demand lines: the month's highest interval (BILLING §5).

use super::facts::{Carry, Facts};
use super::point_month::PointSlice;
use crate::premises::Calendar;
use crate::quantity::{Instant, Power};
use crate::tariff::{DemandCharge, Tariff};

/// A month's highest interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peak {
    /// Its power.
    pub power: Power,
    /// Its start.
    pub from: Instant,
    /// Its end.
    pub until: Instant,
}

/// The highest interval among slices of one account and version, of equals the first; none where none counts.
pub fn highest(facts: &Facts<'_>, slices: &[&PointSlice], tariff: &Tariff, charge: &DemandCharge) -> Option<Peak> {
    let length = i64::from(charge.interval_minutes).saturating_mul(60);
    let per_hour = 3600i64.checked_div(length).expect("15, 30 or 60 minutes");
    let mut best: Option<Peak> = None;
    for (from, until, day_gap) in runs(slices, tariff, charge) {
        for (start, end) in intervals(&facts.premises.calendar, from, until, length) {
            let Some(slice) = slices.iter().find(|slice| slice.from <= start && start < slice.until) else { continue };
            let gap = facts.registers(&slice.point).any(|register| register.gap_within(start, end, length));
            if gap {
                continue;
            }
            let (energy, _) = facts.slice(&slice.point, start, end, day_gap, &mut Carry::new());
            let power = Power::new(energy.get().saturating_mul(per_hour));
            if best.is_none_or(|best| best.power < power) {
                best = Some(Peak { power, from: start, until: end });
            }
        }
    }
    best.filter(|best| !best.power.is_zero())
}

/// Stretches throughout which account, version and (where named) period are the same.
fn runs(slices: &[&PointSlice], tariff: &Tariff, charge: &DemandCharge) -> Vec<(Instant, Instant, i64)> {
    let mut runs: Vec<(Instant, Instant, i64)> = Vec::new();
    let wanted = |slice: &&&PointSlice| {
        slice.tariff.as_ref().is_some_and(|(id, version, period)| {
            *id == tariff.id
                && *version == tariff.version
                && charge.period.is_none_or(|p| *tariff.period_name(p) == **period)
        })
    };
    for slice in slices.iter().filter(wanted) {
        match runs.last_mut() {
            Some((_, until, _)) if *until == slice.from => *until = slice.until,
            _ => runs.push((slice.from, slice.until, i64::MAX)),
        }
    }
    runs
}

/// The intervals within a run that begin where the local minute is a multiple of their length.
fn intervals(calendar: &Calendar, from: Instant, until: Instant, length: i64) -> Vec<(Instant, Instant)> {
    let mut all = Vec::new();
    for span in calendar.spans(from, until) {
        let wall = span.from.plus(span.offset_s).get();
        let ahead = wall.saturating_neg().rem_euclid(length);
        let mut start = span.from.plus(ahead);
        while start.plus(length) <= span.until {
            all.push((start, start.plus(length)));
            start = start.plus(length);
        }
    }
    all
}
