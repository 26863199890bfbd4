//! The pure core of Tallywatt: no I/O, no clock, no randomness. Its folders
//! stand in the order of a kilowatt-hour's way (DESIGN §1).
#![deny(missing_docs, clippy::arithmetic_side_effects, clippy::indexing_slicing, clippy::wildcard_enum_match_arm)]

pub mod alarm;
pub mod allocation;
pub mod billing;
pub mod compliance;
pub mod event;
pub mod ledger;
pub mod metering;
pub mod premises;
pub mod prepayment;
pub mod proof;
pub mod quantity;
pub mod rating;
pub mod recharge;
pub mod supply;
pub mod tariff;
