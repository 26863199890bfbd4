//! Rating a load curve by a tariff alone, without a site: exact amounts by
//! calendar month, nothing rounded.
//!
//! `urdb` rates by a tariff of the Utility Rate Database, `native` by versions
//! of a site's tariff through the same code as its bills.

mod native;
#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, clippy::indexing_slicing, reason = "tests may panic")]
mod tests;
mod tier;
mod urdb;

use std::collections::BTreeMap;

pub use native::{NativeError, NativeTariff, rate_native};
pub use urdb::rate_urdb;

use crate::quantity::{Date, Energy, Exact, Instant, Month};

/// A load curve: intervals that follow each other without a gap, in one local calendar year.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Load {
    /// Length of every interval.
    pub interval_minutes: u8,
    /// In time order.
    pub rows: Vec<LoadRow>,
}

/// An interval of a load curve.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LoadRow {
    /// Its first instant.
    pub start: Instant,
    /// The date that the wall clock shows then.
    pub date: Date,
    /// The minute of the day that the wall clock shows then.
    pub minute: u16,
    /// What was used in it.
    pub energy: Energy,
}

impl Load {
    /// The instant after its last interval.
    pub fn end(&self) -> Instant {
        let length = i64::from(self.interval_minutes).saturating_mul(60);
        self.rows.last().map_or(Instant::default(), |row| row.start.plus(length))
    }

    /// Its rows by local month.
    fn months(&self) -> impl Iterator<Item = (Month, &[LoadRow])> {
        let months = self.rows.chunk_by(|one, other| one.date.month() == other.date.month());
        months.filter_map(|rows| Some((rows.first()?.date.month(), rows)))
    }

    /// The power of an energy used in one interval, kW.
    fn power(&self, energy: Energy) -> Exact {
        let per_hour = Exact::of(60).over(&Exact::of(self.interval_minutes.into()));
        &kwh(energy) * &per_hour.expect("an interval has a length")
    }
}

/// How a month's energy is shared among tiers and periods.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TierModel {
    /// Tiers fill in the order of time: what a running balance does.
    Chronological,
    /// The month's energy is split into tiers first; each tier is shared among the periods in proportion to their energy.
    Prorata,
}

/// What a month of a load costs, in major units.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadMonth {
    /// The calendar month.
    pub month: Month,
    /// Its energy.
    pub kwh: Exact,
    /// The power of its highest interval.
    pub peak_kw: Exact,
    /// Energy × price, levies on energy included.
    pub energy_charge: Exact,
    /// Demand whatever the period.
    pub demand_flat_charge: Exact,
    /// Demand by period.
    pub demand_tou_charge: Exact,
    /// Charges by time.
    pub fixed_charge: Exact,
    /// What a minimum adds.
    pub minimum_topup: Exact,
    /// The sum of the charges.
    pub total: Exact,
    /// Energy by period and tier, of every period that the month can have.
    pub use_kwh: BTreeMap<String, Vec<Exact>>,
    /// The highest demand by period, where there is demand by period.
    pub tou_demand_peak_kw: BTreeMap<String, Exact>,
}

impl LoadMonth {
    fn add_up(&mut self) {
        let charges = [
            &self.energy_charge,
            &self.demand_flat_charge,
            &self.demand_tou_charge,
            &self.fixed_charge,
            &self.minimum_topup,
        ];
        self.total = charges.into_iter().cloned().sum();
    }
}

/// What a load costs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadBill {
    /// Its months in the model that was asked for.
    pub months: Vec<LoadMonth>,
    /// The sum of the totals in the pro-rata model; none where the tariff's tiers are not by the month.
    pub prorata_total: Option<Exact>,
}

/// Energy as a number of kWh.
fn kwh(energy: Energy) -> Exact {
    Exact::scaled(energy.get().into(), 6)
}
