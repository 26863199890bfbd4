//! Every read that a surface shows: gRPC, NATS, HTTP and the portal call these, so that all of them show the same
//! numbers. A read gives a plain structure: money in minor units and as text, energy in mWh and as text, instants in
//! UTC and by the site's wall clock; never a float.
//!
//! Reading order: `shown` (how quantities look), `view` (what is read), then a file for each question. `balance` and
//! `room` need a [`Moment`](crate::desk::Moment) alone and wait for nobody; `past` reads the log in the background; the
//! others look at the site in a turn ([`read`]), or as it was known at an instant ([`as_known`]).

mod balance;
mod bill;
mod compare;
mod curve;
mod hand_over;
mod known;
mod ledger;
mod month;
mod owed;
mod past;
mod payment;
mod pool;
mod proof;
mod record;
mod room;
mod shown;
mod view;

use domain::event::{AccountId, PointId, PoolId};
use domain::quantity::{Date, Instant, Month};

pub use balance::{Balance, balance};
pub use bill::{Adjustment, Bill, BillEvent, BillRow, Cash, Line, Source, Tax, bill, bills};
pub use compare::{About, Compared, Differing, Shown, compare, shown};
pub use curve::{Bar, Curve, Part, Step, Whose, curve};
pub use hand_over::{FinalBill, HandOver, HandedMeter, Known, Moved, ToCome, final_bill, hand_over};
pub use known::{InForce, KnownAt, PointInForce, PoolInForce, Then, as_known, in_force, with_then};
pub use ledger::{Ledger, LedgerRow, ledger};
pub use month::{DaySum, Days, MonthSum, PeriodKwh, Tier, TierProgress, days, months, tiers};
pub use owed::{Owed, OwedRow, owed};
pub use past::{
    ChangeRow, CloseCheck, CloseFinding, Difference, Explanation, Replayed, changes, close_check, explain_line, replay,
};
pub use payment::{RechargeRow, payments, recharges};
pub use pool::{
    Allocation, AllocationAccount, AllocationPart, AllocationShare, EnergyFlow, PointKwh, PoolRow, allocation,
    energy_flow, pools,
};
pub use proof::{Growth, Proof, ProofAsk, ProvenEvent, Which, proof};
pub use record::{HeldBill, HeldReason, HeldSupply, Holds, QuarantinedReading, holds, quarantine};
pub use room::{AccountRow, Pending, PointState, RoomState, UnitState, accounts, point, points, units};
pub use shown::{Amount, Kwh, Show, When};
pub use view::{View, read};

use crate::desk::DeskError;

/// Why a read has no answer.
#[derive(Debug, Clone, thiserror::Error)]
pub enum QueryError {
    /// No such account at the site.
    #[error("account {0} is not known: name one of the site's")]
    UnknownAccount(AccountId),
    /// No such point at the site.
    #[error("point {0} is not known: name one of the site's")]
    UnknownPoint(PointId),
    /// No such pool at the site.
    #[error("pool {0} is not known: name one of the site's")]
    UnknownPool(PoolId),
    /// No bill, issued or under way.
    #[error("account {account} has no bill for {month}: see the list of its bills")]
    UnknownBill {
        /// Whose.
        account: AccountId,
        /// Of which month.
        month: Month,
    },
    /// A pool's day without energy or cost.
    #[error("pool {pool} has nothing on {day}: name another day")]
    NothingOnDay {
        /// The pool.
        pool: PoolId,
        /// The day.
        day: Date,
    },
    /// Before the site's first facts.
    #[error("nothing was known of the site then: name a later instant or position")]
    NothingKnown,
    /// No such event, or none of the account's own.
    #[error("the site has no such event: name a position or an id, of an account its own")]
    UnknownEvent,
    /// A tree that the log has no size of.
    #[error("the log has no tree of size {size}: name one from {least} to {most}")]
    UnknownSize {
        /// What was asked for.
        size: u64,
        /// The smallest.
        least: u64,
        /// The largest.
        most: u64,
    },
    /// A range that ends before it begins.
    #[error("the range ends at {until}, before it begins at {from}: name the earlier instant first")]
    EmptyRange {
        /// Its start.
        from: Instant,
        /// Its end.
        until: Instant,
    },
    /// More steps than an answer holds.
    #[error("the range has more than {most} steps: ask for a shorter one, or for longer steps")]
    TooManySteps {
        /// How many there may be.
        most: usize,
    },
    /// What was asked for cannot be shown.
    #[error("{what}: {mend}")]
    Refused {
        /// Why.
        what: String,
        /// What to do.
        mend: String,
    },
    /// The log cannot be read, or contradicts itself.
    #[error("the log cannot be read: {0}")]
    Log(String),
    /// The service ends.
    #[error("the service is ending: ask again")]
    Stopped,
    /// The desk does not answer.
    #[error(transparent)]
    Desk(#[from] DeskError),
}
