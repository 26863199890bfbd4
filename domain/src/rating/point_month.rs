//! A point's month: its slices and its lines by account.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Arc;

use super::counter::Counters;
use super::demand;
use super::energy::{EnergyLines, RatedEnergy};
use super::facts::{Carry, Facts};
use super::line::{Line, amount_of_days, amount_of_energy, named_key};
use super::month_shape::MonthShape;
use super::surcharge::complete;
use crate::event::{AccountId, Component, LineKey, Per, PointId, PointRegistered, Rounding, TariffId, Unit, UnitId};
use crate::premises::{Holder, Premises, Subject};
use crate::quantity::{Date, Energy, Instant, Money, Month, Power};
use crate::tariff::{MonthTerms, PeriodCut, Price, Tariff};

/// How far a target goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Horizon {
    /// The site's first settled day.
    pub first_day: Date,
    /// Energy counts before this instant.
    pub until: Instant,
    /// Days held count up to this one.
    pub last_day: Date,
}

/// A slice of a point.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PointSlice {
    /// Whose energy.
    pub point: PointId,
    /// Its local day.
    pub day: Date,
    /// Its start.
    pub from: Instant,
    /// Its end.
    pub until: Instant,
    /// Who holds the unit.
    pub holder: Holder,
    /// Tariff, version and period; none without a tariff in force.
    pub tariff: Option<(TariffId, i64, Arc<str>)>,
    /// Its energy.
    pub energy: Energy,
    /// Whether it is interpolated.
    pub interpolated: bool,
}

/// A point's month to date: the fold of its days. A day is added without a look
/// at those before it; what changes a day that is in it, makes it be folded anew.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PointMonth {
    /// Energy by day, whoever held the unit.
    pub day_energy: BTreeMap<Date, Energy>,
    /// The slices of the days that were added last: of all days of a fold from the month's start.
    pub slices: Vec<PointSlice>,
    /// The first settled day on which an account that leases used energy without a tariff.
    pub bare: BTreeMap<AccountId, Date>,
    /// Energy of the slices with a tariff.
    pub charged: Energy,
    /// The accounts that held the point.
    pub holders: BTreeSet<AccountId>,
    started: Counters,
    counters: Counters,
    carry: Carry,
    /// All slices of the month, where a tariff depends on the whole of it; its lines are then rated from them.
    whole: Option<Vec<PointSlice>>,
    energy: BTreeMap<AccountId, EnergyLines>,
    held: BTreeMap<(AccountId, i64, TariffId), i64>,
    /// Highest power by account, version, tariff and number of the charge.
    peaks: BTreeMap<(AccountId, i64, TariffId, usize), Power>,
    next: Option<Date>,
}

impl PointMonth {
    /// Without a day; `counters` stand at the month's start.
    pub fn new(counters: Counters) -> Self {
        Self { started: counters.clone(), counters, ..Self::default() }
    }

    /// Whether it began with these counters.
    pub fn started_with(&self, counters: &Counters) -> bool {
        self.started == *counters
    }

    /// The tier counters at the end of its days.
    pub const fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Whether it keeps all slices of the month, because a tariff depends on the whole of it.
    pub const fn keeps_month(&self) -> bool {
        self.whole.is_some()
    }

    /// All slices of the month; none where no tariff depends on it.
    pub fn whole(&self) -> &[PointSlice] {
        self.whole.as_deref().unwrap_or_default()
    }

    /// What bands and scaled bounds go by.
    pub fn shape(&self, premises: &Premises, point: &PointId, month: Month) -> MonthShape {
        MonthShape::of_point(premises, point, month, self.whole())
    }

    /// Whether a day is in it.
    pub fn has(&self, day: Date) -> bool {
        self.next.is_some_and(|next| day < next)
    }

    /// Adds the days up to the horizon that are not in it. After a day that the
    /// horizon cuts nothing can be added.
    pub fn extend(
        &mut self,
        facts: &Facts<'_>,
        point: &PointRegistered,
        unit: &UnitId,
        month: Month,
        horizon: Horizon,
    ) {
        let calendar = &facts.premises.calendar;
        let mut day = self.next.unwrap_or_else(|| month.first().max(horizon.first_day));
        if self.next.is_none() {
            self.whole = facts.premises.depends_on_month().then(Vec::new);
        }
        let last = month.last();
        if day <= last && calendar.start_of(day) < horizon.until {
            self.slices.clear();
        }
        while day <= last && calendar.start_of(day) < horizon.until {
            self.add_day(facts, point, unit, day, horizon);
            day = day.next();
            self.next = Some(day);
        }
    }

    fn add_day(&mut self, facts: &Facts<'_>, point: &PointRegistered, unit: &UnitId, day: Date, horizon: Horizon) {
        let premises = facts.premises;
        let tariff = premises.tariff_on(&Subject::Point(point.id.clone()), day);
        let day_end = premises.calendar.end_of(day);
        let max_gap_s = premises.max_gap_on(day);
        let known = self.slices.len();
        for cut in &*slice_cuts(facts, unit, tariff, day, day_end.min(horizon.until)) {
            let (energy, interpolated) = facts.slice(&point.id, cut.from, cut.until, max_gap_s, &mut self.carry);
            let holder = premises.holder_at(unit, cut.from);
            *self.day_energy.entry(day).or_default() += energy;
            if !self.holders.contains(&holder.account) {
                self.holders.insert(holder.account.clone());
            }
            if let Some(tariff) = tariff {
                self.charged += energy;
                let slice = RatedEnergy {
                    tariff,
                    period: cut.period,
                    day,
                    holder: Some(&holder),
                    energy,
                    interpolated: if interpolated { energy } else { Energy::ZERO },
                    terms: MonthTerms::default(),
                };
                if self.whole.is_none() {
                    let lines = self.energy.entry(holder.account.clone()).or_default();
                    lines.rate(&point.id, slice, &mut self.counters);
                } else if !energy.is_zero() {
                    self.counters.add(tariff, cut.period, Some(&holder), day, energy);
                }
            } else if holder.leased && !energy.is_zero() && day <= horizon.last_day {
                self.bare.entry(holder.account.clone()).or_insert(day);
            }
            let tariff =
                tariff.map(|t| (t.id.clone(), t.version, t.periods.get(cut.period).cloned().unwrap_or_default()));
            let (from, until, point) = (cut.from, cut.until, point.id.clone());
            let slice = PointSlice { point, day, from, until, holder, tariff, energy, interpolated };
            if let Some(whole) = &mut self.whole {
                whole.push(slice.clone());
            }
            self.slices.push(slice);
        }
        let Some(tariff) = tariff else { return };
        self.add_peaks(facts, tariff, known);
        if day <= horizon.last_day {
            let holder = premises.holder_at_end(unit, day_end);
            let days = self.held.entry((holder.account, tariff.version, tariff.id.clone())).or_default();
            *days = days.saturating_add(1);
        }
    }

    /// Demand charges look at one day at a time: their intervals begin at
    /// multiples of their length after midnight, so none lies in two days.
    fn add_peaks(&mut self, facts: &Facts<'_>, tariff: &Tariff, known: usize) {
        let of_day = self.slices.get(known..).unwrap_or_default();
        for (number, charge) in tariff.demand.iter().enumerate() {
            let mut accounts: Vec<&AccountId> = of_day.iter().map(|slice| &slice.holder.account).collect();
            accounts.sort_unstable();
            accounts.dedup();
            for account in accounts {
                let slices: Vec<&PointSlice> = of_day.iter().filter(|slice| slice.holder.account == *account).collect();
                let highest = demand::highest(facts, &slices, tariff, charge);
                let Some(power) = highest.map(|peak| peak.power) else { continue };
                let key = (account.clone(), tariff.version, tariff.id.clone(), number);
                let peak = self.peaks.entry(key).or_default();
                *peak = power.max(*peak);
            }
        }
    }

    /// Its lines by account.
    pub fn lines(
        &self,
        facts: &Facts<'_>,
        point: &PointId,
        month: Month,
        last_day: Date,
    ) -> BTreeMap<AccountId, BTreeMap<LineKey, Line>> {
        let decimals = facts.premises.site().currency_decimals;
        let shape = self.shape(facts.premises, point, month);
        let whole = self.whole.as_deref().map(|slices| self.rate_whole(facts.premises, point, &shape, slices));
        let energy = whole.as_ref().unwrap_or(&self.energy);
        let of_energy = energy.iter().map(|(account, lines)| (account.clone(), lines.lines(decimals)));
        let mut all: BTreeMap<AccountId, BTreeMap<LineKey, Line>> = of_energy.collect();
        for ((account, version, id), days) in &self.held {
            let version_of = facts.premises.tariffs.get(&(id.clone(), *version));
            let tariff = version_of.expect("a version in force is known");
            let peak = |number| self.peaks.get(&(account.clone(), *version, id.clone(), number)).copied();
            let terms = shape.account(tariff, account);
            let held = Held { tariff, days: *days, of_days: i64::from(month.days()), decimals, terms };
            held.lines(point, peak, last_day >= month.last(), all.entry(account.clone()).or_default());
        }
        for tariff in facts.premises.tariffs.values().filter(|tariff| tariff.adds_by_lines()) {
            for (account, lines) in &mut all {
                complete(lines, point, tariff, shape.account(tariff, account), decimals);
            }
        }
        all
    }

    /// Rates all slices of the month by its shape, from the counters at its start.
    fn rate_whole(
        &self,
        premises: &Premises,
        point: &PointId,
        shape: &MonthShape,
        slices: &[PointSlice],
    ) -> BTreeMap<AccountId, EnergyLines> {
        let mut counters = self.started.clone();
        let mut energy: BTreeMap<AccountId, EnergyLines> = BTreeMap::new();
        for slice in slices {
            let Some((id, version, period)) = &slice.tariff else { continue };
            let tariff = premises.tariffs.get(&(id.clone(), *version)).expect("a version in force is known");
            let period = tariff.periods.iter().position(|name| name == period).expect("a period of its version");
            let of_slice = RatedEnergy {
                tariff,
                period,
                day: slice.day,
                holder: Some(&slice.holder),
                energy: slice.energy,
                interpolated: if slice.interpolated { slice.energy } else { Energy::ZERO },
                terms: shape.tenancy(tariff, Some(&slice.holder)),
            };
            energy.entry(slice.holder.account.clone()).or_default().rate(point, of_slice, &mut counters);
        }
        energy
    }
}

/// The cuts of a day: periods and changes of lease (BILLING §4).
fn slice_cuts(facts: &Facts<'_>, unit: &UnitId, tariff: Option<&Tariff>, day: Date, end: Instant) -> Rc<[PeriodCut]> {
    let periods = facts.period_cuts(tariff, day, end);
    let leases = facts.premises.leases_of(unit).iter();
    let mut changes: Vec<Instant> = leases.flat_map(|lease| [Some(lease.from), lease.until]).flatten().collect();
    let start = facts.premises.calendar.start_of(day);
    changes.retain(|at| start < *at && *at < end);
    if changes.is_empty() {
        return periods;
    }
    changes.sort_unstable();
    let mut cuts = Vec::new();
    for period in &*periods {
        let mut from = period.from;
        for change in changes.iter().filter(|at| period.from < **at && **at < period.until) {
            if *change > from {
                cuts.push(PeriodCut { from, until: *change, ..*period });
                from = *change;
            }
        }
        cuts.push(PeriodCut { from, ..*period });
    }
    cuts.into()
}

/// A version under which days of a month are held: fixed, demand and minimum lines are by them.
struct Held<'a> {
    tariff: &'a Tariff,
    days: i64,
    of_days: i64,
    decimals: u8,
    terms: MonthTerms,
}

impl Held<'_> {
    /// Adds the lines to those of the account; the minimum only where the month has ended.
    fn lines(
        &self,
        point: &PointId,
        peak: impl Fn(usize) -> Option<Power>,
        ended: bool,
        of_account: &mut BTreeMap<LineKey, Line>,
    ) {
        let Self { tariff, days, of_days, decimals, terms } = *self;
        let round = tariff.round_lines;
        for charge in &tariff.fixed {
            let key = named_key(point, tariff, Component::Fixed, Some(&charge.name));
            let amount = tariff.banded(&charge.amounts, terms);
            of_account.insert(key, fixed_line(charge.per, amount, (days, of_days), decimals, round));
        }
        for (number, charge) in tariff.demand.iter().enumerate() {
            let Some(peak) = peak(number) else { continue };
            let mut below = Power::ZERO;
            for (tier, number) in charge.tiers.iter().zip(1i64..) {
                let top = tier.up_to.map_or(peak, |bound| bound.min(peak));
                let power = top - below;
                if power <= Power::ZERO {
                    continue;
                }
                below = top;
                let mut key = named_key(point, tariff, Component::Demand, Some(&charge.name));
                key.period = charge.period.map(|period| tariff.period_name(period).to_owned());
                key.tier = Some(number);
                let amount = amount_of_energy(power.get(), tier.price, decimals, Some((days, of_days)), round.as_ref());
                of_account.insert(key, by_month(power.get(), Unit::Kw, tier.price, (days, of_days), round, amount));
            }
        }
        if let (Some(minimum), true) = (tariff.minimum, ended) {
            let of_version =
                of_account.iter().filter(|(key, _)| key.tariff == tariff.id && key.version == tariff.version);
            let others: Money = of_version.map(|(_, line)| line.amount).sum();
            let missing = amount_of_days(days, of_days, minimum, decimals, round.as_ref()) - others;
            if missing > Money::ZERO {
                let key = named_key(point, tariff, Component::Minimum, None);
                of_account.insert(key, by_month(1, Unit::Month, minimum, (days, of_days), round, missing));
            }
        }
    }
}

/// A line by the month.
fn by_month(
    quantity: i64,
    unit: Unit,
    price: Price,
    (days, of_days): (i64, i64),
    round: Option<Rounding>,
    amount: Money,
) -> Line {
    Line {
        quantity,
        unit,
        price: price.published,
        days: Some(days),
        of_days: Some(of_days),
        interpolated: Energy::ZERO,
        amount,
        round,
    }
}

/// A fixed line to date.
pub(crate) fn fixed_line(
    per: Per,
    price: Price,
    (days, of_days): (i64, i64),
    decimals: u8,
    round: Option<Rounding>,
) -> Line {
    match per {
        Per::Day => {
            let amount = amount_of_days(days, 1, price, decimals, round.as_ref());
            Line { days: None, of_days: None, ..by_month(days, Unit::Day, price, (days, of_days), round, amount) }
        }
        Per::Month => {
            let amount = amount_of_days(days, of_days, price, decimals, round.as_ref());
            by_month(1, Unit::Month, price, (days, of_days), round, amount)
        }
    }
}
