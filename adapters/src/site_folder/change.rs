//! Tables that change a site whose facts are in a log: what people publish and
//! correct. They are written as in `site.toml` and judged beside the log's facts.

use domain::event::Body;
use domain::quantity::Instant;
use toml_edit::Document;

use super::error::FolderError;
use super::row::{Row, Source};
use super::tables::{self, Entry, Ids, Said, TABLES};
use super::{Fact, bracket, check, fact};

/// Who changes a site, why and when: what the tables need not say again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change<'a> {
    /// Who.
    pub by: &'a str,
    /// Why.
    pub reason: &'a str,
    /// When it becomes known.
    pub received: Instant,
    /// The tables that it may have.
    pub tables: &'a [&'a str],
}

/// Tables of what a site consists of and of what was said about it, in a file of changes.
pub const CORRECTABLE: &[&str] = &[
    "unit",
    "point",
    "account",
    "meter",
    "lease",
    "tariff",
    "assign",
    "pool",
    "rule",
    "tax",
    "holiday",
    "area",
    "pool_points",
    "max_gap",
    "posting",
    "withdraw",
    "release",
];

/// The facts of tables, judged beside those that a site's log has.
pub fn read_change<'b>(
    text: &str,
    change: &Change<'_>,
    known: impl Iterator<Item = (Instant, &'b Body)>,
) -> Result<Vec<Fact>, FolderError> {
    let source = Source::new(text);
    let document = Document::parse(text).map_err(|why| FolderError {
        file: super::row::FILE,
        line: source.line(why.span()),
        field: None,
        problem: why.message().trim().replace('\n', ", "),
        mend: "write TOML as in site.toml".to_owned(),
    })?;
    let root = Row::try_new(document.as_table(), String::new(), None, &source, change.tables)?;
    let mut decimals = 2;
    let mut entries = Vec::new();
    let mut ids = super::defined_ids(&root)?;
    for (received, body) in known {
        if let Body::SiteRegistered(site) = body {
            decimals = site.currency_decimals;
        }
        learn(&mut ids, body);
        entries.extend(entry_of(received, body));
    }
    ids.said = Some(Said { by: change.by.to_owned(), reason: change.reason.to_owned(), received: change.received });
    let mut new = Vec::new();
    for (table, keys) in TABLES.iter().filter(|(table, _)| change.tables.contains(table)) {
        for row in root.rows(table, keys)? {
            let entry = read(table, &row, &ids, decimals).map_err(|error| bracket(error, table))?;
            new.push(entry);
        }
    }
    if new.is_empty() {
        let tables: Vec<String> = change.tables.iter().map(|table| format!("[[{table}]]")).collect();
        return Err(FolderError {
            file: super::row::FILE,
            line: None,
            field: None,
            problem: "has no table".to_owned(),
            mend: format!("write one of {}", tables.join(", ")),
        });
    }
    let facts: Vec<Fact> = new.iter().map(|entry| fact(entry.again(), change.received)).collect();
    entries.extend(new.into_iter().filter(|entry| entry.table != "posting"));
    check::entries(&entries).map_err(in_the_log)?;
    Ok(facts)
}

/// Judges facts beside those of a log, as the tables of a folder are judged together.
pub fn check_change<'b>(
    facts: impl Iterator<Item = &'b Body>,
    received: Instant,
    known: impl Iterator<Item = (Instant, &'b Body)>,
) -> Result<(), FolderError> {
    let all = known.chain(facts.map(|body| (received, body)));
    let entries: Vec<Entry> = all.filter_map(|(received, body)| entry_of(received, body)).collect();
    check::entries(&entries).map_err(in_the_log)
}

fn read(table: &'static str, row: &Row<'_>, ids: &Ids, decimals: u8) -> Result<Entry, FolderError> {
    if let Some(key) = ["received", "by", "reason"].into_iter().find(|key| row.has(key)) {
        return Err(row.error(key, "is said with the change", "leave it out"));
    }
    let mut entry = tables::entry(table, row, ids, decimals)?;
    let known_at = ids.said.as_ref().map(|said| said.received);
    if entry.time > known_at {
        return Err(row.error("time", "is later than the change", "write an instant that has passed"));
    }
    entry.received = known_at;
    entry.actor = ids.said.as_ref().map(|said| said.by.clone());
    Ok(entry)
}

/// Entries of the log have no line.
fn in_the_log(mut error: FolderError) -> FolderError {
    error.problem = error.problem.replace("(line 0)", "(in the log)").replace("first in line 0", "first in the log");
    error.line = error.line.filter(|line| *line > 0);
    error
}

fn learn(ids: &mut Ids, body: &Body) {
    let set = match body {
        Body::UnitRegistered(data) => (&mut ids.units, data.id.as_str()),
        Body::PointRegistered(data) => (&mut ids.points, data.id.as_str()),
        Body::MeterInstalled(data) => (&mut ids.meters, data.id.as_str()),
        Body::AccountOpened(data) => (&mut ids.accounts, data.id.as_str()),
        Body::TariffPublished(data) => (&mut ids.tariffs, data.id.as_str()),
        Body::PoolDefined(data) => (&mut ids.pools, data.id.as_str()),
        _ => return,
    };
    set.0.insert(set.1.to_owned());
}

fn entry_of(received: Instant, body: &Body) -> Option<Entry> {
    let (table, key) = body.table_key()?;
    let received = Some(received);
    Some(Entry { received, time: None, table, key, actor: None, body: body.clone(), line: 0 })
}
