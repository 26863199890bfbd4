//! `tallywatt export`: the books of a log for other programs. The log is read
//! three times, a page at a time: what there is of it, what it adds up to, and
//! its entries; so a file has its control totals at its head, and memory does
//! not grow with its lines. `prepare`, then `write`, is for other callers.

mod balances;
mod beancount;
mod csv;
mod download;
mod parquet;
mod place;
mod plain_text;
mod readings;
mod request;
mod rows;
mod scan;
mod table;
mod text;
mod totals;
mod xlsx;

use std::io::{self, Write};
use std::path::PathBuf;

use clap::Args as ClapArgs;
use domain::event::SiteId;
use domain::ledger::{Detail, JournalEntry, LedgerAccount, Posting};
use domain::quantity::Money;

use crate::console::Console;
use crate::exit::{Exit, Failure, bad};
use crate::history;
use crate::replay::failed;
pub(crate) use balances::balances;
pub(crate) use download::stream;
pub use download::{Pieces, download};
pub use parquet::Parquet;
pub(crate) use place::Place;
pub use request::{Days, Format, Prepared, Request, Table, prepare, write};
use scan::Books;
pub use scan::{ScanError, Source};
pub use table::{Cell, Column, Kind, Sheet};
use totals::Totals;
pub use xlsx::Xlsx;

/// Write the books of a log for other programs: journals in double entry, CSV for accounting, Parquet and workbooks.
#[derive(Debug, ClapArgs)]
#[command(after_help = "Example:
  tallywatt export hledger target/hand-late --month 2026-02 --out target/2026-02.journal
  hledger --strict -f target/2026-02.journal check
  tallywatt export charges target/hand-late --from 2026-02-01 --to 2026-02-28 --out target/charges.csv --json
  tallywatt export parquet target/hand-late --table readings --out target/readings.parquet

Every file names its days, the log's events and root, and its control totals (a CSV file in FILE.manifest.json beside
it). The same days of the same log give the same bytes; --through gives what an earlier export gave.")]
pub struct Args {
    /// What is to be written.
    #[arg(value_enum)]
    format: Format,
    /// The output folder of a run, with its log.db.
    dir: PathBuf,
    /// The first local day; the books from their beginning otherwise.
    #[arg(long, value_name = "DATE", conflicts_with = "month")]
    from: Option<String>,
    /// The last local day, itself included; all that is booked otherwise.
    #[arg(long, value_name = "DATE", conflicts_with = "month")]
    to: Option<String>,
    /// A local month.
    #[arg(long, value_name = "YYYY-MM")]
    month: Option<String>,
    /// By the events up to this position of the log; by all of them otherwise.
    #[arg(long, value_name = "POSITION")]
    through: Option<u64>,
    /// Another log: a file, or nats://HOST:PORT/STREAM.
    #[arg(long, value_name = "LOG")]
    log: Option<String>,
    /// The site, where the log has several.
    #[arg(long, value_name = "SITE", value_parser = history::site_id)]
    site: Option<SiteId>,
    /// Beancount: the tolerance of its balance assertions.
    #[arg(long, value_name = "AMOUNT", default_value = "0.000")]
    tolerance: String,
    /// Parquet and xlsx: what rows there are.
    #[arg(long, value_enum, default_value = "charges")]
    table: Table,
    /// Readings: how far apart rows are, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    step: i64,
    /// Xero: the tax rate's name for lines without one, as your organisation has it.
    #[arg(long, value_name = "NAME", default_value = "Tax Exempt")]
    tax_rate: String,
    /// The file, which must not be there yet; the terminal otherwise.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Write a summary with the control totals as JSON.
    #[arg(long, requires = "out")]
    json: bool,
}

/// A format's way of writing.
trait Writer {
    /// What stands before the entries.
    fn head(&mut self, to: &mut dyn Write, totals: &Totals) -> io::Result<()>;
    /// An entry.
    fn entry(&mut self, to: &mut dyn Write, books: &Books, entry: &JournalEntry<'_>) -> io::Result<()>;
    /// What stands after them.
    fn end(&mut self, to: &mut dyn Write, totals: &Totals) -> io::Result<()>;
}

/// Books whose entries are postings line by line.
trait Postings {
    /// A posting, with what it is of.
    fn posting(&self, to: &mut dyn Write, account: &LedgerAccount, amount: Money, of: &str) -> io::Result<()>;
    /// What is shown of a posting.
    fn detail(&self, of: Detail<'_>) -> String;

    /// The balances at the range's beginning, against the opening.
    fn brought(&self, to: &mut dyn Write, totals: &Totals) -> io::Result<()> {
        let mut sum = Money::ZERO;
        for (account, brought) in totals.brought() {
            self.posting(to, &LedgerAccount::Prepaid(account.clone()), -brought, "")?;
            sum += brought;
        }
        self.posting(to, &LedgerAccount::Opening, sum, "")
    }

    /// An account's entry against what it is posted to.
    fn posted(&self, to: &mut dyn Write, entry: &JournalEntry<'_>) -> io::Result<()> {
        self.posting(to, &LedgerAccount::Prepaid(entry.account.clone()), -entry.change(), "")?;
        for one in shown(entry) {
            self.posting(to, &one.account, one.amount, &self.detail(one.of))?;
        }
        Ok(())
    }
}

/// The postings of an entry that are not of 0.
fn shown<'a>(entry: &'a JournalEntry<'a>) -> impl Iterator<Item = &'a Posting<'a>> {
    entry.against.iter().filter(|one| !one.amount.is_zero())
}

/// Runs the command.
pub fn run(args: Args, console: &mut Console) -> Result<Exit, Failure> {
    let days = Days::parse(args.month.as_deref(), args.from.as_deref(), args.to.as_deref())?;
    let place = Place::of(args.out.as_deref(), args.format.has_manifest())?;
    if place.is_none() && !args.format.is_text() {
        return Err(bad(format!("{} is no text", args.format.name()), "name its file with --out"));
    }
    let Args { format, table, through, step, tolerance, tax_rate, .. } = &args;
    let (tolerance, tax_rate) = (tolerance.clone(), tax_rate.clone());
    let request =
        Request { format: *format, table: *table, days, through: *through, step_s: *step, tolerance, tax_rate };
    let source = Source { dir: &args.dir, log: args.log.as_deref(), site: args.site.as_ref() };
    let prepared = prepare(&request, source)?;
    match place {
        None => prepared.write(&mut place::Terminal(console)).map_err(of_scan)?,
        Some(place) => {
            let document = prepared.document();
            place.write(&mut |to: &mut dyn Write| prepared.write(to), &document).map_err(of_scan)?;
            if args.json {
                console.line(document.to_string());
            } else {
                prepared.lines().iter().for_each(|line| console.line(line));
            }
        }
    }
    Ok(Exit::Done)
}

pub(crate) fn of_scan(error: ScanError) -> Failure {
    match error {
        ScanError::History(error) => failed(error),
        ScanError::Write(error) => Failure {
            exit: Exit::Storage,
            error: Box::new(error),
            mend: "make room or give rights there; nothing was left of the file".to_owned(),
        },
    }
}
