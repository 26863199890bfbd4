//! What polls tell beside the register that bills: the newest of each meter. It is not in the log, and is there again
//! with the first poll after a start; what an alarm was raised from stands in its event.

use std::collections::BTreeMap;

use crate::event::{MeterId, register_mwh};
use crate::quantity::Instant;

/// What a poll tells of a meter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen {
    /// When it answered.
    pub time: Instant,
    /// Its clock.
    pub device_time: Option<Instant>,
    /// Its register, in mWh.
    pub register_mwh: Option<i64>,
    /// Its power, in mW; given back it is negative.
    pub power_mw: Option<i64>,
    /// The sum of the registers of its rates, in mWh.
    pub rates_mwh: Option<i64>,
    /// Whether its relay obeys.
    pub relay_is_remote: Option<bool>,
}

impl Seen {
    /// Of texts as a poll has them; a text that is no number tells nothing.
    #[must_use]
    pub fn registers(mut self, kwh: &str, rates_kwh: &[String]) -> Self {
        self.register_mwh = register_mwh(kwh);
        let sum = rates_kwh.iter().try_fold(0i64, |sum, rate| sum.checked_add(register_mwh(rate)?));
        self.rates_mwh = sum.filter(|_| !rates_kwh.is_empty());
        self
    }
}

/// The newest that was seen of a meter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sight {
    /// As polled.
    pub seen: Seen,
    /// Since when its register has this value.
    since: Instant,
    /// The least power since then, in mW; none once a poll told none.
    least_mw: Option<i64>,
}

impl Sight {
    /// Seconds that the register stands still though at least so much power flows all the time; none where nobody knows.
    pub fn still_under_power_s(&self, least_mw: i64) -> Option<i64> {
        self.seen.register_mwh?;
        let least = self.least_mw?;
        Some(if least >= least_mw { self.seen.time.since(self.since) } else { 0 })
    }
}

/// The newest that was seen of every meter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sights {
    meters: BTreeMap<MeterId, Sight>,
}

impl Sights {
    /// Takes up what a poll tells; an older one changes nothing.
    pub fn see(&mut self, meter: &MeterId, seen: Seen) {
        if let Some(sight) = self.meters.get_mut(meter) {
            if seen.time <= sight.seen.time {
                return;
            }
            // Power that fell below is as good as a register that moved: from here on it is counted anew.
            let stays = seen.register_mwh == sight.seen.register_mwh;
            sight.least_mw =
                if stays { sight.least_mw.zip(seen.power_mw).map(|(a, b)| a.min(b)) } else { seen.power_mw };
            if !stays {
                sight.since = seen.time;
            }
            sight.seen = seen;
        } else {
            let (since, least_mw) = (seen.time, seen.power_mw);
            self.meters.insert(meter.clone(), Sight { seen, since, least_mw });
        }
    }

    /// What was seen of a meter.
    pub fn of(&self, meter: &MeterId) -> Option<&Sight> {
        self.meters.get(meter)
    }
}
