//! `tallywatt export`: the books of a log for other programs. The log is read
//! three times, a page at a time: what there is of it, what it adds up to, and
//! its entries; so a file has its control totals at its head, and memory does not grow with its lines.

mod beancount;
mod csv;
mod place;
mod plain_text;
mod scan;
mod text;
mod totals;

use std::io::{self, Write};
use std::path::PathBuf;

use clap::{Args as ClapArgs, ValueEnum};
use domain::event::SiteId;
use domain::ledger::{Detail, JournalEntry, LedgerAccount, Posting};
use domain::quantity::{Date, Money, Month};

use crate::console::Console;
use crate::exit::{Exit, Failure, bad};
use crate::history;
use crate::replay::failed;
use scan::Books;
use totals::Totals;

/// Write the books of a log for other programs: journals in double entry, and CSV for accounting.
#[derive(Debug, ClapArgs)]
#[command(after_help = "Example:
  tallywatt export hledger target/hand-late --month 2026-02 --out target/2026-02.journal
  hledger --strict -f target/2026-02.journal check
  tallywatt export charges target/hand-late --from 2026-02-01 --to 2026-02-28 --out target/charges.csv --json

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

/// What can be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A journal for hledger and ledger.
    #[value(alias = "ledger")]
    Hledger,
    /// A journal for beancount.
    Beancount,
    /// CSV: each charge, recharge and posting with its event, tariff and rule.
    Charges,
    /// CSV: manual journals of Xero.
    Xero,
    /// CSV: journal entries of `QuickBooks` Online.
    #[value(help = "CSV: journal entries of QuickBooks Online")]
    Quickbooks,
}

impl Format {
    /// Its word on the command line.
    const fn name(self) -> &'static str {
        match self {
            Self::Hledger => "hledger",
            Self::Beancount => "beancount",
            Self::Charges => "charges",
            Self::Xero => "xero",
            Self::Quickbooks => "quickbooks",
        }
    }

    /// Whether its head stands in a file beside it.
    const fn has_manifest(self) -> bool {
        matches!(self, Self::Charges | Self::Xero | Self::Quickbooks)
    }
}

/// The local days that are asked for, both included.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Days {
    from: Option<Date>,
    to: Option<Date>,
}

impl Days {
    fn of(args: &Args) -> Result<Self, Failure> {
        if let Some(month) = &args.month {
            let parsed = Month::parse(month);
            let month = parsed.ok_or_else(|| bad(format!("'{month}' is no month"), "give --month as in 2026-03"))?;
            return Ok(Self { from: Some(month.first()), to: Some(month.last()) });
        }
        let day = |text: &Option<String>, mend: &str| match text {
            None => Ok(None),
            Some(text) => Date::parse(text).map(Some).ok_or_else(|| bad(format!("'{text}' is no date"), mend)),
        };
        let from = day(&args.from, "give --from as in 2026-03-01")?;
        let to = day(&args.to, "give --to as in 2026-03-31")?;
        match (from, to) {
            (Some(from), Some(to)) if to < from => {
                Err(bad(format!("--to {to} is before --from {from}"), "give --to the last day, itself included"))
            }
            _ => Ok(Self { from, to }),
        }
    }

    fn has(self, day: Date) -> bool {
        self.from.is_none_or(|from| from <= day) && self.to.is_none_or(|to| day <= to)
    }

    fn before(self, day: Date) -> bool {
        self.from.is_some_and(|from| day < from)
    }
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

fn writer(args: &Args, totals: &Totals) -> Box<dyn Writer> {
    let decimals = totals.decimals();
    match args.format {
        Format::Hledger => Box::new(plain_text::PlainText::new(totals)),
        Format::Beancount => Box::new(beancount::Beancount::new(totals, args.tolerance.clone())),
        Format::Charges => Box::new(csv::Charges::new(decimals)),
        Format::Xero => Box::new(csv::Xero::new(decimals, args.tax_rate.clone())),
        Format::Quickbooks => Box::new(csv::QuickBooks::new(decimals, totals.currency().to_owned())),
    }
}

/// Runs the command.
pub fn run(args: Args, console: &mut Console) -> Result<Exit, Failure> {
    let days = Days::of(&args)?;
    check_tolerance(&args.tolerance)?;
    let place = place::Place::of(args.out.as_deref(), args.format.has_manifest())?;
    let source = scan::Source { dir: &args.dir, log: args.log.as_deref(), site: args.site.as_ref() };
    let extent = source.extent(args.through).map_err(failed)?;
    let mut totals = Totals::new(args.format.name(), days, extent);
    let (extent, mut facts) = (totals.extent.clone(), None);
    source
        .entries(
            &extent,
            |_, entry| {
                totals.count(entry);
                Ok(())
            },
            |books| facts = totals::Facts::of(books),
        )
        .map_err(of_scan)?;
    totals.site = facts;
    totals.check()?;
    let mut writer = writer(&args, &totals);
    let mut fill = |to: &mut dyn Write| -> Result<(), scan::ScanError> {
        writer.head(to, &totals)?;
        source.entries(
            &totals.extent,
            |books, entry| {
                if days.has(entry.day) { writer.entry(to, books, entry) } else { Ok(()) }
            },
            |_| {},
        )?;
        Ok(writer.end(to, &totals)?)
    };
    match place {
        None => fill(&mut place::Terminal(console)).map_err(of_scan)?,
        Some(place) => {
            place.write(&mut fill, &totals).map_err(of_scan)?;
            say(&args, &totals, console);
        }
    }
    Ok(Exit::Done)
}

fn check_tolerance(text: &str) -> Result<(), Failure> {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let fits = text.split_once('.').map_or(digits(text), |(whole, fraction)| digits(whole) && digits(fraction));
    if fits { Ok(()) } else { Err(bad(format!("'{text}' is no tolerance"), "give --tolerance as in 0.000")) }
}

fn of_scan(error: scan::ScanError) -> Failure {
    match error {
        scan::ScanError::History(error) => failed(error),
        scan::ScanError::Write(error) => Failure {
            exit: Exit::Storage,
            error: Box::new(error),
            mend: "make room or give rights there; nothing was left of the file".to_owned(),
        },
    }
}

fn say(args: &Args, totals: &Totals, console: &mut Console) {
    if args.json {
        console.line(totals.document().to_string());
        return;
    }
    for line in totals.lines() {
        console.line(line);
    }
}
