//! The pure core of Tallywatt: no I/O, no clock, no randomness. Its folders
//! stand in the order of a kilowatt-hour's way (DESIGN §1).
#![deny(missing_docs, clippy::arithmetic_side_effects, clippy::indexing_slicing, clippy::wildcard_enum_match_arm)]

pub mod quantity;
pub mod event;
pub mod premises;
pub mod tariff;
pub mod metering;
pub mod rating;
pub mod allocation;
pub mod ledger;
pub mod billing;
pub mod prepayment;
pub mod proof;
