//! Everything that can be commanded of a site at work, for every surface: gRPC,
//! JSON, the portal. A command has an idempotency key and an actor, is decided in a
//! turn of the desk, and is answered when it is durable.
//!
//! Reading order: `key` (what makes a command the same), `once` (made once, for
//! ever), then what can be commanded: `money`, `change`, `supply`, `suspense`, `alarm`; `error` has the published codes.

mod alarm;
mod change;
mod error;
mod key;
mod money;
mod once;
mod supply;
mod suspense;

use domain::event::{AccountId, EventId};
use domain::quantity::Instant;

use crate::desk::{ChangeError, Desk, Turn};
use crate::identity::{Actor, Permission};

pub use alarm::{Acknowledge, acknowledge};
pub use change::{Change, Changed, change};
pub use error::{CODES, CommandError};
pub use key::Key;
pub use money::{Amount, Post, Recharge, Refund, post, recharge, refund};
pub use supply::supply;
pub use suspense::{Resolve, resolve};

/// Who commands, under which key.
#[derive(Debug, Clone)]
pub struct Asked {
    /// What makes it the same command.
    pub key: Key,
    /// Who.
    pub actor: Actor,
    /// It is only rehearsed: refused as if it were made, and nothing is appended.
    pub dry_run: bool,
}

/// What became of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// Its events: the first is the cause of the others. None of a dry run.
    pub events: Vec<EventId>,
    /// The position of the first.
    pub position: u64,
    /// When it was received.
    pub received: Instant,
    /// Whether it waits for a second person.
    pub proposed: bool,
    /// Whether it was there before: the key came again.
    pub repeated: bool,
}

/// Checks the right, decides in a turn, and answers when it is durable.
async fn carry_out<T: Send + 'static>(
    desk: &Desk,
    asked: &Asked,
    (permission, account): (Permission, Option<&AccountId>),
    decide: impl FnOnce(&mut Turn<'_, '_>) -> Result<T, CommandError> + Send + 'static,
) -> Result<T, CommandError> {
    asked.actor.may(permission, desk.site(), account)?;
    desk.change(decide).await.map_err(|error| match error {
        ChangeError::Refused(refused) => refused,
        ChangeError::Desk(error) => CommandError::Unavailable(error),
    })
}

/// The account of a text, if the site has it. A text that is no id is an unknown account.
fn account_of(turn: &Turn<'_, '_>, account: &AccountId) -> Result<(), CommandError> {
    if turn.owner.site().premises().accounts.contains_key(account) {
        return Ok(());
    }
    Err(CommandError::UnknownAccount { site: turn.owner.site_id().clone(), account: account.clone() })
}
