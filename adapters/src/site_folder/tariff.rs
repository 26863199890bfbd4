//! `[[tariff]]`: versions of tariffs, as TARIFFS.md beside this file describes them.

use domain::event::{
    Adder, AmountBand, BoundScale, DayName, Demand, DemandTier, EnergyRow, EnergyTier, Fixed, Per, RateBand, Rounding,
    RoundingMode, ScheduleRow, Surcharge, TariffId, TariffPublished, TierBasis, TierWindow,
};
use domain::tariff;

use super::error::FolderError;
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
    "scale",
    "surcharge",
    "round_lines",
    "round_total",
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

/// Reads a version and refuses it with the first thing that is wrong, for a currency with so many decimals.
pub(super) fn read(row: &Row<'_>, currency_decimals: u8) -> Result<TariffPublished, FolderError> {
    let windows = [
        ("month", TierWindow::Month),
        ("year", TierWindow::Year),
        ("day", TierWindow::Day),
        ("none", TierWindow::None),
    ];
    let published = TariffPublished {
        adder: adders(row)?,
        default_period: row.text("default_period")?.to_owned(),
        demand: demands(row)?,
        energy: energy(row)?,
        fixed: fixed(row)?,
        from: row.date("from")?,
        id: row.id("id", TariffId::try_new)?,
        minimum: row.price_opt("minimum")?,
        round_lines: rounding(row, "round_lines")?,
        round_total: rounding(row, "round_total")?,
        scale: scale(row)?,
        schedule: schedule(row)?,
        surcharge: surcharges(row)?,
        tier_basis: row
            .word("tier_basis", &[("total", TierBasis::Total), ("period", TierBasis::Period)])?
            .unwrap_or(TierBasis::Total),
        tier_window: row.word("tier_window", &windows)?.unwrap_or(TierWindow::Month),
        version: row.integer("version")?,
    };
    match tariff::findings(&published, currency_decimals).into_iter().next() {
        Some(finding) => Err(row.error_at(finding.place.steps(), finding.fault.to_string(), finding.fault.mend())),
        None => Ok(published),
    }
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

fn energy(row: &Row<'_>) -> Result<Vec<EnergyRow>, FolderError> {
    let tier =
        |tier: &Row<'_>| Ok(EnergyTier { price: tier.price("price")?, up_to_kwh: tier.energy_opt("up_to_kwh")? });
    let read = |row: &Row<'_>| {
        Ok(EnergyRow {
            band_up_to_kwh: row.energy_opt("band_up_to_kwh")?,
            months: row.months("months")?,
            period: row.text("period")?.to_owned(),
            tiers: row.rows("tiers", &["up_to_kwh", "price"])?.iter().map(tier).collect::<Result<_, _>>()?,
        })
    };
    row.rows("energy", &["period", "months", "band_up_to_kwh", "tiers"])?.iter().map(read).collect()
}

fn adders(row: &Row<'_>) -> Result<Vec<Adder>, FolderError> {
    let read = |row: &Row<'_>| {
        Ok(Adder { name: row.text("name")?.to_owned(), price: row.need("price", row.signed_price_opt("price")?)? })
    };
    row.rows("adder", &["name", "price"])?.iter().map(read).collect()
}

fn fixed(row: &Row<'_>) -> Result<Vec<Fixed>, FolderError> {
    let band =
        |band: &Row<'_>| Ok(AmountBand { amount: band.price("amount")?, up_to_kwh: band.energy_opt("up_to_kwh")? });
    let read = |row: &Row<'_>| {
        Ok(Fixed {
            amount: row.price_opt("amount")?,
            bands: row.rows("bands", &["up_to_kwh", "amount"])?.iter().map(band).collect::<Result<_, _>>()?,
            name: row.text("name")?.to_owned(),
            per: row.need("per", row.word("per", &[("day", Per::Day), ("month", Per::Month)])?)?,
        })
    };
    row.rows("fixed", &["name", "per", "amount", "bands"])?.iter().map(read).collect()
}

fn demands(row: &Row<'_>) -> Result<Vec<Demand>, FolderError> {
    let tier = |tier: &Row<'_>| Ok(DemandTier { price: tier.price("price")?, up_to_kw: tier.energy_opt("up_to_kw")? });
    let read = |row: &Row<'_>| {
        let minutes = row.integer("interval_minutes")?;
        Ok(Demand {
            interval_minutes: u8::try_from(minutes)
                .map_err(|_| row.error("interval_minutes", "is no interval", "write 15, 30 or 60"))?,
            name: row.text("name")?.to_owned(),
            period: row.text_opt("period")?.map(str::to_owned),
            tiers: row.rows("tiers", &["up_to_kw", "price"])?.iter().map(tier).collect::<Result<_, _>>()?,
        })
    };
    row.rows("demand", &["name", "interval_minutes", "period", "tiers"])?.iter().map(read).collect()
}

const SURCHARGE_KEYS: &[&str] = &["name", "rate", "bands", "on", "tiers_from", "each", "round"];

fn surcharges(row: &Row<'_>) -> Result<Vec<Surcharge>, FolderError> {
    let band = |band: &Row<'_>| Ok(RateBand { rate: band.price("rate")?, up_to_kwh: band.energy_opt("up_to_kwh")? });
    let read = |row: &Row<'_>| {
        let on = row.need("on", row.texts("on")?)?;
        let tiers_from = if row.has("tiers_from") { Some(row.integer("tiers_from")?) } else { None };
        Ok(Surcharge {
            bands: row.rows("bands", &["up_to_kwh", "rate"])?.iter().map(band).collect::<Result<_, _>>()?,
            each: row.flag("each")?.unwrap_or(false),
            name: row.text("name")?.to_owned(),
            on: on.into_iter().map(str::to_owned).collect(),
            rate: row.price_opt("rate")?,
            round: rounding(row, "round")?,
            tiers_from,
        })
    };
    row.rows("surcharge", SURCHARGE_KEYS)?.iter().map(read).collect()
}

/// The words for ways to round.
pub(super) const MODES: &[(&str, RoundingMode)] = &[
    ("half_up", RoundingMode::HalfUp),
    ("half_even", RoundingMode::HalfEven),
    ("down", RoundingMode::Down),
    ("up", RoundingMode::Up),
];

fn rounding(row: &Row<'_>, key: &str) -> Result<Option<Rounding>, FolderError> {
    let Some(row) = row.table(key, &["to", "mode"])? else { return Ok(None) };
    Ok(Some(Rounding { mode: row.need("mode", row.word("mode", MODES)?)?, to: row.price("to")? }))
}

fn scale(row: &Row<'_>) -> Result<Option<BoundScale>, FolderError> {
    let Some(row) = row.table("scale", &["of_days", "round"])? else { return Ok(None) };
    let of_days = if row.has("of_days") { Some(row.integer("of_days")?) } else { None };
    Ok(Some(BoundScale { of_days, round: rounding(&row, "round")? }))
}
