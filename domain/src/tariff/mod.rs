//! Tariffs: prices by period, season and tier, levies, fixed and demand
//! charges (BILLING §5), compiled from their published form.

mod from_urdb;
mod period;
mod urdb;
mod version;

pub use from_urdb::{ImportAs, ImportTooLarge, ImportedTariff};
pub use period::{PeriodCut, period_cuts};
pub use urdb::{HourSchedule, UrdbAmount, UrdbPer, UrdbTariff, UrdbTier};
pub use version::{DemandCharge, EnergyPrices, FixedCharge, Price, PriceTier, Tariff};
