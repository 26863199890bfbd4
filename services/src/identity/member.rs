//! The users of a site, as somebody sees them who looks after that site.

use domain::event::SiteId;
use domain::quantity::Instant;
use rusqlite::{Connection, OptionalExtension as _};

use super::Identity;
use super::actor::{Actor, Grant};
use super::by::By;
use super::error::IdentityError;
use super::lockout;
use super::role::{Permission, Role};
use super::user::{self, User};

/// How far who looks may change a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Care {
    /// All of the user.
    All,
    /// Only what is granted here: the user is of other places too, of which nothing is said.
    Here,
    /// Nothing.
    None,
}

/// A user of a site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The name.
    pub name: String,
    /// The role.
    pub role: Role,
    /// What is granted at this site.
    pub grants: Vec<Grant>,
    /// Whether neither sessions nor tokens are accepted.
    pub disabled: bool,
    /// Whether a password is set: without one only links sign in.
    pub has_password: bool,
    /// How far who looks may change the user.
    pub care: Care,
    /// Until when the name is locked out; none of a user who is elsewhere too.
    pub locked_until: Option<Instant>,
    /// The last sign-in that is known; none of a user who is elsewhere too.
    pub last_sign_in: Option<Instant>,
}

fn last_sign_in(connection: &Connection, name: &str) -> Result<Option<Instant>, IdentityError> {
    let mut query = connection.prepare_cached(
        "SELECT at FROM trail WHERE user = ?1 AND kind IN ('signed_in', 'link_used') ORDER BY number DESC LIMIT 1",
    )?;
    Ok(query.query_row([name], |row| row.get(0)).optional()?.map(Instant::new))
}

fn member(
    connection: &Connection,
    now: Instant,
    (actor, site): (&Actor, &SiteId),
    user: User,
) -> Result<Option<Member>, IdentityError> {
    let here = |grant: &&Grant| grant.site == *site && actor.scope.covers(grant);
    let grants: Vec<Grant> = user.grants.iter().filter(here).cloned().collect();
    if grants.is_empty() {
        return Ok(None);
    }
    // What is known of a name beyond its grants is of everywhere it is used.
    let known = user.grants.iter().all(|grant| actor.scope.covers(grant));
    let care = match By::Actor(actor).may_change(&user) {
        Ok(()) => Care::All,
        Err(_) if known => Care::None,
        Err(_) => Care::Here,
    };
    let locked_until = if known { lockout::until(connection, now, &user.name)? } else { None };
    let last_sign_in = if known { last_sign_in(connection, &user.name)? } else { None };
    let User { name, role, has_password, disabled, .. } = user;
    Ok(Some(Member { name, role, grants, disabled, has_password, care, locked_until, last_sign_in }))
}

impl Identity {
    /// The users of a site whose name or account has a text in it, by name; at most so many.
    pub fn members(&self, actor: &Actor, site: &SiteId, find: &str, most: usize) -> Result<Vec<Member>, IdentityError> {
        actor.may(Permission::InviteTenants, site, None)?;
        let find = find.to_lowercase();
        self.with(|connection, now| {
            let mut query =
                connection.prepare_cached("SELECT DISTINCT user FROM scope WHERE site = ?1 ORDER BY user")?;
            let names: Vec<String> = query.query_map([site.as_str()], |row| row.get(0))?.collect::<Result<_, _>>()?;
            let mut members = Vec::new();
            for name in names {
                if members.len() >= most {
                    break;
                }
                let found = member(connection, now, (actor, site), user::known(connection, &name)?)?;
                members.extend(found.filter(|member| member.has(&find)));
            }
            Ok(members)
        })
    }

    /// A user of a site; one who is not of it is as one who is not there.
    pub fn member(&self, actor: &Actor, site: &SiteId, name: &str) -> Result<Member, IdentityError> {
        actor.may(Permission::InviteTenants, site, None)?;
        self.with(|connection, now| {
            let found = user::find(connection, name)?;
            let found = found.map(|user| member(connection, now, (actor, site), user)).transpose()?.flatten();
            found.ok_or_else(|| IdentityError::NoUser(name.to_owned()))
        })
    }
}

impl Member {
    fn has(&self, text: &str) -> bool {
        let of = |grant: &Grant| grant.account.as_ref().is_some_and(|one| one.as_str().to_lowercase().contains(text));
        self.name.contains(text) || self.grants.iter().any(of)
    }
}
