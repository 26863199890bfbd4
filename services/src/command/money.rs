//! Money by hand: in, back, and posted. Money in has a receipt and is one person's;
//! what is given away is a change with a reason, and needs a second person where the
//! site asks for one.

use domain::event::{AccountId, Body, PaymentEvent, PostingMade, RechargeCaptured, RechargeKind, RechargeReceived};
use domain::quantity::Money;
use domain::recharge;

use super::once::{self, Part};
use super::{Asked, CommandError, Made, account_of, carry_out};
use crate::change::Plan;
use crate::desk::{Desk, Turn};
use crate::identity::Permission;
use crate::owner::OwnerError;
use crate::recharge::{fits, refundable};

/// Beyond this, numbers are not the same everywhere.
const LARGEST: i64 = 9_007_199_254_740_991;
/// A text's longest, in characters.
const LONGEST: usize = 500;
/// A receipt's longest number, in bytes: as a gateway's id of a payment.
const LONGEST_RECEIPT: usize = 128;

/// An amount as it was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Amount {
    /// In minor units.
    pub minor: i64,
    /// ISO 4217.
    pub currency: String,
}

/// Money in, taken by a person.
#[derive(Debug, Clone)]
pub struct Recharge {
    /// Whose balance.
    pub account: AccountId,
    /// Positive.
    pub amount: Amount,
    /// The receipt's number; empty: the key.
    pub reference: String,
}

/// Money back to the tenant.
#[derive(Debug, Clone)]
pub struct Refund {
    /// Whose balance.
    pub account: AccountId,
    /// Positive.
    pub amount: Amount,
    /// Once for refunds; empty: the key.
    pub reference: String,
    /// Why.
    pub reason: String,
}

/// An amount posted by hand.
#[derive(Debug, Clone)]
pub struct Post {
    /// Whose balance.
    pub account: AccountId,
    /// With sign; positive credits.
    pub amount: Amount,
    /// Once for postings; empty: the key.
    pub reference: String,
    /// Why.
    pub reason: String,
}

/// Credits money that a person has taken: a payment in cash, as `tallywatt recharge cash` writes it.
pub async fn recharge(desk: &Desk, asked: Asked, order: Recharge) -> Result<Made, CommandError> {
    let account = order.account.clone();
    carry_out(desk, &asked.clone(), (Permission::MoveMoney, Some(&account)), move |turn| {
        let written = reference(&order.reference, &asked)?;
        let payment = recharge::receipt(&written);
        if !(1..=LONGEST_RECEIPT).contains(&payment.payment.len()) {
            return Err(CommandError::NothingSaid("reference"));
        }
        let Recharge { account, amount, .. } = &order;
        let received = |reference: String| {
            let (account, amount_minor, kind) = (account.clone(), amount.minor, RechargeKind::Recharge);
            Body::RechargeReceived(RechargeReceived { account, amount_minor, kind, reference })
        };
        let captured = Body::Payment(PaymentEvent::RechargeCaptured(RechargeCaptured {
            account: account.to_string(),
            amount_minor: amount.minor,
            gateway: payment.gateway.clone(),
            payment: payment.payment.clone(),
        }));
        let part = |body| Part { actor: asked.actor.user.clone(), time: turn.now, body };
        let parts = vec![part(captured), part(received(payment.reference()))];
        let known = once::known(turn, &asked);
        // Logs have receipts that were taken as one event, by their bare number.
        let bare = [part(received(written))];
        let parts_then = if known.len() == 1 { &bare[..] } else { &parts[..] };
        if let Some(made) = once::again(&known, &asked, parts_then)? {
            return Ok(made);
        }
        account_of(turn, account)?;
        positive(turn, amount)?;
        let ledger = turn.owner.site().ledger();
        if recharge::credited(&payment, |reference, kind| ledger.knows(reference, kind)) {
            return Err(CommandError::ReferenceTaken { reference: payment.payment });
        }
        once::append(turn, &asked, parts, None)
    })
    .await
}

/// Gives money back.
pub async fn refund(desk: &Desk, asked: Asked, order: Refund) -> Result<Made, CommandError> {
    let account = order.account.clone();
    carry_out(desk, &asked.clone(), (Permission::MoveMoney, Some(&account)), move |turn| {
        let reference = reference(&order.reference, &asked)?;
        let fact = Body::RechargeReceived(RechargeReceived {
            account: order.account.clone(),
            amount_minor: order.amount.minor,
            kind: RechargeKind::Refund,
            reference: reference.clone(),
        });
        give(turn, &asked, &order.reason, fact, |turn| {
            account_of(turn, &order.account)?;
            positive(turn, &order.amount)?;
            if turn.owner.site().ledger().knows(&reference, RechargeKind::Refund) {
                return Err(CommandError::ReferenceTaken { reference: reference.clone() });
            }
            // As of this turn: the moment may be from before another refund.
            let (supply, now) = (turn.owner.supply().clone(), turn.now);
            let balance = refundable(turn.owner.site_mut(), &supply, &order.account, now).map_err(OwnerError::from)?;
            fits(Money::new(order.amount.minor), balance?)?;
            Ok(())
        })
    })
    .await
}

/// Posts an amount by hand.
pub async fn post(desk: &Desk, asked: Asked, order: Post) -> Result<Made, CommandError> {
    let account = order.account.clone();
    carry_out(desk, &asked.clone(), (Permission::MoveMoney, Some(&account)), move |turn| {
        let reference = reference(&order.reference, &asked)?;
        let fact = Body::PostingMade(PostingMade {
            account: order.account.clone(),
            amount_minor: order.amount.minor,
            by: asked.actor.user.clone(),
            reason: said("reason", &order.reason)?,
            reference: reference.clone(),
        });
        give(turn, &asked, &order.reason, fact, |turn| {
            account_of(turn, &order.account)?;
            currency(turn, &order.amount)?;
            if order.amount.minor == 0 || order.amount.minor.saturating_abs() > LARGEST {
                let wanted = "not zero, and at most 9007199254740991";
                return Err(CommandError::BadAmount { amount_minor: order.amount.minor, wanted });
            }
            if turn.owner.site().ledger().knows_posting(&reference) {
                return Err(CommandError::ReferenceTaken { reference: reference.clone() });
            }
            Ok(())
        })
    })
    .await
}

/// A change with one fact, or its proposal where the site requires a second person.
fn give(
    turn: &mut Turn<'_, '_>,
    asked: &Asked,
    reason: &str,
    fact: Body,
    check: impl FnOnce(&mut Turn<'_, '_>) -> Result<(), CommandError>,
) -> Result<Made, CommandError> {
    let known = once::known(turn, asked);
    let needs_second = turn.owner.site().premises().approvals.is_some_and(|persons| persons > 1);
    let propose = known.first().map_or(needs_second, |event| matches!(event.body, Body::ChangeProposed(_)));
    let plan = Plan::correction(&asked.actor.user, said("reason", reason)?, vec![(turn.now, fact)]);
    let head = plan.head(propose).map_err(|_| CommandError::NothingSaid("reason"))?;
    let facts = if propose { Vec::new() } else { plan.facts };
    let bodies = [head].into_iter().chain(facts.into_iter().map(|(_, body)| body));
    let parts: Vec<Part> = bodies.map(|body| Part { actor: plan.author.clone(), time: turn.now, body }).collect();
    if let Some(made) = once::again(&known, asked, &parts)? {
        return Ok(made);
    }
    check(turn)?;
    once::append(turn, asked, parts, None)
}

/// A text that says something.
pub(super) fn said(field: &'static str, text: &str) -> Result<String, CommandError> {
    let text = text.trim();
    let fits = !text.is_empty() && text.chars().count() <= LONGEST;
    if fits { Ok(text.to_owned()) } else { Err(CommandError::NothingSaid(field)) }
}

fn reference(text: &str, asked: &Asked) -> Result<String, CommandError> {
    if text.trim().is_empty() { Ok(asked.key.as_str().to_owned()) } else { said("reference", text) }
}

fn currency(turn: &Turn<'_, '_>, amount: &Amount) -> Result<(), CommandError> {
    let wanted = &turn.owner.site().premises().site().currency;
    if *wanted == amount.currency {
        return Ok(());
    }
    Err(CommandError::OtherCurrency { given: amount.currency.clone(), wanted: wanted.clone() })
}

fn positive(turn: &Turn<'_, '_>, amount: &Amount) -> Result<(), CommandError> {
    currency(turn, amount)?;
    if (1..=LARGEST).contains(&amount.minor) {
        return Ok(());
    }
    Err(CommandError::BadAmount { amount_minor: amount.minor, wanted: "1 to 9007199254740991" })
}
