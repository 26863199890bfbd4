//! Targets, settlement by difference, and bills (BILLING §2, §7, §9).

mod bill;
mod due;
mod error;
mod law;
mod settle;
mod site;
mod target;

pub use due::{Due, RunKind};
pub use error::BillingError;
pub use site::{RULES_VERSION, Run, Site};
pub use target::{AccountMonth, MonthTarget, Share, TaxLine};
