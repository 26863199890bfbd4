//! Who may ask for what over HTTP. A route of the JSON interface cannot be mounted without its [`Access`]; what is
//! allowed is decided here, before a handler runs, from the path alone.
//!
//! Reading order: `problem` (what a refused caller is told), `gate` (who is asking), `guard` (what every request
//! passes), `limits`.

mod gate;
mod guard;
mod limits;
mod problem;

use domain::event::{AccountId, SiteId};

use super::ServedSite;
use crate::identity::{Actor, Permission};

pub use gate::{Gate, SESSION};
pub use guard::{admit, guard};
pub use limits::{Limits, Rate};
pub use problem::{Code, Problem, ProblemBody};

use std::sync::Arc;

/// What a route is about, and what asking for it needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Anybody.
    Public,
    /// Whoever is known; the answer holds only what the grants reach.
    Known,
    /// Whoever sees anything of the path's `{site}`.
    Enters,
    /// The permission for the path's `{site}` as a whole.
    Site(Permission),
    /// The permission for the path's `{account}` of its `{site}`.
    Account(Permission),
}

/// A request that was let in: by whom, about what.
#[derive(Debug, Clone)]
pub struct Caller {
    /// Who asks.
    pub actor: Arc<Actor>,
    /// The path's site, where it has one.
    pub site: Option<ServedSite>,
    /// The path's account, where it has one.
    pub account: Option<AccountId>,
    /// To ask again whether it would be let in, while a stream lasts.
    pub(crate) pass: Pass,
}

/// By what a caller is known.
#[derive(Debug, Clone)]
pub(crate) enum Pass {
    /// A token.
    Bearer(Arc<str>),
    /// A session.
    Cookie(Arc<str>),
}

/// What a path is about.
#[derive(Debug, Clone, Default)]
pub(crate) struct Subject {
    pub(crate) site: Option<SiteId>,
    pub(crate) account: Option<AccountId>,
}

impl Access {
    /// Whether an actor may. What is beyond the grants is not there.
    pub(crate) fn check(self, actor: &Actor, subject: &Subject) -> Result<(), Problem> {
        let site = || subject.site.as_ref().ok_or_else(Problem::not_found);
        match self {
            Self::Public | Self::Known => Ok(()),
            Self::Enters => {
                let entered = actor.scope.enters_site(site()?);
                if entered { Ok(()) } else { Err(Problem::not_found()) }
            }
            Self::Site(permission) => Ok(actor.may(permission, site()?, None)?),
            Self::Account(permission) => {
                let account = subject.account.as_ref().ok_or_else(Problem::not_found)?;
                Ok(actor.may(permission, site()?, Some(account))?)
            }
        }
    }
}
