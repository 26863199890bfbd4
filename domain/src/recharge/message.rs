//! What a gateway says, in one form for all gateways.

use super::RechargeRefusal;
use crate::event::{PaymentKind, RechargeKind};
use crate::quantity::Instant;

/// A payment: the gateway and its id there. Two gateways may give the same id to two payments.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PaymentKey {
    /// The gateway's name here: no two gateways of a site have the same.
    pub gateway: String,
    /// Its id of the payment.
    pub payment: String,
}

impl PaymentKey {
    /// Of its parts.
    pub fn new(gateway: &str, payment: &str) -> Self {
        Self { gateway: gateway.to_owned(), payment: payment.to_owned() }
    }

    /// The ledger's reference of its credit. A gateway's name has no colon, so no two payments share one.
    pub fn reference(&self) -> String {
        format!("{}:{}", self.gateway, self.payment)
    }

    /// Of the reference of a credit.
    pub fn parse(reference: &str) -> Option<Self> {
        let (gateway, payment) = reference.split_once(':')?;
        Some(Self::new(gateway, payment))
    }

    /// The ledger's reference of a movement, which has no colon before its slash.
    pub(super) fn movement_reference(gateway: &str, kind: PaymentKind, movement: &str) -> String {
        format!("{gateway}/{}/{movement}", kind.name())
    }
}

impl std::fmt::Display for PaymentKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.gateway, self.payment)
    }
}

/// What a gateway says about a payment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GatewayMessage {
    /// The gateway's name here.
    pub gateway: String,
    /// What it says.
    pub kind: PaymentKind,
    /// Its id of the payment.
    pub payment: String,
    /// Its id of the movement; that of the payment where the payment itself is asked for or captured.
    pub movement: String,
    /// Whose account, as the payer or the request wrote it; may be empty.
    pub account: String,
    /// Positive, in minor units of the currency.
    pub amount_minor: i64,
    /// ISO 4217.
    pub currency: String,
    /// When it happened, by the gateway.
    pub time: Instant,
}

/// The least amount that is too much.
const TOO_MUCH: i64 = 1 << 53;

fn is_id(text: &str) -> bool {
    (1..=128).contains(&text.len()) && !text.chars().any(char::is_control)
}

impl GatewayMessage {
    /// The payment that it is about.
    pub fn key(&self) -> PaymentKey {
        PaymentKey::new(&self.gateway, &self.payment)
    }

    /// The ledger's reference and kind of what it leads to; none where it moves nothing.
    pub fn ledger_key(&self) -> Option<(String, RechargeKind)> {
        let of_movement = || PaymentKey::movement_reference(&self.gateway, self.kind, &self.movement);
        match self.kind {
            PaymentKind::Requested => None,
            PaymentKind::Captured => Some((self.key().reference(), RechargeKind::Recharge)),
            PaymentKind::Reinstated => Some((of_movement(), RechargeKind::Recharge)),
            PaymentKind::Refunded | PaymentKind::Reversed | PaymentKind::ChargedBack => {
                Some((of_movement(), RechargeKind::Reversal))
            }
        }
    }

    /// Whether it can be an input at all.
    pub fn check(&self) -> Result<(), RechargeRefusal> {
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if !(1..=32).contains(&self.gateway.len()) || !self.gateway.chars().all(is_name) {
            return Err(RechargeRefusal::Gateway(self.gateway.clone()));
        }
        if let Some(id) = [&self.payment, &self.movement].into_iter().find(|id| !is_id(id)) {
            return Err(RechargeRefusal::Id(id.clone()));
        }
        if !(1..TOO_MUCH).contains(&self.amount_minor) {
            return Err(RechargeRefusal::Amount(self.amount_minor));
        }
        if self.account.len() > 500 {
            return Err(RechargeRefusal::Text("account"));
        }
        if !(1..=8).contains(&self.currency.len()) {
            return Err(RechargeRefusal::Text("currency"));
        }
        Ok(())
    }
}
