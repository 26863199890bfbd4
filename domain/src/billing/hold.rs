//! Bills that cannot be issued: why they are held, and their issue once the
//! data are mended (BILLING §5: the live service holds the account's bill).

use std::collections::{BTreeMap, BTreeSet};

use super::due::Due;
use super::error::BillingError;
use super::site::Site;
use super::target::MonthTarget;
use crate::event::{AccountId, BillHeld, Body, HoldReason, MeterId, PointId};
use crate::metering::MeteringError;
use crate::quantity::{Date, Instant, Month};

/// A leased point that used energy on a settled day without a tariff.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bare {
    /// Whose bill lacks it.
    pub account: AccountId,
    /// The point.
    pub point: PointId,
    /// The first such day.
    pub day: Date,
}

/// Bills that are held, in the order in which they would be issued.
pub type Held = BTreeMap<(Month, AccountId), Vec<HoldReason>>;

impl Site {
    /// From now on a run holds the bill of an account whose data are in error, where it would stop otherwise.
    pub fn hold_errors(&mut self) {
        self.holding = true;
    }

    /// From now on a run stops at data that are in error.
    pub fn stop_at_errors(&mut self) {
        self.holding = false;
    }

    /// The bills that are held.
    pub fn held(&self) -> &Held {
        &self.held
    }

    /// Judges readings; a fault of a meter's table stops it only where errors are not held.
    pub(super) fn judge(&mut self, at: Instant) -> Result<(), BillingError> {
        match self.metering.advance(at) {
            Err(MeteringError::TableReadingQuarantined { .. }) if self.holding => Ok(()),
            other => Ok(other?),
        }
    }

    /// A target without an error, or one whose errors are held.
    pub(super) fn checked(&self, target: MonthTarget) -> Result<MonthTarget, BillingError> {
        match target.bare.first() {
            Some(bare) if !self.holding => Err(BillingError::NoTariff { point: bare.point.clone(), day: bare.day }),
            _ => Ok(target),
        }
    }

    /// Why each account's bill of a month cannot be issued.
    pub(super) fn hold_reasons(&self, month: Month) -> BTreeMap<AccountId, Vec<HoldReason>> {
        let mut reasons = self.forbidden(month);
        if !self.holding {
            return reasons;
        }
        for bare in self.targets.range(..=month).flat_map(|(_, target)| &target.bare) {
            let (day, point) = (Some(bare.day), Some(bare.point.clone()));
            let reason = HoldReason { code: "no_tariff".to_owned(), day, meter: None, point };
            reasons.entry(bare.account.clone()).or_default().push(reason);
        }
        for meter in self.metering.faulty() {
            for account in self.charged_for(meter, month) {
                let meter = Some(meter.clone());
                let reason = HoldReason { code: "meter_table".to_owned(), day: None, meter, point: None };
                reasons.entry(account).or_default().push(reason);
            }
        }
        reasons
    }

    /// The accounts whose bill of a month a meter's readings go into.
    fn charged_for(&self, meter: &MeterId, month: Month) -> BTreeSet<AccountId> {
        let (Some(table), Some(target)) = (self.premises.meters.get(meter), self.targets.get(&month)) else {
            return BTreeSet::new();
        };
        let mut accounts: BTreeSet<AccountId> = target.holders_of(&table.point).cloned().collect();
        let measures = |point: &PointId| {
            let formula = self.premises.points.get(point).map(|point| point.formula.as_slice()).unwrap_or_default();
            *point == table.point || formula.iter().any(|term| term.point == table.point)
        };
        let pools = self.premises.pools.keys();
        let pools = pools.filter(|pool| self.premises.pool_points(pool, month.last()).iter().any(measures));
        for pool in pools {
            let with_share = target.accounts.iter().filter(|(_, of)| of.shared.contains_key(pool));
            accounts.extend(with_share.map(|(account, _)| account.clone()));
        }
        accounts
    }

    /// Holds a bill, and says so.
    pub(super) fn hold(&mut self, account: AccountId, month: Month, reasons: Vec<HoldReason>, due: Due) -> Body {
        self.held.insert((month, account.clone()), reasons.clone());
        Body::BillHeld(BillHeld { account, month, reasons, run: due.kind.to_string() })
    }

    /// Issues the held bills whose data are mended; an account's months stay in order.
    pub(super) fn release(&mut self, due: Due) -> Vec<Body> {
        let mut bodies = Vec::new();
        let mut waiting: BTreeSet<AccountId> = BTreeSet::new();
        let mut reasons: BTreeMap<Month, BTreeMap<AccountId, Vec<HoldReason>>> = BTreeMap::new();
        for ((month, account), before) in std::mem::take(&mut self.held) {
            let of_month = reasons.entry(month).or_insert_with(|| self.hold_reasons(month));
            let now = of_month.get(&account).cloned().unwrap_or_default();
            if now.is_empty() && !waiting.contains(&account) {
                let silent = self.silent_at_end(month);
                bodies.extend(self.issue_one(&account, month, due.at, &silent));
                self.billed.retain(|(whose, _), _| *whose != account);
                let targets = self.targets.range(..=month);
                let billed = targets.filter_map(|(month, target)| Some((*month, target.accounts.get(&account)?)));
                self.billed.extend(billed.map(|(month, of)| ((account.clone(), month), of.clone())));
                continue;
            }
            waiting.insert(account.clone());
            if now == before || now.is_empty() {
                self.held.insert((month, account), before);
            } else {
                bodies.push(self.hold(account, month, now, due));
            }
        }
        bodies
    }
}
