//! The state of a site: a fold over its facts, and the runs that it decides.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::dirty::Dirty;
use super::due::{Due, RunKind};
use super::error::BillingError;
use super::month_as_of::MonthAsOf;
use super::target::{AccountMonth, MonthTarget, Rating};
use crate::compliance::Compliance;
use crate::event::{AccountId, BillIssued, Body, Event, MeterId, PointId, RechargeReceived, sha256};
use crate::ledger::Ledger;
use crate::metering::Metering;
use crate::premises::Premises;
use crate::quantity::{Date, Instant, Money, Month};
use crate::rating::{Counters, Facts, Horizon, PointMonth};

/// The version of the rules code. A change that alters any golden case is a new one.
pub const RULES_VERSION: i64 = 1;

/// A run's decisions, in the order in which they are appended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// When and what for.
    pub due: Due,
    /// The decisions; the last is `DaySettled`.
    pub decisions: Vec<Body>,
}

/// How far targets go: energy before an instant, days held up to a day.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reach {
    pub(super) until: Instant,
    pub(super) last_day: Date,
}

/// The state of a site.
#[derive(Debug, Clone, Default)]
pub struct Site {
    pub(super) premises: Premises,
    pub(super) metering: Metering,
    pub(super) ledger: Ledger,
    pub(super) compliance: Compliance,
    /// Targets as of the last run: what is posted.
    pub(super) targets: BTreeMap<Month, MonthTarget>,
    /// Targets as of the last bill.
    pub(super) billed: BTreeMap<(AccountId, Month), Arc<AccountMonth>>,
    pub(super) closing: BTreeMap<AccountId, Money>,
    pub(super) bills: i64,
    pub(super) issued: BTreeMap<i64, Vec<BillIssued>>,
    /// The events of issued bills in the log: positions and leaf hashes, by number.
    bill_events: BTreeMap<i64, Vec<(u64, [u8; 32])>>,
    /// How the month of each issued bill stood when it was issued.
    as_issued: BTreeMap<i64, Arc<MonthAsOf>>,
    pub(super) settled_to: Option<Date>,
    pub(super) last_run: Option<Due>,
    pub(super) holding: bool,
    pub(super) held: super::hold::Held,
    next_bill: Option<Month>,
    first_day: Option<Date>,
    dirty: Dirty,
    /// Refunds at the instant of the next run, each with the cash left after it.
    refunds_at_due: Vec<(Instant, Money, RechargeReceived)>,
    pub(super) position: u64,
    digest: Vec<u8>,
}

impl Site {
    /// A site without a fact.
    pub fn new() -> Self {
        Self::default()
    }

    /// What is in force.
    pub fn premises(&self) -> &Premises {
        &self.premises
    }

    /// The meters' curves.
    pub fn metering(&self) -> &Metering {
        &self.metering
    }

    /// The cash side.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// The law's rules that the site is under.
    pub fn compliance(&self) -> &Compliance {
        &self.compliance
    }

    /// The issued bills, by number; long ones in parts.
    pub fn issued(&self) -> &BTreeMap<i64, Vec<BillIssued>> {
        &self.issued
    }

    /// Position and leaf hash of each event that a bill was recorded in; nothing of one that is not in the log.
    pub fn bill_events(&self, number: i64) -> &[(u64, [u8; 32])] {
        self.bill_events.get(&number).map_or(&[], Vec::as_slice)
    }

    /// How the month of an issued bill stood when it was issued, by the bill's number.
    pub fn as_issued(&self, number: i64) -> Option<&Arc<MonthAsOf>> {
        self.as_issued.get(&number)
    }

    /// What is posted, by month.
    pub fn targets(&self) -> &BTreeMap<Month, MonthTarget> {
        &self.targets
    }

    /// The last day that is settled.
    pub fn settled_to(&self) -> Option<Date> {
        self.settled_to
    }

    /// The last run.
    pub fn last_run(&self) -> Option<Due> {
        self.last_run
    }

    /// The first settled day: the local day of the earliest installation.
    pub fn first_day(&self) -> Option<Date> {
        self.first_day.or_else(|| {
            let first = self.premises.meters.values().map(|meter| meter.installed).min()?;
            Some(self.premises.calendar.day_of(first))
        })
    }

    /// Takes up an event of the log; decisions have no effect, since the core
    /// derives them again: of bills it is noted where they stand. A fact that is refused leaves the site as it was.
    pub fn apply(&mut self, event: &Event, leaf: &[u8; 32]) -> Result<(), BillingError> {
        match &event.body {
            Body::ReadingsRecorded(batch) => self.metering.record(event.position, event.received, batch),
            Body::ReadingWithdrawn(data) => self.metering.withdraw(&data.meter, data.reading_time, event.received),
            Body::ReadingReleased(data) => self.metering.release(&data.meter, data.reading_time, event.received),
            Body::RechargeReceived(data) => {
                self.check_refund(event.time, data)?;
                self.ledger.recharge(event.time, data);
            }
            Body::RechargeSuspended(data) => self.ledger.suspend(event.time, data),
            Body::ApprovalsSet(_) => {
                self.premises.apply(&event.body);
            }
            Body::PostingMade(data) => self.ledger.post(event.time, event.received, data),
            Body::MeterInstalled(data) => {
                if let Some(first) = self.first_day.filter(|day| data.installed < self.premises.calendar.start_of(*day))
                {
                    return Err(BillingError::BeforeFirstDay { meter: data.id.clone(), at: data.installed, first });
                }
                self.metering.install(data, event.received)?;
                self.structure_changed(&event.body);
            }
            Body::SiteRegistered(_)
            | Body::CalendarPublished(_)
            | Body::UnitRegistered(_)
            | Body::PointRegistered(_)
            | Body::AccountOpened(_)
            | Body::LeaseRecorded(_)
            | Body::TariffPublished(_)
            | Body::TariffAssigned(_)
            | Body::PoolDefined(_)
            | Body::RulePublished(_)
            | Body::TaxSet(_)
            | Body::HolidayDeclared(_)
            | Body::AreaMeasured(_)
            | Body::PoolPointsChanged(_)
            | Body::MaxGapSet(_) => self.structure_changed(&event.body),
            Body::ComplianceChosen(_) | Body::SupplierBillReceived(_) | Body::ConsentGiven(_) => {
                self.compliance.apply(&event.body);
            }
            Body::ChangeRecorded(_)
            | Body::Supply(_)
            | Body::Alarm(_)
            | Body::Payment(_)
            | Body::ChangeProposed(_)
            | Body::PoolDayAllocated(_)
            | Body::AccountSettled(_)
            | Body::DaySettled(_)
            | Body::BillHeld(_)
            | Body::FindingRaised(_) => {}
            Body::BillIssued(bill) => {
                self.bill_events.entry(bill.number).or_default().push((event.position, *leaf));
            }
        }
        self.position = event.position;
        if !event.body.is_decision() {
            self.digest.extend_from_slice(leaf);
        }
        Ok(())
    }

    fn structure_changed(&mut self, body: &Body) {
        self.dirty.take_up(&self.premises, body);
        self.premises.apply(body);
    }

    fn check_refund(&mut self, at: Instant, data: &RechargeReceived) -> Result<(), BillingError> {
        if data.kind != crate::event::RechargeKind::Refund {
            return Ok(());
        }
        if !self.holding && self.next_due().is_some_and(|due| due.at == at) {
            let cash = self.ledger.cash(&data.account, at) - Money::new(data.amount_minor);
            self.refunds_at_due.push((at, cash, data.clone()));
            return Ok(());
        }
        let left = self.balance(&data.account, at) - Money::new(data.amount_minor);
        if left < Money::ZERO {
            let (account, reference) = (data.account.clone(), data.reference.clone());
            return Err(BillingError::RefundAboveBalance { account, reference, at });
        }
        Ok(())
    }

    /// A refund at the very instant of a run goes by that run (BILLING §7).
    fn check_refunds_at_due(&mut self) -> Result<(), BillingError> {
        let next = self.next_due().map(|due| due.at);
        let ripe = |at: Instant| next.is_none_or(|next| next > at);
        let (now, later): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.refunds_at_due).into_iter().partition(|(at, ..)| ripe(*at));
        self.refunds_at_due = later;
        for (at, cash, data) in now {
            let counted = self.ledger.cash(&data.account, at);
            if self.balance(&data.account, at) - counted + cash < Money::ZERO {
                let (account, reference) = (data.account, data.reference);
                return Err(BillingError::RefundAboveBalance { account, reference, at });
            }
        }
        Ok(())
    }

    /// The settled balance of an account with the cash up to an instant.
    pub fn balance(&self, account: &AccountId, at: Instant) -> Money {
        let opening = self.premises.accounts.get(account).copied().unwrap_or_default();
        let months = self.targets.values().filter_map(|month| month.accounts.get(account));
        let charges: Money = months.map(|of| of.charges()).sum();
        opening + self.ledger.cash(account, at) - charges
    }

    /// The next run, by the facts known now.
    pub fn next_due(&self) -> Option<Due> {
        let site = self.premises.site.as_ref()?;
        let calendar = &self.premises.calendar;
        let day = self.settled_to.map(Date::next).or_else(|| self.first_day());
        let settlement =
            day.map(|day| Due { at: calendar.end_of(day).plus(site.settle_after_s), kind: RunKind::Settlement(day) });
        let bill = self
            .next_bill_month()
            .map(|month| Due { at: calendar.end_of(month.last()).plus(site.bill_after_s), kind: RunKind::Bill(month) });
        settlement.into_iter().chain(bill).min()
    }

    fn next_bill_month(&self) -> Option<Month> {
        self.next_bill.or_else(|| {
            let cash = self.ledger.first().map(|at| self.premises.calendar.day_of(at).month());
            self.first_day().map(Date::month).into_iter().chain(cash).min()
        })
    }

    /// Decides a run: every settled day anew, and the differences as decisions.
    /// The facts received up to its instant, and no others, must have been applied.
    pub fn decide(&mut self, due: Due) -> Result<Run, BillingError> {
        self.judge(due.at)?;
        if let RunKind::Settlement(day) = due.kind {
            self.first_day = self.first_day();
            self.settled_to = Some(day);
        }
        let (seen, bills) = (self.position, self.bills);
        let fresh = self.fresh()?;
        self.dirty = Dirty::default();
        self.metering.take_changed();
        let mut decisions = self.differences(due, &fresh);
        for (month, target) in fresh {
            self.targets.insert(month, target);
        }
        decisions.extend(self.release(due));
        if let RunKind::Bill(month) = due.kind {
            decisions.extend(self.raise(month, due));
            decisions.extend(self.issue(month, due));
            self.next_bill = Some(month.next());
        }
        self.last_run = Some(due);
        self.keep_as_issued(bills);
        self.check_refunds_at_due()?;
        let digest = sha256(&[&self.digest]);
        self.digest.clear();
        decisions.push(super::settle::closing(due, seen, &digest, &decisions));
        Ok(Run { due, decisions })
    }

    /// Keeps how the months of the bills after a number stand: those of the run that is being decided.
    fn keep_as_issued(&mut self, after: i64) {
        let mut kept: BTreeMap<Month, Arc<MonthAsOf>> = BTreeMap::new();
        let fresh = self.issued.range(after.saturating_add(1)..);
        let fresh: Vec<(i64, Month)> =
            fresh.filter_map(|(number, parts)| Some((*number, parts.first()?.month))).collect();
        for (number, month) in fresh {
            let of = kept.entry(month).or_insert_with(|| Arc::new(self.month_as_of(month))).clone();
            self.as_issued.insert(number, of);
        }
    }

    /// The last day whose settlement is due by an instant.
    pub(super) fn settled_by(&self, at: Instant) -> Option<Date> {
        let site = self.premises.site.as_ref()?;
        let mut settled = self.settled_to;
        let mut next = settled.map(Date::next).or_else(|| self.first_day())?;
        while self.premises.calendar.end_of(next).plus(site.settle_after_s) <= at {
            settled = Some(next);
            next = next.next();
        }
        settled
    }

    /// From when on energies are others, of a meter whose register is another
    /// from an instant on. A virtual point that waited for the next meter of a
    /// member has waited since the last reading of the others (BILLING §3).
    fn heard_from(&self, meter: &MeterId, from: Instant, counted: &BTreeSet<&PointId>) -> Instant {
        let Some(table) = self.premises.meters.get(meter).filter(|table| counted.contains(&table.point)) else {
            return from;
        };
        let others = || self.premises.meters_of(&table.point).filter(|one| one.id != *meter);
        let last = others().filter_map(|one| self.metering.register(&one.id)?.last_accepted()).max();
        let since = last.or_else(|| others().map(|one| one.installed).min());
        since.map_or(from, |since| from.min(since))
    }

    /// The months whose target differs from what is posted.
    fn fresh(&self) -> Result<BTreeMap<Month, MonthTarget>, BillingError> {
        let Some(last_day) = self.settled_to else { return Ok(BTreeMap::new()) };
        let to = Reach { until: self.premises.calendar.end_of(last_day), last_day };
        self.rated(&self.premises, to, &self.targets, &self.changed())
    }

    /// What changed since the last run.
    pub(super) fn changed(&self) -> Dirty {
        let mut dirty = self.dirty.clone();
        let first = self.first_day().map(|day| self.premises.calendar.start_of(day).plus(1));
        let formulas = self.premises.points.values().flat_map(|point| &point.formula);
        let counted: BTreeSet<&PointId> = formulas.map(|term| &term.point).collect();
        for (meter, from) in self.metering.changed() {
            let from = self.heard_from(meter, from, &counted);
            dirty.register_changed(&self.premises, meter, first.map_or(from, |first| from.max(first)));
        }
        dirty.spread(&self.premises);
        dirty
    }

    /// The months up to a horizon whose targets are others than those known.
    pub(super) fn rated(
        &self,
        premises: &Premises,
        to: Reach,
        known: &BTreeMap<Month, MonthTarget>,
        dirty: &Dirty,
    ) -> Result<BTreeMap<Month, MonthTarget>, BillingError> {
        let mut fresh = BTreeMap::new();
        let Some(first_day) = self.first_day() else { return Ok(fresh) };
        let facts = Facts::new(premises, &self.metering);
        let Reach { until, last_day } = to;
        let by = Rating { facts: &facts, horizon: Horizon { first_day, until, last_day }, dirty };
        let dirty_from = dirty.first().map(|day| day.max(first_day).month());
        let known_to = known.keys().next_back().copied();
        let mut month =
            known_to.map_or(first_day.month(), |known_to| dirty_from.map_or(known_to, |from| from.min(known_to)));
        while premises.calendar.start_of(month.first()) < until {
            let latest = |all: &BTreeMap<Month, MonthTarget>| all.range(..month).next_back().map(|(month, _)| *month);
            let before = latest(&fresh).max(latest(known)).and_then(|month| fresh.get(&month).or(known.get(&month)));
            if let Some(target) = MonthTarget::rate(month, known.get(&month), before, by)? {
                fresh.insert(month, self.checked(target)?);
            }
            month = month.next();
        }
        Ok(fresh)
    }

    /// The targets up to another horizon by the facts known now, from zero: nothing is posted.
    pub fn targets_until(&self, until: Instant, last_day: Date) -> Result<BTreeMap<Month, MonthTarget>, BillingError> {
        self.rated(&self.premises, Reach { until, last_day }, &BTreeMap::new(), &Dirty::everything())
    }

    /// The targets up to a day that is not before the last settled one, by the facts known now: nothing is posted.
    pub(super) fn targets_to(&self, last_day: Date) -> Result<BTreeMap<Month, MonthTarget>, BillingError> {
        let to = Reach { until: self.premises.calendar.end_of(last_day), last_day };
        let mut all = self.targets.clone();
        all.extend(self.rated(&self.premises, to, &self.targets, &self.changed())?);
        Ok(all)
    }

    /// The targets at an instant, of the months in which they differ from what
    /// is posted: those of the others are as posted.
    pub fn targets_at(&self, now: Instant) -> Result<BTreeMap<Month, MonthTarget>, BillingError> {
        let last_day = self.premises.calendar.day_of(now).previous();
        self.rated(&self.premises, Reach { until: now, last_day }, &self.targets, &self.changed())
    }

    /// The target of the month of a settled day as it was up to that day, by the facts known now.
    pub fn target_back_to(&self, day: Date) -> Result<Option<MonthTarget>, BillingError> {
        let Some(first_day) = self.first_day() else { return Ok(None) };
        let (facts, dirty) = (Facts::new(&self.premises, &self.metering), Dirty::everything());
        let horizon = Horizon { first_day, until: self.premises.calendar.end_of(day), last_day: day };
        let before = self.targets.range(..day.month()).next_back().map(|(_, target)| target);
        MonthTarget::rate(day.month(), None, before, Rating { facts: &facts, horizon, dirty: &dirty })
    }

    /// The month of a unit's point up to an instant, from zero, by the facts known now.
    pub fn point_month(&self, point: &PointId, month: Month, until: Instant) -> Option<PointMonth> {
        let point = self.premises.points.get(point)?;
        let (unit, first_day) = (point.unit.as_ref()?, self.first_day()?);
        let facts = Facts::new(&self.premises, &self.metering);
        let mut rated = PointMonth::new(self.counters_before(&point.id, month));
        let horizon = Horizon { first_day, until, last_day: self.premises.calendar.day_of(until).previous() };
        rated.extend(&facts, point, unit, month, horizon);
        Some(rated)
    }

    /// The tier counters of a unit's point at a month's start, settled or not.
    pub fn counters_before(&self, point: &PointId, month: Month) -> Counters {
        let eve = month.first().previous();
        let open = self.settled_to.is_none_or(|day| day < eve) && self.first_day().is_some_and(|day| day <= eve);
        if open {
            let until = self.premises.calendar.start_of(month.first());
            let rated = self.point_month(point, eve.month(), until);
            return rated.map(|rated| rated.counters().clone()).unwrap_or_default();
        }
        let before = self.targets.range(..month).next_back().map(|(_, target)| target.counters_of(point));
        before.unwrap_or_default()
    }

    /// Judges the readings received up to an instant, for live views.
    pub fn advance(&mut self, now: Instant) -> Result<(), BillingError> {
        self.judge(now)
    }
}
