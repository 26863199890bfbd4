//! Where the law's rules act: on what is about to be published, and on the
//! bills of a month that is about to be issued.

use std::collections::{BTreeMap, BTreeSet};

use super::due::Due;
use super::site::Site;
use crate::compliance::{Finding, check_bills, check_publication};
use crate::event::{AccountId, BillIssued, Body, HoldReason};
use crate::quantity::{Instant, Month};

impl Site {
    /// What the law's rules find in facts that are about to be taken up together; the site is left as it is.
    pub fn check_publication(&self, facts: &[&Body]) -> Vec<Finding> {
        let chooses = |body: &&&Body| matches!(body, Body::ComplianceChosen(_));
        if !self.compliance.is_chosen() && !facts.iter().any(|body| chooses(&body)) {
            return Vec::new();
        }
        let (mut premises, mut compliance) = (self.premises.clone(), self.compliance.clone());
        for body in facts {
            premises.apply(body);
            compliance.apply(body);
        }
        facts.iter().flat_map(|body| check_publication(&premises, &compliance, body)).collect()
    }

    /// What the law's rules find in the bills of a month, were they issued at `at` by what is posted.
    pub fn check_bills(&self, month: Month, at: Instant) -> Vec<Finding> {
        if self.compliance.chosen_on(month.first()).is_none() {
            return Vec::new();
        }
        let silent = self.silent_at_end(month);
        let drafts = self.premises.accounts.keys();
        let drafts = drafts.map(|account| self.draft(&self.targets, account, month, at, &silent));
        let drafts: Vec<BillIssued> = drafts.collect();
        check_bills(&self.premises, &self.compliance, month, &drafts)
    }

    /// What the bills of a month would make of earlier ones by their adjustments: only what blocks, and only
    /// for accounts with an adjustment there.
    fn check_adjusted(&self, month: Month, at: Instant) -> Vec<Finding> {
        if self.compliance.chosen_on(month.first()).is_none() {
            return Vec::new();
        }
        let mut adjusted: BTreeMap<Month, BTreeSet<&AccountId>> = BTreeMap::new();
        for account in self.premises.accounts.keys() {
            for one in self.adjustments(&self.targets, account, month) {
                adjusted.entry(one.month).or_default().insert(account);
            }
        }
        let mut found = Vec::new();
        for (earlier, accounts) in adjusted {
            for mut finding in self.check_bills(earlier, at).into_iter().filter(Finding::blocks) {
                finding.holds.retain(|account| accounts.contains(account));
                if !finding.holds.is_empty() {
                    found.push(finding);
                }
            }
        }
        found
    }

    /// The accounts whose bills of a month a rule of the law forbids to issue, and which.
    pub(super) fn forbidden(&self, month: Month) -> BTreeMap<AccountId, Vec<HoldReason>> {
        let mut reasons: BTreeMap<AccountId, Vec<HoldReason>> = BTreeMap::new();
        let at = self.premises.calendar.end_of(month.last());
        for finding in
            self.check_bills(month, at).into_iter().chain(self.check_adjusted(month, at)).filter(Finding::blocks)
        {
            for account in finding.holds {
                let code = finding.rule.code.to_owned();
                reasons.entry(account).or_default().push(HoldReason { code, day: None, meter: None, point: None });
            }
        }
        reasons
    }

    /// The findings of a month as decisions of its bill run.
    pub(super) fn raise(&self, month: Month, due: Due) -> Vec<Body> {
        let run = due.kind.to_string();
        let found: Vec<Finding> =
            self.check_bills(month, due.at).into_iter().chain(self.check_adjusted(month, due.at)).collect();
        found.iter().map(|finding| Body::FindingRaised(finding.raised(month, &run))).collect()
    }
}
