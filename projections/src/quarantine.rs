//! `quarantine.json`: the readings that are kept and shown, but not booked.

use domain::metering::Metering;
use serde_json::{Value, json};

/// The quarantine as judged by the last advance.
pub fn document(metering: &Metering) -> Value {
    let row = |one: domain::metering::Quarantined| {
        json!({
            "meter": one.meter, "time": one.time, "received": one.received, "line": one.place,
            "kwh": one.kwh.as_ref(), "reason": one.reason.code(),
        })
    };
    metering.quarantine().into_iter().map(row).collect()
}
