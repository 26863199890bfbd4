//! Energy and adder lines: slices are split at tier thresholds, to the mWh.

use std::collections::BTreeMap;

use super::counter::Counters;
use super::line::{Line, amount_of_energy, energy_key, named_key};
use crate::event::{Component, LineKey, PointId, Rounding, Unit};
use crate::premises::Holder;
use crate::quantity::{Date, Energy};
use crate::tariff::{MonthTerms, Price, Tariff};

/// A slice ready to be rated.
#[derive(Debug, Clone, Copy)]
pub struct RatedEnergy<'a> {
    /// Its tariff version.
    pub tariff: &'a Tariff,
    /// Index of its period.
    pub period: usize,
    /// Its local day.
    pub day: Date,
    /// Who holds the point; none of a pool.
    pub holder: Option<&'a Holder>,
    /// Its energy.
    pub energy: Energy,
    /// How much of it is interpolated.
    pub interpolated: Energy,
    /// What of the month its prices and bounds go by.
    pub terms: MonthTerms,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Sum {
    energy: Energy,
    interpolated: Energy,
    price: Price,
    round: Option<Rounding>,
}

/// Sums of energy by line.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EnergyLines(BTreeMap<LineKey, Sum>);

impl EnergyLines {
    fn put(&mut self, key: LineKey, tariff: &Tariff, price: Price, energy: Energy, interpolated: Energy) {
        let (nothing, round) = (Energy::ZERO, tariff.round_lines);
        let sum = self.0.entry(key).or_insert(Sum { energy: nothing, interpolated: nothing, price, round });
        sum.energy += energy;
        sum.interpolated += interpolated;
    }

    /// Rates a slice of `point` and counts it.
    pub fn rate(&mut self, point: &PointId, slice: RatedEnergy<'_>, counters: &mut Counters) {
        let RatedEnergy { tariff, period, day, holder, energy, interpolated, terms } = slice;
        if energy.is_zero() {
            return;
        }
        let month = day.month().number();
        let prices = tariff.prices(period, month, terms).expect("a tariff with a gap is refused before it is appended");
        let mut counter = counters.at(tariff, period, holder, day);
        let (mut left, mut left_interpolated) = (energy, interpolated);
        for (tier, number) in prices.tiers.iter().zip(1i64..) {
            let room = tier.up_to.map_or(left, |bound| (tariff.bound(bound, terms) - counter).max(Energy::ZERO));
            let part = left.min(room);
            if part.is_zero() {
                continue;
            }
            let part_interpolated = left_interpolated.min(part);
            let key = energy_key(point, tariff, period, prices.season, number);
            self.put(key, tariff, tier.price, part, part_interpolated);
            left -= part;
            left_interpolated -= part_interpolated;
            counter += part;
        }
        for (name, price) in &tariff.adders {
            let key = named_key(point, tariff, Component::Adder, Some(name));
            self.put(key, tariff, *price, energy, interpolated);
        }
        counters.add(tariff, period, holder, day, energy);
    }

    /// The energy lines' keys, prices and energies, before any rounding.
    pub fn energies(&self) -> impl Iterator<Item = (&LineKey, Price, Energy)> {
        let energy = self.0.iter().filter(|(key, _)| key.component == Component::Energy);
        energy.map(|(key, sum)| (key, sum.price, sum.energy))
    }

    /// The lines to date.
    pub fn lines(&self, decimals: u8) -> BTreeMap<LineKey, Line> {
        let line = |sum: &Sum| Line {
            quantity: sum.energy.get(),
            unit: Unit::Kwh,
            price: sum.price.published,
            days: None,
            of_days: None,
            interpolated: sum.interpolated,
            amount: amount_of_energy(sum.energy.get(), sum.price, decimals, None, sum.round.as_ref()),
            round: sum.round,
        };
        self.0.iter().map(|(key, sum)| (key.clone(), line(sum))).collect()
    }
}
