//! A person's release or withdrawal of a reading, for whoever has the owner.

use domain::event::{EventId, MeterId};
use domain::metering::MeteringError;
use domain::quantity::Instant;

use super::plan;
use crate::change::append_plan;
use crate::exit::Failure;
use crate::owner::Owner;

/// What a person asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask {
    /// The meter.
    pub meter: MeterId,
    /// The reading's instant.
    pub time: Instant,
    /// Who.
    pub by: String,
    /// Why.
    pub reason: String,
}

/// What was appended; durable with the owner's next flush.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Done {
    /// The event that records or proposes the change.
    pub change: EventId,
    /// Whether another person has to approve it first.
    pub proposed: bool,
}

/// Why nothing was appended.
#[derive(Debug, thiserror::Error)]
pub enum QuarantineError {
    /// A text that says nothing.
    #[error("{0} is empty: write who, and why")]
    Empty(&'static str),
    /// The reading is not one of which this can be said.
    #[error(transparent)]
    Metering(#[from] MeteringError),
    /// The owner had to stop, or the change has no bytes.
    #[error("{}; {}", .0.error, .0.mend)]
    Append(Failure),
}

/// Lets a quarantined or withdrawn reading in.
pub fn release(owner: &mut Owner<'_>, now: Instant, ask: &Ask) -> Result<Done, QuarantineError> {
    owner.site().metering().check_release(&ask.meter, ask.time, now)?;
    append(owner, now, ask, true)
}

/// Leaves an accepted reading out.
pub fn withdraw(owner: &mut Owner<'_>, now: Instant, ask: &Ask) -> Result<Done, QuarantineError> {
    owner.site().metering().check_withdraw(&ask.meter, ask.time, now)?;
    append(owner, now, ask, false)
}

fn append(owner: &mut Owner<'_>, now: Instant, ask: &Ask, release: bool) -> Result<Done, QuarantineError> {
    let said = |text: &str, what| {
        let text = text.trim();
        if text.is_empty() { Err(QuarantineError::Empty(what)) } else { Ok(text.to_owned()) }
    };
    let (by, reason) = (said(&ask.by, "by")?, said(&ask.reason, "reason")?);
    let proposed = owner.site().premises().approvals.is_some_and(|persons| persons > 1);
    let plan = plan(release, ask.meter.clone(), ask.time, by, reason);
    let (change, _) = append_plan(owner, now, &plan, proposed).map_err(QuarantineError::Append)?;
    Ok(Done { change, proposed })
}
