//! The law's rules as data: presets of checks on what is published and what is
//! billed. A preset only says which checks there are; each check is named where
//! it acts: `publish` looks at tariffs, rules and choices before they count,
//! `issue` at bills before they go out. To be confirmed by counsel.

mod finding;
mod issue;
mod preset;
mod presets;
mod publish;
mod state;

pub use finding::Finding;
pub use issue::check_bills;
pub use preset::{Act, COUNSEL, Check, Field, Preset, PriceCap, Rule};
pub use presets::{PRESETS, find, latest};
pub use publish::{check_assignment, check_choice, check_publication, check_rule, check_tariff};
pub use state::Compliance;
