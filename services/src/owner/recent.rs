//! The rows of the last day, by what they say: a poll that comes in twice is recorded once.

use std::collections::{HashSet, VecDeque};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use domain::event::ReadingRow;
use domain::quantity::Instant;

/// A poll sent again later than this is recorded again; its rows are duplicates then, which have no effect (BILLING §3).
const WINDOW_S: i64 = 86_400;

/// Rows that were recorded lately.
#[derive(Debug, Default)]
pub(super) struct Recent {
    rows: HashSet<u64>,
    events: VecDeque<(Instant, Vec<u64>)>,
}

fn said(row: &ReadingRow) -> u64 {
    let mut hasher = DefaultHasher::new();
    row.meter.hash(&mut hasher);
    row.time.hash(&mut hasher);
    row.kwh.hash(&mut hasher);
    row.serial.hash(&mut hasher);
    row.device_time.hash(&mut hasher);
    row.place.hash(&mut hasher);
    hasher.finish()
}

impl Recent {
    /// Takes up the rows of an event, and forgets those of a day before.
    pub(super) fn record(&mut self, received: Instant, rows: impl Iterator<Item = ReadingRow>) {
        let rows: Vec<u64> = rows.map(|row| said(&row)).collect();
        self.rows.extend(&rows);
        self.events.push_back((received, rows));
        while self.events.front().is_some_and(|(at, _)| is_old(*at, received)) {
            let Some((_, old)) = self.events.pop_front() else { break };
            for row in old {
                self.rows.remove(&row);
            }
        }
    }

    /// Whether all of these rows were recorded.
    pub(super) fn knows(&self, mut rows: impl Iterator<Item = ReadingRow>) -> bool {
        rows.all(|row| self.rows.contains(&said(&row)))
    }
}

/// Whether what was received then is no longer recent.
pub(super) fn is_old(received: Instant, now: Instant) -> bool {
    now.since(received) > WINDOW_S
}
