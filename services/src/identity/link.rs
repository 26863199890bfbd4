//! Links that sign a user in once: for an invitation, or a lost password.

use std::net::IpAddr;

use rusqlite::{OptionalExtension as _, params};

use super::Identity;
use super::by::By;
use super::error::{IdentityError, SignInError};
use super::lockout::{self, Counted};
use super::secret::{self, Secret};
use super::session::{self, SignedIn};
use super::trail::{self, TrailKind};
use super::user;

impl Identity {
    /// Makes a link for a user that lasts some seconds. The secret goes into the
    /// link's fragment or path; it works once.
    pub fn link_create<'a>(&self, user: &str, seconds: i64, by: impl Into<By<'a>>) -> Result<Secret, IdentityError> {
        let by = by.into();
        if !(1..=self.limits.link).contains(&seconds) {
            return Err(IdentityError::BadExpiry { days: days(self.limits.link) });
        }
        let link = Secret::draw("twl_")?;
        self.change(|connection, now| {
            let user = user::known(connection, user)?;
            by.may_change(&user)?;
            connection.execute("DELETE FROM link WHERE expires <= ?1", [now.get()])?;
            connection.execute(
                "INSERT INTO link (hash, user, created, expires) VALUES (?1, ?2, ?3, ?4)",
                params![link.hash(), user.name, now.get(), now.get().saturating_add(seconds)],
            )?;
            trail::changed(connection, now, (TrailKind::LinkMade, &user.name), by, "")
        })?;
        Ok(link)
    }

    /// Uses a link up, and opens a session. Used, expired and unknown links are
    /// answered alike. A browser's preview must not use it: redeem on a button.
    pub fn link_redeem(&self, link: &str, address: IpAddr) -> Result<SignedIn, SignInError> {
        let hash = secret::hash(link);
        self.change(|connection, now| {
            let subject = lockout::of_address(address);
            let borne = self.limits.failures_of_address;
            if let Counted::Locked(until) = lockout::count(connection, now, (&subject, borne), self.limits)? {
                return Ok(Err(SignInError::LockedOut { until }));
            }
            let row: Option<(String, i64)> = connection
                .query_row("DELETE FROM link WHERE hash = ?1 RETURNING user, expires", [hash], |row| {
                    Ok((row.get(0)?, row.get(1)?))
                })
                .optional()?;
            let name = row.as_ref().map_or("", |(name, _)| name.as_str());
            let fresh = row.as_ref().is_some_and(|(_, expires)| *expires > now.get());
            let user = if fresh { user::find(connection, name)?.filter(|user| !user.disabled) } else { None };
            let Some(user) = user else {
                trail::note(connection, now, (TrailKind::Refused, name), Some(address), "link")?;
                return Ok(Err(SignInError::Refused));
            };
            lockout::take_back(connection, address)?;
            trail::note(connection, now, (TrailKind::LinkUsed, &user.name), Some(address), "")?;
            session::open(connection, now, &user, self.limits).map(Ok)
        })
        .map_err(SignInError::Failed)?
    }
}

pub(super) fn days(seconds: i64) -> i64 {
    seconds.checked_div_euclid(86_400).unwrap_or(0)
}
