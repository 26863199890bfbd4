//! What of a tariff depends on the whole month: its energy chooses bands, its
//! days scale bounds.

use super::rounding::round_to;
use super::version::{EnergyPrices, Price, PriceTier, Tariff};
use crate::quantity::Energy;

const KWH_DECIMALS: u8 = 6;

/// A tenancy's month under a tariff, whatever the version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MonthTerms {
    /// Its energy to date: what bands are chosen by.
    pub energy: Energy,
    /// The days of the month that it holds, those to come included.
    pub days: i64,
    /// The days of the month.
    pub of_days: i64,
}

impl Tariff {
    /// Whether any price or bound depends on the whole month.
    pub fn depends_on_month(&self) -> bool {
        self.scale.is_some()
            || self.energy.iter().any(|row| row.band.is_some())
            || self.fixed.iter().any(|charge| charge.amounts.len() > 1)
            || self.surcharges.iter().any(|surcharge| surcharge.rates.len() > 1)
    }

    /// Whether any of its lines is computed from its other lines.
    pub fn adds_by_lines(&self) -> bool {
        !self.surcharges.is_empty() || self.round_total.is_some()
    }

    /// A bound as it applies: `bound × days ÷ of_days` where the version scales its bounds.
    pub fn bound(&self, bound: Energy, terms: MonthTerms) -> Energy {
        let Some(scale) = &self.scale else { return bound };
        let days = i128::from(terms.days.max(1));
        let of_days = scale.of_days.unwrap_or(terms.of_days).max(1);
        let top = i128::from(bound.get()).checked_mul(days).expect("energy is bounded");
        let scaled = round_to(scale.round.as_ref(), KWH_DECIMALS, top, of_days.into());
        Energy::new(i64::try_from(scaled).expect("energy is bounded"))
    }

    /// The price of the band that the month's energy lies in.
    pub fn banded(&self, bands: &[PriceTier<Energy>], terms: MonthTerms) -> Price {
        let within =
            |band: &&PriceTier<Energy>| band.up_to.is_none_or(|bound| terms.energy <= self.bound(bound, terms));
        bands.iter().find(within).map(|band| band.price).expect("the last band has no bound")
    }

    /// The prices of a period in a month (1 to 12), in the band that the month's energy lies in.
    pub fn prices(&self, period: usize, month: u32, terms: MonthTerms) -> Option<&EnergyPrices> {
        self.energy.iter().find(|row| {
            row.period == period
                && row.in_month(month)
                && row.band.is_none_or(|bound| terms.energy <= self.bound(bound, terms))
        })
    }

    /// The bounds at which the month's energy changes its band, as they apply, in rising order.
    pub fn band_bounds(&self, terms: MonthTerms) -> Vec<Energy> {
        let rows = self.energy.iter().filter_map(|row| row.band);
        let rates = self.surcharges.iter().flat_map(|surcharge| &surcharge.rates).filter_map(|band| band.up_to);
        let mut bounds: Vec<Energy> = rows.chain(rates).map(|bound| self.bound(bound, terms)).collect();
        bounds.sort_unstable();
        bounds.dedup();
        bounds
    }
}
