//! What happens to a payment before and after it is credited. A balance is
//! moved by `recharge.received.v1` alone, whose cause is one of these. Fields
//! stand in sorted order, because that is the order of their bytes.

use serde::{Deserialize, Serialize};

use super::catalogue::PaymentEvent;
use super::fact::payload;
use super::id::AccountId;

/// What a gateway says about a payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PaymentKind {
    /// It was asked for; no money has moved.
    Requested,
    /// The payer has paid.
    Captured,
    /// We gave it back, or a part of it.
    Refunded,
    /// The payer's bank took it back.
    Reversed,
    /// The payer disputes it, and the gateway took it back.
    ChargedBack,
    /// What was taken back came again.
    Reinstated,
}

impl PaymentKind {
    /// Its name, as it is stored.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Captured => "captured",
            Self::Refunded => "refunded",
            Self::Reversed => "reversed",
            Self::ChargedBack => "charged_back",
            Self::Reinstated => "reinstated",
        }
    }
}

payload!(
    /// A payment was asked for.
    RechargeRequested {
        /// Whose account, as it was written.
        pub account: String,
        /// Positive, in minor units.
        pub amount_minor: i64,
        /// The gateway's name here.
        pub gateway: String,
        /// The gateway's id of the payment.
        pub payment: String,
    }
);

payload!(
    /// The payer has paid. What follows credits an account, or keeps the money in suspense.
    RechargeCaptured {
        /// Whose account, as the payer wrote it; empty where nothing was said.
        pub account: String,
        /// Positive, in minor units.
        pub amount_minor: i64,
        /// The gateway's name here.
        pub gateway: String,
        /// The gateway's id of the payment.
        pub payment: String,
    }
);

payload!(
    /// Money of a captured payment moved at the gateway: back, or again to us.
    RechargeMoved {
        /// Positive, in minor units.
        pub amount_minor: i64,
        /// The gateway's name here.
        pub gateway: String,
        /// Which way.
        pub kind: PaymentKind,
        /// The gateway's id of the movement.
        pub movement: String,
        /// The gateway's id of the payment.
        pub payment: String,
        /// What the account owes after it: energy was used that is paid for no longer.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub receivable_minor: Option<i64>,
    }
);

payload!(
    /// A movement of a payment whose capture has not come: kept, and carried out when it does.
    RechargeParked {
        /// Positive, in minor units.
        pub amount_minor: i64,
        /// The gateway's name here.
        pub gateway: String,
        /// Which way.
        pub kind: PaymentKind,
        /// The gateway's id of the movement.
        pub movement: String,
        /// The gateway's id of the payment.
        pub payment: String,
    }
);

payload!(
    /// A person says whose money in suspense is.
    RechargeMatched {
        /// Whose.
        pub account: AccountId,
        /// Who says so.
        pub by: String,
        /// The gateway's name here.
        pub gateway: String,
        /// The gateway's id of the payment.
        pub payment: String,
        /// Why.
        pub reason: String,
    }
);

payload!(
    /// Money in suspense goes back to whom it came from.
    RechargeReturned {
        /// Positive, in minor units: what was left of it.
        pub amount_minor: i64,
        /// Who returns it.
        pub by: String,
        /// The gateway's name here.
        pub gateway: String,
        /// The gateway's id of the payment.
        pub payment: String,
        /// Why.
        pub reason: String,
    }
);

/// Why a gateway's message has no effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PaymentRefusal {
    /// The same id came before with another amount.
    OtherAmount,
    /// The same id came before for another account.
    OtherAccount,
    /// The movement's id came before for another payment.
    OtherPayment,
    /// Not the site's currency.
    OtherCurrency,
    /// The ledger has its reference already, not from a gateway.
    ReferenceUsed,
}

payload!(
    /// A gateway's message that has no effect, for a person to look at.
    RechargeRefused {
        /// Whose account, as it was written.
        pub account: String,
        /// As sent, in minor units of `currency`.
        pub amount_minor: i64,
        /// As sent.
        pub currency: String,
        /// The gateway's name here.
        pub gateway: String,
        /// What it said.
        pub kind: PaymentKind,
        /// The gateway's id of what it spoke of.
        pub movement: String,
        /// The gateway's id of the payment.
        pub payment: String,
        /// Why.
        pub reason: PaymentRefusal,
    }
);

impl PaymentEvent {
    /// The gateway and its id of the payment.
    pub fn payment(&self) -> (&str, &str) {
        match self {
            Self::RechargeRequested(data) => (&data.gateway, &data.payment),
            Self::RechargeCaptured(data) => (&data.gateway, &data.payment),
            Self::RechargeMoved(data) => (&data.gateway, &data.payment),
            Self::RechargeParked(data) => (&data.gateway, &data.payment),
            Self::RechargeMatched(data) => (&data.gateway, &data.payment),
            Self::RechargeReturned(data) => (&data.gateway, &data.payment),
            Self::RechargeRefused(data) => (&data.gateway, &data.payment),
        }
    }

    /// The keys of the chains that it belongs to.
    pub fn chain_keys(&self) -> Vec<String> {
        if let Self::RechargeMatched(data) = self { vec![format!("account/{}", data.account)] } else { Vec::new() }
    }
}
