//! A log in memory, for tests. Its clones are the same log, so that two owners
//! and any readers can share it.

use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use domain::event::{EventId, SiteId};

use super::{EventLog, Filter, Follow, LogError, LogEvent, Sequence, Stored, Verdict, judge};

#[derive(Debug, Default)]
struct State {
    events: Vec<Stored>,
    ids: HashMap<EventId, usize>,
    lasts: HashMap<SiteId, u64>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    appended: Condvar,
}

/// A log in memory.
#[derive(Debug, Clone, Default)]
pub struct MemoryLog(Arc<Shared>);

impl MemoryLog {
    /// An empty log.
    pub fn new() -> Self {
        Self::default()
    }

    // A batch is written under one lock after every check, so a poisoned state is still whole.
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn head(&self) -> Sequence {
        self.events.last().map_or(Sequence(0), |stored| stored.sequence)
    }

    fn after(&self, after: Sequence) -> Result<&[Stored], LogError> {
        Ok(self.events.get(usize::try_from(after.0)?..).unwrap_or_default())
    }
}

impl EventLog for MemoryLog {
    fn append(&mut self, expected: Sequence, events: &[LogEvent]) -> Result<Vec<Sequence>, LogError> {
        let mut state = self.state();
        let verdict = judge(
            expected,
            state.head(),
            events,
            |id| Ok(state.ids.get(&id).and_then(|index| state.events.get(*index)).cloned()),
            |site| Ok(state.lasts.get(site).copied().unwrap_or(0)),
        )?;
        if let Verdict::Known(sequences) = verdict {
            return Ok(sequences);
        }
        let mut sequences = Vec::with_capacity(events.len());
        for event in events {
            let index = state.events.len();
            let sequence = Sequence(u64::try_from(index)?.saturating_add(1));
            state.ids.insert(event.id, index);
            state.lasts.insert(event.site.clone(), event.position);
            state.events.push(Stored { sequence, event: event.clone() });
            sequences.push(sequence);
        }
        self.0.appended.notify_all();
        Ok(sequences)
    }

    fn read(&self, after: Sequence, filter: &Filter, limit: usize) -> Result<Vec<Stored>, LogError> {
        let state = self.state();
        let wanted = state.after(after)?.iter().filter(|stored| filter.admits(&stored.event));
        Ok(wanted.take(limit).cloned().collect())
    }

    fn head(&self) -> Result<Sequence, LogError> {
        Ok(self.state().head())
    }

    fn follow(&self, after: Sequence, filter: Filter) -> Result<Box<dyn Follow>, LogError> {
        Ok(Box::new(Follower { log: self.clone(), after, filter }))
    }
}

struct Follower {
    log: MemoryLog,
    after: Sequence,
    filter: Filter,
}

impl Follow for Follower {
    fn next(&mut self, patience: Duration) -> Result<Option<Stored>, LogError> {
        let start = Instant::now();
        let mut state = self.log.state();
        loop {
            for stored in state.after(self.after)? {
                self.after = stored.sequence;
                if self.filter.admits(&stored.event) {
                    return Ok(Some(stored.clone()));
                }
            }
            let left = patience.saturating_sub(start.elapsed());
            if left.is_zero() {
                return Ok(None);
            }
            let waited = self.log.0.appended.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}
