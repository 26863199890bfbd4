//! Why a command is refused, with codes that are published and never reused.

use std::sync::Arc;

use domain::alarm::AlarmRefusal;
use domain::event::{AccountId, EventId, PointId, SiteId};
use domain::recharge::RechargeRefusal;
use domain::supply::Refusal;

use crate::desk::DeskError;
use crate::identity::Denied;
use crate::owner::OwnerError;
use crate::recharge::RefundRefusal;

/// Why a command was not carried out; in order of precedence.
#[derive(Debug, Clone, thiserror::Error)]
pub enum CommandError {
    /// The actor may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// A key that is none.
    #[error("an idempotency key has 1 to 128 visible ASCII characters")]
    BadKey,
    /// The key is another command's.
    #[error("key {key:?} was used for another command: the same key says the same; draw a new one for a new command")]
    KeyReused {
        /// The key.
        key: String,
    },
    /// No such account.
    #[error("site {site} has no account {account}")]
    UnknownAccount {
        /// The site.
        site: SiteId,
        /// The account.
        account: AccountId,
    },
    /// An amount that does not fit the command.
    #[error("an amount of {amount_minor} does not fit: {wanted}")]
    BadAmount {
        /// In minor units.
        amount_minor: i64,
        /// What does.
        wanted: &'static str,
    },
    /// Not the site's currency.
    #[error("the site counts in {wanted}, not in {given:?}")]
    OtherCurrency {
        /// What was given.
        given: String,
        /// The site's.
        wanted: String,
    },
    /// A text that has to say something.
    #[error("{0} is empty, or longer than 500 characters (a receipt's number: 128)")]
    NothingSaid(&'static str),
    /// A reference counts once, for ever.
    #[error("reference {reference:?} is in the ledger already: use another one")]
    ReferenceTaken {
        /// The reference.
        reference: String,
    },
    /// More than there is, or what is there is not final.
    #[error("{0}; {mend}", mend = .0.mend())]
    Refund(#[from] RefundRefusal),
    /// No such proposal waits.
    #[error("no proposal {0} waits for an approval")]
    NoProposal(EventId),
    /// Tables that cannot be.
    #[error("{problem}; {mend}")]
    Tables {
        /// What is wrong.
        problem: String,
        /// What to do about it.
        mend: String,
    },
    /// No such point, or one without a unit.
    #[error("the site has no unit's point {0}")]
    UnknownPoint(PointId),
    /// By the rules of supply.
    #[error(transparent)]
    Supply(Refusal),
    /// It is so already.
    #[error("{0} already")]
    Already(&'static str),
    /// By the state of the alarm.
    #[error(transparent)]
    Alarm(AlarmRefusal),
    /// By the state of the payment.
    #[error(transparent)]
    Payment(RechargeRefusal),
    /// Others change the site all the time.
    #[error("the site is changed by others just now: ask again with the same key")]
    Busy,
    /// The site does not answer: ask again with the same key.
    #[error(transparent)]
    Unavailable(#[from] DeskError),
    /// The owner refused it.
    #[error(transparent)]
    Owner(Arc<OwnerError>),
}

/// The published codes. None is ever reused.
pub const CODES: [&str; 23] = [
    "NOT_FOUND",
    "PERMISSION_DENIED",
    "OWN_PROPOSAL",
    "KEY_INVALID",
    "KEY_REUSED",
    "ACCOUNT_UNKNOWN",
    "AMOUNT_INVALID",
    "CURRENCY_MISMATCH",
    "TEXT_MISSING",
    "REFERENCE_TAKEN",
    "BALANCE_TOO_LOW",
    "PROPOSAL_UNKNOWN",
    "TABLES_INVALID",
    "LAW_FORBIDS",
    "SITE_UNAVAILABLE",
    "POINT_UNKNOWN",
    "SUPPLY_REFUSED",
    "ALREADY_SO",
    "ALARM_REFUSED",
    "PAYMENT_UNKNOWN",
    "NOT_IN_SUSPENSE",
    "BILL_HELD",
    "COMPLAINT_OPEN",
];

impl CommandError {
    /// Its published code. What an actor cannot see is not found, whether it is there or not.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Denied(denied) => match denied {
                Denied::Unseen { .. } => "NOT_FOUND",
                Denied::Role { .. } | Denied::ReadOnly => "PERMISSION_DENIED",
                Denied::OwnProposal { .. } => "OWN_PROPOSAL",
            },
            Self::BadKey => "KEY_INVALID",
            Self::KeyReused { .. } => "KEY_REUSED",
            Self::UnknownAccount { .. } => "ACCOUNT_UNKNOWN",
            Self::BadAmount { .. } => "AMOUNT_INVALID",
            Self::OtherCurrency { .. } => "CURRENCY_MISMATCH",
            Self::NothingSaid(_) => "TEXT_MISSING",
            Self::ReferenceTaken { .. } => "REFERENCE_TAKEN",
            Self::Refund(refusal) => match refusal {
                RefundRefusal::MoreThanBalance { .. } => "BALANCE_TOO_LOW",
                RefundRefusal::BillHeld { .. } => "BILL_HELD",
                RefundRefusal::ComplaintOpen(_) => "COMPLAINT_OPEN",
            },
            Self::NoProposal(_) => "PROPOSAL_UNKNOWN",
            Self::Tables { .. } => "TABLES_INVALID",
            Self::UnknownPoint(_) => "POINT_UNKNOWN",
            Self::Supply(_) => "SUPPLY_REFUSED",
            Self::Already(_) => "ALREADY_SO",
            Self::Alarm(_) => "ALARM_REFUSED",
            Self::Payment(RechargeRefusal::NotInSuspense(_)) => "NOT_IN_SUSPENSE",
            Self::Payment(_) => "PAYMENT_UNKNOWN",
            Self::Unavailable(_) | Self::Busy => "SITE_UNAVAILABLE",
            Self::Owner(error) => match error.as_ref() {
                OwnerError::Law(_) => "LAW_FORBIDS",
                OwnerError::Billing(_) | OwnerError::Event(_) => "TABLES_INVALID",
                OwnerError::IdReused { .. } => "KEY_REUSED",
                _ => "SITE_UNAVAILABLE",
            },
        }
    }

    /// The field of the command that is wrong, where one is.
    pub fn field(&self) -> Option<&'static str> {
        match self {
            Self::BadKey | Self::KeyReused { .. } => Some("idempotency_key"),
            Self::BadAmount { .. } | Self::Refund(RefundRefusal::MoreThanBalance { .. }) => Some("amount.minor"),
            Self::UnknownAccount { .. } | Self::Refund(_) => Some("account"),
            Self::OtherCurrency { .. } => Some("amount.currency"),
            Self::NothingSaid(field) => Some(field),
            Self::ReferenceTaken { .. } => Some("reference"),
            Self::NoProposal(_) => Some("proposal"),
            Self::Tables { .. } => Some("tables"),
            Self::UnknownPoint(_) => Some("point"),
            Self::Payment(_) => Some("payment"),
            Self::Denied(_)
            | Self::Supply(_)
            | Self::Already(_)
            | Self::Alarm(_)
            | Self::Busy
            | Self::Unavailable(_)
            | Self::Owner(_) => None,
        }
    }
}

impl From<OwnerError> for CommandError {
    fn from(error: OwnerError) -> Self {
        Self::Owner(Arc::new(error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_published() {
        let errors = [
            CommandError::Denied(Denied::ReadOnly),
            CommandError::BadKey,
            CommandError::KeyReused { key: String::new() },
            CommandError::BadAmount { amount_minor: 0, wanted: "" },
            CommandError::NothingSaid("reason"),
            RefundRefusal::ComplaintOpen(AccountId::try_new("A-1").expect("an id")).into(),
            CommandError::NoProposal(EventId::default()),
            CommandError::Supply(Refusal::NoPolicy),
            CommandError::Already("it is"),
            CommandError::Payment(RechargeRefusal::Unknown(String::new())),
            OwnerError::IdReused { id: EventId::default() }.into(),
        ];
        let codes = errors.map(|error| error.code());
        assert!(codes.iter().all(|code| CODES.contains(code)), "{codes:?}");
    }
}
