//! Sessions: opened by a sign-in, ended by sign-out, idleness or age.

use domain::quantity::Instant;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::actor::Actor;
use super::by::By;
use super::error::IdentityError;
use super::secret::{self, Secret};
use super::trail::{self, TrailKind};
use super::user::{self, User};
use super::{Identity, Limits};

/// How often it is written that a session was used, in seconds.
const NOTED: i64 = 60;

/// A session that is open.
#[derive(Clone, PartialEq, Eq)]
pub struct Session {
    /// Who asks.
    pub actor: Actor,
    /// When it ends at the latest.
    pub ends: Instant,
    cookie: String,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session").field("actor", &self.actor).field("ends", &self.ends).finish_non_exhaustive()
    }
}

impl Session {
    /// What the session's forms have to carry.
    pub fn csrf(&self) -> String {
        secret::csrf(&self.cookie)
    }

    /// Whether a form carries it.
    pub fn accepts(&self, csrf: &str) -> bool {
        secret::same_csrf(&self.cookie, csrf)
    }
}

/// A session that was opened now, with the cookie that opens it again.
#[derive(Debug, Clone)]
pub struct SignedIn {
    /// The cookie: given once. `HttpOnly`, `Secure`, `SameSite`.
    pub cookie: Secret,
    /// The session.
    pub session: Session,
}

pub(super) fn open(
    connection: &Connection,
    now: Instant,
    user: &User,
    limits: Limits,
) -> Result<SignedIn, IdentityError> {
    let idle = now.get().saturating_sub(limits.idle);
    let old = now.get().saturating_sub(limits.absolute);
    connection.execute("DELETE FROM session WHERE seen <= ?1 OR created <= ?2", [idle, old])?;
    let cookie = Secret::draw("tws_")?;
    connection.execute(
        "INSERT INTO session (hash, user, created, seen) VALUES (?1, ?2, ?3, ?3)",
        params![cookie.hash(), user.name, now.get()],
    )?;
    let session = Session {
        actor: user.actor(),
        ends: Instant::new(now.get().saturating_add(limits.absolute)),
        cookie: cookie.expose().to_owned(),
    };
    Ok(SignedIn { cookie, session })
}

impl Identity {
    /// The open session of a cookie, with the user's role and grants of now.
    pub fn session(&self, cookie: &str) -> Result<Option<Session>, IdentityError> {
        let hash = secret::hash(cookie);
        self.with(|connection, now| {
            let row: Option<(String, i64, i64)> = connection
                .prepare_cached("SELECT user, created, seen FROM session WHERE hash = ?1")?
                .query_row([hash], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
                .optional()?;
            let Some((name, created, seen)) = row else { return Ok(None) };
            let idle = now.get().saturating_sub(seen);
            let ends = created.saturating_add(self.limits.absolute);
            if idle >= self.limits.idle || now.get() >= ends {
                return Ok(None);
            }
            let Some(user) = user::find(connection, &name)?.filter(|user| !user.disabled) else { return Ok(None) };
            if idle >= NOTED {
                connection.execute("UPDATE session SET seen = ?2 WHERE hash = ?1", params![hash, now.get()])?;
            }
            Ok(Some(Session { actor: user.actor(), ends: Instant::new(ends), cookie: cookie.to_owned() }))
        })
    }

    /// Ends a session; one that is not open is none the worse.
    pub fn sign_out(&self, cookie: &str) -> Result<(), IdentityError> {
        let hash = secret::hash(cookie);
        self.change(|connection, now| {
            let name: Option<String> = connection
                .query_row("DELETE FROM session WHERE hash = ?1 RETURNING user", [hash], |row| row.get(0))
                .optional()?;
            match name {
                Some(name) => trail::note(connection, now, (TrailKind::SignedOut, &name), None, ""),
                None => Ok(()),
            }
        })
    }

    /// Ends all sessions of a user.
    pub fn sign_out_all<'a>(&self, user: &str, by: impl Into<By<'a>>) -> Result<(), IdentityError> {
        let by = by.into();
        self.change(|connection, now| {
            let user = user::known(connection, user)?;
            by.may_change_or_is(&user)?;
            connection.execute("DELETE FROM session WHERE user = ?1", [&user.name])?;
            trail::changed(connection, now, (TrailKind::SignedOut, &user.name), by, "everywhere")
        })
    }
}
