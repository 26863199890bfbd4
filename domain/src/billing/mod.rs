//! Targets, settlement by difference, and bills (BILLING §2, §7, §9).

mod bill;
mod conserve;
mod dirty;
mod due;
mod error;
mod hold;
mod law;
mod month_as_of;
mod settle;
mod site;
mod target;
mod what_if;

pub use conserve::Imbalance;
pub use due::{Due, RunKind};
pub use error::BillingError;
pub use hold::{Bare, Held};
pub use month_as_of::MonthAsOf;
pub use site::{RULES_VERSION, Run, Site};
pub use target::{AccountMonth, MonthTarget, Share, TaxLine};
pub use what_if::WhatIf;
