//! `tallywatt rate`: what a load curve costs by a tariff alone, offline and exact.

mod document;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use adapters::site_folder::TariffFile;
use adapters::{load_curve, time_zone, urdb};
use clap::ValueEnum;
use domain::rating::load::{self, Load, LoadBill, NativeTariff};

use crate::console::Console;
use crate::exit::{Exit, Failure};

const EXAMPLES: &str = "Examples:
  tallywatt rate --tariff tests/tariff-cases/004/tariff.urdb.json --load tests/loads/vacancy_fontana_1.csv
  tallywatt rate --tariff tariff.urdb.json --load load.csv --tiers prorata --json
  tallywatt rate --tariff tariff.toml --id home --load load.csv --zone Europe/London

The load has the header start_local,kwh and rows that follow each other by one interval, in one calendar
year. Amounts are exact: decimals, or n/d where a decimal does not end. Only the table rounds, to read it.

A day's fixed charge of the Utility Rate Database counts 365/12 times every month, as in NREL's System
Advisor Model; a yearly minimum is topped up in December.

Exit codes: 0 done, 2 bad input.";

/// The command line of `tallywatt rate`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// A JSON record of the U.S. Utility Rate Database, or a .toml file of [[tariff]] tables as in a site folder.
    #[arg(long, value_name = "FILE")]
    tariff: PathBuf,
    /// Which tariff of a file of several.
    #[arg(long)]
    id: Option<String>,
    /// The load curve.
    #[arg(long, value_name = "FILE")]
    load: PathBuf,
    /// How tiers are shared among the periods of a month.
    #[arg(long, value_enum, default_value_t = Tiers::Chronological, value_name = "MODEL")]
    tiers: Tiers,
    /// The time zone of the load's clock.
    #[arg(long, default_value = "UTC", value_name = "ZONE")]
    zone: String,
    /// Write the bill as JSON, exact.
    #[arg(long)]
    json: bool,
}

/// How tiers are shared among the periods of a month.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Tiers {
    /// They fill in the order of time.
    Chronological,
    /// Each is shared in proportion to the periods' energy.
    Prorata,
}

impl From<Tiers> for load::TierModel {
    fn from(tiers: Tiers) -> Self {
        match tiers {
            Tiers::Chronological => Self::Chronological,
            Tiers::Prorata => Self::Prorata,
        }
    }
}

/// Runs the command.
pub fn run(args: &Args, console: &mut Console) -> Result<Exit, Failure> {
    let load = read_load(&args.load, &args.zone)?;
    let (bill, ignored) = rate(args, &load)?;
    let document = document::Document::new(args.tiers, load.interval_minutes, &bill, ignored);
    if args.json {
        console.line(serde_json::to_string(&document).expect("a document has only text keys"));
    } else {
        for line in document::table(&bill, &document) {
            console.line(line);
        }
    }
    Ok(Exit::Done)
}

fn rate(args: &Args, load: &Load) -> Result<(LoadBill, Vec<String>), Failure> {
    if args.tariff.extension().is_some_and(|end| end == "toml") {
        return rate_native(args, load).map(|bill| (bill, Vec::new()));
    }
    let tariff = urdb::read(&read_text(&args.tariff)?).map_err(|error| {
        let mend = error.mend.clone();
        bad(&args.tariff, &error, &mend)
    })?;
    Ok((load::rate_urdb(&tariff, load, args.tiers.into()), tariff.ignored))
}

fn rate_native(args: &Args, load: &Load) -> Result<LoadBill, Failure> {
    let tariff = native(&args.tariff, args.id.as_deref())?;
    let year = load.rows.first().map_or(1970, |row| row.date.year());
    let calendar = time_zone::calendar(&args.zone, year.saturating_sub(1), year.saturating_add(1))
        .map_err(|error| bad(&args.load, &error, "write an IANA name such as Europe/London"))?;
    load::rate_native(&tariff, &calendar, load, args.tiers.into())
        .map_err(|error| bad(&args.tariff, &error, error.mend()))
}

/// Reads the versions of one tariff of a file.
fn native(path: &Path, id: Option<&str>) -> Result<NativeTariff, Failure> {
    let file = TariffFile::read(&read_text(path)?).map_err(|error| {
        let line = error.line.map_or_else(String::new, |line| format!("line {line}: "));
        let field = error.field.as_ref().map_or_else(String::new, |field| format!("{field}: "));
        bad(path, &format!("{line}{field}{}", error.problem), &error.mend)
    })?;
    let ids: BTreeSet<&str> = file.versions.iter().map(|version| version.id.as_str()).collect();
    let list = ids.iter().map(|id| format!("'{id}'")).collect::<Vec<_>>().join(", ");
    let wanted = match id {
        Some(id) if ids.contains(id) => id.to_owned(),
        Some(id) => return Err(bad(path, &format!("has no tariff '{id}'"), &format!("write --id with one of {list}"))),
        None if ids.len() > 1 => return Err(bad(path, &format!("has the tariffs {list}"), "choose one with --id")),
        None => ids.iter().copied().collect(),
    };
    let versions = file.versions.into_iter().filter(|version| version.id.as_str() == wanted).collect();
    Ok(NativeTariff { versions, holidays: file.holidays })
}

/// Reads a load curve by the clock of a zone.
pub fn read_load(path: &Path, zone: &str) -> Result<Load, Failure> {
    let bytes = fs::read(path).map_err(|why| bad(path, &why, "name an existing file that you may read"))?;
    load_curve::read(&bytes, zone).map_err(|error| bad(path, &error, error.mend()))
}

/// Reads a file of text.
pub fn read_text(path: &Path) -> Result<String, Failure> {
    fs::read_to_string(path).map_err(|why| bad(path, &why, "name an existing file in UTF-8 that you may read"))
}

/// A failure of an input file.
pub fn bad(path: &Path, error: &impl std::fmt::Display, mend: &str) -> Failure {
    let error = format!("{}: {error}", path.display()).into();
    Failure { exit: Exit::BadInput, error, mend: mend.to_owned() }
}
