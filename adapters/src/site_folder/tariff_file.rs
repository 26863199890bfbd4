//! A file of tariffs alone: the `[[tariff]]` tables of a site's folder, read
//! by the same rules, and written.

use std::collections::BTreeSet;

use domain::event::{
    BoundScale, DayName, Per, Rounding, ScheduleRow, Surcharge, TariffPublished, TierBasis, TierWindow,
};
use domain::quantity::Date;
use rust_decimal::Decimal;
use toml_edit::Document;

use super::error::FolderError;
use super::row::{Row, Source};
use super::{bracket, tariff};

/// A file alone has no currency, so rounding units may have all decimals of a price.
const ANY_CURRENCY: u8 = 8;

/// What a file of tariffs says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TariffFile {
    /// Its versions, in the order of the file.
    pub versions: Vec<TariffPublished>,
    /// Its `holidays`, local dates.
    pub holidays: Vec<Date>,
}

impl TariffFile {
    /// Reads and judges a file's text.
    pub fn read(text: &str) -> Result<Self, FolderError> {
        let source = Source::new(text);
        let document = Document::parse(text).map_err(|why| FolderError {
            file: "tariff",
            line: source.line(why.span()),
            field: None,
            problem: why.message().trim().replace('\n', ", "),
            mend: "write TOML with a [[tariff]] table for each version".to_owned(),
        })?;
        let root = Row::try_new(document.as_table(), String::new(), None, &source, &["holidays", "tariff"])?;
        let mut seen = BTreeSet::new();
        let mut versions = Vec::new();
        for row in root.rows("tariff", tariff::KEYS).map_err(|error| bracket(error, "tariff"))? {
            let version = tariff::read(&row, ANY_CURRENCY).map_err(|error| bracket(error, "tariff"))?;
            if !seen.insert((version.id.clone(), version.version)) {
                let problem = format!("version {} of '{}' is there twice", version.version, version.id);
                return Err(bracket(row.error("version", problem, "give each version its own number"), "tariff"));
            }
            versions.push(version);
        }
        if versions.is_empty() {
            return Err(root.error("tariff", "there is none", "add a [[tariff]] table"));
        }
        Ok(Self { versions, holidays: root.dates("holidays")? })
    }
}

/// A version as a `[[tariff]]` table, which `TariffFile::read` reads as the same.
pub fn tariff_toml(tariff: &TariffPublished) -> String {
    let window = match tariff.tier_window {
        TierWindow::Day => "day",
        TierWindow::Month => "month",
        TierWindow::Year => "year",
        TierWindow::None => "none",
    };
    let basis = match tariff.tier_basis {
        TierBasis::Total => "total",
        TierBasis::Period => "period",
    };
    let mut lines = vec![
        "[[tariff]]".to_owned(),
        format!("id = {}", quoted(tariff.id.as_str())),
        format!("version = {}", tariff.version),
        format!("from = {}", tariff.from),
        format!("default_period = {}", quoted(&tariff.default_period)),
        format!("tier_window = \"{window}\""),
        format!("tier_basis = \"{basis}\""),
    ];
    let energy = tariff.energy.iter().map(|row| {
        let tiers = row.tiers.iter().map(|tier| tier_text("up_to_kwh", tier.up_to_kwh, tier.price));
        let band = row.band_up_to_kwh.map_or_else(String::new, |bound| format!(", band_up_to_kwh = \"{bound}\""));
        let months = months(row.months.as_deref());
        format!("period = {}{months}{band}, tiers = {}", quoted(&row.period), braces(tiers))
    });
    let adders = tariff.adder.iter().map(|row| format!("name = {}, price = \"{}\"", quoted(&row.name), row.price));
    let fixed = tariff.fixed.iter().map(|row| {
        let per = match row.per {
            Per::Day => "day",
            Per::Month => "month",
        };
        let bands = row.bands.iter().map(|band| value_text("up_to_kwh", band.up_to_kwh, "amount", band.amount));
        format!("name = {}, per = \"{per}\", {}", quoted(&row.name), plain_or_bands("amount", row.amount, bands))
    });
    let demand = tariff.demand.iter().map(|row| {
        let period = row.period.as_ref().map_or_else(String::new, |name| format!(", period = {}", quoted(name)));
        let tiers = row.tiers.iter().map(|tier| tier_text("up_to_kw", tier.up_to_kw, tier.price));
        let name = quoted(&row.name);
        format!("name = {name}, interval_minutes = {}{period}, tiers = {}", row.interval_minutes, braces(tiers))
    });
    lines.extend(list("schedule", tariff.schedule.iter().map(schedule_row)));
    lines.extend(list("energy", energy));
    lines.extend(list("adder", adders));
    lines.extend(list("fixed", fixed));
    lines.extend(list("demand", demand));
    lines.extend(tariff.minimum.map(|minimum| format!("minimum = \"{minimum}\"")));
    lines.extend(tariff.scale.map(scale_text));
    lines.extend(list("surcharge", tariff.surcharge.iter().map(surcharge_text)));
    let rounding = [("round_lines", tariff.round_lines), ("round_total", tariff.round_total)];
    lines.extend(rounding.into_iter().filter_map(|(key, round)| Some(round_text(key, round?))));
    lines.push(String::new());
    lines.join("\n")
}

pub(super) fn quoted(text: &str) -> String {
    // The escapes of JSON are those of TOML.
    serde_json::Value::from(text).to_string()
}

fn tier_text(key: &str, bound: Option<Decimal>, price: Decimal) -> String {
    value_text(key, bound, "price", price)
}

fn value_text(key: &str, bound: Option<Decimal>, name: &str, value: Decimal) -> String {
    let bound = bound.map_or_else(String::new, |bound| format!("{key} = \"{bound}\", "));
    format!("{bound}{name} = \"{value}\"")
}

fn plain_or_bands(name: &str, plain: Option<Decimal>, bands: impl Iterator<Item = String>) -> String {
    plain.map_or_else(|| format!("bands = {}", braces(bands)), |plain| format!("{name} = \"{plain}\""))
}

fn round_text(key: &str, round: Rounding) -> String {
    let mode = tariff::MODES.iter().find(|(_, mode)| *mode == round.mode).map_or("", |(name, _)| name);
    format!("{key} = {{ to = \"{}\", mode = \"{mode}\" }}", round.to)
}

fn scale_text(scale: BoundScale) -> String {
    let of_days = scale.of_days.map(|days| format!("of_days = {days}"));
    let round = scale.round.map(|round| round_text("round", round));
    let keys: Vec<String> = of_days.into_iter().chain(round).collect();
    format!("scale = {{ {} }}", keys.join(", "))
}

fn surcharge_text(row: &Surcharge) -> String {
    let bands = row.bands.iter().map(|band| value_text("up_to_kwh", band.up_to_kwh, "rate", band.rate));
    let on: Vec<String> = row.on.iter().map(|line| quoted(line)).collect();
    let mut keys = vec![
        format!("name = {}", quoted(&row.name)),
        plain_or_bands("rate", row.rate, bands),
        format!("on = [{}]", on.join(", ")),
    ];
    keys.extend(row.tiers_from.map(|tier| format!("tiers_from = {tier}")));
    keys.extend(row.each.then(|| "each = true".to_owned()));
    keys.extend(row.round.map(|round| round_text("round", round)));
    keys.join(", ")
}

fn braces(rows: impl Iterator<Item = String>) -> String {
    format!("[ {} ]", rows.map(|row| format!("{{ {row} }}")).collect::<Vec<_>>().join(", "))
}

/// The lines of a list of tables; none where it is empty.
pub(super) fn list(key: &str, rows: impl Iterator<Item = String>) -> Vec<String> {
    let rows: Vec<String> = rows.map(|row| format!("  {{ {row} }},")).collect();
    if rows.is_empty() {
        return rows;
    }
    std::iter::once(format!("{key} = [")).chain(rows).chain(["]".to_owned()]).collect()
}

fn months(months: Option<&[u8]>) -> String {
    months.map_or_else(String::new, |months| format!(", months = {months:?}"))
}

fn schedule_row(row: &ScheduleRow) -> String {
    let clock = |minute: u16| format!("{:02}:{:02}", minute.div_euclid(60), minute.rem_euclid(60));
    let days = row.days.as_ref().map_or_else(String::new, |days| {
        let names: Vec<&str> = days.iter().map(|day| day_name(*day)).collect();
        format!(", days = {names:?}")
    });
    let (from, to) = (clock(row.from_minute), clock(row.to_minute));
    let months = months(row.months.as_deref());
    format!("period = {}, from = \"{from}\", to = \"{to}\"{days}{months}", quoted(&row.period))
}

fn day_name(day: DayName) -> &'static str {
    tariff::DAYS.iter().find(|(_, known)| *known == day).map_or("", |(name, _)| name)
}
