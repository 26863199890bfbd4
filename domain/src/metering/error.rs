//! Why a reading is quarantined, and what metering refuses.

use std::fmt;

use crate::event::MeterId;
use crate::quantity::Instant;

/// Why a reading is kept and shown, but never booked: in order of precedence (BILLING §3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// Anything but digits with at most one point and at most 6 decimals, or 2^53 mWh and more.
    NotANumber,
    /// The serial that came with it is not the meter's.
    SerialMismatch,
    /// Before the meter was installed.
    BeforeInstallation,
    /// After it was removed.
    AfterRemoval,
    /// More than 300 s after it was received.
    Future,
    /// Another register for the instant of an accepted reading.
    Conflict,
    /// 0 beside a register that is not.
    GhostZero,
    /// Below the accepted reading before, or above the one after.
    Backwards,
    /// More power than the meter can carry.
    TooFast,
}

impl Reason {
    /// All of them, in order of precedence.
    pub const ALL: [Self; 9] = [
        Self::NotANumber,
        Self::SerialMismatch,
        Self::BeforeInstallation,
        Self::AfterRemoval,
        Self::Future,
        Self::Conflict,
        Self::GhostZero,
        Self::Backwards,
        Self::TooFast,
    ];

    /// Its published code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::NotANumber => "not_a_number",
            Self::SerialMismatch => "serial_mismatch",
            Self::BeforeInstallation => "before_installation",
            Self::AfterRemoval => "after_removal",
            Self::Future => "future",
            Self::Conflict => "conflict",
            Self::GhostZero => "ghost_zero",
            Self::Backwards => "backwards",
            Self::TooFast => "too_fast",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// Which reading of a meter's table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TableReading {
    /// `start_kwh` at `installed`.
    Start,
    /// `final_kwh` at `removed`.
    Final,
}

impl TableReading {
    /// Its key in the table.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Start => "start_kwh",
            Self::Final => "final_kwh",
        }
    }
}

impl fmt::Display for TableReading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.key())
    }
}

/// A fact about a meter that is an error of the site. It is left without effect.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MeteringError {
    /// A value of the meter's table that cannot be.
    #[error("meter {meter}: {key} cannot be: {why}")]
    Table {
        /// The meter.
        meter: MeterId,
        /// The table's key.
        key: &'static str,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A multiplier that differs from the one before: a new multiplier is a new installation.
    #[error("meter {meter}: its multiplier never changes; a new one is a new installation")]
    MultiplierChanged {
        /// The meter.
        meter: MeterId,
    },
    /// `start_kwh` or `final_kwh` would be quarantined.
    #[error("meter {meter}: {which} at {time} would be quarantined: {reason}")]
    TableReadingQuarantined {
        /// The meter.
        meter: MeterId,
        /// Which one.
        which: TableReading,
        /// Its instant.
        time: Instant,
        /// Why.
        reason: Reason,
    },
    /// No such meter is known by then.
    #[error("meter {meter} is not known by then")]
    UnknownMeter {
        /// The meter.
        meter: MeterId,
    },
    /// A withdrawal of a reading that is not accepted.
    #[error("meter {meter} has no accepted reading at {time} to withdraw")]
    NothingAccepted {
        /// The meter.
        meter: MeterId,
        /// The reading's instant.
        time: Instant,
    },
    /// A withdrawal of a reading of the meter's table.
    #[error("meter {meter}: the reading at {time} is {which} of its table, where it is corrected")]
    OfTheTable {
        /// The meter.
        meter: MeterId,
        /// The reading's instant.
        time: Instant,
        /// Which one.
        which: TableReading,
    },
    /// A release where a reading is accepted.
    #[error("meter {meter} already has an accepted reading at {time}")]
    AlreadyAccepted {
        /// The meter.
        meter: MeterId,
        /// The reading's instant.
        time: Instant,
    },
    /// A release where none is quarantined.
    #[error("meter {meter} has no quarantined number at {time} to release")]
    NothingQuarantined {
        /// The meter.
        meter: MeterId,
        /// The reading's instant.
        time: Instant,
    },
    /// A released reading with which the register would decrease.
    #[error("meter {meter}: with the reading at {time} released, the register would decrease")]
    WouldDecrease {
        /// The meter.
        meter: MeterId,
        /// The reading's instant.
        time: Instant,
    },
}
