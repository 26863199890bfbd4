//! `tallywatt import csv`: a file of readings into a collector's spool, from
//! where they go the way of all readings.

use std::collections::BTreeSet;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use adapters::intake::{Arrival, Intake as _, Poll, Spool};
use domain::event::{MeterId, ReadingRow, SiteId, register_mwh};
use domain::quantity::Instant;

use super::{ImportError, Registry};
use crate::console::Console;
use crate::exit::Exit;

/// The columns; the first three must be there, in any order.
const COLUMNS: [&str; 5] = ["time", "meter", "kwh", "serial", "device_time"];

/// `tallywatt import csv`
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  tallywatt import csv readings.csv --dry-run
  tallywatt import csv readings.csv --site-id riverside --spool collector.db --rejected rejected.csv

Columns: time,meter,kwh[,serial][,device_time], in any order; instants are RFC 3339. Rows in error are
listed with line and reason, and the others are imported. A file imported twice counts once.

Exit codes: 0 done, 1 done with rows in error, 2 bad input (nothing written), 3 disk failure.")]
pub struct Args {
    /// The file
    file: PathBuf,
    /// The site of the meters
    #[arg(long, required_unless_present = "dry_run")]
    site_id: Option<String>,
    /// The collector's spool
    #[arg(long, required_unless_present = "dry_run")]
    spool: Option<PathBuf>,
    /// A site.toml: rows of a meter that is not in it are in error
    #[arg(long)]
    site: Option<PathBuf>,
    /// Lists the rows in error
    #[arg(long)]
    rejected: Option<PathBuf>,
    /// Only read and count: write nothing
    #[arg(long)]
    dry_run: bool,
    /// Print the counts and the rows in error as JSON
    #[arg(long)]
    json: bool,
}

/// A row that becomes no reading.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct RowError {
    /// Its line, from 1.
    pub line: u64,
    /// What is wrong, and what is wanted.
    pub reason: String,
    /// The row as it stands there.
    pub row: String,
}

/// The rows of a file.
#[derive(Debug, Default)]
pub struct Rows {
    /// Those that are readings, in the order of the file.
    pub readings: Vec<ReadingRow>,
    /// The others.
    pub errors: Vec<RowError>,
}

impl Rows {
    /// Reads a file; of a meter that is not `known` a row is in error.
    pub fn read(bytes: &[u8], known: Option<&BTreeSet<String>>) -> Self {
        let mut rows = Self::default();
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let mut table = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(bytes);
        let mut columns: Option<Vec<Option<usize>>> = None;
        let mut record = csv::ByteRecord::new();
        loop {
            let line = table.position().line();
            match table.read_byte_record(&mut record) {
                Ok(false) => return rows,
                Ok(true) => {}
                Err(error) => {
                    rows.errors.push(RowError { line, reason: error.to_string(), row: String::new() });
                    return rows;
                }
            }
            let line = record.position().map_or(line, csv::Position::line);
            let fields: Vec<String> = record.iter().map(|f| String::from_utf8_lossy(f).trim().to_owned()).collect();
            let done = match &columns {
                None => heading(&fields).map(|found| columns = Some(found)),
                Some(columns) => reading(&fields, columns, line, known).map(|row| rows.readings.push(row)),
            };
            if let Err(reason) = done {
                rows.errors.push(RowError { line, reason, row: fields.join(",") });
                if columns.is_none() {
                    return rows;
                }
            }
        }
    }
}

fn heading(fields: &[String]) -> Result<Vec<Option<usize>>, String> {
    if let Some(unknown) = fields.iter().find(|name| !COLUMNS.contains(&name.as_str())) {
        return Err(format!("column `{unknown}` is none of {}", COLUMNS.join(", ")));
    }
    let found: Vec<Option<usize>> =
        COLUMNS.iter().map(|column| fields.iter().position(|name| name == column)).collect();
    match COLUMNS.iter().zip(&found).take(3).find(|(_, at)| at.is_none()) {
        Some((column, _)) => Err(format!("the first line names no column `{column}`")),
        None => Ok(found),
    }
}

fn reading(
    fields: &[String],
    columns: &[Option<usize>],
    line: u64,
    known: Option<&BTreeSet<String>>,
) -> Result<ReadingRow, String> {
    let field = |column: usize| {
        let at = columns.get(column).copied().flatten();
        at.and_then(|at| fields.get(at)).map(String::as_str).filter(|text| !text.is_empty())
    };
    let must = |column: usize, name: &str| field(column).ok_or_else(|| format!("{name} is empty"));
    let instant = |text: &str, name: &str| Instant::parse(text).map_err(|error| format!("{name}: {error}"));
    let time = instant(must(0, "time")?, "time")?;
    let meter = must(1, "meter")?;
    if known.is_some_and(|known| !known.contains(meter)) {
        return Err(format!("meter `{meter}` is not in the site"));
    }
    let kwh = must(2, "kwh")?;
    register_mwh(kwh).ok_or_else(|| format!("kwh: `{kwh}` is not digits with at most 6 decimals"))?;
    Ok(ReadingRow {
        meter: MeterId::try_new(meter).ok_or_else(|| "meter: 1 to 64 bytes without a slash".to_owned())?,
        time,
        kwh: kwh.into(),
        serial: field(3).map(Into::into),
        device_time: field(4).map(|text| instant(text, "device_time")).transpose()?,
        place: u32::try_from(line).unwrap_or(0),
    })
}

/// Writes the list of rows in error, whole or not at all.
pub fn rejected(path: &Path, errors: &[RowError]) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut table = csv::Writer::from_writer(tempfile::NamedTempFile::new_in(folder)?);
    table.write_record(["line", "reason", "row"])?;
    for error in errors {
        table.write_record([&error.line.to_string(), &error.reason, &error.row])?;
    }
    let mut file = table.into_inner().map_err(csv::IntoInnerError::into_error)?;
    file.flush()?;
    file.as_file().sync_all()?;
    file.persist(path).map(drop).map_err(|error| error.error)
}

/// Runs the command.
pub fn run(args: &Args, console: &mut Console) -> Result<Exit, ImportError> {
    let unreadable = |source| ImportError::Unreadable { path: args.file.clone(), source };
    let known = args.site.as_deref().map(Registry::meters_of_site).transpose()?;
    let rows = Rows::read(&std::fs::read(&args.file).map_err(unreadable)?, known.as_ref());
    if rows.readings.is_empty() && !rows.errors.is_empty() {
        let first = rows.errors.first().map_or((1, String::new()), |error| (error.line, error.reason.clone()));
        return Err(ImportError::NoReading { path: args.file.clone(), line: first.0, reason: first.1 });
    }
    if !args.dry_run {
        offer(args, &rows)?;
    }
    if args.json {
        let report = serde_json::json!({"errors": rows.errors, "readings": rows.readings.len()});
        console.line(report.to_string());
    } else {
        console.line(format!("{} readings, {} rows in error", rows.readings.len(), rows.errors.len()));
        for error in &rows.errors {
            console.line(format!("{}:{}: {}", args.file.display(), error.line, error.reason));
        }
    }
    Ok(if rows.errors.is_empty() { Exit::Done } else { Exit::Differences })
}

fn offer(args: &Args, rows: &Rows) -> Result<(), ImportError> {
    let (Some(site), Some(spool)) = (&args.site_id, &args.spool) else { return Ok(()) };
    let site = SiteId::try_new(site).ok_or_else(|| ImportError::BadSite { site: site.clone() })?;
    let failed = |source: Box<dyn std::error::Error + Send + Sync>| ImportError::Spool { path: spool.clone(), source };
    let items =
        Poll::of_rows(&site, "import", "csv", &rows.readings).into_iter().map(|poll| Arrival::Poll(poll).encode());
    let items = items.collect::<Result<Vec<_>, _>>().map_err(|error| failed(error.into()))?;
    let mut intake = Spool::open(spool).map_err(|error| failed(error.into()))?;
    for (id, bytes) in items {
        intake.offer(id, &bytes).map_err(|error| failed(error.into()))?;
    }
    match &args.rejected {
        Some(path) if !rows.errors.is_empty() => {
            rejected(path, &rows.errors).map_err(|source| ImportError::Unwritable { path: path.clone(), source })
        }
        _ => Ok(()),
    }
}
