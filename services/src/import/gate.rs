//! What is let in: each frame is judged once, in the order of its arrival.

use super::frame::{Frame, Malformed};
use chrono::{DateTime, NaiveDateTime, Utc};
use serde::Serialize;
use std::collections::BTreeMap;

/// Rates are cut to three decimals each, and so may miss 0.003 kWh of the total.
const RATES_TOLERANCE_WH: u64 = 5;

/// Why a frame was refused, in order of precedence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Not JSON, a register missing or not a number, or a frame in parts.
    Malformed,
    /// The serial is not registered.
    UnknownMeter,
    /// All registers are zero: a neighbour's frame under this serial, even
    /// before the meter's first own one.
    GhostZero,
    /// No plausible clock was heard yet, so the frame has no time.
    NoClock,
    /// The same clock and registers were let in before.
    Duplicate,
    /// Other registers were let in for this clock.
    Conflict,
    /// The total is below the last one let in.
    ImportDecreased,
    /// The rates and the total differ by more than 0.005 kWh.
    TouSumMismatch,
}

impl Reason {
    /// The published word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::UnknownMeter => "unknown_meter",
            Self::GhostZero => "ghost_zero",
            Self::NoClock => "no_clock",
            Self::Duplicate => "duplicate",
            Self::Conflict => "conflict",
            Self::ImportDecreased => "import_decreased",
            Self::TouSumMismatch => "tou_sum_mismatch",
        }
    }
}

/// A frame that becomes a reading.
#[derive(Debug, Clone)]
pub struct Accepted {
    /// Line of the log, from 1.
    pub line: usize,
    /// When the burst arrived.
    pub time: DateTime<Utc>,
    /// The id of the meter in the site.
    pub meter: String,
    /// The meter's serial.
    pub serial: String,
    /// Total import as sent, kWh.
    pub kwh: String,
    /// Total import, Wh.
    pub import_wh: i64,
    /// The meter's own clock, local.
    pub clock: NaiveDateTime,
}

/// A line that becomes none, and why.
#[derive(Debug, Clone)]
pub struct Refused {
    /// Line of the log, from 1.
    pub line: usize,
    /// The serial, if one could be read.
    pub serial: Option<String>,
    /// When the burst arrived, if that is known.
    pub time: Option<DateTime<Utc>>,
    /// Total import as sent, kWh.
    pub kwh: Option<String>,
    /// The meter's own clock, local.
    pub clock: Option<NaiveDateTime>,
    /// The first rule that matched.
    pub reason: Reason,
    /// For a malformed line, the field at fault.
    pub field: Option<&'static str>,
}

/// What the gate remembers of the frames it let in.
#[derive(Debug, Default)]
pub struct Gate {
    registers: BTreeMap<(String, NaiveDateTime), [i64; 15]>,
    last_import_wh: BTreeMap<String, i64>,
}

impl Gate {
    /// Judges one frame. `meter` is its id, if its serial is registered.
    pub(super) fn judge(
        &mut self,
        line: usize,
        frame: Frame,
        meter: Option<&str>,
        time: Option<DateTime<Utc>>,
    ) -> Result<Accepted, Refused> {
        match (self.reason(&frame, meter.is_some(), time.is_some()), meter, time) {
            (None, Some(meter), Some(time)) => Ok(self.accept(line, frame, meter, time)),
            (reason, _, _) => Err(Refused {
                line,
                serial: Some(frame.serial),
                time,
                kwh: Some(frame.import_text),
                clock: Some(frame.clock),
                reason: reason.unwrap_or(Reason::NoClock),
                field: None,
            }),
        }
    }

    fn reason(&self, frame: &Frame, is_registered: bool, has_time: bool) -> Option<Reason> {
        if !is_registered {
            return Some(Reason::UnknownMeter);
        }
        if frame.registers.iter().all(|register| *register == 0) {
            return Some(Reason::GhostZero);
        }
        if !has_time {
            return Some(Reason::NoClock);
        }
        match self.registers.get(&(frame.serial.clone(), frame.clock)) {
            Some(seen) if *seen == frame.registers => return Some(Reason::Duplicate),
            Some(_) => return Some(Reason::Conflict),
            None => {}
        }
        if self.last_import_wh.get(&frame.serial).is_some_and(|last| frame.import_wh() < *last) {
            return Some(Reason::ImportDecreased);
        }
        (frame.rates_wh.abs_diff(frame.import_wh()) > RATES_TOLERANCE_WH).then_some(Reason::TouSumMismatch)
    }

    fn accept(&mut self, line: usize, frame: Frame, meter: &str, time: DateTime<Utc>) -> Accepted {
        self.last_import_wh.insert(frame.serial.clone(), frame.import_wh());
        self.registers.insert((frame.serial.clone(), frame.clock), frame.registers);
        Accepted {
            line,
            time,
            meter: meter.to_owned(),
            import_wh: frame.import_wh(),
            serial: frame.serial,
            kwh: frame.import_text,
            clock: frame.clock,
        }
    }
}

impl Refused {
    pub(super) fn malformed(line: usize, fault: Malformed) -> Self {
        Self {
            line,
            serial: fault.serial,
            time: None,
            kwh: None,
            clock: None,
            reason: Reason::Malformed,
            field: Some(fault.field),
        }
    }
}
