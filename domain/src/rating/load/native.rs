//! Rating by the versions of a site's tariff: the load becomes the register of
//! one meter, and the slices, tiers and peaks are those of billing. Only the
//! amounts differ: quantity × price is not rounded.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;

use super::{Load, LoadBill, LoadMonth, LoadRow, TierModel, kwh};
use crate::event::{
    AccountId, Body, CalendarPublished, Component, LineKey, MeterId, MeterInstalled, PointId, PointKind,
    PointRegistered, ReadingRow, ReadingsBatch, SiteId, SiteRegistered, TariffAssigned, TariffPublished, TierBasis,
    TierWindow, Unit, UnitId, UnitRegistered,
};
use crate::metering::Metering;
use crate::premises::{Premises, Subject};
use crate::quantity::{Date, Energy, Exact, Month, to_units};
use crate::rating::{Counters, Facts, Horizon, Line, PointMonth};
use crate::tariff::{MonthTerms, Tariff, period_cuts};

/// The register before the first interval: a meter's register is never 0 here, as a zero may be a ghost.
const START: Energy = Energy::new(1_000_000);
/// Energy in mWh × price in 10⁻⁸, below which no amount of a month overflows.
const LARGEST: i128 = 1 << 96;

/// The versions of one tariff, and the holidays of its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NativeTariff {
    /// All of one id.
    pub versions: Vec<TariffPublished>,
    /// Local dates.
    pub holidays: Vec<Date>,
}

/// Why a load cannot be rated by a tariff.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NativeError {
    /// The load begins before the tariff.
    #[error("the load starts on {start}, and the tariff is in force from {from}")]
    NotInForce {
        /// The load's first date.
        start: Date,
        /// The earliest version's.
        from: Date,
    },
    /// The load is coarser than a demand charge.
    #[error("demand '{name}' is measured by {wanted} minutes, and the load by {has}")]
    Coarse {
        /// The charge.
        name: String,
        /// Its interval.
        wanted: u8,
        /// The load's.
        has: u8,
    },
    /// Tiers that are not by the month.
    #[error("version {version} has tiers by another time than the month, which have no pro-rata shares")]
    NotMonthly {
        /// The version.
        version: i64,
    },
    /// What a load alone does not rate.
    #[error(
        "version {version} has bands, scale, surcharges or rounding, which the rating of a load alone does not have"
    )]
    Beyond {
        /// The version.
        version: i64,
    },
    /// Amounts beyond the bounds of money.
    #[error("the load times the highest price is too large")]
    TooLarge,
}

impl NativeError {
    /// What to do about it.
    pub const fn mend(&self) -> &'static str {
        match self {
            Self::NotInForce { .. } => "give a version that is in force from the load's first day",
            Self::Coarse { .. } => "give a load of shorter intervals, or another interval_minutes",
            Self::NotMonthly { .. } => "take --tiers chronological",
            Self::Beyond { .. } => "put the tariff into a site folder, and run it with tallywatt run",
            Self::TooLarge => "give a smaller load or price",
        }
    }
}

/// What a load costs by the tariff version in force on each of its days.
pub fn rate_native(
    tariff: &NativeTariff,
    calendar: &CalendarPublished,
    load: &Load,
    model: TierModel,
) -> Result<LoadBill, NativeError> {
    check(tariff, load)?;
    let not_monthly = tariff.versions.iter().find(|version| !is_monthly(version));
    if let (TierModel::Prorata, Some(version)) = (model, not_monthly) {
        return Err(NativeError::NotMonthly { version: version.version });
    }
    let Some(first) = load.rows.first() else { return Ok(LoadBill { months: Vec::new(), prorata_total: None }) };
    let (premises, metering) = (premises(tariff, calendar, first), metering(load, first));
    let facts = Facts::new(&premises, &metering);
    let point = premises.points.get(&point_id()).expect("it was registered");
    let last = load.rows.last().map_or(first.date, |row| row.date);
    let whole = load.end() >= premises.calendar.end_of(last);
    let horizon =
        Horizon { first_day: first.date, until: load.end(), last_day: if whole { last } else { last.previous() } };
    let mut counters = Counters::default();
    let mut chronological = Vec::new();
    let mut prorata = Vec::new();
    for (month, rows) in load.months() {
        let mut rated = PointMonth::new(counters);
        rated.extend(&facts, point, &unit_id(), month, horizon);
        counters = rated.counters().clone();
        let lines = rated.lines(&facts, &point.id, month, horizon.last_day).into_values().flatten().collect();
        let by_version = versions(&facts, month, rows, horizon, &lines);
        chronological.push(month_of(load, month, rows, &by_version, TierModel::Chronological));
        prorata.push(month_of(load, month, rows, &by_version, TierModel::Prorata));
    }
    let prorata_total = not_monthly.is_none().then(|| prorata.iter().map(|month| month.total.clone()).sum());
    let months = match model {
        TierModel::Chronological => chronological,
        TierModel::Prorata => prorata,
    };
    Ok(LoadBill { months, prorata_total })
}

fn check(tariff: &NativeTariff, load: &Load) -> Result<(), NativeError> {
    let plain = |version: &&TariffPublished| {
        let compiled = Tariff::new(version);
        !compiled.depends_on_month() && !compiled.adds_by_lines() && compiled.round_lines.is_none()
    };
    if let Some(version) = tariff.versions.iter().find(|version| !plain(version)) {
        return Err(NativeError::Beyond { version: version.version });
    }
    let starts = tariff.versions.iter().map(|version| version.from).min().zip(load.rows.first());
    if let Some((from, first)) = starts
        && first.date < from
    {
        return Err(NativeError::NotInForce { start: first.date, from });
    }
    let mut highest = Decimal::ZERO;
    for version in &tariff.versions {
        if let Some(demand) = version.demand.iter().find(|demand| demand.interval_minutes < load.interval_minutes) {
            let (name, wanted) = (demand.name.clone(), demand.interval_minutes);
            return Err(NativeError::Coarse { name, wanted, has: load.interval_minutes });
        }
        let energy = version.energy.iter().flat_map(|row| &row.tiers).map(|tier| tier.price);
        let demand = version.demand.iter().flat_map(|row| &row.tiers).map(|tier| tier.price);
        highest = energy.chain(demand).chain(version.adder.iter().map(|adder| adder.price)).fold(highest, Decimal::max);
    }
    let total = load.rows.iter().map(|row| i128::from(row.energy.get())).fold(0, i128::saturating_add);
    let price = to_units(highest).unwrap_or(i128::MAX).max(1);
    let product = total.saturating_mul(60).saturating_mul(price);
    let register = total.saturating_add(START.get().into());
    if product > LARGEST || register >= 1 << 53 { Err(NativeError::TooLarge) } else { Ok(()) }
}

fn is_monthly(version: &TariffPublished) -> bool {
    version.tier_window == TierWindow::Month || version.energy.iter().all(|row| row.tiers.len() == 1)
}

fn point_id() -> PointId {
    PointId::try_new("load").expect("a short word is an id")
}

fn unit_id() -> UnitId {
    UnitId::try_new("load").expect("a short word is an id")
}

fn meter_id() -> MeterId {
    MeterId::try_new("load").expect("a short word is an id")
}

/// A site of one vacant unit, which its landlord holds without a break.
fn premises(tariff: &NativeTariff, calendar: &CalendarPublished, first: &LoadRow) -> Premises {
    let mut premises = Premises::default();
    premises.apply(&Body::SiteRegistered(SiteRegistered {
        bill_after_s: 0,
        currency: "XXX".to_owned(),
        currency_decimals: 0,
        holidays: tariff.holidays.clone(),
        id: SiteId::try_new("load").expect("a short word is an id"),
        landlord: AccountId::try_new("load").expect("a short word is an id"),
        max_gap_s: 3600,
        name: "load".to_owned(),
        settle_after_s: 0,
        tax: None,
        time_zone: calendar.zone.clone(),
    }));
    premises.apply(&Body::CalendarPublished(calendar.clone()));
    premises.apply(&Body::UnitRegistered(UnitRegistered { area_m2: Decimal::ZERO, id: unit_id() }));
    premises.apply(&Body::PointRegistered(PointRegistered {
        formula: Vec::new(),
        id: point_id(),
        kind: PointKind::Unit,
        unit: Some(unit_id()),
    }));
    premises.apply(&Body::MeterInstalled(table(first)));
    for version in &tariff.versions {
        premises.apply(&Body::TariffPublished(version.clone()));
        premises.apply(&Body::TariffAssigned(TariffAssigned {
            from: first.date,
            point: Some(point_id()),
            pool: None,
            tariff: version.id.clone(),
        }));
    }
    premises
}

fn table(first: &LoadRow) -> MeterInstalled {
    MeterInstalled {
        final_kwh: None,
        id: meter_id(),
        installed: first.start,
        max_kw: None,
        modulus_kwh: None,
        multiplier: Decimal::ONE,
        point: point_id(),
        removed: None,
        serial: None,
        start_kwh: Some(Decimal::ONE),
    }
}

/// The intervals as a cumulative register, read at each interval's end.
fn metering(load: &Load, first: &LoadRow) -> Metering {
    let mut metering = Metering::new();
    metering.install(&table(first), first.start).expect("the table states a start of 1 kWh");
    let mut register = START;
    let length = i64::from(load.interval_minutes).saturating_mul(60);
    for (row, position) in load.rows.iter().zip(1u64..) {
        register += row.energy;
        let time = row.start.plus(length);
        let reading = ReadingRow {
            meter: meter_id(),
            time,
            kwh: register.kwh().into(),
            serial: None,
            device_time: None,
            place: 0,
        };
        let batch = ReadingsBatch::try_new(0, time, &[reading], None).expect("one reading within the years of a load");
        metering.record(position, time, &batch);
    }
    metering.advance(load.end()).expect("nothing was withdrawn or released");
    metering
}

/// What a month used and owes under one version.
struct Version<'a> {
    tariff: &'a Tariff,
    /// By index of the period, then tier.
    used: BTreeMap<usize, Vec<Exact>>,
    other: Vec<(LineKey, Exact)>,
    /// By period and demand charge, kW.
    peaks: BTreeMap<(String, Option<String>), Exact>,
    minimum: Exact,
}

/// The versions in force on the days of a month.
fn versions<'a>(
    facts: &Facts<'a>,
    month: Month,
    rows: &[LoadRow],
    horizon: Horizon,
    lines: &BTreeMap<LineKey, Line>,
) -> Vec<Version<'a>> {
    let premises = facts.premises;
    let calendar = &premises.calendar;
    let mut held: BTreeMap<i64, (&Tariff, BTreeSet<usize>, i64)> = BTreeMap::new();
    for day in rows.chunk_by(|one, other| one.date == other.date).filter_map(|day| Some(day.first()?.date)) {
        let Some(tariff) = premises.tariff_on(&Subject::Point(point_id()), day) else { continue };
        let of = held.entry(tariff.version).or_insert((tariff, BTreeSet::new(), 0));
        let cuts = period_cuts(tariff, calendar, &premises.holidays, calendar.start_of(day), calendar.end_of(day));
        of.1.extend(cuts.iter().map(|cut| cut.period));
        of.2 = of.2.saturating_add(i64::from(day <= horizon.last_day));
    }
    let version = |(number, (tariff, periods, days)): (i64, (&'a Tariff, BTreeSet<usize>, i64))| {
        let mut version = Version {
            tariff,
            used: BTreeMap::new(),
            other: Vec::new(),
            peaks: BTreeMap::new(),
            minimum: Exact::default(),
        };
        for period in periods {
            let tiers =
                tariff.prices(period, month.number(), MonthTerms::default()).map_or(0, |prices| prices.tiers.len());
            version.used.insert(period, vec![Exact::default(); tiers]);
            for charge in tariff.demand.iter().filter(|charge| charge.period == Some(period)) {
                let key = (tariff.period_name(period).to_owned(), Some(charge.name.clone()));
                version.peaks.insert(key, Exact::default());
            }
        }
        lines.iter().filter(|(key, _)| key.version == number).for_each(|(key, line)| version.take(key, line));
        if let Some(minimum) = tariff.minimum.filter(|_| horizon.last_day >= month.last()) {
            let share = Exact::of(days.into()).over(&Exact::of(month.days().into())).expect("a month has days");
            version.minimum = &Exact::of_decimal(minimum.published) * &share;
        }
        version
    };
    held.into_iter().map(version).collect()
}

impl Version<'_> {
    fn take(&mut self, key: &LineKey, line: &Line) {
        match key.component {
            Component::Energy => {
                let period = self.tariff.periods.iter().position(|name| Some(&**name) == key.period.as_deref());
                let tier = key.tier.and_then(|tier| usize::try_from(tier).ok()?.checked_sub(1));
                let tiers = period.and_then(|period| self.used.get_mut(&period));
                if let Some(used) = tiers.zip(tier).and_then(|(tiers, tier)| tiers.get_mut(tier)) {
                    *used = Exact::scaled(line.quantity.into(), 6);
                }
            }
            Component::Demand => {
                // The lines of a charge are its tiers, which add up to the peak.
                if let Some(period) = &key.period {
                    let peak = self.peaks.entry((period.clone(), key.name.clone())).or_default();
                    *peak += Exact::scaled(line.quantity.into(), 6);
                }
                self.other.push((key.clone(), amount(line)));
            }
            Component::Adder | Component::Fixed => self.other.push((key.clone(), amount(line))),
            // Versions with surcharges or rounding are refused.
            Component::Minimum | Component::Surcharge | Component::Rounding => {}
        }
    }

    /// Energy by period and tier in a model.
    fn in_model(&self, model: TierModel) -> BTreeMap<usize, Vec<Exact>> {
        let all: Exact = self.used.values().flatten().cloned().sum();
        if model == TierModel::Chronological || self.tariff.tier_basis == TierBasis::Period || all.is_zero() {
            return self.used.clone();
        }
        let tier = |number: usize| self.used.values().filter_map(|tiers| tiers.get(number)).cloned().sum::<Exact>();
        let shares = self.used.iter().map(|(period, tiers)| {
            let share = tiers.iter().cloned().sum::<Exact>().over(&all).expect("the total is not 0");
            (*period, (0..tiers.len()).map(|number| &tier(number) * &share).collect())
        });
        shares.collect()
    }
}

/// Quantity × price × days ÷ `of_days`, as it is.
fn amount(line: &Line) -> Exact {
    let quantity = match line.unit {
        Unit::Kwh | Unit::Kw => Exact::scaled(line.quantity.into(), 6),
        Unit::Day | Unit::Month | Unit::Amount => Exact::of(line.quantity.into()),
    };
    let whole = &quantity * &Exact::of_decimal(line.price);
    let share = line.days.zip(line.of_days).and_then(|(days, of)| Exact::of(days.into()).over(&Exact::of(of.into())));
    share.map_or(whole.clone(), |share| &whole * &share)
}

fn month_of(load: &Load, month: Month, rows: &[LoadRow], versions: &[Version<'_>], model: TierModel) -> LoadMonth {
    let highest = rows.iter().map(|row| row.energy).max().unwrap_or_default();
    let mut bill = LoadMonth {
        month,
        kwh: kwh(rows.iter().map(|row| row.energy).sum()),
        peak_kw: load.power(highest),
        energy_charge: Exact::default(),
        demand_flat_charge: Exact::default(),
        demand_tou_charge: Exact::default(),
        fixed_charge: Exact::default(),
        minimum_topup: Exact::default(),
        total: Exact::default(),
        use_kwh: BTreeMap::new(),
        tou_demand_peak_kw: BTreeMap::new(),
    };
    for version in versions {
        let mut charges = Exact::default();
        for (period, tiers) in version.in_model(model) {
            let prices =
                version.tariff.prices(period, month.number(), MonthTerms::default()).map(|prices| prices.tiers.iter());
            for (used, tier) in tiers.iter().zip(prices.into_iter().flatten()) {
                let charge = used * &Exact::of_decimal(tier.price.published);
                charges += charge.clone();
                bill.energy_charge += charge;
            }
            let shown = bill.use_kwh.entry(version.tariff.period_name(period).to_owned()).or_default();
            let longer = tiers.len().max(shown.len());
            shown.resize(longer, Exact::default());
            shown.iter_mut().zip(tiers).for_each(|(sum, one)| *sum += one);
        }
        for (key, charge) in &version.other {
            charges += charge.clone();
            let part = match (key.component, &key.period) {
                (Component::Demand, Some(_)) => &mut bill.demand_tou_charge,
                (Component::Demand, None) => &mut bill.demand_flat_charge,
                (Component::Fixed, _) => &mut bill.fixed_charge,
                (
                    Component::Energy
                    | Component::Adder
                    | Component::Minimum
                    | Component::Surcharge
                    | Component::Rounding,
                    _,
                ) => &mut bill.energy_charge,
            };
            *part += charge.clone();
        }
        bill.minimum_topup += (version.minimum.clone() - charges).or_zero();
        for ((period, _), peak) in &version.peaks {
            let shown = bill.tou_demand_peak_kw.entry(period.clone()).or_default();
            *shown = peak.clone().max(shown.clone());
        }
    }
    bill.add_up();
    bill
}
