//! Signing in by name and password.

use std::net::IpAddr;
use std::sync::OnceLock;

use domain::quantity::Instant;
use rusqlite::{Connection, OptionalExtension as _};

use super::error::SignInError;
use super::lockout::{self, Counted};
use super::session::{self, SignedIn};
use super::trail::{self, TrailKind};
use super::{Identity, user};

/// What an unknown name is checked against, so that it takes as long as a known one.
fn nobody() -> &'static str {
    static HASH: OnceLock<String> = OnceLock::new();
    HASH.get_or_init(|| password_auth::generate_hash("the password of nobody"))
}

impl Identity {
    /// Opens a session. Wrong names and wrong passwords are answered alike and
    /// after the same work.
    pub fn sign_in(&self, text: &str, password: &str, address: IpAddr) -> Result<SignedIn, SignInError> {
        let name = user::name(text).unwrap_or_else(|_| text.chars().take(64).collect());
        let stored = match self.change(|connection, now| self.begin(connection, now, &name, address))? {
            Ok(stored) => stored,
            Err(until) => return Err(SignInError::LockedOut { until }),
        };
        let known = stored.is_some();
        // Nobody's password is longer, and hashing takes longer the longer it is.
        let given = password.get(..1024).unwrap_or(password);
        let hash = stored.as_deref().unwrap_or(nobody());
        let right = self.hashed(|| password_auth::verify_password(given, hash).is_ok()) && password.len() <= 1024;
        self.change(|connection, now| {
            let user = if right && known { user::find(connection, &name)? } else { None };
            // The password may have been changed or the user shut out meanwhile.
            let user = user.filter(|user| !user.disabled);
            let unchanged = password_of(connection, &name)? == stored;
            let Some(user) = user.filter(|_| unchanged) else {
                trail::note(connection, now, (TrailKind::Refused, &name), Some(address), "password")?;
                return Ok(Err(SignInError::Refused));
            };
            lockout::forget(connection, &name)?;
            lockout::take_back(connection, address)?;
            trail::note(connection, now, (TrailKind::SignedIn, &name), Some(address), "")?;
            session::open(connection, now, &user, self.limits).map(Ok)
        })
        .map_err(SignInError::Failed)?
    }

    /// Counts the attempt, and gives the password's hash; the inner error is a lock-out.
    fn begin(
        &self,
        connection: &Connection,
        now: Instant,
        name: &str,
        address: IpAddr,
    ) -> Result<Result<Option<String>, Instant>, SignInError> {
        let (of_address, of_name) = (lockout::of_address(address), lockout::of_name(name));
        // The address first: one that is locked out cannot lock names out.
        let subjects = [(&of_address, self.limits.failures_of_address), (&of_name, self.limits.failures_of_name)];
        for (subject, borne) in subjects {
            match lockout::count(connection, now, (subject, borne), self.limits)? {
                Counted::Open => {}
                Counted::Last => trail::note(connection, now, (TrailKind::LockedOut, name), Some(address), subject)?,
                Counted::Locked(until) => return Ok(Err(until)),
            }
        }
        Ok(Ok(password_of(connection, name)?))
    }
}

fn password_of(connection: &Connection, name: &str) -> Result<Option<String>, rusqlite::Error> {
    let mut query = connection.prepare_cached("SELECT password FROM user WHERE name = ?1 AND NOT disabled")?;
    Ok(query.query_row([name], |row| row.get::<_, Option<String>>(0)).optional()?.flatten())
}
