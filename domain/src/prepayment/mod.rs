//! Live balance, remaining kWh and days left (BILLING §7).

use std::collections::BTreeMap;

use crate::billing::{BillingError, MonthTarget, Site};
use crate::event::{AccountId, PointId, TaxMode};
use crate::premises::Subject;
use crate::quantity::{Date, Energy, Instant, Money, Month, UNITS_PER_ONE, floor_div, to_units};
use crate::rating::{Carry, Facts};

/// What an account has now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Live {
    /// The balance with the target at now in place of the posted one.
    pub balance: Money,
    /// Energy that the balance buys at the present prices.
    pub remaining: Option<Energy>,
}

/// What accounts spent over the last settled days, and common energy in no pool, by the facts of the last run.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Settled {
    /// How many days the spending is of: at most 7.
    pub days: i64,
    /// Charges of those days.
    pub spent: BTreeMap<AccountId, Money>,
    /// Energy of common points in no pool, by month of settled days.
    pub unallocated: BTreeMap<(PointId, Month), Energy>,
}

/// What the last run saw; to be asked before facts received later are applied.
pub fn settled(site: &Site) -> Result<Settled, BillingError> {
    let (Some(first), Some(last)) = (site.first_day(), site.settled_to()) else { return Ok(Settled::default()) };
    let premises = site.premises();
    let all = last.since(first).saturating_add(1);
    let days = all.min(7);
    let start = last.plus(days.saturating_neg());
    // Of months before that day's, nothing is in the difference.
    let back = if days == all { None } else { site.target_back_to(start)? };
    let since = if back.is_some() { start.month() } else { first.month() };
    let spent = |account: &AccountId| {
        let months = site.targets().range(since..).filter_map(|(_, target)| target.accounts.get(account));
        let before = back.as_ref().and_then(|target| target.accounts.get(account));
        months.map(|of| of.charges()).sum::<Money>() - before.map_or(Money::ZERO, |of| of.charges())
    };
    let spent = premises.accounts.keys().map(|account| (account.clone(), spent(account))).collect();
    let facts = Facts::new(premises, site.metering());
    let mut unallocated: BTreeMap<(PointId, Month), Energy> = BTreeMap::new();
    let mut day = first;
    while day <= last {
        let (from, until) = (premises.calendar.start_of(day), premises.calendar.end_of(day));
        for point in premises.unallocated_points(day) {
            let (energy, _) = facts.slice(point, from, until, i64::MAX, &mut Carry::new());
            *unallocated.entry((point.clone(), day.month())).or_default() += energy;
        }
        day = day.next();
    }
    unallocated.retain(|_, energy| !energy.is_zero());
    Ok(Settled { days: days.into(), spent, unallocated })
}

impl Settled {
    /// Tenths of days that a live balance lasts, cut.
    pub fn days_left_tenths(&self, account: &AccountId, live: Money) -> Option<i128> {
        let spent = self.spent.get(account).copied().filter(|spent| *spent > Money::ZERO);
        if live <= Money::ZERO {
            return spent.map(|_| 0);
        }
        let top = i128::from(live.get()).checked_mul(self.days.into())?.checked_mul(10)?;
        Some(floor_div(top, spent?.get().into()))
    }
}

/// The live figures of every account, by the facts received by now.
pub fn live(site: &mut Site, now: Instant) -> Result<BTreeMap<AccountId, Live>, BillingError> {
    site.advance(now)?;
    let premises = site.premises();
    let today = premises.calendar.day_of(now);
    let targets = site.targets_at(now)?;
    let charges = |targets: &BTreeMap<Month, MonthTarget>, month: &Month, account: &AccountId| {
        targets.get(month).and_then(|target| target.accounts.get(account)).map_or(Money::ZERO, |of| of.charges())
    };
    let mut all = BTreeMap::new();
    for account in premises.accounts.keys() {
        let changed = targets.keys();
        let unposted = changed.map(|month| charges(&targets, month, account) - charges(site.targets(), month, account));
        let balance = site.balance(account, now) - unposted.sum::<Money>();
        let remaining = remaining(site, &targets, account, balance, today, now);
        all.insert(account.clone(), Live { balance, remaining });
    }
    Ok(all)
}

/// Energy that a balance buys for the leased point with the smallest id, walking up the tiers.
fn remaining(
    site: &Site,
    targets: &BTreeMap<Month, MonthTarget>,
    account: &AccountId,
    balance: Money,
    today: Date,
    now: Instant,
) -> Option<Energy> {
    let premises = site.premises();
    let leased = premises.points.values().find_map(|point| {
        let holder = premises.holder_at(point.unit.as_ref()?, now);
        (holder.leased && holder.account == *account).then_some((point, holder))
    });
    let (point, holder) = leased?;
    let tariff = premises.tariff_on(&Subject::Point(point.id.clone()), today)?;
    let wall = now.plus(premises.calendar.offset_at(now)).get().rem_euclid(86_400).div_euclid(60);
    let wall_date = premises.calendar.wall_date(now);
    let period = tariff.period_at(wall_date, u16::try_from(wall).ok()?, &premises.holidays);
    let prices = tariff.prices(period, today.month().number())?;
    if balance <= Money::ZERO {
        return Some(Energy::ZERO);
    }
    let target = targets.get(&today.month()).or_else(|| site.targets().get(&today.month()));
    let mut counters = target.map(|target| target.counters_of(&point.id)).unwrap_or_default();
    let counter = counters.at(tariff, period, Some(&holder), today);
    let tax = premises.tax_on(today.month().first()).filter(|tax| tax.mode == TaxMode::Exclusive);
    let rate = UNITS_PER_ONE.checked_add(tax.map_or(Some(0), |tax| to_units(tax.rate))?)?;
    let minor = 10i128.checked_pow(premises.site().currency_decimals.into())?;
    // Money in units of which a mWh costs price × 10^decimals × (1 + rate).
    let mut money = i128::from(balance.get()).checked_mul(UNITS_PER_ONE)?.checked_mul(UNITS_PER_ONE)?;
    money = money.checked_mul(1_000_000)?;
    let mut bought: i128 = 0;
    let mut at = counter;
    for tier in &prices.tiers {
        let room = tier.up_to.map(|bound| (bound - at).max(Energy::ZERO));
        let unit_cost = tier.price.units.checked_add(tariff.adder_units())?.checked_mul(minor)?.checked_mul(rate)?;
        let affordable = (unit_cost > 0).then(|| floor_div(money, unit_cost));
        match (room, affordable) {
            (None, None) => return None,
            (None, Some(energy)) => return energy_of(bought.checked_add(energy)?),
            (Some(room), Some(energy)) if energy <= i128::from(room.get()) => {
                return energy_of(bought.checked_add(energy)?);
            }
            (Some(room), _) => {
                money = money.checked_sub(unit_cost.checked_mul(room.get().into())?)?;
                bought = bought.checked_add(room.get().into())?;
                at += room;
            }
        }
    }
    None
}

fn energy_of(mwh: i128) -> Option<Energy> {
    i64::try_from(mwh).ok().map(Energy::new)
}
