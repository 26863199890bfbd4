//! Changes that people make: who, why, what they reverse, and the second
//! person that a site may require. The facts that carry a change out follow it
//! and name it as their `cause`.

use serde::{Deserialize, Serialize};

use super::fact::{RechargeKind, payload};
use super::id::{AccountId, EventId, MeterId, PointId};
use crate::quantity::{Date, Month};

/// What a change is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// A tariff or rule comes into force.
    Publish,
    /// A fact is corrected.
    Correct,
    /// An earlier change is taken back.
    Undo,
}

payload!(
    /// A person's change, with the reason. The facts that follow with its id as their `cause` carry it out.
    ChangeRecorded {
        /// The chains that it is about, sorted: `account/A-101`, `tariff/home`.
        pub about: Vec<String>,
        /// The second person, where the site requires one.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub approver: Option<String>,
        /// Who.
        pub author: String,
        /// Publication, correction or undo.
        pub kind: ChangeKind,
        /// The proposal that was approved.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub proposal: Option<EventId>,
        /// Why.
        pub reason: String,
        /// The fact that an undo reverses.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub reverses: Option<EventId>,
    }
);

payload!(
    /// A change that waits for a second person. Without effect until it is approved.
    ChangeProposed {
        /// The chains that it is about, sorted.
        pub about: Vec<String>,
        /// Who.
        pub author: String,
        /// The facts that would carry it out.
        pub facts: Vec<ProposedFact>,
        /// Publication, correction or undo.
        pub kind: ChangeKind,
        /// Why.
        pub reason: String,
        /// The fact that an undo reverses.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub reverses: Option<EventId>,
    }
);

payload!(
    /// A fact of a proposal.
    ProposedFact {
        /// Its payload: canonical JSON as text.
        pub data: String,
        /// Its type in the catalogue.
        pub r#type: String,
    }
);

payload!(
    /// How many persons a change needs from now on.
    ApprovalsSet {
        /// 1: the author alone. 2: someone else approves.
        pub persons: i64,
    }
);

payload!(
    /// Money that names no known account: kept in suspense until a recharge with its reference and kind comes.
    RechargeSuspended {
        /// The account as the payer wrote it.
        pub account: String,
        /// Positive, in minor units.
        pub amount_minor: i64,
        /// Which way.
        pub kind: RechargeKind,
        /// With the kind: once, for ever.
        pub reference: String,
    }
);

payload!(
    /// A bill that cannot be issued, and why. It is issued by the first run after the data are mended.
    BillHeld {
        /// Whose.
        pub account: AccountId,
        /// The local month.
        pub month: Month,
        /// Why: at least one.
        pub reasons: Vec<HoldReason>,
        /// The settlement or bill run.
        pub run: String,
    }
);

payload!(
    /// Why a bill is held.
    HoldReason {
        /// `no_tariff`, `meter_table`, or the code of a rule of the law.
        pub code: String,
        /// The day that shows it first.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub day: Option<Date>,
        /// The meter.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub meter: Option<MeterId>,
        /// The point.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub point: Option<PointId>,
    }
);
