//! What a site chose, what its supplier billed and who consented: a fold.

use std::collections::BTreeMap;

use super::preset::{Act, Preset, Rule};
use super::presets::find;
use crate::event::{
    AccountId, Body, ComplianceChosen, ConsentGiven, ConsentTo, PoolId, Severity, SupplierBillReceived,
};
use crate::quantity::{Date, Month};

/// The facts of the law's rules.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Compliance {
    chosen: BTreeMap<Date, ComplianceChosen>,
    bills: BTreeMap<(Option<PoolId>, Month), SupplierBillReceived>,
    consents: BTreeMap<(AccountId, ConsentTo, Date), ConsentGiven>,
}

/// A rule that acts, with what it does.
pub(super) type Acting = (&'static Preset, &'static Rule, Severity);

impl Compliance {
    /// Takes up a fact; true if it was one of these.
    pub fn apply(&mut self, body: &Body) -> bool {
        if let Body::ComplianceChosen(data) = body {
            self.chosen.insert(data.from, data.clone());
        } else if let Body::SupplierBillReceived(data) = body {
            self.bills.insert((data.pool.clone(), data.month), data.clone());
        } else if let Body::ConsentGiven(data) = body {
            self.consents.insert((data.account.clone(), data.to, data.from), data.clone());
        } else {
            return false;
        }
        true
    }

    /// Whether any preset was ever chosen.
    pub fn is_chosen(&self) -> bool {
        !self.chosen.is_empty()
    }

    /// The choice in force on a day.
    pub fn chosen_on(&self, day: Date) -> Option<&ComplianceChosen> {
        self.chosen.range(..=day).next_back().map(|(_, chosen)| chosen)
    }

    /// The first choice that is in force on or after a day: what a publication of that day is judged by.
    pub fn chosen_from(&self, day: Date) -> Option<&ComplianceChosen> {
        self.chosen_on(day).or_else(|| self.chosen.values().next())
    }

    /// The supplier's bill of a month, of a pool or the site.
    pub fn supplier_bill(&self, pool: Option<&PoolId>, month: Month) -> Option<&SupplierBillReceived> {
        self.bills.get(&(pool.cloned(), month))
    }

    /// The last supplier's bill of or before a month, of a pool or else of the site.
    pub fn last_supplier_bill(&self, pool: Option<&PoolId>, month: Month) -> Option<&SupplierBillReceived> {
        let last = |pool: Option<PoolId>| {
            let mut all = self.bills.range((pool.clone(), Month::of(0, 1))..=(pool, month));
            all.next_back().map(|(_, bill)| bill)
        };
        last(pool.cloned()).or_else(|| last(None))
    }

    /// Whether an account's consent is in force on a day.
    pub fn consents(&self, account: &AccountId, to: ConsentTo, day: Date) -> bool {
        let all = self.consents.range((account.clone(), to, Date::new(i32::MIN))..=(account.clone(), to, day));
        all.last().is_some_and(|(_, consent)| consent.until.is_none_or(|until| day < until))
    }

    /// The rules of a choice that act somewhere, with what they do.
    pub(super) fn acting(chosen: &ComplianceChosen, act: Act) -> Vec<Acting> {
        let Some(preset) = find(&chosen.preset, chosen.version) else { return Vec::new() };
        let severity = |rule: &Rule| {
            let other = chosen.overrides.iter().find(|other| other.rule == rule.code);
            other.map_or(rule.severity, |other| other.severity)
        };
        let acting = preset.rules.iter().filter(|rule| rule.check.acts().contains(&act));
        acting
            .map(|rule| (preset, rule, severity(rule)))
            .filter(|(_, _, severity)| *severity != Severity::Off)
            .collect()
    }
}
