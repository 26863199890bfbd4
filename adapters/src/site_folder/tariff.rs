//! `[[tariff]]`: versions of tariffs, judged for gaps and overlaps.

use std::collections::BTreeSet;

use domain::event::{
    Adder, DayName, Demand, DemandTier, EnergyRow, EnergyTier, Fixed, Per, ScheduleRow, TariffId, TariffPublished,
    TierBasis, TierWindow,
};
use rust_decimal::Decimal;

use super::error::{FolderError, did_you_mean};
use super::row::Row;

pub(super) const KEYS: &[&str] = &[
    "id",
    "version",
    "from",
    "default_period",
    "tier_window",
    "tier_basis",
    "schedule",
    "energy",
    "adder",
    "fixed",
    "demand",
    "minimum",
    "received",
];

pub(super) const DAYS: &[(&str, DayName)] = &[
    ("mon", DayName::Mon),
    ("tue", DayName::Tue),
    ("wed", DayName::Wed),
    ("thu", DayName::Thu),
    ("fri", DayName::Fri),
    ("sat", DayName::Sat),
    ("sun", DayName::Sun),
    ("holiday", DayName::Holiday),
];

pub(super) fn read(row: &Row<'_>) -> Result<TariffPublished, FolderError> {
    let windows = [
        ("month", TierWindow::Month),
        ("year", TierWindow::Year),
        ("day", TierWindow::Day),
        ("none", TierWindow::None),
    ];
    let tariff = TariffPublished {
        adder: adders(row)?,
        default_period: row.text("default_period")?.to_owned(),
        demand: demands(row)?,
        energy: energy(row)?,
        fixed: fixed(row)?,
        from: row.date("from")?,
        id: row.id("id", TariffId::try_new)?,
        minimum: row.price_opt("minimum")?,
        schedule: schedule(row)?,
        tier_basis: row
            .word("tier_basis", &[("total", TierBasis::Total), ("period", TierBasis::Period)])?
            .unwrap_or(TierBasis::Total),
        tier_window: row.word("tier_window", &windows)?.unwrap_or(TierWindow::Month),
        version: row.integer("version")?,
    };
    judge_periods(row, &tariff)?;
    judge_months(row, &tariff)?;
    judge_bounds(row, &tariff)?;
    judge_adders(row, &tariff)?;
    Ok(tariff)
}

fn schedule(row: &Row<'_>) -> Result<Vec<ScheduleRow>, FolderError> {
    let minute = |row: &Row<'_>, key: &str, most: i64| {
        let minutes = row.need(key, row.minutes_opt(key)?)?;
        u16::try_from(minutes)
            .ok()
            .filter(|_| minutes <= most)
            .ok_or_else(|| row.error(key, "is past the day's end", "write 00:00 to 23:59; `to` may be 24:00"))
    };
    let read = |row: &Row<'_>| {
        let days = match row.texts("days")? {
            None => None,
            Some(days) => Some(days.iter().map(|day| row.choose("days", day, DAYS)).collect::<Result<Vec<_>, _>>()?),
        };
        Ok(ScheduleRow {
            days,
            from_minute: minute(row, "from", 1439)?,
            months: row.months("months")?,
            period: row.text("period")?.to_owned(),
            to_minute: minute(row, "to", 1440)?,
        })
    };
    row.rows("schedule", &["period", "from", "to", "days", "months"])?.iter().map(read).collect()
}

/// Bounds rise, and the last tier, alone, has none.
fn judge_tiers(row: &Row<'_>, bounds: &[Option<Decimal>]) -> Result<(), FolderError> {
    let Some((last, others)) = bounds.split_last() else {
        return Err(row.error("tiers", "has no tier", "add a tier { price = \"…\" }"));
    };
    if last.is_some() {
        return Err(row.error(
            "tiers",
            "the last tier has a bound, so there is a gap above it",
            "add a last tier without a bound",
        ));
    }
    let mut below = Decimal::ZERO;
    for bound in others {
        let bound =
            bound.ok_or_else(|| row.error("tiers", "a tier before the last has no bound", "give it a bound"))?;
        if bound <= below {
            return Err(row.error(
                "tiers",
                format!("the bound {bound} does not rise"),
                "let the bounds rise from tier to tier",
            ));
        }
        below = bound;
    }
    Ok(())
}

fn energy(row: &Row<'_>) -> Result<Vec<EnergyRow>, FolderError> {
    let read = |row: &Row<'_>| {
        let tiers = row
            .rows("tiers", &["up_to_kwh", "price"])?
            .iter()
            .map(|tier| Ok(EnergyTier { price: tier.price("price")?, up_to_kwh: tier.energy_opt("up_to_kwh")? }))
            .collect::<Result<Vec<_>, _>>()?;
        judge_tiers(row, &tiers.iter().map(|tier| tier.up_to_kwh).collect::<Vec<_>>())?;
        Ok(EnergyRow { months: row.months("months")?, period: row.text("period")?.to_owned(), tiers })
    };
    row.rows("energy", &["period", "months", "tiers"])?.iter().map(read).collect()
}

fn adders(row: &Row<'_>) -> Result<Vec<Adder>, FolderError> {
    let rows = row.rows("adder", &["name", "price"])?;
    let read = |row: &Row<'_>| {
        Ok(Adder { name: row.text("name")?.to_owned(), price: row.need("price", row.signed_price_opt("price")?)? })
    };
    let adders: Vec<Adder> = rows.iter().map(read).collect::<Result<_, _>>()?;
    judge_names(&rows, adders.iter().map(|adder| adder.name.as_str()))?;
    Ok(adders)
}

fn fixed(row: &Row<'_>) -> Result<Vec<Fixed>, FolderError> {
    let rows = row.rows("fixed", &["name", "per", "amount"])?;
    let read = |row: &Row<'_>| {
        let per = row.need("per", row.word("per", &[("day", Per::Day), ("month", Per::Month)])?)?;
        Ok(Fixed { amount: row.price("amount")?, name: row.text("name")?.to_owned(), per })
    };
    let fixed: Vec<Fixed> = rows.iter().map(read).collect::<Result<_, _>>()?;
    judge_names(&rows, fixed.iter().map(|fixed| fixed.name.as_str()))?;
    Ok(fixed)
}

fn demands(row: &Row<'_>) -> Result<Vec<Demand>, FolderError> {
    let rows = row.rows("demand", &["name", "interval_minutes", "period", "tiers"])?;
    let read = |row: &Row<'_>| {
        let tiers = row
            .rows("tiers", &["up_to_kw", "price"])?
            .iter()
            .map(|tier| Ok(DemandTier { price: tier.price("price")?, up_to_kw: tier.energy_opt("up_to_kw")? }))
            .collect::<Result<Vec<_>, _>>()?;
        judge_tiers(row, &tiers.iter().map(|tier| tier.up_to_kw).collect::<Vec<_>>())?;
        let interval_minutes = u8::try_from(row.integer("interval_minutes")?)
            .ok()
            .filter(|minutes| [15, 30, 60].contains(minutes))
            .ok_or_else(|| row.error("interval_minutes", "is no interval", "write 15, 30 or 60"))?;
        let period = row.text_opt("period")?.map(str::to_owned);
        Ok(Demand { interval_minutes, name: row.text("name")?.to_owned(), period, tiers })
    };
    let demands: Vec<Demand> = rows.iter().map(read).collect::<Result<_, _>>()?;
    judge_names(&rows, demands.iter().map(|demand| demand.name.as_str()))?;
    Ok(demands)
}

/// Bills know lines by their names.
fn judge_names<'a>(rows: &[Row<'_>], names: impl Iterator<Item = &'a str>) -> Result<(), FolderError> {
    let mut seen = BTreeSet::new();
    for (row, name) in rows.iter().zip(names) {
        if !seen.insert(name) {
            return Err(row.error("name", format!("'{name}' is there twice"), "give each its own name"));
        }
    }
    Ok(())
}

fn judge_periods(row: &Row<'_>, tariff: &TariffPublished) -> Result<(), FolderError> {
    let used: BTreeSet<&str> =
        tariff.schedule.iter().map(|s| s.period.as_str()).chain([tariff.default_period.as_str()]).collect();
    let priced: BTreeSet<&str> = tariff.energy.iter().map(|e| e.period.as_str()).collect();
    if let Some(period) = used.iter().find(|period| !priced.contains(*period)) {
        return Err(row.error("energy", format!("period '{period}' has no price"), "add a row for it"));
    }
    let named = tariff.energy.iter().map(|e| ("energy", e.period.as_str()));
    let demanded = tariff.demand.iter().filter_map(|d| Some(("demand", d.period.as_deref()?)));
    for (key, period) in named.chain(demanded) {
        if !used.contains(period) {
            let mend = did_you_mean(period, used.iter().copied());
            return Err(row.error(key, format!("period '{period}' is not in schedule or default_period"), mend));
        }
    }
    Ok(())
}

/// Every period that can occur in a month has a price in it.
fn judge_months(row: &Row<'_>, tariff: &TariffPublished) -> Result<(), FolderError> {
    for month in 1..=12u8 {
        for period in periods_of(tariff, month) {
            let priced = |e: &EnergyRow| e.period == period && e.months.as_ref().is_none_or(|m| m.contains(&month));
            if !tariff.energy.iter().any(priced) {
                let problem = format!("period '{period}' has no price in month {month}");
                return Err(row.error("energy", problem, "add the month to a row, or a row without months"));
            }
        }
    }
    Ok(())
}

/// The periods that a month's minutes can have, whatever its days.
fn periods_of(tariff: &TariffPublished, month: u8) -> BTreeSet<&str> {
    let starts: BTreeSet<u16> = tariff.schedule.iter().flat_map(|s| [s.from_minute, s.to_minute]).chain([0]).collect();
    let names_holiday = tariff.schedule.iter().any(|s| names(s, DayName::Holiday));
    let mut periods = BTreeSet::new();
    for (_, day) in DAYS.iter().filter(|(_, day)| names_holiday || *day != DayName::Holiday) {
        for minute in starts.iter().filter(|minute| **minute < 1440) {
            let matches = |s: &&ScheduleRow| {
                let months = s.months.as_ref().is_none_or(|m| m.contains(&month));
                let days = names(s, *day) || (s.days.is_none() && *day != DayName::Holiday);
                let (from, to) = (s.from_minute, s.to_minute);
                let inside =
                    if from < to { (from..to).contains(minute) } else { from == to || *minute >= from || *minute < to };
                months && days && inside
            };
            let row = tariff.schedule.iter().find(matches);
            periods.insert(row.map_or(tariff.default_period.as_str(), |row| row.period.as_str()));
        }
    }
    periods
}

fn names(row: &ScheduleRow, day: DayName) -> bool {
    row.days.as_ref().is_some_and(|days| days.contains(&day))
}

/// Tiers that count all energy have the same bounds in every row.
fn judge_bounds(row: &Row<'_>, tariff: &TariffPublished) -> Result<(), FolderError> {
    let bounds = |e: &EnergyRow| e.tiers.iter().map(|tier| tier.up_to_kwh).collect::<Vec<_>>();
    let differ = tariff.energy.windows(2).any(|pair| matches!(pair, [a, b] if bounds(a) != bounds(b)));
    if tariff.tier_basis == TierBasis::Total && differ {
        let mend = "give all rows the same bounds, or write tier_basis = \"period\"";
        return Err(row.error(
            "energy",
            "with tier_basis \"total\" the bounds of all rows agree, and these do not",
            mend,
        ));
    }
    Ok(())
}

fn judge_adders(row: &Row<'_>, tariff: &TariffPublished) -> Result<(), FolderError> {
    let sum = tariff.adder.iter().try_fold(Decimal::ZERO, |sum, adder| sum.checked_add(adder.price));
    let least = tariff.energy.iter().flat_map(|e| &e.tiers).map(|tier| tier.price).min().unwrap_or_default();
    let total = sum.and_then(|sum| sum.checked_add(least));
    if total.is_none_or(|total| total < Decimal::ZERO) {
        let problem = format!("the adders take the energy price {least} below 0");
        return Err(row.error("adder", problem, "let adders and any energy price be 0 or more together"));
    }
    Ok(())
}
