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
//! - A batch holds at most [`MAX_BATCH`] events; one that mixes known and new
//!   ids, or names an id twice, is refused whole.
//! - Positions are contiguous per site, from 1: the log refuses a hole.
//! - `read` gives events in order from a sequence on; `follow` goes on with
//!   those that are appended later, by this owner or another process.

mod bundle;
mod embedded;
pub mod jetstream;
mod memory;

use domain::event::{EventId, SiteId};

pub use bundle::{BundleError, BundleLog, BundleReader, BundleWriter, Part};
pub use embedded::{Durability, EmbeddedLog};
pub use jetstream::JetStreamLog;
pub use memory::MemoryLog;

/// The most events of one append: what a `JetStream` batch can hold.
pub const MAX_BATCH: usize = 1_000;

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

    /// The event of a site at a position, if it is there. In a log of one site this is one event read.
    fn at(&self, site: &SiteId, position: u64) -> Result<Option<Stored>, LogError> {
        let filter = Filter { site: Some(site.clone()), kind: None };
        // A site's position is no more than its sequence, and grows no faster.
        let mut after = Sequence(position.saturating_sub(1));
        loop {
            let Some(found) = self.read(after, &filter, 1)?.pop() else { return Ok(None) };
            match position.checked_sub(found.event.position) {
                Some(0) => return Ok(Some(found)),
                Some(left) => after = Sequence(found.sequence.0.saturating_add(left).saturating_sub(1)),
                None => return Ok(None),
            }
        }
    }

    /// The last sequence.
    fn head(&self) -> Result<Sequence, LogError>;

    /// A reader that goes on with events appended later.
    fn follow(&self, after: Sequence, filter: Filter) -> Result<Box<dyn Follow>, LogError>;
}

/// Whether a location is of a stream, and not of a file.
pub fn is_stream(location: &str) -> bool {
    location.starts_with("nats://") || location.starts_with("tls://")
}

/// Opens the log at `nats://host:port/STREAM`, or else in the file of that name.
pub fn open(location: &str) -> Result<Box<dyn EventLog>, LogError> {
    if is_stream(location) {
        return Ok(Box::new(JetStreamLog::open(&jetstream::Options::parse(location)?)?));
    }
    Ok(Box::new(EmbeddedLog::open(std::path::Path::new(location))?))
}

/// Opens the log or the bundle in a file that is there, for reading.
pub fn open_file(path: &std::path::Path) -> Result<Box<dyn EventLog>, LogError> {
    if BundleLog::is_one(path) {
        return Ok(Box::new(BundleLog::open(path)?));
    }
    Ok(Box::new(EmbeddedLog::open_read_only(path)?))
}

/// As `open`, of a log that is there, to read in it: nothing is made, and a stream is not read through first.
pub fn open_to_read(location: &str) -> Result<Box<dyn EventLog>, LogError> {
    if location.starts_with("nats://") {
        return Ok(Box::new(JetStreamLog::open_unread(&jetstream::Options::parse(location)?)?));
    }
    Ok(Box::new(EmbeddedLog::open_read_only(std::path::Path::new(location))?))
}

/// A reader that waits for events.
pub trait Follow: Send {
    /// The next event; `None` when none came within `patience`.
    fn next(&mut self, patience: std::time::Duration) -> Result<Option<Stored>, LogError>;
}

/// Why a log refused; in order of precedence.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// More than [`MAX_BATCH`] events at once.
    #[error("{0} events are more than the 1000 of a batch: append them in several")]
    TooMany(usize),
    /// An id that is in the log with other bytes.
    #[error("event id {0} is in the log already, with other bytes")]
    IdReused(EventId),
    /// Another owner appended: this one must stand down.
    #[error("log is at {}, not at {}: another owner has appended", actual.0, expected.0)]
    Conflict {
        /// What the caller expected.
        expected: Sequence,
        /// What is.
        actual: Sequence,
    },
    /// An id twice in a batch, or in the log while others of the batch are not.
    #[error("event id {0} is repeated in a batch of new events: leave out what is in the log already")]
    Repeated(EventId),
    /// A position that does not follow the site's last.
    #[error("position {position} of site {site} does not follow {last}")]
    Hole {
        /// The site.
        site: SiteId,
        /// The position that was asked for.
        position: u64,
        /// The site's last position.
        last: u64,
    },
    /// Written by a newer program.
    #[error("log format {0} is newer than this program: install the version that wrote it")]
    NewerFormat(i64),
    /// A file that is something else.
    #[error("{0} is not a log of this program: name another file")]
    NotALog(String),
    /// A bundle is what was taken out of a log.
    #[error("a bundle can only be read: name a log to append to")]
    ReadOnly,
    /// A bundle that cannot be read.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// What is stored cannot be an event.
    #[error("log is damaged at sequence {}: restore it from a backup", .0.0)]
    Damaged(Sequence),
    /// No room.
    #[error("disk is full, nothing of the batch is appended: free some space")]
    DiskFull,
    /// The file could not be read or written.
    #[error("log file could not be read or written")]
    File(#[from] rusqlite::Error),
    /// Not the address of a stream.
    #[error(
        "{0} does not name a stream: write nats://host:port/STREAM, with ?monitor=host:port where monitoring is not at 8222, and &user=NAME&password_file=FILE&ca_file=FILE where it is secured"
    )]
    Url(String),
    /// A server that acknowledges before it has synced.
    #[error("nats-server does not sync each write: set jetstream {{ sync_interval: always }} in its configuration")]
    Unsynced,
    /// A server without atomic batches.
    #[error("nats-server {0} has no atomic batches: install 2.12.3 or newer")]
    OldServer(String),
    /// No answer; what was sent may be in the log.
    #[error("log server gives no answer: start it, then append the same again")]
    Unreachable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The server refused.
    #[error("log server refused with {code}: {description}")]
    Server {
        /// Its error code.
        code: u64,
        /// Its words.
        description: String,
    },
    /// A number that does not fit.
    #[error("number is out of the range of a log")]
    Range(#[from] std::num::TryFromIntError),
}

impl Kind {
    /// Its number in a file.
    const fn code(self) -> i64 {
        match self {
            Self::Readings => 1,
            Self::Fact => 2,
            Self::Decision => 3,
        }
    }

    const fn of_code(code: i64) -> Option<Self> {
        match code {
            1 => Some(Self::Readings),
            2 => Some(Self::Fact),
            3 => Some(Self::Decision),
            _ => None,
        }
    }
}

impl Filter {
    /// Whether it lets this event through.
    pub fn admits(&self, event: &LogEvent) -> bool {
        self.site.as_ref().is_none_or(|site| *site == event.site) && self.kind.is_none_or(|kind| kind == event.kind)
    }
}

/// What a batch turns out to be, once nothing stands against it.
enum Verdict {
    /// All of it is in the log already, here.
    Known(Vec<Sequence>),
    /// None of it is.
    New,
}

/// The rules of `append`, the same for every adapter: `find` looks an id up,
/// `last` the last position of a site.
fn judge(
    expected: Sequence,
    actual: Sequence,
    events: &[LogEvent],
    mut find: impl FnMut(EventId) -> Result<Option<Stored>, LogError>,
    mut last: impl FnMut(&SiteId) -> Result<u64, LogError>,
) -> Result<Verdict, LogError> {
    if events.len() > MAX_BATCH {
        return Err(LogError::TooMany(events.len()));
    }
    let mut known = Vec::new();
    let mut known_id = None;
    for event in events {
        if let Some(stored) = find(event.id)? {
            if stored.event != *event {
                return Err(LogError::IdReused(event.id));
            }
            known.push(stored.sequence);
            known_id = Some(event.id);
        }
    }
    if known.len() == events.len() {
        return Ok(Verdict::Known(known));
    }
    if expected != actual {
        return Err(LogError::Conflict { expected, actual });
    }
    if let Some(id) = known_id {
        return Err(LogError::Repeated(id));
    }
    let mut ids = std::collections::BTreeSet::new();
    let mut lasts = std::collections::BTreeMap::new();
    for event in events {
        if !ids.insert(event.id) {
            return Err(LogError::Repeated(event.id));
        }
        let before = match lasts.get(&event.site) {
            Some(before) => *before,
            None => last(&event.site)?,
        };
        if before.checked_add(1) != Some(event.position) {
            return Err(LogError::Hole { site: event.site.clone(), position: event.position, last: before });
        }
        lasts.insert(event.site.clone(), event.position);
    }
    Ok(Verdict::New)
}
