//! A rehearsed change goes into the log through the owner who is given.

use std::iter;

use domain::event::{Body, Event, EventId, encode_canonical};
use domain::quantity::Instant;

use super::Plan;
use crate::command::Key;
use crate::exit::{Failure, bad};
use crate::owner::{Draft, Owner, OwnerError};

/// How a plan is appended.
#[derive(Clone, Copy)]
pub struct Order<'a> {
    /// When it becomes known: not before the owner's last event.
    pub at: Instant,
    /// Whether it is only proposed, for another person to approve.
    pub propose: bool,
    /// The position up to which it was rehearsed: a fact that was said since refuses it.
    pub seen: u64,
    /// The caller's key: by it a plan is appended once, for ever, and another plan is refused.
    pub key: Option<&'a Key>,
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
    /// The key is another command's.
    #[error("key {key:?} was used for another command: the same key says the same; draw a new one for a new command")]
    KeyReused {
        /// The key.
        key: String,
    },
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
/// rehearsal has shown holds as long as no fact of the books came in between.
pub fn append(owner: &mut Owner<'_>, plan: &Plan, order: Order<'_>) -> Result<Appended, AppendError> {
    let head = plan.head(order.propose).map_err(AppendError::Refused)?;
    let facts: &[(Instant, Body)] = if order.propose { &[] } else { &plan.facts };
    let ids = ids_of(owner, &head, facts, order.key).map_err(AppendError::Refused)?;
    if let Some((key, said)) = order.key.map(|key| (key, key.said(owner))).filter(|(_, said)| !said.is_empty()) {
        let wanted =
            iter::once((plan.actor(), &head)).chain(facts.iter().map(|(_, body)| (plan.author.as_str(), body)));
        let same = |(event, (actor, body)): (&&Event, (&str, &Body))| event.actor == actor && event.body == *body;
        if said.len() != ids.facts.len().saturating_add(1) || !said.iter().zip(wanted).all(same) {
            return Err(AppendError::KeyReused { key: key.as_str().to_owned() });
        }
        return Ok(Appended { repeated: true, ..ids });
    }
    let last = owner.last_fact();
    if last > order.seen {
        return Err(AppendError::Stale { seen: order.seen, last });
    }
    put(owner, plan, head, &ids, order.at)?;
    Ok(ids)
}

/// Appends a plan that nobody rehearsed: what may refuse it was looked at by the caller.
pub(crate) fn append_plan(
    owner: &mut Owner<'_>,
    at: Instant,
    plan: &Plan,
    propose: bool,
) -> Result<(EventId, Vec<EventId>), Failure> {
    let head = plan.head(propose)?;
    let ids = ids_of(owner, &head, if propose { &[] } else { &plan.facts }, None)?;
    put(owner, plan, head, &ids, at).map_err(super::owner_failure)?;
    Ok((ids.change, ids.facts))
}

/// The ids of a change and its facts: by the caller's key, or by its place in the log and what it says.
fn ids_of(owner: &Owner<'_>, head: &Body, facts: &[(Instant, Body)], key: Option<&Key>) -> Result<Appended, Failure> {
    let site = owner.site_id();
    let (change, facts) = if let Some(key) = key {
        (key.id(site, 0), (1u64..).zip(facts).map(|(index, _)| key.id(site, index)).collect())
    } else {
        let bytes = encode_canonical(&head.to_value().unwrap_or_default()).map_err(|error| bad(error, "write less"))?;
        let change = EventId::derive(&[b"change", site.as_str().as_bytes(), &owner.events().to_be_bytes(), &bytes]);
        let fact = |index: u64| EventId::derive(&[b"change/fact", change.as_bytes(), &index.to_be_bytes()]);
        (change, (0u64..).zip(facts).map(|(index, _)| fact(index)).collect())
    };
    Ok(Appended { change, facts, repeated: false })
}

/// The change and its facts, as many as have an id.
fn put(owner: &mut Owner<'_>, plan: &Plan, head: Body, ids: &Appended, at: Instant) -> Result<(), OwnerError> {
    owner.check_publication(&plan.facts.iter().map(|(_, body)| body).collect::<Vec<_>>())?;
    let cause = plan.reverses.or_else(|| plan.approved.as_ref().map(|(proposal, _)| *proposal));
    let draft = |id, time, actor: &str, body| Draft { id, time, received: at, actor: actor.to_owned(), body };
    owner.append_caused(draft(ids.change, at, plan.actor(), head), cause)?;
    for (id, (time, body)) in ids.facts.iter().zip(&plan.facts) {
        owner.append_caused(draft(*id, *time, &plan.author, body.clone()), Some(ids.change))?;
    }
    Ok(())
}
