//! Who is told of alarms: a notice goes to an outbox on disk, and from there, on a thread of its own, to its endpoint.
//!
//! # Contract
//!
//! - `offer` is durable when it returns; a notice that was offered before is a success, and is not sent for it again.
//! - `offered_to` is the position of the newest notice that was ever offered, also after a restart: whoever offers goes on there.
//! - A notice is delivered at least once, under one id for ever, and after all that were offered before it. An endpoint that
//!   does not take one is asked again, later and later, at most every five minutes, until it does.

mod config;
mod courier;
mod nats;
mod outbox;
mod webhook;

use domain::event::{AlarmKind, EventId};

pub use config::{Notify, NotifyConfigError};
pub use courier::{Carrier, Courier, Pace, State};
pub use nats::NatsCarrier;
pub use outbox::Outbox;
pub use webhook::WebhookCarrier;

/// What somebody is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// Its id for ever: that of the event.
    pub id: EventId,
    /// The event's position.
    pub position: u64,
    /// What it is about.
    pub kind: AlarmKind,
    /// JSON: `type`, `timestamp`, `data`.
    pub body: String,
}

/// Somebody who is told. See the contract at the head of this module.
pub trait Notifier: Send {
    /// Its name in the configuration.
    fn name(&self) -> &str;

    /// Whether it wants to hear of a kind.
    fn wants(&self, kind: AlarmKind) -> bool;

    /// Keeps a notice, durably, until it is delivered.
    fn offer(&mut self, notice: &Notice) -> Result<(), NotifierError>;

    /// The position of the newest notice that was offered; none where there was none.
    fn offered_to(&mut self) -> Result<Option<u64>, NotifierError>;

    /// How many wait, and why the first of them does.
    fn state(&self) -> State;
}

/// Why a notice was not kept.
#[derive(Debug, thiserror::Error)]
pub enum NotifierError {
    /// A file that is something else, or newer.
    #[error("{0} is not an outbox of this program: name another folder")]
    NotAnOutbox(String),
    /// The file could not be read or written.
    #[error("outbox could not be read or written")]
    File(#[from] rusqlite::Error),
    /// A number that does not fit.
    #[error("number is out of the range of an outbox")]
    Range(#[from] std::num::TryFromIntError),
    /// No thread.
    #[error("the courier's thread could not be started")]
    Thread(#[source] std::io::Error),
}
