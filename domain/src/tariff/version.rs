//! A tariff version with its decimals as integers.

use std::sync::Arc;

use rust_decimal::Decimal;

use super::surcharge::{self, SurchargeTerms};
use crate::event::{self, BoundScale, Per, Rounding, ScheduleRow, TariffId, TariffPublished, TierBasis, TierWindow};
use crate::quantity::{Date, Energy, Power, to_units};

/// A price as published, and in units of 10⁻⁸.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Price {
    /// As published.
    pub published: Decimal,
    /// In units of 10⁻⁸.
    pub units: i128,
}

impl Price {
    /// A published price, rate or amount, which was checked before it was appended.
    pub(super) fn new(published: Decimal) -> Self {
        Self { published, units: to_units(published).expect("checked before it was appended") }
    }
}

/// A price up to a bound of the counter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PriceTier<Bound> {
    /// None on the last.
    pub up_to: Option<Bound>,
    /// The price.
    pub price: Price,
}

/// Prices of a period in a season.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnergyPrices {
    /// Index of its period.
    pub period: usize,
    /// Its number among the period's rows, from 1.
    pub season: i64,
    months: Option<Vec<u8>>,
    /// Only while the month's energy is not above it.
    pub band: Option<Energy>,
    /// In rising order.
    pub tiers: Vec<PriceTier<Energy>>,
}

impl EnergyPrices {
    /// Whether it is of a month (1 to 12).
    pub fn in_month(&self, month: u32) -> bool {
        self.months.as_ref().is_none_or(|months| months.iter().any(|m| u32::from(*m) == month))
    }
}

/// A charge by time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FixedCharge {
    /// As bills name it.
    pub name: String,
    /// Per day or month.
    pub per: Per,
    /// By the month's energy; a plain amount is one band without a bound.
    pub amounts: Vec<PriceTier<Energy>>,
}

/// A charge on the month's highest power.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DemandCharge {
    /// As bills name it.
    pub name: String,
    /// 15, 30 or 60.
    pub interval_minutes: u8,
    /// Index of its period, where one is named.
    pub period: Option<usize>,
    /// In rising order.
    pub tiers: Vec<PriceTier<Power>>,
}

/// A tariff version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tariff {
    /// The tariff.
    pub id: TariffId,
    /// Its version.
    pub version: i64,
    /// In force from this local date.
    pub from: Date,
    /// Names of its periods; the first is the default one.
    pub periods: Vec<Arc<str>>,
    /// First match wins.
    pub schedule: Vec<(usize, ScheduleRow)>,
    /// Whether any row names holidays.
    pub names_holidays: bool,
    /// When tiers start anew.
    pub tier_window: TierWindow,
    /// Whether each period counts its own tiers.
    pub tier_basis: TierBasis,
    /// Rows of prices.
    pub energy: Vec<EnergyPrices>,
    /// Levies.
    pub adders: Vec<(String, Price)>,
    /// Charges by time.
    pub fixed: Vec<FixedCharge>,
    /// Charges on power.
    pub demand: Vec<DemandCharge>,
    /// What a point of it costs at least in a month.
    pub minimum: Option<Price>,
    /// How bounds follow the days held.
    pub scale: Option<BoundScale>,
    /// Percentages of other lines, each after those that it is on.
    pub surcharges: Vec<SurchargeTerms>,
    /// Of its lines' amounts.
    pub round_lines: Option<Rounding>,
    /// Of a point's sum of its lines.
    pub round_total: Option<Rounding>,
}

impl Tariff {
    /// The version of its published form, which was checked before it was appended.
    pub fn new(published: &TariffPublished) -> Self {
        let mut periods: Vec<Arc<str>> = vec![published.default_period.as_str().into()];
        let mut index = |name: &String| {
            periods.iter().position(|p| **p == **name).unwrap_or_else(|| {
                periods.push(name.as_str().into());
                periods.len().saturating_sub(1)
            })
        };
        let schedule: Vec<_> = published.schedule.iter().map(|row| (index(&row.period), row.clone())).collect();
        let mut energy: Vec<EnergyPrices> = Vec::new();
        for row in &published.energy {
            let period = index(&row.period);
            let earlier = energy.iter().filter(|one| one.period == period).count();
            energy.push(EnergyPrices {
                period,
                season: i64::try_from(earlier).map_or(i64::MAX, |n| n.saturating_add(1)),
                months: row.months.clone(),
                band: row.band_up_to_kwh.and_then(Energy::from_kwh),
                tiers: row
                    .tiers
                    .iter()
                    .map(|tier| PriceTier {
                        up_to: tier.up_to_kwh.and_then(Energy::from_kwh),
                        price: Price::new(tier.price),
                    })
                    .collect(),
            });
        }
        let demand = published
            .demand
            .iter()
            .map(|row| DemandCharge {
                name: row.name.clone(),
                interval_minutes: row.interval_minutes,
                period: row.period.as_ref().map(&mut index),
                tiers: row
                    .tiers
                    .iter()
                    .map(|tier| PriceTier {
                        up_to: tier.up_to_kw.and_then(Power::from_kw),
                        price: Price::new(tier.price),
                    })
                    .collect(),
            })
            .collect();
        let names_holiday =
            |row: &ScheduleRow| row.days.as_ref().is_some_and(|days| days.contains(&event::DayName::Holiday));
        Self {
            id: published.id.clone(),
            version: published.version,
            from: published.from,
            names_holidays: published.schedule.iter().any(names_holiday),
            schedule,
            tier_window: published.tier_window,
            tier_basis: published.tier_basis,
            energy,
            adders: published.adder.iter().map(|row| (row.name.clone(), Price::new(row.price))).collect(),
            fixed: published.fixed.iter().map(fixed_charge).collect(),
            demand,
            minimum: published.minimum.map(Price::new),
            scale: published.scale,
            surcharges: surcharge::compile(&published.surcharge),
            round_lines: published.round_lines,
            round_total: published.round_total,
            periods,
        }
    }

    /// The sum of its levies, in units of 10⁻⁸ per kWh.
    pub fn adder_units(&self) -> i128 {
        self.adders.iter().map(|(_, price)| price.units).fold(0, i128::saturating_add)
    }

    /// The name of a period.
    pub fn period_name(&self, period: usize) -> &str {
        self.periods.get(period).map_or("", |name| name)
    }
}

fn fixed_charge(published: &event::Fixed) -> FixedCharge {
    let plain = published.amount.map(|amount| PriceTier { up_to: None, price: Price::new(amount) });
    let bands = published
        .bands
        .iter()
        .map(|band| PriceTier { up_to: band.up_to_kwh.and_then(Energy::from_kwh), price: Price::new(band.amount) });
    let amounts = plain.into_iter().chain(bands).collect();
    FixedCharge { name: published.name.clone(), per: published.per, amounts }
}
