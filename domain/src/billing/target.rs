//! The target: what each account owes for a month, as a pure function of the
//! facts known now (BILLING §2). Nothing here knows what was posted before.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use super::error::BillingError;
use super::hold::Bare;
use crate::allocation::{PoolMonth, rate_pool_month};
use crate::event::{AccountId, LineKey, PointId, PoolId, TaxMode, UnitId};
use crate::quantity::{Date, Energy, Money, Month, UNITS_PER_ONE, div_round, to_units};
use crate::rating::{Counters, Facts, Horizon, Line, PointSlice, rate_point_month};

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

/// Tier counters of points and pools.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct AllCounters {
    points: BTreeMap<PointId, Counters>,
    pools: BTreeMap<PoolId, Counters>,
}

/// A month's target, of all accounts and pools.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MonthTarget {
    /// By account.
    pub accounts: BTreeMap<AccountId, AccountMonth>,
    /// By pool.
    pub pools: BTreeMap<PoolId, PoolMonth>,
    /// The slices of all points.
    pub slices: Vec<PointSlice>,
    /// Leased points that used energy on a settled day without a tariff: one entry an account and point.
    pub bare: Vec<Bare>,
    pub(crate) counters: AllCounters,
}

impl MonthTarget {
    /// The tier counters of a point at the end of what the target covers.
    pub fn counters_of(&self, point: &PointId) -> Counters {
        self.counters.points.get(point).cloned().unwrap_or_default()
    }

    /// The target of a month; `before` are the counters at its start.
    pub(crate) fn compute(
        facts: &Facts<'_>,
        month: Month,
        horizon: Horizon,
        before: &AllCounters,
    ) -> Result<Self, BillingError> {
        let mut target = Self { counters: before.clone(), ..Self::default() };
        let mut indoor: BTreeMap<Date, BTreeMap<UnitId, Energy>> = BTreeMap::new();
        for point in facts.premises.points.values() {
            let Some(unit) = &point.unit else { continue };
            let counters = target.counters.points.entry(point.id.clone()).or_default();
            let rated = rate_point_month(facts, point, unit, month, horizon, counters);
            for (day, energy) in rated.day_energy {
                *indoor.entry(day).or_default().entry(unit.clone()).or_default() += energy;
            }
            for (account, lines) in rated.lines {
                let shown = lines.into_iter().filter(|(_, line)| line.quantity != 0);
                target.accounts.entry(account).or_default().lines.extend(shown);
            }
            let bare = |s: &&PointSlice| s.tariff.is_none() && s.holder.leased && !s.energy.is_zero();
            for slice in rated.slices.iter().filter(|s| bare(s) && s.day <= horizon.last_day) {
                let known = |one: &Bare| one.point == slice.point && one.account == slice.holder.account;
                if !target.bare.iter().any(known) {
                    let (account, point) = (slice.holder.account.clone(), slice.point.clone());
                    target.bare.push(Bare { account, point, day: slice.day });
                }
            }
            target.slices.extend(rated.slices);
        }
        for pool in facts.premises.pools.keys() {
            let counters = target.counters.pools.entry(pool.clone()).or_default();
            let rated = rate_pool_month(facts, pool, month, horizon, &indoor, counters);
            target.share(facts, pool, month, &rated)?;
            target.pools.insert(pool.clone(), rated);
        }
        target.tax(facts, month);
        Ok(target)
    }

    fn share(&mut self, facts: &Facts<'_>, pool: &PoolId, month: Month, rated: &PoolMonth) -> Result<(), BillingError> {
        let landlord = &facts.premises.site().landlord;
        within_rounding(pool, month, rated, landlord)?;
        for (account, of) in rated.accounts() {
            if of.energy.is_zero() && of.amount.is_zero() {
                continue;
            }
            let share = Share { energy: of.energy, nano: of.nano, amount: of.amount };
            self.accounts.entry(account.clone()).or_default().shared.insert(pool.clone(), share);
        }
        Ok(())
    }

    fn tax(&mut self, facts: &Facts<'_>, month: Month) {
        let Some(tax) = facts.premises.tax_on(month.first()) else { return };
        let rate = to_units(tax.rate).expect("checked before it was appended");
        for account in self.accounts.values_mut() {
            let base = account.indoor() + account.shared_amount();
            let amount = match tax.mode {
                TaxMode::Exclusive => rate_of(base, rate, UNITS_PER_ONE),
                TaxMode::Inclusive => Money::ZERO,
            };
            let (name, mode, rate) = (tax.name.clone(), tax.mode, tax.rate);
            account.tax = Some(TaxLine { name, mode, rate, base, amount });
        }
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
        PoolMonth { days: vec![day], ..PoolMonth::default() }
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
