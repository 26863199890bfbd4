//! Relays: orders to move them, and what became of each.
//!
//! # Contract
//!
//! - Whether supply is on or off is said by reading the relay back, and by
//!   nothing else: not by an order, not by an echo (METERS.md, "The relay").
//! - An order that is past its `valid_until` when its turn comes writes
//!   nothing, ever. Who still needs it decides anew.
//! - Nothing is written before the device has shown the serial that the
//!   registry has for it. A meter without a registered serial is not switched.
//! - Every order has one outcome, also one that could not be sent.
//! - An outcome that is [`Verdict::Unknown`] has perhaps moved the relay: the
//!   next poll of the meter reads it again.

mod board;
mod commission;
mod modbus;

use std::sync::mpsc::Receiver;
use std::time::Duration;

use domain::event::{EventId, MeterId};
use domain::quantity::Instant;

use crate::meter_bus::Contact;

pub use board::{Orders, Switchboard};
pub use commission::{Commissioned, commission};
pub use modbus::{Pace, switch};

/// An order to move a relay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SwitchOrder {
    /// The event that ordered it.
    pub id: EventId,
    /// The meter.
    pub meter: MeterId,
    /// Where to.
    pub to: Contact,
    /// From this instant on it is not sent.
    pub valid_until: Instant,
}

/// What an order came to, and what was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The order.
    pub order: SwitchOrder,
    /// The collector's clock at the end.
    pub at: Instant,
    /// The serial that the device showed.
    pub serial: Option<String>,
    /// Whether the write was sent.
    pub sent: bool,
    /// Whether its echo came and was right.
    pub echoed: bool,
    /// The relay as it was read back.
    pub read_back: Option<Contact>,
    /// The largest current read after the relay said off, mA; none where the meter shows none.
    pub current_ma: Option<i64>,
    /// What this means.
    pub verdict: Verdict,
}

/// What an order came to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Verdict {
    /// Read back where it should be; and off, without current.
    #[error("confirmed by read-back")]
    Confirmed,
    /// Its time was over: nothing was written.
    #[error("order was past its time; nothing was written")]
    Expired,
    /// No bus here has this meter.
    #[error("meter is on no bus of this collector")]
    NoMeter,
    /// The model has no relay that can be commanded.
    #[error("meter has no relay that can be commanded")]
    NoRelay,
    /// The registry has no serial to compare: nothing was written.
    #[error("no serial is registered for the meter; nothing was written")]
    NoSerial,
    /// Another device stands there: nothing was written.
    #[error("device shows serial {0}, not the registered one; nothing was written")]
    OtherDevice(String),
    /// The relay is in local mode and would only pretend: nothing was written.
    #[error("relay is not in remote mode; nothing was written")]
    NotRemote,
    /// The meter could not be asked who it is: nothing was written.
    #[error("meter cannot be asked: {0}; nothing was written")]
    Unreachable(String),
    /// It was read back where it was.
    #[error("relay did not move")]
    NotMoved,
    /// It reads off, and current flows: `relay_welded`.
    #[error("relay reads off, yet {0} mA flow")]
    Welded(i64),
    /// The write was sent and the relay could not be read back.
    #[error("write was sent and the relay cannot be read back: {0}")]
    Unknown(String),
}

/// Moves relays. See the contract at the head of this module.
pub trait SupplySwitch: Send {
    /// Whether a bus here has this meter.
    fn has(&self, meter: &MeterId) -> bool;

    /// Hands an order over; its outcome comes when the bus has had its turn.
    fn switch(&self, order: SwitchOrder) -> Pending;
}

/// An outcome that is to come.
#[derive(Debug)]
pub struct Pending(pub(super) Receiver<Outcome>);

impl Pending {
    /// The outcome, if it is there within this time.
    pub fn wait(&self, patience: Duration) -> Option<Outcome> {
        self.0.recv_timeout(patience).ok()
    }
}
