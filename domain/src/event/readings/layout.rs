//! Encoding and decoding of the layout that the folder's head describes.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::BatchError;
use super::batch::{Base, Oddities, ReadingsBatch, RosterEntry, bounded};
use super::bytes::{Reader, Writer, utf8};
use super::register::{Plain, mwh_per_unit, plain};
use crate::event::canonical::MAX_BYTES;
use crate::event::catalogue::Body;
use crate::event::envelope::{Event, EventError};
use crate::event::id::{EventId, MeterId, SiteId};

/// The first bytes of the layout; JSON begins with `{`.
pub(in crate::event) const MAGIC: &[u8] = b"TWR";
const VERSION: u8 = 1;
const DELTA: u8 = 0x01;
const TEXTS: u8 = 0x02;
const TIMES: u8 = 0x04;
const DECIMALS: u8 = 0x08;
const SERIALS: u8 = 0x10;
const DEVICES: u8 = 0x20;
const PLACES: u8 = 0x40;

const fn broken<T>(what: &'static str) -> Result<T, BatchError> {
    Err(BatchError::NotCanonical(what))
}

/// Differences are less than 2^53, so that sums stay in an `i64`.
const DIFFERENCE_BOUND: u64 = 1 << 53;

/// The width of a column of differences: the least for which at most a sixteenth do not fit.
fn width(differences: impl Iterator<Item = u64>, rows: usize) -> usize {
    let (mut one, mut two, mut four) = (0usize, 0usize, 0usize);
    for difference in differences {
        one = one.wrapping_add(usize::from(difference > 0xff));
        two = two.wrapping_add(usize::from(difference > 0xffff));
        four = four.wrapping_add(usize::from(difference > 0xffff_ffff));
    }
    let few = rows >> 4;
    match (one <= few, two <= few, four <= few) {
        (true, _, _) => 1,
        (_, true, _) => 2,
        (_, _, true) => 4,
        _ => 8,
    }
}

/// `value >> 8w`; 0 for the full width.
const fn above(value: u64, width: usize) -> u64 {
    match width {
        1 => value >> 8,
        2 => value >> 16,
        4 => value >> 32,
        _ => 0,
    }
}

fn shared(one: &[u8], other: &[u8]) -> usize {
    one.iter().zip(other).take_while(|(a, b)| a == b).count()
}

fn write_front_coded(out: &mut Writer, before: &[u8], text: &[u8]) {
    let same = shared(before, text);
    out.length(same);
    out.text(text.get(same..).unwrap_or_default());
}

fn read_front_coded(input: &mut Reader<'_>, text: &mut Vec<u8>) -> Result<(), BatchError> {
    let same = input.length()?;
    let rest = input.bytes()?;
    if same > text.len() || (same < text.len() && text.get(same) == rest.first()) {
        return broken("a shared prefix that is not the longest");
    }
    text.truncate(same);
    text.extend_from_slice(rest);
    Ok(())
}

fn write_odd<T>(out: &mut Writer, odd: &[(usize, T)], value: impl Fn(&mut Writer, &T)) {
    out.length(odd.len());
    let mut next = 0usize;
    for (row, odd) in odd {
        out.length(row.saturating_sub(next));
        value(out, odd);
        next = row.saturating_add(1);
    }
}

fn read_odd<T>(input: &mut Reader<'_>, rows: usize, least: usize, mut value: impl FnMut(&mut Reader<'_>, usize) -> Result<T, BatchError>) -> Result<Vec<(usize, T)>, BatchError> {
    let count = input.length()?;
    if count < least || count > rows {
        return broken("a column of oddities with too few or too many");
    }
    let mut odd = Vec::with_capacity(count);
    let mut next = 0usize;
    for _ in 0..count {
        let row = next.saturating_add(input.length()?);
        if row >= rows {
            return broken("an oddity of a row that is not there");
        }
        odd.push((row, value(input, row)?));
        next = row.saturating_add(1);
    }
    Ok(odd)
}

fn write_payload(out: &mut Writer, batch: &ReadingsBatch, position: u64) -> Result<(), BatchError> {
    let odd = &batch.odd;
    let flag = |on: bool, bit: u8| if on { bit } else { 0 };
    out.byte(
        flag(batch.base.is_some(), DELTA)
            | flag(!odd.texts.is_empty(), TEXTS)
            | flag(!odd.times.is_empty(), TIMES)
            | flag(!odd.decimals.is_empty(), DECIMALS)
            | flag(!odd.serials.is_empty(), SERIALS)
            | flag(!odd.devices.is_empty(), DEVICES)
            | flag(!odd.places.is_empty(), PLACES),
    );
    out.varint(batch.part.into());
    out.length(batch.len());
    if let Some(base) = &batch.base {
        let back = position.checked_sub(base.position).filter(|back| *back > 0);
        out.varint(back.ok_or(BatchError::Envelope("the base does not stand before it"))?);
    } else {
        write_roster(out, &batch.roster);
    }
    write_registers(out, batch);
    if !odd.texts.is_empty() {
        write_odd(out, &odd.texts, |out, text| out.text(text.as_bytes()));
    }
    if !odd.times.is_empty() {
        write_odd(out, &odd.times, |out, seconds| out.zigzag(*seconds));
    }
    if !odd.decimals.is_empty() {
        write_odd(out, &odd.decimals, |out, decimals| out.byte(*decimals));
    }
    if !odd.serials.is_empty() {
        write_odd(out, &odd.serials, |out, serial| match serial {
            None => out.byte(0),
            Some(serial) => {
                out.length(serial.len().saturating_add(1));
                out.raw(serial.as_bytes());
            }
        });
    }
    if !odd.devices.is_empty() {
        write_odd(out, &odd.devices, |out, seconds| out.zigzag(*seconds));
    }
    let mut before = 0i64;
    for place in &odd.places {
        let place = i64::from(*place);
        out.zigzag(place.saturating_sub(before));
        before = place;
    }
    Ok(())
}

fn write_roster(out: &mut Writer, roster: &[RosterEntry]) {
    let (mut meter, mut serial): (&[u8], &[u8]) = (&[], &[]);
    for entry in roster {
        write_front_coded(out, meter, entry.meter.as_str().as_bytes());
        meter = entry.meter.as_str().as_bytes();
        out.byte(if entry.serial.is_some() { entry.decimals | 8 } else { entry.decimals });
        if let Some(own) = &entry.serial {
            write_front_coded(out, serial, own.as_bytes());
            serial = own.as_bytes();
        }
    }
}

fn write_registers(out: &mut Writer, batch: &ReadingsBatch) {
    let base = batch.base.as_ref().map(|base| &*base.registers);
    let low = |row: usize| base.and_then(|base| base.get(row)).copied().unwrap_or(0);
    let differences: Vec<u64> =
        batch.registers.iter().enumerate().map(|(row, register)| register.wrapping_sub(low(row)).cast_unsigned()).collect();
    let width = width(differences.iter().copied(), differences.len());
    out.byte(u8::try_from(width).expect("at most 8"));
    for difference in &differences {
        out.raw(difference.to_le_bytes().get(..width).unwrap_or_default());
    }
    let large: Vec<(usize, u64)> =
        differences.iter().map(|difference| above(*difference, width)).enumerate().filter(|(_, high)| *high > 0).collect();
    write_odd(out, &large, |out, high| out.varint(*high));
}

/// The bytes of an event of readings.
pub(crate) fn encode(event: &Event, batch: &ReadingsBatch) -> Result<Vec<u8>, BatchError> {
    if event.time != batch.time {
        return Err(BatchError::Envelope("they differ in time"));
    }
    if !event.chains.is_empty() {
        return Err(BatchError::Envelope("readings stand in no chain"));
    }
    let mut out = Writer(Vec::with_capacity(batch.len().saturating_mul(2).saturating_add(256)));
    out.raw(MAGIC);
    out.byte(VERSION);
    out.varint(event.position);
    out.raw(event.id.as_bytes());
    out.text(event.site.as_str().as_bytes());
    out.zigzag(bounded(event.time.get())?.get());
    out.zigzag(bounded(event.received.get())?.since(event.time));
    out.text(event.actor.as_bytes());
    match &event.cause {
        None => out.byte(0),
        Some(cause) => {
            out.byte(16);
            out.raw(cause.as_bytes());
        }
    }
    write_payload(&mut out, batch, event.position)?;
    if out.0.len() > MAX_BYTES { Err(BatchError::TooLong(out.0.len())) } else { Ok(out.0) }
}

/// The id of a batch's event: of site, minute, part, and the payload that it
/// has as a full event. So the same rows sent again are the same event,
/// whatever they were written against, and other rows are another.
pub fn readings_id(site: &SiteId, batch: &ReadingsBatch) -> EventId {
    let full = if batch.base.is_none() {
        None
    } else {
        let rows: Vec<_> = batch.rows().collect();
        Some(ReadingsBatch::try_new(batch.part, batch.time, &rows, None).expect("the rows of a batch make a batch"))
    };
    let mut payload = Writer::default();
    write_payload(&mut payload, full.as_ref().unwrap_or(batch), 0).expect("a full event has no base");
    let minute = batch.time.get().div_euclid(60);
    EventId::derive(&[b"readings", site.as_str().as_bytes(), &minute.to_be_bytes(), &batch.part.to_be_bytes(), &payload.0])
}

/// Decodes the events of a site in their order: remembers the full events that deltas refer to.
#[derive(Debug, Clone, Default)]
pub struct Decoder {
    bases: BTreeMap<u64, Known>,
}

#[derive(Debug, Clone)]
struct Known {
    roster: Arc<[RosterEntry]>,
    registers: Arc<[i64]>,
}

/// A site with more parts a minute than this is larger than any that we know.
const BASES_KEPT: usize = 64;

impl Decoder {
    /// Without any base.
    pub const fn new() -> Self {
        Self { bases: BTreeMap::new() }
    }

    /// The event of its bytes, of any type. A delta whose base it has not seen is `MissingBase`.
    pub fn decode(&mut self, bytes: &[u8]) -> Result<Event, EventError> {
        if !bytes.starts_with(MAGIC) {
            return Event::decode(bytes);
        }
        let event = self.decode_readings(bytes)?;
        self.remember(&event);
        Ok(event)
    }

    /// Takes up an event that was built or decoded elsewhere, so that deltas against it can be read.
    pub fn remember(&mut self, event: &Event) {
        let Body::ReadingsRecorded(batch) = &event.body else { return };
        if batch.base.is_none() {
            self.bases.insert(event.position, Known { roster: batch.roster.clone(), registers: batch.registers.clone() });
            if self.bases.len() > BASES_KEPT {
                self.bases.pop_first();
            }
        }
    }

    /// As `decode`, for the binary layout, without keeping anything.
    pub(in crate::event) fn decode_readings(&self, bytes: &[u8]) -> Result<Event, EventError> {
        if bytes.len() > MAX_BYTES {
            return Err(BatchError::TooLong(bytes.len()).into());
        }
        let input = &mut Reader(bytes);
        input.raw(MAGIC.len())?;
        let version = input.byte()?;
        if version != VERSION {
            return Err(BatchError::Version(version).into());
        }
        let position = input.varint()?;
        let id = EventId::new(input.array()?);
        let site = SiteId::try_new(input.text()?).ok_or(BatchError::NotCanonical("no site id"))?;
        let time = bounded(input.zigzag()?)?;
        let received = bounded(time.get().saturating_add(input.zigzag()?))?;
        let actor = input.text()?.to_owned();
        let cause = match input.byte()? {
            0 => None,
            16 => Some(EventId::new(input.array()?)),
            _ => return Err(BatchError::NotCanonical("a cause of another length").into()),
        };
        let batch = self.read_payload(input, position, time)?;
        if !input.0.is_empty() {
            return Err(BatchError::Length.into());
        }
        Ok(Event { position, id, site, time, received, actor, cause, chains: Vec::new(), body: Body::ReadingsRecorded(batch) })
    }

    fn read_payload(&self, input: &mut Reader<'_>, position: u64, time: crate::quantity::Instant) -> Result<ReadingsBatch, EventError> {
        let flags = input.byte()?;
        let part = u32::try_from(input.varint()?).map_err(|_| BatchError::NotCanonical("a part beyond 32 bits"))?;
        let rows = input.length()?;
        if rows == 0 {
            return Err(BatchError::Empty.into());
        }
        let (roster, base) = if flags & DELTA == 0 {
            (read_roster(input, rows)?, None)
        } else {
            let back = input.varint()?;
            let of = position.checked_sub(back).filter(|_| back > 0).ok_or(BatchError::NotCanonical("a base that is not before"))?;
            let known = self.bases.get(&of).ok_or(EventError::MissingBase(of))?;
            if known.roster.len() != rows {
                return Err(BatchError::NotCanonical("another number of rows than the base").into());
            }
            (known.roster.clone(), Some(Base { position: of, registers: known.registers.clone() }))
        };
        let registers = read_registers(input, rows, base.as_ref().map(|base| &*base.registers))?;
        check_bounds(&roster, &registers)?;
        let mut batch = ReadingsBatch { part, time, roster, registers, base, odd: Oddities::default() };
        batch.odd = read_oddities(input, flags, &batch)?;
        Ok(batch)
    }
}

fn read_roster(input: &mut Reader<'_>, rows: usize) -> Result<Arc<[RosterEntry]>, BatchError> {
    let mut roster = Vec::with_capacity(rows.min(input.0.len()));
    let (mut meter, mut serial) = (Vec::new(), Vec::new());
    for _ in 0..rows {
        read_front_coded(input, &mut meter)?;
        let shape = input.byte()?;
        let decimals = shape & 7;
        if shape > 15 || decimals > 6 {
            return broken("a roster entry of unknown shape");
        }
        let own = if shape & 8 == 0 {
            None
        } else {
            read_front_coded(input, &mut serial)?;
            Some(Arc::from(utf8(&serial)?))
        };
        let id = MeterId::try_new(utf8(&meter)?).ok_or(BatchError::NotCanonical("no meter id"))?;
        roster.push(RosterEntry { meter: id, decimals, serial: own });
    }
    Ok(roster.into())
}

fn read_registers(input: &mut Reader<'_>, rows: usize, base: Option<&[i64]>) -> Result<Arc<[i64]>, BatchError> {
    let wide = usize::from(input.byte()?);
    if !matches!(wide, 1 | 2 | 4 | 8) {
        return broken("a width that is not 1, 2, 4 or 8");
    }
    let column = input.raw(rows.checked_mul(wide).ok_or(BatchError::Length)?)?;
    let mut differences: Vec<u64> = match wide {
        1 => column.iter().map(|byte| u64::from(*byte)).collect(),
        2 => column.as_chunks().0.iter().map(|word| u64::from(u16::from_le_bytes(*word))).collect(),
        4 => column.as_chunks().0.iter().map(|word| u64::from(u32::from_le_bytes(*word))).collect(),
        _ => column.as_chunks().0.iter().map(|word| u64::from_le_bytes(*word)).collect(),
    };
    let bits = wide.saturating_mul(8);
    let large = read_odd(input, rows, 0, |input, _| {
        let high = input.varint()?;
        if high == 0 || wide == 8 || high >= DIFFERENCE_BOUND >> bits { broken("a difference out of bounds") } else { Ok(high << bits) }
    })?;
    for (row, high) in large {
        if let Some(difference) = differences.get_mut(row) {
            *difference |= high;
        }
    }
    if wide == 8 && differences.iter().any(|difference| *difference >= DIFFERENCE_BOUND) {
        return broken("a difference out of bounds");
    }
    if width(differences.iter().copied(), rows) != wide {
        return broken("another width than the least");
    }
    // Both are less than 2^53: nothing wraps.
    Ok(match base {
        None => differences.iter().map(|difference| difference.cast_signed()).collect(),
        Some(base) => base.iter().zip(&differences).map(|(low, difference)| low.wrapping_add(difference.cast_signed())).collect(),
    })
}

/// Every register is less than 2^53 mWh.
fn check_bounds(roster: &[RosterEntry], registers: &[i64]) -> Result<(), BatchError> {
    let most = registers.iter().copied().max().unwrap_or(0);
    let coarsest = roster.iter().map(|entry| entry.decimals).min().unwrap_or(0);
    let fits = |units: i64, decimals: u8| Plain { units, decimals }.mwh().is_some();
    let all = fits(most, coarsest) || roster.iter().zip(registers).all(|(entry, units)| fits(*units, entry.decimals));
    if all { Ok(()) } else { broken("a register of 2^53 mWh or more") }
}

fn read_oddities(input: &mut Reader<'_>, flags: u8, batch: &ReadingsBatch) -> Result<Oddities, BatchError> {
    let (rows, delta) = (batch.len(), flags & DELTA != 0);
    let has = |bit: u8| flags & bit != 0;
    if has(0x80) || (!delta && has(DECIMALS | SERIALS)) {
        return broken("a flag that has no place here");
    }
    let entry = |row: usize| batch.roster.get(row).ok_or(BatchError::Length);
    let low = |row: usize| batch.base.as_ref().and_then(|base| base.registers.get(row)).copied().unwrap_or(0);
    let register = |row: usize| batch.registers.get(row).copied().unwrap_or(0);
    let mut odd = Oddities::default();
    if has(TEXTS) {
        odd.texts = read_odd(input, rows, 1, |input, row| {
            let (text, entry) = (input.text()?, entry(row)?);
            let held = plain(text).is_some_and(|held| !delta || held.decimals <= entry.decimals);
            let blank = register(row) == low(row) && (delta || entry.decimals == 0);
            if held || !blank { broken("a text that should be a register") } else { Ok(Arc::from(text)) }
        })?;
    }
    if has(TIMES) {
        odd.times = read_odd(input, rows, 1, |input, _| match input.zigzag()? {
            0 => broken("a time that is the event's"),
            seconds => bounded(batch.time.get().saturating_add(seconds)).map(|_| seconds),
        })?;
    }
    if has(DECIMALS) {
        odd.decimals = read_odd(input, rows, 1, |input, row| {
            let (sent, held) = (input.byte()?, entry(row)?.decimals);
            let text = odd.texts.binary_search_by_key(&row, |(row, _)| *row).is_ok();
            let factor = mwh_per_unit(sent).checked_div(mwh_per_unit(held)).unwrap_or(1);
            let exact = register(row).checked_rem(factor) == Some(0);
            if text || sent >= held || !exact { broken("decimals that a row cannot have") } else { Ok(sent) }
        })?;
    }
    if has(SERIALS) {
        odd.serials = read_odd(input, rows, 1, |input, row| {
            let serial = match input.length()?.checked_sub(1) {
                None => None,
                Some(length) => Some(Arc::<str>::from(utf8(input.raw(length)?)?)),
            };
            if serial == entry(row)?.serial { broken("a serial that is the roster's") } else { Ok(serial) }
        })?;
    }
    if has(DEVICES) {
        let mut times = odd.times.iter().peekable();
        odd.devices = read_odd(input, rows, 1, |input, row| {
            while times.next_if(|(odd, _)| *odd < row).is_some() {}
            let own = times.peek().filter(|(odd, _)| *odd == row).map_or(0, |(_, seconds)| *seconds);
            let seconds = input.zigzag()?;
            bounded(batch.time.get().saturating_add(own).saturating_add(seconds)).map(|_| seconds)
        })?;
    }
    if has(PLACES) {
        let mut place = 0i64;
        for _ in 0..rows {
            place = place.saturating_add(input.zigzag()?);
            odd.places.push(u32::try_from(place).map_err(|_| BatchError::NotCanonical("a place out of bounds"))?);
        }
        if odd.places.iter().all(|place| *place == 0) {
            return broken("places that are all 0");
        }
    }
    Ok(odd)
}
