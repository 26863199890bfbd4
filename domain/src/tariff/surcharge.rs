//! Surcharges: percentages of other lines, in the order in which they are
//! computed.

use std::collections::BTreeSet;

use super::version::{Price, PriceTier};
use crate::event::{self, Component, LineKey, Rounding};
use crate::quantity::Energy;

/// The lines that a surcharge names: `COMPONENT`, or `COMPONENT/NAME`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineRef {
    /// Of what component.
    pub component: Component,
    /// Only of this name, or, of energy lines, of this period.
    pub name: Option<String>,
}

impl LineRef {
    /// From its text; none where it is no component that a surcharge can be on.
    pub fn parse(text: &str) -> Option<Self> {
        let (component, name) = text.split_once('/').map_or((text, None), |(component, name)| (component, Some(name)));
        let component = match component {
            "energy" => Component::Energy,
            "adder" => Component::Adder,
            "demand" => Component::Demand,
            "fixed" => Component::Fixed,
            "minimum" if name.is_none() => Component::Minimum,
            "surcharge" if name.is_some() => Component::Surcharge,
            _ => return None,
        };
        Some(Self { component, name: name.map(str::to_owned) })
    }

    /// Whether a line is among them.
    pub fn holds(&self, key: &LineKey) -> bool {
        let name = if key.component == Component::Energy { &key.period } else { &key.name };
        key.component == self.component && (self.name.is_none() || self.name == *name)
    }
}

/// A surcharge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SurchargeTerms {
    /// As bills name it.
    pub name: String,
    /// On which lines.
    pub on: Vec<LineRef>,
    /// Of energy lines only those of this tier and above.
    pub tiers_from: Option<i64>,
    /// Whether each energy line gets a line of its own.
    pub each: bool,
    /// By the month's energy; a plain rate is one band without a bound.
    pub rates: Vec<PriceTier<Energy>>,
    /// Of its amounts.
    pub round: Option<Rounding>,
}

impl SurchargeTerms {
    /// Whether it is on a line.
    pub fn is_on(&self, key: &LineKey) -> bool {
        let in_tiers = key.component != Component::Energy || self.tiers_from.is_none_or(|from| key.tier >= Some(from));
        in_tiers && self.on.iter().any(|one| one.holds(key))
    }

    fn new(published: &event::Surcharge) -> Self {
        let plain = published.rate.map(|rate| PriceTier { up_to: None, price: Price::new(rate) });
        let bands = published
            .bands
            .iter()
            .map(|band| PriceTier { up_to: band.up_to_kwh.and_then(Energy::from_kwh), price: Price::new(band.rate) });
        Self {
            name: published.name.clone(),
            on: published.on.iter().filter_map(|text| LineRef::parse(text)).collect(),
            tiers_from: published.tiers_from,
            each: published.each,
            rates: plain.into_iter().chain(bands).collect(),
            round: published.round,
        }
    }
}

/// The names of surcharges that a published one is on.
pub(super) fn surcharges_under(published: &event::Surcharge) -> impl Iterator<Item = String> {
    let refs = published.on.iter().filter_map(|text| LineRef::parse(text));
    refs.filter(|one| one.component == Component::Surcharge).filter_map(|one| one.name)
}

/// Indexes of surcharges, each after those that it is on; those that cannot be ordered are left out.
pub(super) fn computing_order(published: &[event::Surcharge]) -> Vec<usize> {
    let mut done: BTreeSet<&str> = BTreeSet::new();
    let mut order = Vec::new();
    loop {
        let next = published.iter().enumerate().find(|(index, one)| {
            let known = |name: &String| done.contains(name.as_str()) || !published.iter().any(|p| p.name == *name);
            !order.contains(index) && surcharges_under(one).all(|name| known(&name))
        });
        let Some((index, one)) = next else { return order };
        done.insert(&one.name);
        order.push(index);
    }
}

/// The surcharges of a version in the order in which they are computed.
pub(super) fn compile(published: &[event::Surcharge]) -> Vec<SurchargeTerms> {
    let order = computing_order(published);
    order.into_iter().filter_map(|index| published.get(index)).map(SurchargeTerms::new).collect()
}
