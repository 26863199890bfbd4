//! What people say and ask about supply, made once under its key.

use domain::event::{Body, Event, SiteId, SupplyEvent};
use domain::supply::Refusal;

use super::once::{self, Part};
use super::{Asked, CommandError, Made, carry_out};
use crate::desk::Desk;
use crate::identity::{Denied, Permission};
use crate::supply::{Ask, AskError, answer};

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
        let same = matches!(known.as_slice(), [one] if one.actor == user && says(one, &ask));
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

/// Whether an event is what the ask came to when it was said before.
fn says(event: &Event, ask: &Ask) -> bool {
    let Body::Supply(event) = &event.body else { return false };
    let why = |said: &str, reason: &String| said == reason.trim();
    match (ask, event) {
        (Ask::Switch { point, to, reason }, SupplyEvent::SupplyRequested(data)) => {
            data.point == *point && data.to == *to && why(&data.reason, reason)
        }
        (Ask::Approve { point }, SupplyEvent::SupplyApproved(data)) => data.point == *point,
        (Ask::Confirm { point }, SupplyEvent::ReconnectionConfirmed(data)) => data.point == *point,
        (Ask::Protect { point, reason }, SupplyEvent::PointProtected(data)) => {
            data.point == *point && why(&data.reason, reason)
        }
        (Ask::Unprotect { point, reason }, SupplyEvent::PointUnprotected(data)) => {
            data.point == *point && why(&data.reason, reason)
        }
        (Ask::OpenDispute { account, reason }, SupplyEvent::DisputeOpened(data)) => {
            data.account == *account && why(&data.reason, reason)
        }
        (Ask::CloseDispute { account, reason }, SupplyEvent::DisputeClosed(data)) => {
            data.account == *account && why(&data.reason, reason)
        }
        (Ask::Weather { until, reason }, SupplyEvent::WeatherHeld(data)) => {
            data.until == (*until).max(data.from) && why(&data.reason, reason)
        }
        (Ask::Publish { policy, preset }, SupplyEvent::SupplyPolicyPublished(data)) => {
            data.policy == **policy && data.preset == *preset
        }
        _ => false,
    }
}

fn refused(site: SiteId, error: AskError) -> CommandError {
    match error {
        AskError::Refused(Refusal::Empty(field)) => CommandError::NothingSaid(field),
        AskError::Refused(Refusal::SamePerson(user)) => CommandError::Denied(Denied::OwnProposal { user }),
        AskError::Refused(refusal) => CommandError::Supply(refusal),
        AskError::NoPoint(point) => CommandError::UnknownPoint(point),
        AskError::NoAccount(account) => CommandError::UnknownAccount { site, account },
        AskError::Already(what) => CommandError::Already(what),
        AskError::Owner(error) => error.into(),
    }
}
