//! A pool's month: its lines, its days and what each account bears to date.

use std::collections::BTreeMap;

use super::split::{Day, Split, split_day};
use crate::event::{AccountId, Component, LineKey, PointId, PoolId, TariffId, UnitId};
use crate::premises::Subject;
use crate::quantity::{Date, Energy, Instant, Money, Month, floor_div};
use crate::rating::{Carry, Counters, EnergyLines, Facts, Horizon, Line, RatedEnergy, fixed_line, named_key};
use crate::tariff::{PeriodCut, Tariff, period_cuts};

const NANO: i128 = 1_000_000_000;
/// Makes up for the daily rounding down (BILLING §6.5).
const DAILY_ROUNDING: i128 = 100_000;

/// What an account bears of a pool's month to date.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PoolAccount {
    /// Energy to date.
    pub energy: Energy,
    /// Nano-units to date.
    pub nano: i128,
    /// To the cent.
    pub amount: Money,
}

/// A pool's day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoolDay {
    /// The local day.
    pub day: Date,
    /// Its energy.
    pub energy: Energy,
    /// How much of it is interpolated.
    pub interpolated: Energy,
    /// Its cost.
    pub amount: Money,
    /// The month's cost to date.
    pub amount_to_date: Money,
    /// How it is split.
    pub split: Split,
    /// What each account bears to date, the landlord included.
    pub accounts: BTreeMap<AccountId, PoolAccount>,
}

/// A pool's month to date.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PoolMonth {
    /// Its lines, as of a point with an empty id.
    pub lines: BTreeMap<LineKey, Line>,
    /// Its days.
    pub days: Vec<PoolDay>,
}

impl PoolMonth {
    /// Energy to date.
    pub fn energy(&self) -> Energy {
        self.days.iter().map(|day| day.energy).sum()
    }

    /// Cost to date.
    pub fn amount(&self) -> Money {
        self.days.last().map_or(Money::ZERO, |day| day.amount_to_date)
    }

    /// What each account bears to date.
    pub fn accounts(&self) -> impl Iterator<Item = (&AccountId, &PoolAccount)> {
        self.days.last().into_iter().flat_map(|day| &day.accounts)
    }

    /// The versions of the rule that applied.
    pub fn rules(&self) -> Vec<i64> {
        let mut rules: Vec<i64> = self.days.iter().filter_map(|day| day.split.rule).collect();
        rules.sort_unstable();
        rules.dedup();
        rules
    }
}

struct Rating<'a> {
    facts: &'a Facts<'a>,
    pool: &'a PoolId,
    /// Lines have points as keys; a pool's have its own id.
    stand_in: PointId,
    energy: EnergyLines,
    fixed_days: BTreeMap<(TariffId, i64), (&'a Tariff, i64)>,
    carry: Carry,
}

/// Rates and splits a pool's month up to the horizon; `counters` stand at the month's start and are moved on.
pub fn rate_pool_month(
    facts: &Facts<'_>,
    pool: &PoolId,
    month: Month,
    horizon: Horizon,
    indoor: &BTreeMap<Date, BTreeMap<UnitId, Energy>>,
    counters: &mut Counters,
) -> PoolMonth {
    let stand_in = PointId::try_new(pool.as_str()).expect("ids of pools and points have one form");
    let mut rating = Rating {
        facts,
        pool,
        stand_in,
        energy: EnergyLines::default(),
        fixed_days: BTreeMap::new(),
        carry: Carry::new(),
    };
    let mut rated = PoolMonth::default();
    let mut to_date: BTreeMap<AccountId, PoolAccount> = BTreeMap::new();
    let none = BTreeMap::new();
    let mut day = month.first().max(horizon.first_day);
    while day <= month.last() && facts.premises.calendar.start_of(day) < horizon.until {
        let end = facts.premises.calendar.end_of(day).min(horizon.until);
        let (energy, interpolated) = rating.day(day, end, horizon, counters);
        rated.lines = rating.lines(month);
        let amount_to_date: Money = rated.lines.values().map(|line| line.amount).sum();
        let amount = amount_to_date - rated.amount();
        let nano = i128::from(amount.get()).saturating_mul(NANO);
        let whole = Day { day, energy, nano };
        let rule = facts.premises.rule_on(pool, day);
        let split = split_day(facts.premises, rule, whole, indoor.get(&day).unwrap_or(&none));
        bear(&mut to_date, &split, &facts.premises.site().landlord, amount_to_date);
        let accounts = to_date.clone();
        rated.days.push(PoolDay { day, energy, interpolated, amount, amount_to_date, split, accounts });
        day = day.next();
    }
    rated
}

/// Adds a day's shares; the landlord bears the rest (BILLING §6.5).
fn bear(to_date: &mut BTreeMap<AccountId, PoolAccount>, split: &Split, landlord: &AccountId, amount: Money) {
    let mut add = |account: &AccountId, energy: Energy, nano: i128| {
        let of = to_date.entry(account.clone()).or_default();
        of.energy += energy;
        of.nano = of.nano.saturating_add(nano);
    };
    add(landlord, split.rest_energy, split.rest_nano);
    for part in &split.parts {
        add(landlord, part.rest_energy, part.rest_nano);
        for share in &part.shares {
            add(&share.account, share.energy, share.nano);
        }
    }
    let mut others = Money::ZERO;
    for (_, of) in to_date.iter_mut().filter(|(account, _)| *account != landlord) {
        let minor = floor_div(of.nano.saturating_add(DAILY_ROUNDING), NANO);
        of.amount = Money::new(i64::try_from(minor).expect("amounts are bounded"));
        others += of.amount;
    }
    if let Some(of) = to_date.get_mut(landlord) {
        of.amount = amount - others;
    }
}

impl Rating<'_> {
    /// Rates a day; its energy and how much of it is interpolated.
    fn day(&mut self, day: Date, end: Instant, horizon: Horizon, counters: &mut Counters) -> (Energy, Energy) {
        let premises = self.facts.premises;
        let start = premises.calendar.start_of(day);
        super::carry::arrive(self.facts, self.pool, day, day.month().first().max(horizon.first_day), &mut self.carry);
        let tariff = premises.tariff_on(&Subject::Pool(self.pool.clone()), day);
        let cuts = match tariff {
            Some(tariff) => period_cuts(tariff, &premises.calendar, &premises.holidays, start, end),
            None => vec![PeriodCut { from: start, until: end, period: 0 }],
        };
        let (mut total, mut total_interpolated) = (Energy::ZERO, Energy::ZERO);
        for cut in cuts {
            let (mut energy, mut flagged) = (Energy::ZERO, false);
            for point in premises.pool_points(self.pool, day) {
                let gap = premises.max_gap_on(day);
                let (of_point, point_flagged) = self.facts.slice(point, cut.from, cut.until, gap, &mut self.carry);
                energy += of_point;
                flagged |= point_flagged;
            }
            let interpolated = if flagged { energy } else { Energy::ZERO };
            total += energy;
            total_interpolated += interpolated;
            if let Some(tariff) = tariff {
                let slice = RatedEnergy { tariff, period: cut.period, day, holder: None, energy, interpolated };
                self.energy.rate(&self.stand_in, slice, counters);
            }
        }
        if let (Some(tariff), true) = (tariff, day <= horizon.last_day) {
            let days = self.fixed_days.entry((tariff.id.clone(), tariff.version)).or_insert((tariff, 0));
            days.1 = days.1.saturating_add(1);
        }
        (total, total_interpolated)
    }

    fn lines(&self, month: Month) -> BTreeMap<LineKey, Line> {
        let decimals = self.facts.premises.site().currency_decimals;
        let mut lines = self.energy.lines(decimals);
        for (tariff, days) in self.fixed_days.values() {
            for charge in &tariff.fixed {
                let key = named_key(&self.stand_in, tariff, Component::Fixed, Some(&charge.name));
                lines.insert(key, fixed_line(charge.per, charge.amount, *days, month.days().into(), decimals));
            }
        }
        lines
    }
}
