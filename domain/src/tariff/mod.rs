//! Tariffs: prices by period, season and tier, levies, fixed and demand
//! charges (BILLING §5), and what `adapters/src/site_folder/TARIFFS.md` adds:
//! bands, surcharges, rounding. Checked and compiled from their published form.

mod check;
mod check_surcharge;
mod fault;
mod from_urdb;
mod month_terms;
mod period;
mod rounding;
mod surcharge;
mod urdb;
mod version;

pub use check::{Finding, Place, findings, pool_findings};
pub use fault::TariffFault;
pub use from_urdb::{ImportAs, ImportTooLarge, ImportedTariff};
pub use month_terms::MonthTerms;
pub use period::{PeriodCut, period_cuts};
pub use rounding::{div_by, round_to, unit_parts};
pub use surcharge::{LineRef, SurchargeTerms};
pub use urdb::{HourSchedule, UrdbAmount, UrdbPer, UrdbTariff, UrdbTier};
pub use version::{DemandCharge, EnergyPrices, FixedCharge, Price, PriceTier, Tariff};
