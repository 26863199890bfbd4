//! Decoding of the layout that the folder's head describes: whatever
//! encoding would not have written is refused.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::BatchError;
use super::batch::{Base, Oddities, ReadingsBatch, RosterEntry, bounded};
use super::bytes::{Reader, utf8};
use super::encode::{DECIMALS, DELTA, DEVICES, MAGIC, PLACES, SERIALS, TEXTS, TIMES, VERSION};
use super::register::{Plain, mwh_per_unit, plain};
use crate::event::canonical::MAX_BYTES;
use crate::event::catalogue::Body;
use crate::event::envelope::{Event, EventError};
use crate::event::id::{EventId, MeterId, SiteId};
use crate::quantity::Instant;

/// Differences are less than 2^53, so that sums stay in an `i64`.
const DIFFERENCE_BOUND: u64 = 1 << 53;

/// Decodes the events of a site in their order: remembers the full events that deltas refer to.
#[derive(Debug, Clone, Default)]
pub struct Decoder {
    bases: BTreeMap<u64, Known>,
    rosters: BTreeMap<u32, KnownRoster>,
}

/// A part's last roster with its bytes, so that the same bytes are the same roster.
#[derive(Debug, Clone)]
struct KnownRoster {
    bytes: Vec<u8>,
    roster: Arc<[RosterEntry]>,
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
        Self { bases: BTreeMap::new(), rosters: BTreeMap::new() }
    }

    /// The event of its bytes, of any type. A delta whose base it has not seen is `MissingBase`.
    pub fn decode(&mut self, bytes: &[u8]) -> Result<Event, EventError> {
        if !bytes.starts_with(MAGIC) {
            return Event::decode(bytes);
        }
        let (event, roster) = self.read_event(bytes)?;
        self.remember(&event);
        if let (Some(bytes), Some(batch)) = (roster, event.readings()) {
            let known = self.rosters.get(&batch.part).is_some_and(|known| Arc::ptr_eq(&known.roster, &batch.roster));
            if !known {
                self.rosters.insert(batch.part, KnownRoster { bytes: bytes.to_vec(), roster: batch.roster.clone() });
                if self.rosters.len() > BASES_KEPT {
                    self.rosters.pop_last();
                }
            }
        }
        Ok(event)
    }

    /// Takes up an event that was built or decoded elsewhere, so that deltas against it can be read.
    pub fn remember(&mut self, event: &Event) {
        let Body::ReadingsRecorded(batch) = &event.body else { return };
        if batch.base.is_none() {
            self.bases
                .insert(event.position, Known { roster: batch.roster.clone(), registers: batch.registers.clone() });
            if self.bases.len() > BASES_KEPT {
                self.bases.pop_first();
            }
        }
    }

    /// As `decode`, for the binary layout, without keeping anything.
    pub(in crate::event) fn decode_readings(&self, bytes: &[u8]) -> Result<Event, EventError> {
        Ok(self.read_event(bytes)?.0)
    }

    /// The event, and the bytes of its roster if it has one.
    fn read_event<'a>(&self, bytes: &'a [u8]) -> Result<(Event, Option<&'a [u8]>), EventError> {
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
        let (batch, roster) = self.read_payload(input, position, time)?;
        if !input.0.is_empty() {
            return Err(BatchError::Length.into());
        }
        let body = Body::ReadingsRecorded(batch);
        Ok((Event { position, id, site, time, received, actor, cause, chains: Vec::new(), body }, roster))
    }

    fn read_payload<'a>(
        &self,
        input: &mut Reader<'a>,
        position: u64,
        time: Instant,
    ) -> Result<(ReadingsBatch, Option<&'a [u8]>), EventError> {
        let flags = input.byte()?;
        let part = u32::try_from(input.varint()?).map_err(|_| BatchError::NotCanonical("a part beyond 32 bits"))?;
        let rows = input.length()?;
        if rows == 0 {
            return Err(BatchError::Empty.into());
        }
        let mut roster_bytes = None;
        let (roster, base) = if flags & DELTA == 0 {
            let from = input.0;
            // Entries end where they end: the same first bytes and number of rows are the same roster.
            let known =
                self.rosters.get(&part).filter(|known| known.roster.len() == rows && from.starts_with(&known.bytes));
            let roster = match known {
                Some(known) => {
                    input.raw(known.bytes.len())?;
                    known.roster.clone()
                }
                None => read_roster(input, rows)?,
            };
            roster_bytes = from.get(..from.len().saturating_sub(input.0.len()));
            (roster, None)
        } else {
            let back = input.varint()?;
            let of = position
                .checked_sub(back)
                .filter(|_| back > 0)
                .ok_or(BatchError::NotCanonical("a base that is not before"))?;
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
        Ok((batch, roster_bytes))
    }
}

const fn broken<T>(what: &'static str) -> Result<T, BatchError> {
    Err(BatchError::NotCanonical(what))
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

fn read_odd<T>(
    input: &mut Reader<'_>,
    rows: usize,
    least: usize,
    mut value: impl FnMut(&mut Reader<'_>, usize) -> Result<T, BatchError>,
) -> Result<Vec<(usize, T)>, BatchError> {
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

/// A word of a column of differences.
trait Word<const N: usize>: Copy + Into<u64> {
    /// The largest value of the next narrower width.
    const NARROW: Self;
    fn read(bytes: [u8; N]) -> Self;
    fn is_wide(self) -> bool;
}

macro_rules! word {
    ($type:ty, $bytes:literal, $narrow:expr) => {
        impl Word<$bytes> for $type {
            const NARROW: Self = $narrow;
            fn read(bytes: [u8; $bytes]) -> Self {
                Self::from_le_bytes(bytes)
            }
            fn is_wide(self) -> bool {
                self > Self::NARROW
            }
        }
    };
}
// Of the narrowest width every value will do.
word!(u8, 1, u8::MAX);
word!(u16, 2, 0xff);
word!(u32, 4, 0xffff);
word!(u64, 8, 0xffff_ffff);

fn read_registers(input: &mut Reader<'_>, rows: usize, base: Option<&[i64]>) -> Result<Arc<[i64]>, BatchError> {
    match input.byte()? {
        1 => read_words::<u8, 1>(input, rows, base),
        2 => read_words::<u16, 2>(input, rows, base),
        4 => read_words::<u32, 4>(input, rows, base),
        8 => read_words::<u64, 8>(input, rows, base),
        _ => broken("a width that is not 1, 2, 4 or 8"),
    }
}

fn read_words<W: Word<N>, const N: usize>(
    input: &mut Reader<'_>,
    rows: usize,
    base: Option<&[i64]>,
) -> Result<Arc<[i64]>, BatchError> {
    let column = input.raw(rows.checked_mul(N).ok_or(BatchError::Length)?)?.as_chunks::<N>().0;
    let bits = N.saturating_mul(8);
    let large = read_odd(input, rows, 0, |input, _| {
        let high = input.varint()?;
        if high == 0 || N == 8 || high >= DIFFERENCE_BOUND >> bits {
            broken("a difference out of bounds")
        } else {
            Ok(high << bits)
        }
    })?;
    if N == 8 && column.iter().any(|word| W::read(*word).into() >= DIFFERENCE_BOUND) {
        return broken("a difference out of bounds");
    }
    // What is too wide for the next narrower width: more than a sixteenth, or that would have been taken.
    let wide = column.iter().filter(|word| W::read(**word).is_wide()).count();
    let hidden = large.iter().filter(|(row, _)| column.get(*row).is_some_and(|word| !W::read(*word).is_wide())).count();
    if large.len() > rows >> 4 || (N > 1 && wide.saturating_add(hidden) <= rows >> 4) {
        return broken("another width than the least");
    }
    // Both are less than 2^53: nothing wraps.
    let difference = |word: &[u8; N]| -> i64 { W::read(*word).into().cast_signed() };
    let mut registers: Arc<[i64]> = match base {
        None => column.iter().map(difference).collect(),
        Some(base) => base.iter().zip(column).map(|(low, word)| low.wrapping_add(difference(word))).collect(),
    };
    if !large.is_empty() {
        let own = Arc::get_mut(&mut registers).expect("nobody else has it yet");
        for (row, high) in large {
            if let Some(register) = own.get_mut(row) {
                *register = register.wrapping_add(high.cast_signed());
            }
        }
    }
    Ok(registers)
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
        let mut places = Vec::with_capacity(rows.min(input.0.len()));
        for _ in 0..rows {
            place = place.saturating_add(input.zigzag()?);
            places.push(u32::try_from(place).map_err(|_| BatchError::NotCanonical("a place out of bounds"))?);
        }
        if places.iter().all(|place| *place == 0) {
            return broken("places that are all 0");
        }
        odd.places = places.into();
    }
    Ok(odd)
}
