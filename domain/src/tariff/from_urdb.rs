//! A tariff of the Utility Rate Database as a native one, and what of it a
//! native tariff cannot say.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;

use super::{UrdbPer, UrdbTariff, UrdbTier};
use crate::event::{
    DayName, Demand, DemandTier, EnergyRow, EnergyTier, Fixed, Per, ScheduleRow, TariffId, TariffPublished, TierBasis,
    TierWindow,
};
use crate::quantity::{Date, Energy, Exact, Power, to_units};

/// What the record does not say and a native tariff needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportAs {
    /// Its id.
    pub id: TariffId,
    /// In force from this local date.
    pub from: Date,
    /// The interval of demand charges: 15, 30 or 60.
    pub interval_minutes: u8,
}

/// A native tariff, and what it does not say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportedTariff {
    /// The tariff.
    pub tariff: TariffPublished,
    /// What could not be carried over as it is, by field.
    pub not_carried: Vec<String>,
}

/// A number that no native tariff holds.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {value} is too large for a native tariff")]
pub struct ImportTooLarge {
    /// The field.
    pub field: String,
    /// Its value.
    pub value: String,
}

/// What stays the same in a native period: the energy period, the demand
/// period, and the month's flat demand, of those that are charged.
type Key = (usize, Option<usize>, Option<usize>);

/// The month's days that a bound by the day is multiplied with; February has 28.
const DAYS: [i32; 12] = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

impl UrdbTariff {
    /// As a native tariff. Where something cannot be carried over, it says so.
    pub fn to_native(&self, as_: ImportAs) -> Result<ImportedTariff, ImportTooLarge> {
        let mut import = Import::new(self);
        let hours = import.hours();
        let energy = import.energy(&hours)?;
        let demand = import.demand(&hours, as_.interval_minutes)?;
        let fixed = import.fixed()?;
        let minimum = import.minimum()?;
        let default = most(&hours);
        import.not_carried.extend(self.ignored.iter().map(|field| format!("{field}: not charged")));
        let mut said = BTreeSet::new();
        import.not_carried.retain(|line| said.insert(line.clone()));
        let tariff = TariffPublished {
            adder: Vec::new(),
            default_period: period_name(&default),
            demand,
            energy,
            fixed,
            from: as_.from,
            id: as_.id,
            minimum,
            round_lines: None,
            round_total: None,
            scale: None,
            schedule: Import::schedule(&hours, default),
            surcharge: Vec::new(),
            tier_basis: TierBasis::Total,
            tier_window: TierWindow::Month,
            version: 1,
        };
        Ok(ImportedTariff { tariff, not_carried: import.not_carried })
    }
}

/// The keys of a month's 24 hours on weekdays, and on weekends.
type MonthHours = [Vec<Key>; 2];

struct Import<'a> {
    urdb: &'a UrdbTariff,
    /// Whether native periods are cut by demand period.
    by_demand: bool,
    /// Groups of months with one flat demand, where it differs.
    flat_groups: Option<Vec<usize>>,
    not_carried: Vec<String>,
}

fn is_charged(tiers: &[UrdbTier]) -> bool {
    tiers.iter().any(|tier| !tier.price.is_zero())
}

fn keys(month: &MonthHours) -> BTreeSet<Key> {
    month.iter().flatten().copied().collect()
}

/// The native period of a key.
fn period_name((energy, demand, flat): &Key) -> String {
    let demand = demand.map_or_else(String::new, |demand| format!("-d{demand}"));
    let flat = flat.map_or_else(String::new, |flat| format!("-f{flat}"));
    format!("{energy}{demand}{flat}")
}

fn most(hours: &[MonthHours]) -> Key {
    let mut count: BTreeMap<Key, usize> = BTreeMap::new();
    for key in hours.iter().flatten().flatten() {
        let times = count.entry(*key).or_default();
        *times = times.saturating_add(1);
    }
    count.into_iter().rev().max_by_key(|(_, times)| *times).map_or((0, None, None), |(key, _)| key)
}

impl<'a> Import<'a> {
    fn new(urdb: &'a UrdbTariff) -> Self {
        let mut import = Self { urdb, by_demand: false, flat_groups: None, not_carried: Vec::new() };
        if let Some((periods, _)) =
            urdb.tou_demand.as_ref().filter(|(periods, _)| periods.iter().any(|p| is_charged(p)))
        {
            import.by_demand = true;
            let spread = import.hours().iter().find_map(|month| {
                let mut seen = BTreeSet::new();
                let charged = |demand: &usize| periods.get(*demand).is_some_and(|tiers| is_charged(tiers));
                let repeated = |(_, demand, _): &Key| demand.filter(charged).filter(|demand| !seen.insert(*demand));
                keys(month).iter().find_map(repeated)
            });
            if let Some(demand) = spread {
                import.by_demand = false;
                import.not_carried.push(format!(
                    "demandratestructure: period {demand} spans several energy periods of a month, and a native demand charge names one"
                ));
            }
        }
        if let Some(months) = &urdb.flat_demand
            && months.windows(2).any(|pair| matches!(pair, [one, other] if one != other))
        {
            let single =
                import.hours().iter().zip(months).all(|(month, tiers)| keys(month).len() == 1 || !is_charged(tiers));
            if single {
                let group = |tiers: &Vec<UrdbTier>| months.iter().position(|other| other == tiers).unwrap_or_default();
                import.flat_groups = Some(months.iter().map(group).collect());
                let note = "flatdemandmonths: charged as demand of the months' periods; amounts are the same";
                import.not_carried.push(note.to_owned());
            } else {
                import.not_carried.push(
                    "flatdemandmonths: demand that differs by month, in months of several periods, has no native charge"
                        .to_owned(),
                );
            }
        }
        import
    }

    /// The keys of the year's hours.
    fn hours(&self) -> Vec<MonthHours> {
        let demand = self.urdb.tou_demand.as_ref().filter(|_| self.by_demand).map(|(_, schedule)| schedule);
        (0..12)
            .map(|month| {
                [false, true].map(|weekend| {
                    let energy = self.urdb.schedule.hours(month, weekend);
                    let flat = self.flat_groups.as_ref().and_then(|groups| groups.get(month)).copied();
                    let demand = |hour| demand.and_then(|schedule| schedule.hours(month, weekend).get(hour)).copied();
                    energy.iter().enumerate().map(|(hour, energy)| (*energy, demand(hour), flat)).collect()
                })
            })
            .collect()
    }

    /// A decimal of at most so many places; it says so where it rounds.
    fn fit(&mut self, value: &Exact, places: u32, field: &str) -> Result<Decimal, ImportTooLarge> {
        let fits = value.places().is_some_and(|has| has <= places);
        let text = if fits { value.to_string() } else { value.rounded(places) };
        if !fits {
            self.not_carried.push(format!("{field}: {value} is rounded to {text}"));
        }
        let decimal = Decimal::from_str_exact(&text).ok().filter(|decimal| to_units(*decimal).is_some());
        decimal.ok_or_else(|| ImportTooLarge { field: field.to_owned(), value: value.to_string() })
    }

    /// The bounds of a period's tiers in a month of so many days, up to the tier without one.
    fn bounds(tiers: &[UrdbTier], days: i32) -> Vec<Exact> {
        let bound = |tier: &UrdbTier| {
            let days = if tier.daily { days } else { 1 };
            tier.up_to.as_ref().map(|up_to| up_to * &Exact::of(days.into()))
        };
        tiers.iter().map_while(bound).filter(Exact::is_positive).collect()
    }

    fn energy(&mut self, hours: &[MonthHours]) -> Result<Vec<EnergyRow>, ImportTooLarge> {
        let keys_of: Vec<BTreeSet<Key>> = hours.iter().map(keys).collect();
        let all: BTreeSet<Key> = keys_of.iter().flatten().copied().collect();
        let urdb = self.urdb;
        let of = |key: &Key| urdb.energy.get(key.0).map_or(&[][..], Vec::as_slice);
        let daily = |tiers: &[UrdbTier]| tiers.iter().any(|tier| tier.daily && tier.up_to.is_some());
        let mut lists: BTreeSet<Vec<Exact>> = BTreeSet::new();
        for (month, days) in keys_of.iter().zip(DAYS) {
            lists.extend(month.iter().map(|key| Self::bounds(of(key), days)));
        }
        let cuts: BTreeSet<Exact> = lists.iter().flatten().cloned().collect();
        if lists.len() > 1 {
            let all_daily = all.iter().any(|key| daily(of(key)));
            let more = if all_daily { "; bounds by the day are those of a February of 28 days" } else { "" };
            self.not_carried.push(format!(
                "energyratestructure: bounds differ, so tiers are cut at all of them and have other numbers; amounts are the same{more}"
            ));
        }
        let mut rows = Vec::new();
        for key in &all {
            let tiers = of(key);
            // A period whose bounds are by the day has a row for each length of month.
            let mut groups: BTreeMap<Option<i32>, Vec<u8>> = BTreeMap::new();
            for ((month, days), number) in keys_of.iter().zip(DAYS).zip(1u8..) {
                if month.contains(key) {
                    groups.entry(daily(tiers).then_some(days)).or_default().push(number);
                }
            }
            for (days, months) in groups {
                let tiers = self.energy_tiers(tiers, days.unwrap_or(1), &cuts, key.0)?;
                rows.push(EnergyRow {
                    band_up_to_kwh: None,
                    months: days.map(|_| months),
                    period: period_name(key),
                    tiers,
                });
            }
        }
        Ok(rows)
    }

    fn energy_tiers(
        &mut self,
        tiers: &[UrdbTier],
        days: i32,
        cuts: &BTreeSet<Exact>,
        period: usize,
    ) -> Result<Vec<EnergyTier>, ImportTooLarge> {
        let bounds = Self::bounds(tiers, days);
        let prices: Vec<&Exact> = tiers
            .iter()
            .filter(|tier| tier.up_to.as_ref().is_none_or(Exact::is_positive))
            .map(|tier| &tier.price)
            .collect();
        let field = format!("energyratestructure[{period}]");
        let mut native = Vec::new();
        let mut below = Exact::default();
        for cut in cuts.iter().map(Some).chain([None]) {
            let number = bounds.iter().take_while(|bound| **bound <= below).count();
            let price = prices.get(number).map_or_else(Exact::default, |price| (*price).clone());
            let price = self.fit(&price, 8, &field)?;
            let up_to_kwh = cut.map(|cut| self.fit(cut, 6, &field)).transpose()?;
            if let Some(bound) = up_to_kwh.filter(|bound| Energy::from_kwh(*bound).is_none()) {
                return Err(ImportTooLarge { field, value: bound.to_string() });
            }
            native.push(EnergyTier { price, up_to_kwh });
            below = cut.cloned().unwrap_or_default();
        }
        Ok(native)
    }

    fn demand(&mut self, hours: &[MonthHours], interval_minutes: u8) -> Result<Vec<Demand>, ImportTooLarge> {
        let urdb = self.urdb;
        let all: BTreeSet<Key> = hours.iter().flat_map(keys).collect();
        let mut charges: Vec<(String, Option<String>, &[UrdbTier], &str)> = Vec::new();
        if let Some(months) = &urdb.flat_demand {
            let same = months.windows(2).all(|pair| matches!(pair, [one, other] if one == other));
            let field = "flatdemandstructure";
            if let (true, Some(tiers)) = (same, months.first()) {
                charges.push(("Demand".to_owned(), None, tiers, field));
            }
            for key in &all {
                if let Some(tiers) = key.2.and_then(|month| months.get(month)) {
                    let name = period_name(key);
                    charges.push((format!("Demand in {name}"), Some(name), tiers, field));
                }
            }
        }
        if let Some((periods, _)) = &urdb.tou_demand {
            for key in &all {
                if let Some(tiers) = key.1.and_then(|demand| periods.get(demand)) {
                    let name = period_name(key);
                    charges.push((format!("Demand by time in {name}"), Some(name), tiers, "demandratestructure"));
                }
            }
        }
        let mut native = Vec::new();
        for (name, period, tiers, field) in charges.into_iter().filter(|(_, _, tiers, _)| is_charged(tiers)) {
            let tiers = self.demand_tiers(tiers, field)?;
            native.push(Demand { interval_minutes, name, period, tiers });
        }
        Ok(native)
    }

    fn demand_tiers(&mut self, tiers: &[UrdbTier], field: &str) -> Result<Vec<DemandTier>, ImportTooLarge> {
        let mut native: Vec<DemandTier> = Vec::new();
        for tier in tiers.iter().filter(|tier| tier.up_to.as_ref().is_none_or(Exact::is_positive)) {
            let price = self.fit(&tier.price, 8, field)?;
            let up_to_kw = tier.up_to.as_ref().map(|bound| self.fit(bound, 6, field)).transpose()?;
            if let Some(bound) = up_to_kw.filter(|bound| Power::from_kw(*bound).is_none()) {
                return Err(ImportTooLarge { field: field.to_owned(), value: bound.to_string() });
            }
            native.push(DemandTier { price, up_to_kw });
            if up_to_kw.is_none() {
                break;
            }
        }
        Ok(native)
    }

    fn fixed(&mut self) -> Result<Vec<Fixed>, ImportTooLarge> {
        let field = "fixedchargefirstmeter";
        let Some(fixed) = self.urdb.fixed.as_ref().filter(|fixed| !fixed.amount.is_zero()) else {
            return Ok(Vec::new());
        };
        let (amount, per) = match fixed.per {
            UrdbPer::Day => {
                self.not_carried.push(format!(
                    "{field}: charged by the days held; the System Advisor Model counts 365/12 days in every month"
                ));
                (fixed.amount.clone(), Per::Day)
            }
            UrdbPer::Month | UrdbPer::Year => (fixed.of_month(), Per::Month),
        };
        Ok(vec![Fixed {
            amount: Some(self.fit(&amount, 8, field)?),
            bands: Vec::new(),
            name: "Fixed charge".to_owned(),
            per,
        }])
    }

    fn minimum(&mut self) -> Result<Option<Decimal>, ImportTooLarge> {
        let Some(minimum) = self.urdb.minimum.as_ref().filter(|minimum| !minimum.amount.is_zero()) else {
            return Ok(None);
        };
        if minimum.per == UrdbPer::Year {
            self.not_carried.push("mincharge: a minimum of the year has no native form".to_owned());
            return Ok(None);
        }
        self.fit(&minimum.of_month(), 8, "mincharge").map(Some)
    }

    /// Rows for every hour that is not of the default period, months with the same hours together.
    fn schedule(hours: &[MonthHours], default: Key) -> Vec<ScheduleRow> {
        const WEEKDAYS: [DayName; 5] = [DayName::Mon, DayName::Tue, DayName::Wed, DayName::Thu, DayName::Fri];
        const WEEKEND: [DayName; 2] = [DayName::Sat, DayName::Sun];
        let mut groups: Vec<(&MonthHours, Vec<u8>)> = Vec::new();
        for (month, number) in hours.iter().zip(1u8..) {
            match groups.iter_mut().find(|(other, _)| *other == month) {
                Some((_, numbers)) => numbers.push(number),
                None => groups.push((month, vec![number])),
            }
        }
        let mut rows = Vec::new();
        for ([weekday, weekend], numbers) in groups {
            let months = (numbers.len() < 12).then_some(numbers);
            let kinds = if weekday == weekend {
                vec![(weekday, None)]
            } else {
                vec![(weekday, Some(WEEKDAYS.to_vec())), (weekend, Some(WEEKEND.to_vec()))]
            };
            for (hours, days) in kinds {
                let mut from_minute = 0u16;
                for run in hours.chunk_by(|one, other| one == other) {
                    let length = u16::try_from(run.len()).unwrap_or(24).saturating_mul(60);
                    let to_minute = from_minute.saturating_add(length);
                    if let Some(key) = run.first().filter(|key| **key != default) {
                        let (days, months, period) = (days.clone(), months.clone(), period_name(key));
                        rows.push(ScheduleRow { days, from_minute, months, period, to_minute });
                    }
                    from_minute = to_minute;
                }
            }
        }
        rows
    }
}
