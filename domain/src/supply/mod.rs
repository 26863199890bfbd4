//! Supply control: who is warned, who is cut off and restored, and what holds it
//! (METERS.md, "The relay"). It decides and records; it moves nothing.
//!
//! # Contract
//!
//! - Silence never cuts: without a balance, fresh readings and a meter that answers there is no order.
//! - Whether supply is on or off is taken from read-backs alone.
//! - A command ends exactly once: confirmed, failed, expired or cancelled. One that ended is never sent again; the
//!   need is decided anew from the present state.
//! - Whoever moves a relay asks [`Command::Send`] first, hands the order over only if the answer is
//!   `SupplyCommandSent`, and brings what was seen with [`Command::Report`].
//! - [`Command::Review`] makes one step for one point; it is asked until it answers with nothing.

mod check;
mod decide;
mod dues;
mod earliest;
mod error;
mod figures;
mod policy;
mod presets;
mod situation;
mod state;
#[cfg(test)]
#[expect(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::integer_division,
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    reason = "tests may panic"
)]
mod tests;

pub use decide::{Command, Due, Report, decide, due};
pub use dues::dues;
pub use earliest::earliest_cut;
pub use error::{PolicyError, Refusal};
pub use figures::Figures;
pub use policy::{blast_limit, check as check_policy, next_no_cut, no_cut_at};
pub use presets::{COUNSEL, PRESETS, Preset, PresetRule, RuleKind, preset};
pub use situation::{Dues, Situation};
pub use state::{ControlState, Held, OpenCommand, PointSupply, Request, Supply};
