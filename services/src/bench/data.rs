//! The readings of the bench, deterministic, and a building that they are of.

use std::error::Error;
use std::fmt::Write as _;
use std::sync::Arc;

use adapters::site_folder::SiteFolder;
use domain::event::{MeterId, ReadingRow, kwh_text};
use domain::quantity::Instant;

/// 2026-01-01T00:00:00Z, when the building's meters are installed.
pub(crate) const BEGIN: Instant = Instant::new(1_767_225_600);
/// The building's site.
pub(crate) const SITE: &str = "bench";

const HEAD: &str = r#"format = 1
[site]
id = "bench"
name = "Bench"
time_zone = "Etc/UTC"
currency = "EUR"
landlord = "A-0"
settle_after = "00:15"
bill_after = "03:00"
max_gap = "02:00"
[[account]]
id = "A-0"
name = "Landlord"
[[point]]
id = "P-C"
kind = "common"
[[meter]]
id = "M-C"
serial = "C"
point = "P-C"
installed = 2026-01-01T00:00:00Z
[[pool]]
id = "lifts"
name = "Lifts"
points = ["P-C"]
[[assign]]
pool = "lifts"
tariff = "home"
from = 2026-01-01
"#;

/// A tariff of four periods and three tiers, with a levy and a fixed charge; `day` is the price of a day's kWh.
fn tariff(version: u32, from: &str, day: &str) -> Result<String, std::fmt::Error> {
    let mut periods = String::new();
    for (name, price) in [("day", day), ("night", "0.1290"), ("peak", "0.3300"), ("late", "0.2000")] {
        let tiers = "{ up_to_kwh = \"200\", price = \"PRICE\" }, { up_to_kwh = \"400\", price = \"0.35\" }, { price = \"0.40\" }";
        write!(periods, "{{ period = \"{name}\", tiers = [ {} ] }}, ", tiers.replace("PRICE", price))?;
    }
    Ok(format!(
        "[[tariff]]\nid = \"home\"\nversion = {version}\nfrom = {from}\ndefault_period = \"day\"\nenergy = [ {periods}]\n\
         schedule = [ {{ period = \"night\", from = \"00:00\", to = \"07:00\" }}, {{ period = \"peak\", from = \"17:00\", \
         to = \"21:00\" }}, {{ period = \"late\", from = \"21:00\", to = \"24:00\" }} ]\n\
         adder = [ {{ name = \"Levy\", price = \"0.00775\" }} ]\nfixed = [ {{ name = \"Standing\", per = \"day\", amount = \"0.45\" }} ]\n"
    ))
}

/// A building of so many leased units, and a pool that they share by area and
/// consumption; `later` is a second version of its tariff in force from the first day, received at that instant.
pub(crate) fn building(units: usize, later: Option<Instant>) -> Result<SiteFolder, Box<dyn Error + Send + Sync>> {
    let toml = toml(units, later, BEGIN)?;
    let folder = tempfile::tempdir()?;
    std::fs::write(folder.path().join("site.toml"), toml)?;
    std::fs::write(folder.path().join("readings.csv"), "time,meter,kwh\n")?;
    std::fs::write(folder.path().join("recharges.csv"), "time,account,amount,reference\n")?;
    Ok(SiteFolder::open(folder.path())?)
}

/// The same as a text, with meters that are installed at an instant.
pub(crate) fn building_toml(units: usize, begin: Instant) -> Result<String, std::fmt::Error> {
    toml(units, None, begin)
}

fn toml(units: usize, later: Option<Instant>, begin: Instant) -> Result<String, std::fmt::Error> {
    let head = HEAD.replace("2026-01-01T00:00:00Z", &begin.to_string());
    let mut toml = head + &tariff(1, "2026-01-01", "0.2450")?;
    if let Some(received) = later {
        writeln!(toml, "{}received = {received}", tariff(2, "2026-01-01", "0.2510")?)?;
    }
    let mut names = String::new();
    for unit in 0..units {
        write!(
            toml,
            "[[unit]]\nid = \"U-{unit:06}\"\narea_m2 = \"{}\"\n[[point]]\nid = \"P-{unit:06}\"\nkind = \"unit\"\n\
             unit = \"U-{unit:06}\"\n[[meter]]\nid = \"M-{unit:06}\"\nserial = \"{unit}\"\npoint = \"P-{unit:06}\"\n\
             installed = {begin}\n[[account]]\nid = \"A-{unit:06}\"\nname = \"Unit\"\n[[lease]]\n\
             account = \"A-{unit:06}\"\nunit = \"U-{unit:06}\"\nfrom = {begin}\n[[assign]]\npoint = \"P-{unit:06}\"\n\
             tariff = \"home\"\nfrom = 2026-01-01\n",
            unit.rem_euclid(40).saturating_add(30)
        )?;
        write!(names, "\"U-{unit:06}\", ")?;
    }
    write!(
        toml,
        "[[rule]]\npool = \"lifts\"\nversion = 1\nfrom = 2026-01-01\nunits = [ {names}]\nparts = [ {{ percent = \"60\", \
         basis = \"area\", zero = \"equal\" }}, {{ percent = \"40\", basis = \"consumption\", zero = \"area\" }} ]\n"
    )?;
    Ok(toml)
}

/// The poll of all meters of a building at an instant, some watt-hours above the poll before.
#[derive(Debug)]
pub(crate) struct Polls {
    meters: Vec<(MeterId, i64)>,
    /// Watt-hours are at most this much above the poll before.
    most: u64,
    state: u64,
}

impl Polls {
    /// Of so many units and the common meter.
    pub(crate) fn new(units: usize, most: u64) -> Self {
        let ids = (0..units).map(|unit| format!("M-{unit:06}")).chain(["M-C".to_owned()]);
        Self { meters: ids.filter_map(|id| Some((MeterId::try_new(&id)?, 1))).collect(), most, state: 7 }
    }

    /// Each meter has used so many watt-hours more.
    pub(crate) fn add(&mut self, wh: i64) {
        self.meters.iter_mut().for_each(|(_, register)| *register = register.saturating_add(wh));
    }

    /// The next poll.
    pub(crate) fn at(&mut self, time: Instant) -> Vec<ReadingRow> {
        let (most, state) = (self.most, &mut self.state);
        let row = |(meter, wh): &mut (MeterId, i64)| {
            *state ^= *state << 13;
            *state ^= *state >> 7;
            *state ^= *state << 17;
            *wh = wh.saturating_add(i64::try_from(state.checked_rem(most).unwrap_or(0)).unwrap_or_default());
            let kwh = Arc::from(kwh_text(wh.saturating_mul(1000), 3));
            ReadingRow { meter: meter.clone(), time, kwh, serial: None, device_time: None, place: 0 }
        };
        self.meters.iter_mut().map(row).collect()
    }
}

/// Registers in Wh of many meters, meter by meter.
#[derive(Debug)]
pub(crate) struct Registers {
    /// How many meters.
    pub(crate) meters: usize,
    /// How many minutes.
    pub(crate) minutes: usize,
    /// By meter.
    pub(crate) columns: Vec<Vec<i64>>,
}

impl Registers {
    /// So many meters over so many days.
    pub(crate) fn new(meters: usize, days: usize) -> Self {
        let minutes = days.saturating_mul(1440);
        let mut state = 7u64;
        let mut next = |bound: u64| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            i64::try_from(state % bound).unwrap_or_default()
        };
        let columns = (0..meters)
            .map(|_| {
                let mut register = next(100_000_000);
                (0..=minutes)
                    .map(|_| {
                        register = register.saturating_add(next(60));
                        register
                    })
                    .collect()
            })
            .collect();
        Self { meters, minutes, columns }
    }

    /// How many readings.
    pub(crate) fn readings(&self) -> usize {
        self.columns.iter().map(Vec::len).sum()
    }
}
