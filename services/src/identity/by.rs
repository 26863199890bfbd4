//! On whose behalf users are changed. The command line and the pages call the same functions, and these ask here.

use super::actor::{Actor, Grant};
use super::error::IdentityError;
use super::role::Permission;
use super::user::User;

/// Who changes users, their grants, links and tokens.
#[derive(Debug, Clone, Copy)]
pub enum By<'a> {
    /// Whoever runs the program on its machine, by the name that is noted: nothing is denied.
    Machine(&'a str),
    /// Somebody who is signed in: gives no more than they have, and is told of nobody else.
    Actor(&'a Actor),
}

impl<'a> From<&'a str> for By<'a> {
    fn from(name: &'a str) -> Self {
        Self::Machine(name)
    }
}

impl<'a> From<&'a Actor> for By<'a> {
    fn from(actor: &'a Actor) -> Self {
        Self::Actor(actor)
    }
}

impl By<'_> {
    /// What the trail says.
    pub(super) fn name(&self) -> &str {
        match self {
            Self::Machine(name) => name,
            Self::Actor(actor) => &actor.user,
        }
    }

    /// Whether a user may be made with this role and these grants.
    pub(super) fn may_make(&self, name: &str, user: &User) -> Result<(), IdentityError> {
        let Self::Actor(actor) = self else { return Ok(()) };
        if actor.user == name {
            return Err(IdentityError::OwnUser(name.to_owned()));
        }
        Ok(actor.may_manage(user.role, &user.grants)?)
    }

    /// Whether all of a user may be changed: shut out, let in, unlocked, given a link. Nobody does so to himself.
    pub(super) fn may_change(&self, user: &User) -> Result<(), IdentityError> {
        self.sees(user)?;
        self.may_make(&user.name, user)
    }

    /// The same for what one may do to oneself as well: end sessions, make and revoke tokens. A token makes no token.
    pub(super) fn may_change_or_is(&self, user: &User) -> Result<(), IdentityError> {
        match self {
            Self::Actor(actor) if actor.user == user.name && actor.token.is_none() => Ok(()),
            Self::Machine(_) | Self::Actor(_) => self.may_change(user),
        }
    }

    /// Whether one grant may be given to a user, or taken from one: only that of all that the user has.
    pub(super) fn may_grant(&self, user: &User, grant: &Grant) -> Result<(), IdentityError> {
        let Self::Actor(actor) = self else { return Ok(()) };
        self.sees(user)?;
        if actor.user == user.name {
            return Err(IdentityError::OwnUser(user.name.clone()));
        }
        Ok(actor.may_manage(user.role, std::slice::from_ref(grant))?)
    }

    /// Whether the last grant of a user may be taken. Who is left with none is beyond those who look after a site.
    pub(super) fn may_strip(&self, user: &User) -> Result<(), IdentityError> {
        match self {
            Self::Actor(actor) if user.grants.len() <= 1 && actor.has(Permission::ManageUsers).is_err() => {
                Err(IdentityError::LastGrant(user.name.clone()))
            }
            Self::Machine(_) | Self::Actor(_) => Ok(()),
        }
    }

    /// A user of whom nothing is seen is answered as one who is not there.
    fn sees(&self, user: &User) -> Result<(), IdentityError> {
        let Self::Actor(actor) = self else { return Ok(()) };
        let seen = user.grants.iter().any(|grant| actor.scope.covers(grant));
        if seen || actor.user == user.name || actor.has(Permission::ManageUsers).is_ok() {
            return Ok(());
        }
        Err(IdentityError::NoUser(user.name.clone()))
    }
}
