//! A pool's month: its lines, its days and what each account bears to date.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use super::split::{Day, Split, split_day};
use crate::event::{AccountId, Component, LineKey, PointId, PoolId, TariffId, UnitId};
use crate::premises::Subject;
use crate::quantity::{Date, Energy, Instant, Money, Month, floor_div};
use crate::rating::{Carry, Counters, EnergyLines, Facts, Horizon, Line, RatedEnergy, complete, fixed_line, named_key};
use crate::tariff::MonthTerms;

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

/// A pool's month to date: the fold of its days. A day is added without a look
/// at those before it; what changes a day that is in it, makes it be folded anew.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PoolMonth {
    /// Its lines, as of a point with an empty id.
    pub lines: BTreeMap<LineKey, Line>,
    /// Its days.
    pub days: Vec<Arc<PoolDay>>,
    started: Counters,
    counters: Counters,
    carry: Carry,
    energy: EnergyLines,
    fixed_days: BTreeMap<(TariffId, i64), i64>,
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

    /// Without a day; `counters` stand at the month's start.
    pub fn new(counters: Counters) -> Self {
        Self { started: counters.clone(), counters, ..Self::default() }
    }

    /// Whether it began with these counters.
    pub fn started_with(&self, counters: &Counters) -> bool {
        self.started == *counters
    }

    /// The tier counters at the end of its days.
    pub const fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Whether a day is in it.
    pub fn has(&self, day: Date) -> bool {
        self.days.last().is_some_and(|last| day <= last.day)
    }

    /// Rates and splits the days up to the horizon that are not in it; `indoor`
    /// gives the units' own energy of a day. After a day that the horizon cuts
    /// nothing can be added.
    pub fn extend(
        &mut self,
        facts: &Facts<'_>,
        pool: &PoolId,
        month: Month,
        horizon: Horizon,
        mut indoor: impl FnMut(Date) -> Rc<BTreeMap<UnitId, Energy>>,
    ) {
        let premises = facts.premises;
        // Lines have points as keys; a pool's have its own id.
        let stand_in = PointId::try_new(pool.as_str()).expect("ids of pools and points have one form");
        let first = month.first().max(horizon.first_day);
        let mut day = self.days.last().map_or(first, |last| last.day.next());
        while day <= month.last() && premises.calendar.start_of(day) < horizon.until {
            let end = premises.calendar.end_of(day).min(horizon.until);
            let (energy, interpolated) = self.rate(facts, pool, &stand_in, day, end, horizon);
            self.lines = self.lines_of(facts, &stand_in, month);
            let amount_to_date: Money = self.lines.values().map(|line| line.amount).sum();
            let amount = amount_to_date - self.amount();
            let nano = i128::from(amount.get()).saturating_mul(NANO);
            let whole = Day { day, energy, nano };
            let split = split_day(premises, premises.rule_on(pool, day), whole, &indoor(day));
            let mut accounts = self.days.last().map(|last| last.accounts.clone()).unwrap_or_default();
            bear(&mut accounts, &split, &premises.site().landlord, amount_to_date);
            self.days.push(Arc::new(PoolDay { day, energy, interpolated, amount, amount_to_date, split, accounts }));
            day = day.next();
        }
    }

    /// Rates a day; its energy and how much of it is interpolated.
    fn rate(
        &mut self,
        facts: &Facts<'_>,
        pool: &PoolId,
        stand_in: &PointId,
        day: Date,
        end: Instant,
        horizon: Horizon,
    ) -> (Energy, Energy) {
        let premises = facts.premises;
        super::carry::arrive(facts, pool, day, day.month().first().max(horizon.first_day), &mut self.carry);
        let tariff = premises.tariff_on(&Subject::Pool(pool.clone()), day);
        let gap = premises.max_gap_on(day);
        let (mut total, mut total_interpolated) = (Energy::ZERO, Energy::ZERO);
        for cut in &*facts.period_cuts(tariff, day, end) {
            let (mut energy, mut flagged) = (Energy::ZERO, false);
            for point in premises.pool_points(pool, day) {
                let (of_point, point_flagged) = facts.slice(point, cut.from, cut.until, gap, &mut self.carry);
                energy += of_point;
                flagged |= point_flagged;
            }
            let interpolated = if flagged { energy } else { Energy::ZERO };
            total += energy;
            total_interpolated += interpolated;
            if let Some(tariff) = tariff {
                let (period, terms) = (cut.period, MonthTerms::default());
                let slice = RatedEnergy { tariff, period, day, holder: None, energy, interpolated, terms };
                self.energy.rate(stand_in, slice, &mut self.counters);
            }
        }
        if let (Some(tariff), true) = (tariff, day <= horizon.last_day) {
            let days = self.fixed_days.entry((tariff.id.clone(), tariff.version)).or_default();
            *days = days.saturating_add(1);
        }
        (total, total_interpolated)
    }

    fn lines_of(&self, facts: &Facts<'_>, stand_in: &PointId, month: Month) -> BTreeMap<LineKey, Line> {
        let decimals = facts.premises.site().currency_decimals;
        let mut lines = self.energy.lines(decimals);
        for (version, days) in &self.fixed_days {
            let tariff = facts.premises.tariffs.get(version).expect("a version in force is known");
            for charge in &tariff.fixed {
                let key = named_key(stand_in, tariff, Component::Fixed, Some(&charge.name));
                let amount = tariff.banded(&charge.amounts, MonthTerms::default());
                let days = (*days, month.days().into());
                lines.insert(key, fixed_line(charge.per, amount, days, decimals, tariff.round_lines));
            }
        }
        for tariff in facts.premises.tariffs.values().filter(|tariff| tariff.adds_by_lines()) {
            complete(&mut lines, stand_in, tariff, MonthTerms::default(), decimals);
        }
        lines
    }
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
