//! The books as tables: each line of the charges with its working, or each posting in double entry.

use std::io::{self, Write};

use domain::event::{SortedLineKey, Unit};
use domain::ledger::{Cause, Detail, JournalEntry, LedgerAccount, Posting};
use domain::quantity::Money;

use super::csv::{component, unit};
use super::scan::Books;
use super::table::{Cell, Column, Kind, Sheet, rescale};
use super::totals::Totals;
use super::{Table, text};

/// Decimal places of prices and quantities: tariffs have at most 8 and 6, taxes and sums no more.
const PRICE: u8 = 12;
const QUANTITY: u8 = 6;

/// Rows of the books in a format of tables.
pub(super) struct Rows {
    table: Table,
    sheet: Box<dyn Sheet>,
    decimals: u8,
}

/// What a charge's source has.
#[derive(Default)]
struct Of<'a> {
    month: String,
    component: &'static str,
    key: Option<&'a SortedLineKey>,
    name: Option<&'a str>,
    pool: String,
    rule: Option<i64>,
    quantity: Option<(i64, Unit)>,
    price: Option<(i128, u32)>,
    to_date: Option<Money>,
}

impl<'a> Of<'a> {
    fn new(one: &'a Posting<'_>) -> Self {
        match one.of {
            Detail::Whole => Self::default(),
            Detail::Line(line) => Self {
                month: line.month.to_string(),
                component: component(line.key.component),
                key: Some(&line.key),
                name: line.key.name.as_deref(),
                quantity: Some((line.quantity, line.unit)),
                price: line.price.map(|price| (price.mantissa(), price.scale())),
                to_date: Some(line.amount_minor),
                ..Self::default()
            },
            Detail::Share(share, rule) => Self {
                month: share.month.to_string(),
                component: "shared",
                pool: share.pool.to_string(),
                rule,
                quantity: Some((share.energy_mwh.get(), Unit::Kwh)),
                to_date: Some(share.amount_minor),
                ..Self::default()
            },
            Detail::Tax(tax) => Self {
                month: tax.month.to_string(),
                component: "tax",
                name: Some(&tax.name),
                quantity: Some((tax.base_minor.get(), Unit::Amount)),
                price: Some((tax.rate.mantissa(), tax.rate.scale())),
                to_date: Some(tax.amount_minor),
                ..Self::default()
            },
        }
    }
}

impl Rows {
    pub(super) fn new(table: Table, sheet: Box<dyn Sheet>, decimals: u8) -> Self {
        Self { table, sheet, decimals }
    }

    fn head(&self) -> Vec<Column> {
        let money = Kind::Decimal(self.decimals);
        let mut columns = vec![
            Column::of("event", Kind::Whole),
            Column::of("id", Kind::Text),
            Column::of("kind", Kind::Text),
            Column::of("account", Kind::Text),
            Column::of("day", Kind::Date),
            Column::of("time_local", Kind::Wall),
            Column::of("time_utc", Kind::Utc),
            Column::of("utc_offset_s", Kind::Whole),
        ];
        if self.table == Table::Postings {
            columns.extend([
                Column::of("book", Kind::Text),
                Column::of("code", Kind::Text),
                Column::of("debit", money),
            ]);
        }
        columns.extend([
            Column::maybe("month", Kind::Text),
            Column::maybe("component", Kind::Text),
            Column::maybe("point", Kind::Text),
            Column::maybe("tariff", Kind::Text),
            Column::maybe("tariff_version", Kind::Whole),
            Column::maybe("name", Kind::Text),
            Column::maybe("season", Kind::Whole),
            Column::maybe("period", Kind::Text),
            Column::maybe("tier", Kind::Whole),
            Column::maybe("pool", Kind::Text),
            Column::maybe("rule_version", Kind::Whole),
            Column::maybe("quantity_to_date", Kind::Wide(QUANTITY)),
            Column::maybe("unit", Kind::Text),
            Column::maybe("price", Kind::Wide(PRICE)),
            Column::maybe("amount_to_date", money),
        ]);
        if self.table == Table::Charges {
            columns.push(Column::of("balance_change", money));
        }
        columns.extend(["reference", "by", "reason"].map(|name| Column::maybe(name, Kind::Text)));
        columns
    }

    /// What each row of an entry begins with.
    fn first(books: &Books, entry: &JournalEntry<'_>) -> Vec<Cell> {
        let (at, offset) = (entry.event.time, books.calendar().offset_at(entry.event.time));
        vec![
            Cell::position(entry.event.position),
            Cell::Text(entry.event.id.to_string()),
            Cell::Text(text::cause(entry)),
            Cell::Text(entry.account.to_string()),
            Cell::Date(entry.day),
            Cell::Wall(at.plus(offset).get()),
            Cell::Utc(at),
            Cell::Whole(offset),
        ]
    }

    /// What a row's source says, in the columns' order.
    fn source(&self, of: &Of<'_>) -> io::Result<Vec<Cell>> {
        let maybe = |text: Option<&str>| text.map_or(Cell::None, Cell::text);
        let key = |f: fn(&SortedLineKey) -> Cell| of.key.map_or(Cell::None, f);
        let fits =
            |units: Option<i128>| units.map(Cell::Decimal).ok_or_else(|| io::Error::other("a number is too long"));
        let quantity = match of.quantity {
            None => Cell::None,
            Some((units, what)) => {
                let places = match what {
                    Unit::Kwh | Unit::Kw => 6,
                    Unit::Day | Unit::Month => 0,
                    Unit::Amount => u32::from(self.decimals),
                };
                fits(rescale(units.into(), places, QUANTITY))?
            }
        };
        let price = match of.price {
            None => Cell::None,
            Some((units, places)) => fits(rescale(units, places, PRICE))?,
        };
        Ok(vec![
            Cell::text(of.month.as_str()),
            Cell::text(of.component),
            key(|key| Cell::text(key.point.as_str())),
            key(|key| Cell::text(key.tariff.as_str())),
            key(|key| Cell::Whole(key.version)),
            maybe(of.name),
            key(|key| Cell::whole(key.season)),
            key(|key| key.period.as_deref().map_or(Cell::None, Cell::text)),
            key(|key| Cell::whole(key.tier)),
            Cell::text(of.pool.as_str()),
            Cell::whole(of.rule),
            quantity,
            of.quantity.map_or(Cell::None, |(_, what)| Cell::text(unit(what))),
            price,
            of.to_date.map_or(Cell::None, |amount| Cell::Decimal(amount.get().into())),
        ])
    }

    fn row(
        &mut self,
        to: &mut dyn Write,
        first: &[Cell],
        (account, amount, of): (&LedgerAccount, Money, &Of<'_>),
        last: &[Cell],
    ) -> io::Result<()> {
        let mut cells = first.to_vec();
        let money = Cell::Decimal(amount.get().into());
        if self.table == Table::Postings {
            let (book, code) = (account.to_string(), account.code().to_owned());
            cells.extend([Cell::Text(book), Cell::Text(code), money.clone()]);
        }
        cells.extend(self.source(of)?);
        if self.table == Table::Charges {
            cells.push(money);
        }
        cells.extend_from_slice(last);
        self.sheet.row(to, cells)
    }
}

impl super::Writer for Rows {
    fn head(&mut self, to: &mut dyn Write, totals: &Totals) -> io::Result<()> {
        let columns = Self::head(self);
        self.sheet.begin(to, &columns, &totals.document())
    }

    fn entry(&mut self, to: &mut dyn Write, books: &Books, entry: &JournalEntry<'_>) -> io::Result<()> {
        let last = match entry.cause {
            Cause::Opening | Cause::Settlement(_) => [Cell::None, Cell::None, Cell::None],
            Cause::Recharge(data) => [Cell::text(data.reference.as_str()), Cell::None, Cell::None],
            Cause::Correction(data) => [&data.reference, &data.by, &data.reason].map(|text| Cell::text(text.as_str())),
        };
        let first = Self::first(books, entry);
        if self.table == Table::Postings {
            let prepaid = LedgerAccount::Prepaid(entry.account.clone());
            self.row(to, &first, (&prepaid, -entry.change(), &Of::default()), &last)?;
        }
        for one in &entry.against {
            self.row(to, &first, (&one.account, one.amount, &Of::new(one)), &last)?;
        }
        Ok(())
    }

    fn end(&mut self, to: &mut dyn Write, _totals: &Totals) -> io::Result<()> {
        self.sheet.end(to)
    }
}
