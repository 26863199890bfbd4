//! Bills: a month of an account as known at issue, and what changed of earlier
//! months since the bill before (BILLING §2, §9).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::due::Due;
use super::error::BillingError;
use super::site::Site;
use super::target::{AccountMonth, MonthTarget, rate_of};
use crate::event::{
    AccountId, BillAdjustment, BillIssued, BillLine, BillPosting, BillRecharge, BillShare, BillTax, BillTotals, Body,
    Component, PointId, TaxMode, Unit,
};
use crate::quantity::{Energy, Instant, Money, Month, UNITS_PER_ONE, to_units};
use crate::rating::{Facts, LineKeyExt};

const ROWS_A_PART: usize = 80;

impl Site {
    /// Issues the bills of a month, in the order of the accounts' ids.
    pub(super) fn issue(&mut self, month: Month, due: Due) -> Vec<Body> {
        let mut bodies = Vec::new();
        let accounts: Vec<AccountId> = self.premises.accounts.keys().cloned().collect();
        let mut reasons = self.hold_reasons(month);
        // A bill opens with the balance that the one before closed with: an account's bills stay in order.
        for ((_, account), earlier) in &self.held {
            reasons.entry(account.clone()).or_insert_with(|| earlier.clone());
        }
        let silent = self.silent_at_end(month);
        for account in accounts {
            match reasons.remove(&account) {
                Some(reasons) => bodies.push(self.hold(account, month, reasons, due)),
                None => bodies.extend(self.issue_one(&account, month, due.at, &silent)),
            }
        }
        let held: BTreeSet<&AccountId> = self.held.keys().map(|(_, account)| account).collect();
        self.billed.retain(|(account, _), _| held.contains(account));
        let targets = self.targets.range(..=month);
        let billed = targets.flat_map(|(month, target)| {
            target.accounts.iter().map(|(account, of)| ((account.clone(), *month), of.clone()))
        });
        self.billed.extend(billed.filter(|((account, _), _)| !held.contains(account)));
        bodies
    }

    /// Issues a bill with the next number, unless nothing stands on it.
    pub(super) fn issue_one(
        &mut self,
        account: &AccountId,
        month: Month,
        issued: Instant,
        silent: &BTreeMap<AccountId, Vec<PointId>>,
    ) -> Vec<Body> {
        let bill = self.draft(&self.targets, account, month, issued, silent);
        self.closing.insert(account.clone(), bill.closing_balance_minor);
        if is_empty(&bill) {
            return Vec::new();
        }
        self.bills = self.bills.saturating_add(1);
        let parts = parts(BillIssued { number: self.bills, ..bill });
        let bodies = parts.iter().cloned().map(Body::BillIssued).collect();
        self.issued.insert(self.bills, parts);
        bodies
    }

    /// The bill of an account, were it issued at `at` by the facts applied: without a number, and
    /// nothing is posted. No part where nothing would stand on it.
    pub fn preview(&mut self, account: &AccountId, month: Month, at: Instant) -> Result<Vec<BillIssued>, BillingError> {
        self.judge(at)?;
        let targets = match self.settled_by(at) {
            Some(day) => self.targets_to(day)?,
            None => BTreeMap::new(),
        };
        let bill = self.draft(&targets, account, month, at, &self.silent_at_end(month));
        Ok(if is_empty(&bill) { Vec::new() } else { parts(bill) })
    }

    pub(super) fn draft(
        &self,
        targets: &BTreeMap<Month, MonthTarget>,
        account: &AccountId,
        month: Month,
        issued: Instant,
        silent: &BTreeMap<AccountId, Vec<PointId>>,
    ) -> BillIssued {
        let calendar = &self.premises.calendar;
        let (from, until) = (calendar.start_of(month.first()), calendar.end_of(month.last()));
        let none = AccountMonth::default();
        let of = targets.get(&month).and_then(|target| target.accounts.get(account)).map_or(&none, |of| of);
        let opening = self.closing.get(account).or_else(|| self.premises.accounts.get(account)).copied();
        let opening = opening.unwrap_or_default();
        let recharges: Vec<BillRecharge> = self
            .ledger
            .recharges(account, from, until)
            .map(|one| BillRecharge {
                amount_minor: one.amount,
                kind: one.kind,
                reference: one.reference.clone(),
                time: one.time,
            })
            .collect();
        let postings: Vec<BillPosting> = self
            .ledger
            .postings(account, from, until)
            .map(|one| BillPosting { amount_minor: one.amount, reference: one.reference.clone(), time: one.time })
            .collect();
        let adjustments = self.adjustments(targets, account, month);
        let totals = totals(of, &adjustments);
        let cash = recharges.iter().map(|one| one.amount_minor).chain(postings.iter().map(|one| one.amount_minor));
        let closing = opening + cash.sum() - totals.charges_minor;
        BillIssued {
            account: account.clone(),
            adjustments,
            closing_balance_minor: closing,
            currency: self.premises.site().currency.clone(),
            indoor: lines(of),
            issued,
            month,
            number: 0,
            opening_balance_minor: opening,
            part: 1,
            parts: 1,
            postings,
            recharges,
            shared: shares(targets.get(&month), of),
            silent: silent.get(account).cloned().unwrap_or_default(),
            tax: self.bill_tax(of, month, &totals),
            totals,
        }
    }

    fn bill_tax(&self, of: &AccountMonth, month: Month, totals: &BillTotals) -> Option<BillTax> {
        let tax = self.premises.tax_on(month.first())?;
        let amount = match tax.mode {
            TaxMode::Exclusive => of.tax.as_ref().map_or(Money::ZERO, |line| line.amount),
            TaxMode::Inclusive => {
                let rate = to_units(tax.rate).expect("checked before it was appended");
                rate_of(totals.charges_minor, rate, UNITS_PER_ONE.saturating_add(rate))
            }
        };
        Some(BillTax { amount_minor: amount, mode: tax.mode, name: tax.name.clone(), rate: tax.rate })
    }

    /// The silent points of each account at a month's end.
    pub(super) fn silent_at_end(&self, month: Month) -> BTreeMap<AccountId, Vec<PointId>> {
        self.silent(self.premises.calendar.end_of(month.last()))
    }

    /// The points of the units that each account holds at an instant, without a reading at or after it.
    fn silent(&self, at: Instant) -> BTreeMap<AccountId, Vec<PointId>> {
        let facts = Facts::new(&self.premises, &self.metering);
        let mut silent: BTreeMap<AccountId, Vec<PointId>> = BTreeMap::new();
        for point in self.premises.points.values().filter(|point| facts.silent_at(&point.id, at)) {
            if let Some(unit) = &point.unit {
                silent.entry(self.premises.holder_at_end(unit, at).account).or_default().push(point.id.clone());
            }
        }
        silent
    }

    pub(super) fn adjustments(
        &self,
        targets: &BTreeMap<Month, MonthTarget>,
        account: &AccountId,
        bill_month: Month,
    ) -> Vec<BillAdjustment> {
        let none = AccountMonth::default();
        let mut adjustments = Vec::new();
        for (month, target) in targets.range(..bill_month) {
            let now = target.accounts.get(account);
            let then = self.billed.get(&(account.clone(), *month));
            let shared = now.zip(then).is_some_and(|(now, then)| Arc::ptr_eq(now, then));
            let (now, then) = (now.map_or(&none, |of| of), then.map_or(&none, |of| of));
            if !shared && now != then {
                adjustments.extend(adjust_lines(*month, now, then));
                adjustments.extend(adjust_shares(*month, now, then));
                adjustments.extend(adjust_tax(*month, now, then));
            }
        }
        adjustments
    }
}

fn shares(target: Option<&MonthTarget>, of: &AccountMonth) -> Vec<BillShare> {
    let share = |(pool, share): (&crate::event::PoolId, &super::target::Share)| {
        let rated = target?.pools.get(pool)?;
        Some(BillShare {
            amount_minor: share.amount,
            energy_mwh: share.energy,
            pool: pool.clone(),
            pool_amount_minor: rated.amount(),
            pool_energy_mwh: rated.energy(),
            rules: rated.rules(),
        })
    };
    of.shared.iter().filter_map(share).collect()
}

fn blank(month: Month, amount: Money) -> BillAdjustment {
    BillAdjustment {
        amount_minor: amount,
        days: None,
        line: None,
        month,
        pool: None,
        quantity: None,
        tax: None,
        unit: None,
    }
}

fn adjust_lines(month: Month, now: &AccountMonth, then: &AccountMonth) -> Vec<BillAdjustment> {
    let keys: BTreeSet<_> = now.lines.keys().chain(then.lines.keys()).collect();
    let mut all = Vec::new();
    for key in keys {
        let (line, before) = (now.lines.get(key), then.lines.get(key));
        let amount = |line: Option<&crate::rating::Line>| line.map_or(Money::ZERO, |line| line.amount);
        let quantity = |line: Option<&crate::rating::Line>| line.map_or(0, |line| line.quantity);
        let days = |line: Option<&crate::rating::Line>| line.and_then(|line| line.days);
        let of_days =
            days(line).or(days(before)).map(|_| days(line).unwrap_or(0).saturating_sub(days(before).unwrap_or(0)));
        let (money, energy) = (amount(line) - amount(before), quantity(line).saturating_sub(quantity(before)));
        if money.is_zero() && energy == 0 && of_days.unwrap_or(0) == 0 {
            continue;
        }
        let unit = line.or(before).map_or(Unit::Kwh, |line| line.unit);
        let same_unit = line.zip(before).is_none_or(|(a, b)| a.unit == b.unit);
        all.push(BillAdjustment {
            days: of_days,
            line: Some(key.sorted()),
            quantity: same_unit.then_some(energy),
            unit: same_unit.then_some(unit),
            ..blank(month, money)
        });
    }
    all
}

fn adjust_shares(month: Month, now: &AccountMonth, then: &AccountMonth) -> Vec<BillAdjustment> {
    let pools: BTreeSet<_> = now.shared.keys().chain(then.shared.keys()).collect();
    let of =
        |of: &AccountMonth, pool| of.shared.get(pool).map_or((Energy::ZERO, Money::ZERO), |s| (s.energy, s.amount));
    let mut all = Vec::new();
    for pool in pools {
        let ((energy, amount), (energy_then, amount_then)) = (of(now, pool), of(then, pool));
        let (energy, amount) = (energy - energy_then, amount - amount_then);
        if !(energy.is_zero() && amount.is_zero()) {
            all.push(BillAdjustment {
                pool: Some(pool.clone()),
                quantity: Some(energy.get()),
                unit: Some(Unit::Kwh),
                ..blank(month, amount)
            });
        }
    }
    all
}

fn adjust_tax(month: Month, now: &AccountMonth, then: &AccountMonth) -> Vec<BillAdjustment> {
    let names: BTreeSet<&String> = now.tax.iter().chain(&then.tax).map(|tax| &tax.name).collect();
    let of = |of: &AccountMonth, name: &String| {
        of.tax.as_ref().filter(|tax| tax.name == *name).map_or(Money::ZERO, |tax| tax.amount)
    };
    let differences = names.into_iter().map(|name| (name, of(now, name) - of(then, name)));
    let some = differences.filter(|(_, amount)| !amount.is_zero());
    some.map(|(name, amount)| BillAdjustment { tax: Some(name.clone()), ..blank(month, amount) }).collect()
}

fn totals(of: &AccountMonth, adjustments: &[BillAdjustment]) -> BillTotals {
    let adjusted: Money = adjustments.iter().map(|one| one.amount_minor).sum();
    let energy = of.lines.iter().filter(|(key, _)| key.component == Component::Energy);
    BillTotals {
        adjustments_minor: adjusted,
        charges_minor: of.charges() + adjusted,
        indoor_minor: of.indoor(),
        indoor_mwh: energy.map(|(_, line)| Energy::new(line.quantity)).sum(),
        shared_minor: of.shared_amount(),
        shared_mwh: of.shared.values().map(|share| share.energy).sum(),
        tax_minor: of.tax.as_ref().map_or(Money::ZERO, |tax| tax.amount),
    }
}

fn lines(of: &AccountMonth) -> Vec<BillLine> {
    let line = |(key, line): (&crate::event::LineKey, &crate::rating::Line)| BillLine {
        amount_minor: line.amount,
        days: line.days,
        interpolated_mwh: line.interpolated,
        key: key.sorted(),
        of_days: line.of_days,
        price: line.price,
        quantity: line.quantity,
        round: line.round,
        unit: line.unit,
    };
    of.lines.iter().map(line).collect()
}

/// Whether nothing stands on it (BILLING §9); silence alone makes no bill.
fn is_empty(bill: &BillIssued) -> bool {
    bill.opening_balance_minor.is_zero()
        && bill.recharges.is_empty()
        && bill.postings.is_empty()
        && bill.indoor.is_empty()
        && bill.shared.is_empty()
        && bill.adjustments.is_empty()
}

/// Cuts a bill that is too long for one event.
fn parts(whole: BillIssued) -> Vec<BillIssued> {
    let lens =
        [whole.indoor.len(), whole.adjustments.len(), whole.recharges.len(), whole.shared.len(), whole.postings.len()];
    let count = lens.into_iter().map(|len| len.div_ceil(ROWS_A_PART)).max().unwrap_or(1).max(1);
    let number = |index: usize| i64::try_from(index).expect("few parts");
    let mut bill = whole.clone();
    let (mut indoor, mut adjustments) = (whole.indoor.into_iter(), whole.adjustments.into_iter());
    let (mut recharges, mut shared) = (whole.recharges.into_iter(), whole.shared.into_iter());
    let mut postings = whole.postings.into_iter();
    let mut all = Vec::new();
    for part in 1..=count {
        bill.part = number(part);
        bill.parts = number(count);
        bill.indoor = indoor.by_ref().take(ROWS_A_PART).collect();
        bill.adjustments = adjustments.by_ref().take(ROWS_A_PART).collect();
        bill.recharges = recharges.by_ref().take(ROWS_A_PART).collect();
        bill.shared = shared.by_ref().take(ROWS_A_PART).collect();
        bill.postings = postings.by_ref().take(ROWS_A_PART).collect();
        all.push(bill.clone());
    }
    all
}
