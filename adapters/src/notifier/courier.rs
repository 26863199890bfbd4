//! From an outbox to an endpoint: a thread that sends the oldest, and nothing after it before it was taken.

use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use domain::event::AlarmKind;

use super::{Notice, Notifier, NotifierError, Outbox};

/// What takes a notice to its endpoint, and returns when it was taken there; a text says why it was not.
pub trait Carrier: Send + 'static {
    /// Carries one.
    fn carry(&mut self, notice: &Notice) -> Result<(), String>;
}

/// How soon an endpoint is asked again: each time twice as late, up to the longest.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// After the first failure.
    pub first: Duration,
    /// At most.
    pub longest: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self { first: Duration::from_secs(1), longest: Duration::from_secs(300) }
    }
}

/// How an endpoint does.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct State {
    /// Notices that wait.
    pub waiting: u64,
    /// How often the first of them was tried in vain.
    pub failures: u32,
    /// Why, the last time.
    pub error: Option<String>,
}

/// A notifier with its outbox and its thread.
#[derive(Debug)]
pub struct Courier {
    name: String,
    kinds: Vec<AlarmKind>,
    outbox: Outbox,
    wake: Option<Sender<()>>,
    state: Arc<Mutex<State>>,
    thread: Option<JoinHandle<()>>,
}

impl Courier {
    /// Opens the outbox and starts to deliver; without kinds it wants all.
    pub fn start(
        name: &str,
        kinds: Vec<AlarmKind>,
        outbox: &Path,
        pace: Pace,
        carrier: impl Carrier,
    ) -> Result<Self, NotifierError> {
        let (wake, woken) = channel();
        let state = Arc::new(Mutex::new(State::default()));
        let own = Outbox::open(outbox)?;
        let mut round = Round { outbox: Outbox::open(outbox)?, carrier, pace, woken, state: Arc::clone(&state) };
        let named = std::thread::Builder::new().name(format!("notify {name}"));
        let thread = named.spawn(move || round.run()).map_err(NotifierError::Thread)?;
        Ok(Self { name: name.to_owned(), kinds, outbox: own, wake: Some(wake), state, thread: Some(thread) })
    }
}

impl Notifier for Courier {
    fn name(&self) -> &str {
        &self.name
    }

    fn wants(&self, kind: AlarmKind) -> bool {
        self.kinds.is_empty() || self.kinds.contains(&kind)
    }

    fn offer(&mut self, notice: &Notice) -> Result<(), NotifierError> {
        self.outbox.keep(notice)?;
        if let Some(wake) = &self.wake {
            // A thread that ended has said so; the outbox has the notice for the next.
            wake.send(()).unwrap_or_default();
        }
        Ok(())
    }

    fn offered_to(&mut self) -> Result<Option<u64>, NotifierError> {
        self.outbox.newest()
    }

    fn state(&self) -> State {
        let waiting = self.outbox.waiting().unwrap_or_default();
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        State { waiting, ..state.clone() }
    }
}

impl Drop for Courier {
    fn drop(&mut self) {
        self.wake.take();
        if let Some(thread) = self.thread.take() {
            // A thread that panicked has said so.
            thread.join().unwrap_or_default();
        }
    }
}

struct Round<C> {
    outbox: Outbox,
    carrier: C,
    pace: Pace,
    woken: Receiver<()>,
    state: Arc<Mutex<State>>,
}

impl<C: Carrier> Round<C> {
    fn run(&mut self) {
        let mut wait = self.pace.first;
        loop {
            match self.deliver() {
                Ok(true) => wait = self.pace.first,
                Ok(false) => match self.woken.recv() {
                    Ok(()) => while self.woken.try_recv().is_ok() {},
                    Err(_) => return,
                },
                Err(error) => {
                    self.tell(Some(error));
                    if self.is_ended_within(wait) {
                        return;
                    }
                    wait = wait.saturating_mul(2).min(self.pace.longest);
                }
            }
            // Whoever stops the service does not wait for all that is left.
            if self.is_ended_within(Duration::ZERO) {
                return;
            }
        }
    }

    /// Delivers the oldest; false where none waits.
    fn deliver(&mut self) -> Result<bool, String> {
        let Some(notice) = self.outbox.first().map_err(|error| error.to_string())? else { return Ok(false) };
        self.carrier.carry(&notice)?;
        self.outbox.forget(notice.position).map_err(|error| error.to_string())?;
        self.tell(None);
        Ok(true)
    }

    fn tell(&self, error: Option<String>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.failures = if error.is_some() { state.failures.saturating_add(1) } else { 0 };
        state.error = error;
    }

    /// Waits; a new notice does not make an endpoint that fails be asked any sooner.
    fn is_ended_within(&self, wait: Duration) -> bool {
        let until = Instant::now() + wait;
        loop {
            match self.woken.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(()) => {}
                Err(RecvTimeoutError::Timeout) => return false,
                Err(RecvTimeoutError::Disconnected) => return true,
            }
        }
    }
}
