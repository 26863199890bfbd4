//! time_zone.
