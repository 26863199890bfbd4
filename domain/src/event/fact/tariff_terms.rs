//! What a tariff version may say beyond prices: how bounds follow the days,
//! bands of the month's energy, surcharges, and rounding to a unit
//! (`adapters/src/site_folder/TARIFFS.md`). All of it is absent by default.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::payload;

payload!(
    /// Rounding to a multiple of a unit, of an amount in major units or of kWh.
    #[derive(Copy)]
    Rounding {
        /// Which way.
        pub mode: RoundingMode,
        /// The unit: `10` rounds to tens, `0.05` to twentieths.
        pub to: Decimal,
    }
);

/// Which way a number is rounded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RoundingMode {
    /// To the nearest; half away from zero.
    HalfUp,
    /// To the nearest; half to the even multiple.
    HalfEven,
    /// Towards zero: truncation.
    Down,
    /// Away from zero.
    Up,
}

payload!(
    /// Every kWh bound of the version is multiplied by days held ÷ `of_days`.
    #[derive(Copy)]
    BoundScale {
        /// The days that the bounds are published for; absent: the days of the month.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub of_days: Option<i64>,
        /// Rounding of the scaled bounds, in kWh; absent: half up to the mWh.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub round: Option<Rounding>,
    }
);

payload!(
    /// The amount of a fixed charge in a band of the month's energy.
    AmountBand {
        /// Per day or month.
        pub amount: Decimal,
        /// Its bound; absent on the last.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub up_to_kwh: Option<Decimal>,
    }
);

payload!(
    /// The rate of a surcharge in a band of the month's energy.
    RateBand {
        /// 0.05 is 5 %.
        pub rate: Decimal,
        /// Its bound; absent on the last.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub up_to_kwh: Option<Decimal>,
    }
);

payload!(
    /// A percentage of the amounts of other lines of the same point and version.
    Surcharge {
        /// Rates by the month's energy, in place of `rate`.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub bands: Vec<RateBand>,
        /// Whether each energy line gets a line of its own.
        #[serde(default, skip_serializing_if = "is_false")]
        pub each: bool,
        /// As bills name it.
        pub name: String,
        /// Which lines: `COMPONENT`, or `COMPONENT/NAME` (of energy: `energy/PERIOD`).
        pub on: Vec<String>,
        /// 0.05 is 5 %; absent with `bands`.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub rate: Option<Decimal>,
        /// Its own rounding, in place of the version's.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub round: Option<Rounding>,
        /// Of energy lines only those of this tier and above.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub tiers_from: Option<i64>,
    }
);

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the form that serde asks for")]
fn is_false(value: &bool) -> bool {
    !*value
}
