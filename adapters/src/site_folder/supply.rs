//! The tables of supply control: `[[supply_policy]]` and `[[protected]]`. `SUPPLY.md` is their reference.

use domain::event::{
    Body, CutCharge, NoCutWindow, PointId, PointProtected, SupplyEvent, SupplyPolicy, SupplyPolicyPublished,
};
use domain::quantity::{Money, floor_div, to_units};
use domain::supply::{self, PRESETS};
use rust_decimal::Decimal;

use super::error::{FolderError, did_you_mean};
use super::row::{Row, parse_decimal};
use super::tables::Ids;
use super::tariff::DAYS;

pub(super) const POLICY_KEYS: &[&str] = &[
    "version",
    "preset",
    "by",
    "cuts",
    "emergency_credit",
    "restore_at",
    "for_charges",
    "notice",
    "warn_days",
    "rearm_days",
    "no_cut",
    "persons",
    "confirm_restore",
    "hold_on_dispute",
    "hold_on_weather",
    "blast_least",
    "blast_percent",
    "restore_spacing_s",
    "command_valid_s",
    "stale_after",
    "received",
];

/// A policy: a preset, with what the site has otherwise.
pub(super) fn policy(row: &Row<'_>, decimals: u8) -> Result<(String, Body), FolderError> {
    let name = row.text("preset")?;
    let preset = supply::preset(name).ok_or_else(|| {
        let names = PRESETS.iter().map(|preset| preset.name);
        row.error("preset", format!("no preset is called '{name}'"), did_you_mean(name, names))
    })?;
    let mut policy = preset.policy();
    let version = row.integer("version")?;
    if version < 1 {
        return Err(row.error("version", format!("is {version}"), "count versions from 1"));
    }
    overrides(row, decimals, &mut policy)?;
    supply::check_policy(&policy).map_err(|why| row.error("preset", why.to_string(), "mend the key it names"))?;
    let by = row.text("by")?.to_owned();
    let published = SupplyPolicyPublished { by, policy, preset: Some(name.to_owned()), version };
    Ok((version.to_string(), Body::Supply(SupplyEvent::SupplyPolicyPublished(published))))
}

fn overrides(row: &Row<'_>, decimals: u8, policy: &mut SupplyPolicy) -> Result<(), FolderError> {
    let flags = [
        ("cuts", &mut policy.cuts),
        ("confirm_restore", &mut policy.confirm_restore),
        ("hold_on_dispute", &mut policy.hold_on_dispute),
        ("hold_on_weather", &mut policy.hold_on_weather),
    ];
    for (key, field) in flags {
        *field = row.flag(key)?.unwrap_or(*field);
    }
    let numbers = [
        ("persons", &mut policy.persons),
        ("blast_least", &mut policy.blast_least),
        ("blast_percent", &mut policy.blast_percent),
        ("restore_spacing_s", &mut policy.restore_spacing_s),
        ("command_valid_s", &mut policy.command_valid_s),
    ];
    for (key, field) in numbers.into_iter().filter(|(key, _)| row.has(key)) {
        *field = row.integer(key)?;
    }
    for (key, field) in [("notice", &mut policy.notice_s), ("stale_after", &mut policy.stale_after_s)] {
        *field = row.minutes_opt(key)?.map_or(*field, |minutes| minutes.saturating_mul(60));
    }
    let sums = [("emergency_credit", &mut policy.emergency_credit_minor), ("restore_at", &mut policy.restore_at_minor)];
    for (key, field) in sums {
        *field = row.money_opt(key, decimals)?.map_or(*field, Money::new);
    }
    if let Some(days) = row.texts("warn_days")? {
        policy.warn_tenths = days.iter().map(|text| tenths(row, "warn_days", text)).collect::<Result<_, _>>()?;
    }
    if let Some(days) = row.text_opt("rearm_days")? {
        policy.rearm_tenths = tenths(row, "rearm_days", days)?;
    }
    if let Some(charges) = row.texts("for_charges")? {
        let words = [("energy", CutCharge::Energy), ("shared_electricity", CutCharge::SharedElectricity)];
        policy.for_charges =
            charges.iter().map(|text| row.choose("for_charges", text, &words)).collect::<Result<_, _>>()?;
    }
    if row.has("no_cut") {
        policy.no_cut = row.rows("no_cut", &["days", "from", "to"])?.iter().map(window).collect::<Result<_, _>>()?;
    }
    Ok(())
}

/// Days with one decimal, in tenths.
fn tenths(row: &Row<'_>, key: &str, text: &str) -> Result<i64, FolderError> {
    let days: Decimal = parse_decimal(text, 1).map_err(|(problem, mend)| row.error(key, problem, mend))?;
    let units = to_units(days).map(|units| floor_div(units, 10_000_000));
    let tenths = units.and_then(|tenths| i64::try_from(tenths).ok()).filter(|tenths| *tenths >= 0);
    tenths.ok_or_else(|| row.error(key, format!("'{text}' is no number of days"), "write such as \"1.5\""))
}

fn window(row: &Row<'_>) -> Result<NoCutWindow, FolderError> {
    let days = row.need("days", row.texts("days")?)?;
    let days = days.iter().map(|day| row.choose("days", day, DAYS)).collect::<Result<_, _>>()?;
    let from_minute = row.need("from", row.minutes_opt("from")?)?;
    let to_minute = row.need("to", row.minutes_opt("to")?)?;
    Ok(NoCutWindow { days, from_minute, to_minute })
}

/// A point that is never cut.
pub(super) fn protected(row: &Row<'_>, ids: &Ids) -> Result<(String, Body), FolderError> {
    let data = PointProtected {
        by: row.text("by")?.to_owned(),
        point: row.known("point", &ids.points, PointId::try_new)?,
        reason: row.text("reason")?.to_owned(),
    };
    Ok((data.point.to_string(), Body::Supply(SupplyEvent::PointProtected(data))))
}
