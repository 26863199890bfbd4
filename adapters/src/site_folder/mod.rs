//! A site folder (BILLING §8): `site.toml`, `readings.csv` and
//! `recharges.csv`, read and judged completely before anything is returned.

mod change;
mod check;
mod csv_rows;
mod error;
mod law;
mod row;
mod rule_text;
mod supply;
mod tables;
mod tariff;
mod tariff_file;

use std::path::Path;

use domain::event::{Body, ReadingRow, SiteId, SiteRegistered};
use domain::quantity::Instant;
use toml_edit::Document;

pub use change::{CORRECTABLE, Change, check_change, read_change};
pub use error::FolderError;
pub(crate) use error::nearest;
use row::{Row, Source};
pub use rule_text::rule_toml;
use tables::{Entry, Ids, TABLES};
pub use tariff_file::{TariffFile, tariff_toml};

/// The last year of a site's calendar; the tz database goes no further.
const LAST_YEAR: i32 = 2099;

/// What a folder says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SiteFolder {
    /// The site.
    pub site: SiteId,
    /// Its facts in the order of `received`, then of their tables.
    pub facts: Vec<Fact>,
    /// The rows of `readings.csv` with the instants at which they were received, in file order.
    pub readings: Vec<(Instant, ReadingRow)>,
}

/// A fact of a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// When it became known.
    pub received: Instant,
    /// When it happened; `received` where the folder does not say.
    pub time: Instant,
    /// Who says so: a named person, or `site-folder`.
    pub actor: String,
    /// What makes it the same fact when the folder is read again: table, key and received.
    pub key: String,
    /// What it says.
    pub body: Body,
    /// File and line.
    pub place: (&'static str, usize),
    /// Whether it comes after the readings of the same `received`.
    pub after_readings: bool,
}

impl SiteFolder {
    /// Reads and judges the folder.
    pub fn open(folder: &Path) -> Result<Self, FolderError> {
        Self::read(folder, true)
    }

    /// Reads and judges its `site.toml` alone: for a service, readings and recharges come in another way.
    pub fn open_structure(folder: &Path) -> Result<Self, FolderError> {
        Self::read(folder, false)
    }

    fn read(folder: &Path, tables: bool) -> Result<Self, FolderError> {
        let text = read_text(folder)?;
        let source = Source::new(&text);
        let document = Document::parse(text.as_str()).map_err(|why| FolderError {
            file: "site.toml",
            line: source.line(why.span()),
            field: None,
            problem: why.message().trim().replace('\n', ", "),
            mend: "write TOML as in BILLING.md section 8".to_owned(),
        })?;
        let keys: Vec<&str> = ["format", "site"].into_iter().chain(TABLES.iter().map(|(table, _)| *table)).collect();
        let root = Row::try_new(document.as_table(), String::new(), None, &source, &keys)?;
        if root.integer("format")? != 1 {
            return Err(root.error("format", "is not 1", "write format = 1"));
        }
        let ids = defined_ids(&root)?;
        let (site, approvals, site_line) = read_site(&root, &ids)?;
        let mut entries = Vec::new();
        for (table, keys) in TABLES {
            for row in root.rows(table, keys)? {
                entries.push(
                    tables::entry(table, &row, &ids, site.currency_decimals).map_err(|error| bracket(error, table))?,
                );
            }
        }
        let (mut readings, mut recharges) = (Vec::new(), Vec::new());
        if tables {
            readings = csv_rows::readings(folder, &ids)?;
            recharges = csv_rows::recharges(folder, &ids, site.currency_decimals)?;
        }
        recharges.append(&mut entries.extract_if(.., |entry| entry.table == "posting").collect());
        check::entries(&entries)?;
        let recharges = check::references(recharges)?;
        let earliest = earliest(&entries, &recharges, &readings);
        let mut facts = vec![site_fact(&site, earliest, site_line), calendar_fact(&root, &site, earliest, site_line)?];
        facts.extend(approvals.map(|persons| approvals_fact(&site, persons, earliest, site_line)));
        facts.extend(entries.into_iter().chain(recharges).map(|entry| fact(entry, earliest)));
        facts.sort_by_key(|fact| (fact.received, rank(&fact.body)));
        Ok(Self { site: site.id, facts, readings })
    }
}

fn read_text(folder: &Path) -> Result<String, FolderError> {
    std::fs::read_to_string(folder.join("site.toml")).map_err(|why| FolderError {
        file: "site.toml",
        line: None,
        field: None,
        problem: why.to_string(),
        mend: "put the file into the site's folder, as UTF-8".to_owned(),
    })
}

/// Tables at the top are written in brackets.
fn bracket(mut error: FolderError, table: &str) -> FolderError {
    error.field = error.field.map(|field| match field.strip_prefix(table) {
        Some(rest) => format!("[[{table}]]{}", rest.replacen('.', " ", 1)),
        None => field,
    });
    error
}

fn defined_ids(root: &Row<'_>) -> Result<Ids, FolderError> {
    let mut ids = Ids::default();
    for (table, set) in [
        ("unit", &mut ids.units),
        ("point", &mut ids.points),
        ("meter", &mut ids.meters),
        ("account", &mut ids.accounts),
        ("tariff", &mut ids.tariffs),
        ("pool", &mut ids.pools),
    ] {
        let keys = TABLES.iter().find(|(name, _)| *name == table).map_or(&[][..], |(_, keys)| *keys);
        for row in root.rows(table, keys).map_err(|error| bracket(error, table))? {
            set.insert(row.text("id").map_err(|error| bracket(error, table))?.to_owned());
        }
    }
    Ok(ids)
}

fn read_site(root: &Row<'_>, ids: &Ids) -> Result<(SiteRegistered, Option<i64>, usize), FolderError> {
    let read = || {
        let row = root.need("site", root.table("site", tables::SITE_KEYS)?)?;
        Ok((tables::site(&row, ids)?, tables::approvals(&row)?, row.line()))
    };
    read().map_err(|mut error: FolderError| {
        error.field = error.field.map(|field| match field.strip_prefix("site") {
            Some(rest) => format!("[site]{}", rest.replacen('.', " ", 1)),
            None => field,
        });
        error
    })
}

fn earliest(entries: &[Entry], recharges: &[Entry], readings: &[(Instant, ReadingRow)]) -> Instant {
    let installed = entries.iter().filter_map(|entry| match &entry.body {
        Body::MeterInstalled(meter) => Some(meter.installed),
        _ => None,
    });
    let received = entries.iter().chain(recharges).filter_map(|entry| entry.received);
    let rows = readings.iter().map(|(received, row)| row.time.min(*received));
    installed.chain(received).chain(rows).min().unwrap_or_default()
}

const ACTOR: &str = "site-folder";

fn site_fact(site: &SiteRegistered, at: Instant, line: usize) -> Fact {
    Fact {
        received: at,
        time: at,
        actor: ACTOR.to_owned(),
        key: format!("site/{}/first", site.id),
        body: Body::SiteRegistered(site.clone()),
        place: ("site.toml", line),
        after_readings: false,
    }
}

fn approvals_fact(site: &SiteRegistered, persons: i64, at: Instant, line: usize) -> Fact {
    Fact {
        key: format!("approvals/{}/first", site.id),
        body: Body::ApprovalsSet(domain::event::ApprovalsSet { persons }),
        ..site_fact(site, at, line)
    }
}

fn calendar_fact(root: &Row<'_>, site: &SiteRegistered, at: Instant, line: usize) -> Result<Fact, FolderError> {
    use chrono::Datelike as _;
    let year = chrono::DateTime::from_timestamp(at.get(), 0).map_or(1970, |at| at.year());
    let first = year.saturating_sub(1);
    let calendar = crate::time_zone::calendar(&site.time_zone, first, LAST_YEAR).map_err(|why| {
        let row = root.table("site", tables::SITE_KEYS).ok().flatten();
        let mut error = row.as_ref().unwrap_or(root).error(
            "time_zone",
            why.to_string(),
            "write an IANA name such as \"Europe/London\"",
        );
        error.field = Some("[site] time_zone".to_owned());
        error
    })?;
    let key = format!("calendar/{}/{}/{first}", calendar.zone, calendar.tz_version);
    let body = Body::CalendarPublished(calendar);
    Ok(Fact {
        received: at,
        time: at,
        actor: ACTOR.to_owned(),
        key,
        body,
        place: ("site.toml", line),
        after_readings: false,
    })
}

fn fact(entry: Entry, earliest: Instant) -> Fact {
    let received = entry.received.unwrap_or(earliest);
    let file = if entry.table == "recharge" { "recharges.csv" } else { "site.toml" };
    let known = match (entry.table, entry.received) {
        ("recharge" | "posting", _) => String::new(),
        (_, Some(at)) => format!("/{at}"),
        (_, None) => "/first".to_owned(),
    };
    Fact {
        received,
        time: entry.time.unwrap_or(received),
        actor: entry.actor.unwrap_or_else(|| ACTOR.to_owned()),
        key: format!("{}/{}{known}", entry.table, entry.key),
        after_readings: rank(&entry.body) >= AFTER_READINGS,
        body: entry.body,
        place: (file, entry.line),
    }
}

const AFTER_READINGS: u8 = 20;

/// The order of facts of one instant.
fn rank(body: &Body) -> u8 {
    match body {
        Body::SiteRegistered(_) => 0,
        Body::CalendarPublished(_) => 1,
        Body::UnitRegistered(_) => 2,
        Body::PointRegistered(_) => 3,
        Body::AccountOpened(_) => 4,
        Body::MeterInstalled(_) => 5,
        Body::LeaseRecorded(_) => 6,
        Body::TariffPublished(_) => 7,
        Body::TariffAssigned(_) => 8,
        Body::PoolDefined(_) => 9,
        Body::RulePublished(_) => 10,
        Body::ReadingWithdrawn(_) => AFTER_READINGS,
        Body::ReadingReleased(_) => AFTER_READINGS.saturating_add(1),
        Body::RechargeReceived(_) | Body::PostingMade(_) => 12,
        _ => 11,
    }
}
