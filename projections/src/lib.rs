//! The documents of BILLING §9: pure functions of events and of the site's state.
#![deny(missing_docs, clippy::arithmetic_side_effects, clippy::indexing_slicing, clippy::wildcard_enum_match_arm)]

pub mod allocation;
pub mod balance;
pub mod bill;
pub mod quarantine;
