//! Where everything stands now that has a bound: a function of a site's state and of an instant.

use std::collections::{BTreeMap, BTreeSet};

use super::alarms::Key;
use super::decide::Level;
use super::policy::in_force;
use super::{Alarms, Sights, load, loss, register};
use crate::billing::Site;
use crate::event::{AccountId, AlarmBound, AlarmKind, AlarmPolicy, AlarmSubject};
use crate::metering::MeterRegister;
use crate::prepayment::{Live, Settled};
use crate::quantity::{Instant, floor_div};
use crate::supply::Supply;

/// What is looked at. The site was advanced to `now`.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    /// When.
    pub now: Instant,
    /// The fold.
    pub alarms: &'a Alarms,
    /// The site.
    pub site: &'a Site,
    /// Its supply.
    pub supply: &'a Supply,
    /// What polls told.
    pub sights: &'a Sights,
    /// Live balances.
    pub balances: &'a BTreeMap<AccountId, Live>,
    /// What the last days cost.
    pub settled: &'a Settled,
}

/// Levels as they are found: what is neither beyond a bound nor open is left out.
pub(super) struct Found<'a> {
    pub(super) policy: AlarmPolicy,
    alarms: &'a Alarms,
    levels: Vec<Level>,
}

/// Figures by name.
pub(super) fn figures<const N: usize>(of: [(&str, i64); N]) -> BTreeMap<String, i64> {
    of.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

impl Found<'_> {
    /// Whether a kind is looked for.
    pub(super) fn wants(&self, kind: AlarmKind) -> bool {
        self.policy.bounds.get(&kind).is_some_and(|bound| bound.on)
    }

    pub(super) fn is_open(&self, kind: AlarmKind, subject: &AlarmSubject) -> bool {
        let key: Key = (kind, subject.clone());
        self.alarms.open.contains_key(&key)
    }

    /// The bound of a kind.
    pub(super) fn bound(&self, kind: AlarmKind) -> AlarmBound {
        let off = AlarmBound { clear: 0, clear_for_s: 0, on: false, raise: 0, raise_for_s: 0 };
        self.policy.bounds.get(&kind).cloned().unwrap_or(off)
    }

    /// Writes down where something stands.
    pub(super) fn say(&mut self, kind: AlarmKind, subject: &AlarmSubject, level: i64, figures: BTreeMap<String, i64>) {
        let bound = self.bound(kind);
        self.say_within(kind, subject, level, bound, figures);
    }

    /// Writes down where something stands that has a bound of its own.
    pub(super) fn say_within(
        &mut self,
        kind: AlarmKind,
        subject: &AlarmSubject,
        level: i64,
        bound: AlarmBound,
        figures: BTreeMap<String, i64>,
    ) {
        let level = Level { kind, subject: subject.clone(), level, bound, figures };
        if !level.is_back() || self.is_open(kind, subject) {
            self.levels.push(level);
        }
    }
}

/// Where everything stands now. What is well and has no open alarm is left out.
pub fn look(view: &View<'_>) -> Vec<Level> {
    let (_, policy) = in_force(view.alarms);
    let mut found = Found { policy, alarms: view.alarms, levels: Vec::new() };
    balances(view, &mut found);
    let held = register::held(view, &found);
    for meter in view.site.metering().registers().filter(|meter| meter.installed_at(view.now)) {
        let subject = AlarmSubject::Meter(meter.id().clone());
        register::levels(view, &meter, &subject, &held, &mut found);
        load::levels(view, &meter, &subject, &mut found);
    }
    for (point, welded) in view.alarms.welded() {
        let subject = AlarmSubject::Point(point.clone());
        found.say(AlarmKind::RelayWelded, &subject, i64::from(welded), BTreeMap::new());
    }
    loss::level(view, &mut found);
    found.levels
}

/// The accounts that lease a unit now.
fn tenants(view: &View<'_>) -> BTreeSet<AccountId> {
    let premises = view.site.premises();
    let holders = premises.units.keys().map(|unit| premises.holder_at(unit, view.now));
    holders.filter(|holder| holder.leased).map(|holder| holder.account).collect()
}

fn balances(view: &View<'_>, found: &mut Found<'_>) {
    if !found.wants(AlarmKind::LowBalance) {
        return;
    }
    let site_bound = found.bound(AlarmKind::LowBalance);
    let margin = site_bound.clear.saturating_sub(site_bound.raise);
    for account in tenants(view) {
        let Some(live) = view.balances.get(&account) else { continue };
        let Some(hours) = hours_left(view.settled, &account, live) else { continue };
        let own = found.policy.accounts.iter().find(|one| one.account == account).map(|one| one.raise_hours);
        let raise = own.unwrap_or(site_bound.raise);
        let bound = AlarmBound { raise, clear: raise.saturating_add(margin), ..site_bound.clone() };
        let spent = view.settled.spent.get(&account).map_or(0, |spent| spent.get());
        let per_day = spent.checked_div(view.settled.days).unwrap_or(0);
        let said =
            figures([("balance_minor", live.balance.get()), ("days", view.settled.days), ("per_day_minor", per_day)]);
        found.say_within(AlarmKind::LowBalance, &AlarmSubject::Account(account), hours, bound, said);
    }
}

/// Whole hours that a balance lasts at what the last days cost; none where they cost nothing.
fn hours_left(settled: &Settled, account: &AccountId, live: &Live) -> Option<i64> {
    let spent = settled.spent.get(account)?.get();
    if spent <= 0 {
        return None;
    }
    let top = i128::from(live.balance.get().max(0)).checked_mul(settled.days.into())?.checked_mul(24)?;
    i64::try_from(floor_div(top, spent.into())).ok()
}

impl View<'_> {
    /// Whether nothing is left to look at.
    pub fn is_gone(&self, kind: AlarmKind, subject: &AlarmSubject) -> bool {
        let premises = self.site.premises();
        let gone = match subject {
            AlarmSubject::Account(id) => !premises
                .units
                .keys()
                .map(|unit| premises.holder_at(unit, self.now))
                .any(|one| one.leased && one.account == *id),
            AlarmSubject::Meter(id) => {
                !self.site.metering().register(id).is_some_and(|meter| MeterRegister::installed_at(&meter, self.now))
            }
            AlarmSubject::Point(id) => !premises.points.contains_key(id),
            AlarmSubject::Site => false,
        };
        let (_, policy) = in_force(self.alarms);
        gone || !policy.bounds.get(&kind).is_some_and(|bound| bound.on)
    }
}
