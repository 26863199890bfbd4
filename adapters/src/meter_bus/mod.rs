//! Meters on a bus, and the gateways that lead to them.
//!
//! # Contract
//!
//! - A bus does one thing at a time. `read` gives exactly as many words as its
//!   block asks for, of that unit, in answer to that request; anything else is
//!   an error, and no words.
//! - `write` returns when the device has echoed what was written, word for
//!   word. An echo is not a switch: only reading back is (METERS.md).
//! - After an error other than a Modbus exception the bus is in doubt: it
//!   hangs up, and the next call begins anew, on a line that has fallen quiet.
//!   A sequence that must be one conversation compares [`MeterBus::conversation`].
//! - An exception is the meter's own refusal. Codes 10 and 11 are a gateway's
//!   word that this one meter is out of reach; its neighbours are not.
//!
//! Reading order: `profile` (a meter model), `profile_file`, `profiles`, `plan`
//! (what a poll reads), `decode` (what it means), `order` (what may be
//! written), `modbus` (the wire), `reading` (a poll's words), `poller` (a bus
//! and its meters, round by round).

mod decode;
mod line;
mod modbus;
mod order;
mod plan;
mod poller;
mod profile;
mod profile_file;
mod profiles;
mod reading;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod wire_tests;

use std::future::Future;

pub use decode::{Missing, Value};
pub use modbus::{Endpoint, Modbus, Patience};
pub use order::{Contact, Order, Span, Write};
pub use poller::{Answer, Between, Nothing, Poller, Round, Station, Stopwatch};
pub use profile::{Port, Profile, Quantity, Register, Scale, Type};
pub use profile_file::ProfileError;
pub use profiles::Profiles;
pub use reading::Reading;

/// Registers in a row, or a coil: what one request reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub struct Block {
    /// Function code: 1, 3 or 4.
    pub fc: u8,
    /// The first, as on the wire.
    pub address: u16,
    /// How many.
    pub count: u16,
}

impl Block {
    /// The words of a register.
    pub const fn of(register: &Register) -> Self {
        Self { fc: register.fc, address: register.address, count: register.words }
    }

    /// One behind its last word.
    const fn end(self) -> u16 {
        self.address.saturating_add(self.count)
    }

    fn covers(self, word: u16) -> bool {
        (self.address..self.end()).contains(&word)
    }

    /// Whether all of another block is in this one.
    pub const fn holds(self, other: Self) -> bool {
        self.fc == other.fc && self.address <= other.address && other.end() <= self.end()
    }

    /// The block from this one's begin to a later one's end.
    fn to(self, later: Self) -> Option<Self> {
        let count = later.end().max(self.end()).checked_sub(self.address)?;
        (self.fc == later.fc && later.address >= self.address).then_some(Self { count, ..self })
    }
}

/// A bus. See the contract at the head of this module.
pub trait MeterBus: Send {
    /// Reads a block of a unit.
    fn read(&mut self, unit: u8, block: Block) -> impl Future<Output = Result<Vec<u16>, BusError>> + Send;

    /// Writes to a unit, and compares the echo.
    fn write(&mut self, unit: u8, write: &Write) -> impl Future<Output = Result<(), BusError>> + Send;

    /// The number of the conversation that the last call was part of: another
    /// one after the line was hung up.
    fn conversation(&self) -> u64;

    /// Ends the conversation.
    fn hang_up(&mut self);
}

/// Why a call to a meter gave nothing.
#[derive(Debug, thiserror::Error)]
pub enum BusError {
    /// The gateway cannot be reached, or the port not be opened.
    #[error("no connection to {endpoint}")]
    NoConnection {
        /// Which.
        endpoint: String,
        /// Why.
        source: std::io::Error,
    },
    /// No answer in time.
    #[error("no answer within {0} ms")]
    Silent(u128),
    /// The connection broke, or what came was no frame.
    #[error("answer is not Modbus, or the connection broke")]
    Broken(#[source] std::io::Error),
    /// An answer to something else: another unit, function or request.
    #[error("answer is to another request: {0}")]
    Foreign(String),
    /// An answer with more or fewer words.
    #[error("{got} words in answer to a request for {asked}")]
    Length {
        /// As many were asked for.
        asked: u16,
        /// As many came.
        got: usize,
    },
    /// An echo that says another thing than what was written.
    #[error("echo is not what was written")]
    Echo,
    /// The meter's own refusal, or its gateway's about this meter.
    #[error("meter answers with exception {0}")]
    Exception(u8),
    /// Unit 0 is everybody.
    #[error("unit 0 addresses every meter of the bus: give 1 to 247")]
    Broadcast,
}

impl BusError {
    /// Whether only this meter is at fault, and the line is not in doubt.
    pub const fn is_the_meters(&self) -> bool {
        matches!(self, Self::Exception(_) | Self::Broadcast)
    }
}
