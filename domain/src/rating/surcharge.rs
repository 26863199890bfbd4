//! Surcharge lines, and the line that rounds a total: both are computed from a
//! version's other lines, once these are there.

use std::collections::BTreeMap;

use super::line::{Line, named_key};
use crate::event::{Component, LineKey, PointId, Unit};
use crate::quantity::{Energy, Money, UNITS_PER_ONE};
use crate::tariff::{MonthTerms, SurchargeTerms, Tariff, round_to};

/// Adds the surcharges of a version to the lines of its point or pool, then what rounds their sum.
pub(crate) fn complete(
    lines: &mut BTreeMap<LineKey, Line>,
    point: &PointId,
    tariff: &Tariff,
    terms: MonthTerms,
    decimals: u8,
) {
    for surcharge in &tariff.surcharges {
        let bases = bases(lines, point, tariff, surcharge);
        lines.extend(bases.into_iter().filter_map(|(key, base)| {
            let line = surcharge_line(tariff, surcharge, base, terms, decimals)?;
            Some((key, line))
        }));
    }
    round_total(lines, point, tariff, decimals);
}

fn of_version<'a>(
    lines: &'a BTreeMap<LineKey, Line>,
    point: &'a PointId,
    tariff: &'a Tariff,
) -> impl Iterator<Item = (&'a LineKey, &'a Line)> {
    lines.iter().filter(move |(key, _)| key.point == *point && key.tariff == tariff.id && key.version == tariff.version)
}

/// The key of the surcharge's line that a line is in the base of.
fn key_on(key: &LineKey, tariff: &Tariff, surcharge: &SurchargeTerms) -> LineKey {
    let whole = named_key(&key.point, tariff, Component::Surcharge, Some(&surcharge.name));
    if surcharge.each {
        LineKey { season: key.season, period: key.period.clone(), tier: key.tier, ..whole }
    } else {
        whole
    }
}

/// The lines that a surcharge, minimum or rounding line is computed from; none of other lines.
pub fn lines_under<'a>(
    lines: &'a BTreeMap<LineKey, Line>,
    of: &'a LineKey,
    tariff: &'a Tariff,
) -> Vec<(&'a LineKey, &'a Line)> {
    let surcharge = tariff.surcharges.iter().find(|surcharge| of.name.as_ref() == Some(&surcharge.name));
    let is_under = |key: &LineKey| match of.component {
        Component::Surcharge => surcharge.is_some_and(|it| it.is_on(key) && key_on(key, tariff, it) == *of),
        Component::Minimum => !matches!(key.component, Component::Minimum | Component::Surcharge | Component::Rounding),
        Component::Rounding => key.component != Component::Rounding,
        Component::Energy | Component::Adder | Component::Demand | Component::Fixed => false,
    };
    of_version(lines, &of.point, tariff).filter(|(key, _)| is_under(key)).collect()
}

/// The keys of a surcharge's lines, each with the sum of the amounts that it is on.
fn bases(
    lines: &BTreeMap<LineKey, Line>,
    point: &PointId,
    tariff: &Tariff,
    surcharge: &SurchargeTerms,
) -> BTreeMap<LineKey, Money> {
    let mut bases: BTreeMap<LineKey, Money> = BTreeMap::new();
    for (key, line) in of_version(lines, point, tariff).filter(|(key, _)| surcharge.is_on(key)) {
        *bases.entry(key_on(key, tariff, surcharge)).or_default() += line.amount;
    }
    bases
}

/// `base × rate`; none where either is 0.
fn surcharge_line(
    tariff: &Tariff,
    surcharge: &SurchargeTerms,
    base: Money,
    terms: MonthTerms,
    decimals: u8,
) -> Option<Line> {
    let rate = tariff.banded(&surcharge.rates, terms);
    if base.is_zero() || rate.units == 0 {
        return None;
    }
    let round = surcharge.round.or(tariff.round_lines);
    let top = i128::from(base.get()).checked_mul(rate.units).expect("amounts and rates are bounded");
    let minor = round_to(round.as_ref(), decimals, top, UNITS_PER_ONE);
    Some(Line {
        quantity: base.get(),
        unit: Unit::Amount,
        price: rate.published,
        days: None,
        of_days: None,
        interpolated: Energy::ZERO,
        amount: Money::new(i64::try_from(minor).expect("rates are bounded")),
        round,
    })
}

/// The total, rounded, less the total.
fn round_total(lines: &mut BTreeMap<LineKey, Line>, point: &PointId, tariff: &Tariff, decimals: u8) {
    let Some(round) = tariff.round_total else { return };
    let total: Money = of_version(lines, point, tariff).map(|(_, line)| line.amount).sum();
    let rounded = round_to(Some(&round), decimals, total.get().into(), 1);
    let amount = Money::new(i64::try_from(rounded).expect("about the total")) - total;
    if !amount.is_zero() {
        let line = Line {
            quantity: total.get(),
            unit: Unit::Amount,
            price: round.to,
            days: None,
            of_days: None,
            interpolated: Energy::ZERO,
            amount,
            round: Some(round),
        };
        lines.insert(named_key(point, tariff, Component::Rounding, None), line);
    }
}
