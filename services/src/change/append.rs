//! A rehearsed change goes into the log through the owner who is given.

use domain::event::{Body, EventId, encode_canonical};
use domain::quantity::Instant;

use super::{Plan, Rehearsal};
use crate::exit::{Failure, bad};
use crate::owner::{Draft, Owner, OwnerError};

/// How a plan is appended.
#[derive(Clone, Copy)]
pub struct Order<'a> {
    /// When it becomes known: not before the owner's last event.
    pub at: Instant,
    /// Whether it is only proposed, for another person to approve.
    pub propose: bool,
    /// What it was rehearsed on: a fact that was appended since refuses it.
    pub rehearsal: &'a Rehearsal,
    /// The caller's key: by it a plan is appended once, for ever, and another plan is refused.
    pub key: Option<&'a str>,
}

/// What was appended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Appended {
    /// The event that records or proposes the change.
    pub change: EventId,
    /// Its facts; none of a proposal.
    pub facts: Vec<EventId>,
    /// Whether it was in the log before, by its key.
    pub repeated: bool,
}

/// Why nothing of a change was appended.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// The log has facts that the rehearsal did not know: rehearse it again.
    #[error("a fact at position {last} came after the rehearsal, which had seen {seen}; rehearse the change again")]
    Stale {
        /// What the rehearsal had seen.
        seen: u64,
        /// The last fact.
        last: u64,
    },
    /// The owner refused it.
    #[error(transparent)]
    Owner(#[from] OwnerError),
    /// It cannot be written.
    #[error("{}", .0.error)]
    Refused(Failure),
}

/// Appends a plan that was rehearsed; the caller settles what is due before, and
/// flushes. All that can refuse it is looked at before the first event: what the
/// rehearsal has shown holds as long as no fact came in between.
pub fn append(owner: &mut Owner<'_>, plan: &Plan, order: Order<'_>) -> Result<Appended, AppendError> {
    let head = plan.head(order.propose).map_err(AppendError::Refused)?;
    let change = id_of(owner, &head, order.key).map_err(AppendError::Refused)?;
    let facts: &[(Instant, Body)] = if order.propose { &[] } else { &plan.facts };
    let ids = ids_of(change, facts);
    let (seen, last) = (order.rehearsal.seen(), owner.last_fact());
    if owner.knows(change) {
        // What came with the key before is judged by its event, once the rehearsal has it.
        let first = order.rehearsal.event(change).ok_or(AppendError::Stale { seen, last })?;
        let same = |(id, (_, body)): (&EventId, &(Instant, Body))| {
            order.rehearsal.event(*id).is_some_and(|event| event.body == *body)
        };
        if first.body != head || !ids.iter().zip(facts).all(same) {
            return Err(OwnerError::IdReused { id: change }.into());
        }
        return Ok(Appended { change, facts: ids, repeated: true });
    }
    if last > seen {
        return Err(AppendError::Stale { seen, last });
    }
    put(owner, plan, (change, head), &ids, order.at)?;
    Ok(Appended { change, facts: ids, repeated: false })
}

/// Appends a plan that nobody rehearsed: what may refuse it was looked at by the caller.
pub(crate) fn append_plan(
    owner: &mut Owner<'_>,
    at: Instant,
    plan: &Plan,
    propose: bool,
) -> Result<(EventId, Vec<EventId>), Failure> {
    let head = plan.head(propose)?;
    let change = id_of(owner, &head, None)?;
    let ids = ids_of(change, if propose { &[] } else { &plan.facts });
    put(owner, plan, (change, head), &ids, at).map_err(super::owner_failure)?;
    Ok((change, ids))
}

/// The ids of a change's facts.
fn ids_of(change: EventId, facts: &[(Instant, Body)]) -> Vec<EventId> {
    let id = |index: u64| EventId::derive(&[b"change/fact", change.as_bytes(), &index.to_be_bytes()]);
    (0u64..).zip(facts).map(|(index, _)| id(index)).collect()
}

/// The change and its facts, as many as have an id.
fn put(
    owner: &mut Owner<'_>,
    plan: &Plan,
    (change, head): (EventId, Body),
    ids: &[EventId],
    at: Instant,
) -> Result<(), OwnerError> {
    owner.check_publication(&plan.facts.iter().map(|(_, body)| body).collect::<Vec<_>>())?;
    let cause = plan.reverses.or_else(|| plan.approved.as_ref().map(|(proposal, _)| *proposal));
    let actor = plan.approved.as_ref().map_or(&plan.author, |(_, approver)| approver);
    let draft = |id, time, actor: &str, body| Draft { id, time, received: at, actor: actor.to_owned(), body };
    owner.append_caused(draft(change, at, actor, head), cause)?;
    for (id, (time, body)) in ids.iter().zip(&plan.facts) {
        owner.append_caused(draft(*id, *time, &plan.author, body.clone()), Some(change))?;
    }
    Ok(())
}

/// The change's id: by the caller's key, or by its place in the log and what it says.
fn id_of(owner: &Owner<'_>, head: &Body, key: Option<&str>) -> Result<EventId, Failure> {
    let site = owner.site_id().as_str().as_bytes();
    let bytes = encode_canonical(&head.to_value().unwrap_or_default()).map_err(|error| bad(error, "write less"))?;
    Ok(match key {
        None => EventId::derive(&[b"change", site, &owner.events().to_be_bytes(), &bytes]),
        Some(key) => EventId::derive(&[b"change/key", site, key.as_bytes()]),
    })
}
