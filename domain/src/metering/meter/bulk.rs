//! Rows in bulk: a column of good readings is accepted at once, and what was
//! judged long ago goes into blocks.

use std::sync::Arc;

use super::sealed::{Block, Look};
use super::{Meter, NO_SERIAL, ROW, Row, START, STRANGE_SERIAL, Source, Status};
use crate::metering::columns::check_block;
use crate::metering::gate::{Accepted, FUTURE_S, REGISTER_BOUND, too_fast};
use crate::metering::packed::Column;

/// So many rows make a block: few in unit tests, so that they see many blocks.
const BLOCK: usize = if cfg!(test) { 8 } else { 1024 };
/// So many of the last judged rows stay out of blocks: late readings mostly come between them.
const KEPT: usize = if cfg!(test) { 3 } else { 512 };
/// A column shorter than this is not worth a block of its own.
const SHORTEST: usize = if cfg!(test) { 4 } else { 64 };

/// Readings of many meters at the same instants, each later than the one
/// before and received no earlier: what is the same for all of them.
#[derive(Debug)]
pub(in crate::metering) struct Stretch {
    times: Vec<i64>,
    sources: Vec<u32>,
    shared_times: Arc<Column>,
    shared_sources: Arc<Column>,
    /// Received and position of the first and the last.
    first: (i64, u64),
    last: (i64, u64),
    shortest_s: i64,
    timely: bool,
}

impl Stretch {
    /// Of instants, with received, position and number of their sources; at least one.
    pub(in crate::metering) fn new(rows: &[(i64, i64, u64, u32)]) -> Option<Self> {
        let of = |(_, received, position, _): &(i64, i64, u64, u32)| (*received, *position);
        let times: Vec<i64> = rows.iter().map(|row| row.0).collect();
        let sources: Vec<u32> = rows.iter().map(|row| row.3).collect();
        let steps = times.iter().zip(times.iter().skip(1)).map(|(one, other)| other.saturating_sub(*one));
        Some(Self {
            shortest_s: steps.min().unwrap_or(i64::MAX),
            timely: rows.iter().all(|row| row.0.saturating_sub(row.1) <= FUTURE_S),
            shared_times: Arc::new(Column::new(&times, 1)),
            shared_sources: Arc::new(Column::new(&sources.iter().map(|one| i64::from(*one)).collect::<Vec<_>>(), 1)),
            first: rows.first().map(of)?,
            last: rows.last().map(of)?,
            times,
            sources,
        })
    }
}

impl Meter {
    /// Takes a column of rows as accepted where nothing speaks against any of
    /// them, and nothing is left to judge before them; false where they are to be judged one by one.
    pub(in crate::metering) fn take_column(
        &mut self,
        stretch: &Stretch,
        units: &[i64],
        places: &[i64],
        unit: i64,
        look: (u16, u8),
    ) -> bool {
        let (Some(first_time), Some(last_time)) = (stretch.times.first(), stretch.times.last()) else { return false };
        let place = |place: Option<&i64>| place.map_or(Some(0), |place| u32::try_from(*place).ok());
        let (Some(first_place), Some(last_place)) = (place(places.first()), place(places.last())) else { return false };
        let key = (stretch.first.0, *first_time, first_place, stretch.first.1);
        let Some((last, wraps)) = self.admits(stretch, key, *last_time, units, unit, look.0) else { return false };
        if self.before.is_some() {
            return false;
        }
        self.change(Some(last.time), *first_time);
        let sent = Column::new(units, 1).times(unit);
        let end = sent.get(sent.len().saturating_sub(1));
        let look: Look = (wraps, look.0, look.1);
        self.add_column(stretch, sent, places, look);
        let key = (stretch.last.0, *last_time, last_place, stretch.last.1);
        self.judged = self.total();
        self.judged_to = stretch.last.0;
        (self.judged_key, self.tail) = (key, key);
        let register = end.saturating_add(last.register.saturating_sub(last.sent));
        self.last = Some(Accepted { time: *last_time, sent: end, register });
        true
    }

    /// Whether it has a table, no accepted reading, and no row waits.
    pub(in crate::metering) fn is_fresh(&self) -> bool {
        self.last.is_none() && self.tabled > 0 && self.judged == self.total() && self.sorted && !self.rewind
    }

    /// Judges the first row, which was received then, of a meter that is fresh.
    pub(in crate::metering) fn judge_first(&mut self, received: i64, sources: &[Source]) {
        if self.before.is_none() && self.tabled == self.tables.len() && self.acted == self.actions.len() {
            self.judge_until(received, sources);
        }
    }

    /// The last accepted reading and its wraps, if all rows of a column can follow it.
    fn admits(
        &self,
        stretch: &Stretch,
        key: (i64, i64, u32, u64),
        last_time: i64,
        units: &[i64],
        unit: i64,
        serial: u16,
    ) -> Option<(Accepted, i32)> {
        let (last, table) = (self.last?, self.table()?);
        let taken_up = self.tabled == self.tables.len() && self.acted == self.actions.len();
        let ready = taken_up && self.judged == self.total() && self.sorted && !self.rewind && self.due > stretch.last.0;
        let in_order = key >= self.tail && (key.0, ROW) >= self.done && last.time < key.1;
        let inside = table.installed.get() <= key.1 && table.removed.is_none_or(|removed| last_time <= removed.get());
        let own = serial == NO_SERIAL || self.own_serial.is_none_or(|own| own == serial && own != STRANGE_SERIAL);
        let left_in = self.withdrawn.iter().all(|(time, _)| *time < key.1);
        if !(ready && in_order && inside && stretch.timely && own && left_in && units.len() == stretch.times.len()) {
            return None;
        }
        let check = check_block(units);
        let first = units.first()?.checked_mul(unit)?;
        let end = units.last()?.checked_mul(unit)?;
        let (before, most) = (first.checked_sub(last.sent)?, check.max_step.checked_mul(unit)?);
        let fast =
            too_fast(table, last.time, last.sent, key.1, first) || too_fast(table, 0, 0, stretch.shortest_s, most);
        if !check.sound || before < 0 || fast {
            return None;
        }
        let Some(modulus) = table.modulus_mwh else { return Some((last, 0)) };
        // Steps of less than half a modulus are unwrapped as the reading before was.
        let added = last.register.checked_sub(last.sent)?;
        let near = before.max(most).checked_mul(2)? <= modulus;
        let bounded = end.checked_add(added)?.unsigned_abs() < REGISTER_BOUND.unsigned_abs();
        let wraps = i32::try_from(added.checked_div(modulus)?).ok()?;
        (near && bounded).then_some((last, wraps))
    }

    fn add_column(&mut self, stretch: &Stretch, sent: Column, places: &[i64], look: Look) {
        let long = sent.len() >= SHORTEST;
        while long && self.seal_block(0, 1) {}
        if long && self.rows.is_empty() && self.curve.is_empty() {
            let zeros;
            let places = if places.is_empty() {
                zeros = vec![0; sent.len()];
                &zeros
            } else {
                places
            };
            let (times, sources) = (stretch.shared_times.clone(), stretch.shared_sources.clone());
            self.sealed.push(Block::regular(times, sources, Column::new(places, 1), sent, look));
            return;
        }
        let (wraps, serial, decimals) = look;
        let mut reference = u32::try_from(self.total()).expect("fewer than 2^32 readings of a meter");
        for ((index, value), (time, source)) in sent.iter().enumerate().zip(stretch.times.iter().zip(&stretch.sources))
        {
            let place = places.get(index).and_then(|place| u32::try_from(*place).ok()).unwrap_or(0);
            let (time, source, status) = (*time, *source, Status::Accepted);
            self.rows.push(Row { time, value, source, place, wraps, serial, decimals, status });
            self.curve.push(reference);
            reference = reference.saturating_add(1);
        }
    }

    /// Puts what was judged long ago into blocks.
    pub(super) fn seal(&mut self) {
        while self.seal_block(KEPT, BLOCK) {}
    }

    /// Makes a block of the oldest loose rows, at least `least`, but for the
    /// last `kept`; false where there are too few, or they can be in none.
    fn seal_block(&mut self, kept: usize, least: usize) -> bool {
        let base = self.sealed.rows();
        let room = self.judged.saturating_sub(base).saturating_sub(kept);
        if room < least || room == 0 || self.rewind {
            return false;
        }
        let begins = self.sealed.points() == 0 && self.curve.first() == Some(&START);
        let mut count = room.min(BLOCK);
        let (block, points) = loop {
            let rows = self.rows.get(..count).unwrap_or_default();
            let accepted = rows.iter().filter(|row| row.status == Status::Accepted).count();
            let curve = self.curve.iter().skip(usize::from(begins)).take(accepted);
            let number = |reference: &u32| usize::try_from(*reference).unwrap_or(usize::MAX).saturating_sub(base);
            let order: Vec<usize> = curve.map(number).collect();
            // Later rows that stand between these in the curve must be in the block, too.
            let reach = order.iter().max().map_or(count.saturating_mul(2), |last| last.saturating_add(1));
            if order.len() < accepted || reach > room && count < reach {
                return false;
            }
            if reach <= count {
                let Some(block) = Block::of(rows, &order) else { return false };
                break (block, order.len());
            }
            count = reach;
        };
        if begins {
            self.sealed.set_started(true);
        }
        self.rows.drain(..count);
        self.curve.drain(..points.saturating_add(usize::from(begins)));
        self.sealed.push(block);
        true
    }

    /// Takes the rows of the last block out of it.
    pub(super) fn open_last(&mut self) {
        if let Some((mut rows, order)) = self.sealed.pop() {
            let base = self.sealed.rows();
            let reference = |number: usize| {
                u32::try_from(base.saturating_add(number)).expect("fewer than 2^32 readings of a meter")
            };
            let mut curve: Vec<u32> = order.into_iter().map(reference).collect();
            rows.append(&mut self.rows);
            curve.append(&mut self.curve);
            (self.rows, self.curve) = (rows, curve);
        }
        if self.sealed.is_empty() && self.sealed.started() {
            self.curve.insert(0, START);
            self.sealed.set_started(false);
        }
    }

    /// Takes all rows out of blocks.
    pub(super) fn open_all(&mut self) {
        if self.sealed.is_empty() {
            self.open_last();
            return;
        }
        let mut parts: Vec<(Vec<Row>, Vec<u32>)> = Vec::new();
        while !self.sealed.is_empty() {
            let (rows, curve) = (std::mem::take(&mut self.rows), std::mem::take(&mut self.curve));
            parts.push((rows, curve));
            self.open_last();
        }
        for (mut rows, mut curve) in parts.into_iter().rev() {
            self.rows.append(&mut rows);
            self.curve.append(&mut curve);
        }
    }
}
