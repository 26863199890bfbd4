//! Months and days of an account: energy by period, and charges by day as they are posted; the tiers of now.

use std::collections::BTreeMap;

use domain::billing::AccountMonth;
use domain::event::{AccountId, Component, PointId, TaxMode};
use domain::premises::Subject;
use domain::quantity::{Date, Energy, Money, Month, UNITS_PER_ONE, div_round, to_units};
use domain::rating::{Facts, Horizon, PointMonth, PointSlice};
use serde::Serialize;
use utoipa::ToSchema;

use super::{Amount, Kwh, QueryError, View, When};

/// Energy of a period.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct PeriodKwh {
    /// The period; none without a tariff.
    pub period: Option<String>,
    /// Its energy.
    pub kwh: Kwh,
}

/// A month of an account, to date.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct MonthSum {
    /// The local month.
    pub month: String,
    /// Energy of its own points.
    pub kwh: Kwh,
    /// By period.
    pub periods: Vec<PeriodKwh>,
    /// Its share of the pools' energy.
    pub shared_kwh: Kwh,
    /// Charges for its own points.
    pub indoor: Amount,
    /// Its shares of the pools' costs.
    pub shared: Amount,
    /// Tax that is added.
    pub tax: Amount,
    /// All charges.
    pub charges: Amount,
    /// The bill's number, once it is issued.
    pub bill: Option<i64>,
}

/// A day of an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct DaySum {
    /// The local day.
    pub day: String,
    /// Energy of its own points.
    pub kwh: Kwh,
    /// By period.
    pub periods: Vec<PeriodKwh>,
    /// How much of it is interpolated.
    pub interpolated: Kwh,
    /// Charges for its own points.
    pub indoor: Amount,
    /// Its shares of the pools' costs.
    pub shared: Amount,
    /// Tax that is added.
    pub tax: Amount,
    /// All charges: over the month they add up to the month's.
    pub charges: Amount,
    /// Whether the day is settled.
    pub settled: bool,
}

/// The days of a month.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Days {
    /// The account.
    pub account: String,
    /// The local month.
    pub month: String,
    /// Up to when energy is counted.
    pub as_of: When,
    /// The days, up to today.
    pub days: Vec<DaySum>,
    /// Charges of the month to date: the sum of the days'.
    pub charges: Amount,
}

/// A tier of the prices in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Tier {
    /// From 1.
    pub tier: i64,
    /// Up to where the counter is in it; none on the last.
    pub up_to: Option<Kwh>,
    /// The published price of a kWh.
    pub price: String,
}

/// Where a point stands in its tiers now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct TierProgress {
    /// The point.
    pub point: String,
    /// The tariff.
    pub tariff: String,
    /// Its version.
    pub version: i64,
    /// The period of now.
    pub period: String,
    /// When tiers start anew: `day`, `month`, `year` or `none`.
    pub window: String,
    /// What is counted since then.
    pub used: Kwh,
    /// The tier of now.
    pub tier: i64,
    /// Where it ends; none on the last.
    pub bound: Option<Kwh>,
    /// The published price of a kWh now.
    pub price_now: String,
    /// That of the tier above; none on the last.
    pub price_next: Option<String>,
    /// All tiers of the period, rising.
    pub tiers: Vec<Tier>,
}

type Periods = BTreeMap<Option<String>, Energy>;

pub(super) fn periods_of(sums: Periods) -> Vec<PeriodKwh> {
    sums.into_iter().map(|(period, energy)| PeriodKwh { period, kwh: Kwh::new(energy) }).collect()
}

/// The energy lines of an account's month by period.
pub(super) fn energy_by_period(of: &AccountMonth) -> Periods {
    let mut sums = Periods::new();
    for (key, line) in of.lines.iter().filter(|(key, _)| key.component == Component::Energy) {
        *sums.entry(key.period.clone()).or_default() += Energy::new(line.quantity);
    }
    sums
}

fn month_sum(view: &View<'_>, account: &AccountId, month: Month, of: &AccountMonth) -> MonthSum {
    let show = view.show();
    let sums = energy_by_period(of);
    let issued = view.site.issued().values().filter_map(|parts| parts.first());
    let mut bills = issued.filter(|bill| bill.account == *account && bill.month == month);
    MonthSum {
        month: month.to_string(),
        kwh: Kwh::new(sums.values().copied().sum()),
        periods: periods_of(sums),
        shared_kwh: Kwh::new(of.shared.values().map(|share| share.energy).sum()),
        indoor: show.money(of.indoor()),
        shared: show.money(of.shared_amount()),
        tax: show.money(of.tax.as_ref().map_or(Money::ZERO, |tax| tax.amount)),
        charges: show.money(of.charges()),
        bill: bills.next().map(|bill| bill.number),
    }
}

/// The months of an account from the first settled day to now, the newest first.
pub fn months(view: &View<'_>, account: &AccountId) -> Result<Vec<MonthSum>, QueryError> {
    view.account(account)?;
    let nothing = AccountMonth::default();
    let sum = |month| {
        let of = view.target(month).and_then(|target| target.accounts.get(account));
        month_sum(view, account, month, of.map_or(&nothing, |of| of))
    };
    Ok(view.months().rev().map(sum).collect())
}

/// What an account's points cost to date, day by day.
struct Indoor<'a> {
    point: &'a PointId,
    rated: PointMonth,
    slices: Vec<PointSlice>,
    to_date: Money,
}

/// The days of an account's month, up to today.
pub fn days(view: &View<'_>, account: &AccountId, month: Month) -> Result<Days, QueryError> {
    view.account(account)?;
    let premises = view.premises();
    let facts = Facts::new(premises, view.site.metering());
    let (first_day, now) = (view.site.first_day().unwrap_or(month.last().next()), view.until());
    let of_units = premises.points.values().filter(|point| point.unit.is_some()).map(|point| &point.id);
    let target = view.target(month);
    let holds = |point: &&PointId| target.is_none_or(|target| target.holders_of(point).any(|one| one == account));
    let indoor = |point: &'_ PointId| PointMonth::new(view.site.counters_before(point, month));
    let mut points: Vec<Indoor<'_>> = of_units
        .filter(holds)
        .map(|point| Indoor { point, rated: indoor(point), slices: Vec::new(), to_date: Money::ZERO })
        .collect();
    let (mut days, mut before) = (Vec::new(), ToDate::default());
    let mut day = month.first().max(first_day);
    while day <= month.last() && premises.calendar.start_of(day) < now {
        let end = premises.calendar.end_of(day).min(now);
        let last_day = premises.calendar.day_of(end).previous();
        for one in &mut points {
            one.add(view, &facts, account, month, Horizon { first_day, until: end, last_day });
        }
        let to_date = ToDate::at(view, account, day, points.iter().map(|one| one.to_date).sum());
        let slices: Vec<&PointSlice> = points.iter().flat_map(|one| &one.slices).collect();
        days.push(day_sum(view, day, &slices, (before, to_date)));
        before = to_date;
        day = day.next();
    }
    let (account, month) = (account.to_string(), month.to_string());
    let charges = view.show().money(before.indoor + before.shared + before.tax);
    Ok(Days { account, month, as_of: view.show().when(now), days, charges })
}

impl Indoor<'_> {
    /// Adds a day: its slices, and the lines to date.
    fn add(&mut self, view: &View<'_>, facts: &Facts<'_>, account: &AccountId, month: Month, horizon: Horizon) {
        let point = view.premises().points.get(self.point);
        let Some((point, unit)) = point.and_then(|point| Some((point, point.unit.as_ref()?))) else { return };
        self.rated.extend(facts, point, unit, month, horizon);
        self.slices = self.rated.slices.iter().filter(|slice| slice.holder.account == *account).cloned().collect();
        let lines = self.rated.lines(facts, self.point, month, horizon.last_day);
        let of = lines.get(account).into_iter().flat_map(BTreeMap::values).filter(|line| line.quantity != 0);
        self.to_date = of.map(|line| line.amount).sum();
    }
}

/// Charges of a month up to a day.
#[derive(Debug, Clone, Copy, Default)]
struct ToDate {
    indoor: Money,
    shared: Money,
    tax: Money,
}

impl ToDate {
    fn at(view: &View<'_>, account: &AccountId, day: Date, indoor: Money) -> Self {
        let pools = view.target(day.month()).into_iter().flat_map(|target| target.pools.values());
        let share = |pool: &domain::allocation::PoolMonth| {
            let until = pool.days.iter().rev().find(|one| one.day <= day);
            until.and_then(|one| one.accounts.get(account)).map_or(Money::ZERO, |of| of.amount)
        };
        let shared = pools.map(share).sum::<Money>();
        let tax = view.premises().tax_on(day.month().first()).filter(|tax| tax.mode == TaxMode::Exclusive);
        let of_tax = tax.and_then(|tax| {
            let top = i128::from((indoor + shared).get()).checked_mul(to_units(tax.rate)?)?;
            i64::try_from(div_round(top, UNITS_PER_ONE)).ok().map(Money::new)
        });
        Self { indoor, shared, tax: of_tax.unwrap_or_default() }
    }
}

fn day_sum(view: &View<'_>, day: Date, slices: &[&PointSlice], (before, now): (ToDate, ToDate)) -> DaySum {
    let show = view.show();
    let mut sums = Periods::new();
    for slice in slices {
        let period = slice.tariff.as_ref().map(|(_, _, period)| period.to_string());
        *sums.entry(period).or_default() += slice.energy;
    }
    let interpolated = slices.iter().filter(|slice| slice.interpolated).map(|slice| slice.energy).sum();
    let (indoor, shared, tax) = (now.indoor - before.indoor, now.shared - before.shared, now.tax - before.tax);
    DaySum {
        day: day.to_string(),
        kwh: Kwh::new(sums.values().copied().sum()),
        periods: periods_of(sums),
        interpolated: Kwh::new(interpolated),
        indoor: show.money(indoor),
        shared: show.money(shared),
        tax: show.money(tax),
        charges: show.money(indoor + shared + tax),
        settled: view.site.settled_to().is_some_and(|settled| day <= settled),
    }
}

/// Where the points that an account leases stand in their tiers now.
pub fn tiers(view: &View<'_>, account: &AccountId) -> Result<Vec<TierProgress>, QueryError> {
    view.account(account)?;
    let premises = view.premises();
    let leased = premises.points.values().filter(|point| {
        let holder = point.unit.as_ref().map(|unit| premises.holder_at(unit, view.until()));
        holder.is_some_and(|holder| holder.leased && holder.account == *account)
    });
    Ok(leased.filter_map(|point| progress(view, &point.id)).collect())
}

fn progress(view: &View<'_>, point: &PointId) -> Option<TierProgress> {
    let (premises, now) = (view.premises(), view.until());
    let today = premises.calendar.day_of(now);
    let tariff = premises.tariff_on(&Subject::Point(point.clone()), today)?;
    let unit = premises.points.get(point)?.unit.as_ref()?;
    let holder = premises.holder_at(unit, now);
    let wall = now.plus(premises.calendar.offset_at(now)).get().rem_euclid(86_400).div_euclid(60);
    let period = tariff.period_at(premises.calendar.wall_date(now), u16::try_from(wall).ok()?, &premises.holidays);
    let rated = view.site.point_month(point, today.month(), now)?;
    let terms = rated.shape(premises, point, today.month()).tenancy(tariff, Some(&holder));
    let used = rated.counters().clone().at(tariff, period, Some(&holder), today);
    let prices = tariff.prices(period, today.month().number(), terms)?;
    let tier = |(tier, number): (&domain::tariff::PriceTier<Energy>, i64)| Tier {
        tier: number,
        up_to: tier.up_to.map(|bound| Kwh::new(tariff.bound(bound, terms))),
        price: tier.price.published.to_string(),
    };
    let tiers: Vec<Tier> = prices.tiers.iter().zip(1i64..).map(tier).collect();
    let open = |one: &&Tier| one.up_to.as_ref().is_none_or(|bound| bound.mwh > used.get());
    let now = tiers.iter().find(open)?.clone();
    let next = tiers.iter().find(|one| one.tier > now.tier).map(|one| one.price.clone());
    Some(TierProgress {
        point: point.to_string(),
        tariff: tariff.id.to_string(),
        version: tariff.version,
        period: tariff.period_name(period).to_owned(),
        window: super::room::name_of(tariff.tier_window),
        used: Kwh::new(used),
        tier: now.tier,
        bound: now.up_to,
        price_now: now.price,
        price_next: next,
        tiers,
    })
}
