//! Facts: what came from outside. Never judged wrong once appended (DESIGN §2).
//! Fields stand in sorted order, because that is the order of their bytes.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::id::{AccountId, MeterId, PointId, PoolId, SiteId, TariffId, UnitId};
use crate::quantity::{Date, Instant};

macro_rules! payload {
    ($(#[$doc:meta])* $name:ident { $($body:tt)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct $name { $($body)* }
    };
}
pub(super) use payload;

payload!(
    /// A site and what never changes of it, with the plain keys that dated tables may follow.
    SiteRegistered {
        /// Seconds from a month's end to its bill.
        pub bill_after_s: i64,
        /// ISO 4217.
        pub currency: String,
        /// Decimals of the currency.
        pub currency_decimals: u8,
        /// Local dates.
        pub holidays: Vec<Date>,
        /// The site.
        pub id: SiteId,
        /// The account that bears what nobody else does.
        pub landlord: AccountId,
        /// Readings further apart make the energy between them interpolated.
        pub max_gap_s: i64,
        /// For people.
        pub name: String,
        /// Seconds from a day's end to its settlement.
        pub settle_after_s: i64,
        /// The tax before the first dated one.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub tax: Option<Tax>,
        /// IANA name.
        pub time_zone: String,
    }
);

payload!(
    /// A tax on charges.
    Tax {
        /// Whether prices are without it.
        pub mode: TaxMode,
        /// As bills name it.
        pub name: String,
        /// 0.05 is 5 %.
        pub rate: Decimal,
    }
);

/// Whether prices are without the tax or have it in them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaxMode {
    /// The tax is added.
    Exclusive,
    /// The tax is in the prices.
    Inclusive,
}

payload!(
    /// The time zone's transitions, as the tz database's version has them.
    CalendarPublished {
        /// Offset from UTC in seconds before the first transition.
        pub base_offset_s: i32,
        /// The transitions after it, in order.
        pub transitions: Vec<Transition>,
        /// Version of the tz database.
        pub tz_version: String,
        /// IANA name.
        pub zone: String,
    }
);

payload!(
    /// From an instant on, another offset from UTC.
    Transition {
        /// From when.
        pub at: Instant,
        /// Seconds east of UTC.
        pub offset_s: i32,
    }
);

payload!(
    /// A unit: what is leased.
    UnitRegistered {
        /// Area in m².
        pub area_m2: Decimal,
        /// The unit.
        pub id: UnitId,
    }
);

payload!(
    /// A usage point.
    PointRegistered {
        /// Members of a virtual point.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub formula: Vec<Term>,
        /// The point.
        pub id: PointId,
        /// What it is for.
        pub kind: PointKind,
        /// Whose energy it is.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub unit: Option<UnitId>,
    }
);

payload!(
    /// A member of a virtual point.
    Term {
        /// Whether it is subtracted.
        pub minus: bool,
        /// A metered point.
        pub point: PointId,
    }
);

/// What a point is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PointKind {
    /// A unit's own electricity.
    Unit,
    /// Shared electricity.
    Common,
    /// The building's supply.
    Main,
    /// A sum of others.
    Virtual,
}

payload!(
    /// A meter and its installation at a point.
    MeterInstalled {
        /// Register at removal.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub final_kwh: Option<Decimal>,
        /// The meter.
        pub id: MeterId,
        /// From when it measures there.
        pub installed: Instant,
        /// More power than this is not believed.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub max_kw: Option<Decimal>,
        /// Where the register wraps to 0.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub modulus_kwh: Option<Decimal>,
        /// Energy for a step of the register.
        pub multiplier: Decimal,
        /// Where it measures.
        pub point: PointId,
        /// Until when.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub removed: Option<Instant>,
        /// As engraved.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub serial: Option<String>,
        /// Register at installation.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub start_kwh: Option<Decimal>,
    }
);

payload!(
    /// An account. Whose it is stays out of the log (AUDIT.md).
    AccountOpened {
        /// The account.
        pub id: AccountId,
        /// Balance before the first fact, in minor units.
        pub opening_balance_minor: i64,
    }
);

payload!(
    /// A lease of a unit, `from <= t < until`; one whose ends are equal is none.
    LeaseRecorded {
        /// Who pays.
        pub account: AccountId,
        /// From when.
        pub from: Instant,
        /// What is leased.
        pub unit: UnitId,
        /// Until when; absent: open.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub until: Option<Instant>,
    }
);

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
        /// First match wins.
        pub schedule: Vec<ScheduleRow>,
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
        /// Per day or month.
        pub amount: Decimal,
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

payload!(
    /// A pool of shared costs.
    PoolDefined {
        /// The pool.
        pub id: PoolId,
        /// For people.
        pub name: String,
        /// Its points before the first dated change.
        pub points: Vec<PointId>,
    }
);

payload!(
    /// A version of a pool's rule (BILLING §6).
    RulePublished {
        /// In force from this local date.
        pub from: Date,
        /// How the total is divided first.
        pub parts: Vec<Part>,
        /// The pool.
        pub pool: PoolId,
        /// Among whom.
        pub units: Vec<UnitId>,
        /// Who pays for vacant units.
        pub vacant: Vacant,
        /// Its version.
        pub version: i64,
    }
);

/// Who pays for vacant units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Vacant {
    /// The landlord.
    Landlord,
    /// The others.
    Redistribute,
}

payload!(
    /// A part of a rule.
    Part {
        /// By what it is split.
        pub basis: Basis,
        /// Each unit's own percent, of basis `fixed`.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub fixed: Vec<FixedShare>,
        /// Of the day's total.
        pub percent: Decimal,
        /// By what it is split where all weights are 0.
        pub zero: Zero,
    }
);

payload!(
    /// A unit's own percent.
    FixedShare {
        /// At most 100 together.
        pub percent: Decimal,
        /// The unit.
        pub unit: UnitId,
    }
);

/// By what a part is split.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// m².
    Area,
    /// Indoor energy of the day.
    Consumption,
    /// One each.
    Equal,
    /// The rule's own percents.
    Fixed,
}

/// By what a part is split where all weights are 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Zero {
    /// m².
    Area,
    /// One each.
    Equal,
    /// Not at all.
    Landlord,
}

payload!(
    /// The tax from the first of a month on.
    TaxSet {
        /// The first of a month.
        pub from: Date,
        /// The tax.
        pub tax: Tax,
    }
);

payload!(
    /// A holiday.
    HolidayDeclared {
        /// The local date.
        pub date: Date,
    }
);

payload!(
    /// A unit's area from a local date on.
    AreaMeasured {
        /// In m².
        pub area_m2: Decimal,
        /// From when.
        pub from: Date,
        /// The unit.
        pub unit: UnitId,
    }
);

payload!(
    /// A pool's points from a local date on.
    PoolPointsChanged {
        /// From when.
        pub from: Date,
        /// All of them.
        pub points: Vec<PointId>,
        /// The pool.
        pub pool: PoolId,
    }
);

payload!(
    /// The longest gap that is not called interpolated, from a local date on.
    MaxGapSet {
        /// From when.
        pub from: Date,
        /// In seconds.
        pub max_gap_s: i64,
    }
);

payload!(
    /// Money in, or back. Its instant is the event's `time`.
    RechargeReceived {
        /// Whose balance.
        pub account: AccountId,
        /// Positive, in minor units, whatever the kind.
        pub amount_minor: i64,
        /// Which way.
        pub kind: RechargeKind,
        /// With the kind: once, for ever.
        pub reference: String,
    }
);

/// Which way the money goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RechargeKind {
    /// In.
    Recharge,
    /// Back to the tenant.
    Refund,
    /// Taken back by the payer's bank.
    Reversal,
}

payload!(
    /// A named person leaves an accepted reading out.
    ReadingWithdrawn {
        /// Who.
        pub by: String,
        /// Of which meter.
        pub meter: MeterId,
        /// The reading's instant.
        pub reading_time: Instant,
        /// Why.
        pub reason: String,
    }
);

payload!(
    /// A named person lets a quarantined reading in.
    ReadingReleased {
        /// Who.
        pub by: String,
        /// Of which meter.
        pub meter: MeterId,
        /// The reading's instant.
        pub reading_time: Instant,
        /// Why.
        pub reason: String,
    }
);

payload!(
    /// A manual posting to a balance. Its instant is the later of `time` and `received`.
    PostingMade {
        /// Whose balance.
        pub account: AccountId,
        /// In minor units, with sign.
        pub amount_minor: i64,
        /// Who.
        pub by: String,
        /// Why.
        pub reason: String,
        /// Once, for ever.
        pub reference: String,
    }
);
