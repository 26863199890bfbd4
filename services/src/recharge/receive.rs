//! From a message to the log: one call decides and appends.

use domain::billing::Site;
use domain::event::{AccountId, RechargeKind};
use domain::quantity::{Instant, Money};
use domain::recharge::{
    self, Act, Command, Decision, GatewayMessage, Outcome, PaymentKey, Payments, RechargeRefusal, View,
};

use crate::owner::{Draft, Owner, OwnerError};

/// Why nothing was appended.
#[derive(Debug, thiserror::Error)]
pub enum RechargeError {
    /// It is no input.
    #[error(transparent)]
    Refused(#[from] RechargeRefusal),
    /// The owner could not append; said again, it is done once.
    #[error(transparent)]
    Owner(#[from] OwnerError),
}

/// Takes up what a gateway says. It is durable after the owner's next `flush`.
pub fn receive(
    owner: &mut Owner<'_>,
    now: Instant,
    actor: &str,
    message: &GatewayMessage,
) -> Result<Outcome, RechargeError> {
    append(owner, now, actor, Command::Message(message))
}

/// A person matches or returns money in suspense.
pub fn resolve(
    owner: &mut Owner<'_>,
    now: Instant,
    key: &PaymentKey,
    act: &Act,
    (by, reason): (&str, &str),
) -> Result<Outcome, RechargeError> {
    append(owner, now, by, Command::Suspense { key, act, by, reason })
}

/// What follows from a command; nothing is appended.
pub(crate) fn decide(
    site: &Site,
    payments: &Payments,
    now: Instant,
    command: Command<'_>,
) -> Result<Decision, RechargeRefusal> {
    let Some(registered) = site.premises().site.as_ref() else {
        return Err(RechargeRefusal::Unknown("of a site that is not registered".to_owned()));
    };
    let accounts = &site.premises().accounts;
    let view = View {
        site: &registered.id,
        currency: &registered.currency,
        now,
        account: &|text| AccountId::try_new(text).filter(|id| accounts.contains_key(id)),
        balance: &|account: &AccountId| -> Money { site.balance(account, now) },
        taken: &|reference, kind: RechargeKind| site.ledger().knows(reference, kind),
    };
    recharge::decide(payments, command, &view)
}

fn append(owner: &mut Owner<'_>, now: Instant, actor: &str, command: Command<'_>) -> Result<Outcome, RechargeError> {
    let now = owner.received().map_or(now, |last| last.max(now));
    let Decision { facts, outcome } = decide(owner.site(), owner.payments(), now, command)?;
    let cause = facts.first().map(|fact| fact.id);
    for fact in facts {
        let by = cause.filter(|cause| *cause != fact.id);
        let draft = Draft { id: fact.id, time: fact.time, received: now, actor: actor.to_owned(), body: fact.body };
        owner.append_caused(draft, by)?;
    }
    Ok(outcome)
}
