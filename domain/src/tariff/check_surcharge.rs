//! Judges surcharges: what they are on, their rates, and that they are in no circle.

use rust_decimal::Decimal;

use super::check::{Judge, Place};
use super::fault::TariffFault as Fault;
use super::surcharge::{LineRef, computing_order};
use crate::event::{Component, Surcharge};

const RATE_MOST: Decimal = Decimal::TEN;

impl Judge<'_> {
    /// Judges every surcharge alone, then all together.
    pub(super) fn surcharges(&mut self) {
        let tariff = self.tariff;
        for (index, row) in tariff.surcharge.iter().enumerate() {
            let place = Place::default().row("surcharge", index);
            self.plain_or_bands(&place, "rate", row.rate.is_some(), row.bands.len());
            if let Some(rate) = row.rate {
                self.rate(&place.key("rate"), rate);
            }
            for (number, band) in row.bands.iter().enumerate() {
                self.rate(&place.row("bands", number).key("rate"), band.rate);
            }
            let bounds: Vec<_> = row.bands.iter().map(|band| band.up_to_kwh).collect();
            self.bands(&place, &bounds);
            self.rounding(&place.key("round"), row.round.as_ref(), self.decimals);
            self.on(&place, row);
        }
        let ordered = computing_order(&tariff.surcharge);
        let circle = (0..tariff.surcharge.len()).filter(|index| !ordered.contains(index));
        let named: Vec<(usize, String)> =
            circle.filter_map(|index| Some((index, tariff.surcharge.get(index)?.name.clone()))).collect();
        if let Some((first, _)) = named.first() {
            let names = named.iter().map(|(_, name)| name.clone()).collect();
            self.note(Place::default().row("surcharge", *first).key("on"), Fault::SurchargeCircle { names });
        }
    }

    fn rate(&mut self, place: &Place, rate: Decimal) {
        self.price(place, rate);
        if rate > RATE_MOST {
            self.note(place.clone(), Fault::RateAboveTen { value: rate });
        }
    }

    /// The lines that a surcharge can name.
    fn nameable(&self) -> Vec<String> {
        let tariff = self.tariff;
        let all = |component: &str, names: Vec<&String>| -> Vec<String> {
            let plain = (!names.is_empty() && component != "surcharge").then(|| component.to_owned());
            plain.into_iter().chain(names.into_iter().map(|name| format!("{component}/{name}"))).collect()
        };
        let mut periods: Vec<&String> = tariff.energy.iter().map(|row| &row.period).collect();
        periods.sort_unstable();
        periods.dedup();
        let minimum = tariff.minimum.map(|_| "minimum".to_owned());
        let mut known = all("energy", periods);
        known.extend(all("adder", tariff.adder.iter().map(|row| &row.name).collect()));
        known.extend(all("demand", tariff.demand.iter().map(|row| &row.name).collect()));
        known.extend(all("fixed", tariff.fixed.iter().map(|row| &row.name).collect()));
        known.extend(minimum);
        known.extend(all("surcharge", tariff.surcharge.iter().map(|row| &row.name).collect()));
        known
    }

    fn on(&mut self, place: &Place, row: &Surcharge) {
        let known = self.nameable();
        if row.on.is_empty() {
            self.note(place.key("on"), Fault::Empty);
        }
        for (index, text) in row.on.iter().enumerate() {
            if LineRef::parse(text).is_none() || !known.contains(text) {
                let fault = Fault::UnknownLine { text: text.clone(), known: known.clone() };
                self.note(place.row("on", index), fault);
            }
        }
        let refs: Vec<LineRef> = row.on.iter().filter_map(|text| LineRef::parse(text)).collect();
        let energy: Vec<&LineRef> = refs.iter().filter(|one| one.component == Component::Energy).collect();
        if row.each && energy.len() < refs.len() {
            self.note(place.key("each"), Fault::EachOnOthers);
        }
        if let Some(tier) = row.tiers_from {
            let rows = self.tariff.energy.iter();
            let named =
                rows.filter(|one| energy.iter().any(|e| e.name.as_ref().is_none_or(|name| *name == one.period)));
            let most = named.map(|one| one.tiers.len()).max().unwrap_or(0);
            if energy.is_empty() {
                self.note(place.key("tiers_from"), Fault::TiersWithoutEnergy);
            } else if tier < 1 || usize::try_from(tier).is_ok_and(|tier| tier > most) {
                self.note(place.key("tiers_from"), Fault::NoSuchTier { tier, most });
            }
        }
        self.negative_base(place, row, &refs);
    }

    /// A negative adder may only be in a base together with all energy, which outweighs it.
    fn negative_base(&mut self, place: &Place, row: &Surcharge, refs: &[LineRef]) {
        let in_base = |name: &String| {
            let named = |one: &&LineRef| one.name.as_ref().is_none_or(|of| of == name);
            refs.iter().filter(|one| one.component == Component::Adder).any(|one| named(&one))
        };
        let based = || self.tariff.adder.iter().filter(|adder| in_base(&adder.name));
        let all_energy =
            row.tiers_from.is_none() && refs.iter().any(|one| one.component == Component::Energy && one.name.is_none());
        let sum = based().try_fold(self.least_price(), |sum, adder| sum.checked_add(adder.price));
        let outweighed = all_energy && sum.is_some_and(|sum| sum >= Decimal::ZERO);
        let negative = based().find(|adder| adder.price < Decimal::ZERO).map(|adder| adder.name.clone());
        if let Some(adder) = negative.filter(|_| !outweighed) {
            self.note(place.key("on"), Fault::OnNegative { adder });
        }
    }
}
