//! Remaining kWh: what a balance buys at the present prices, walking up the
//! tiers and the bands of the month (BILLING §7).

use std::collections::BTreeMap;

use crate::billing::{MonthTarget, Site};
use crate::event::{AccountId, Component, LineKey, PointId, TaxMode};
use crate::premises::{Holder, Subject};
use crate::quantity::{Date, Energy, Instant, Money, Month, UNITS_PER_ONE, div_round, floor_div, to_units};
use crate::rating::{Counters, EnergyLines, PointSlice, RatedEnergy, energy_key, named_key};
use crate::tariff::{MonthTerms, Tariff};

/// Prices with their surcharges are held in units of 10⁻¹².
const FINE_PER_UNIT: i128 = 10_000;
const ONE_MWH: Energy = Energy::new(1);

/// Where an account stands at the moment that is asked about.
struct Standing<'a> {
    site: &'a Site,
    target: Option<&'a MonthTarget>,
    before: Counters,
    point: &'a PointId,
    tariff: &'a Tariff,
    period: usize,
    holder: Holder,
    today: Date,
}

/// Energy that a balance buys for the leased point with the smallest id.
pub(super) fn remaining(
    site: &Site,
    targets: &BTreeMap<Month, MonthTarget>,
    account: &AccountId,
    balance: Money,
    today: Date,
    now: Instant,
) -> Option<Energy> {
    let premises = site.premises();
    let held = premises.units_held(account, now);
    let point =
        held.into_iter().flat_map(|unit| premises.points_of(unit)).min_by(|one, other| one.id.cmp(&other.id))?;
    let holder = premises.holder_at(point.unit.as_ref()?, now);
    let tariff = premises.tariff_on(&Subject::Point(point.id.clone()), today)?;
    let wall = now.plus(premises.calendar.offset_at(now)).get().rem_euclid(86_400).div_euclid(60);
    let wall_date = premises.calendar.wall_date(now);
    let period = tariff.period_at(wall_date, u16::try_from(wall).ok()?, &premises.holidays);
    tariff.prices(period, today.month().number(), MonthTerms::default())?;
    if balance <= Money::ZERO {
        return Some(Energy::ZERO);
    }
    let month = today.month();
    let before = targets.range(..month).next_back();
    let before = before.filter(|(one, _)| **one == month.plus(-1)).or(site.targets().range(..month).next_back());
    let standing = Standing {
        site,
        target: targets.get(&month).or_else(|| site.targets().get(&month)),
        before: before.map(|(_, target)| target.counters_of(&point.id)).unwrap_or_default(),
        point: &point.id,
        tariff,
        period,
        holder,
        today,
    };
    standing.buy(balance)
}

impl Standing<'_> {
    /// Minor units of a major one × (1 + rate of an exclusive tax).
    fn factor(&self) -> Option<i128> {
        let premises = self.site.premises();
        let tax = premises.tax_on(self.today.month().first()).filter(|tax| tax.mode == TaxMode::Exclusive);
        let rate = UNITS_PER_ONE.checked_add(tax.map_or(Some(0), |tax| to_units(tax.rate))?)?;
        10i128.checked_pow(premises.site().currency_decimals.into())?.checked_mul(rate)
    }

    fn buy(&self, balance: Money) -> Option<Energy> {
        let factor = self.factor()?;
        // Money in units of which a mWh costs its fine price × the factor.
        let scale = [FINE_PER_UNIT, UNITS_PER_ONE, UNITS_PER_ONE, 1_000_000];
        let mut money = scale.iter().try_fold(i128::from(balance.get()), |money, one| money.checked_mul(*one))?;
        let counters = self.target.map(|target| target.counters_of(self.point)).unwrap_or_default();
        let mut at = counters.clone().at(self.tariff, self.period, Some(&self.holder), self.today);
        let shape = self.target.map(|target| target.shape_of(self.site.premises(), self.point, self.today.month()));
        let mut terms = shape.map(|shape| shape.tenancy(self.tariff, Some(&self.holder))).unwrap_or_default();
        let bands = self.tariff.band_bounds(terms);
        let mut bought = Energy::ZERO;
        loop {
            let next = MonthTerms { energy: terms.energy + ONE_MWH, ..terms };
            if bands.contains(&terms.energy) {
                let jump = self.cost(next, bought)?.checked_sub(self.cost(terms, bought)?)?.checked_mul(factor)?;
                if jump > money {
                    return Some(bought);
                }
                money = money.checked_sub(jump)?;
            }
            let prices = self.tariff.prices(self.period, self.today.month().number(), next)?;
            let open = |bound: Option<Energy>| bound.is_none_or(|bound| self.tariff.bound(bound, terms) > at);
            let (tier, number) = prices.tiers.iter().zip(1i64..).find(|(tier, _)| open(tier.up_to))?;
            let key = energy_key(self.point, self.tariff, self.period, prices.season, number);
            let price = fine_price(self.tariff, &key, tier.price.units, next)?.checked_mul(factor)?;
            let to_tier = tier.up_to.map(|bound| self.tariff.bound(bound, terms) - at);
            let to_band = bands.iter().find(|bound| **bound > terms.energy).map(|bound| *bound - terms.energy);
            let room = to_tier.into_iter().chain(to_band).min();
            let affordable = (price > 0).then(|| floor_div(money, price));
            let step = match (room, affordable) {
                (None, None) => return None,
                (None, Some(energy)) => return energy_of(energy).map(|energy| bought + energy),
                (Some(room), Some(energy)) if energy <= i128::from(room.get()) => {
                    return energy_of(energy).map(|energy| bought + energy);
                }
                (Some(room), _) => room,
            };
            money = money.checked_sub(price.checked_mul(step.get().into())?)?;
            bought += step;
            at += step;
            terms.energy += step;
        }
    }

    /// What the tenancy's month costs with `bought` added now, in the band of `terms`: fine price × mWh.
    fn cost(&self, terms: MonthTerms, bought: Energy) -> Option<i128> {
        let premises = self.site.premises();
        let (mut lines, mut counters) = (EnergyLines::default(), self.before.clone());
        let ours = |slice: &&PointSlice| slice.holder == self.holder;
        let slices = self.target.map_or(&[][..], |target| target.whole_of(self.point));
        for slice in slices.iter().filter(ours) {
            let Some((id, version, period)) = &slice.tariff else { continue };
            let tariff = premises.tariffs.get(&(id.clone(), *version)).filter(|tariff| tariff.id == self.tariff.id);
            let Some(tariff) = tariff else { continue };
            let period = tariff.periods.iter().position(|name| name == period)?;
            self.rate(&mut lines, &mut counters, tariff, (period, slice.day), slice.energy, terms);
        }
        self.rate(&mut lines, &mut counters, self.tariff, (self.period, self.today), bought, terms);
        lines.energies().try_fold(0i128, |cost, (key, price, energy)| {
            let tariff = premises.tariffs.get(&(key.tariff.clone(), key.version))?;
            let fine = fine_price(tariff, key, price.units, terms)?;
            cost.checked_add(fine.checked_mul(energy.get().into())?)
        })
    }

    fn rate(
        &self,
        lines: &mut EnergyLines,
        counters: &mut Counters,
        tariff: &Tariff,
        (period, day): (usize, Date),
        energy: Energy,
        terms: MonthTerms,
    ) {
        let holder = Some(&self.holder);
        let interpolated = Energy::ZERO;
        let slice = RatedEnergy { tariff, period, day, holder, energy, interpolated, terms };
        lines.rate(self.point, slice, counters);
    }
}

/// The price of a kWh in an energy line with its adders and its surcharges, in units of 10⁻¹².
fn fine_price(tariff: &Tariff, key: &LineKey, units: i128, terms: MonthTerms) -> Option<i128> {
    let fine = |units: i128| units.checked_mul(FINE_PER_UNIT);
    let mut parts: Vec<(LineKey, i128)> = vec![(key.clone(), fine(units)?)];
    for (name, price) in &tariff.adders {
        parts.push((named_key(&key.point, tariff, Component::Adder, Some(name)), fine(price.units)?));
    }
    for surcharge in &tariff.surcharges {
        let rate = tariff.banded(&surcharge.rates, terms).units;
        let mut based = parts.iter().filter(|(key, _)| surcharge.is_on(key));
        let base = based.try_fold(0i128, |sum, (_, price)| sum.checked_add(*price))?;
        let own = named_key(&key.point, tariff, Component::Surcharge, Some(&surcharge.name));
        parts.push((own, div_round(base.checked_mul(rate)?, UNITS_PER_ONE)));
    }
    parts.iter().try_fold(0i128, |sum, (_, price)| sum.checked_add(*price))
}

fn energy_of(mwh: i128) -> Option<Energy> {
    i64::try_from(mwh).ok().map(Energy::new)
}
