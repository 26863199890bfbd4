//! Alarms: what somebody has to look at. An alarm is raised when a level has gone beyond its bound and not come back
//! for long enough, stays while the level is between the two bounds, and is cleared when it stayed back for long
//! enough: once an episode. Alarms hold no reading and change no bill.
//!
//! Reading order: `policy` (the bounds), `sight` (what polls tell beside registers), `look` with `load`, `loss` and
//! `register` (a site's levels now), `decide` (what follows from them), `alarms` (the fold).

mod alarms;
mod decide;
mod error;
mod load;
mod look;
mod loss;
mod policy;
mod register;
mod sight;
#[cfg(test)]
#[expect(clippy::indexing_slicing, reason = "tests may panic")]
mod tests;

pub use alarms::{Alarms, Happened, Open};
pub use decide::{Level, Watch, acknowledge, decide, publish};
pub use error::AlarmRefusal;
pub use look::{View, look};
pub use loss::EnergyBalance;
pub use policy::{defaults, in_force};
pub use sight::{Seen, Sight, Sights};
