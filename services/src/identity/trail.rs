//! The trail: who signed in or failed to, and who changed users.

use std::net::IpAddr;

use domain::event::SiteId;
use domain::quantity::Instant;
use rusqlite::{Connection, params};

use super::Identity;
use super::actor::{Actor, Grant};
use super::by::By;
use super::error::IdentityError;
use super::role::Permission;

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

/// As `note`, for what somebody changed: the detail says who.
pub(super) fn changed(
    connection: &Connection,
    at: Instant,
    about: (TrailKind, &str),
    by: By<'_>,
    what: &str,
) -> Result<(), IdentityError> {
    let who = by.name();
    note(connection, at, about, None, &if what.is_empty() { format!("by {who}") } else { format!("by {who}: {what}") })
}

const GRANTED: &str = "granted ";
const REVOKED: &str = "revoked ";

fn place(grant: &Grant) -> String {
    grant.account.as_ref().map_or_else(|| grant.site.to_string(), |account| format!("{}/{account}", grant.site))
}

pub(super) fn granted(grant: &Grant) -> String {
    format!("{GRANTED}{}", place(grant))
}

pub(super) fn revoked(grant: &Grant) -> String {
    format!("{REVOKED}{}", place(grant))
}

impl Trail {
    /// Who did it, and what else is said.
    pub fn parts(&self) -> (&str, &str) {
        let rest = self.detail.strip_prefix("by ").unwrap_or_default();
        rest.split_once(": ").unwrap_or((rest, ""))
    }

    /// The place that was granted or taken back, if that is what happened.
    fn moved(&self) -> Option<&str> {
        let (_, what) = self.parts();
        what.strip_prefix(GRANTED).or_else(|| what.strip_prefix(REVOKED))
    }

    /// Whether a part of a site is all that it says where something is.
    fn is_within(&self, site: &SiteId) -> bool {
        let within = |place: &str| {
            place.strip_prefix(site.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        match self.kind {
            // An older row names the first grants as well.
            TrailKind::UserAdded => self.parts().1.split(' ').skip(1).all(within),
            _ => self.moved().is_none_or(within),
        }
    }
}

/// What people changed, and what came of sign-ins that failed too often.
const OF_PEOPLE: &str = "('user_added', 'user_changed', 'password_set', 'link_made', 'token_made', 'token_revoked', \
                         'locked_out', 'signed_out')";

fn rows(
    connection: &Connection,
    condition: &str,
    values: &[&dyn rusqlite::ToSql],
) -> Result<Vec<Trail>, IdentityError> {
    let sql = format!("SELECT at, kind, user, address, detail FROM trail {condition}");
    let mut query = connection.prepare_cached(&sql)?;
    let rows = query.query_map(values, |row| {
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
}

impl Identity {
    /// The last rows of the trail, newest first.
    pub fn trail(&self, limit: u32) -> Result<Vec<Trail>, IdentityError> {
        self.with(|connection, _| rows(connection, "ORDER BY number DESC LIMIT ?1", &[&limit]))
    }

    /// What was changed of some users of a site, newest first, as somebody may see it who looks after that site. Of a
    /// user who is or was elsewhere too, only what was granted and taken back here.
    pub fn trail_of(
        &self,
        actor: &Actor,
        site: &SiteId,
        users: &[&str],
        limit: usize,
    ) -> Result<Vec<Trail>, IdentityError> {
        actor.may(Permission::InviteTenants, site, None)?;
        let mut all = self.with(|connection, _| {
            let mut all = Vec::new();
            for user in users {
                let condition = format!("WHERE user = ?1 AND kind IN {OF_PEOPLE} ORDER BY number DESC");
                let mut of_user: Vec<Trail> = rows(connection, &condition, &[user])?;
                // Signing oneself out is nobody else's change.
                of_user.retain(|row| row.kind != TrailKind::SignedOut || !row.detail.is_empty());
                if !of_user.iter().all(|row| row.is_within(site)) {
                    of_user.retain(|row| row.moved().is_some() && row.is_within(site));
                }
                all.extend(of_user.into_iter().take(limit));
            }
            Ok::<_, IdentityError>(all)
        })?;
        all.sort_by_key(|row| std::cmp::Reverse(row.at));
        all.truncate(limit);
        Ok(all)
    }
}
