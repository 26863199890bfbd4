//! When settlements and bills are due (BILLING §2).

use std::fmt;

use crate::quantity::{Date, Instant, Month};

/// What a run is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RunKind {
    /// The settlement of a day.
    Settlement(Date),
    /// The bills of a month.
    Bill(Month),
}

/// A run and its instant: facts received up to it count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Due {
    /// The instant.
    pub at: Instant,
    /// What the run is for.
    pub kind: RunKind,
}

impl fmt::Display for RunKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Settlement(day) => write!(f, "settlement/{day}"),
            Self::Bill(month) => write!(f, "bill/{month}"),
        }
    }
}
