//! Facts about accounts and money (BILLING §7).

use serde::{Deserialize, Serialize};

use super::payload;
use crate::event::id::AccountId;

payload!(
    /// An account. Whose it is stays out of the log (AUDIT.md).
    AccountOpened {
        /// The account.
        pub id: AccountId,
        /// Balance before the first fact, in minor units.
        pub opening_balance_minor: i64,
    }
);

payload!(
    /// Money in, or back. Its instant is the event's `time`.
    RechargeReceived {
        /// Whose balance.
        pub account: AccountId,
        /// Positive, in minor units, whatever the kind.
        pub amount_minor: i64,
        /// Which way.
        pub kind: RechargeKind,
        /// With the kind: once, for ever.
        pub reference: String,
    }
);

/// Which way the money goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RechargeKind {
    /// In.
    Recharge,
    /// Back to the tenant.
    Refund,
    /// Taken back by the payer's bank.
    Reversal,
}

payload!(
    /// A manual posting to a balance. Its instant is the later of `time` and `received`.
    PostingMade {
        /// Whose balance.
        pub account: AccountId,
        /// In minor units, with sign.
        pub amount_minor: i64,
        /// Who.
        pub by: String,
        /// Why.
        pub reason: String,
        /// Once, for ever.
        pub reference: String,
    }
);
