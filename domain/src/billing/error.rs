//! What a settlement is stopped by.

use crate::event::{AccountId, MeterId, PointId, PoolId};
use crate::metering::MeteringError;
use crate::quantity::{Date, Instant, Month};

/// An error of the site that a settlement found.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BillingError {
    /// A fact about a meter that cannot be.
    #[error(transparent)]
    Metering(#[from] MeteringError),
    /// A leased point used energy on a settled day without a tariff.
    #[error(
        "point {point} used energy on {day} under a lease, but has no tariff then; assign one from {day} or before"
    )]
    NoTariff {
        /// The point.
        point: PointId,
        /// The day.
        day: Date,
    },
    /// More than the balance was refunded.
    #[error("refund {reference} of account {account} at {at} is above its settled balance")]
    RefundAboveBalance {
        /// Whose.
        account: AccountId,
        /// The refund.
        reference: String,
        /// When.
        at: Instant,
    },
    /// More accounts than rounding down can serve.
    #[error("pool {pool} has 10,000 accounts or more with a share in {month}; split it")]
    TooManyAccounts {
        /// The pool.
        pool: PoolId,
        /// The month.
        month: Month,
    },
    /// More shares of one account on a day than rounding down can serve.
    #[error("account {account} has more than 3,000 shares (units × parts) of pool {pool} on {day}; split the pool")]
    TooManyShares {
        /// The pool.
        pool: PoolId,
        /// Whose.
        account: AccountId,
        /// The day.
        day: Date,
    },
    /// A meter that was installed before the first settled day.
    #[error("meter {meter} is said to be installed at {at}, before the first settled day {first}, which never moves")]
    BeforeFirstDay {
        /// The meter.
        meter: MeterId,
        /// Its installation.
        at: Instant,
        /// The first settled day.
        first: Date,
    },
}
