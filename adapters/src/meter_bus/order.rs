//! What may be written to a meter: a closed list. A [`Write`] is built from a
//! profile's own tables and from nothing else, so an address that a profile
//! forbids has no expression here, and neither has any other address.
//!
//! ```compile_fail
//! // No write is made from an address.
//! let erase = adapters::meter_bus::Write { function: 16, address: 0x000C, words: vec![0x5578] };
//! ```

use chrono::{Datelike as _, NaiveDateTime, Timelike as _};

use super::Block;
use super::profile::{Profile, Quantity, Register, Type};

/// One end of a relay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Contact {
    /// The load is connected.
    On,
    /// The load is cut off.
    Off,
}

/// What is written, all there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Move the relay.
    Relay(Contact),
    /// Let the meter obey: the relay's mode becomes remote.
    RemoteMode,
    /// Set the clock, local time of the site.
    Clock(NaiveDateTime),
}

/// A write that a profile allows. Its fields are private: see this module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Write {
    function: u8,
    address: u16,
    words: Vec<u16>,
}

impl Write {
    /// 5, 6 or 16.
    pub const fn function(&self) -> u8 {
        self.function
    }

    /// The first register, or the coil.
    pub const fn address(&self) -> u16 {
        self.address
    }

    /// What is written; of a coil `0xFF00` or 0.
    pub fn words(&self) -> &[u16] {
        &self.words
    }

    /// Whether a register of this span would be written. Coils are another space.
    pub fn touches(&self, span: Span) -> bool {
        self.function != 5 && Span { address: self.address, words: length(&self.words) }.overlaps(span)
    }
}

fn length(words: &[u16]) -> u16 {
    u16::try_from(words.len()).unwrap_or(u16::MAX)
}

/// Some registers in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// The first.
    pub address: u16,
    /// How many.
    pub words: u16,
}

impl Span {
    /// Whether the two have a register in common.
    pub fn overlaps(self, other: Self) -> bool {
        let end = |span: Self| u32::from(span.address).saturating_add(span.words.into());
        u32::from(self.address) < end(other) && u32::from(other.address) < end(self)
    }
}

/// How a relay is moved and read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Relay {
    pub(super) function: u8,
    pub(super) read: Block,
    pub(super) on: u16,
    pub(super) off: u16,
}

/// A single register that may be written, from the register table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Writable {
    pub(super) function: u8,
    pub(super) span: Span,
}

/// Everything of a profile that has to do with writing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Writes {
    pub(super) relay: Option<Relay>,
    pub(super) remote_mode: Option<(Writable, u16)>,
    pub(super) clock: Option<Writable>,
    pub(super) forbidden: Vec<Span>,
}

impl Writes {
    pub(super) fn relay_block(&self) -> Option<Block> {
        self.relay.map(|relay| relay.read)
    }

    pub(super) fn remote_mode(&self) -> Option<u16> {
        self.remote_mode.map(|(_, value)| value)
    }

    pub(super) fn relay_is_on(&self, word: u16) -> Option<bool> {
        let relay = self.relay?;
        // A coil is read as a bit and written as 0xFF00 or 0.
        let (on, off) = if relay.function == 5 {
            (u16::from(relay.on != 0), u16::from(relay.off != 0))
        } else {
            (relay.on, relay.off)
        };
        if word == on {
            Some(true)
        } else if word == off {
            Some(false)
        } else {
            None
        }
    }

    fn relay_write(&self, to: Contact) -> Option<Write> {
        let relay = self.relay?;
        let word = match to {
            Contact::On => relay.on,
            Contact::Off => relay.off,
        };
        Some(Write { function: relay.function, address: relay.read.address, words: vec![word] })
    }

    /// Every write that this profile can lead to, with a clock for example.
    pub(super) fn every(&self) -> impl Iterator<Item = Write> {
        let orders = [
            Order::Relay(Contact::On),
            Order::Relay(Contact::Off),
            Order::RemoteMode,
            Order::Clock(chrono::DateTime::UNIX_EPOCH.naive_utc()),
        ];
        orders.into_iter().filter_map(|order| self.write(order))
    }

    fn write(&self, order: Order) -> Option<Write> {
        match order {
            Order::Relay(to) => self.relay_write(to),
            Order::RemoteMode => self.remote_mode.map(|(at, value)| at.write(vec![value])),
            Order::Clock(at) => self.clock.map(|register| register.write(clock_words(at))),
        }
    }
}

impl Writable {
    /// Of a register that its profile lets be written.
    pub(super) fn of(register: &Register, write_fc: Option<u8>) -> Option<Self> {
        let fits = match register.quantity {
            Quantity::RelayMode => register.kind == Type::U16,
            Quantity::Clock => register.kind == Type::Ymdhms6,
            _ => false,
        };
        let span = Span { address: register.address, words: register.words };
        write_fc.filter(|_| fits).map(|function| Self { function, span })
    }

    fn write(self, words: Vec<u16>) -> Write {
        Write { function: self.function, address: self.span.address, words }
    }
}

/// Year without century and month, day and hour, minute and second.
fn clock_words(at: NaiveDateTime) -> Vec<u16> {
    let byte = |number: u32| u16::try_from(number).unwrap_or(0);
    let year = u16::try_from(at.year().rem_euclid(100)).unwrap_or(0);
    let pair = |high: u16, low: u16| high.wrapping_shl(8) | low;
    vec![
        pair(year, byte(at.month())),
        pair(byte(at.day()), byte(at.hour())),
        pair(byte(at.minute()), byte(at.second())),
    ]
}

impl Profile {
    /// The write of an order; none where the meter has no such thing.
    pub fn write(&self, order: Order) -> Option<Write> {
        self.writes.write(order)
    }
}
