//! Money in suspense is matched to its account or goes back, once under its key.

use domain::event::{Body, Event, PaymentEvent, SiteId};
use domain::recharge::{Act, Command, Fact, Outcome, PaymentKey, RechargeRefusal};

use super::once::{self, Part};
use super::{Asked, CommandError, Made, carry_out};
use crate::desk::Desk;
use crate::identity::Permission;
use crate::recharge;

/// What becomes of a payment in suspense.
#[derive(Debug, Clone)]
pub struct Resolve {
    /// Which.
    pub payment: PaymentKey,
    /// Whose it is, or that it goes back.
    pub act: Act,
    /// Why.
    pub reason: String,
}

/// Matches or returns a payment in suspense.
pub async fn resolve(desk: &Desk, asked: Asked, order: Resolve) -> Result<Made, CommandError> {
    carry_out(desk, &asked.clone(), (Permission::MoveMoney, None), move |turn| {
        let user = asked.actor.user.clone();
        let known = once::known(turn, &asked);
        let same = known.first().is_some_and(|one| one.actor == user && says(one, &order));
        if let Some(made) = once::before(&known, &asked, same)? {
            return Ok(made);
        }
        let Resolve { payment, act, reason } = &order;
        let command = Command::Suspense { key: payment, act, by: &user, reason };
        let site = turn.owner.site_id().clone();
        let decided = recharge::decide(turn.owner.site(), turn.owner.payments(), turn.now, command);
        let decided = decided.map_err(|refusal| refused(site, refusal))?;
        if matches!(decided.outcome, Outcome::Refused(_)) {
            return Err(CommandError::Payment(RechargeRefusal::NotInSuspense(payment.to_string())));
        }
        if decided.facts.is_empty() {
            return Err(CommandError::Already("the payment is matched or returned so"));
        }
        let part = |fact: Fact| Part { actor: user.clone(), time: fact.time, body: fact.body };
        let parts = decided.facts.into_iter().map(part).collect();
        once::append(turn, &asked, parts, None)
    })
    .await
}

fn says(event: &Event, order: &Resolve) -> bool {
    let Body::Payment(event) = &event.body else { return false };
    let (gateway, payment, reason) = match (event, &order.act) {
        (PaymentEvent::RechargeMatched(data), Act::Match(account)) if data.account == *account => {
            (&data.gateway, &data.payment, &data.reason)
        }
        (PaymentEvent::RechargeReturned(data), Act::Return) => (&data.gateway, &data.payment, &data.reason),
        _ => return false,
    };
    *gateway == order.payment.gateway && *payment == order.payment.payment && reason == order.reason.trim()
}

fn refused(site: SiteId, refusal: RechargeRefusal) -> CommandError {
    match refusal {
        RechargeRefusal::Text(field) => CommandError::NothingSaid(field),
        RechargeRefusal::NoAccount(account) => CommandError::UnknownAccount { site, account },
        refusal => CommandError::Payment(refusal),
    }
}
