//! The order in which readings are judged, each once, against its accepted
//! neighbours (BILLING §3); the rules for one are in `gate`.

use super::{FINAL, Meter, NO_SERIAL, Row, START, STATED, STRANGE_SERIAL, Source, Status, source_of};
use crate::metering::error::{MeteringError, Reason, TableReading};
use crate::metering::gate::{Verdict, compare, decreases, misplaced, unwrap};
use crate::quantity::Instant;

impl Meter {
    /// Judges what is received by `limit`: rows in their order, before those of an instant what the table states for it.
    pub(super) fn judge_until(&mut self, limit: i64, sources: &[Source]) {
        if self.tabled == 0 {
            return;
        }
        loop {
            let row = self.pending().first().copied();
            let of = row.as_ref().map(|row| source_of(row, sources));
            let received = of.map_or(i64::MAX, |of| of.received);
            if self.due <= received.min(limit) {
                self.judge_stated();
            } else if let Some((row, of)) = row.zip(of).filter(|_| received <= limit) {
                self.judged_key = (received, row.time, row.place, of.position);
                self.judge_row(row, received);
            } else {
                return;
            }
        }
    }

    fn judge_stated(&mut self) {
        let Some(stated) = self.stated.get(self.next_stated).copied().flatten() else { return };
        let reference = if stated.which == TableReading::Start { START } else { FINAL };
        self.done = self.done.max((stated.time, STATED));
        self.next_stated = self.next_stated.saturating_add(1);
        self.find_due();
        let near = self.near(stated.time);
        let Some(table) = self.table() else { return };
        match compare(table, stated.time, stated.sent, &near) {
            Verdict::Accepted { wraps } => {
                if let Some(kept) = self.stated.iter_mut().flatten().find(|kept| kept.which == stated.which) {
                    kept.wraps = wraps;
                }
                self.insert(reference, near.index, stated.time);
            }
            Verdict::Duplicate => {}
            Verdict::Quarantined(reason) => {
                let (meter, time) = (self.id.clone(), Instant::new(stated.time));
                let fault = MeteringError::TableReadingQuarantined { meter, which: stated.which, time, reason };
                self.fault.get_or_insert(fault);
            }
        }
    }

    /// When the next reading that the table states is to be judged.
    pub(super) fn find_due(&mut self) {
        if self.next_stated == 0 && self.stated.first().copied().flatten().is_none() {
            self.next_stated = 1;
        }
        self.due = self.stated.get(self.next_stated).copied().flatten().map_or(i64::MAX, |stated| stated.time);
    }

    fn judge_row(&mut self, row: Row, received: i64) {
        let index = self.judged;
        let reference = u32::try_from(index).expect("fewer than 2^32 readings of a meter");
        self.judged = index.saturating_add(1);
        self.judged_to = received;
        let (status, wraps) = self.assess(&row, reference, received);
        if let Some(kept) = index.checked_sub(self.sealed.rows()).and_then(|loose| self.rows.get_mut(loose)) {
            (kept.status, kept.wraps) = (status, wraps);
        }
        if status == Status::Accepted {
            let place = if self.last.is_none_or(|last| last.time < row.time) {
                self.points()
            } else {
                self.near(row.time).index
            };
            self.insert(reference, place, row.time);
        }
    }

    fn assess(&mut self, row: &Row, reference: u32, received: i64) -> (Status, i32) {
        let quarantined = |reason| (Status::Quarantined(reason), 0);
        let Some(sent) = self.number(row) else { return quarantined(Reason::NotANumber) };
        if self.withdrawn.contains(&(row.time, sent)) {
            return (Status::Withdrawn, 0);
        }
        let Some(table) = self.table() else { return (Status::Pending, 0) };
        if !self.released.is_empty() && self.released.contains(&reference) {
            let near = self.near(row.time);
            return match unwrap(table.modulus_mwh, sent, &near) {
                Some((wraps, register)) if near.at.is_none() && !decreases(register, &near) => {
                    (Status::Accepted, wraps)
                }
                _ if near.at.is_some_and(|at| at.sent == sent) => (Status::Duplicate, 0),
                _ => {
                    let fault = MeteringError::WouldDecrease { meter: self.id.clone(), time: Instant::new(row.time) };
                    self.fault.get_or_insert(fault);
                    quarantined(Reason::Backwards)
                }
            };
        }
        if row.serial != NO_SERIAL && self.own_serial.is_some_and(|own| own != row.serial || own == STRANGE_SERIAL) {
            return quarantined(Reason::SerialMismatch);
        }
        if let Some(reason) = misplaced(table, row.time, received) {
            return quarantined(reason);
        }
        match compare(table, row.time, sent, &self.near(row.time)) {
            Verdict::Accepted { wraps } => (Status::Accepted, wraps),
            Verdict::Duplicate => (Status::Duplicate, 0),
            Verdict::Quarantined(reason) => quarantined(reason),
        }
    }
}
