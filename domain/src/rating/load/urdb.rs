//! Rating by a tariff of the Utility Rate Database, by the rules of NREL's
//! System Advisor Model: one counter a month shared by all periods, the
//! highest interval as demand, and minimums by the month or the year.

use std::collections::BTreeMap;

use super::tier::{PLACES, bounds, demand_charge, fill, units};
use super::{Load, LoadBill, LoadMonth, LoadRow, TierModel};
use crate::quantity::{Energy, Exact, Month};
use crate::tariff::{HourSchedule, UrdbAmount, UrdbPer, UrdbTariff, UrdbTier};

/// What a load costs.
pub fn rate_urdb(tariff: &UrdbTariff, load: &Load, model: TierModel) -> LoadBill {
    let usages: Vec<Usage> = load.months().map(|(month, rows)| Usage::new(tariff, month, rows)).collect();
    let prorata = bill(tariff, load, &usages, TierModel::Prorata);
    let prorata_total = Some(prorata.iter().map(|month| month.total.clone()).sum());
    let months = match model {
        TierModel::Prorata => prorata,
        TierModel::Chronological => bill(tariff, load, &usages, model),
    };
    LoadBill { months, prorata_total }
}

/// What a month used, in units of 10⁻²⁰ kWh.
struct Usage {
    month: Month,
    total: i128,
    /// By period of the month and tier, in the order of time.
    chronological: BTreeMap<usize, Vec<i128>>,
    highest: Energy,
    highest_by_period: BTreeMap<usize, Energy>,
}

impl Usage {
    fn new(tariff: &UrdbTariff, month: Month, rows: &[LoadRow]) -> Self {
        let periods = tariff.schedule.periods_in(month.number());
        let tables: Vec<Vec<i128>> = tariff.energy.iter().map(|tiers| bounds(tiers, month.days())).collect();
        let mut used: Vec<Vec<i128>> = tables.iter().map(|table| vec![0; table.len()]).collect();
        let mut usage = Self {
            month,
            total: 0,
            chronological: BTreeMap::new(),
            highest: Energy::ZERO,
            highest_by_period: BTreeMap::new(),
        };
        for day in rows.chunk_by(|one, other| one.date == other.date) {
            let Some(first) = day.first() else { continue };
            let hours = tariff.schedule.of_date(first.date);
            for row in day {
                let period = period_of(hours, row.minute);
                let energy = units(row.energy);
                if let (Some(used), Some(table)) = (used.get_mut(period), tables.get(period)) {
                    fill(used, table, usage.total, energy);
                }
                usage.total = usage.total.saturating_add(energy);
                usage.highest = usage.highest.max(row.energy);
            }
        }
        if let Some((_, schedule)) = &tariff.tou_demand {
            usage.highest_by_period = highest_by_period(schedule, month, rows);
        }
        usage.chronological = periods
            .into_iter()
            .map(|period| (period, used.get_mut(period).map(std::mem::take).unwrap_or_default()))
            .collect();
        usage
    }

    /// By period and tier in a model, kWh.
    fn in_model(&self, tariff: &UrdbTariff, model: TierModel) -> BTreeMap<usize, Vec<Exact>> {
        let exact = |units: &i128| Exact::scaled(*units, PLACES);
        let total = exact(&self.total);
        let shares = self.chronological.iter().map(|(period, used)| {
            if model == TierModel::Chronological || total.is_zero() {
                return (*period, used.iter().map(exact).collect());
            }
            let of_period: Exact = used.iter().map(exact).sum();
            let share = of_period.over(&total).expect("the total is not 0");
            let mut tiers = vec![0; used.len()];
            let table = tariff.energy.get(*period).map(|tiers| bounds(tiers, self.month.days()));
            fill(&mut tiers, &table.unwrap_or_default(), 0, self.total);
            (*period, tiers.iter().map(|tier| &exact(tier) * &share).collect())
        });
        shares.collect()
    }
}

/// The period of a minute of a day with these hours.
fn period_of(hours: &[usize], minute: u16) -> usize {
    hours.get(usize::from(minute.div_euclid(60))).copied().unwrap_or_default()
}

fn highest_by_period(schedule: &HourSchedule, month: Month, rows: &[LoadRow]) -> BTreeMap<usize, Energy> {
    let periods = schedule.periods_in(month.number());
    let mut highest: BTreeMap<usize, Energy> = periods.into_iter().map(|period| (period, Energy::ZERO)).collect();
    for day in rows.chunk_by(|one, other| one.date == other.date) {
        let Some(first) = day.first() else { continue };
        let hours = schedule.of_date(first.date);
        for row in day {
            if let Some(highest) = highest.get_mut(&period_of(hours, row.minute)) {
                *highest = row.energy.max(*highest);
            }
        }
    }
    highest
}

fn bill(tariff: &UrdbTariff, load: &Load, usages: &[Usage], model: TierModel) -> Vec<LoadMonth> {
    let mut before_topups = Exact::default();
    let mut months = Vec::new();
    for usage in usages {
        let mut month = month_of(tariff, load, usage, model);
        month.add_up();
        before_topups += month.total.clone();
        if let Some(minimum) = &tariff.minimum {
            let missing = match minimum.per {
                UrdbPer::Day | UrdbPer::Month => minimum.of_month() - month.total.clone(),
                UrdbPer::Year if usage.month.number() == 12 => minimum.amount.clone() - before_topups.clone(),
                UrdbPer::Year => Exact::default(),
            };
            month.minimum_topup = missing.or_zero();
            month.add_up();
        }
        months.push(month);
    }
    months
}

fn month_of(tariff: &UrdbTariff, load: &Load, usage: &Usage, model: TierModel) -> LoadMonth {
    let used = usage.in_model(tariff, model);
    let price =
        |period: usize, tier: usize| tariff.energy.get(period).and_then(|tiers: &Vec<UrdbTier>| tiers.get(tier));
    let energy = used.iter().flat_map(|(period, tiers)| {
        tiers.iter().enumerate().filter_map(move |(tier, used)| Some(used * &price(*period, tier)?.price))
    });
    let peak_kw = load.power(usage.highest);
    let month_index = usize::try_from(usage.month.number()).ok().and_then(|month| month.checked_sub(1));
    let flat = tariff.flat_demand.as_ref().zip(month_index).and_then(|(months, index)| months.get(index));
    let peaks: BTreeMap<usize, Exact> =
        usage.highest_by_period.iter().map(|(period, energy)| (*period, load.power(*energy))).collect();
    let tou = peaks.iter().filter_map(|(period, peak)| {
        let (periods, _) = tariff.tou_demand.as_ref()?;
        Some(demand_charge(periods.get(*period)?, peak))
    });
    LoadMonth {
        month: usage.month,
        kwh: Exact::scaled(usage.total, PLACES),
        energy_charge: energy.sum(),
        demand_flat_charge: flat.map_or_else(Exact::default, |tiers| demand_charge(tiers, &peak_kw)),
        demand_tou_charge: tou.sum(),
        fixed_charge: tariff.fixed.as_ref().map_or_else(Exact::default, UrdbAmount::of_month),
        minimum_topup: Exact::default(),
        total: Exact::default(),
        use_kwh: used.into_iter().map(|(period, tiers)| (period.to_string(), tiers)).collect(),
        tou_demand_peak_kw: peaks.into_iter().map(|(period, peak)| (period.to_string(), peak)).collect(),
        peak_kw,
    }
}
