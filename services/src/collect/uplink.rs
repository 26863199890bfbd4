//! Polls on their way: into the spool on this machine's disk, and from there
//! to the intake of the owner, in order, once.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use adapters::event_log::jetstream::Options;
use adapters::intake::{Intake, IntakeError, JetStreamIntake, Spool};

use super::source::rest;

/// Items of one turn.
const TURN: usize = 100;
/// How often an idle uplink looks.
const LOOK: Duration = Duration::from_millis(200);
/// The longest pause between two tries to reach the server.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// What an uplink has done so far.
#[derive(Debug, Default)]
pub struct Passed {
    items: AtomicU64,
    failures: AtomicU64,
}

impl Passed {
    /// Items that the server has acknowledged.
    pub fn items(&self) -> u64 {
        self.items.load(Ordering::SeqCst)
    }

    /// Tries that failed.
    pub fn failures(&self) -> u64 {
        self.failures.load(Ordering::SeqCst)
    }
}

/// Moves what waits in a spool to the server.
#[derive(Debug)]
pub struct Uplink {
    spool: PathBuf,
    server: Options,
    passed: Arc<Passed>,
}

impl Uplink {
    /// From this spool to this server.
    pub fn new(spool: &Path, server: Options) -> Self {
        Self { spool: spool.to_owned(), server, passed: Arc::default() }
    }

    /// What it has done so far.
    pub fn passed(&self) -> Arc<Passed> {
        Arc::clone(&self.passed)
    }

    /// Moves items until it is told to stop; a server that is away is tried again.
    pub fn run(&self, stop: &AtomicBool) {
        let mut pause = LOOK;
        while !stop.load(Ordering::SeqCst) {
            if self.session(stop, &mut pause).is_ok() {
                return;
            }
            self.passed.failures.fetch_add(1, Ordering::SeqCst);
            rest(pause, stop);
            pause = pause.saturating_mul(2).min(LONGEST_PAUSE);
        }
    }

    /// One connection, until it fails or the uplink is told to stop. What is
    /// not acknowledged in the spool is taken again by the next.
    fn session(&self, stop: &AtomicBool, pause: &mut Duration) -> Result<(), IntakeError> {
        let mut spool = Spool::open(&self.spool)?;
        let mut server = JetStreamIntake::open(&self.server)?;
        while !stop.load(Ordering::SeqCst) {
            let moved = forward(&mut spool, &mut server, TURN)?;
            *pause = LOOK;
            self.passed.items.fetch_add(moved, Ordering::SeqCst);
            if moved == 0 {
                rest(LOOK, stop);
            }
        }
        Ok(())
    }
}

/// Moves at most `limit` items from one intake to another; how many. An item
/// is forgotten here only when it is durable there.
pub fn forward(from: &mut dyn Intake, to: &mut dyn Intake, limit: usize) -> Result<u64, IntakeError> {
    let items = from.take(limit)?;
    let Some(last) = items.last().map(|item| item.place) else { return Ok(0) };
    let items: Vec<_> = items.into_iter().map(|item| (item.id, item.bytes)).collect();
    to.offer_all(&items)?;
    from.acknowledge(last)?;
    Ok(u64::try_from(items.len()).unwrap_or(u64::MAX))
}
