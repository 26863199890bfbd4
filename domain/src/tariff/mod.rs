//! Tariffs: prices by period, season and tier, levies, fixed and demand
//! charges (BILLING §5), compiled from their published form.

mod period;
mod tariff;

pub use period::{PeriodCut, period_cuts};
pub use tariff::{DemandCharge, EnergyPrices, FixedCharge, Price, PriceTier, Tariff};
