//! A command is made once, for ever: its events' ids are derived from site and key,
//! so the log itself remembers every key.

use domain::event::{Body, Event, EventId};
use domain::quantity::Instant;

use super::{Asked, CommandError, Made};
use crate::desk::Turn;
use crate::owner::Draft;

/// An event to append: who says it, when it happened, what it says.
pub(super) struct Part {
    pub(super) actor: String,
    pub(super) time: Instant,
    pub(super) body: Body,
}

/// What was appended under a key, if it came before.
pub(super) fn known<'t>(turn: &'t Turn<'_, '_>, asked: &Asked) -> Vec<&'t Event> {
    asked.key.said(turn.owner)
}

/// The answer to a key that came before; refused where it says something else.
pub(super) fn again(known: &[&Event], asked: &Asked, parts: &[Part]) -> Result<Option<Made>, CommandError> {
    let same = |(event, part): (&&Event, &Part)| event.body == part.body && event.actor == part.actor;
    before(known, asked, known.len() == parts.len() && known.iter().zip(parts).all(same))
}

/// As `again`, where it is known already whether it says the same.
pub(super) fn before(known: &[&Event], asked: &Asked, same: bool) -> Result<Option<Made>, CommandError> {
    let Some(first) = known.first() else { return Ok(None) };
    if !same {
        return Err(CommandError::KeyReused { key: asked.key.as_str().to_owned() });
    }
    Ok(Some(Made {
        events: known.iter().map(|event| event.id).collect(),
        position: first.position,
        received: first.received,
        proposed: matches!(first.body, Body::ChangeProposed(_)),
        repeated: true,
    }))
}

/// Appends the events of a command: the first has this cause, and is the cause of the others.
pub(super) fn append(
    turn: &mut Turn<'_, '_>,
    asked: &Asked,
    parts: Vec<Part>,
    cause: Option<EventId>,
) -> Result<Made, CommandError> {
    let site = turn.owner.site_id().clone();
    let received = turn.now;
    let position = turn.owner.events().saturating_add(1);
    let proposed = parts.first().is_some_and(|part| matches!(part.body, Body::ChangeProposed(_)));
    if asked.dry_run {
        let position = turn.owner.events();
        return Ok(Made { events: Vec::new(), position, received, proposed, repeated: false });
    }
    let mut events = Vec::new();
    for (index, Part { actor, time, body }) in (0u64..).zip(parts) {
        let id = asked.key.id(&site, index);
        let cause = events.first().copied().or(cause);
        turn.owner.append_caused(Draft { id, time, received, actor, body }, cause)?;
        events.push(id);
    }
    Ok(Made { events, position, received, proposed, repeated: false })
}
