//! A point's month: its slices and its lines by account.

use std::collections::BTreeMap;

use super::counter::Counters;
use super::demand;
use super::energy::{EnergyLines, RatedEnergy};
use super::facts::{Carry, Facts};
use super::line::{Line, amount_of_days, amount_of_energy, named_key};
use crate::event::{AccountId, Component, LineKey, Per, PointId, PointRegistered, TariffId, Unit, UnitId};
use crate::premises::{Holder, Subject};
use crate::quantity::{Date, Energy, Instant, Money, Month, Power};
use crate::tariff::{PeriodCut, Price, Tariff, period_cuts};

/// How far a target goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Horizon {
    /// The site's first settled day.
    pub first_day: Date,
    /// Energy counts before this instant.
    pub until: Instant,
    /// Days held count up to this one.
    pub last_day: Date,
}

/// A slice of a point.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PointSlice {
    /// Whose energy.
    pub point: PointId,
    /// Its local day.
    pub day: Date,
    /// Its start.
    pub from: Instant,
    /// Its end.
    pub until: Instant,
    /// Who holds the unit.
    pub holder: Holder,
    /// Tariff, version and period; none without a tariff in force.
    pub tariff: Option<(TariffId, i64, String)>,
    /// Its energy.
    pub energy: Energy,
    /// Whether it is interpolated.
    pub interpolated: bool,
}

/// A point's month to date.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PointMonth {
    /// Lines by account.
    pub lines: BTreeMap<AccountId, BTreeMap<LineKey, Line>>,
    /// Energy by day, whoever held the unit.
    pub day_energy: BTreeMap<Date, Energy>,
    /// The slices.
    pub slices: Vec<PointSlice>,
}

/// Rates a unit's point over a month up to the horizon; `counters` stand at the month's start and are moved on.
pub fn rate_point_month(
    facts: &Facts<'_>,
    point: &PointRegistered,
    unit: &UnitId,
    month: Month,
    horizon: Horizon,
    counters: &mut Counters,
) -> PointMonth {
    let mut rated = PointMonth::default();
    let mut energy: BTreeMap<AccountId, EnergyLines> = BTreeMap::new();
    let mut carry = Carry::new();
    let subject = Subject::Point(point.id.clone());
    let premises = facts.premises;
    let mut day = month.first().max(horizon.first_day);
    while day <= month.last() && premises.calendar.start_of(day) < horizon.until {
        let tariff = premises.tariff_on(&subject, day);
        let (start, end) = (premises.calendar.start_of(day), premises.calendar.end_of(day).min(horizon.until));
        for cut in slice_cuts(facts, unit, tariff, start, end) {
            let (amount, interpolated) =
                facts.slice(&point.id, cut.from, cut.until, premises.max_gap_on(day), &mut carry);
            let holder = premises.holder_at(unit, cut.from);
            *rated.day_energy.entry(day).or_default() += amount;
            if let Some(tariff) = tariff {
                let slice = RatedEnergy {
                    tariff,
                    period: cut.period,
                    day,
                    holder: Some(&holder),
                    energy: amount,
                    interpolated: if interpolated { amount } else { Energy::ZERO },
                };
                energy.entry(holder.account.clone()).or_default().rate(&point.id, slice, counters);
            }
            let tariff = tariff.map(|t| (t.id.clone(), t.version, t.period_name(cut.period).to_owned()));
            let (from, until) = (cut.from, cut.until);
            let point = point.id.clone();
            rated.slices.push(PointSlice { point, day, from, until, holder, tariff, energy: amount, interpolated });
        }
        day = day.next();
    }
    let decimals = premises.site().currency_decimals;
    for (account, lines) in energy {
        rated.lines.entry(account).or_default().extend(lines.lines(decimals));
    }
    rate_by_days(facts, &subject, &point.id, unit, month, horizon, &mut rated);
    rated
}

/// The cuts of a day: periods and changes of lease (BILLING §4).
fn slice_cuts(
    facts: &Facts<'_>,
    unit: &UnitId,
    tariff: Option<&Tariff>,
    start: Instant,
    end: Instant,
) -> Vec<PeriodCut> {
    let premises = facts.premises;
    let periods = match tariff {
        Some(tariff) => period_cuts(tariff, &premises.calendar, &premises.holidays, start, end),
        None => vec![PeriodCut { from: start, until: end, period: 0 }],
    };
    let leases = premises.leases_of(unit).iter();
    let mut changes: Vec<Instant> = leases.flat_map(|lease| [Some(lease.from), lease.until]).flatten().collect();
    changes.sort_unstable();
    let mut cuts = Vec::new();
    for period in periods {
        let mut from = period.from;
        for change in changes.iter().filter(|at| period.from < **at && **at < period.until) {
            if *change > from {
                cuts.push(PeriodCut { from, until: *change, ..period });
                from = *change;
            }
        }
        cuts.push(PeriodCut { from, ..period });
    }
    cuts
}

/// Fixed, demand and minimum lines: by the days held under each version.
fn rate_by_days(
    facts: &Facts<'_>,
    subject: &Subject,
    point: &PointId,
    unit: &UnitId,
    month: Month,
    horizon: Horizon,
    rated: &mut PointMonth,
) {
    let premises = facts.premises;
    let mut held: BTreeMap<(AccountId, i64, TariffId), i64> = BTreeMap::new();
    let mut day = month.first().max(horizon.first_day);
    while day <= month.last().min(horizon.last_day) {
        if let Some(tariff) = premises.tariff_on(subject, day) {
            let holder = premises.holder_at_end(unit, premises.calendar.end_of(day));
            let days = held.entry((holder.account, tariff.version, tariff.id.clone())).or_default();
            *days = days.saturating_add(1);
        }
        day = day.next();
    }
    for ((account, version, id), days) in held {
        let tariff = premises.tariffs.get(&(id, version)).expect("a version in force is known");
        let of_days = i64::from(month.days());
        let decimals = premises.site().currency_decimals;
        let slices: Vec<&PointSlice> = rated.slices.iter().filter(|slice| slice.holder.account == account).collect();
        let mut lines = BTreeMap::new();
        for charge in &tariff.fixed {
            let key = named_key(point, tariff, Component::Fixed, Some(&charge.name));
            lines.insert(key, fixed_line(charge.per, charge.amount, days, of_days, decimals));
        }
        for charge in &tariff.demand {
            let Some(peak) = demand::highest(facts, &slices, tariff, charge) else { continue };
            let mut below = Power::ZERO;
            for (tier, number) in charge.tiers.iter().zip(1i64..) {
                let top = tier.up_to.map_or(peak, |bound| bound.min(peak));
                let power = top - below;
                if power <= Power::ZERO {
                    continue;
                }
                below = top;
                let mut key = named_key(point, tariff, Component::Demand, Some(&charge.name));
                key.period = charge.period.map(|period| tariff.period_name(period).to_owned());
                key.tier = Some(number);
                let amount = amount_of_energy(power.get(), tier.price, decimals, Some((days, of_days)));
                lines.insert(key, by_month(power.get(), Unit::Kw, tier.price, days, of_days, amount));
            }
        }
        let of_account = rated.lines.entry(account).or_default();
        of_account.extend(lines);
        if let (Some(minimum), true) = (tariff.minimum, horizon.last_day >= month.last()) {
            let of_version =
                of_account.iter().filter(|(key, _)| key.tariff == tariff.id && key.version == tariff.version);
            let others: Money = of_version.map(|(_, line)| line.amount).sum();
            let missing = amount_of_days(days, of_days, minimum, decimals) - others;
            if missing > Money::ZERO {
                let key = named_key(point, tariff, Component::Minimum, None);
                of_account.insert(key, by_month(1, Unit::Month, minimum, days, of_days, missing));
            }
        }
    }
}

/// A line by the month.
fn by_month(quantity: i64, unit: Unit, price: Price, days: i64, of_days: i64, amount: Money) -> Line {
    Line {
        quantity,
        unit,
        price: price.published,
        days: Some(days),
        of_days: Some(of_days),
        interpolated: Energy::ZERO,
        amount,
    }
}

/// A fixed line to date.
pub(crate) fn fixed_line(per: Per, price: Price, days: i64, of_days: i64, decimals: u8) -> Line {
    match per {
        Per::Day => Line {
            days: None,
            of_days: None,
            ..by_month(days, Unit::Day, price, days, of_days, amount_of_days(days, 1, price, decimals))
        },
        Per::Month => by_month(1, Unit::Month, price, days, of_days, amount_of_days(days, of_days, price, decimals)),
    }
}
