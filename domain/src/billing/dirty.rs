//! What is to be rated anew: which points and pools, from which day on.

use std::collections::BTreeMap;

use crate::event::{Body, MeterId, PointId, PointKind, PoolId, TariffId};
use crate::premises::{Premises, Subject};
use crate::quantity::{Date, Instant, Month};

/// Before every day.
const EVER: Date = Date::new(i32::MIN);

/// What changed since the last run, and from which day on.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Dirty {
    all: Option<Date>,
    points: BTreeMap<PointId, Date>,
    all_pools: Option<Date>,
    pools: BTreeMap<PoolId, Date>,
    taxes: Option<Date>,
}

fn earlier(known: &mut Option<Date>, day: Date) {
    *known = Some(known.map_or(day, |known| known.min(day)));
}

fn earliest(one: Option<Date>, other: Option<Date>) -> Option<Date> {
    one.into_iter().chain(other).min()
}

impl Dirty {
    /// Everything.
    pub(crate) fn everything() -> Self {
        Self { all: Some(EVER), ..Self::default() }
    }

    /// From when on a point is to be rated anew.
    pub(crate) fn point(&self, point: &PointId) -> Option<Date> {
        earliest(self.all, self.points.get(point).copied())
    }

    /// From when on a pool is to be rated anew.
    pub(crate) fn pool(&self, pool: &PoolId) -> Option<Date> {
        earliest(self.all, earliest(self.all_pools, self.pools.get(pool).copied()))
    }

    /// Whether amounts of a month follow from other taxes.
    pub(crate) fn taxes(&self, month: Month) -> bool {
        earliest(self.all, self.taxes).is_some_and(|from| from <= month.last())
    }

    /// The first day of all.
    pub(crate) fn first(&self) -> Option<Date> {
        let whole = [self.all, self.all_pools, self.taxes].into_iter().flatten();
        whole.chain(self.points.values().copied()).chain(self.pools.values().copied()).min()
    }

    fn add_point(&mut self, point: &PointId, day: Date) {
        match self.points.get_mut(point) {
            Some(known) => *known = day.min(*known),
            None => drop(self.points.insert(point.clone(), day)),
        }
    }

    fn add_pool(&mut self, pool: &PoolId, day: Date) {
        let known = self.pools.entry(pool.clone()).or_insert(day);
        *known = day.min(*known);
    }

    fn add_subject(&mut self, subject: &Subject, day: Date) {
        match subject {
            Subject::Point(point) => self.add_point(point, day),
            Subject::Pool(pool) => self.add_pool(pool, day),
        }
    }

    /// A meter's register is another from an instant on: a slice that ends then is another, too.
    pub(crate) fn register_changed(&mut self, premises: &Premises, meter: &MeterId, from: Instant) {
        if let Some(table) = premises.meters.get(meter) {
            self.add_point(&table.point, premises.calendar.day_of(from.plus(-1)));
        }
    }

    /// A structural fact, before the premises take it up.
    pub(crate) fn take_up(&mut self, premises: &Premises, body: &Body) {
        match body {
            Body::LeaseRecorded(data) => {
                let day = premises.calendar.day_of(data.from);
                for point in premises.points_of(&data.unit) {
                    self.add_point(&point.id, day);
                }
                earlier(&mut self.all_pools, day);
            }
            Body::TariffPublished(data) => {
                let known = premises.tariffs.get(&(data.id.clone(), data.version)).map(|known| known.from);
                self.tariff_changed(premises, &data.id, known.map_or(data.from, |known| known.min(data.from)));
            }
            Body::TariffAssigned(data) => {
                let point = data.point.clone().map(Subject::Point);
                if let Some(subject) = point.or_else(|| data.pool.clone().map(Subject::Pool)) {
                    self.add_subject(&subject, data.from);
                }
            }
            Body::MeterInstalled(data) => {
                let known = premises.meters.get(&data.id).map(|known| &known.point);
                for point in known.into_iter().chain([&data.point]) {
                    self.add_point(point, EVER);
                }
            }
            Body::PoolDefined(data) => self.add_pool(&data.id, EVER),
            Body::PoolPointsChanged(data) => self.add_pool(&data.pool, data.from),
            Body::RulePublished(data) => {
                let known = premises.rule_version(&data.pool, data.version).map(|known| known.from);
                self.add_pool(&data.pool, known.map_or(data.from, |known| known.min(data.from)));
            }
            Body::AreaMeasured(data) => earlier(&mut self.all_pools, data.from),
            Body::TaxSet(data) => earlier(&mut self.taxes, data.from),
            Body::HolidayDeclared(data) => earlier(&mut self.all, data.date),
            Body::MaxGapSet(data) => earlier(&mut self.all, data.from),
            Body::UnitRegistered(_) => earlier(&mut self.all_pools, EVER),
            Body::PointRegistered(_) | Body::SiteRegistered(_) | Body::CalendarPublished(_) => {
                earlier(&mut self.all, EVER);
            }
            Body::AccountOpened(_)
            | Body::ReadingsRecorded(_)
            | Body::RechargeReceived(_)
            | Body::ReadingWithdrawn(_)
            | Body::ReadingReleased(_)
            | Body::PostingMade(_)
            | Body::PoolDayAllocated(_)
            | Body::AccountSettled(_)
            | Body::DaySettled(_)
            | Body::BillIssued(_)
            | Body::ComplianceChosen(_)
            | Body::SupplierBillReceived(_)
            | Body::ConsentGiven(_)
            | Body::FindingRaised(_)
            | Body::ChangeRecorded(_)
            | Body::Supply(_)
            | Body::Alarm(_)
            | Body::Payment(_)
            | Body::ChangeProposed(_)
            | Body::RechargeSuspended(_)
            | Body::ApprovalsSet(_)
            | Body::BillHeld(_) => {}
        }
    }

    fn tariff_changed(&mut self, premises: &Premises, tariff: &TariffId, from: Date) {
        for subject in premises.subjects_of(tariff) {
            self.add_subject(subject, from);
        }
    }

    /// Adds what goes by the points that changed: virtual points, the pools
    /// they are in, and weights by consumption.
    pub(crate) fn spread(&mut self, premises: &Premises) {
        for point in premises.points.values().filter(|point| point.kind == PointKind::Virtual) {
            let members = point.formula.iter().filter_map(|term| self.points.get(&term.point).copied());
            if let Some(from) = members.min() {
                self.add_point(&point.id, from);
            }
        }
        let has_unit = |point: &PointId| premises.points.get(point).is_some_and(|point| point.unit.is_some());
        let indoor = self.points.iter().filter(|(point, _)| has_unit(point)).map(|(_, from)| *from).min();
        if let Some(from) = indoor {
            earlier(&mut self.all_pools, from);
        }
        for (id, pool) in &premises.pools {
            let members = pool.points.iter().chain(pool.dated_points.values().flatten());
            if let Some(from) = members.filter_map(|point| self.points.get(point).copied()).min() {
                self.add_pool(id, from);
            }
        }
        // A virtual point that changes its pool brings along what it carried in the other.
        let moves = premises.pools.values().any(|pool| !pool.dated_points.is_empty());
        if let (true, Some(from)) = (moves, self.pools.values().copied().min()) {
            earlier(&mut self.all_pools, from);
        }
    }
}
