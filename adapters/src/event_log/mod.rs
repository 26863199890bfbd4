//! The log of a shard: one order of events, appended to by one owner.
//!
//! # Contract
//!
//! - Events are opaque bytes here, with the few fields that a log needs.
//! - `append` is all or nothing and durable when it returns. It expects the
//!   shard's last sequence: with another one it answers [`LogError::Conflict`],
//!   and that owner stands down (it is fenced).
//! - An id is given once, for ever: events whose ids are all in the log
//!   already, with the same bytes, are a success with their first sequences,
//!   whatever `expected` says. The same id with other bytes is
//!   [`LogError::IdReused`], and nothing of the batch is appended.
//! - Positions are contiguous per site, from 1: the log refuses a hole.
//! - `read` gives events in order from a sequence on; `follow` goes on with
//!   those that are appended later, by this owner or another process.

use domain::event::{EventId, SiteId};

/// An event in a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogEvent {
    /// The site in whose order it stands.
    pub site: SiteId,
    /// Its contiguous number in its site, from 1.
    pub position: u64,
    /// Its id, for ever.
    pub id: EventId,
    /// Readings, fact or decision.
    pub kind: Kind,
    /// What is hashed and stored.
    pub bytes: Vec<u8>,
}

/// What kind of event it is; the last token of its subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "they are the words of DESIGN §2")]
pub enum Kind {
    Readings,
    Fact,
    Decision,
}

/// The shard's number of an event, from 1, in order; 0 is before the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Sequence(pub u64);

/// Which events a reader wants: all by default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only this site's.
    pub site: Option<SiteId>,
    /// Only this kind's.
    pub kind: Option<Kind>,
}

/// An event with its sequence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// The shard's number of it.
    pub sequence: Sequence,
    /// The event.
    pub event: LogEvent,
}

/// The log of a shard. See the contract at the head of this module.
pub trait EventLog: Send {
    /// Appends all of `events` or none, durably; the sequences they have.
    fn append(&mut self, expected: Sequence, events: &[LogEvent]) -> Result<Vec<Sequence>, LogError>;

    /// At most `limit` events after sequence `after`, in order.
    fn read(&self, after: Sequence, filter: &Filter, limit: usize) -> Result<Vec<Stored>, LogError>;

    /// The last sequence.
    fn head(&self) -> Result<Sequence, LogError>;

    /// A reader that goes on with events appended later.
    fn follow(&self, after: Sequence, filter: Filter) -> Result<Box<dyn Follow>, LogError>;
}

/// A reader that waits for events.
pub trait Follow: Send {
    /// The next event; `None` when none came within `patience`.
    fn next(&mut self, patience: std::time::Duration) -> Result<Option<Stored>, LogError>;
}

/// Why a log refused.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// Another owner appended: this one must stand down.
    #[error("log is at {actual:?}, not at {expected:?}: another owner has appended")]
    Conflict {
        /// What the caller expected.
        expected: Sequence,
        /// What is.
        actual: Sequence,
    },
    /// An id that is in the log with other bytes.
    #[error("event id {0} is in the log already, with other bytes")]
    IdReused(EventId),
}
