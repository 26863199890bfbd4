//! What supply control does: warnings, orders to relays with what was checked,
//! what became of each, and what is held.

use serde::{Deserialize, Serialize};

use super::fact::OutputState;
use crate::event::fact::payload;
use crate::event::id::{AccountId, MeterId, PointId};
use crate::quantity::{Instant, Money};

payload!(
    /// An account was told that credit runs out.
    SupplyWarned {
        /// Whose.
        pub account: AccountId,
        /// Electricity balance in minor units: negative is owed.
        pub balance_minor: Money,
        /// Whole hours that are left at the present use; absent where use is unknown.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub hours_left: Option<i64>,
        /// The point that showed it.
        pub point: PointId,
        /// The step that was reached, in tenths of a day.
        pub step_tenths: i64,
    }
);

payload!(
    /// Credit rose so far above a step that it may warn again.
    WarningCleared {
        /// Whose.
        pub account: AccountId,
        /// Electricity balance in minor units.
        pub balance_minor: Money,
        /// The point that showed it.
        pub point: PointId,
        /// The highest step that is left behind, in tenths of a day: it and those below it may warn again.
        pub step_tenths: i64,
    }
);

/// What a decision looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckCode {
    /// The policy allows such a cut.
    Policy,
    /// Who needs it: the electricity balance, or a person.
    Need,
    /// The point is not protected.
    Protected,
    /// Readings are fresh.
    Fresh,
    /// The meter answers.
    Link,
    /// Somebody else approved.
    Persons,
    /// No complaint is open.
    Dispute,
    /// No extreme weather.
    Weather,
    /// No no-cut window.
    Window,
    /// The account was warned long enough before.
    Notice,
    /// Few enough points were cut in the last hour.
    BlastRadius,
    /// The last try is long enough ago.
    Retry,
    /// The tenant confirmed.
    TenantConfirmed,
    /// The site's last restore is long enough ago.
    Staggered,
}

payload!(
    /// One check with its figures.
    SupplyCheck {
        /// Which.
        pub code: CheckCode,
        /// What it compared.
        pub figures: String,
        /// Whether it lets the command pass.
        pub passed: bool,
    }
);

payload!(
    /// Credit is back; the tenant is asked to confirm. Supply is ready for reconnection.
    ReconnectionOffered {
        /// Whose.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub account: Option<AccountId>,
        /// Every check.
        pub checks: Vec<SupplyCheck>,
        /// Which.
        pub point: PointId,
    }
);

/// Why a command was ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SupplyReason {
    /// The electricity balance.
    Balance,
    /// A person's request.
    Person,
}

payload!(
    /// An order to move a relay, with every check that let it pass.
    SupplyCommandOrdered {
        /// Whose.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub account: Option<AccountId>,
        /// Every check.
        pub checks: Vec<SupplyCheck>,
        /// The point's commands, counted from 1.
        pub command: i64,
        /// The meter whose relay is to move.
        pub meter: MeterId,
        /// Which.
        pub point: PointId,
        /// The version of the policy.
        pub policy: i64,
        /// Why.
        pub reason: SupplyReason,
        /// The person's request.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub request: Option<i64>,
        /// Where to.
        pub to: OutputState,
        /// From this instant on it is not sent.
        pub valid_until: Instant,
    }
);

payload!(
    /// A command was handed to the one who moves relays.
    SupplyCommandSent {
        /// Its number.
        pub command: i64,
        /// Which.
        pub point: PointId,
    }
);

payload!(
    /// What was seen at the meter.
    SwitchEvidence {
        /// The collector's clock at the end.
        pub at: Instant,
        /// The largest current read after the relay said off, mA; absent where the meter shows none.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub current_ma: Option<i64>,
        /// Whether the echo of the write came and was right.
        pub echoed: bool,
        /// The relay as it was read back.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub read_back: Option<OutputState>,
        /// Whether the write was sent.
        pub sent: bool,
        /// The serial that the device showed.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub serial: Option<String>,
    }
);

payload!(
    /// Supply is off: read back.
    SupplyCutConfirmed {
        /// The command's number.
        pub command: i64,
        /// What was seen.
        pub evidence: SwitchEvidence,
        /// Which.
        pub point: PointId,
    }
);

payload!(
    /// Supply is on: read back.
    SupplyRestoredConfirmed {
        /// The command's number.
        pub command: i64,
        /// What was seen.
        pub evidence: SwitchEvidence,
        /// Which.
        pub point: PointId,
    }
);

/// Why a command failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SwitchFailure {
    /// No bus has this meter.
    NoMeter,
    /// The model has no relay that can be commanded.
    NoRelay,
    /// The registry has no serial to compare.
    NoSerial,
    /// Another device stands there.
    OtherDevice,
    /// The relay is not in remote mode.
    NotRemote,
    /// The meter could not be asked who it is.
    Unreachable,
    /// It was read back where it was.
    NotMoved,
    /// It reads off, and current flows.
    RelayWelded,
    /// The write was sent and the relay could not be read back.
    Unknown,
    /// It was sent, and no outcome came in its time.
    NoOutcome,
}

payload!(
    /// A command that did not do what it should.
    SupplyCommandFailed {
        /// Its number.
        pub command: i64,
        /// What was seen; absent where no outcome came.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub evidence: Option<SwitchEvidence>,
        /// Which.
        pub point: PointId,
        /// Why.
        pub reason: SwitchFailure,
    }
);

payload!(
    /// A command whose time was over before it was sent. The need is decided again.
    SupplyCommandExpired {
        /// Its number.
        pub command: i64,
        /// Which.
        pub point: PointId,
        /// Its time.
        pub valid_until: Instant,
    }
);

/// Why a command was taken back before it was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CancelReason {
    /// A recharge that is newer than the order.
    NewerRecharge,
    /// A person asked for the opposite.
    NewerRequest,
    /// A check no longer lets it pass.
    NoLongerPasses,
}

payload!(
    /// A command that was taken back before it was sent.
    SupplyCommandCancelled {
        /// What was checked.
        pub checks: Vec<SupplyCheck>,
        /// Its number.
        pub command: i64,
        /// Which.
        pub point: PointId,
        /// Why.
        pub reason: CancelReason,
    }
);

payload!(
    /// A cut is due and held: once a day for each reason.
    SupplyCutHeld {
        /// Whose.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub account: Option<AccountId>,
        /// Every check.
        pub checks: Vec<SupplyCheck>,
        /// Which.
        pub point: PointId,
        /// The first check that holds it.
        pub reason: CheckCode,
    }
);

payload!(
    /// A restore is due and waits: once a day for each reason.
    SupplyRestoreHeld {
        /// Whose.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub account: Option<AccountId>,
        /// Every check.
        pub checks: Vec<SupplyCheck>,
        /// Which.
        pub point: PointId,
        /// The first check that holds it.
        pub reason: CheckCode,
    }
);
