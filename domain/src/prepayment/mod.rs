//! Live balance, remaining kWh and days left (BILLING §7).

mod remaining;

use std::collections::BTreeMap;

use crate::billing::{BillingError, MonthTarget, Site};
use crate::event::{AccountId, PointId};
use crate::quantity::{Energy, Instant, Money, Month, floor_div};
use crate::rating::{Carry, Facts};

type LiveBy = (BTreeMap<AccountId, Live>, BTreeMap<Month, MonthTarget>);

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
    Ok(live_by(site, now)?.0)
}

/// As `live`, with the targets that the figures are by: of the months in which they differ from what is posted.
pub fn live_by(site: &mut Site, now: Instant) -> Result<LiveBy, BillingError> {
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
        let remaining = remaining::remaining(site, &targets, account, balance, today, now);
        all.insert(account.clone(), Live { balance, remaining });
    }
    Ok((all, targets))
}
