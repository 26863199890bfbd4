//! Why an owner had to stop.

use std::io;
use std::path::PathBuf;

use adapters::event_log::LogError;
use adapters::intake::IntakeError;
use domain::billing::BillingError;
use domain::compliance::Finding;
use domain::event::{EventError, EventId, SiteId};
use domain::quantity::Instant;

/// Why the owner had to stop.
#[derive(Debug, thiserror::Error)]
pub enum OwnerError {
    /// The log refused or failed; after a [`LogError::Conflict`] this owner stands down.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The intake failed.
    #[error(transparent)]
    Intake(#[from] IntakeError),
    /// Another owner has appended: what this one holds is no longer the log's.
    #[error("another owner has appended to the log of site {site}: this one stands down; open the log anew")]
    StandsDown {
        /// The site.
        site: SiteId,
    },
    /// A fact that has no canonical bytes.
    #[error(transparent)]
    Event(#[from] EventError),
    /// An error of the site that a settlement found.
    #[error(transparent)]
    Billing(#[from] BillingError),
    /// A publication that the law's rules forbid.
    #[error("{0}; {mend}, or override the rule with a reason", mend = .0.rule.mend)]
    Law(Box<Finding>),
    /// The same id with another content.
    #[error("id {id} is in the log already, with another content: what was appended never changes")]
    IdReused {
        /// The id.
        id: EventId,
    },
    /// Something new that was received before what is in the log.
    #[error("{what} received at {received} is not in the log, which is at {last} already and only grows forward")]
    Earlier {
        /// Type of the event.
        what: &'static str,
        /// When it was received.
        received: Instant,
        /// When the log's last event was.
        last: Instant,
    },
    /// A body that only the core derives, or never does.
    #[error("{0} is no decision")]
    NotADecision(&'static str),
    /// Stored bytes that are no event.
    #[error("event {position} cannot be read: {error}")]
    Unreadable {
        /// Its position.
        position: u64,
        /// Why.
        error: EventError,
    },
    /// An event that does not follow those before it.
    #[error("event {position} does not follow: {what}")]
    Broken {
        /// Its position.
        position: u64,
        /// Position, chain or time.
        what: &'static str,
    },
    /// A fact with which the site cannot be.
    #[error("event {position} stops the site: {error}")]
    Stops {
        /// Its position.
        position: u64,
        /// Why.
        error: BillingError,
    },
    /// A decision of the log that the facts before it do not give.
    #[error("event {position} ({run}) is not what the facts before it give: {what} differs")]
    Differs {
        /// Its position.
        position: u64,
        /// The run that is derived there.
        run: String,
        /// The type of the recorded event.
        what: &'static str,
    },
    /// The log has lost events.
    #[error("log is shorter than anchored head {anchored}: it has {events} events")]
    Shorter {
        /// How many it had.
        anchored: u64,
        /// How many it has.
        events: u64,
    },
    /// The log is not the one that was there.
    #[error("log differs from its anchored head: its first {position} events are not those that it had")]
    OtherLog {
        /// How many events the head is of.
        position: u64,
    },
    /// The file of the anchored head.
    #[error("{}: the anchored head cannot be read", file.display())]
    Head {
        /// Which file.
        file: PathBuf,
        /// Why.
        source: io::Error,
    },
}
