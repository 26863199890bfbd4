//! Lines of a bill, to date, and the rounding of their amounts.

use rust_decimal::Decimal;

use crate::event::{Component, LineKey, PointId, Rounding, SortedLineKey, Unit};
use crate::quantity::{Energy, Money, UNITS_PER_ONE};
use crate::tariff::{Price, Tariff, round_to};

const MWH_PER_KWH: i128 = 1_000_000;

/// A line to date.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// mWh, mW, days, months or minor units.
    pub quantity: i64,
    /// What the quantity counts.
    pub unit: Unit,
    /// As published.
    pub price: Decimal,
    /// Days held, of lines by the month.
    pub days: Option<i64>,
    /// Days of the month, of lines by the month.
    pub of_days: Option<i64>,
    /// How much of the energy is interpolated.
    pub interpolated: Energy,
    /// Rounded to date.
    pub amount: Money,
    /// Rounding of the amount; none: half up to the minor unit.
    pub round: Option<Rounding>,
}

fn minor_per_major(decimals: u8) -> i128 {
    10i128.checked_pow(decimals.into()).expect("currencies have at most 4 decimals")
}

fn product(factors: &[i128]) -> i128 {
    factors
        .iter()
        .try_fold(1i128, |total, one| total.checked_mul(*one))
        .expect("bounded quantities times bounded prices")
}

fn money(minor: i128) -> Money {
    Money::new(i64::try_from(minor).expect("amounts are bounded"))
}

/// `round(kWh × price)`, or of kW: `round(kW × price × days ÷ of_days)` with both given.
pub fn amount_of_energy(
    milli: i64,
    price: Price,
    decimals: u8,
    days: Option<(i64, i64)>,
    round: Option<&Rounding>,
) -> Money {
    let (days, of_days) = days.unwrap_or((1, 1));
    let top = product(&[milli.into(), price.units, minor_per_major(decimals), days.into()]);
    money(round_to(round, decimals, top, product(&[MWH_PER_KWH, UNITS_PER_ONE, of_days.into()])))
}

/// `round(days × price ÷ of_days)`.
pub fn amount_of_days(days: i64, of_days: i64, price: Price, decimals: u8, round: Option<&Rounding>) -> Money {
    let top = product(&[days.into(), price.units, minor_per_major(decimals)]);
    money(round_to(round, decimals, top, product(&[UNITS_PER_ONE, of_days.into()])))
}

/// The key of an energy line.
pub fn energy_key(point: &PointId, tariff: &Tariff, period: usize, season: i64, tier: i64) -> LineKey {
    LineKey {
        season: Some(season),
        period: Some(tariff.period_name(period).to_owned()),
        tier: Some(tier),
        ..named_key(point, tariff, Component::Energy, None)
    }
}

/// The key of any other line.
pub fn named_key(point: &PointId, tariff: &Tariff, component: Component, name: Option<&str>) -> LineKey {
    LineKey {
        point: point.clone(),
        tariff: tariff.id.clone(),
        version: tariff.version,
        component,
        name: name.map(str::to_owned),
        season: None,
        period: None,
        tier: None,
    }
}

/// From the order of bills to the order of bytes, and back.
pub trait LineKeyExt {
    /// With fields in the order of bytes.
    fn sorted(&self) -> SortedLineKey;
}

impl LineKeyExt for LineKey {
    fn sorted(&self) -> SortedLineKey {
        SortedLineKey {
            component: self.component,
            name: self.name.clone(),
            period: self.period.clone(),
            point: self.point.clone(),
            season: self.season,
            tariff: self.tariff.clone(),
            tier: self.tier,
            version: self.version,
        }
    }
}
