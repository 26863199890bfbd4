//! A gateway with KPM33B meters inside this program, for `demo` and `bench`.
//! It speaks Modbus TCP on loopback; tests have their own, independent one.
//!
//! Reading order: `meter` (its registers), `gateway` (the socket).

mod gateway;
mod meter;

pub use gateway::{Gateway, Pace};
pub use meter::KpmMeter;
