//! The target: what each account owes for a month, as a pure function of the
//! facts known now (BILLING §2). Nothing here knows what was posted before.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use rust_decimal::Decimal;

use super::dirty::Dirty;
use super::error::BillingError;
use super::hold::Bare;
use crate::allocation::PoolMonth;
use crate::event::{AccountId, LineKey, PointId, PoolId, TaxMode, UnitId};
use crate::premises::Premises;
use crate::quantity::{Date, Energy, Money, Month, UNITS_PER_ONE, div_round, to_units};
use crate::rating::{Counters, Facts, Horizon, Line, MonthShape, PointMonth, PointSlice};

/// Rounding to the cent serves fewer accounts than this (BILLING §6.5).
const ACCOUNTS_A_MONTH: usize = 10_000;
/// Daily rounding down serves so many units × parts of one account (BILLING §6.5).
const SHARES_A_DAY: usize = 3_000;

/// An account's share of a pool, to date.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Share {
    /// Energy.
    pub energy: Energy,
    /// Nano-units.
    pub nano: i128,
    /// Amount.
    pub amount: Money,
}

/// An account's tax of a month, to date.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaxLine {
    /// As bills name it.
    pub name: String,
    /// Whether prices are without it.
    pub mode: TaxMode,
    /// As published.
    pub rate: Decimal,
    /// Indoor and shared.
    pub base: Money,
    /// What is added: 0 with mode inclusive.
    pub amount: Money,
}

/// What an account owes for a month, to date.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AccountMonth {
    /// Lines of its own points.
    pub lines: BTreeMap<LineKey, Line>,
    /// Shares of pools.
    pub shared: BTreeMap<PoolId, Share>,
    /// Its tax.
    pub tax: Option<TaxLine>,
}

impl AccountMonth {
    /// The sum of its lines.
    pub fn indoor(&self) -> Money {
        self.lines.values().map(|line| line.amount).sum()
    }

    /// The sum of its shares.
    pub fn shared_amount(&self) -> Money {
        self.shared.values().map(|share| share.amount).sum()
    }

    /// All of it.
    pub fn charges(&self) -> Money {
        self.indoor() + self.shared_amount() + self.tax.as_ref().map_or(Money::ZERO, |tax| tax.amount)
    }
}

/// A month's target, of all accounts and pools.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MonthTarget {
    /// By account. What a later target does not change is shared with it.
    pub accounts: BTreeMap<AccountId, Arc<AccountMonth>>,
    /// By pool.
    pub pools: BTreeMap<PoolId, PoolMonth>,
    /// Leased points that used energy on a settled day without a tariff: one entry an account and point.
    pub bare: Vec<Bare>,
    /// The folds of the units' points.
    points: BTreeMap<PointId, Arc<PointMonth>>,
}

/// What a month is rated by.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rating<'a> {
    /// The facts known now.
    pub(crate) facts: &'a Facts<'a>,
    /// How far it goes.
    pub(crate) horizon: Horizon,
    /// What of earlier targets no longer holds.
    pub(crate) dirty: &'a Dirty,
}

impl MonthTarget {
    /// The tier counters of a point at the end of what the target covers.
    pub fn counters_of(&self, point: &PointId) -> Counters {
        self.points.get(point).map(|rated| rated.counters().clone()).unwrap_or_default()
    }

    /// All slices of a point's month, where a tariff depends on the whole of it.
    pub fn whole_of(&self, point: &PointId) -> &[PointSlice] {
        self.points.get(point).map_or(&[], |rated| rated.whole())
    }

    /// What bands and scaled bounds of a point go by.
    pub fn shape_of(&self, premises: &Premises, point: &PointId, month: Month) -> MonthShape {
        self.points.get(point).map(|rated| rated.shape(premises, point, month)).unwrap_or_default()
    }

    /// The slices of the days that were rated last: of a target from zero, all.
    pub fn slices(&self) -> impl Iterator<Item = &PointSlice> {
        self.points.values().flat_map(|rated| &rated.slices)
    }

    /// Each unit's point with the energy of its slices that have a tariff.
    pub fn charged(&self) -> impl Iterator<Item = (&PointId, Energy)> {
        self.points.iter().map(|(point, rated)| (point, rated.charged))
    }

    /// The accounts that held a point in the month.
    pub fn holders_of(&self, point: &PointId) -> impl Iterator<Item = &AccountId> {
        self.points.get(point).into_iter().flat_map(|rated| &rated.holders)
    }

    /// The target of a month, from an earlier one by the days and points that
    /// are not in it or changed; `before` is that of the month before, up to its
    /// end. None where nothing is another than in `posted`.
    pub(crate) fn rate(
        month: Month,
        posted: Option<&Self>,
        before: Option<&Self>,
        by: Rating<'_>,
    ) -> Result<Option<Self>, BillingError> {
        let none = Self::default();
        let known = posted.unwrap_or(&none);
        let mut changed = posted.is_none() || by.dirty.taxes(month);
        let mut target = Self::default();
        target.points = by.points(month, known, before, &mut changed);
        target.pools = by.pools(month, known, before, &target.points, &mut changed);
        if !changed {
            return Ok(None);
        }
        let mut accounts: BTreeMap<AccountId, AccountMonth> = BTreeMap::new();
        for (point, rated) in &target.points {
            let bare = |(account, day): (&AccountId, &Date)| Bare {
                account: account.clone(),
                point: point.clone(),
                day: *day,
            };
            let mut of_point: Vec<Bare> = rated.bare.iter().map(bare).collect();
            of_point.sort_by_key(|bare| bare.day);
            target.bare.extend(of_point);
            for (account, lines) in rated.lines(by.facts, point, month, by.horizon.last_day) {
                let shown = lines.into_iter().filter(|(_, line)| line.quantity != 0);
                accounts.entry(account).or_default().lines.extend(shown);
            }
        }
        for (pool, rated) in &target.pools {
            share(&mut accounts, by.facts, pool, month, rated)?;
        }
        tax(&mut accounts, by.facts, month);
        let shared = |(account, of): (AccountId, AccountMonth)| {
            let same = known.accounts.get(&account).filter(|known| ***known == of).cloned();
            (account, same.unwrap_or_else(|| Arc::new(of)))
        };
        target.accounts = accounts.into_iter().map(shared).collect();
        Ok(Some(target))
    }
}

impl Rating<'_> {
    /// The last day of a month that the horizon has.
    fn last_day(&self, month: Month) -> Date {
        let until = self.horizon.until.plus(-1);
        self.facts.premises.calendar.day_of(until).min(month.last())
    }

    fn points(
        &self,
        month: Month,
        known: &MonthTarget,
        before: Option<&MonthTarget>,
        changed: &mut bool,
    ) -> BTreeMap<PointId, Arc<PointMonth>> {
        let (none, last_day) = (Counters::default(), self.last_day(month));
        let keeps_month = self.facts.premises.depends_on_month();
        let mut all = BTreeMap::new();
        for point in self.facts.premises.points.values() {
            let Some(unit) = &point.unit else { continue };
            let start = before.and_then(|before| before.points.get(&point.id)).map_or(&none, |rated| rated.counters());
            let dirty = self.dirty.point(&point.id);
            let holds = |rated: &&Arc<PointMonth>| {
                rated.started_with(start)
                    && !dirty.is_some_and(|from| rated.has(from))
                    && rated.keeps_month() == keeps_month
            };
            let mut rated = match known.points.get(&point.id).filter(holds) {
                Some(rated) => rated.clone(),
                None => Arc::new(PointMonth::new(start.clone())),
            };
            if !rated.has(last_day) {
                *changed = true;
                Arc::make_mut(&mut rated).extend(self.facts, point, unit, month, self.horizon);
            }
            all.insert(point.id.clone(), rated);
        }
        *changed |= all.len() != known.points.len();
        all
    }

    fn pools(
        &self,
        month: Month,
        known: &MonthTarget,
        before: Option<&MonthTarget>,
        points: &BTreeMap<PointId, Arc<PointMonth>>,
        changed: &mut bool,
    ) -> BTreeMap<PoolId, PoolMonth> {
        let premises = self.facts.premises;
        let (none, last_day) = (Counters::default(), self.last_day(month));
        let mut by_day: BTreeMap<Date, Rc<BTreeMap<UnitId, Energy>>> = BTreeMap::new();
        let mut indoor =
            |day: Date| by_day.entry(day).or_insert_with(|| Rc::new(indoor_of(premises, points, day))).clone();
        let mut all = BTreeMap::new();
        for pool in premises.pools.keys() {
            let start = before.and_then(|before| before.pools.get(pool)).map_or(&none, PoolMonth::counters);
            let dirty = self.dirty.pool(pool);
            let holds = |rated: &&PoolMonth| rated.started_with(start) && !dirty.is_some_and(|from| rated.has(from));
            let mut rated = match known.pools.get(pool).filter(holds) {
                Some(rated) => rated.clone(),
                None => PoolMonth::new(start.clone()),
            };
            if !rated.has(last_day) {
                *changed = true;
                rated.extend(self.facts, pool, month, self.horizon, &mut indoor);
            }
            all.insert(pool.clone(), rated);
        }
        all
    }
}

/// The units' own energy of a day.
fn indoor_of(premises: &Premises, points: &BTreeMap<PointId, Arc<PointMonth>>, day: Date) -> BTreeMap<UnitId, Energy> {
    let mut all: BTreeMap<UnitId, Energy> = BTreeMap::new();
    for (point, rated) in points {
        let unit = premises.points.get(point).and_then(|point| point.unit.as_ref());
        if let (Some(unit), Some(energy)) = (unit, rated.day_energy.get(&day)) {
            *all.entry(unit.clone()).or_default() += *energy;
        }
    }
    all
}

fn share(
    accounts: &mut BTreeMap<AccountId, AccountMonth>,
    facts: &Facts<'_>,
    pool: &PoolId,
    month: Month,
    rated: &PoolMonth,
) -> Result<(), BillingError> {
    within_rounding(pool, month, rated, &facts.premises.site().landlord)?;
    for (account, of) in rated.accounts() {
        if of.energy.is_zero() && of.amount.is_zero() {
            continue;
        }
        let share = Share { energy: of.energy, nano: of.nano, amount: of.amount };
        accounts.entry(account.clone()).or_default().shared.insert(pool.clone(), share);
    }
    Ok(())
}

fn tax(accounts: &mut BTreeMap<AccountId, AccountMonth>, facts: &Facts<'_>, month: Month) {
    let Some(tax) = facts.premises.tax_on(month.first()) else { return };
    let rate = to_units(tax.rate).expect("checked before it was appended");
    for account in accounts.values_mut() {
        let base = account.indoor() + account.shared_amount();
        let amount = match tax.mode {
            TaxMode::Exclusive => rate_of(base, rate, UNITS_PER_ONE),
            TaxMode::Inclusive => Money::ZERO,
        };
        let (name, mode, rate) = (tax.name.clone(), tax.mode, tax.rate);
        account.tax = Some(TaxLine { name, mode, rate, base, amount });
    }
}

/// Whether rounding down serves everyone (BILLING §6.5): fewer than 10,000
/// accounts with a share in the month, and at most 3,000 shares of one of them on a day.
fn within_rounding(pool: &PoolId, month: Month, rated: &PoolMonth, landlord: &AccountId) -> Result<(), BillingError> {
    let others = rated.accounts().filter(|(account, of)| *account != landlord && of.nano > 0).count();
    if others >= ACCOUNTS_A_MONTH {
        return Err(BillingError::TooManyAccounts { pool: pool.clone(), month });
    }
    for day in &rated.days {
        let shares = || day.split.parts.iter().flat_map(|part| &part.shares);
        if shares().count() <= SHARES_A_DAY {
            continue;
        }
        let mut counts: BTreeMap<&AccountId, usize> = BTreeMap::new();
        for share in shares().filter(|share| share.account != *landlord) {
            let count = counts.entry(&share.account).or_default();
            *count = count.saturating_add(1);
            if *count > SHARES_A_DAY {
                let (pool, account) = (pool.clone(), share.account.clone());
                return Err(BillingError::TooManyShares { pool, account, day: day.day });
            }
        }
    }
    Ok(())
}

/// `round(base × rate ÷ of)`.
pub(super) fn rate_of(base: Money, rate: i128, of: i128) -> Money {
    let top = i128::from(base.get()).checked_mul(rate).expect("amounts and rates are bounded");
    Money::new(i64::try_from(div_round(top, of)).expect("rates are bounded"))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests may panic")]
mod tests {
    use super::*;
    use crate::allocation::{PartSplit, PoolAccount, PoolDay, ShareOf, Split};
    use crate::event::Basis;

    const DAY: Date = Date::new(20_000);

    fn shares(account: &str, units: usize) -> Vec<ShareOf> {
        let share = |n: usize| ShareOf {
            unit: UnitId::try_new(&format!("U-{n}")).unwrap(),
            account: AccountId::try_new(account).unwrap(),
            weight: 1,
            energy: Energy::ZERO,
            nano: 1,
        };
        (0..units).map(share).collect()
    }

    fn month(parts: Vec<Vec<ShareOf>>, accounts: usize) -> PoolMonth {
        let part = |shares: Vec<ShareOf>| PartSplit {
            percent: Decimal::ONE,
            basis: Basis::Equal,
            applied: Some(Basis::Equal),
            total_weight: 1,
            energy: Energy::ZERO,
            nano: 0,
            rest_energy: Energy::ZERO,
            rest_nano: 0,
            shares,
        };
        let account = |n: usize| {
            let of = PoolAccount { energy: Energy::ZERO, nano: 1, amount: Money::ZERO };
            (AccountId::try_new(&format!("A-{n}")).unwrap(), of)
        };
        let day = PoolDay {
            day: DAY,
            energy: Energy::ZERO,
            interpolated: Energy::ZERO,
            amount: Money::ZERO,
            amount_to_date: Money::ZERO,
            split: Split { parts: parts.into_iter().map(part).collect(), ..Split::default() },
            accounts: (0..accounts).map(account).collect(),
        };
        let mut month = PoolMonth::default();
        month.days.push(Arc::new(day));
        month
    }

    fn check(rated: &PoolMonth) -> Result<(), BillingError> {
        let landlord = AccountId::try_new("A-0").unwrap();
        within_rounding(&PoolId::try_new("lifts").unwrap(), DAY.month(), rated, &landlord)
    }

    #[test]
    fn ten_thousand_accounts_beside_the_landlord_are_too_many() {
        assert_eq!(check(&month(Vec::new(), 10_000)), Ok(()));
        assert!(matches!(check(&month(Vec::new(), 10_001)), Err(BillingError::TooManyAccounts { .. })));
    }

    #[test]
    fn three_thousand_shares_of_an_account_on_a_day_are_enough() {
        assert_eq!(check(&month(vec![shares("A-1", 1_500), shares("A-1", 1_500)], 2)), Ok(()));
        let over = check(&month(vec![shares("A-1", 1_500), shares("A-1", 1_501)], 2));
        assert!(matches!(over, Err(BillingError::TooManyShares { day: DAY, .. })), "{over:?}");
        assert_eq!(check(&month(vec![shares("A-0", 4_000)], 2)), Ok(()), "the landlord bears what is left anyway");
    }
}
