//! What can go wrong with users, sign-ins and their file.

use domain::quantity::Instant;

use super::role::{Denied, Role};

/// Why users or their file could not be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// No such user.
    #[error("there is no user {0}")]
    NoUser(String),
    /// A name is taken.
    #[error("there is a user {0} already")]
    UserExists(String),
    /// A name that is none.
    #[error("{0:?} is no name: 1 to 64 of a-z, 0-9, dot, dash, underscore and @")]
    BadName(String),
    /// The grant does not fit the role.
    #[error("a {role} has {}", wanted(*.role))]
    BadGrant {
        /// The role.
        role: Role,
    },
    /// The grant is not there.
    #[error("{0} has no such grant")]
    NoGrant(String),
    /// A password that is too easily guessed.
    #[error("a password has 10 to 1024 bytes and is not the user's name")]
    BadPassword,
    /// A token asks for more than its user has.
    #[error("a token cannot do more than {0}, its user")]
    TokenTooWide(String),
    /// A token's name is taken.
    #[error("{user} has a token {name} already")]
    TokenExists {
        /// The user.
        user: String,
        /// The token.
        name: String,
    },
    /// No such token.
    #[error("{user} has no token {name}")]
    NoToken {
        /// The user.
        user: String,
        /// The token.
        name: String,
    },
    /// It would expire in the past, or too late.
    #[error("it has to expire after now, and within {days} days")]
    BadExpiry {
        /// The longest life.
        days: i64,
    },
    /// The last operator would be gone.
    #[error("{0} is the last operator who can sign in")]
    LastOperator(String),
    /// One may not do it to oneself.
    #[error("{0} asks: another person has to do it")]
    OwnUser(String),
    /// The user would be left with nothing.
    #[error("{0} has no other grant: shut the user out instead")]
    LastGrant(String),
    /// Who asks has no right to it.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// The machine gives no random numbers.
    #[error("the machine gives no random numbers")]
    NoRandomness,
    /// The file is another program's, or a newer version's.
    #[error("the file holds no identities of this version")]
    NotOurs,
    /// A row does not make sense.
    #[error("the file of identities is damaged: {0}")]
    Damaged(&'static str),
    /// The file cannot be made or protected.
    #[error("the file of identities cannot be opened")]
    Open(#[source] std::io::Error),
    /// The file cannot be read or written.
    #[error("the file of identities failed")]
    File(#[from] rusqlite::Error),
}

fn wanted(role: Role) -> &'static str {
    match role {
        Role::Tenant => "grants of accounts, each with its site",
        Role::Manager | Role::Auditor | Role::Finance => "grants of whole sites",
        Role::Operator => "all sites without a grant",
    }
}

/// Why nobody was signed in. What a visitor is told does not say whether the user is there.
#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    /// Wrong name or password, or a link that is used, expired or unknown.
    #[error("the name, password or link is wrong")]
    Refused,
    /// Too many failures of this name or address.
    #[error("too many failures: try again after {until}")]
    LockedOut {
        /// When it may be tried again.
        until: Instant,
    },
    /// The file failed.
    #[error("nobody can sign in")]
    Failed(#[from] IdentityError),
}

impl From<rusqlite::Error> for SignInError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Failed(error.into())
    }
}
