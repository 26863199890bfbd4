//! A month's shape: the energy and the days of each tenancy, which bands and
//! scaled bounds go by.

use std::collections::BTreeMap;

use super::point_month::PointSlice;
use crate::event::{AccountId, PointId, TariffId};
use crate::premises::{Holder, Premises, Subject};
use crate::quantity::{Instant, Month};
use crate::tariff::{MonthTerms, Tariff};

/// Who holds a point, and since when.
type Tenancy = (AccountId, bool, Instant);

/// The month of a point, by tariff and tenancy; empty where no tariff depends on it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MonthShape(BTreeMap<(TariffId, Tenancy), MonthTerms>);

fn tenancy(holder: &Holder) -> Tenancy {
    (holder.account.clone(), holder.leased, holder.since)
}

impl MonthShape {
    /// The shape of a unit's point, by all slices of its month to date and all days of the month from the first of them.
    pub(super) fn of_point(premises: &Premises, point: &PointId, month: Month, slices: &[PointSlice]) -> Self {
        let mut shape = Self::default();
        let unit = premises.points.get(point).and_then(|point| point.unit.as_ref());
        let (Some(unit), Some(first)) = (unit, slices.first()) else { return shape };
        for slice in slices {
            if let Some((tariff, ..)) = &slice.tariff {
                shape.entry(tariff, &slice.holder, month).energy += slice.energy;
            }
        }
        let subject = Subject::Point(point.clone());
        let mut day = first.day;
        while day <= month.last() {
            if let Some(tariff) = premises.tariff_on(&subject, day) {
                let terms =
                    shape.entry(&tariff.id, &premises.holder_at_end(unit, premises.calendar.end_of(day)), month);
                terms.days = terms.days.saturating_add(1);
            }
            day = day.next();
        }
        shape
    }

    fn entry(&mut self, tariff: &TariffId, holder: &Holder, month: Month) -> &mut MonthTerms {
        let fresh = MonthTerms { of_days: month.days().into(), ..MonthTerms::default() };
        self.0.entry((tariff.clone(), tenancy(holder))).or_insert(fresh)
    }

    /// The month of a tenancy under a tariff.
    pub fn tenancy(&self, tariff: &Tariff, holder: Option<&Holder>) -> MonthTerms {
        let key = holder.map(|holder| (tariff.id.clone(), tenancy(holder)));
        key.and_then(|key| self.0.get(&key)).copied().unwrap_or_default()
    }

    /// The month of an account under a tariff, of all its tenancies.
    pub fn account(&self, tariff: &Tariff, account: &AccountId) -> MonthTerms {
        let of = self.0.iter().filter(|((id, (holder, ..)), _)| *id == tariff.id && holder == account);
        of.fold(MonthTerms::default(), |all, (_, terms)| MonthTerms {
            energy: all.energy + terms.energy,
            days: all.days.saturating_add(terms.days),
            of_days: terms.of_days,
        })
    }
}
