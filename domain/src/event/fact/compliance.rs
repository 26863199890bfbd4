//! Facts of the law's rules: which preset a site chose, what its supplier
//! billed, and who consented to what.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::payload;
use crate::event::id::{AccountId, PoolId};
use crate::quantity::{Date, Energy, Money, Month};

payload!(
    /// A site is under a preset of the law's rules from a local date on.
    ComplianceChosen {
        /// Who chose it.
        pub by: String,
        /// How supply may be cut; absent: nobody is cut.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub cuts: Option<CutPolicy>,
        /// From when.
        pub from: Date,
        /// Rules that are to act otherwise than the preset says.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub overrides: Vec<RuleOverride>,
        /// The preset's name.
        pub preset: String,
        /// The highest price per kWh that the regulator allows, without exclusive tax.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub price_cap: Option<Decimal>,
        /// How long the landlord keeps bills; absent: for ever, as the log does.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub retention_years: Option<i64>,
        /// What every bill states beside its amounts, sorted by name.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub statements: Vec<Statement>,
        /// The preset's version.
        pub version: i64,
    }
);

payload!(
    /// How supply may be cut. The shape only: supply control reads it.
    CutPolicy {
        /// Whether nobody is cut while a complaint is open.
        pub hold_on_dispute: bool,
        /// Whether other dues than electricity may lead to a cut.
        pub other_dues: bool,
    }
);

payload!(
    /// A rule acts otherwise than its preset says, and why.
    RuleOverride {
        /// Why.
        pub reason: String,
        /// The rule's code.
        pub rule: String,
        /// How it acts instead.
        pub severity: Severity,
    }
);

payload!(
    /// What every bill states beside its amounts.
    Statement {
        /// Which of the fields that a preset names.
        pub name: String,
        /// What the bill says.
        pub text: String,
    }
);

/// What a finding does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Nothing: the rule is switched off.
    Off,
    /// It is shown.
    Warn,
    /// A publication is refused, a bill is held.
    Block,
}

payload!(
    /// What the supplier billed to the landlord for a month, of a pool or of the whole site.
    SupplierBillReceived {
        /// All of the bill, taxes included, in minor units.
        pub amount_minor: Money,
        /// Energy that it bills.
        pub energy_mwh: Energy,
        /// The local month.
        pub month: Month,
        /// Whose costs; absent: the site's.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub pool: Option<PoolId>,
        /// The supplier's number of it.
        pub reference: String,
        /// Its highest price per kWh as printed, without tax; absent: the amount by the energy.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub unit_price: Option<Decimal>,
    }
);

payload!(
    /// An account's holder consented, `from <= day < until`.
    ConsentGiven {
        /// Whose consent.
        pub account: AccountId,
        /// From when.
        pub from: Date,
        /// Where it is written.
        pub reference: String,
        /// To what.
        pub to: ConsentTo,
        /// Until when; absent: open.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub until: Option<Date>,
    }
);

/// What a consent is to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConsentTo {
    /// Prices that depend on the time of use.
    TimeOfUse,
}
