//! A month as other tariffs or rules would have made it, by the code that
//! bills: nothing is posted (PAINS 15).

use std::collections::BTreeMap;

use super::error::BillingError;
use super::site::{Reach, Site};
use super::target::MonthTarget;
use crate::event::Body;
use crate::quantity::Month;

/// A settled month with and without facts that are not in the log.
#[derive(Debug, Clone)]
pub struct WhatIf {
    /// By the facts known now.
    pub now: MonthTarget,
    /// By these and the hypothetical ones.
    pub then: MonthTarget,
}

impl Site {
    /// The target of a month with further structural facts; none where no day of it is settled.
    pub fn what_if(&self, facts: &[Body], month: Month) -> Result<Option<WhatIf>, BillingError> {
        let (Some(first_day), Some(last_day)) = (self.first_day(), self.settled_to) else { return Ok(None) };
        if month < first_day.month() || month > last_day.month() {
            return Ok(None);
        }
        let (mut premises, mut dirty) = (self.premises.clone(), self.changed());
        for body in facts {
            dirty.take_up(&premises, body);
            premises.apply(body);
        }
        dirty.spread(&premises);
        let to = Reach { until: premises.calendar.end_of(last_day.min(month.last())), last_day };
        let now = self.rated(&self.premises, to, &self.targets, &self.changed())?;
        let then = self.rated(&premises, to, &self.targets, &dirty)?;
        let of = |mut fresh: BTreeMap<Month, MonthTarget>| {
            fresh.remove(&month).or_else(|| self.targets.get(&month).cloned()).unwrap_or_default()
        };
        Ok(Some(WhatIf { now: of(now), then: of(then) }))
    }
}
