//! Events: what is stored, for ever. The catalogue lists every type with its
//! version; `canonical` holds the byte rules (AUDIT.md), `envelope` what every
//! event carries, `fact` what came from outside, `change` who changed what and why, `decision` what the core
//! derived, `supply` what happens to supply, `alarm` what somebody has to look at, `payment` what happens to a
//! payment, and `readings` the binary layout of a batch of readings.

mod alarm;
mod canonical;
mod catalogue;
mod chain;
mod change;
mod decision;
mod envelope;
mod fact;
mod finding;
mod id;
mod key;
mod payment;
mod readings;
mod supply;

pub use alarm::{
    AccountAlarm, AlarmAcknowledged, AlarmBound, AlarmCleared, AlarmEnd, AlarmKind, AlarmPolicy, AlarmPolicyPublished,
    AlarmRaised, AlarmSubject, PointAlarm,
};
pub use canonical::{CanonicalError, MAX_INTEGER, decode as decode_canonical, encode as encode_canonical};
pub use catalogue::{AlarmEvent, Body, CATALOGUE, PaymentEvent, SupplyEvent};
pub use chain::{Chains, Link};
pub use change::{
    ApprovalsSet, BillHeld, ChangeKind, ChangeProposed, ChangeRecorded, HoldReason, ProposedFact, RechargeSuspended,
};
pub use decision::*;
pub use envelope::{Event, EventError, leaf_hash};
pub use fact::*;
pub use finding::FindingRaised;
pub use id::{AccountId, EventId, MeterId, PointId, PoolId, SiteId, TariffId, UnitId, parse_hex, sha256};
pub use payment::{
    PaymentKind, PaymentRefusal, RechargeCaptured, RechargeMatched, RechargeMoved, RechargeParked, RechargeRefused,
    RechargeRequested, RechargeReturned,
};
pub(crate) use readings::mwh_per_unit;
pub use readings::{
    BatchError, Decoder, ReadingRow, ReadingsBatch, RosterEntry, RowView, kwh_text, readings_id, register_mwh,
};
pub use supply::{
    CancelReason, CheckCode, CutCharge, DisputeClosed, DisputeOpened, NoCutWindow, OutputState, PointProtected,
    PointUnprotected, ReconnectionConfirmed, ReconnectionOffered, SupplyApproved, SupplyCheck, SupplyCommandCancelled,
    SupplyCommandExpired, SupplyCommandFailed, SupplyCommandOrdered, SupplyCommandSent, SupplyCutConfirmed,
    SupplyCutHeld, SupplyModeObserved, SupplyObserved, SupplyPolicy, SupplyPolicyPublished, SupplyReason,
    SupplyRequested, SupplyRestoreHeld, SupplyRestoredConfirmed, SupplyWarned, SwitchEvidence, SwitchFailure,
    WarningCleared, WeatherHeld,
};

/// Lower-case hexadecimal digits of bytes.
pub fn hex(bytes: &[u8]) -> String {
    id::write_hex(bytes)
}
