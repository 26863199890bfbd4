//! What a site consists of: units, points, meters, accounts, leases, and what
//! is in force on which day. A fact received later takes the place of the one
//! with the same key (BILLING §8).

mod calendar;
mod in_force;

pub use calendar::{Calendar, Span, wall_date, wall_midnight};
pub use in_force::{Holder, Pool, Premises, Subject};
