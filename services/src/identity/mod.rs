//! Who may use the service: users with a role and grants, their sign-ins,
//! sessions, links and tokens. No HTTP here, and no event: the log says who
//! did something by the user's name, never by a secret.
//!
//! Reading order: `role` (the table), `actor` (how far grants reach), `by` (on whose
//! behalf users are changed), `user`, `member` (the users of a site), `sign_in` with
//! `lockout`, `session`, `link`, `token`, `trail`; `secret` is the one place that draws
//! random numbers, `store` the file.
//!
//! A call reads or writes a file and may wait for the disk, and a sign-in
//! hashes a password for a tenth of a second: call from a thread that may wait.

mod actor;
mod by;
mod command;
mod error;
mod link;
mod lockout;
mod member;
mod role;
mod secret;
mod session;
mod sign_in;
mod store;
#[cfg(test)]
mod tests;
mod token;
mod trail;
mod user;

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use adapters::clock::Clock;
use domain::quantity::Instant;
use rusqlite::{Connection, TransactionBehavior};

pub use actor::{Actor, Grant, Scope};
pub use by::By;
pub(crate) use command::FILE;
pub use command::{Args, run};
pub use error::{IdentityError, SignInError};
pub use member::{Care, Member};
pub use role::{Denied, Permission, Role};
pub use secret::Secret;
pub use session::{Session, SignedIn};
pub use token::{NewToken, Token};
pub use trail::{Trail, TrailKind};
pub use user::User;

/// How long things last, in seconds, and how many failures are borne.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// A session that is not used ends after this.
    pub idle: i64,
    /// A session ends after this, however much it is used.
    pub absolute: i64,
    /// A link's longest life.
    pub link: i64,
    /// A token's longest life.
    pub token: i64,
    /// So many failures of a name are borne; each one more locks it out, twice as long.
    pub failures_of_name: u32,
    /// The same of an address.
    pub failures_of_address: u32,
    /// The first lock-out.
    pub lock: i64,
    /// The longest lock-out.
    pub longest_lock: i64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            idle: 1_800,
            absolute: 43_200,
            link: 604_800,
            token: 31_622_400,
            failures_of_name: 5,
            failures_of_address: 20,
            lock: 30,
            longest_lock: 3_600,
        }
    }
}

struct Held {
    connection: Connection,
    clock: Box<dyn Clock>,
}

/// The users of this service and what they may do. Shared between threads.
pub struct Identity {
    held: Mutex<Held>,
    /// One password is hashed at a time: each takes 19 MiB and a tenth of a second.
    hashing: Mutex<()>,
    hashes: AtomicU64,
    limits: Limits,
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Identity").field("limits", &self.limits).finish_non_exhaustive()
    }
}

impl Identity {
    /// Opens the file, and makes it where there is none. The clock says what is
    /// expired: it is the machine's, even where a site's is fast-forwarded.
    pub fn open(path: &Path, clock: impl Clock + 'static) -> Result<Self, IdentityError> {
        Self::open_with(path, clock, Limits::default())
    }

    /// The same with other limits.
    pub fn open_with(path: &Path, clock: impl Clock + 'static, limits: Limits) -> Result<Self, IdentityError> {
        let held = Mutex::new(Held { connection: store::open(path)?, clock: Box::new(clock) });
        Ok(Self { held, hashing: Mutex::new(()), hashes: AtomicU64::new(0), limits })
    }

    /// The limits that are in force.
    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// How many passwords were hashed since the start: the work that sign-ins make.
    pub fn hashes(&self) -> u64 {
        self.hashes.load(Ordering::Relaxed)
    }

    /// The present instant, by which links and tokens expire.
    pub fn now(&self) -> Instant {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).clock.now()
    }

    /// Hashes, one at a time.
    fn hashed<T>(&self, hash: impl FnOnce() -> T) -> T {
        let _one = self.hashing.lock().unwrap_or_else(PoisonError::into_inner);
        self.hashes.fetch_add(1, Ordering::Relaxed);
        hash()
    }

    /// Reads.
    fn with<T, E: From<IdentityError>>(&self, f: impl FnOnce(&Connection, Instant) -> Result<T, E>) -> Result<T, E> {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        f(&held.connection, held.clock.now())
    }

    /// Changes, as a whole or not at all.
    fn change<T, E: From<IdentityError>>(&self, f: impl FnOnce(&Connection, Instant) -> Result<T, E>) -> Result<T, E> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let now = held.clock.now();
        let work =
            held.connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(IdentityError::from)?;
        let done = f(&work, now)?;
        work.commit().map_err(IdentityError::from)?;
        Ok(done)
    }
}
