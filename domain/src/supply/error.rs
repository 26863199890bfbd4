//! Why a command about supply is refused.

use crate::event::OutputState;
use crate::quantity::Instant;

/// Why a command is refused. Nothing changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// A name or a reason is empty.
    #[error("{0} is empty; say it in words")]
    Empty(&'static str),
    /// A policy that cannot be.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// The site has no policy.
    #[error("the site has no supply policy; publish one first")]
    NoPolicy,
    /// Supply is already there.
    #[error("supply is already {0:?}, and no command is under way")]
    AlreadyThere(OutputState),
    /// A protected point.
    #[error("the point is protected; take the protection back first")]
    Protected,
    /// No request waits for approval.
    #[error("no request of this point waits for approval")]
    NoRequest,
    /// The same person.
    #[error("{0} made the request; somebody else approves it")]
    SamePerson(String),
    /// Nobody was asked to confirm.
    #[error("supply of this point is not ready for reconnection; nothing is to be confirmed")]
    NotReady,
    /// No such command.
    #[error("the point has no command {0}")]
    UnknownCommand(i64),
    /// It ended before.
    #[error("command {0} ended before; report what was seen as an observation")]
    CommandEnded(i64),
    /// It was sent before: a command is sent once.
    #[error("command {0} was sent before; wait for its outcome")]
    AlreadySent(i64),
    /// It was not sent, so nothing can have come of it.
    #[error("command {0} was not sent; ask to send it first")]
    NotSent(i64),
    /// Only a read-back says where supply is.
    #[error("command {command} is not confirmed: its write was sent: {sent}, the relay was read back as {read_back:?}")]
    NotReadBack {
        /// The command.
        command: i64,
        /// Whether the write was sent.
        sent: bool,
        /// What was read.
        read_back: Option<OutputState>,
    },
}

/// Why a policy is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// A figure out of its bounds.
    #[error("{field} is {value}; it must be {least} to {most}")]
    Bounds {
        /// Which.
        field: &'static str,
        /// What it is.
        value: i64,
        /// Its least.
        least: i64,
        /// Its most.
        most: i64,
    },
    /// Restores below the cut: the relay would swing.
    #[error("restore_at_minor must not be below minus emergency_credit_minor: the relay would swing")]
    Swings,
    /// Warning steps that do not fall to zero.
    #[error("warn_tenths must fall strictly and end in 0, such as [30, 10, 0]")]
    WarnSteps,
    /// Cuts without a warning.
    #[error("a policy that cuts must warn: warn_tenths is empty")]
    NoWarning,
    /// Cuts for nothing.
    #[error("a policy that cuts must name the charges that lead to it: for_charges is empty")]
    NoCharges,
    /// A window that is none.
    #[error("window {0} of no_cut is none: days must not be empty, and 0 <= from_minute < to_minute <= 1440")]
    Window(usize),
}

/// An instant as it is said in figures.
pub(super) fn instant(at: Option<Instant>) -> String {
    at.map_or_else(|| "never".to_owned(), |at| at.to_string())
}
