//! Why a person's command about alarms is refused.

use crate::event::{AlarmKind, AlarmSubject};

/// Why a command was refused; nothing was appended.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AlarmRefusal {
    /// A text that says nothing.
    #[error("{0} is empty: write who, and why")]
    Empty(&'static str),
    /// No such alarm is open.
    #[error("no alarm {kind} about {subject} is open: `tallywatt alarms list DIR --open` shows those that are")]
    NotOpen {
        /// What.
        kind: AlarmKind,
        /// About whom.
        subject: AlarmSubject,
    },
    /// Somebody sees to it already.
    #[error("alarm {kind} about {subject} was acknowledged by {by} already")]
    Acknowledged {
        /// What.
        kind: AlarmKind,
        /// About whom.
        subject: AlarmSubject,
        /// Who.
        by: String,
    },
    /// A policy without one of the kinds.
    #[error("the policy has no bound of {0}: write one, with on = false where it is not wanted")]
    NoBound(AlarmKind),
    /// Bounds the wrong way round.
    #[error(
        "{kind} is raised at {raise} and cleared at {clear}: clear must lie {side} raise, so that it does not flutter"
    )]
    Bounds {
        /// What.
        kind: AlarmKind,
        /// Where it is raised.
        raise: i64,
        /// Where it is cleared.
        clear: i64,
        /// Where `clear` must lie.
        side: &'static str,
    },
    /// A number out of its bounds.
    #[error("{key} = {value} is out of bounds: {least} to {most}")]
    Range {
        /// Which.
        key: &'static str,
        /// As given.
        value: i64,
        /// At least.
        least: i64,
        /// At most.
        most: i64,
    },
    /// What is in force already.
    #[error("these bounds are in force already")]
    Same,
}
