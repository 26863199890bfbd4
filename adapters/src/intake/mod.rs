//! What comes in before the log: durable, in order, until the owner has appended it.
//!
//! # Contract
//!
//! - `offer` is durable when it returns (but in memory). An id that is waiting already, with
//!   the same bytes, is a success and waits once; with other bytes it is
//!   [`IntakeError::IdReused`]. Any number of processes offer.
//! - `take` gives what waits, oldest first; each item once from one opened
//!   intake. The one taker is the owner of the shard.
//! - `acknowledge` forgets items for good, so the owner calls it after its
//!   append. What is not acknowledged is given again after the intake is
//!   opened anew.
//! - An id is forgotten with its item: offered again later it is given again.
//!   The log knows ids for ever, so it is appended once all the same; an owner
//!   leaves out what its log has already.
//!
//! What the bytes of an item say is an [`Arrival`].

mod arrival;
mod jetstream;
mod memory;
mod spool;

use domain::event::EventId;

use crate::event_log::LogError;

pub use arrival::{Arrival, ArrivalError, Fact, Poll, PolledMeter};
pub use jetstream::JetStreamIntake;
pub use memory::MemoryIntake;
pub use spool::Spool;

/// The most bytes of an item.
pub const MAX_BYTES: usize = 512 * 1_024;

/// The number of an item in its intake, rising; 0 is before the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Place(pub u64);

/// What was offered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Where it stands; to acknowledge it and all before it.
    pub place: Place,
    /// Its id.
    pub id: EventId,
    /// What was offered, untouched.
    pub bytes: Vec<u8>,
}

/// An intake. See the contract at the head of this module.
pub trait Intake: Send {
    /// Keeps an item, durably, once while it waits.
    fn offer(&mut self, id: EventId, bytes: &[u8]) -> Result<(), IntakeError>;

    /// Keeps items in their order, durably. Where one is refused, those before it may be kept: offer what is right again.
    fn offer_all(&mut self, items: &[(EventId, Vec<u8>)]) -> Result<(), IntakeError> {
        items.iter().try_for_each(|(id, bytes)| self.offer(*id, bytes))
    }

    /// At most `limit` items that were not yet given, oldest first.
    fn take(&mut self, limit: usize) -> Result<Vec<Item>, IntakeError>;

    /// Forgets everything up to a place that was given.
    fn acknowledge(&mut self, up_to: Place) -> Result<(), IntakeError>;
}

/// Why an intake refused.
#[derive(Debug, thiserror::Error)]
pub enum IntakeError {
    /// More than [`MAX_BYTES`].
    #[error("item has {0} bytes, more than the 524288 of an intake: offer it in parts")]
    TooLarge(usize),
    /// An id that waits with other bytes.
    #[error("id {0} is waiting already, with other bytes")]
    IdReused(EventId),
    /// What nobody was given cannot have been appended.
    #[error("place {} was not given yet: acknowledge what was taken", .0.0)]
    NotTaken(Place),
    /// Written by a newer program.
    #[error("spool format {0} is newer than this program: install the version that wrote it")]
    NewerFormat(i64),
    /// A file that is something else.
    #[error("{0} is not a spool of this program: name another file")]
    NotASpool(String),
    /// What is stored cannot be an item.
    #[error("intake is damaged at place {}", .0.0)]
    Damaged(Place),
    /// No room.
    #[error("disk is full, the item is not kept: free some space")]
    DiskFull,
    /// The file could not be read or written.
    #[error("spool file could not be read or written")]
    File(#[from] rusqlite::Error),
    /// The server refused or gave no answer.
    #[error("stream of the intake could not be used")]
    Server(#[from] LogError),
    /// A number that does not fit.
    #[error("number is out of the range of an intake")]
    Range(#[from] std::num::TryFromIntError),
}

/// The rules that need no look at what is stored.
const fn check_size(bytes: &[u8]) -> Result<(), IntakeError> {
    if bytes.len() > MAX_BYTES { Err(IntakeError::TooLarge(bytes.len())) } else { Ok(()) }
}

fn check_taken(up_to: Place, taken: Place) -> Result<(), IntakeError> {
    if up_to > taken { Err(IntakeError::NotTaken(up_to)) } else { Ok(()) }
}
