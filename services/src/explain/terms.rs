//! What a line follows from beside its own quantity: the lines that it is
//! computed from, the band of its price, the bounds of its tier.

use domain::event::{BillIssued, BillLine, Component, LineKey, RoundingMode, SortedLineKey, TierWindow, Unit};
use domain::quantity::Energy;
use domain::rating::{Line, LineKeyExt, lines_under};
use domain::tariff::{EnergyPrices, MonthTerms, PriceTier, Tariff};

use super::Explained;
use crate::console::Console;

/// A line's name: its component, its own name, period and tier.
pub(super) fn name_of(key: &SortedLineKey) -> String {
    let component = format!("{:?}", key.component).to_lowercase();
    let tier = key.tier.map(|tier| tier.to_string());
    [Some(component), key.name.clone(), key.period.clone(), tier].into_iter().flatten().collect::<Vec<_>>().join(" ")
}

/// The unit of a quantity, as it is written after it.
pub(super) const fn unit_of(unit: Unit) -> &'static str {
    match unit {
        Unit::Kwh => " kWh",
        Unit::Kw => " kW",
        Unit::Day => " day",
        Unit::Month => " month",
        Unit::Amount => "",
    }
}

const fn way(mode: RoundingMode) -> &'static str {
    match mode {
        RoundingMode::HalfUp => "half up",
        RoundingMode::HalfEven => "half to even",
        RoundingMode::Down => "down",
        RoundingMode::Up => "up",
    }
}

fn between(below: Option<Energy>, up_to: Option<Energy>) -> String {
    match (below, up_to) {
        (None, None) => "whatever it is".to_owned(),
        (None, Some(top)) => format!("up to {} kWh", top.kwh()),
        (Some(below), None) => format!("above {} kWh", below.kwh()),
        (Some(below), Some(top)) => format!("above {}, up to {} kWh", below.kwh(), top.kwh()),
    }
}

/// The band that the month's energy lies in, of the bounds of a price list, rate or charge.
fn band(tariff: &Tariff, bounds: &[Option<Energy>], terms: MonthTerms) -> Option<String> {
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
        let target = self.site.targets().get(&self.month).and_then(|target| target.accounts.get(&bill.account));
        let (Some(target), Some(tariff)) = (target, self.version_of(line)) else { return Vec::new() };
        let key = target.lines.keys().find(|key| key.sorted() == line.key);
        key.map(|key| lines_under(&target.lines, key, tariff)).unwrap_or_default()
    }

    fn version_of(&self, line: &BillLine) -> Option<&Tariff> {
        self.site.premises().tariffs.get(&(line.key.tariff.clone(), line.key.version))
    }

    /// The rounding, the bands, the bounds and the other lines that a line goes by.
    pub(super) fn terms(&self, bill: &BillIssued, line: &BillLine, console: &mut Console) {
        let Some(tariff) = self.version_of(line) else { return };
        let key = &line.key;
        let of_account = self.shape(&key.point).account(tariff, &bill.account);
        match key.component {
            Component::Energy => self.energy_terms(bill, line, tariff, console),
            Component::Fixed => {
                let charge = tariff.fixed.iter().find(|charge| Some(&charge.name) == key.name.as_ref());
                let bounds = charge.map(|charge| bounds_of(&charge.amounts)).unwrap_or_default();
                Self::say_band(tariff, &bounds, of_account, console);
            }
            Component::Surcharge => {
                let surcharge = tariff.surcharges.iter().find(|one| Some(&one.name) == key.name.as_ref());
                let bounds = surcharge.map(|surcharge| bounds_of(&surcharge.rates)).unwrap_or_default();
                Self::say_band(tariff, &bounds, of_account, console);
            }
            _ => {}
        }
        if let Some(round) = Self::rounding_of(tariff, key) {
            console.line(format!("  rounded {} to a multiple of {}", way(round.mode), round.to));
        }
        for (key, line) in self.under(bill, line) {
            let quantity = projections::bill::show_quantity(line.quantity, line.unit, self.decimals());
            console.line(format!(
                "  on {}: {quantity}{} x {} = {}",
                name_of(&key.sorted()),
                unit_of(line.unit),
                line.price,
                line.amount.major(self.decimals())
            ));
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

    fn say_band(tariff: &Tariff, bounds: &[Option<Energy>], terms: MonthTerms, console: &mut Console) {
        if let Some(band) = band(tariff, bounds, terms) {
            console.line(format!("  the month's {} kWh lie in the band {band}", terms.energy.kwh()));
            Self::say_scale(tariff, terms, console);
        }
    }

    fn say_scale(tariff: &Tariff, terms: MonthTerms, console: &mut Console) {
        if let Some(scale) = &tariff.scale {
            let of_days = scale.of_days.unwrap_or(terms.of_days);
            console.line(format!("  bounds are the published ones x {} days held / {of_days}", terms.days));
        }
    }

    /// The band and the tier of an energy line, of each tenancy that is in it.
    fn energy_terms(&self, bill: &BillIssued, line: &BillLine, tariff: &Tariff, console: &mut Console) {
        let period = tariff.periods.iter().position(|name| Some(&**name) == line.key.period.as_deref());
        let month = self.month.number();
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
                console.line(format!("  the month's {} kWh lie in the band {band}", terms.energy.kwh()));
            }
            if let Some(text) = row.and_then(|row| Self::tier(tariff, row, line, terms)) {
                console.line(format!("  {text}"));
            }
            if row.is_some_and(|row| row.tiers.len() > 1 || bands.len() > 1) {
                Self::say_scale(tariff, terms, console);
            }
        }
    }

    /// The bounds of a line's tier, as they apply.
    fn tier(tariff: &Tariff, row: &EnergyPrices, line: &BillLine, terms: MonthTerms) -> Option<String> {
        let index = usize::try_from(line.key.tier?).ok()?.checked_sub(1)?;
        let bound = |index: usize| row.tiers.get(index)?.up_to.map(|bound| tariff.bound(bound, terms));
        let window = match tariff.tier_window {
            TierWindow::Day => "a day",
            TierWindow::Month => "a month",
            TierWindow::Year => "a year",
            TierWindow::None => "a lease",
        };
        (row.tiers.len() > 1).then(|| {
            let bounds = between(index.checked_sub(1).and_then(bound), bound(index));
            format!("tier {} of {window}: {bounds}", index.saturating_add(1))
        })
    }
}
