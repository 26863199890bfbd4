//! The owner's clock: what `received` is taken from.
//!
//! # Contract
//!
//! - `now` is the present instant in whole seconds. It may jump: an owner never
//!   lets `received` go back, whatever its clock says.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use domain::quantity::Instant;

/// A clock. See the contract at the head of this module.
pub trait Clock: Send {
    /// The present instant.
    fn now(&self) -> Instant;
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
}
