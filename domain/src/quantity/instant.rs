//! Instants in UTC, whole seconds.

use std::fmt;

use chrono::DateTime;

/// An instant: seconds since 1970-01-01T00:00:00Z. Written as RFC 3339 in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Instant(i64);

/// Why a text is no instant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InstantError {
    /// Not RFC 3339.
    #[error("not an RFC 3339 instant with its offset, such as 2026-03-01T00:00:00Z")]
    Malformed,
    /// It has a fraction of a second.
    #[error("instants are whole seconds")]
    Fraction,
    /// Outside the years 1900 to 2999.
    #[error("outside the years 1900 to 2999")]
    Range,
}

impl Instant {
    /// Of seconds since 1970.
    pub const fn new(seconds: i64) -> Self {
        Self(seconds)
    }

    /// Seconds since 1970.
    pub const fn get(self) -> i64 {
        self.0
    }

    /// The instant so many seconds later.
    #[must_use]
    pub fn plus(self, seconds: i64) -> Self {
        Self(self.0.checked_add(seconds).expect("instants are bounded to the years 1900 to 2999"))
    }

    /// Seconds from `earlier` to this instant.
    pub fn since(self, earlier: Self) -> i64 {
        self.0.checked_sub(earlier.0).expect("instants are bounded to the years 1900 to 2999")
    }

    /// Reads RFC 3339 with any offset.
    pub fn parse(text: &str) -> Result<Self, InstantError> {
        let at = DateTime::parse_from_rfc3339(text).map_err(|_| InstantError::Malformed)?;
        if at.timestamp_subsec_nanos() != 0 {
            return Err(InstantError::Fraction);
        }
        let seconds = at.timestamp();
        if !(-2_208_988_800..32_503_680_000).contains(&seconds) {
            return Err(InstantError::Range);
        }
        Ok(Self(seconds))
    }
}

impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match DateTime::from_timestamp(self.0, 0) {
            Some(at) => write!(f, "{}", at.format("%Y-%m-%dT%H:%M:%SZ")),
            None => write!(f, "{}s", self.0),
        }
    }
}

impl serde::Serialize for Instant {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Instant {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}
