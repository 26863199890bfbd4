//! The decision of the law's rules: what a check found when bills were due.

use serde::{Deserialize, Serialize};

use super::fact::{Severity, payload};
use super::id::{AccountId, PoolId};
use crate::quantity::Month;

payload!(
    /// A check of the law's rules found something when bills were due. A decision: it is derived anew by a replay.
    FindingRaised {
        /// Whose bill, of a finding about one.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub account: Option<AccountId>,
        /// What to do about it.
        pub mend: String,
        /// The bills' month.
        pub month: Month,
        /// Where: a bill and line, a pool, a tariff.
        pub place: String,
        /// The pool, of a finding about one.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub pool: Option<PoolId>,
        /// The preset's name.
        pub preset: String,
        /// The rule's code.
        pub rule: String,
        /// The settlement run.
        pub run: String,
        /// Whether it holds the bills that it names.
        pub severity: Severity,
        /// What was found.
        pub text: String,
        /// The preset's version.
        pub version: i64,
    }
);
