//! What people say and ask about supply, made once under its key.

use domain::event::{Body, Event, SiteId};
use domain::supply::Refusal;

use super::once::{self, Part};
use super::{Asked, CommandError, Made, carry_out};
use crate::desk::Desk;
use crate::identity::{Denied, Permission};
use crate::supply::{Ask, AskError, answer, says};

/// Says or asks something about supply.
pub async fn supply(desk: &Desk, asked: Asked, ask: Ask) -> Result<Made, CommandError> {
    let permission = if matches!(ask, Ask::Approve { .. }) { Permission::Approve } else { Permission::SwitchSupply };
    let account = match &ask {
        Ask::OpenDispute { account, .. } | Ask::CloseDispute { account, .. } => Some(account.clone()),
        _ => None,
    };
    carry_out(desk, &asked.clone(), (permission, account.as_ref()), move |turn| {
        let user = asked.actor.user.clone();
        let known = once::known(turn, &asked);
        let same = matches!(known.as_slice(),
            [Event { actor, body: Body::Supply(event), .. }] if *actor == user && says(event, &ask));
        if let Some(made) = once::before(&known, &asked, same)? {
            return Ok(made);
        }
        let site = turn.owner.site_id().clone();
        let event = answer(turn.owner.site(), turn.owner.supply(), turn.now, &user, ask);
        let event = event.map_err(|error| refused(site, error))?;
        let part = Part { actor: user, time: turn.now, body: Body::Supply(event) };
        once::append(turn, &asked, vec![part], None)
    })
    .await
}

fn refused(site: SiteId, error: AskError) -> CommandError {
    match error {
        AskError::Refused(Refusal::Empty(field)) => CommandError::NothingSaid(field),
        AskError::Refused(Refusal::SamePerson(user)) => CommandError::Denied(Denied::OwnProposal { user }),
        AskError::Refused(refusal) => CommandError::Supply(refusal),
        AskError::NoPoint(point) => CommandError::UnknownPoint(point),
        AskError::NoAccount(account) => CommandError::UnknownAccount { site, account },
        AskError::Already(what) => CommandError::Already(what),
        AskError::KeyReused(key) => CommandError::KeyReused { key },
        AskError::Owner(error) => error.into(),
    }
}
