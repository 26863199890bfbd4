//! What a check found: the rule, the place and the mend.

use std::fmt;

use super::preset::{Preset, Rule};
use crate::event::{AccountId, FindingRaised, PoolId, Severity};
use crate::quantity::Month;

/// A finding of a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The preset's name.
    pub preset: &'static str,
    /// The preset's version.
    pub version: i64,
    /// The rule that it names.
    pub rule: &'static Rule,
    /// What it does: the rule's own severity, or the site's override.
    pub severity: Severity,
    /// Where: `tariff home version 2`, `bill A-1/2026-03`, `pool lifts`.
    pub place: String,
    /// What is wrong there, with the figures.
    pub problem: String,
    /// Whose bill, of a finding about one.
    pub account: Option<AccountId>,
    /// The pool, of a finding about one.
    pub pool: Option<PoolId>,
    /// The accounts whose bills it holds, where its severity is `block`.
    pub holds: Vec<AccountId>,
}

impl Finding {
    pub(super) fn new(preset: &'static Preset, rule: &'static Rule, severity: Severity, at: &str, why: String) -> Self {
        Self {
            preset: preset.name,
            version: preset.version,
            rule,
            severity,
            place: at.to_owned(),
            problem: why,
            account: None,
            pool: None,
            holds: Vec::new(),
        }
    }

    /// Whether it blocks.
    pub fn blocks(&self) -> bool {
        self.severity == Severity::Block
    }

    /// The decision that records it in a run.
    pub fn raised(&self, month: Month, run: &str) -> FindingRaised {
        FindingRaised {
            account: self.account.clone(),
            mend: self.rule.mend.to_owned(),
            month,
            place: self.place.clone(),
            pool: self.pool.clone(),
            preset: self.preset.to_owned(),
            rule: self.rule.code.to_owned(),
            run: run.to_owned(),
            severity: self.severity,
            text: format!("{}: {}", self.rule.text, self.problem),
            version: self.version,
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}): {}: {}", self.rule.code, self.place, self.rule.text, self.problem)
    }
}
