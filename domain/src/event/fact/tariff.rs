//! Facts about tariffs and who has which (BILLING §5).

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::payload;
use super::tariff_terms::{AmountBand, BoundScale, Rounding, Surcharge};
use crate::event::id::{PointId, PoolId, TariffId};
use crate::quantity::Date;

payload!(
    /// A version of a tariff (BILLING §5).
    TariffPublished {
        /// Levies on every kWh.
        pub adder: Vec<Adder>,
        /// Where no schedule row matches.
        pub default_period: String,
        /// Charges on the month's highest power.
        pub demand: Vec<Demand>,
        /// Prices by period, season and tier.
        pub energy: Vec<EnergyRow>,
        /// Charges by time.
        pub fixed: Vec<Fixed>,
        /// In force from this local date.
        pub from: Date,
        /// The tariff.
        pub id: TariffId,
        /// What a point of it costs at least in a month.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub minimum: Option<Decimal>,
        /// Rounding of its lines' amounts; absent: half up to the minor unit.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub round_lines: Option<Rounding>,
        /// Rounding of a point's sum of its lines.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub round_total: Option<Rounding>,
        /// How kWh bounds follow the days held.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub scale: Option<BoundScale>,
        /// First match wins.
        pub schedule: Vec<ScheduleRow>,
        /// Percentages of other lines.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub surcharge: Vec<Surcharge>,
        /// Whether each period counts its own tiers.
        pub tier_basis: TierBasis,
        /// When tiers start anew.
        pub tier_window: TierWindow,
        /// Its version.
        pub version: i64,
    }
);

/// Whether tiers count all energy or each period's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TierBasis {
    /// All energy.
    Total,
    /// Each period its own.
    Period,
}

/// When tiers start anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TierWindow {
    /// Every local day.
    Day,
    /// Every local month.
    Month,
    /// Every 1 January.
    Year,
    /// Never.
    None,
}

payload!(
    /// A row of a tariff's schedule.
    ScheduleRow {
        /// `mon` to `sun` and `holiday`; absent: the seven weekdays.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub days: Option<Vec<DayName>>,
        /// Minute of the day, 0 to 1439.
        pub from_minute: u16,
        /// 1 to 12; absent: all.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub months: Option<Vec<u8>>,
        /// Its period.
        pub period: String,
        /// Minute of the day, 0 to 1440.
        pub to_minute: u16,
    }
);

/// A day that a schedule row names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "they are the days of the week and the holidays")]
pub enum DayName {
    Mon,
    Tue,
    Wed,
    Thu,
    Fri,
    Sat,
    Sun,
    Holiday,
}

payload!(
    /// Prices of a period, in a season.
    EnergyRow {
        /// Only while the month's energy is not above it; absent: whatever it is.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub band_up_to_kwh: Option<Decimal>,
        /// 1 to 12; absent: all.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub months: Option<Vec<u8>>,
        /// Its period.
        pub period: String,
        /// In rising order; the last has no bound.
        pub tiers: Vec<EnergyTier>,
    }
);

payload!(
    /// A price up to a bound.
    EnergyTier {
        /// Per kWh.
        pub price: Decimal,
        /// Bound of the counter; absent on the last.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub up_to_kwh: Option<Decimal>,
    }
);

payload!(
    /// A levy on every kWh.
    Adder {
        /// As bills name it.
        pub name: String,
        /// Per kWh.
        pub price: Decimal,
    }
);

payload!(
    /// A charge by time.
    Fixed {
        /// Per day or month; absent with `bands`.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub amount: Option<Decimal>,
        /// Amounts by the month's energy, in place of `amount`.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub bands: Vec<AmountBand>,
        /// As bills name it.
        pub name: String,
        /// Day or month.
        pub per: Per,
    }
);

/// What a fixed charge is per.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "they are what they say")]
pub enum Per {
    Day,
    Month,
}

payload!(
    /// A charge on the month's highest power.
    Demand {
        /// 15, 30 or 60.
        pub interval_minutes: u8,
        /// As bills name it.
        pub name: String,
        /// Only in this period; absent: in all.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub period: Option<String>,
        /// In rising order; the last has no bound.
        pub tiers: Vec<DemandTier>,
    }
);

payload!(
    /// A price of power up to a bound.
    DemandTier {
        /// Per kW and month.
        pub price: Decimal,
        /// Absent on the last.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub up_to_kw: Option<Decimal>,
    }
);

payload!(
    /// A point or a pool has a tariff from a local date on; exactly one of them is named.
    TariffAssigned {
        /// From when.
        pub from: Date,
        /// The point.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub point: Option<PointId>,
        /// The pool.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub pool: Option<PoolId>,
        /// The tariff.
        pub tariff: TariffId,
    }
);
