//! A batch of meter readings and its binary layout, version 1 (AUDIT.md,
//! "Events as bytes"). Nothing but the one canonical form is accepted, so that
//! decoding and encoding again gives the same bytes; at most 65,535 of them.
//!
//! `varint` is LEB128 of a `u64` without needless bytes, `zigzag` a varint of
//! `(x << 1) ^ (x >> 63)`, `text` a varint length and so many bytes of UTF-8.
//! A **column of oddities** is a varint count (at least 1) and for each odd row,
//! in order, a varint of the rows skipped since the odd row before, and its value.
//!
//! ```text
//! "TWR" 01          magic and version
//! varint            position
//! 16 bytes          event id
//! text              site
//! zigzag            time, seconds since 1970
//! zigzag            received − time
//! text              actor
//! 00 | 10 16 bytes  cause: none, or an event id
//! --- payload ---
//! byte              flags: 1 delta, 2 texts, 4 times, 8 decimals, 10 serials, 20 device times, 40 places
//! varint            part
//! varint            n, the number of rows, at least 1
//! delta:  varint    position − position of the base, a full event; its roster is this one's, in the same order
//! full:   n times   the roster: meter (varint bytes shared with the entry before, text of the rest);
//!                   byte: decimals of the register, + 8 with a serial; the serial likewise,
//!                   against the last serial before it
//! byte              width w: 1, 2, 4 or 8; the least for which at most n / 16 differences do not fit
//! n × w bytes       register − base's register (0 in a full event), little-endian, in units of 10^−decimals kWh: the low bytes
//! varint, entries   the differences that do not fit: as oddities (but the count may be 0), value varint difference >> 8w
//! [oddities]        texts: a register that is not plain, as sent; its difference above is 0
//! [oddities]        times: zigzag reading's time − event's time, not 0
//! [oddities]        decimals: byte, fewer than the roster's (delta only)
//! [oddities]        serials: 00 none, or varint length + 1 and the bytes: not the roster's (delta only)
//! [oddities]        device times: zigzag device's time − reading's time
//! [n zigzags]       places: line − line of the row before (0 before the first); 0 is no place, not all are
//! ```
//!
//! A register is **plain** when its text is digits, with a point between them
//! at most, no needless leading zeros, at most 6 decimals, and less than 2^53 mWh;
//! in a delta also no more decimals than the roster's. Such a text is
//! always held as an integer, any other always as text.

mod batch;
mod bytes;
mod decode;
mod encode;
mod register;
#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, clippy::indexing_slicing, reason = "tests may panic")]
mod tests;

pub use batch::{ReadingRow, ReadingsBatch, RosterEntry, RowView};
pub use decode::Decoder;
pub use encode::readings_id;
pub(super) use encode::{MAGIC, encode};
pub(crate) use register::mwh_per_unit;
pub use register::{kwh_text, register_mwh};

/// Why bytes are no batch, or rows make none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BatchError {
    /// Bytes that end before the layout does, or go on after it.
    #[error("readings batch is cut short or has a tail")]
    Length,
    /// A version of the layout that this program does not know.
    #[error("readings layout version {0} is unknown to this version of tallywatt; use a newer one")]
    Version(u8),
    /// Not the one canonical form.
    #[error("readings batch is not in canonical form: {0}")]
    NotCanonical(&'static str),
    /// More than 65,535 bytes: split the rows.
    #[error("readings batch of {0} bytes is more than the 65,535 of an event")]
    TooLong(usize),
    /// No rows.
    #[error("readings batch without a reading")]
    Empty,
    /// An instant outside the years 1900 to 2999.
    #[error("an instant is outside the years 1900 to 2999")]
    Instant,
    /// The event says another time than its batch, has chains, or precedes its base.
    #[error("event and readings batch do not belong together: {0}")]
    Envelope(&'static str),
}
