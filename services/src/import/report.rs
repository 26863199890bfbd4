//! What an import counted, for a person and as JSON.

use super::{Accepted, Refused, burst};
use chrono_tz::Tz;
use serde::Serialize;
use std::collections::BTreeMap;

/// Counts of the whole log.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    /// Lines of the log.
    pub frames: usize,
    /// Publications told apart.
    pub bursts: usize,
    /// Frames that became readings.
    pub accepted: usize,
    /// Lines that became none.
    pub quarantined: usize,
    /// Refused lines by reason.
    pub per_reason: BTreeMap<&'static str, usize>,
    /// By serial, also of meters that are not registered.
    pub meters: BTreeMap<String, MeterReport>,
}

/// Counts of one serial. Energies are integer Wh.
#[derive(Debug, Default, Serialize)]
pub struct MeterReport {
    /// Frames that became readings.
    pub accepted: usize,
    /// Refused frames by reason.
    pub quarantined: BTreeMap<&'static str, usize>,
    /// Line of the first reading.
    pub first_line: Option<usize>,
    /// Line of the last reading.
    pub last_line: Option<usize>,
    /// Its register.
    pub first_import_wh: Option<i64>,
    /// Its register.
    pub last_import_wh: Option<i64>,
    /// Last less first.
    pub consumed_wh: i64,
    /// How the meter's own clock did in the readings.
    pub clock: ClockReport,
}

/// The flags of a meter's clock.
#[derive(Debug, Default, Serialize)]
pub struct ClockReport {
    /// Readings whose clock was before 2020.
    pub implausible: usize,
    /// Readings whose clock was not that of the burst.
    pub differs: usize,
    /// Clock less burst, of the last such reading, seconds.
    pub last_offset_s: i64,
}

impl Report {
    pub(super) fn add_accepted(&mut self, row: &Accepted, zone: Tz) {
        self.accepted = self.accepted.saturating_add(1);
        let meter = self.meters.entry(row.serial.clone()).or_default();
        meter.accepted = meter.accepted.saturating_add(1);
        meter.first_line.get_or_insert(row.line);
        meter.last_line = Some(row.line);
        let first_wh = *meter.first_import_wh.get_or_insert(row.import_wh);
        meter.last_import_wh = Some(row.import_wh);
        meter.consumed_wh = row.import_wh.saturating_sub(first_wh);
        if !burst::is_plausible(row.clock) {
            meter.clock.implausible = meter.clock.implausible.saturating_add(1);
        }
        let offset = row.clock.signed_duration_since(row.time.with_timezone(&zone).naive_local());
        if !offset.is_zero() {
            meter.clock.differs = meter.clock.differs.saturating_add(1);
            meter.clock.last_offset_s = offset.num_seconds();
        }
    }

    pub(super) fn add_refused(&mut self, row: &Refused) {
        let word = row.reason.word();
        self.quarantined = self.quarantined.saturating_add(1);
        let count = self.per_reason.entry(word).or_default();
        *count = count.saturating_add(1);
        if let Some(serial) = &row.serial {
            let count = self.meters.entry(serial.clone()).or_default().quarantined.entry(word).or_default();
            *count = count.saturating_add(1);
        }
    }

    /// The report as lines for a person.
    pub fn lines(&self) -> Vec<String> {
        let reasons = |counts: &BTreeMap<&'static str, usize>| {
            counts.iter().map(|(word, count)| format!("{word} {count}")).collect::<Vec<_>>().join(", ")
        };
        let mut lines = vec![
            format!(
                "{} lines in {} bursts: {} readings, {} refused",
                self.frames, self.bursts, self.accepted, self.quarantined
            ),
            format!("refused: {}", reasons(&self.per_reason)),
        ];
        for (serial, meter) in &self.meters {
            let mut line = format!("{serial}: {} readings, {} Wh", meter.accepted, meter.consumed_wh);
            if !meter.quarantined.is_empty() {
                line = format!("{line}; refused: {}", reasons(&meter.quarantined));
            }
            if meter.clock.differs > 0 {
                line = format!(
                    "{line}; clock off in {} readings, last by {} s",
                    meter.clock.differs, meter.clock.last_offset_s
                );
            }
            lines.push(line);
        }
        lines
    }
}
