//! The tariff cases: published tariffs and loads, with the bills that NREL's
//! System Advisor Model and a program of rational numbers give.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, ensure};
use serde_json::Value;

/// A case: its tariff, its load and what is expected.
#[derive(Debug, Clone)]
pub struct TariffCase {
    /// Its folder's name.
    pub name: String,
    /// The tariff's file.
    pub tariff: PathBuf,
    /// The load's file.
    pub load: PathBuf,
    /// `expected.json`.
    pub expected: Value,
}

/// The cases that are kept here.
pub fn all() -> anyhow::Result<Vec<TariffCase>> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    within(&here.join("tariff-cases"), &here.join("loads"))
}

/// The whole set, where it is: in `TALLYWATT_TARIFF_CASES`, or beside the workspace in `shared/tariff-cases`.
pub fn whole() -> anyhow::Result<Option<Vec<TariffCase>>> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/tariff-cases");
    let folder = std::env::var_os("TALLYWATT_TARIFF_CASES").map_or(beside, PathBuf::from);
    if !folder.join("cases").is_dir() {
        return Ok(None);
    }
    within(&folder.join("cases"), &folder.join("loads")).map(Some)
}

fn within(cases: &Path, loads: &Path) -> anyhow::Result<Vec<TariffCase>> {
    let mut all = Vec::new();
    for entry in fs::read_dir(cases).with_context(|| cases.display().to_string())? {
        let path = entry?.path();
        if !path.is_dir() {
            continue;
        }
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let expected: Value = serde_json::from_str(&fs::read_to_string(path.join("expected.json"))?)?;
        let load = expected["load"].as_str().and_then(|load| load.strip_prefix("loads/"));
        let load = loads.join(load.with_context(|| format!("case {name} has no load"))?);
        all.push(TariffCase { name, tariff: path.join("tariff.urdb.json"), load, expected });
    }
    all.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(all)
}

/// The charges of a month, and its measures.
const MONEY: [&str; 6] =
    ["energy_charge", "demand_flat_charge", "demand_tou_charge", "fixed_charge", "minimum_topup", "total"];
const MEASURES: [&str; 2] = ["kwh", "peak_kw"];

/// Compares a bill with a case: `exact` by its text (chronological only), the numbers within 1e-6 or 1e-9 of them.
pub fn compare(case: &TariffCase, bill: &Value, prorata: bool) -> anyhow::Result<()> {
    let (months, expected) = (array(&bill["months"])?, array(&case.expected["months"])?);
    ensure!(months.len() == expected.len(), "{} months", months.len());
    for (month, expected) in months.iter().zip(expected) {
        let of_model = |name: &str| if prorata { expected["prorata"].get(name) } else { None };
        let wanted = |name: &str| of_model(name).unwrap_or(&expected[name]).clone();
        let at = format!("month {}", expected["month"]);
        ensure!(month["month"] == expected["month"], "{at}: is {}", month["month"]);
        for name in MONEY.into_iter().chain(MEASURES) {
            near(&month[name], &wanted(name)).with_context(|| format!("{at}: {name}"))?;
        }
        for name in MONEY.iter().filter(|_| !prorata) {
            let exact = &expected["exact"][name];
            ensure!(month[name] == *exact, "{at}: {name} is {}, not exactly {exact}", month[name]);
        }
        same_use(&month["use_kwh"], &wanted("use_kwh")).with_context(|| format!("{at}: use_kwh"))?;
        let peaks = |month: &Value| month["tou_demand_peak_kw"].as_object().cloned().unwrap_or_default();
        let (ours, theirs) = (peaks(month), peaks(expected));
        ensure!(ours.keys().eq(theirs.keys()), "{at}: tou_demand_peak_kw of {:?}", ours.keys());
        for (period, peak) in &ours {
            near(peak, &theirs[period]).with_context(|| format!("{at}: tou_demand_peak_kw {period}"))?;
        }
    }
    let annual = case.expected["annual"].as_object().context("annual")?;
    let by_model = ["energy_charge", "minimum_topup", "total"];
    for (name, wanted) in annual.iter().filter(|(name, _)| !prorata || !by_model.contains(&name.as_str())) {
        near(&bill["annual"][name], wanted).with_context(|| format!("annual: {name}"))?;
    }
    let total = if prorata { "prorata_total" } else { "total" };
    near(&bill["annual"]["total"], &annual[total]).context("annual: total")
}

fn array(value: &Value) -> anyhow::Result<&Vec<Value>> {
    value.as_array().context("not an array")
}

fn same_use(ours: &Value, theirs: &Value) -> anyhow::Result<()> {
    let (ours, theirs) = (ours.as_object().context("missing")?, theirs.as_object().context("missing")?);
    ensure!(ours.keys().eq(theirs.keys()), "periods {:?}, not {:?}", ours.keys(), theirs.keys());
    for (period, tiers) in ours {
        let (tiers, wanted) = (array(tiers)?, array(&theirs[period])?);
        ensure!(tiers.len() == wanted.len(), "period {period} has {} tiers", tiers.len());
        for (tier, wanted) in tiers.iter().zip(wanted) {
            near(tier, wanted).with_context(|| format!("period {period}"))?;
        }
    }
    Ok(())
}

fn near(ours: &Value, wanted: &Value) -> anyhow::Result<()> {
    let text = ours.as_str().with_context(|| format!("{ours} is no text"))?;
    let (top, bottom) = text.split_once('/').unwrap_or((text, "1"));
    let value = top.parse::<f64>()? / bottom.parse::<f64>()?;
    let wanted = wanted.as_f64().with_context(|| format!("{wanted} is no number"))?;
    ensure!((value - wanted).abs() <= f64::max(1e-6, wanted.abs() * 1e-9), "{text}, not {wanted}");
    Ok(())
}
