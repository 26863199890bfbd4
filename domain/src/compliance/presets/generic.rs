//! No law in particular: what is decent anywhere.

use crate::compliance::preset::{Check, Preset, Rule};
use crate::event::Severity;

pub(super) const V1: Preset = Preset {
    name: "generic",
    version: 1,
    title: "No law in particular",
    scope: "what is decent anywhere; nothing is held, everything is shown",
    rules: &[
        Rule {
            code: "generic.shared-within-bill",
            check: Check::SharedWithinBill,
            severity: Severity::Warn,
            text: "what is shared is at most what was billed to the landlord",
            mend: "lower the pool's tariff, or correct the supplier's bill",
            source: "good practice",
        },
        Rule {
            code: "generic.electricity-only",
            check: Check::CutForElectricityOnly,
            severity: Severity::Warn,
            text: "only electricity, and the shared electricity that the policy names, may lead to a cut",
            mend: "set cuts.other_dues = false",
            source: "good practice",
        },
    ],
};
