//! Readings that wait in the columns in which they came: those of one roster
//! in a row. Taken up together, a meter's are a column that is checked at once.

use std::sync::Arc;

use super::meter::Stretch;
use super::{Metering, Slot, Source};
use crate::event::ReadingsBatch;
use crate::quantity::Instant;

/// More than these wait in no columns.
const MOST: usize = 4096;
/// Fewer than these are judged one by one.
const FEWEST: usize = if cfg!(test) { 2 } else { 16 };
/// So many meters' columns are read out of the batches together.
const TILE: usize = 16;

/// The readings of an event, of one instant.
#[derive(Debug, Clone)]
struct Frame {
    time: i64,
    source: u32,
    of: Source,
    registers: Arc<[i64]>,
    places: Arc<[u32]>,
}

/// Events of readings in a row, of one roster and rising instants.
#[derive(Debug, Clone, Default)]
pub(super) struct Frames {
    slots: Arc<[Slot]>,
    all: Vec<Frame>,
}

impl Frames {
    /// Keeps a batch if it can stand behind those that are here.
    fn push(&mut self, slots: &Arc<[Slot]>, batch: &ReadingsBatch, source: u32, of: Source) -> bool {
        let time = batch.time().get();
        let follows =
            |last: &Frame| Arc::ptr_eq(&self.slots, slots) && last.time < time && last.of.received <= of.received;
        if self.all.len() >= MOST || !self.all.last().is_none_or(follows) {
            return false;
        }
        self.slots = slots.clone();
        let (registers, places) = (batch.registers().clone(), batch.places().clone());
        self.all.push(Frame { time, source, of, registers, places });
        true
    }

    fn stretch(&self, from: usize) -> Option<Stretch> {
        let rows =
            self.all.iter().skip(from).map(|frame| (frame.time, frame.of.received, frame.of.position, frame.source));
        Stretch::new(&rows.collect::<Vec<_>>())
    }
}

impl Frame {
    /// The register of a row in mWh, and its place.
    fn row(&self, index: usize, slot: Slot) -> (i64, u32) {
        let units = self.registers.get(index).copied().unwrap_or_default();
        let mwh = units.checked_mul(slot.mwh_per_unit).expect("registers of a batch are less than 2^53 mWh");
        (mwh, self.places.get(index).copied().unwrap_or(0))
    }
}

impl Metering {
    /// Keeps a batch whose rows differ in nothing but registers and places.
    pub(super) fn frame(&mut self, slots: &Arc<[Slot]>, batch: &ReadingsBatch, source: u32, of: Source) {
        if !self.frames.push(slots, batch, source, of) {
            self.spill();
            let kept = self.frames.push(slots, batch, source, of);
            debug_assert!(kept, "nothing is before it");
        }
    }

    /// Gives the rows that wait in columns to their meters, to be judged one by one.
    pub(super) fn spill(&mut self) {
        let frames = std::mem::take(&mut self.frames);
        for frame in &frames.all {
            for (index, slot) in frames.slots.iter().enumerate() {
                self.push_row(frame, index, *slot);
            }
        }
    }

    fn push_row(&mut self, frame: &Frame, index: usize, slot: Slot) {
        let (mwh, place) = frame.row(index, slot);
        let meter = self.queued(slot.meter);
        meter.push_even(frame.time, mwh, (slot.decimals, place), slot.serial, frame.source, frame.of);
    }

    /// The rows of a meter that wait in columns, given to a copy of it.
    pub(super) fn push_waiting(&self, meter: usize, copy: &mut super::Meter) {
        for (index, slot) in self.frames.slots.iter().enumerate().filter(|(_, slot)| slot.meter == meter) {
            for frame in &self.frames.all {
                let (mwh, place) = frame.row(index, *slot);
                copy.push_even(frame.time, mwh, (slot.decimals, place), slot.serial, frame.source, frame.of);
            }
        }
    }

    /// Takes up what waits in columns, if all of it was received by `now`.
    pub(super) fn take_frames(&mut self, now: Instant) {
        let due = self.frames.all.last().is_some_and(|last| last.of.received <= now.get());
        if !due || self.frames.all.len() < FEWEST {
            self.spill();
            return;
        }
        let frames = std::mem::take(&mut self.frames);
        let (whole, rest) = (frames.stretch(0), frames.stretch(1));
        let (Some(whole), Some(rest)) = (whole, rest) else { return };
        let placed = frames.all.iter().any(|frame| !frame.places.is_empty());
        let (mut columns, mut places) = (vec![Vec::new(); TILE], vec![Vec::new(); TILE]);
        for (tile, slots) in frames.slots.chunks(TILE).enumerate() {
            let from = tile.saturating_mul(TILE);
            columns.iter_mut().chain(&mut places).for_each(Vec::clear);
            for frame in &frames.all {
                let registers = frame.registers.get(from..).unwrap_or_default();
                for (column, register) in columns.iter_mut().zip(registers) {
                    column.push(*register);
                }
                if placed {
                    for (index, column) in (from..).zip(&mut places) {
                        column.push(frame.places.get(index).copied().unwrap_or(0).into());
                    }
                }
            }
            for ((index, slot), (column, places)) in (from..).zip(slots).zip(columns.iter().zip(&places)) {
                self.take_column(&frames, index, *slot, (column, places), (&whole, &rest), now);
            }
        }
    }

    /// Takes up a meter's column at once, or else row by row.
    fn take_column(
        &mut self,
        frames: &Frames,
        index: usize,
        slot: Slot,
        (column, places): (&[i64], &[i64]),
        (whole, rest): (&Stretch, &Stretch),
        now: Instant,
    ) {
        let look = (slot.serial, slot.decimals);
        let Some(meter) = self.meters.get_mut(slot.meter) else { return };
        if meter.take_column(whole, column, places, slot.mwh_per_unit, look) {
            return;
        }
        let mut left = frames.all.as_slice();
        if let (true, Some((first, later))) = (meter.is_fresh(), left.split_first()) {
            // The first reading of all has no neighbour that the others could follow.
            self.push_row(first, index, slot);
            let received = Instant::new(first.of.received).min(now);
            if let Some(meter) = self.meters.get_mut(slot.meter) {
                meter.judge_first(received.get(), &self.sources);
                let (column, places) = (column.get(1..).unwrap_or_default(), places.get(1..).unwrap_or_default());
                if meter.take_column(rest, column, places, slot.mwh_per_unit, look) {
                    return;
                }
            }
            left = later;
        }
        for frame in left {
            self.push_row(frame, index, slot);
        }
    }
}
