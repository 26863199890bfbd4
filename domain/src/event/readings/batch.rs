//! A batch of readings as columns over a roster of meters, and as rows.

use std::sync::Arc;

use super::BatchError;
use super::register::{Plain, mwh_per_unit, plain, register_mwh, units_text};
use crate::event::id::MeterId;
use crate::quantity::Instant;

/// A reading as it was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadingRow {
    /// The meter it is said to be of.
    pub meter: MeterId,
    /// The collector's clock at the poll.
    pub time: Instant,
    /// The register as sent, in kWh, as text.
    pub kwh: Arc<str>,
    /// The serial that came with it.
    pub serial: Option<Arc<str>>,
    /// The meter's own clock, where it was sent.
    pub device_time: Option<Instant>,
    /// Its place in the source: the line of its file, 0 where there is none.
    pub place: u32,
}

/// A meter's entry in a roster: what its readings usually look like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RosterEntry {
    /// The meter.
    pub meter: MeterId,
    /// Decimals of its register's text, 0 to 6.
    pub decimals: u8,
    /// The serial that comes with its readings.
    pub serial: Option<Arc<str>>,
}

impl RosterEntry {
    /// `10^(6 − decimals)`: mWh in a unit of its registers.
    pub const fn mwh_per_unit(&self) -> i64 {
        mwh_per_unit(self.decimals)
    }
}

/// A row of a batch, borrowed: nothing is allocated to look at it.
#[derive(Debug, Clone, Copy)]
pub struct RowView<'a> {
    /// Its index in the roster.
    pub index: usize,
    /// The roster's entry.
    pub entry: &'a RosterEntry,
    /// The collector's clock at the poll.
    pub time: Instant,
    /// The register in mWh; `None` where the text is no number.
    pub mwh: Option<i64>,
    /// Decimals of the text, where it is plain.
    pub decimals: u8,
    /// The text, where it is not plain.
    pub text: Option<&'a Arc<str>>,
    /// The serial that came with it.
    pub serial: Option<&'a Arc<str>>,
    /// The meter's own clock, where it was sent.
    pub device_time: Option<Instant>,
    /// The line of its file, or 0.
    pub place: u32,
}

/// The full event that a delta is written against.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Base {
    pub(super) position: u64,
    pub(super) registers: Arc<[i64]>,
}

/// What differs from the roster, by row, in the order of rows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Oddities {
    pub(super) texts: Vec<(usize, Arc<str>)>,
    pub(super) times: Vec<(usize, i64)>,
    pub(super) decimals: Vec<(usize, u8)>,
    pub(super) serials: Vec<(usize, Option<Arc<str>>)>,
    pub(super) devices: Vec<(usize, i64)>,
    /// All rows', or empty.
    pub(super) places: Arc<[u32]>,
}

/// A batch of readings of one event: at least one row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadingsBatch {
    pub(super) part: u32,
    pub(super) time: Instant,
    pub(super) roster: Arc<[RosterEntry]>,
    pub(super) registers: Arc<[i64]>,
    pub(super) base: Option<Base>,
    pub(super) odd: Oddities,
}

pub(super) fn bounded(seconds: i64) -> Result<Instant, BatchError> {
    if (-2_208_988_800..32_503_680_000).contains(&seconds) {
        Ok(Instant::new(seconds))
    } else {
        Err(BatchError::Instant)
    }
}

/// Seconds from `earlier` to `later`, both within the years of the layout.
fn offset(later: Instant, earlier: Instant) -> Result<i64, BatchError> {
    Ok(bounded(later.get())?.since(bounded(earlier.get())?))
}

impl ReadingsBatch {
    /// The batch of these rows, for an event of this time. With a base (the
    /// position of a full event, and its batch) it is written as differences
    /// to it where it can be: the same meters in the same order, and no register lower.
    pub fn try_new(
        part: u32,
        time: Instant,
        rows: &[ReadingRow],
        base: Option<(u64, &Self)>,
    ) -> Result<Self, BatchError> {
        if rows.is_empty() {
            return Err(BatchError::Empty);
        }
        let mut odd = Oddities::default();
        for (index, row) in rows.iter().enumerate() {
            match offset(row.time, time)? {
                0 => {}
                seconds => odd.times.push((index, seconds)),
            }
            if let Some(device) = row.device_time {
                odd.devices.push((index, offset(device, row.time)?));
            }
        }
        if rows.iter().any(|row| row.place != 0) {
            odd.places = rows.iter().map(|row| row.place).collect();
        }
        let delta = base.and_then(|(position, base)| Self::delta(part, time, rows, position, base, odd.clone()));
        Ok(delta.unwrap_or_else(|| Self::full(part, time, rows, odd)))
    }

    fn full(part: u32, time: Instant, rows: &[ReadingRow], mut odd: Oddities) -> Self {
        let mut roster = Vec::with_capacity(rows.len());
        let mut registers = Vec::with_capacity(rows.len());
        for (index, row) in rows.iter().enumerate() {
            let held = plain(&row.kwh);
            if held.is_none() {
                odd.texts.push((index, row.kwh.clone()));
            }
            let Plain { units, decimals } = held.unwrap_or(Plain { units: 0, decimals: 0 });
            registers.push(units);
            roster.push(RosterEntry { meter: row.meter.clone(), decimals, serial: row.serial.clone() });
        }
        Self { part, time, roster: roster.into(), registers: registers.into(), base: None, odd }
    }

    fn delta(
        part: u32,
        time: Instant,
        rows: &[ReadingRow],
        position: u64,
        base: &Self,
        mut odd: Oddities,
    ) -> Option<Self> {
        if base.base.is_some() || base.roster.len() != rows.len() {
            return None;
        }
        let mut registers = Vec::with_capacity(rows.len());
        for (index, ((row, entry), low)) in rows.iter().zip(&*base.roster).zip(&*base.registers).enumerate() {
            if row.meter != entry.meter {
                return None;
            }
            if row.serial != entry.serial {
                odd.serials.push((index, row.serial.clone()));
            }
            let Some(held) = plain(&row.kwh).filter(|held| held.decimals <= entry.decimals) else {
                odd.texts.push((index, row.kwh.clone()));
                registers.push(*low);
                continue;
            };
            let factor = mwh_per_unit(held.decimals).checked_div(mwh_per_unit(entry.decimals))?;
            registers.push(held.units.checked_mul(factor).filter(|units| units >= low)?);
            if held.decimals != entry.decimals {
                odd.decimals.push((index, held.decimals));
            }
        }
        // A roster that no longer fits is worth a full event.
        let misfits = odd.texts.len().saturating_add(odd.decimals.len()).saturating_add(odd.serials.len());
        if misfits > rows.len().div_ceil(8) {
            return None;
        }
        let base_of = Base { position, registers: base.registers.clone() };
        Some(Self { part, time, roster: base.roster.clone(), registers: registers.into(), base: Some(base_of), odd })
    }

    /// Splits rows, in their order, into parts that each fit an event.
    pub fn split(rows: Vec<ReadingRow>) -> Vec<Vec<ReadingRow>> {
        const ROOM: usize = 60_000;
        let mut parts: Vec<Vec<ReadingRow>> = Vec::new();
        let mut left = 0usize;
        for row in rows {
            let text = if plain(&row.kwh).is_some() { 0 } else { row.kwh.len().saturating_add(6) };
            let serial = row.serial.as_ref().map_or(0, |serial| serial.len().saturating_add(6));
            let odd = if row.device_time.is_some() { 9 } else { 0 };
            let size = [row.meter.as_str().len(), serial, text, odd, 32].into_iter().fold(0, usize::saturating_add);
            match parts.last_mut() {
                Some(part) if size <= left => part.push(row),
                _ => {
                    parts.push(vec![row]);
                    left = ROOM;
                }
            }
            left = left.saturating_sub(size);
        }
        parts
    }

    /// Its part, where a minute's readings do not fit one event.
    pub const fn part(&self) -> u32 {
        self.part
    }

    /// Its event's time, which rows have unless they say otherwise.
    pub const fn time(&self) -> Instant {
        self.time
    }

    /// How many rows it has.
    pub fn len(&self) -> usize {
        self.roster.len()
    }

    /// Never: a batch has a row.
    pub fn is_empty(&self) -> bool {
        self.roster.is_empty()
    }

    /// The meters, one for each row. A delta shares its base's, so pointers can be compared.
    pub const fn roster(&self) -> &Arc<[RosterEntry]> {
        &self.roster
    }

    /// The registers, in units of 10^−decimals kWh of the roster; without meaning where the text is not plain.
    pub const fn registers(&self) -> &Arc<[i64]> {
        &self.registers
    }

    /// The position of the full event that it is written against; none for a full event.
    pub fn base_position(&self) -> Option<u64> {
        self.base.as_ref().map(|base| base.position)
    }

    /// Whether every row is of the event's time, with the roster's serial, and
    /// its register a number in [`registers`](Self::registers).
    pub const fn is_plain(&self) -> bool {
        self.odd.texts.is_empty() && self.odd.times.is_empty() && self.odd.serials.is_empty()
    }

    /// Whether rows differ in nothing but their registers, in the roster's
    /// decimals, and their [`places`](Self::places); the meters' own clocks aside.
    pub const fn is_even(&self) -> bool {
        self.is_plain() && self.odd.decimals.is_empty()
    }

    /// The lines of the file that the rows come from: all rows', or none.
    pub const fn places(&self) -> &Arc<[u32]> {
        &self.odd.places
    }

    /// The rows, without an allocation.
    pub fn views(&self) -> impl Iterator<Item = RowView<'_>> {
        let odd = &self.odd;
        let (mut texts, mut times) = (Cursor(&odd.texts), Cursor(&odd.times));
        let (mut decimals, mut serials, mut devices) =
            (Cursor(&odd.decimals), Cursor(&odd.serials), Cursor(&odd.devices));
        self.roster.iter().zip(&*self.registers).enumerate().map(move |(index, (entry, units))| {
            let text = texts.take(index);
            let time = times.take(index).map_or(self.time, |seconds| self.time.plus(*seconds));
            let held = Plain { units: *units, decimals: entry.decimals };
            RowView {
                index,
                entry,
                time,
                mwh: text.map_or_else(|| held.mwh(), |text| register_mwh(text)),
                decimals: decimals.take(index).copied().unwrap_or(entry.decimals),
                text,
                serial: serials.take(index).map_or(entry.serial.as_ref(), Option::as_ref),
                device_time: devices.take(index).map(|seconds| time.plus(*seconds)),
                place: odd.places.get(index).copied().unwrap_or(0),
            }
        })
    }

    /// The rows as they were sent.
    pub fn rows(&self) -> impl Iterator<Item = ReadingRow> {
        self.views().zip(&*self.registers).map(|(view, units)| ReadingRow {
            meter: view.entry.meter.clone(),
            time: view.time,
            kwh: view.text.cloned().unwrap_or_else(|| text_of(*units, view.entry.decimals, view.decimals)),
            serial: view.serial.cloned(),
            device_time: view.device_time,
            place: view.place,
        })
    }
}

fn text_of(units: i64, held: u8, sent: u8) -> Arc<str> {
    let factor = mwh_per_unit(sent).checked_div(mwh_per_unit(held)).expect("a positive constant");
    units_text(units.checked_div(factor).expect("fewer decimals than the roster's"), sent).into()
}

/// Walks a column of oddities beside the rows.
struct Cursor<'a, T>(&'a [(usize, T)]);

impl<'a, T> Cursor<'a, T> {
    fn take(&mut self, row: usize) -> Option<&'a T> {
        let ((index, value), rest) = self.0.split_first()?;
        if *index != row {
            return None;
        }
        self.0 = rest;
        Some(value)
    }
}
