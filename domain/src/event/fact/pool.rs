//! Facts about pools of shared costs and their rules (BILLING §6).

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::payload;
use crate::event::id::{PointId, PoolId, UnitId};
use crate::quantity::Date;

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
