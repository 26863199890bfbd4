//! Tiers of a month's energy and of its highest demand.

use crate::quantity::{Energy, Exact};
use crate::tariff::UrdbTier;

/// Energy in units of 10⁻²⁰ kWh, in which every bound is whole: bounds have at
/// most 20 decimals and are below 10¹⁵ kWh, energies below 2⁵³ mWh.
pub(super) const PLACES: u32 = 20;
const UNITS_PER_MWH: i128 = 100_000_000_000_000;

/// An energy in units of 10⁻²⁰ kWh.
pub(super) fn units(energy: Energy) -> i128 {
    i128::from(energy.get()).saturating_mul(UNITS_PER_MWH)
}

/// The bounds of a period's tiers in a month of so many days. After a tier without a bound nothing is left.
pub(super) fn bounds(tiers: &[UrdbTier], days: i32) -> Vec<i128> {
    let bound = |tier: &UrdbTier| {
        let up_to = tier.up_to.as_ref()?;
        let days = if tier.daily { days } else { 1 };
        let scaled = &(up_to * &Exact::of(days.into())) * &Exact::of(10i128.checked_pow(PLACES)?);
        scaled.to_string().parse().ok()
    };
    tiers.iter().map(|tier| bound(tier).unwrap_or(i128::MAX)).collect()
}

/// Adds `energy`, used when the counter stood at `before`, to the tiers that it falls into.
pub(super) fn fill(used: &mut [i128], bounds: &[i128], before: i128, energy: i128) {
    let (mut at, mut left) = (before, energy);
    for (used, bound) in used.iter_mut().zip(bounds) {
        let part = left.min(bound.saturating_sub(at).max(0));
        *used = used.saturating_add(part);
        at = at.saturating_add(part);
        left = left.saturating_sub(part);
        if left == 0 {
            break;
        }
    }
}

/// Σ kW in tier × price.
pub(super) fn demand_charge(tiers: &[UrdbTier], peak: &Exact) -> Exact {
    let mut below = Exact::default();
    let mut charge = Exact::default();
    for tier in tiers {
        let top = tier.up_to.as_ref().map_or(peak, |bound| bound.min(peak));
        if *top > below {
            charge += &(top.clone() - below) * &tier.price;
            below = top.clone();
        }
    }
    charge
}
