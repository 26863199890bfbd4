//! A person sees to an alarm, once under its key.

use domain::alarm::{self, AlarmRefusal};
use domain::event::{AlarmEvent, AlarmKind, AlarmSubject, Body, Event};

use super::once::{self, Part};
use super::{Asked, CommandError, Made, carry_out};
use crate::desk::Desk;
use crate::identity::Permission;

/// An open alarm that somebody sees to.
#[derive(Debug, Clone)]
pub struct Acknowledge {
    /// What.
    pub kind: AlarmKind,
    /// About whom.
    pub about: AlarmSubject,
    /// What is done about it; may be empty.
    pub note: String,
}

/// Sees to an open alarm.
pub async fn acknowledge(desk: &Desk, asked: Asked, order: Acknowledge) -> Result<Made, CommandError> {
    carry_out(desk, &asked.clone(), (Permission::HandleAlarms, None), move |turn| {
        let user = asked.actor.user.clone();
        let known = once::known(turn, &asked);
        let same = matches!(known.as_slice(), [one] if one.actor == user && says(one, &order));
        if let Some(made) = once::before(&known, &asked, same)? {
            return Ok(made);
        }
        let Acknowledge { kind, about, note } = &order;
        let event = alarm::acknowledge(turn.owner.alarms(), *kind, about, &user, Some(note));
        let event = event.map_err(|refusal| match refusal {
            AlarmRefusal::Empty(field) => CommandError::NothingSaid(field),
            refusal => CommandError::Alarm(refusal),
        })?;
        let part = Part { actor: user, time: turn.now, body: event.into() };
        once::append(turn, &asked, vec![part], None)
    })
    .await
}

fn says(event: &Event, order: &Acknowledge) -> bool {
    let Body::Alarm(AlarmEvent::AlarmAcknowledged(data)) = &event.body else { return false };
    let note = data.note.as_deref().unwrap_or_default();
    data.kind == order.kind && data.subject == order.about && note == order.note.trim()
}
