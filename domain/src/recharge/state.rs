//! Payments of a site, as its events say.

use std::collections::BTreeMap;

use super::PaymentKey;
use crate::event::{
    AccountId, Body, Event, PaymentEvent, PaymentKind, RechargeKind, RechargeReceived, RechargeRefused,
    RechargeReturned, RechargeSuspended,
};
use crate::quantity::{Instant, Money};

/// What was asked for, or paid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Captured {
    /// When, by the gateway.
    pub time: Instant,
    /// Whose account, as it was written; may be empty.
    pub account: String,
    /// Positive.
    pub amount: Money,
}

/// Money of a payment that moved after its capture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Movement {
    /// Which way.
    pub kind: PaymentKind,
    /// The gateway's id of it.
    pub id: String,
    /// Positive.
    pub amount: Money,
    /// When, by the gateway.
    pub time: Instant,
    /// Whether the ledger has it.
    pub posted: bool,
}

impl Movement {
    /// With the sign that it has for the account.
    pub fn signed(&self) -> Money {
        if self.kind == PaymentKind::Reinstated { self.amount } else { -self.amount }
    }
}

/// Where a payment stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PaymentState {
    /// Nothing but messages that had no effect is known of it.
    Refused,
    /// Asked for.
    Requested,
    /// Something of it moved, but its capture has not come.
    Parked,
    /// Paid, and not in an account yet.
    Captured,
    /// Paid; nobody knows for whom.
    Suspended,
    /// In the balance of an account, all of it or a part.
    Credited,
    /// Given back in full.
    Refunded,
    /// Taken back in full by the payer's bank.
    Reversed,
    /// Taken back in full after a dispute.
    ChargedBack,
    /// Out of suspense, back to the payer.
    Returned,
}

/// A payment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Payment {
    /// When the first event of it was.
    pub first: Option<Instant>,
    /// As it was asked for.
    pub requested: Option<Captured>,
    /// As it was paid.
    pub captured: Option<Captured>,
    /// Whether it went to suspense.
    pub suspended: bool,
    /// Whose it is, as a person said.
    pub matched: Option<AccountId>,
    /// Back to the payer, out of suspense.
    pub returned: Option<RechargeReturned>,
    /// Whose balance has it.
    pub credited: Option<AccountId>,
    /// What moved after the capture, in the order in which it was known.
    pub movements: Vec<Movement>,
    /// Messages about it that had no effect.
    pub refused: Vec<RechargeRefused>,
}

impl Payment {
    /// What is left of it after all that was taken back; below zero where more was.
    pub fn left(&self) -> Money {
        let paid = self.captured.as_ref().map_or(Money::ZERO, |captured| captured.amount);
        paid + self.movements.iter().map(Movement::signed).sum()
    }

    /// Whether a part of it is in suspense.
    pub fn in_suspense(&self) -> bool {
        self.state() == PaymentState::Suspended
    }

    /// When it was paid, or else the first that is known of it.
    pub fn time(&self) -> Instant {
        let said = self.captured.as_ref().or(self.requested.as_ref()).map(|one| one.time);
        said.or(self.first).unwrap_or_default()
    }

    /// Whose it is: whose balance has it, or else as it was written; may be empty.
    pub fn account(&self) -> &str {
        let said = self.captured.as_ref().into_iter().chain(&self.requested).map(|one| one.account.as_str());
        let said = said.chain(self.refused.iter().map(|one| one.account.as_str())).find(|text| !text.is_empty());
        let known = self.credited.as_ref().or(self.matched.as_ref()).map(AccountId::as_str);
        known.or(said).unwrap_or_default()
    }

    /// What was paid, or else asked for.
    pub fn amount(&self) -> Money {
        let said = self.captured.as_ref().or(self.requested.as_ref()).map(|one| one.amount);
        said.or_else(|| self.movements.first().map(Movement::signed)).unwrap_or_default()
    }

    /// Where it stands.
    pub fn state(&self) -> PaymentState {
        let last_back = self.movements.iter().rev().map(|one| one.kind).find(|kind| *kind != PaymentKind::Reinstated);
        if self.returned.is_some() {
            return PaymentState::Returned;
        }
        match (&self.captured, last_back) {
            (None, None) if self.requested.is_none() && !self.refused.is_empty() => PaymentState::Refused,
            (None, None) => PaymentState::Requested,
            (None, Some(_)) => PaymentState::Parked,
            (Some(_), Some(kind)) if self.left() <= Money::ZERO => match kind {
                PaymentKind::Reversed => PaymentState::Reversed,
                PaymentKind::ChargedBack => PaymentState::ChargedBack,
                PaymentKind::Refunded | PaymentKind::Requested | PaymentKind::Captured | PaymentKind::Reinstated => {
                    PaymentState::Refunded
                }
            },
            (Some(_), _) if self.credited.is_some() => PaymentState::Credited,
            (Some(_), _) if self.suspended => PaymentState::Suspended,
            (Some(_), _) => PaymentState::Captured,
        }
    }

    pub(super) fn movement(&self, kind: PaymentKind, id: &str) -> Option<&Movement> {
        self.movements.iter().find(|one| one.kind == kind && one.id == id)
    }

    fn moved(&mut self, kind: PaymentKind, id: &str, amount: i64, time: Instant) {
        if self.movement(kind, id).is_none() {
            let (id, amount) = (id.to_owned(), Money::new(amount));
            self.movements.push(Movement { kind, id, amount, time, posted: false });
        }
    }

    /// Takes up an event about it.
    pub(super) fn take(&mut self, time: Instant, event: &PaymentEvent) {
        self.first = Some(self.first.map_or(time, |first| first.min(time)));
        let said = |account: &str, amount| Captured { time, account: account.to_owned(), amount: Money::new(amount) };
        match event {
            PaymentEvent::RechargeRequested(data) => {
                self.requested.get_or_insert_with(|| said(&data.account, data.amount_minor));
            }
            PaymentEvent::RechargeCaptured(data) => {
                self.captured.get_or_insert_with(|| said(&data.account, data.amount_minor));
            }
            PaymentEvent::RechargeMoved(data) => self.moved(data.kind, &data.movement, data.amount_minor, time),
            PaymentEvent::RechargeParked(data) => self.moved(data.kind, &data.movement, data.amount_minor, time),
            PaymentEvent::RechargeMatched(data) => self.matched = Some(data.account.clone()),
            PaymentEvent::RechargeReturned(data) => self.returned = Some(data.clone()),
            PaymentEvent::RechargeRefused(data) => self.refused.push(data.clone()),
        }
    }
}

/// The payments of a site: a fold over its events.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Payments {
    payments: BTreeMap<PaymentKey, Payment>,
    /// The payment that a movement's reference in the ledger is of.
    movements: BTreeMap<String, PaymentKey>,
}

impl Payments {
    /// A payment.
    pub fn get(&self, key: &PaymentKey) -> Option<&Payment> {
        self.payments.get(key)
    }

    /// All of them, by gateway and id.
    pub fn all(&self) -> impl Iterator<Item = (&PaymentKey, &Payment)> {
        self.payments.iter()
    }

    /// The payment that a movement is of.
    pub(super) fn of_movement(&self, reference: &str) -> Option<&PaymentKey> {
        self.movements.get(reference)
    }

    /// Whether a reference of the ledger is of a payment here.
    pub fn has_reference(&self, reference: &str) -> bool {
        let paid = |key| self.payments.get(&key).is_some_and(|payment| payment.captured.is_some());
        self.movements.contains_key(reference) || PaymentKey::parse(reference).is_some_and(paid)
    }

    /// Where money stands that the ledger has under a reference: a movement as what it is, a credit as its
    /// payment; none of what is no payment of a gateway.
    pub fn standing(&self, reference: &str) -> Option<(PaymentState, &Payment)> {
        let Some(key) = self.movements.get(reference) else {
            let payment = self.payments.get(&PaymentKey::parse(reference)?)?;
            return payment.captured.is_some().then(|| (payment.state(), payment));
        };
        let payment = self.payments.get(key)?;
        let is_it = |one: &&Movement| reference == PaymentKey::movement_reference(&key.gateway, one.kind, &one.id);
        let state = match payment.movements.iter().find(is_it)?.kind {
            PaymentKind::Refunded => PaymentState::Refunded,
            PaymentKind::Reversed => PaymentState::Reversed,
            PaymentKind::ChargedBack => PaymentState::ChargedBack,
            PaymentKind::Requested | PaymentKind::Captured | PaymentKind::Reinstated => PaymentState::Credited,
        };
        Some((state, payment))
    }

    /// What is left in suspense of what went there under a reference; none of what is no payment of a gateway.
    pub fn left_in_suspense(&self, reference: &str) -> Option<Money> {
        let payment = self.payments.get(&PaymentKey::parse(reference)?)?;
        Some(if payment.in_suspense() { payment.left() } else { Money::ZERO })
    }

    /// Takes up an event of the log.
    pub fn apply(&mut self, event: &Event) {
        if let Body::Payment(of) = &event.body {
            let (gateway, payment) = of.payment();
            let key = PaymentKey::new(gateway, payment);
            let movement = match of {
                PaymentEvent::RechargeMoved(data) => Some((data.kind, &data.movement)),
                PaymentEvent::RechargeParked(data) => Some((data.kind, &data.movement)),
                PaymentEvent::RechargeRequested(_)
                | PaymentEvent::RechargeCaptured(_)
                | PaymentEvent::RechargeMatched(_)
                | PaymentEvent::RechargeReturned(_)
                | PaymentEvent::RechargeRefused(_) => None,
            };
            if let Some((kind, movement)) = movement {
                let reference = PaymentKey::movement_reference(gateway, kind, movement);
                self.movements.entry(reference).or_insert_with(|| key.clone());
            }
            self.payments.entry(key).or_default().take(event.time, of);
        } else if let Body::RechargeReceived(data) = &event.body {
            self.received(data);
        } else if let Body::RechargeSuspended(data) = &event.body {
            self.suspended(data);
        }
    }

    /// The ledger has a credit, or a movement.
    fn received(&mut self, data: &RechargeReceived) {
        let of_movement = self.movements.get(&data.reference).cloned();
        if let Some((key, payment)) = of_movement.and_then(|key| Some((key.clone(), self.payments.get_mut(&key)?))) {
            let is_it =
                |one: &&mut Movement| data.reference == PaymentKey::movement_reference(&key.gateway, one.kind, &one.id);
            if let Some(movement) = payment.movements.iter_mut().find(is_it) {
                movement.posted = true;
            }
        } else if let Some(key) = PaymentKey::parse(&data.reference)
            && data.kind == RechargeKind::Recharge
            && let Some(payment) = self.payments.get_mut(&key).filter(|payment| payment.captured.is_some())
        {
            payment.credited.get_or_insert_with(|| data.account.clone());
        }
    }

    fn suspended(&mut self, data: &RechargeSuspended) {
        let key = PaymentKey::parse(&data.reference);
        if let Some(payment) = key.and_then(|key| self.payments.get_mut(&key)) {
            payment.suspended = true;
        }
    }
}
