//! What supply control is told about every point of a site: computed at once, because balances are.

use std::collections::BTreeMap;

use domain::billing::Site;
use domain::event::{AccountId, MeterId, MeterInstalled, PointId, PointKind};
use domain::premises::Premises;
use domain::prepayment::Settled;
use domain::quantity::{Instant, Money};
use domain::supply::{Dues, Situation};

/// A unit's point, its meter and whoever leases the unit.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) point: PointId,
    pub(crate) meter: Option<MeterId>,
    pub(crate) account: Option<AccountId>,
    pub(crate) dues: Option<Dues>,
    data_at: Option<Instant>,
    days_left_tenths: Option<i64>,
    last_recharge: Option<Instant>,
}

/// Every unit's point, in the order of their ids.
#[derive(Debug, Clone, Default)]
pub(crate) struct Scene {
    pub(crate) places: Vec<Place>,
    /// How many unit's points the site has.
    points: usize,
}

impl Scene {
    /// The scene of now, with what accounts paid and owe; an account that is not among `dues` cannot be judged.
    pub(crate) fn of(site: &Site, spent: &Settled, dues: &BTreeMap<AccountId, Dues>, now: Instant) -> Self {
        Self::whose(site, spent, dues, now, |_| true)
    }

    /// The same of the points alone whose units an account leases.
    pub(crate) fn of_account(
        site: &Site,
        spent: &Settled,
        dues: &BTreeMap<AccountId, Dues>,
        (now, account): (Instant, &AccountId),
    ) -> Self {
        Self::whose(site, spent, dues, now, |holder| holder == Some(account))
    }

    fn whose(
        site: &Site,
        spent: &Settled,
        dues: &BTreeMap<AccountId, Dues>,
        now: Instant,
        asked: impl Fn(Option<&AccountId>) -> bool,
    ) -> Self {
        let premises = site.premises();
        let units = premises.points.values().filter(|point| point.kind == PointKind::Unit);
        let units: Vec<_> = units.filter_map(|point| Some((&point.id, point.unit.as_ref()?))).collect();
        let place = |(point, unit): &(&PointId, &domain::event::UnitId)| {
            let holder = premises.holder_at(unit, now);
            let account = holder.leased.then_some(holder.account);
            if !asked(account.as_ref()) {
                return None;
            }
            let holds =
                |meter: &&MeterInstalled| meter.installed <= now && meter.removed.is_none_or(|removed| now < removed);
            let meter = premises.meters_of(point).find(holds).map(|meter| &meter.id);
            let dues = account.as_ref().and_then(|account| dues.get(account).copied());
            let balance = |dues: Dues| dues.credit_minor - dues.energy_minor - dues.shared_minor - dues.other_minor;
            let left = account.as_ref().zip(dues.map(balance));
            let left = left.and_then(|(account, balance): (_, Money)| spent.days_left_tenths(account, balance));
            let recharges = account.iter().flat_map(|account| {
                site.ledger().recharges(account, Instant::new(i64::MIN), now.plus(1)).map(|one| one.time)
            });
            Some(Place {
                point: (*point).clone(),
                meter: meter.cloned(),
                dues,
                data_at: meter.and_then(|meter| site.metering().register(meter)?.last_accepted()),
                days_left_tenths: left.and_then(|left| i64::try_from(left).ok()),
                last_recharge: recharges.max(),
                account,
            })
        };
        Self { places: units.iter().filter_map(place).collect(), points: units.len() }
    }

    /// A point's situation; whether its meter answers is for the caller to say.
    pub(crate) fn situation<'a>(
        &'a self,
        place: &'a Place,
        premises: &'a Premises,
        now: Instant,
        link_up: impl FnOnce(&Place) -> bool,
    ) -> Situation<'a> {
        Situation {
            account: place.account.as_ref(),
            dues: place.dues,
            data_at: place.data_at,
            days_left_tenths: place.days_left_tenths,
            link_up: link_up(place),
            last_recharge: place.last_recharge,
            meter: place.meter.as_ref(),
            site_points: i64::try_from(self.points).unwrap_or(i64::MAX),
            ..bare(premises, &place.point, now)
        }
    }

    /// A point's place.
    pub(crate) fn place(&self, point: &PointId) -> Option<&Place> {
        self.places.binary_search_by(|place| place.point.cmp(point)).ok().and_then(|index| self.places.get(index))
    }
}

impl Place {
    /// Whether the newest reading is at most so old: what a log knows of a link.
    pub(crate) fn is_fresh(&self, now: Instant, seconds: i64) -> bool {
        self.data_at.is_some_and(|at| now.since(at) <= seconds)
    }
}

/// A point about which nothing is known but its name: enough to report what was seen, and never enough to order.
pub(crate) fn bare<'a>(premises: &'a Premises, point: &'a PointId, now: Instant) -> Situation<'a> {
    Situation {
        now,
        calendar: &premises.calendar,
        holidays: &premises.holidays,
        site_points: 0,
        point,
        meter: None,
        account: None,
        dues: None,
        data_at: None,
        days_left_tenths: None,
        link_up: false,
        last_recharge: None,
    }
}
