//! Facts about the site itself: units, points, leases, tax, holidays (BILLING §8).

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::payload;
use crate::event::id::{AccountId, PointId, SiteId, UnitId};
use crate::quantity::{Date, Instant};

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
    /// The longest gap that is not called interpolated, from a local date on.
    MaxGapSet {
        /// From when.
        pub from: Date,
        /// In seconds.
        pub max_gap_s: i64,
    }
);
