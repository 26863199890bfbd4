//! The owner's clock: what `received` is taken from.
//!
//! # Contract
//!
//! - `now` is the present instant in whole seconds. It may jump: an owner never
//!   lets `received` go back, whatever its clock says.
//! - `until` is how long a machine waits for an instant; the waiter looks again
//!   when it is over, and sooner if it must hear of something else.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use domain::quantity::Instant;

/// A clock. See the contract at the head of this module.
pub trait Clock: Send {
    /// The present instant.
    fn now(&self) -> Instant;

    /// How long it takes until an instant: nothing if it is past.
    fn until(&self, at: Instant) -> Duration {
        Duration::from_secs(u64::try_from(at.since(self.now())).unwrap_or(0))
    }
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Instant {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Instant::new(i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
    }
}

/// A clock that is told what time it is: by a site folder, a simulation, a
/// test. Its clones are the same clock.
#[derive(Debug, Clone, Default)]
pub struct GivenClock(Arc<AtomicI64>);

impl GivenClock {
    /// A clock at this instant.
    pub fn new(at: Instant) -> Self {
        Self(Arc::new(AtomicI64::new(at.get())))
    }

    /// Sets it.
    pub fn set(&self, at: Instant) {
        self.0.store(at.get(), Ordering::SeqCst);
    }
}

impl Clock for GivenClock {
    fn now(&self) -> Instant {
        Instant::new(self.0.load(Ordering::SeqCst))
    }
}

/// A clock that runs faster than the machine's, for a building that is shown in fast motion. Its clones are the same clock.
#[derive(Debug, Clone)]
pub struct FastClock {
    /// An instant, and when it was that.
    set: Arc<Mutex<(Instant, std::time::Instant)>>,
    day: Duration,
}

const DAY_S: u32 = 86_400;

impl FastClock {
    /// A clock that is at `start` now, and whose day takes so long.
    pub fn new(start: Instant, day: Duration) -> Self {
        let set = Arc::new(Mutex::new((start, std::time::Instant::now())));
        Self { set, day: day.max(Duration::from_millis(1)) }
    }

    /// Goes on from this instant where it is past it: time waits for those who cannot keep up.
    pub fn hold(&self, limit: Instant) {
        if self.now() > limit {
            *self.set.lock().unwrap_or_else(PoisonError::into_inner) = (limit, std::time::Instant::now());
        }
    }
}

impl Clock for FastClock {
    fn now(&self) -> Instant {
        let (start, began) = *self.set.lock().unwrap_or_else(PoisonError::into_inner);
        let passed = began.elapsed().as_nanos().saturating_mul(DAY_S.into());
        let seconds = passed.checked_div(self.day.as_nanos()).unwrap_or(0);
        start.plus(i64::try_from(seconds).unwrap_or(i64::MAX))
    }

    fn until(&self, at: Instant) -> Duration {
        let seconds = u32::try_from(at.since(self.now()).max(0)).unwrap_or(u32::MAX);
        self.day.checked_div(DAY_S).unwrap_or_default().saturating_mul(seconds)
    }
}

/// One clock for several parts of a program.
#[derive(Clone)]
pub struct SharedClock(Arc<dyn Clock + Sync>);

impl SharedClock {
    /// Shares a clock.
    pub fn new(clock: impl Clock + Sync + 'static) -> Self {
        Self(Arc::new(clock))
    }
}

impl std::fmt::Debug for SharedClock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("SharedClock").field(&self.now()).finish()
    }
}

impl Clock for SharedClock {
    fn now(&self) -> Instant {
        self.0.now()
    }

    fn until(&self, at: Instant) -> Duration {
        self.0.until(at)
    }
}
