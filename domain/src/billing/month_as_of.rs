//! How a month stood at a run: what the lines of the bills that the run issued are explained by.

use super::site::Site;
use super::target::MonthTarget;
use crate::event::PointId;
use crate::quantity::{Date, Instant, Month};
use crate::rating::{Counters, Facts, Horizon, MonthShape, PointMonth, PointSlice};

/// A month as of a run. What later targets have in common with it is shared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MonthAsOf {
    /// The month.
    pub month: Month,
    /// When the run was due: what was received later was not known.
    pub at: Instant,
    /// The position of the last event that the run saw.
    pub seen: u64,
    /// What was owed for the month.
    pub target: Option<MonthTarget>,
    /// The same of the last month before it that was rated: tiers may go on from there.
    pub before: Option<MonthTarget>,
    first_day: Option<Date>,
    settled_to: Option<Date>,
}

impl MonthAsOf {
    /// The slices of a point in the month, as settled then, by the facts known then.
    pub fn slices_of(&self, facts: &Facts<'_>, point: &PointId) -> Vec<PointSlice> {
        let of = || {
            let (first_day, settled_to) = (self.first_day?, self.settled_to?);
            let point = facts.premises.points.get(point)?;
            let calendar = &facts.premises.calendar;
            let until = calendar.end_of(settled_to);
            let horizon = Horizon { first_day, until, last_day: calendar.day_of(until).previous() };
            // Tiers are no matter: slices are energies.
            let mut rated = PointMonth::new(Counters::default());
            rated.extend(facts, point, point.unit.as_ref()?, self.month, horizon);
            Some(rated.slices)
        };
        of().unwrap_or_default()
    }

    /// The tier counters of a unit's point at the month's start.
    pub fn counters_before(&self, point: &PointId) -> Counters {
        self.before.as_ref().map(|target| target.counters_of(point)).unwrap_or_default()
    }

    /// What bands and scaled bounds of a point go by.
    pub fn shape_of(&self, facts: &Facts<'_>, point: &PointId) -> MonthShape {
        let target = self.target.as_ref();
        target.map(|target| target.shape_of(facts.premises, point, self.month)).unwrap_or_default()
    }
}

impl Site {
    /// How a month stands by the last run.
    pub fn month_as_of(&self, month: Month) -> MonthAsOf {
        MonthAsOf {
            month,
            at: self.last_run.map_or(Instant::new(i64::MIN), |due| due.at),
            seen: self.position,
            target: self.targets.get(&month).cloned(),
            before: self.targets.range(..month).next_back().map(|(_, target)| target.clone()),
            first_day: self.first_day(),
            settled_to: self.settled_to,
        }
    }
}
