//! The trail: who signed in or failed to, and who changed users.

use std::net::IpAddr;

use domain::quantity::Instant;
use rusqlite::{Connection, params};

use super::Identity;
use super::error::IdentityError;

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrailKind {
    /// By password.
    SignedIn,
    /// By link.
    LinkUsed,
    /// A wrong name, password or link.
    Refused,
    /// A name or address is locked out from here on.
    LockedOut,
    /// A session was ended.
    SignedOut,
    /// A user was made.
    UserAdded,
    /// A role, grant, or whether the user may sign in at all was changed.
    UserChanged,
    /// A password was set.
    PasswordSet,
    /// A link was made.
    LinkMade,
    /// A token was made.
    TokenMade,
    /// A token was revoked.
    TokenRevoked,
}

impl TrailKind {
    const ALL: [Self; 11] = [
        Self::SignedIn,
        Self::LinkUsed,
        Self::Refused,
        Self::LockedOut,
        Self::SignedOut,
        Self::UserAdded,
        Self::UserChanged,
        Self::PasswordSet,
        Self::LinkMade,
        Self::TokenMade,
        Self::TokenRevoked,
    ];

    /// Its word, as stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SignedIn => "signed_in",
            Self::LinkUsed => "link_used",
            Self::Refused => "refused",
            Self::LockedOut => "locked_out",
            Self::SignedOut => "signed_out",
            Self::UserAdded => "user_added",
            Self::UserChanged => "user_changed",
            Self::PasswordSet => "password_set",
            Self::LinkMade => "link_made",
            Self::TokenMade => "token_made",
            Self::TokenRevoked => "token_revoked",
        }
    }
}

/// A row of the trail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trail {
    /// When.
    pub at: Instant,
    /// What.
    pub kind: TrailKind,
    /// Whom it is about, as given: a name that failed may be no user's.
    pub user: String,
    /// From where; none on the machine itself.
    pub address: Option<IpAddr>,
    /// What else: a token's name, a grant, who did it.
    pub detail: String,
}

/// Rows older than this are forgotten.
const DAYS: i64 = 400;

pub(super) fn note(
    connection: &Connection,
    at: Instant,
    (kind, user): (TrailKind, &str),
    address: Option<IpAddr>,
    detail: &str,
) -> Result<(), IdentityError> {
    let address = address.map(|address| address.to_string()).unwrap_or_default();
    connection
        .prepare_cached("INSERT INTO trail (at, kind, user, address, detail) VALUES (?1, ?2, ?3, ?4, ?5)")?
        .execute(params![at.get(), kind.as_str(), user, address, detail])?;
    let oldest = at.get().saturating_sub(DAYS.saturating_mul(86_400));
    // The oldest have the smallest numbers: this touches no row that stays.
    connection
        .prepare_cached(
            "DELETE FROM trail WHERE number IN (SELECT number FROM trail ORDER BY number LIMIT 2) AND at < ?1",
        )?
        .execute([oldest])?;
    Ok(())
}

impl Identity {
    /// The last rows of the trail, newest first.
    pub fn trail(&self, limit: u32) -> Result<Vec<Trail>, IdentityError> {
        self.with(|connection, _| {
            let mut query = connection
                .prepare_cached("SELECT at, kind, user, address, detail FROM trail ORDER BY number DESC LIMIT ?1")?;
            let rows = query.query_map([limit], |row| {
                let (kind, address): (String, String) = (row.get(1)?, row.get(3)?);
                let kind = TrailKind::ALL.into_iter().find(|one| one.as_str() == kind);
                Ok(kind.map(|kind| (kind, address)).zip(Some((row.get(0)?, row.get(2)?, row.get(4)?))))
            })?;
            let mut trail = Vec::new();
            for row in rows {
                let ((kind, address), (at, user, detail)) = row?.ok_or(IdentityError::Damaged("a row of the trail"))?;
                trail.push(Trail { at: Instant::new(at), kind, user, address: address.parse().ok(), detail });
            }
            Ok(trail)
        })
    }
}
