//! Users, their roles and grants.

use domain::event::{AccountId, SiteId};
use domain::quantity::Instant;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::Identity;
use super::actor::{Actor, Grant, Scope};
use super::by::By;
use super::error::IdentityError;
use super::lockout;
use super::role::Role;
use super::secret::Secret;
use super::trail::{self, TrailKind};

/// A user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// The name: lower case, for ever.
    pub name: String,
    /// The role.
    pub role: Role,
    /// What is granted, sorted.
    pub grants: Vec<Grant>,
    /// Whether a password is set: without one only links sign in.
    pub has_password: bool,
    /// Whether neither sessions nor tokens are accepted.
    pub disabled: bool,
    /// When it was made.
    pub created: Instant,
}

impl User {
    /// How far the grants reach.
    pub fn scope(&self) -> Scope {
        match self.role {
            Role::Operator => Scope::all(),
            Role::Tenant | Role::Manager | Role::Auditor | Role::Finance => Scope::of(self.grants.clone()),
        }
    }

    /// The user as who asks, in a session.
    pub(super) fn actor(&self) -> Actor {
        Actor { user: self.name.clone(), role: self.role, scope: self.scope(), read_only: false, token: None }
    }
}

/// A name as it is kept.
pub(super) fn name(text: &str) -> Result<String, IdentityError> {
    let name = text.trim().to_ascii_lowercase();
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '-' | '_' | '@');
    if (1..=64).contains(&name.len()) && name.chars().all(fits) {
        Ok(name)
    } else {
        Err(IdentityError::BadName(text.to_owned()))
    }
}

/// A user by the kept name.
pub(super) fn find(connection: &Connection, name: &str) -> Result<Option<User>, IdentityError> {
    let row = connection
        .prepare_cached("SELECT role, password IS NOT NULL, disabled, created FROM user WHERE name = ?1")?
        .query_row([name], |row| Ok((row.get::<_, String>(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))
        .optional()?;
    let Some((role, has_password, disabled, created)) = row else { return Ok(None) };
    let role = Role::parse(&role).ok_or(IdentityError::Damaged("a user's role"))?;
    let mut query =
        connection.prepare_cached("SELECT site, account FROM scope WHERE user = ?1 ORDER BY site, account")?;
    let rows = query.query_map([name], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))?;
    let mut grants = Vec::new();
    for row in rows {
        let (site, account) = row?;
        let site = SiteId::try_new(&site).ok_or(IdentityError::Damaged("a grant's site"))?;
        let account = if account.is_empty() {
            None
        } else {
            Some(AccountId::try_new(&account).ok_or(IdentityError::Damaged("a grant's account"))?)
        };
        grants.push(Grant { site, account });
    }
    let created = Instant::new(created);
    Ok(Some(User { name: name.to_owned(), role, grants, has_password, disabled, created }))
}

/// The same, where it has to be there.
pub(super) fn known(connection: &Connection, text: &str) -> Result<User, IdentityError> {
    find(connection, &name(text)?)?.ok_or_else(|| IdentityError::NoUser(text.to_owned()))
}

fn check_grant(role: Role, grant: &Grant) -> Result<(), IdentityError> {
    let fits = match role {
        Role::Tenant => grant.account.is_some(),
        Role::Manager | Role::Auditor | Role::Finance => grant.account.is_none(),
        Role::Operator => false,
    };
    if fits { Ok(()) } else { Err(IdentityError::BadGrant { role }) }
}

fn give(connection: &Connection, user: &str, grant: &Grant) -> Result<(), IdentityError> {
    let account = grant.account.as_ref().map_or("", AccountId::as_str);
    connection.execute(
        "INSERT INTO scope (user, site, account) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
        params![user, grant.site.as_str(), account],
    )?;
    Ok(())
}

/// Ends what a user has open.
fn end_all(connection: &Connection, user: &str) -> Result<(), IdentityError> {
    connection.execute("DELETE FROM session WHERE user = ?1", [user])?;
    connection.execute("DELETE FROM link WHERE user = ?1", [user])?;
    Ok(())
}

fn last_operator(connection: &Connection, user: &User) -> Result<(), IdentityError> {
    let others: i64 = connection.query_row(
        "SELECT count(*) FROM user WHERE role = 'operator' AND NOT disabled AND name <> ?1",
        [&user.name],
        |row| row.get(0),
    )?;
    if user.role == Role::Operator && others == 0 {
        return Err(IdentityError::LastOperator(user.name.clone()));
    }
    Ok(())
}

impl Identity {
    /// Makes a user, without a password.
    pub fn user_add<'a>(
        &self,
        text_name: &str,
        role: Role,
        grants: &[Grant],
        by: impl Into<By<'a>>,
    ) -> Result<User, IdentityError> {
        let (name, by) = (name(text_name)?, by.into());
        grants.iter().try_for_each(|grant| check_grant(role, grant))?;
        self.change(|connection, now| {
            let (grants, created) = (grants.to_vec(), now);
            let user = User { name: name.clone(), role, grants, has_password: false, disabled: false, created };
            by.may_make(&name, &user)?;
            if find(connection, &name)?.is_some() {
                return Err(IdentityError::UserExists(name.clone()));
            }
            connection.execute(
                "INSERT INTO user (name, role, created) VALUES (?1, ?2, ?3)",
                params![name, role.as_str(), now.get()],
            )?;
            trail::changed(connection, now, (TrailKind::UserAdded, &name), by, role.as_str())?;
            for grant in &user.grants {
                give(connection, &name, grant)?;
                trail::changed(connection, now, (TrailKind::UserChanged, &name), by, &trail::granted(grant))?;
            }
            known(connection, &name)
        })
    }

    /// A user by name.
    pub fn user(&self, text: &str) -> Result<User, IdentityError> {
        self.with(|connection, _| known(connection, text))
    }

    /// All users by name.
    pub fn users(&self) -> Result<Vec<User>, IdentityError> {
        self.with(|connection, _| {
            let mut query = connection.prepare("SELECT name FROM user ORDER BY name")?;
            let names: Vec<String> = query.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
            names.iter().map(|name| known(connection, name)).collect()
        })
    }

    /// Grants a site or an account.
    pub fn grant<'a>(&self, user: &str, grant: &Grant, by: impl Into<By<'a>>) -> Result<(), IdentityError> {
        let by = by.into();
        self.change(|connection, now| {
            let user = known(connection, user)?;
            by.may_grant(&user, grant)?;
            check_grant(user.role, grant)?;
            give(connection, &user.name, grant)?;
            trail::changed(connection, now, (TrailKind::UserChanged, &user.name), by, &trail::granted(grant))
        })
    }

    /// Takes a grant back; sessions and tokens lose it at once.
    pub fn revoke<'a>(&self, user: &str, grant: &Grant, by: impl Into<By<'a>>) -> Result<(), IdentityError> {
        let by = by.into();
        self.change(|connection, now| {
            let user = known(connection, user)?;
            by.may_grant(&user, grant)?;
            by.may_strip(&user)?;
            let account = grant.account.as_ref().map_or("", AccountId::as_str);
            let gone = connection.execute(
                "DELETE FROM scope WHERE user = ?1 AND site = ?2 AND account = ?3",
                params![user.name, grant.site.as_str(), account],
            )?;
            if gone == 0 {
                return Err(IdentityError::NoGrant(user.name));
            }
            trail::changed(connection, now, (TrailKind::UserChanged, &user.name), by, &trail::revoked(grant))
        })
    }

    /// Shuts a user out, or lets it in again. Shut out, its sessions and links
    /// are gone and its tokens are refused.
    pub fn disable<'a>(&self, user: &str, disabled: bool, by: impl Into<By<'a>>) -> Result<(), IdentityError> {
        let by = by.into();
        self.change(|connection, now| {
            let user = known(connection, user)?;
            by.may_change(&user)?;
            if disabled {
                last_operator(connection, &user)?;
                end_all(connection, &user.name)?;
            }
            connection.execute("UPDATE user SET disabled = ?2 WHERE name = ?1", params![user.name, disabled])?;
            let what = if disabled { "shut out" } else { "let in" };
            trail::changed(connection, now, (TrailKind::UserChanged, &user.name), by, what)
        })
    }

    /// Forgets the failures for which a name waits: it may sign in at once.
    pub fn unlock<'a>(&self, user: &str, by: impl Into<By<'a>>) -> Result<(), IdentityError> {
        let by = by.into();
        self.change(|connection, now| {
            let user = known(connection, user)?;
            by.may_change(&user)?;
            lockout::forget(connection, &user.name)?;
            trail::changed(connection, now, (TrailKind::UserChanged, &user.name), by, "unlocked")
        })
    }

    /// Sets a password, and ends the user's sessions and links.
    pub fn password_set(&self, user: &str, password: &str, by: &str) -> Result<(), IdentityError> {
        let user = self.user(user)?;
        if !(10..=1024).contains(&password.len()) || password.to_lowercase() == user.name {
            return Err(IdentityError::BadPassword);
        }
        let hash = self.hashed(|| password_auth::generate_hash(password));
        self.change(|connection, now| {
            connection.execute("UPDATE user SET password = ?2 WHERE name = ?1", params![user.name, hash])?;
            end_all(connection, &user.name)?;
            trail::changed(connection, now, (TrailKind::PasswordSet, &user.name), By::Machine(by), "")
        })
    }

    /// Sets a password that is drawn, and gives it once.
    pub fn password_draw(&self, user: &str, by: &str) -> Result<Secret, IdentityError> {
        let password = Secret::password()?;
        self.password_set(user, password.expose(), by)?;
        Ok(password)
    }
}
