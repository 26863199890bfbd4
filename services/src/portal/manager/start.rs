//! What a change may start from: the newest version of each tariff and rule, as the text of its next one.

use std::collections::BTreeMap;

use adapters::site_folder::{rule_toml, tariff_toml};
use domain::event::{Body, Event, RulePublished, TariffPublished};
use domain::quantity::Date;

/// A text to begin with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Start {
    /// `tariff/ID` or `rule/POOL`: its chain.
    pub name: String,
    /// What it is: `tariff` or `rule`.
    pub what: &'static str,
    /// The next version as the newest one is, from a day on.
    pub text: String,
}

/// One for each tariff and each pool's rule, in the order of their names.
pub(super) fn starts<'e>(facts: impl Iterator<Item = &'e Event>, from: Date) -> Vec<Start> {
    let mut tariffs: BTreeMap<String, &TariffPublished> = BTreeMap::new();
    let mut rules: BTreeMap<String, &RulePublished> = BTreeMap::new();
    for event in facts {
        match &event.body {
            Body::TariffPublished(one) => {
                let newest = tariffs.entry(one.id.to_string()).or_insert(one);
                if one.version > newest.version {
                    *newest = one;
                }
            }
            Body::RulePublished(one) => {
                let newest = rules.entry(one.pool.to_string()).or_insert(one);
                if one.version > newest.version {
                    *newest = one;
                }
            }
            _ => {}
        }
    }
    let tariffs = tariffs.into_iter().map(|(id, one)| {
        let next = TariffPublished { version: one.version.saturating_add(1), from: from.max(one.from), ..one.clone() };
        Start { name: format!("tariff/{id}"), what: "tariff", text: tariff_toml(&next) }
    });
    let rules = rules.into_iter().map(|(pool, one)| {
        let next = RulePublished { version: one.version.saturating_add(1), from: from.max(one.from), ..one.clone() };
        Start { name: format!("rule/{pool}"), what: "rule", text: rule_toml(&next) }
    });
    tariffs.chain(rules).collect()
}
