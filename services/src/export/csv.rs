//! CSV for accounting: each line with its working, and the journals that Xero
//! and `QuickBooks` Online take. Their first row has the headings; what the
//! others have at their head stands in a manifest.

use std::collections::BTreeMap;
use std::io::{self, Write};

use domain::event::{Component, SortedLineKey, Unit};
use domain::ledger::{Cause, Detail, JournalEntry, LedgerAccount, Posting};
use domain::quantity::{Date, Instant, Money};
use projections::bill::show_quantity;

use super::scan::Books;
use super::text;
use super::totals::Totals;

fn row<const N: usize>(to: &mut dyn Write, fields: [String; N]) -> io::Result<()> {
    let mut line = csv::Writer::from_writer(Vec::new());
    line.write_record(&fields)?;
    to.write_all(&line.into_inner().map_err(|error| io::Error::other(error.to_string()))?)
}

fn heading<const N: usize>(to: &mut dyn Write, names: [&str; N]) -> io::Result<()> {
    row(to, names.map(str::to_owned))
}

/// Text that a sheet does not take for a formula.
fn free(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text.to_owned() }
}

/// An instant on the site's wall clock, with its offset.
fn local(books: &Books, at: Instant) -> String {
    let offset = books.calendar().offset_at(at);
    let sign = if offset < 0 { '-' } else { '+' };
    let (hours, rest) = (offset.unsigned_abs().div_euclid(3600), offset.unsigned_abs().rem_euclid(3600));
    let wall = at.plus(offset).to_string();
    format!("{}{sign}{hours:02}:{:02}", wall.trim_end_matches('Z'), rest.div_euclid(60))
}

/// Each charge, recharge and posting.
pub(super) struct Charges {
    decimals: u8,
}

/// The columns of a charge that its source has.
#[derive(Default)]
struct Columns {
    month: String,
    component: &'static str,
    key: Option<SortedLineKey>,
    pool: String,
    rule: String,
    quantity: String,
    unit: &'static str,
    price: String,
    to_date: String,
}

pub(super) const fn component(component: Component) -> &'static str {
    match component {
        Component::Energy => "energy",
        Component::Adder => "adder",
        Component::Demand => "demand",
        Component::Fixed => "fixed",
        Component::Minimum => "minimum",
        Component::Surcharge => "surcharge",
        Component::Rounding => "rounding",
    }
}

pub(super) const fn unit(unit: Unit) -> &'static str {
    match unit {
        Unit::Kwh => "kWh",
        Unit::Kw => "kW",
        Unit::Day => "day",
        Unit::Month => "month",
        Unit::Amount => "amount",
    }
}

impl Charges {
    pub(super) const fn new(decimals: u8) -> Self {
        Self { decimals }
    }

    fn columns(&self, one: &Posting<'_>) -> Columns {
        match one.of {
            Detail::Whole => Columns::default(),
            Detail::Line(line) => Columns {
                month: line.month.to_string(),
                component: component(line.key.component),
                key: Some(line.key.clone()),
                quantity: show_quantity(line.quantity, line.unit, self.decimals),
                unit: unit(line.unit),
                price: line.price.map(|price| price.to_string()).unwrap_or_default(),
                to_date: line.amount_minor.major(self.decimals),
                ..Columns::default()
            },
            Detail::Share(share, rule) => Columns {
                month: share.month.to_string(),
                component: "shared",
                pool: share.pool.to_string(),
                rule: rule.map(|rule| rule.to_string()).unwrap_or_default(),
                quantity: share.energy_mwh.kwh(),
                unit: "kWh",
                to_date: share.amount_minor.major(self.decimals),
                ..Columns::default()
            },
            Detail::Tax(tax) => Columns {
                month: tax.month.to_string(),
                component: "tax",
                quantity: tax.base_minor.major(self.decimals),
                unit: unit(Unit::Amount),
                price: tax.rate.to_string(),
                to_date: tax.amount_minor.major(self.decimals),
                ..Columns::default()
            },
        }
    }
}

impl super::Writer for Charges {
    fn head(&mut self, to: &mut dyn Write, _totals: &Totals) -> io::Result<()> {
        heading(
            to,
            [
                "event",
                "id",
                "kind",
                "account",
                "day",
                "time_local",
                "time_utc",
                "month",
                "component",
                "point",
                "tariff",
                "tariff_version",
                "name",
                "season",
                "period",
                "tier",
                "pool",
                "rule_version",
                "quantity_to_date",
                "unit",
                "price",
                "amount_to_date",
                "balance_change",
                "reference",
                "by",
                "reason",
            ],
        )
    }

    fn entry(&mut self, to: &mut dyn Write, books: &Books, entry: &JournalEntry<'_>) -> io::Result<()> {
        let (reference, by, reason) = match entry.cause {
            Cause::Opening | Cause::Settlement(_) => ("", "", ""),
            Cause::Recharge(data) => (data.reference.as_str(), "", ""),
            Cause::Correction(data) => (data.reference.as_str(), data.by.as_str(), data.reason.as_str()),
        };
        for one in &entry.against {
            let of = self.columns(one);
            let key = of.key.as_ref();
            let number = |number: Option<i64>| number.map(|number| number.to_string()).unwrap_or_default();
            let name =
                if let Detail::Tax(tax) = one.of { Some(&tax.name) } else { key.and_then(|key| key.name.as_ref()) };
            row(
                to,
                [
                    entry.event.position.to_string(),
                    entry.event.id.to_string(),
                    text::cause(entry),
                    free(entry.account.as_str()),
                    entry.day.to_string(),
                    local(books, entry.event.time),
                    entry.event.time.to_string(),
                    of.month,
                    of.component.to_owned(),
                    key.map(|key| free(key.point.as_str())).unwrap_or_default(),
                    key.map(|key| free(key.tariff.as_str())).unwrap_or_default(),
                    number(key.map(|key| key.version)),
                    name.map(|name| free(name)).unwrap_or_default(),
                    number(key.and_then(|key| key.season)),
                    key.and_then(|key| key.period.as_deref()).map(free).unwrap_or_default(),
                    number(key.and_then(|key| key.tier)),
                    free(&of.pool),
                    of.rule,
                    of.quantity,
                    of.unit.to_owned(),
                    of.price,
                    of.to_date,
                    one.amount.major(self.decimals),
                    free(reference),
                    free(by),
                    free(reason),
                ],
            )?;
        }
        Ok(())
    }

    fn end(&mut self, _to: &mut dyn Write, _totals: &Totals) -> io::Result<()> {
        Ok(())
    }
}

/// An entry's sides by account of the books, the balance's among them; none that is 0.
fn sides(entry: &JournalEntry<'_>) -> Vec<(LedgerAccount, Money)> {
    let mut sides: BTreeMap<LedgerAccount, Money> = BTreeMap::new();
    for one in &entry.against {
        *sides.entry(one.account.clone()).or_default() += one.amount;
    }
    *sides.entry(LedgerAccount::Prepaid(entry.account.clone())).or_default() -= entry.change();
    sides.into_iter().filter(|(_, amount)| !amount.is_zero()).collect()
}

/// Manual journals of Xero: <https://central.xero.com>, "Import manual journals".
pub(super) struct Xero {
    decimals: u8,
    tax_rate: String,
}

impl Xero {
    pub(super) const fn new(decimals: u8, tax_rate: String) -> Self {
        Self { decimals, tax_rate }
    }
}

impl super::Writer for Xero {
    fn head(&mut self, to: &mut dyn Write, _totals: &Totals) -> io::Result<()> {
        heading(to, ["*Narration", "*Date", "Description", "*AccountCode", "*TaxRate", "*Amount"])
    }

    fn entry(&mut self, to: &mut dyn Write, _books: &Books, entry: &JournalEntry<'_>) -> io::Result<()> {
        let narration = format!("event {} of {}: {}", entry.event.position, entry.day, text::cause(entry));
        for (account, amount) in sides(entry) {
            let fields = [
                narration.clone(),
                entry.day.to_string(),
                format!("{} {}", entry.account, account.control()),
                account.code().to_owned(),
                self.tax_rate.clone(),
                amount.major(self.decimals),
            ];
            row(to, fields.map(|field| if field.starts_with('-') { field } else { free(&field) }))?;
        }
        Ok(())
    }

    fn end(&mut self, _to: &mut dyn Write, _totals: &Totals) -> io::Result<()> {
        Ok(())
    }
}

/// Journal entries of `QuickBooks` Online.
pub(super) struct QuickBooks {
    decimals: u8,
    currency: String,
}

impl QuickBooks {
    pub(super) const fn new(decimals: u8, currency: String) -> Self {
        Self { decimals, currency }
    }
}

/// A day as `QuickBooks` Online takes it.
fn american(day: Date) -> String {
    let text = day.to_string();
    let mut parts = text.rsplitn(3, '-');
    let (day, month, year) = (parts.next(), parts.next(), parts.next());
    [month, day, year].map(Option::unwrap_or_default).join("/")
}

impl super::Writer for QuickBooks {
    fn head(&mut self, to: &mut dyn Write, _totals: &Totals) -> io::Result<()> {
        heading(to, ["JournalNo", "JournalDate", "AccountName", "Debits", "Credits", "Description", "Name", "Currency"])
    }

    fn entry(&mut self, to: &mut dyn Write, _books: &Books, entry: &JournalEntry<'_>) -> io::Result<()> {
        // An event that is booked on several days is several journals.
        let number = format!("{}-{}", entry.event.position, entry.day);
        for (account, amount) in sides(entry) {
            let debit = if amount > Money::ZERO { amount.major(self.decimals) } else { String::new() };
            let credit = if amount < Money::ZERO { (-amount).major(self.decimals) } else { String::new() };
            let of = [
                number.clone(),
                american(entry.day),
                account.control().to_owned(),
                debit,
                credit,
                text::cause(entry),
                free(entry.account.as_str()),
                self.currency.clone(),
            ];
            row(to, of)?;
        }
        Ok(())
    }

    fn end(&mut self, _to: &mut dyn Write, _totals: &Totals) -> io::Result<()> {
        Ok(())
    }
}
