//! A tariff of the U.S. Utility Rate Database (field names of its API,
//! versions 7 and 8), as the reader in `adapters` judged it.

use std::collections::BTreeSet;

use crate::quantity::{Date, Exact, Weekday};

/// A rate record: what of it counts for the bill of a load.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UrdbTariff {
    /// `label`, or empty.
    pub label: String,
    /// `name`, or empty.
    pub name: String,
    /// `energyratestructure`: tiers of each period.
    pub energy: Vec<Vec<UrdbTier>>,
    /// `energyweekdayschedule` and `energyweekendschedule`.
    pub schedule: HourSchedule,
    /// `flatdemandstructure` with `flatdemandmonths`: tiers of January to December.
    pub flat_demand: Option<Vec<Vec<UrdbTier>>>,
    /// `demandratestructure` with its schedules.
    pub tou_demand: Option<(Vec<Vec<UrdbTier>>, HourSchedule)>,
    /// `fixedchargefirstmeter`.
    pub fixed: Option<UrdbAmount>,
    /// `mincharge`.
    pub minimum: Option<UrdbAmount>,
    /// Fields that are there, concern money, and are not charged.
    pub ignored: Vec<String>,
}

/// A price up to a cumulative bound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UrdbTier {
    /// `max` in kWh or kW; none: all the rest.
    pub up_to: Option<Exact>,
    /// `unit = "kWh daily"`: the bound is for each day of the month.
    pub daily: bool,
    /// `rate` + `adj`, per kWh or kW.
    pub price: Exact,
}

/// An amount of money with its unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UrdbAmount {
    /// In major units.
    pub amount: Exact,
    /// `$/day`, `$/month` or `$/year`.
    pub per: UrdbPer,
}

/// The time that an amount is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum UrdbPer {
    /// A day.
    Day,
    /// A calendar month.
    Month,
    /// A calendar year.
    Year,
}

impl UrdbAmount {
    /// The amount of every month: of a day × 365/12 whatever the month, of a
    /// year ÷ 12 (the rules of NREL's System Advisor Model).
    pub fn of_month(&self) -> Exact {
        let (times, over) = match self.per {
            UrdbPer::Day => (365, 12),
            UrdbPer::Month => (1, 1),
            UrdbPer::Year => (1, 12),
        };
        (&self.amount * &Exact::of(times)).over(&Exact::of(over)).expect("12 is not 0")
    }
}

/// The 0-based period of each clock hour, by month and kind of day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HourSchedule {
    /// `[month 0..11][hour 0..23]` of Monday to Friday.
    pub weekday: Vec<Vec<usize>>,
    /// The same of Saturday and Sunday.
    pub weekend: Vec<Vec<usize>>,
}

impl HourSchedule {
    /// The period of everything.
    pub fn constant(period: usize) -> Self {
        let year = vec![vec![period; 24]; 12];
        Self { weekday: year.clone(), weekend: year }
    }

    /// The periods of a day's hours, in a month from 0 to 11.
    pub fn hours(&self, month: usize, weekend: bool) -> &[usize] {
        let year = if weekend { &self.weekend } else { &self.weekday };
        year.get(month).map_or(&[], Vec::as_slice)
    }

    /// The periods of a date's hours.
    pub fn of_date(&self, date: Date) -> &[usize] {
        let weekend = matches!(date.weekday(), Weekday::Sat | Weekday::Sun);
        self.hours(index(date.month().number()), weekend)
    }

    /// Every period that a month (1 to 12) has on weekdays or weekends.
    pub fn periods_in(&self, month: u32) -> BTreeSet<usize> {
        [false, true].into_iter().flat_map(|weekend| self.hours(index(month), weekend)).copied().collect()
    }
}

/// The place of a month from 1 to 12 in a year.
fn index(month: u32) -> usize {
    usize::try_from(month).unwrap_or_default().saturating_sub(1)
}
