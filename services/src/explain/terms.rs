//! What a line follows from beside its own quantity: the lines that it is
//! computed from, the band of its price, the bounds of its tier.

use domain::event::{BillIssued, BillLine, Component, LineKey, SortedLineKey, TierWindow};
use domain::quantity::Energy;
use domain::rating::{Line, LineKeyExt, lines_under};
use domain::tariff::{EnergyPrices, MonthTerms, PriceTier, Tariff};

use super::Explained;
use super::step::{Steps, name_of, unit_of, way};
use crate::told::{Told, told};

fn between(below: Option<Energy>, up_to: Option<Energy>) -> Told {
    match (below, up_to) {
        (None, None) => told("bounds-none"),
        (None, Some(top)) => told("bounds-up-to").with("top", top.kwh()),
        (Some(below), None) => told("bounds-above").with("below", below.kwh()),
        (Some(below), Some(top)) => told("bounds-between").with("below", below.kwh()).with("top", top.kwh()),
    }
}

/// The band that the month's energy lies in, of the bounds of a price list, rate or charge.
fn band(tariff: &Tariff, bounds: &[Option<Energy>], terms: MonthTerms) -> Option<Told> {
    let scaled: Vec<Option<Energy>> = bounds.iter().map(|one| one.map(|bound| tariff.bound(bound, terms))).collect();
    let index = scaled.iter().position(|bound| bound.is_none_or(|bound| terms.energy <= bound))?;
    let below = index.checked_sub(1).and_then(|index| scaled.get(index)).copied().flatten();
    (scaled.len() > 1).then(|| between(below, scaled.get(index).copied().flatten()))
}

fn bounds_of(tiers: &[PriceTier<Energy>]) -> Vec<Option<Energy>> {
    tiers.iter().map(|tier| tier.up_to).collect()
}

impl Explained<'_> {
    /// The lines of the bill's account in the month, to date, that a line is computed from.
    pub(super) fn under(&self, bill: &BillIssued, line: &BillLine) -> Vec<(&LineKey, &Line)> {
        let target = self.month.target.as_ref().and_then(|target| target.accounts.get(&bill.account));
        let (Some(target), Some(tariff)) = (target, self.version_of(line)) else { return Vec::new() };
        let key = target.lines.keys().find(|key| key.sorted() == line.key);
        key.map(|key| lines_under(&target.lines, key, tariff)).unwrap_or_default()
    }

    fn version_of(&self, line: &BillLine) -> Option<&Tariff> {
        self.premises().tariffs.get(&(line.key.tariff.clone(), line.key.version))
    }

    /// The rounding, the bands, the bounds and the other lines that a line goes by.
    pub(super) fn terms(&self, bill: &BillIssued, line: &BillLine, steps: &mut Steps) {
        let Some(tariff) = self.version_of(line) else { return };
        let key = &line.key;
        let of_account = self.shape(&key.point).account(tariff, &bill.account);
        match key.component {
            Component::Energy => self.energy_terms(bill, line, tariff, steps),
            Component::Fixed => {
                let charge = tariff.fixed.iter().find(|charge| Some(&charge.name) == key.name.as_ref());
                let bounds = charge.map(|charge| bounds_of(&charge.amounts)).unwrap_or_default();
                Self::say_band(tariff, &bounds, of_account, steps);
            }
            Component::Surcharge => {
                let surcharge = tariff.surcharges.iter().find(|one| Some(&one.name) == key.name.as_ref());
                let bounds = surcharge.map(|surcharge| bounds_of(&surcharge.rates)).unwrap_or_default();
                Self::say_band(tariff, &bounds, of_account, steps);
            }
            _ => {}
        }
        if let Some(round) = Self::rounding_of(tariff, key) {
            steps.say(1, told("working-rounding-way").with("way", way(round.mode)).with("to", round.to.to_string()));
        }
        for (key, line) in self.under(bill, line) {
            let quantity = projections::bill::show_quantity(line.quantity, line.unit, self.decimals());
            let said = told("working-on")
                .with("name", name_of(&key.sorted()))
                .with("quantity", quantity)
                .with("unit", unit_of(line.unit))
                .with("price", line.price.to_string());
            steps.say(1, said.with("amount", line.amount.major(self.decimals())));
        }
    }

    fn rounding_of(tariff: &Tariff, key: &SortedLineKey) -> Option<domain::event::Rounding> {
        match key.component {
            Component::Rounding => tariff.round_total,
            Component::Surcharge => {
                let surcharge = tariff.surcharges.iter().find(|one| Some(&one.name) == key.name.as_ref());
                surcharge.and_then(|surcharge| surcharge.round).or(tariff.round_lines)
            }
            _ => tariff.round_lines,
        }
    }

    fn say_band(tariff: &Tariff, bounds: &[Option<Energy>], terms: MonthTerms, steps: &mut Steps) {
        if let Some(band) = band(tariff, bounds, terms) {
            steps.say(1, told("working-band").with("kwh", terms.energy.kwh()).with("band", band));
            Self::say_scale(tariff, terms, steps);
        }
    }

    fn say_scale(tariff: &Tariff, terms: MonthTerms, steps: &mut Steps) {
        if let Some(scale) = &tariff.scale {
            let of_days = scale.of_days.unwrap_or(terms.of_days);
            let said = told("working-scale").with("days", terms.days.to_string());
            steps.say(1, said.with("of", of_days.to_string()));
        }
    }

    /// The band and the tier of an energy line, of each tenancy that is in it.
    fn energy_terms(&self, bill: &BillIssued, line: &BillLine, tariff: &Tariff, steps: &mut Steps) {
        let period = tariff.periods.iter().position(|name| Some(&**name) == line.key.period.as_deref());
        let month = self.month.month.number();
        let rows: Vec<&EnergyPrices> =
            tariff.energy.iter().filter(|row| Some(row.period) == period && row.in_month(month)).collect();
        let row = rows.iter().find(|row| Some(row.season) == line.key.season);
        let shape = self.shape(&line.key.point);
        let mut said: Vec<MonthTerms> = Vec::new();
        for (slice, _) in self.slices_of(bill, line) {
            let terms = shape.tenancy(tariff, Some(&slice.holder));
            if said.contains(&terms) {
                continue;
            }
            said.push(terms);
            let bands: Vec<Option<Energy>> = rows.iter().map(|row| row.band).collect();
            if let Some(band) = band(tariff, &bands, terms) {
                steps.say(1, told("working-band").with("kwh", terms.energy.kwh()).with("band", band));
            }
            if let Some(said) = row.and_then(|row| Self::tier(tariff, row, line, terms)) {
                steps.say(1, said);
            }
            if row.is_some_and(|row| row.tiers.len() > 1 || bands.len() > 1) {
                Self::say_scale(tariff, terms, steps);
            }
        }
    }

    /// The bounds of a line's tier, as they apply.
    fn tier(tariff: &Tariff, row: &EnergyPrices, line: &BillLine, terms: MonthTerms) -> Option<Told> {
        let index = usize::try_from(line.key.tier?).ok()?.checked_sub(1)?;
        let bound = |index: usize| row.tiers.get(index)?.up_to.map(|bound| tariff.bound(bound, terms));
        let window = match tariff.tier_window {
            TierWindow::Day => told("tier-of-day"),
            TierWindow::Month => told("tier-of-month"),
            TierWindow::Year => told("tier-of-year"),
            TierWindow::None => told("tier-of-lease"),
        };
        (row.tiers.len() > 1).then(|| {
            let bounds = between(index.checked_sub(1).and_then(bound), bound(index));
            let number = index.saturating_add(1).to_string();
            told("working-tier").with("number", number).with("window", window).with("bounds", bounds)
        })
    }
}
