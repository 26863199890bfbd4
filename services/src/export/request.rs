//! What is asked of an export, and an export that is ready to be written.

use std::io::Write;

use clap::ValueEnum;
use domain::quantity::{Date, Month};
use serde_json::Value;

use super::readings::Curve;
use super::rows::Rows;
use super::scan::{ScanError, Source};
use super::table::Sheet;
use super::totals::{self, Totals};
use super::{Writer, beancount, csv, parquet, plain_text, xlsx};
use crate::exit::{Failure, bad};
use crate::replay::failed;

/// What can be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
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
    /// A Parquet file of a table.
    Parquet,
    /// A workbook of a table.
    Xlsx,
}

/// What rows are in a Parquet file or workbook.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Table {
    /// Each charge, recharge and posting with its event, tariff and rule.
    Charges,
    /// The same in double entry: rows of an entry add up to 0.
    Postings,
    /// Each meter's register and energy by the minute, or another step.
    Readings,
}

impl Format {
    /// Its word on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Hledger => "hledger",
            Self::Beancount => "beancount",
            Self::Charges => "charges",
            Self::Xero => "xero",
            Self::Quickbooks => "quickbooks",
            Self::Parquet => "parquet",
            Self::Xlsx => "xlsx",
        }
    }

    /// Whether its head stands in a file beside it.
    pub(super) const fn has_manifest(self) -> bool {
        matches!(self, Self::Charges | Self::Xero | Self::Quickbooks)
    }

    /// Whether it is text.
    pub const fn is_text(self) -> bool {
        !matches!(self, Self::Parquet | Self::Xlsx)
    }

    /// How its files' names end.
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Hledger => "journal",
            Self::Beancount => "beancount",
            Self::Charges | Self::Xero | Self::Quickbooks => "csv",
            Self::Parquet => "parquet",
            Self::Xlsx => "xlsx",
        }
    }

    /// Its media type.
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Hledger | Self::Beancount => "text/plain; charset=utf-8",
            Self::Charges | Self::Xero | Self::Quickbooks => "text/csv; charset=utf-8",
            Self::Parquet => "application/vnd.apache.parquet",
            Self::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        }
    }
}

/// The local days that are asked for, both included; open ends are the books' own.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Days {
    /// The first.
    pub from: Option<Date>,
    /// The last.
    pub to: Option<Date>,
}

impl Days {
    /// The days of a month, or from one day to another.
    pub fn parse(month: Option<&str>, from: Option<&str>, to: Option<&str>) -> Result<Self, Failure> {
        if let Some(month) = month {
            let parsed = Month::parse(month);
            let month = parsed.ok_or_else(|| bad(format!("'{month}' is no month"), "give --month as in 2026-03"))?;
            return Ok(Self { from: Some(month.first()), to: Some(month.last()) });
        }
        let day = |text: Option<&str>, mend: &str| match text {
            None => Ok(None),
            Some(text) => Date::parse(text).map(Some).ok_or_else(|| bad(format!("'{text}' is no date"), mend)),
        };
        let from = day(from, "give --from as in 2026-03-01")?;
        let to = day(to, "give --to as in 2026-03-31")?;
        match (from, to) {
            (Some(from), Some(to)) if to < from => {
                Err(bad(format!("--to {to} is before --from {from}"), "give --to the last day, itself included"))
            }
            _ => Ok(Self { from, to }),
        }
    }

    pub(super) fn has(self, day: Date) -> bool {
        self.from.is_none_or(|from| from <= day) && self.to.is_none_or(|to| day <= to)
    }

    pub(super) fn before(self, day: Date) -> bool {
        self.from.is_some_and(|from| day < from)
    }
}

/// What is asked for.
#[derive(Debug, Clone)]
pub struct Request {
    /// The format.
    pub format: Format,
    /// The rows of a Parquet file or workbook.
    pub table: Table,
    /// The local days.
    pub days: Days,
    /// By the events up to this position of the log; by all of them otherwise.
    pub through: Option<u64>,
    /// Readings: how far apart rows are, in seconds, 1 to 86,400.
    pub step_s: i64,
    /// Beancount: the tolerance of its balance assertions.
    pub tolerance: String,
    /// Xero: the tax rate's name for lines without one.
    pub tax_rate: String,
}

impl Request {
    /// A format over some days, the rest as the command has it.
    pub fn new(format: Format, days: Days) -> Self {
        let (tolerance, tax_rate) = ("0.000".to_owned(), "Tax Exempt".to_owned());
        Self { format, table: Table::Charges, days, through: None, step_s: 60, tolerance, tax_rate }
    }

    fn check(&self) -> Result<(), Failure> {
        let text = &self.tolerance;
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        let fits = text.split_once('.').map_or(digits(text), |(whole, fraction)| digits(whole) && digits(fraction));
        if !fits {
            return Err(bad(format!("'{text}' is no tolerance"), "give --tolerance as in 0.000"));
        }
        if !(1..=86_400).contains(&self.step_s) {
            return Err(bad(format!("{} is no step", self.step_s), "give --step 1 to 86400 seconds"));
        }
        Ok(())
    }
}

enum What {
    Books(Box<Totals>),
    Curve(Box<Curve>),
}

/// An export whose control totals are known: what is refused was refused, and it can be written.
pub struct Prepared<'a> {
    request: &'a Request,
    source: Source<'a>,
    what: What,
}

/// Reads the log for what there is of it and what it adds up to.
pub fn prepare<'a>(request: &'a Request, source: Source<'a>) -> Result<Prepared<'a>, Failure> {
    request.check()?;
    let extent = source.extent(request.through).map_err(failed)?;
    let what = if !request.format.is_text() && request.table == Table::Readings {
        What::Curve(Box::new(Curve::read(&source, extent, request.days, request.step_s)?))
    } else {
        let mut totals = Totals::new(request.format.name(), request.days, extent);
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
            .map_err(super::of_scan)?;
        totals.site = facts;
        totals.check()?;
        What::Books(Box::new(totals))
    };
    let prepared = Prepared { request, source, what };
    if request.format == Format::Xlsx && prepared.rows() > xlsx::ROWS {
        let text = format!("{} rows are more than the {} of a sheet", prepared.rows(), xlsx::ROWS);
        return Err(bad(text, "name fewer days, or take parquet"));
    }
    Ok(prepared)
}

/// Prepares and writes.
pub fn write(request: &Request, source: Source<'_>, to: &mut dyn Write) -> Result<(), Failure> {
    prepare(request, source)?.write(to).map_err(super::of_scan)
}

impl Prepared<'_> {
    /// Writes it. The same request of the same log gives the same bytes.
    pub fn write(&self, to: &mut dyn Write) -> Result<(), ScanError> {
        let totals = match &self.what {
            What::Curve(curve) => return curve.write(&mut *self.sheet(), to, self.request.format.name()),
            What::Books(totals) => totals,
        };
        let mut writer = self.writer(totals);
        writer.head(to, totals)?;
        self.source.entries(
            &totals.extent,
            |books, entry| {
                if self.request.days.has(entry.day) { writer.entry(to, books, entry) } else { Ok(()) }
            },
            |_| {},
        )?;
        Ok(writer.end(to, totals)?)
    }

    fn sheet(&self) -> Box<dyn Sheet> {
        if self.request.format == Format::Xlsx {
            Box::new(xlsx::Xlsx::new())
        } else {
            Box::new(parquet::Parquet::new())
        }
    }

    fn writer(&self, totals: &Totals) -> Box<dyn Writer> {
        let decimals = totals.decimals();
        match self.request.format {
            Format::Hledger => Box::new(plain_text::PlainText::new(totals)),
            Format::Beancount => Box::new(beancount::Beancount::new(totals, self.request.tolerance.clone())),
            Format::Charges => Box::new(csv::Charges::new(decimals)),
            Format::Xero => Box::new(csv::Xero::new(decimals, self.request.tax_rate.clone())),
            Format::Quickbooks => Box::new(csv::QuickBooks::new(decimals, totals.currency().to_owned())),
            Format::Parquet | Format::Xlsx => Box::new(Rows::new(self.request.table, self.sheet(), decimals)),
        }
    }

    /// Rows of a table.
    fn rows(&self) -> u64 {
        match &self.what {
            What::Books(totals) => totals.rows(self.request.table == Table::Postings),
            What::Curve(curve) => curve.rows(),
        }
    }

    /// Its range, root, events, versions and control totals.
    pub fn document(&self) -> Value {
        match &self.what {
            What::Books(totals) => totals.document(),
            What::Curve(curve) => curve.document(self.request.format.name()),
        }
    }

    /// The same in a few lines.
    pub fn lines(&self) -> Vec<String> {
        match &self.what {
            What::Books(totals) => totals.lines(),
            What::Curve(curve) => curve.lines(),
        }
    }
}
