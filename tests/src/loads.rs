//! A site of a year, built from the load curves in `tests/loads`: eight units,
//! and two common meters in a pool.

use anyhow::Context;
use std::{collections::BTreeMap, fmt::Write, fs, path::Path};

/// The units' loads: the unit is `U-1` … `U-8` in this order, its account `A-1` … `A-8`.
pub const UNITS: [&str; 8] = [
    "apartment_midrise_chicago",
    "home_fontana_1",
    "retail_miami",
    "sam_commercial",
    "smalloffice_minneapolis",
    "stripmall_phoenix",
    "vacancy_fontana_1",
    "vacant_fontana_7",
];

/// The loads of the common meters: there are eight curves, so two serve twice.
pub const COMMON: [&str; 2] = ["smalloffice_minneapolis", "vacant_fontana_7"];

/// Areas of the units, m², which weigh 60 % of the pool.
const AREAS_M2: [&str; 8] = ["2500.5", "140", "900.25", "3200", "510", "1100", "140", "62.75"];

/// What every meter shows when it is installed, Wh.
const START_WH: i64 = 100_000;

/// What a run over the folder until 2019 must add up to. Energies are Wh.
#[derive(Debug, Default)]
pub struct Expected {
    /// Indoor energy of each unit over the year.
    pub unit_wh: BTreeMap<String, i64>,
    /// Indoor energy of each unit in each month, `2018-01` …
    pub unit_month_wh: BTreeMap<(String, String), i64>,
    /// Energy of the pool over the year, which the units share.
    pub pool_wh: i64,
    /// Rows of readings.csv.
    pub rows: usize,
}

/// Writes the site folder into `folder`. The curves' local hours are taken as UTC.
pub fn write_site(folder: &Path) -> anyhow::Result<Expected> {
    let mut expected = Expected::default();
    let mut readings = String::from("time,meter,kwh\n");
    for (number, load) in (1..).zip(UNITS) {
        let hours = hours(load)?;
        let unit = format!("U-{number}");
        for (start, wh) in &hours {
            *expected.unit_wh.entry(unit.clone()).or_default() += wh;
            *expected.unit_month_wh.entry((unit.clone(), start[..7].to_owned())).or_default() += wh;
        }
        expected.rows += register(&mut readings, &format!("M-{number}"), &hours)?;
    }
    for (number, load) in (1..).zip(COMMON) {
        let hours = hours(load)?;
        expected.pool_wh += hours.iter().map(|(_, wh)| wh).sum::<i64>();
        expected.rows += register(&mut readings, &format!("M-C{number}"), &hours)?;
    }
    fs::write(folder.join("site.toml"), site_toml()?)?;
    fs::write(folder.join("readings.csv"), readings)?;
    fs::write(folder.join("recharges.csv"), "time,account,amount,reference\n")?;
    Ok(expected)
}

/// A curve: the start of each hour, `2018-01-01T00:00`, and its energy in Wh.
pub fn hours(load: &str) -> anyhow::Result<Vec<(String, i64)>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("loads").join(format!("{load}.csv"));
    let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    text.lines().skip(1).map(|line| hour(line).with_context(|| format!("{load}: {line}"))).collect()
}

fn hour(line: &str) -> Option<(String, i64)> {
    let (start, kwh) = line.split_once(',')?;
    let (whole, thousandths) = kwh.split_once('.').filter(|(_, thousandths)| thousandths.len() == 3)?;
    Some((start.to_owned(), format!("{whole}{thousandths}").parse().ok()?))
}

/// Appends the cumulative register of a meter: each hour's end is the next one's start.
fn register(readings: &mut String, meter: &str, hours: &[(String, i64)]) -> anyhow::Result<usize> {
    let ends = hours.iter().skip(1).map(|(start, _)| start.as_str()).chain(["2019-01-01T00:00"]);
    let mut total_wh = START_WH;
    for ((_, wh), end) in hours.iter().zip(ends) {
        total_wh += wh;
        writeln!(readings, "{end}:00Z,{meter},{}.{:03}", total_wh / 1000, total_wh % 1000)?;
    }
    Ok(hours.len())
}

fn site_toml() -> anyhow::Result<String> {
    let mut toml = String::from(HEAD);
    for (number, area) in (1..).zip(AREAS_M2) {
        write!(
            toml,
            "\n[[unit]]\nid = \"U-{number}\"\narea_m2 = \"{area}\"\n\
             [[point]]\nid = \"P-{number}\"\nkind = \"unit\"\nunit = \"U-{number}\"\n\
             [[account]]\nid = \"A-{number}\"\nname = \"Unit {number}\"\n\
             [[lease]]\naccount = \"A-{number}\"\nunit = \"U-{number}\"\nfrom = 2018-01-01T00:00:00Z\n\
             [[assign]]\npoint = \"P-{number}\"\ntariff = \"standard\"\nfrom = 2018-01-01\n"
        )?;
    }
    for number in 1..=COMMON.len() {
        write!(toml, "\n[[point]]\nid = \"P-C{number}\"\nkind = \"common\"\n")?;
    }
    for name in
        (1..=UNITS.len()).map(|number| number.to_string()).chain((1..=COMMON.len()).map(|number| format!("C{number}")))
    {
        write!(
            toml,
            "\n[[meter]]\nid = \"M-{name}\"\nserial = \"LOAD{name}\"\npoint = \"P-{name}\"\n\
             installed = 2018-01-01T00:00:00Z\nstart_kwh = \"{}.000\"\n",
            START_WH / 1000
        )?;
    }
    toml.push_str(POOL);
    Ok(toml)
}

const HEAD: &str = r#"format = 1
[site]
id = "loads"
name = "Eight load curves of a year"
time_zone = "Etc/UTC"
currency = "EUR"
landlord = "A-0"
settle_after = "00:15"
bill_after = "03:00"
max_gap = "01:00"

[[account]]
id = "A-0"
name = "Landlord"

[[tariff]]
id = "standard"
version = 1
from = 2018-01-01
default_period = "all"
energy = [ { period = "all", tiers = [ { price = "0.20" } ] } ]
"#;

const POOL: &str = r#"
[[pool]]
id = "common"
name = "Lifts and corridors"
points = ["P-C1", "P-C2"]

[[assign]]
pool = "common"
tariff = "standard"
from = 2018-01-01

[[rule]]
pool = "common"
version = 1
from = 2018-01-01
units = ["U-1", "U-2", "U-3", "U-4", "U-5", "U-6", "U-7", "U-8"]
vacant = "landlord"
parts = [ { percent = "60", basis = "area", zero = "equal" },
          { percent = "40", basis = "consumption", zero = "area" } ]
"#;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_holds_the_totals_of_its_sources() -> anyhow::Result<()> {
        let folder = tempfile::tempdir()?;
        let expected = write_site(folder.path())?;
        assert_eq!(expected.rows, 10 * 8760);
        let notes: serde_json::Value =
            serde_json::from_str(&fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("loads/loads.json"))?)?;
        for (number, load) in (1..).zip(UNITS) {
            assert_eq!(
                notes[load]["total_wh"].as_i64(),
                expected.unit_wh.get(&format!("U-{number}")).copied(),
                "{load}"
            );
        }
        assert_eq!(expected.unit_month_wh.values().sum::<i64>(), expected.unit_wh.values().sum::<i64>());
        assert_eq!(fs::read_to_string(folder.path().join("readings.csv"))?.lines().count(), 1 + expected.rows);
        Ok(())
    }
}
