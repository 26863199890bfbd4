//! Judges a tariff version before it can bill anyone: every fault with its
//! place. The site folder and whoever publishes a tariff ask the same function.

use std::collections::BTreeSet;
use std::fmt;

use rust_decimal::Decimal;

use super::fault::TariffFault as Fault;
use super::period::possible_periods;
use super::rounding::unit_parts;
use crate::event::{EnergyRow, Rounding, ScheduleRow, TariffPublished, TierBasis, TierWindow};
use crate::quantity::{Energy, to_units};

/// Where in a tariff: keys, and for rows of a list their number from 1, as in `energy[2].tiers[1].price`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Place(Vec<(&'static str, Option<usize>)>);

impl Place {
    /// Its keys from the outside in, with the index (from 0) in a list.
    pub fn steps(&self) -> &[(&'static str, Option<usize>)] {
        &self.0
    }

    pub(super) fn key(&self, key: &'static str) -> Self {
        let mut steps = self.0.clone();
        steps.push((key, None));
        Self(steps)
    }

    pub(super) fn row(&self, key: &'static str, index: usize) -> Self {
        let mut steps = self.0.clone();
        steps.push((key, Some(index)));
        Self(steps)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (key, row)) in self.0.iter().enumerate() {
            f.write_str(if index == 0 { "" } else { "." })?;
            f.write_str(key)?;
            if let Some(row) = row {
                write!(f, "[{}]", row.saturating_add(1))?;
            }
        }
        Ok(())
    }
}

/// A fault and its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Where.
    pub place: Place,
    /// What.
    pub fault: Fault,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}; mend: {}", self.place, self.fault, self.fault.mend())
    }
}

/// Everything that is wrong with a tariff version for a currency with so many decimals; empty where it can bill.
pub fn findings(tariff: &TariffPublished, currency_decimals: u8) -> Vec<Finding> {
    let mut judge = Judge { tariff, decimals: currency_decimals, found: Vec::new() };
    judge.schedule();
    judge.energy();
    judge.charges();
    judge.names();
    judge.periods();
    judge.months();
    judge.bounds();
    judge.adders();
    judge.scale();
    judge.surcharges();
    judge.found
}

/// Why a pool cannot have a tariff version: its days are split as they come, so nothing may wait for the month.
pub fn pool_findings(tariff: &TariffPublished) -> Vec<Finding> {
    let root = Place::default();
    let bands = || {
        let fixed = tariff.fixed.iter().position(|row| !row.bands.is_empty()).map(|index| root.row("fixed", index));
        let rows = tariff.energy.iter().position(|row| row.band_up_to_kwh.is_some());
        let rates = tariff.surcharge.iter().position(|row| !row.bands.is_empty());
        rows.map(|index| root.row("energy", index)).or(fixed).or(rates.map(|index| root.row("surcharge", index)))
    };
    let refused = [
        ((!tariff.demand.is_empty()).then(|| root.key("demand")), "demand"),
        (tariff.minimum.map(|_| root.key("minimum")), "minimum"),
        (bands(), "bands of the month's energy"),
        (tariff.scale.map(|_| root.key("scale")), "bounds that follow the days"),
    ];
    let refused = refused.into_iter().filter_map(|(place, what)| Some((place?, what)));
    refused.map(|(place, what)| Finding { place, fault: Fault::NotForPools { what } }).collect()
}

pub(super) struct Judge<'a> {
    pub(super) tariff: &'a TariffPublished,
    pub(super) decimals: u8,
    found: Vec<Finding>,
}

const KWH_DECIMALS: u8 = 6;

impl Judge<'_> {
    pub(super) fn note(&mut self, place: Place, fault: Fault) {
        self.found.push(Finding { place, fault });
    }

    fn not_negative(&mut self, place: &Place, value: Decimal) {
        if value.is_sign_negative() && !value.is_zero() {
            self.note(place.clone(), Fault::Negative);
        }
    }

    /// A price: up to 8 decimals.
    fn signed_price(&mut self, place: &Place, value: Decimal) {
        if value.normalize().scale() > 8 {
            self.note(place.clone(), Fault::TooManyDecimals { value, places: 8 });
        } else if to_units(value).is_none() {
            self.note(place.clone(), Fault::TooLarge);
        }
    }

    pub(super) fn price(&mut self, place: &Place, value: Decimal) {
        self.signed_price(place, value);
        self.not_negative(place, value);
    }

    /// kWh or kW: up to 6 decimals.
    fn energy_bound(&mut self, place: &Place, value: Decimal) {
        if value.normalize().scale() > 6 {
            self.note(place.clone(), Fault::TooManyDecimals { value, places: 6 });
        } else if Energy::from_kwh(value).is_none() {
            self.note(place.clone(), Fault::TooLarge);
        }
        self.not_negative(place, value);
    }

    /// Bounds rise, and the last row, alone, has none.
    fn rising(&mut self, place: &Place, bounds: &[Option<Decimal>], bands: bool) {
        let Some((last, others)) = bounds.split_last() else {
            return self.note(place.clone(), Fault::NoTier);
        };
        let mut below = Decimal::ZERO;
        for bound in others {
            match bound {
                None if bands => return self.note(place.clone(), Fault::OpenBandBeforeLast),
                None => return self.note(place.clone(), Fault::OpenBeforeLast),
                Some(bound) if *bound == below && !below.is_zero() => {
                    return self.note(place.clone(), Fault::BoundTwice { bound: *bound });
                }
                Some(bound) if *bound <= below => {
                    return self.note(place.clone(), Fault::BoundDoesNotRise { bound: *bound });
                }
                Some(bound) => below = *bound,
            }
        }
        match last {
            Some(bound) if bands => self.note(place.clone(), Fault::BandsDoNotCover { bound: *bound }),
            Some(_) => self.note(place.clone(), Fault::GapAbove),
            None => {}
        }
    }

    fn listed_months(&mut self, place: &Place, months: Option<&Vec<u8>>) {
        let Some(months) = months else { return };
        if months.is_empty() {
            self.note(place.key("months"), Fault::Empty);
        }
        for month in months.iter().filter(|month| !(1..=12).contains(*month)) {
            let fault = Fault::OutOfRange { value: (*month).into(), least: 1, most: 12 };
            self.note(place.key("months"), fault);
        }
    }

    fn schedule(&mut self) {
        let window = |row: &ScheduleRow| (row.days.clone(), row.months.clone(), row.from_minute, row.to_minute);
        for (index, row) in self.tariff.schedule.iter().enumerate() {
            let place = Place::default().row("schedule", index);
            for (key, minute, most) in [("from", row.from_minute, 1439), ("to", row.to_minute, 1440)] {
                if i64::from(minute) > most {
                    self.note(place.key(key), Fault::OutOfRange { value: minute.into(), least: 0, most });
                }
            }
            self.listed_months(&place, row.months.as_ref());
            let before = self.tariff.schedule.iter().take(index);
            if before.clone().any(|one| window(one) == window(row) && one.period != row.period) {
                self.note(place, Fault::SameWindow);
            }
        }
    }

    fn energy(&mut self) {
        for (index, row) in self.tariff.energy.iter().enumerate() {
            let place = Place::default().row("energy", index);
            self.listed_months(&place, row.months.as_ref());
            if let Some(bound) = row.band_up_to_kwh {
                let place = place.key("band_up_to_kwh");
                self.energy_bound(&place, bound);
                if bound.is_zero() {
                    self.note(place, Fault::Zero);
                }
            }
            for (number, tier) in row.tiers.iter().enumerate() {
                let place = place.row("tiers", number);
                self.price(&place.key("price"), tier.price);
                if let Some(bound) = tier.up_to_kwh {
                    self.energy_bound(&place.key("up_to_kwh"), bound);
                }
            }
            let bounds: Vec<_> = row.tiers.iter().map(|tier| tier.up_to_kwh).collect();
            self.rising(&place.key("tiers"), &bounds, false);
        }
    }

    /// Adders, fixed and demand charges, minimum, rounding.
    fn charges(&mut self) {
        let root = Place::default();
        for (index, row) in self.tariff.adder.iter().enumerate() {
            self.signed_price(&root.row("adder", index).key("price"), row.price);
        }
        for (index, row) in self.tariff.fixed.iter().enumerate() {
            let place = root.row("fixed", index);
            self.plain_or_bands(&place, "amount", row.amount.is_some(), row.bands.len());
            if let Some(amount) = row.amount {
                self.price(&place.key("amount"), amount);
            }
            for (number, band) in row.bands.iter().enumerate() {
                self.price(&place.row("bands", number).key("amount"), band.amount);
            }
            let bounds: Vec<_> = row.bands.iter().map(|band| band.up_to_kwh).collect();
            self.bands(&place, &bounds);
        }
        for (index, row) in self.tariff.demand.iter().enumerate() {
            let place = root.row("demand", index);
            if ![15, 30, 60].contains(&row.interval_minutes) {
                self.note(place.key("interval_minutes"), Fault::NoInterval { value: row.interval_minutes });
            }
            for (number, tier) in row.tiers.iter().enumerate() {
                let place = place.row("tiers", number);
                self.price(&place.key("price"), tier.price);
                if let Some(bound) = tier.up_to_kw {
                    self.energy_bound(&place.key("up_to_kw"), bound);
                }
            }
            let bounds: Vec<_> = row.tiers.iter().map(|tier| tier.up_to_kw).collect();
            self.rising(&place.key("tiers"), &bounds, false);
        }
        if let Some(minimum) = self.tariff.minimum {
            self.price(&root.key("minimum"), minimum);
        }
        self.rounding(&root.key("round_lines"), self.tariff.round_lines.as_ref(), self.decimals);
        self.rounding(&root.key("round_total"), self.tariff.round_total.as_ref(), self.decimals);
    }

    pub(super) fn plain_or_bands(&mut self, place: &Place, plain: &'static str, has_plain: bool, bands: usize) {
        match (has_plain, bands > 0) {
            (true, true) => self.note(place.key("bands"), Fault::PlainAndBands { plain }),
            (false, false) => self.note(place.key(plain), Fault::NeitherPlainNorBands { plain }),
            _ => {}
        }
    }

    pub(super) fn bands(&mut self, place: &Place, bounds: &[Option<Decimal>]) {
        for (number, bound) in bounds.iter().enumerate() {
            if let Some(bound) = bound {
                self.energy_bound(&place.row("bands", number).key("up_to_kwh"), *bound);
            }
        }
        if !bounds.is_empty() {
            self.rising(&place.key("bands"), bounds, true);
        }
    }

    /// A unit above 0 that is a whole number of the smallest part.
    pub(super) fn rounding(&mut self, place: &Place, round: Option<&Rounding>, decimals: u8) {
        let Some(round) = round else { return };
        let place = place.key("to");
        if round.to.is_zero() {
            self.note(place, Fault::Zero);
        } else if round.to.is_sign_negative() {
            self.note(place, Fault::Negative);
        } else if to_units(round.to).is_none() && round.to.normalize().scale() <= 8 {
            self.note(place, Fault::TooLarge);
        } else if unit_parts(round, decimals).is_none() {
            let part = Decimal::new(1, decimals.into()).to_string();
            self.note(place, Fault::UnitDoesNotFit { to: round.to, part });
        }
    }

    /// Bills know lines by their names.
    fn names(&mut self) {
        let tariff = self.tariff;
        let lists: [(&'static str, Vec<&String>); 4] = [
            ("adder", tariff.adder.iter().map(|row| &row.name).collect()),
            ("fixed", tariff.fixed.iter().map(|row| &row.name).collect()),
            ("demand", tariff.demand.iter().map(|row| &row.name).collect()),
            ("surcharge", tariff.surcharge.iter().map(|row| &row.name).collect()),
        ];
        for (key, names) in lists {
            let mut seen = BTreeSet::new();
            for (index, name) in names.into_iter().enumerate() {
                let place = Place::default().row(key, index).key("name");
                if name.trim().is_empty() {
                    self.note(place, Fault::Empty);
                } else if !seen.insert(name) {
                    self.note(place, Fault::NameTwice { name: name.clone() });
                }
            }
        }
    }

    fn periods(&mut self) {
        let tariff = self.tariff;
        let scheduled = tariff.schedule.iter().map(|row| row.period.as_str());
        let used: BTreeSet<&str> = scheduled.chain([tariff.default_period.as_str()]).collect();
        let priced: BTreeSet<&str> = tariff.energy.iter().map(|row| row.period.as_str()).collect();
        for period in used.difference(&priced) {
            self.note(Place::default().key("energy"), Fault::NoPrice { period: (*period).to_owned() });
        }
        let energy = tariff.energy.iter().enumerate().map(|(index, row)| ("energy", index, Some(row.period.as_str())));
        let demand = tariff.demand.iter().enumerate().map(|(index, row)| ("demand", index, row.period.as_deref()));
        let known: Vec<String> = used.iter().map(|period| (*period).to_owned()).collect();
        for (key, index, period) in energy.chain(demand) {
            if let Some(period) = period.filter(|period| !used.contains(period)) {
                let fault = Fault::UnknownPeriod { period: period.to_owned(), known: known.clone() };
                self.note(Place::default().row(key, index).key("period"), fault);
            }
        }
    }

    /// Every period that can occur in a month has one price in it, whatever the month's energy.
    fn months(&mut self) {
        let tariff = self.tariff;
        let of = |row: &EnergyRow, month| row.months.as_ref().is_none_or(|months| months.contains(&month));
        let periods: BTreeSet<&str> = tariff.energy.iter().map(|row| row.period.as_str()).collect();
        for period in periods {
            let rows: Vec<(usize, &EnergyRow)> =
                tariff.energy.iter().enumerate().filter(|(_, row)| row.period == period).collect();
            self.overlaps(period, &rows);
            for month in (1..=12u8).filter(|month| possible_periods(tariff, *month).contains(period)) {
                let in_month: Vec<_> = rows.iter().filter(|(_, row)| of(row, month)).collect();
                let open = in_month.iter().position(|(_, row)| row.band_up_to_kwh.is_none());
                let banded = in_month.iter().take(open.unwrap_or(in_month.len()));
                let bands: Vec<(usize, Decimal)> =
                    banded.filter_map(|(index, row)| Some((*index, row.band_up_to_kwh?))).collect();
                let period = period.to_owned();
                match (open, bands.last()) {
                    (None, None) => {
                        self.note(Place::default().key("energy"), Fault::NoPriceInMonth { period, month });
                        break;
                    }
                    (None, Some((index, bound))) => {
                        let fault = Fault::NoPriceAbove { period, month, bound: *bound };
                        self.note(Place::default().row("energy", *index).key("band_up_to_kwh"), fault);
                        break;
                    }
                    (Some(_), _) => {}
                }
                let falls = bands.windows(2).find_map(|pair| match pair {
                    [(_, below), (index, bound)] if bound <= below => Some((*index, *bound)),
                    _ => None,
                });
                if let Some((index, bound)) = falls {
                    let place = Place::default().row("energy", index).key("band_up_to_kwh");
                    self.note(place, Fault::BoundDoesNotRise { bound });
                    break;
                }
            }
        }
    }

    fn overlaps(&mut self, period: &str, rows: &[(usize, &EnergyRow)]) {
        for (position, (index, row)) in rows.iter().enumerate() {
            let earlier = || rows.iter().take(position).map(|(_, one)| one);
            let place = Place::default().row("energy", *index);
            if earlier().any(|one| one.months.is_none() && one.band_up_to_kwh.is_none()) {
                self.note(place, Fault::NeverUsed { period: period.to_owned() });
                continue;
            }
            let same_band = earlier().filter(|one| one.band_up_to_kwh == row.band_up_to_kwh);
            let taken: BTreeSet<u8> = same_band.filter_map(|one| one.months.as_ref()).flatten().copied().collect();
            let twice = row.months.iter().flatten().find(|month| taken.contains(month));
            if let Some(month) = twice {
                let fault = Fault::PricesOverlap { period: period.to_owned(), month: *month };
                self.note(place.key("months"), fault);
            }
        }
    }

    /// Tiers that count all energy have the same bounds in every row of a band.
    fn bounds(&mut self) {
        if self.tariff.tier_basis != TierBasis::Total {
            return;
        }
        let bounds = |row: &EnergyRow| row.tiers.iter().map(|tier| tier.up_to_kwh).collect::<Vec<_>>();
        let mut firsts: Vec<&EnergyRow> = Vec::new();
        for row in &self.tariff.energy {
            match firsts.iter().find(|first| first.band_up_to_kwh == row.band_up_to_kwh) {
                Some(first) if bounds(first) != bounds(row) => {
                    return self.note(Place::default().key("energy"), Fault::BoundsDiffer);
                }
                Some(_) => {}
                None => firsts.push(row),
            }
        }
    }

    pub(super) fn least_price(&self) -> Decimal {
        let tiers = self.tariff.energy.iter().flat_map(|row| &row.tiers);
        tiers.map(|tier| tier.price).min().unwrap_or_default()
    }

    fn adders(&mut self) {
        let least = self.least_price();
        let sum = self.tariff.adder.iter().try_fold(least, |sum, adder| sum.checked_add(adder.price));
        if sum.is_none_or(|sum| sum < Decimal::ZERO) {
            self.note(Place::default().key("adder"), Fault::AddersBelowZero { least });
        }
    }

    fn scale(&mut self) {
        let Some(scale) = &self.tariff.scale else { return };
        let place = Place::default().key("scale");
        if let Some(value) = scale.of_days.filter(|days| !(1..=366).contains(days)) {
            self.note(place.key("of_days"), Fault::OutOfRange { value, least: 1, most: 366 });
        }
        self.rounding(&place.key("round"), scale.round.as_ref(), KWH_DECIMALS);
        if self.tariff.tier_window != TierWindow::Month {
            self.note(place, Fault::ScaleNeedsMonth);
        }
    }
}
