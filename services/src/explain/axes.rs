//! A line on the two time axes: what was known at an instant, and what was in
//! force on a day.

use domain::event::{BillIssued, BillLine};
use domain::premises::Subject;
use domain::quantity::{Date, Instant};
use domain::rating::LineKeyExt;

use super::Explained;
use super::step::Steps;
use crate::told::told;

/// As seen when: by the bill's own run, of all days, where nothing is said.
#[derive(Debug, Clone, Copy, Default)]
pub struct AsOf {
    /// By the facts received up to this instant.
    pub known_at: Option<Instant>,
    /// Of this local day alone.
    pub effective: Option<Date>,
}

impl Explained<'_> {
    /// Whether a day is asked for.
    pub(super) fn is_asked(&self, day: Date) -> bool {
        self.as_of.effective.is_none_or(|effective| effective == day)
    }

    /// The line as known at another instant, and what is in force on a day.
    pub(super) fn now(&self, bill: &BillIssued, line: &BillLine, steps: &mut Steps) {
        if let Some(at) = self.as_of.known_at {
            let target = self.month.target.as_ref().and_then(|target| target.accounts.get(&bill.account));
            let lines = target.into_iter().flat_map(|of| &of.lines);
            let now = lines.into_iter().find(|(key, _)| key.sorted() == line.key).map(|(_, now)| now);
            let said = match now {
                Some(now) => {
                    let quantity = projections::bill::show_quantity(now.quantity, now.unit, self.decimals());
                    let amount = now.amount.major(self.decimals());
                    told("working-known")
                        .with("quantity", quantity)
                        .with("price", now.price.to_string())
                        .with("amount", amount)
                }
                None => told("working-known-gone"),
            };
            steps.say(0, said.with("at", at));
        }
        if let Some(day) = self.as_of.effective {
            let subject = Subject::Point(line.key.point.clone());
            let tariff = self.premises().tariff_on(&subject, day);
            let said = match tariff {
                Some(tariff) => told("working-in-force")
                    .with("tariff", tariff.id.as_str())
                    .with("version", tariff.version.to_string())
                    .with("from", tariff.from.to_string()),
                None => told("working-in-force-none"),
            };
            steps.say(0, said.with("day", day.to_string()));
        }
    }
}
