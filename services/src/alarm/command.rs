//! What people do about alarms, for whoever has the owner: a portal's turn, or a command.

use domain::alarm::{self, AlarmRefusal};
use domain::event::{AlarmEvent, AlarmKind, AlarmPolicy, AlarmSubject, Body, EventId};
use domain::quantity::Instant;

use crate::owner::{Draft, Owner, OwnerError};

/// Why nothing was appended.
#[derive(Debug, thiserror::Error)]
pub enum AlarmError {
    /// It was refused.
    #[error(transparent)]
    Refused(#[from] AlarmRefusal),
    /// The owner had to stop.
    #[error(transparent)]
    Owner(#[from] OwnerError),
}

/// The id of an alarm's event: what makes it the same for ever.
pub(super) fn id_of(owner: &Owner<'_>, event: &AlarmEvent) -> EventId {
    let name = Body::from(event.clone()).type_name();
    let site = owner.site_id().as_str().as_bytes();
    match event {
        AlarmEvent::AlarmPolicyPublished(data) => {
            EventId::derive(&[b"alarm/policy", site, &data.version.to_be_bytes()])
        }
        AlarmEvent::AlarmRaised(_) | AlarmEvent::AlarmCleared(_) | AlarmEvent::AlarmAcknowledged(_) => {
            let (kind, subject, episode) = event
                .about()
                .map_or(("", String::new(), 0), |(kind, subject, episode)| (kind.name(), subject.to_string(), episode));
            let (kind, subject, episode) = (kind.as_bytes(), subject.as_bytes(), episode.to_be_bytes());
            EventId::derive(&[b"alarm", site, name.as_bytes(), kind, subject, &episode])
        }
    }
}

/// Appends an alarm's event, at the latest with the next `flush`.
pub(super) fn append(
    owner: &mut Owner<'_>,
    now: Instant,
    actor: &str,
    event: AlarmEvent,
) -> Result<EventId, OwnerError> {
    let id = id_of(owner, &event);
    let now = owner.received().map_or(now, |last| now.max(last));
    owner.append(Draft { id, time: now, received: now, actor: actor.to_owned(), body: event.into() })?;
    Ok(id)
}

/// A person sees to an open alarm; durable with the owner's next `flush`.
pub fn acknowledge(
    owner: &mut Owner<'_>,
    now: Instant,
    kind: AlarmKind,
    subject: &AlarmSubject,
    by: &str,
    note: Option<&str>,
) -> Result<EventId, AlarmError> {
    let event = alarm::acknowledge(owner.alarms(), kind, subject, by, note)?;
    Ok(append(owner, now, by.trim(), event)?)
}

/// Other bounds count from now on; durable with the owner's next `flush`.
pub fn publish(
    owner: &mut Owner<'_>,
    now: Instant,
    policy: AlarmPolicy,
    by: &str,
    reason: &str,
) -> Result<EventId, AlarmError> {
    let event = alarm::publish(owner.alarms(), policy, by, reason)?;
    Ok(append(owner, now, by.trim(), event)?)
}
