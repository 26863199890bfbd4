//! Facts about meters, and what people say of readings (BILLING §3).

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::payload;
use crate::event::id::{MeterId, PointId};
use crate::quantity::Instant;

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
