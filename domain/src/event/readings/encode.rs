//! Encoding of the layout that the folder's head describes.

use super::BatchError;
use super::batch::{ReadingsBatch, RosterEntry, bounded};
use super::bytes::Writer;
use crate::event::canonical::MAX_BYTES;
use crate::event::envelope::Event;
use crate::event::id::{EventId, SiteId};

/// The first bytes of the layout; JSON begins with `{`.
pub(in crate::event) const MAGIC: &[u8] = b"TWR";
pub(super) const VERSION: u8 = 1;
pub(super) const DELTA: u8 = 0x01;
pub(super) const TEXTS: u8 = 0x02;
pub(super) const TIMES: u8 = 0x04;
pub(super) const DECIMALS: u8 = 0x08;
pub(super) const SERIALS: u8 = 0x10;
pub(super) const DEVICES: u8 = 0x20;
pub(super) const PLACES: u8 = 0x40;

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

fn write_odd<T>(out: &mut Writer, odd: &[(usize, T)], value: impl Fn(&mut Writer, &T)) {
    out.length(odd.len());
    let mut next = 0usize;
    for (row, odd) in odd {
        out.length(row.saturating_sub(next));
        value(out, odd);
        next = row.saturating_add(1);
    }
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
    for place in &*odd.places {
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
    let differences: Vec<u64> = batch
        .registers
        .iter()
        .enumerate()
        .map(|(row, register)| register.wrapping_sub(low(row)).cast_unsigned())
        .collect();
    let width = width(differences.iter().copied(), differences.len());
    out.byte(u8::try_from(width).expect("at most 8"));
    for difference in &differences {
        out.raw(difference.to_le_bytes().get(..width).unwrap_or_default());
    }
    let large: Vec<(usize, u64)> = differences
        .iter()
        .map(|difference| above(*difference, width))
        .enumerate()
        .filter(|(_, high)| *high > 0)
        .collect();
    write_odd(out, &large, |out, high| out.varint(*high));
}

/// The bytes of an event of readings.
pub(in crate::event) fn encode(event: &Event, batch: &ReadingsBatch) -> Result<Vec<u8>, BatchError> {
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
    let odd = &batch.odd;
    let full = if batch.base.is_none() {
        None
    } else if odd.texts.is_empty() && odd.decimals.is_empty() && odd.serials.is_empty() {
        Some(ReadingsBatch { base: None, ..batch.clone() })
    } else {
        let rows: Vec<_> = batch.rows().collect();
        Some(ReadingsBatch::try_new(batch.part, batch.time, &rows, None).expect("the rows of a batch make a batch"))
    };
    let mut payload = Writer::default();
    write_payload(&mut payload, full.as_ref().unwrap_or(batch), 0).expect("a full event has no base");
    let minute = batch.time.get().div_euclid(60);
    EventId::derive(&[
        b"readings",
        site.as_str().as_bytes(),
        &minute.to_be_bytes(),
        &batch.part.to_be_bytes(),
        &payload.0,
    ])
}
