//! A month as other tariffs or rules would have made it, by the code that
//! bills: nothing is posted (PAINS 15).

use super::error::BillingError;
use super::site::Site;
use super::target::{AllCounters, MonthTarget};
use crate::event::Body;
use crate::premises::Premises;
use crate::quantity::{Date, Month};
use crate::rating::{Facts, Horizon};

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
        let mut premises = self.premises.clone();
        for body in facts {
            premises.apply(body);
        }
        let start = facts.iter().map(|body| in_force_from(body).unwrap_or(first_day).month()).min();
        let start = start.unwrap_or(month).clamp(first_day.month(), month);
        let now = self.rate(&self.premises, month, month)?;
        let then = self.rate(&premises, start, month)?;
        Ok(Some(WhatIf { now, then }))
    }

    /// The target of a month, computed from `start` on by these premises.
    fn rate(&self, premises: &Premises, start: Month, month: Month) -> Result<MonthTarget, BillingError> {
        let (Some(first_day), Some(last_day)) = (self.first_day(), self.settled_to) else {
            return Ok(MonthTarget::default());
        };
        let horizon = Horizon { first_day, until: premises.calendar.end_of(last_day), last_day };
        let facts = Facts::new(premises, &self.metering);
        let before = self.targets.range(..start).next_back();
        let mut counters = before.map_or_else(AllCounters::default, |(_, target)| target.counters.clone());
        let mut at = start;
        loop {
            let target = self.checked(MonthTarget::compute(&facts, at, horizon, &counters)?)?;
            if at >= month {
                return Ok(target);
            }
            counters = target.counters;
            at = at.next();
        }
    }
}

/// The first day that a fact can change; none where it may be any.
const fn in_force_from(body: &Body) -> Option<Date> {
    if let Body::TariffPublished(data) = body {
        Some(data.from)
    } else if let Body::TariffAssigned(data) = body {
        Some(data.from)
    } else if let Body::RulePublished(data) = body {
        Some(data.from)
    } else {
        None
    }
}
