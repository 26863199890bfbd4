//! Why a message or a person's act is no input at all.

use crate::event::AccountId;

/// Why nothing was decided. Nothing changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RechargeRefusal {
    /// A gateway's name that is none.
    #[error("gateway name {0:?} is none; use 1 to 32 letters, digits, - or _")]
    Gateway(String),
    /// An id that is none.
    #[error("payment id {0:?} is none; an id has 1 to 128 bytes without control characters")]
    Id(String),
    /// An amount that is none.
    #[error("amount of {0} minor units is none; it must be positive and below 2^53")]
    Amount(i64),
    /// A text that is too long or empty.
    #[error("{0} is empty or longer than 500 bytes; say it in a few words")]
    Text(&'static str),
    /// No payment has this id.
    #[error("no payment {0} is known; list them with `tallywatt recharge list`")]
    Unknown(String),
    /// It is not in suspense.
    #[error("payment {0} is not in suspense; only what is there can be matched or returned")]
    NotInSuspense(String),
    /// Nobody has this account.
    #[error("account {0} is unknown; open it first, or name another")]
    NoAccount(AccountId),
}
