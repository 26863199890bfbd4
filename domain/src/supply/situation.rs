//! What supply control is told about a point: nothing here is read from a clock or a wire.

use std::collections::BTreeSet;

use crate::event::{AccountId, CutCharge, MeterId, PointId, SupplyPolicy};
use crate::premises::Calendar;
use crate::quantity::{Date, Instant, Money};

/// A point as it is now.
#[derive(Debug, Clone, Copy)]
pub struct Situation<'a> {
    /// Now.
    pub now: Instant,
    /// The site's clock.
    pub calendar: &'a Calendar,
    /// The site's holidays.
    pub holidays: &'a BTreeSet<Date>,
    /// How many points of the site have a relay.
    pub site_points: i64,
    /// The point.
    pub point: &'a PointId,
    /// Its meter; none while it has none.
    pub meter: Option<&'a MeterId>,
    /// Who leases its unit; none while it is empty.
    pub account: Option<&'a AccountId>,
    /// What was paid and what is owed; none where it cannot be said.
    pub dues: Option<Dues>,
    /// The newest reading that the dues rest on.
    pub data_at: Option<Instant>,
    /// How long the balance lasts at the present use, in tenths of a day.
    pub days_left_tenths: Option<i64>,
    /// Whether the meter answers.
    pub link_up: bool,
    /// The account's newest recharge.
    pub last_recharge: Option<Instant>,
}

/// What an account paid, and what it owes, by kind. All in minor units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Dues {
    /// Paid, less what was paid back.
    pub credit_minor: Money,
    /// Owed for the unit's own electricity.
    pub energy_minor: Money,
    /// Owed for its share of the building's electricity.
    pub shared_minor: Money,
    /// Owed for anything else. Never a reason to cut.
    pub other_minor: Money,
}

impl Dues {
    /// The balance of electricity: credit counts for it before other dues.
    pub fn electricity(&self, policy: &SupplyPolicy) -> Money {
        let owed = policy.for_charges.iter().map(|charge| match charge {
            CutCharge::Energy => self.energy_minor,
            CutCharge::SharedElectricity => self.shared_minor,
        });
        self.credit_minor - owed.sum()
    }
}
