//! What follows from a gateway's message, or from a person's act on money in suspense.

use super::{Captured, GatewayMessage, Movement, Payment, PaymentKey, PaymentState, Payments, RechargeRefusal};
use crate::event::{
    AccountId, Body, EventId, PaymentEvent, PaymentKind, PaymentRefusal, RechargeCaptured, RechargeKind,
    RechargeMatched, RechargeMoved, RechargeParked, RechargeReceived, RechargeRefused, RechargeRequested,
    RechargeReturned, RechargeSuspended, SiteId,
};
use crate::quantity::{Instant, Money};

/// What of the site a decision looks at.
#[derive(Clone, Copy)]
pub struct View<'a> {
    /// The site: ids are derived from it.
    pub site: &'a SiteId,
    /// Its currency.
    pub currency: &'a str,
    /// When it is decided.
    pub now: Instant,
    /// The open account of a text.
    pub account: &'a dyn Fn(&str) -> Option<AccountId>,
    /// The settled balance of an account.
    pub balance: &'a dyn Fn(&AccountId) -> Money,
    /// Whether the ledger has a reference.
    pub taken: &'a dyn Fn(&str, RechargeKind) -> bool,
}

/// A person's act on money in suspense.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// It is this account's.
    Match(AccountId),
    /// It goes back to the payer.
    Return,
}

/// What is asked.
#[derive(Debug, Clone, Copy)]
pub enum Command<'a> {
    /// A gateway says something.
    Message(&'a GatewayMessage),
    /// A person decides about money in suspense.
    Suspense {
        /// The payment.
        key: &'a PaymentKey,
        /// What is done with it.
        act: &'a Act,
        /// Who.
        by: &'a str,
        /// Why.
        reason: &'a str,
    },
}

/// A fact to append, with the id that it has for ever.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// Its id.
    pub id: EventId,
    /// When it happened.
    pub time: Instant,
    /// What it says.
    pub body: Body,
}

/// What became of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It was known, with the same content: nothing is new.
    Known(PaymentState),
    /// It changed where the payment stands.
    Done {
        /// Where it stands.
        state: PaymentState,
        /// Whose balance has it.
        account: Option<AccountId>,
        /// What that account owes after it, where energy was used that is paid for no longer.
        receivable: Option<Money>,
    },
    /// It has no effect; a person has to look at it.
    Refused(PaymentRefusal),
}

/// The facts to append, and what becomes of the command when they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// In their order; the first is the cause of the others.
    pub facts: Vec<Fact>,
    /// What becomes of it.
    pub outcome: Outcome,
}

/// Decides. Nothing is appended where it refuses.
pub fn decide(state: &Payments, command: Command<'_>, view: &View<'_>) -> Result<Decision, RechargeRefusal> {
    match command {
        Command::Message(message) => {
            message.check()?;
            Ok(hear(state, message, view))
        }
        Command::Suspense { key, act, by, reason } => suspense(state, key, act, by, reason, view),
    }
}

/// What a message makes of its payment.
fn hear(state: &Payments, message: &GatewayMessage, view: &View<'_>) -> Decision {
    let key = message.key();
    let before = state.get(&key).cloned().unwrap_or_default();
    if let Some(reason) = conflict(state, &before, message, view) {
        return refuse(&before, message, reason, view);
    }
    let mut after = before.clone();
    let mut facts = Vec::new();
    if !is_known(&before, message) {
        let event = event_of(&before, message, view);
        after.take(message.time, &event);
        let id = id_of(view, message, "said", "");
        facts.push(Fact { id, time: message.time.min(view.now), body: Body::Payment(event) });
    }
    follow(&key, after, facts, view)
}

/// Whether a payment has what a message says.
fn is_known(payment: &Payment, message: &GatewayMessage) -> bool {
    match message.kind {
        PaymentKind::Requested => payment.requested.is_some(),
        PaymentKind::Captured => payment.captured.is_some(),
        PaymentKind::Refunded | PaymentKind::Reversed | PaymentKind::ChargedBack | PaymentKind::Reinstated => {
            payment.movement(message.kind, &message.movement).is_some()
        }
    }
}

/// What a message contradicts.
fn conflict(state: &Payments, payment: &Payment, message: &GatewayMessage, view: &View<'_>) -> Option<PaymentRefusal> {
    if message.currency != view.currency {
        return Some(PaymentRefusal::OtherCurrency);
    }
    let amount = Money::new(message.amount_minor);
    let differs = |known: &Captured| {
        if known.amount == amount {
            let both = !known.account.is_empty() && !message.account.is_empty();
            (both && known.account != message.account).then_some(PaymentRefusal::OtherAccount)
        } else {
            Some(PaymentRefusal::OtherAmount)
        }
    };
    let known = match message.kind {
        PaymentKind::Requested => payment.requested.as_ref(),
        PaymentKind::Captured => payment.captured.as_ref(),
        PaymentKind::Refunded | PaymentKind::Reversed | PaymentKind::ChargedBack | PaymentKind::Reinstated => {
            let reference = PaymentKey::movement_reference(&message.gateway, message.kind, &message.movement);
            let of = state.of_movement(&reference);
            if of.is_some_and(|of| *of != message.key()) {
                return Some(PaymentRefusal::OtherPayment);
            }
            let known = payment.movement(message.kind, &message.movement);
            if let Some(known) = known {
                return (known.amount != amount).then_some(PaymentRefusal::OtherAmount);
            }
            None
        }
    };
    if let Some(known) = known {
        return differs(known);
    }
    let used = message.ledger_key().is_some_and(|(reference, kind)| match message.kind {
        PaymentKind::Captured => super::credited(&message.key(), view.taken),
        PaymentKind::Requested
        | PaymentKind::Refunded
        | PaymentKind::Reversed
        | PaymentKind::ChargedBack
        | PaymentKind::Reinstated => (view.taken)(&reference, kind),
    });
    (used && !is_known(payment, message)).then_some(PaymentRefusal::ReferenceUsed)
}

/// The event that a new message is kept as.
fn event_of(payment: &Payment, message: &GatewayMessage, view: &View<'_>) -> PaymentEvent {
    let GatewayMessage { gateway, kind, payment: id, movement, account, amount_minor, .. } = message.clone();
    match kind {
        PaymentKind::Requested => {
            PaymentEvent::RechargeRequested(RechargeRequested { account, amount_minor, gateway, payment: id })
        }
        PaymentKind::Captured => {
            PaymentEvent::RechargeCaptured(RechargeCaptured { account, amount_minor, gateway, payment: id })
        }
        PaymentKind::Refunded | PaymentKind::Reversed | PaymentKind::ChargedBack | PaymentKind::Reinstated => {
            if payment.captured.is_none() {
                let parked = RechargeParked { amount_minor, gateway, kind, movement, payment: id };
                return PaymentEvent::RechargeParked(parked);
            }
            let after = |account: &AccountId| (view.balance)(account) - Money::new(amount_minor);
            let takes = kind != PaymentKind::Reinstated;
            let owed = payment.credited.as_ref().filter(|_| takes).map(after);
            let receivable_minor = owed.filter(|left| *left < Money::ZERO).map(|left| (-left).get());
            let moved = RechargeMoved { amount_minor, gateway, kind, movement, payment: id, receivable_minor };
            PaymentEvent::RechargeMoved(moved)
        }
    }
}

/// Adds what the ledger lacks of a payment.
fn follow(key: &PaymentKey, mut payment: Payment, mut facts: Vec<Fact>, view: &View<'_>) -> Decision {
    let lacking = lacking(key, &payment, view);
    let mut change = Money::ZERO;
    for body in &lacking {
        if let Body::RechargeReceived(data) = body {
            let amount = Money::new(data.amount_minor);
            change += if data.kind == RechargeKind::Recharge { amount } else { -amount };
            payment.credited.get_or_insert_with(|| data.account.clone());
        } else {
            payment.suspended = true;
        }
    }
    let is_new = !(facts.is_empty() && lacking.is_empty());
    facts.extend(lacking.into_iter().map(|body| Fact { id: ledger_id(view, &body), time: view.now, body }));
    let state = payment.state();
    if !is_new {
        return Decision { facts, outcome: Outcome::Known(state) };
    }
    let account = payment.credited;
    let after = account.as_ref().map(|account| (view.balance)(account) + change);
    let receivable = after.filter(|left| *left < Money::ZERO && change < Money::ZERO).map(|left| -left);
    Decision { facts, outcome: Outcome::Done { state, account, receivable } }
}

/// What of a payment's consequences the ledger lacks.
fn lacking(key: &PaymentKey, payment: &Payment, view: &View<'_>) -> Vec<Body> {
    let Some(captured) = payment.captured.as_ref().filter(|_| payment.returned.is_none()) else { return Vec::new() };
    let Some(account) = owner_of(payment, captured, view) else {
        let asked = payment.requested.as_ref().map(|requested| &requested.account);
        let suspended = RechargeSuspended {
            account: asked.filter(|_| captured.account.is_empty()).unwrap_or(&captured.account).clone(),
            amount_minor: captured.amount.get(),
            kind: RechargeKind::Recharge,
            reference: key.reference(),
        };
        return if payment.suspended { Vec::new() } else { vec![Body::RechargeSuspended(suspended)] };
    };
    let received = |amount: Money, kind, reference| {
        let (account, amount_minor) = (account.clone(), amount.get());
        Body::RechargeReceived(RechargeReceived { account, amount_minor, kind, reference })
    };
    let mut bodies = Vec::new();
    if payment.credited.is_none() {
        bodies.push(received(captured.amount, RechargeKind::Recharge, key.reference()));
    }
    let movement = |one: &Movement| {
        let back = one.kind != PaymentKind::Reinstated;
        let kind = if back { RechargeKind::Reversal } else { RechargeKind::Recharge };
        received(one.amount, kind, PaymentKey::movement_reference(&key.gateway, one.kind, &one.id))
    };
    bodies.extend(payment.movements.iter().filter(|one| !one.posted).map(movement));
    bodies
}

/// Whose money it is. What went to suspense because its account is unknown leaves it by a person alone.
fn owner_of(payment: &Payment, captured: &Captured, view: &View<'_>) -> Option<AccountId> {
    let said = || {
        if !captured.account.is_empty() {
            return (view.account)(&captured.account).filter(|_| !payment.suspended);
        }
        payment.requested.as_ref().and_then(|requested| (view.account)(&requested.account))
    };
    payment.credited.clone().or_else(|| payment.matched.clone()).or_else(said)
}

fn refuse(payment: &Payment, message: &GatewayMessage, reason: PaymentRefusal, view: &View<'_>) -> Decision {
    let GatewayMessage { gateway, kind, payment: of, movement, account, amount_minor, currency, .. } = message.clone();
    let data = RechargeRefused { account, amount_minor, currency, gateway, kind, movement, payment: of, reason };
    let mut facts = Vec::new();
    if !payment.refused.contains(&data) {
        let said = format!("{}/{}/{}/{reason:?}", data.amount_minor, data.currency, data.account);
        let (id, time) = (id_of(view, message, "refused", &said), message.time.min(view.now));
        facts.push(Fact { id, time, body: Body::Payment(PaymentEvent::RechargeRefused(data)) });
    }
    Decision { facts, outcome: Outcome::Refused(reason) }
}

fn suspense(
    state: &Payments,
    key: &PaymentKey,
    act: &Act,
    by: &str,
    reason: &str,
    view: &View<'_>,
) -> Result<Decision, RechargeRefusal> {
    for (name, text) in [("by", by), ("reason", reason)] {
        if !(1..=500).contains(&text.trim().len()) {
            return Err(RechargeRefusal::Text(name));
        }
    }
    let mut payment = state.get(key).cloned().ok_or_else(|| RechargeRefusal::Unknown(key.to_string()))?;
    let done_before = match act {
        Act::Match(account) => payment.matched.as_ref() == Some(account),
        Act::Return => payment.returned.is_some(),
    };
    if done_before {
        return Ok(follow(key, payment, Vec::new(), view));
    }
    if !payment.in_suspense() {
        return Err(RechargeRefusal::NotInSuspense(key.to_string()));
    }
    let (by, reason) = (by.trim().to_owned(), reason.trim().to_owned());
    let PaymentKey { gateway, payment: id } = key.clone();
    let event = match act {
        Act::Match(account) => {
            let account =
                (view.account)(account.as_str()).ok_or_else(|| RechargeRefusal::NoAccount(account.clone()))?;
            PaymentEvent::RechargeMatched(RechargeMatched { account, by, gateway, payment: id, reason })
        }
        Act::Return => {
            let amount_minor = payment.left().get();
            PaymentEvent::RechargeReturned(RechargeReturned { amount_minor, by, gateway, payment: id, reason })
        }
    };
    payment.take(view.now, &event);
    let of = [key.gateway.as_bytes(), key.payment.as_bytes()];
    let id = EventId::derive(&[b"recharge", view.site.as_str().as_bytes(), b"suspense", of[0], of[1]]);
    Ok(follow(key, payment, vec![Fact { id, time: view.now, body: Body::Payment(event) }], view))
}

/// The id of what a message is kept as: from the gateway, its id and the kind.
fn id_of(view: &View<'_>, message: &GatewayMessage, what: &str, said: &str) -> EventId {
    let parts = [view.site.as_str(), what, &message.gateway, message.kind.name(), &message.movement, said];
    let [site, what, gateway, kind, movement, said] = parts.map(str::as_bytes);
    EventId::derive(&[b"recharge", site, what, gateway, kind, movement, said])
}

/// The id of a fact of the ledger: from its reference.
fn ledger_id(view: &View<'_>, body: &Body) -> EventId {
    let (reference, kind) = if let Body::RechargeReceived(data) = body {
        (data.reference.as_str(), data.kind)
    } else if let Body::RechargeSuspended(data) = body {
        (data.reference.as_str(), data.kind)
    } else {
        ("", RechargeKind::Recharge)
    };
    let kind = match kind {
        RechargeKind::Recharge => "recharge",
        RechargeKind::Refund => "refund",
        RechargeKind::Reversal => "reversal",
    };
    let parts = [view.site.as_str(), "ledger", body.type_name(), reference, kind].map(str::as_bytes);
    let [site, ledger, name, reference, kind] = parts;
    EventId::derive(&[b"recharge", site, ledger, name, reference, kind])
}
