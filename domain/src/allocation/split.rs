//! The split of a pool's day. Everyone's share is rounded down, and the
//! landlord bears what is left over (BILLING §6).

use std::collections::BTreeMap;

use crate::event::{AccountId, Basis, Part, RulePublished, UnitId, Vacant, Zero};
use crate::premises::Premises;
use crate::quantity::{Date, Energy, UNITS_PER_ONE, floor_div, show_scaled, to_units};
use rust_decimal::Decimal;

const HUNDRED: i128 = 10_000_000_000;

/// What is split on a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Day {
    /// The local day.
    pub day: Date,
    /// The pool's energy.
    pub energy: Energy,
    /// The pool's cost in nano-units.
    pub nano: i128,
}

/// A unit's share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShareOf {
    /// The unit.
    pub unit: UnitId,
    /// Who holds it at the day's end.
    pub account: AccountId,
    /// In units of 10⁻⁸ (m², 1, percent), or mWh.
    pub weight: i128,
    /// Its energy.
    pub energy: Energy,
    /// Its nano-units.
    pub nano: i128,
}

/// A part's split.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartSplit {
    /// Of the day's total.
    pub percent: Decimal,
    /// What the rule says.
    pub basis: Basis,
    /// What was used: the basis, or what `zero` says; none: the landlord takes all.
    pub applied: Option<Basis>,
    /// Sum of the weights.
    pub total_weight: i128,
    /// Energy of the part.
    pub energy: Energy,
    /// Nano-units of the part.
    pub nano: i128,
    /// Energy that no unit gets.
    pub rest_energy: Energy,
    /// Nano-units that no unit gets.
    pub rest_nano: i128,
    /// By unit.
    pub shares: Vec<ShareOf>,
}

/// A day's split.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Split {
    /// Version of the rule; none before the first.
    pub rule: Option<i64>,
    /// The parts.
    pub parts: Vec<PartSplit>,
    /// Energy that no part gets.
    pub rest_energy: Energy,
    /// Nano-units that no part gets.
    pub rest_nano: i128,
}

/// The word of a basis in rules, decisions and documents.
pub const fn basis_name(basis: Basis) -> &'static str {
    match basis {
        Basis::Area => "area",
        Basis::Consumption => "consumption",
        Basis::Equal => "equal",
        Basis::Fixed => "fixed",
    }
}

/// A weight as people read it: m², 1, percent, or kWh.
pub fn show_weight(basis: Basis, weight: i128) -> String {
    match basis {
        Basis::Consumption => show_scaled(weight, 6, 0),
        Basis::Area | Basis::Equal | Basis::Fixed => show_scaled(weight, 8, 0),
    }
}

impl PartSplit {
    /// A weight of this part as people read it.
    pub fn weight_text(&self, weight: i128) -> String {
        show_weight(self.applied.unwrap_or(self.basis), weight)
    }
}

fn times(a: i128, b: i128) -> i128 {
    a.checked_mul(b).expect("shares of bounded quantities fit i128")
}

fn energy_of(mwh: i128) -> Energy {
    Energy::new(i64::try_from(mwh).expect("a share is not above its total"))
}

struct Held<'a> {
    unit: &'a UnitId,
    account: AccountId,
    vacant: bool,
}

/// Splits a pool's day; `indoor` is the units' own energy of that day.
pub fn split_day(
    premises: &Premises,
    rule: Option<&RulePublished>,
    day: Day,
    indoor: &BTreeMap<UnitId, Energy>,
) -> Split {
    let Some(rule) = rule else {
        return Split { rest_energy: day.energy, rest_nano: day.nano, ..Split::default() };
    };
    let end = premises.calendar.end_of(day.day);
    let held: Vec<Held<'_>> = rule
        .units
        .iter()
        .map(|unit| {
            let holder = premises.holder_at_end(unit, end);
            Held { unit, account: holder.account, vacant: !holder.leased }
        })
        .collect();
    let parts: Vec<PartSplit> =
        rule.parts.iter().map(|part| split_part(premises, rule.vacant, part, day, &held, indoor)).collect();
    let rest_energy = day.energy - parts.iter().map(|part| part.energy).sum();
    let rest_nano = day.nano.saturating_sub(parts.iter().map(|part| part.nano).sum());
    Split { rule: Some(rule.version), parts, rest_energy, rest_nano }
}

fn split_part(
    premises: &Premises,
    vacant: Vacant,
    part: &Part,
    day: Day,
    held: &[Held<'_>],
    indoor: &BTreeMap<UnitId, Energy>,
) -> PartSplit {
    let percent = to_units(part.percent).expect("checked before it was appended");
    let of_part = |total: i128| floor_div(times(total, percent), HUNDRED);
    let (energy, nano) = (of_part(day.energy.get().into()), of_part(day.nano));
    let (applied, weights, total) = weigh(premises, vacant, part, day.day, held, indoor);
    let mut shares = Vec::new();
    if applied.is_some() {
        for (one, weight) in held.iter().zip(&weights) {
            let share = |whole: i128| floor_div(times(whole, *weight), total);
            shares.push(ShareOf {
                unit: one.unit.clone(),
                account: one.account.clone(),
                weight: *weight,
                energy: energy_of(share(energy)),
                nano: share(nano),
            });
        }
    }
    let shared_energy: Energy = shares.iter().map(|share| share.energy).sum();
    let shared_nano: i128 = shares.iter().map(|share| share.nano).sum();
    PartSplit {
        percent: part.percent,
        basis: part.basis,
        applied,
        total_weight: total,
        energy: energy_of(energy),
        nano,
        rest_energy: energy_of(energy) - shared_energy,
        rest_nano: nano.saturating_sub(shared_nano),
        shares,
    }
}

/// The weights of a part, and their total, by the basis or what stands in for it.
fn weigh(
    premises: &Premises,
    vacant: Vacant,
    part: &Part,
    day: Date,
    held: &[Held<'_>],
    indoor: &BTreeMap<UnitId, Energy>,
) -> (Option<Basis>, Vec<i128>, i128) {
    let left = |one: &Held<'_>| vacant == Vacant::Landlord || !one.vacant;
    let fixed = |unit: &UnitId| {
        let own = part.fixed.iter().find(|share| share.unit == *unit);
        own.map_or(0, |share| to_units(share.percent).expect("checked before it was appended"))
    };
    let weight = |basis: Basis, one: &Held<'_>| match basis {
        _ if !left(one) => 0,
        Basis::Area => premises.area_on(one.unit, day),
        Basis::Equal => UNITS_PER_ONE,
        Basis::Fixed => fixed(one.unit),
        Basis::Consumption => indoor.get(one.unit).copied().unwrap_or_default().get().into(),
    };
    let stand_in = match part.zero {
        Zero::Area => Some(Basis::Area),
        Zero::Equal => Some(Basis::Equal),
        Zero::Landlord => None,
    };
    for basis in [Some(part.basis), stand_in].into_iter().flatten() {
        let weights: Vec<i128> = held.iter().map(|one| weight(basis, one)).collect();
        let sum: i128 = weights.iter().sum();
        if sum > 0 {
            let all: i128 = part.fixed.iter().map(|share| fixed(&share.unit)).sum();
            let missing = HUNDRED.saturating_sub(all);
            let total = if basis == Basis::Fixed { sum.saturating_add(missing) } else { sum };
            return (Some(basis), weights, total);
        }
    }
    (None, Vec::new(), 0)
}
