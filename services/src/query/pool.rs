//! How a pool's day was split, and where a site's energy went.

use domain::allocation::{PartSplit, PoolDay, basis_name};
use domain::event::{PointId, PointKind, PoolId, UnitId};
use domain::quantity::{Date, Energy, Instant, Money, show_scaled};
use domain::rating::{Carry, Facts};
use serde::Serialize;
use utoipa::ToSchema;

use super::{Amount, Kwh, QueryError, View, When};

/// A pool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct PoolRow {
    /// The pool.
    pub pool: String,
    /// For people.
    pub name: String,
    /// Its points today.
    pub points: Vec<String>,
    /// The version of the rule in force today.
    pub rule: Option<i64>,
}

/// A unit's share of a part of a pool's day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct AllocationShare {
    /// The unit.
    pub unit: String,
    /// Who holds it at the day's end.
    pub account: String,
    /// m², 1, percent or kWh.
    pub weight: String,
    /// Its energy.
    pub kwh: Kwh,
    /// Its cost in major units, with nine decimals below the minor one.
    pub cost: String,
}

/// A part of a pool's day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct AllocationPart {
    /// From 1.
    pub part: i64,
    /// Of the day's total.
    pub percent: String,
    /// What the rule says.
    pub basis: String,
    /// What was used where all weights were 0: `area`, `equal`, `fixed`, `consumption` or `landlord`.
    pub applied: String,
    /// The sum of the weights; none where the landlord takes all.
    pub total_weight: Option<String>,
    /// Its energy.
    pub kwh: Kwh,
    /// Its cost in major units, with nine decimals below the minor one.
    pub cost: String,
    /// Energy that rounding down leaves to the landlord.
    pub rest_kwh: Kwh,
    /// Cost that rounding down leaves to the landlord.
    pub rest_cost: String,
    /// By unit.
    pub shares: Vec<AllocationShare>,
}

/// What an account bears of the pool's month up to the day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct AllocationAccount {
    /// The account.
    pub account: String,
    /// Energy to date.
    pub kwh_to_date: Kwh,
    /// Amount to date: all accounts' add up to the pool's.
    pub amount_to_date: Amount,
}

/// A pool's day and how it was split.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Allocation {
    /// The pool.
    pub pool: String,
    /// For people.
    pub name: String,
    /// The local day.
    pub day: String,
    /// The version of the rule in force; none before the first.
    pub rule: Option<i64>,
    /// Its energy.
    pub kwh: Kwh,
    /// How much of it is interpolated.
    pub interpolated: Kwh,
    /// Its cost.
    pub amount: Amount,
    /// The month's cost up to it.
    pub amount_to_date: Amount,
    /// Energy that no part gets: the landlord's.
    pub rest_kwh: Kwh,
    /// Cost that no part gets: the landlord's.
    pub rest_cost: String,
    /// The parts, in the rule's order.
    pub parts: Vec<AllocationPart>,
    /// The accounts.
    pub accounts: Vec<AllocationAccount>,
    /// Whether shares and remainders add up to the energy and cost of the day, and accounts to the month's cost.
    pub adds_up: bool,
    /// Whether the day is settled.
    pub settled: bool,
}

/// Energy of a point.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct PointKwh {
    /// The point.
    pub point: String,
    /// Its unit.
    pub unit: Option<String>,
    /// Its energy.
    pub kwh: Kwh,
}

/// Where a site's energy went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct EnergyFlow {
    /// Its start.
    pub from: When,
    /// Its end.
    pub until: When,
    /// What the main meters measured; none without one.
    pub main: Option<Kwh>,
    /// The sum of the units.
    pub units: Kwh,
    /// The sum of common points.
    pub common: Kwh,
    /// Main less units and common.
    pub losses: Option<Kwh>,
    /// Losses in percent of main, with two decimals, cut.
    pub losses_percent: Option<String>,
    /// Every point that is not virtual.
    pub points: Vec<PointKwh>,
}

/// The pools of a site.
pub fn pools(view: &View<'_>) -> Vec<PoolRow> {
    let premises = view.premises();
    let today = premises.calendar.day_of(view.until());
    let row = |(id, pool): (&PoolId, &domain::premises::Pool)| PoolRow {
        pool: id.to_string(),
        name: pool.name.clone(),
        points: premises.pool_points(id, today).iter().map(ToString::to_string).collect(),
        rule: premises.rule_on(id, today).map(|rule| rule.version),
    };
    premises.pools.iter().map(row).collect()
}

/// How a pool's day was split, by the facts of now.
pub fn allocation(view: &View<'_>, pool: &PoolId, day: Date) -> Result<Allocation, QueryError> {
    let known = view.premises().pools.get(pool).ok_or_else(|| QueryError::UnknownPool(pool.clone()))?;
    let rated = view.target(day.month()).and_then(|target| target.pools.get(pool));
    let split = rated.and_then(|rated| rated.days.iter().find(|one| one.day == day));
    let split = split.ok_or_else(|| QueryError::NothingOnDay { pool: pool.clone(), day })?;
    let show = view.show();
    let decimals = usize::from(view.premises().site().currency_decimals);
    let cost = |nano: i128| show_scaled(nano, decimals.saturating_add(9), decimals);
    let account = |(id, of): (&domain::event::AccountId, &domain::allocation::PoolAccount)| AllocationAccount {
        account: id.to_string(),
        kwh_to_date: Kwh::new(of.energy),
        amount_to_date: show.money(of.amount),
    };
    Ok(Allocation {
        pool: pool.to_string(),
        name: known.name.clone(),
        day: day.to_string(),
        rule: split.split.rule,
        kwh: Kwh::new(split.energy),
        interpolated: Kwh::new(split.interpolated),
        amount: show.money(split.amount),
        amount_to_date: show.money(split.amount_to_date),
        rest_kwh: Kwh::new(split.split.rest_energy),
        rest_cost: cost(split.split.rest_nano),
        parts: split.split.parts.iter().zip(1i64..).map(|(one, number)| part(one, number, cost)).collect(),
        accounts: split.accounts.iter().map(account).collect(),
        adds_up: adds_up(split),
        settled: view.site.settled_to().is_some_and(|settled| day <= settled),
    })
}

fn part(one: &PartSplit, number: i64, cost: impl Fn(i128) -> String) -> AllocationPart {
    let share = |share: &domain::allocation::ShareOf| AllocationShare {
        unit: share.unit.to_string(),
        account: share.account.to_string(),
        weight: one.weight_text(share.weight),
        kwh: Kwh::new(share.energy),
        cost: cost(share.nano),
    };
    AllocationPart {
        part: number,
        percent: one.percent.to_string(),
        basis: basis_name(one.basis).to_owned(),
        applied: one.applied.map_or("landlord", basis_name).to_owned(),
        total_weight: one.applied.map(|_| one.weight_text(one.total_weight)),
        kwh: Kwh::new(one.energy),
        cost: cost(one.nano),
        rest_kwh: Kwh::new(one.rest_energy),
        rest_cost: cost(one.rest_nano),
        shares: one.shares.iter().map(share).collect(),
    }
}

/// Whether a day's shares and remainders are its energy and its cost.
fn adds_up(day: &PoolDay) -> bool {
    let of_part = |part: &PartSplit| {
        let energy = part.shares.iter().map(|share| share.energy).sum::<Energy>() + part.rest_energy;
        let nano = part.shares.iter().map(|share| share.nano).fold(part.rest_nano, i128::saturating_add);
        energy == part.energy && nano == part.nano
    };
    let parts = &day.split.parts;
    let energy = parts.iter().map(|part| part.energy).sum::<Energy>() + day.split.rest_energy;
    let nano = parts.iter().map(|part| part.nano).fold(day.split.rest_nano, i128::saturating_add);
    let whole = i128::from(day.amount.get()).saturating_mul(1_000_000_000);
    let to_date = day.accounts.values().map(|of| of.amount).sum::<Money>();
    parts.iter().all(of_part) && energy == day.energy && nano == whole && to_date == day.amount_to_date
}

/// Where a site's energy went over `[from, until)`, up to now.
pub fn energy_flow(view: &View<'_>, from: Instant, until: Instant) -> Result<EnergyFlow, QueryError> {
    if from >= until {
        return Err(QueryError::EmptyRange { from, until });
    }
    let until = until.min(view.until()).max(from);
    let facts = Facts::new(view.premises(), view.site.metering());
    let (mut main, mut units, mut common) = (None::<Energy>, Energy::ZERO, Energy::ZERO);
    let mut points = Vec::new();
    for point in view.premises().points.values() {
        let energy = energy_of(&facts, &point.id, from, until);
        match point.kind {
            PointKind::Main => main = Some(main.unwrap_or_default() + energy),
            PointKind::Unit => units += energy,
            PointKind::Common => common += energy,
            PointKind::Virtual => continue,
        }
        let unit = point.unit.as_ref().map(UnitId::to_string);
        points.push(PointKwh { point: point.id.to_string(), unit, kwh: Kwh::new(energy) });
    }
    let losses = main.map(|main| main - units - common);
    let percent = losses.zip(main).and_then(|(losses, main)| {
        let top = i128::from(losses.get()).checked_mul(10_000)?;
        Some(show_scaled(top.checked_div(main.get().into())?, 2, 2))
    });
    Ok(EnergyFlow {
        from: view.show().when(from),
        until: view.show().when(until),
        main: main.map(Kwh::new),
        units: Kwh::new(units),
        common: Kwh::new(common),
        losses: losses.map(Kwh::new),
        losses_percent: percent,
        points,
    })
}

fn energy_of(facts: &Facts<'_>, point: &PointId, from: Instant, until: Instant) -> Energy {
    facts.slice(point, from, until, i64::MAX, &mut Carry::new()).0
}
