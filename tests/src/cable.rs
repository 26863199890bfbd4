//! A log that can be out of reach for whoever appends to it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use adapters::event_log::{EmbeddedLog, EventLog, Filter, Follow, LogError, LogEvent, Sequence, Stored};

/// A log behind a cable that is cut while the flag is set.
pub struct Cable {
    log: EmbeddedLog,
    down: Arc<AtomicBool>,
}

impl Cable {
    /// A log, and what cuts its cable.
    pub fn new(log: EmbeddedLog, down: Arc<AtomicBool>) -> Self {
        Self { log, down }
    }
}

impl EventLog for Cable {
    fn append(&mut self, expected: Sequence, events: &[LogEvent]) -> Result<Vec<Sequence>, LogError> {
        if self.down.load(Ordering::SeqCst) { Err(LogError::DiskFull) } else { self.log.append(expected, events) }
    }

    fn read(&self, after: Sequence, filter: &Filter, limit: usize) -> Result<Vec<Stored>, LogError> {
        self.log.read(after, filter, limit)
    }

    fn follow(&self, after: Sequence, filter: Filter) -> Result<Box<dyn Follow>, LogError> {
        self.log.follow(after, filter)
    }

    fn head(&self) -> Result<Sequence, LogError> {
        self.log.head()
    }
}
