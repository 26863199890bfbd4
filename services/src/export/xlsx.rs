//! A workbook: a sheet of rows, and one of control totals. Its rows wait for its
//! end in a temporary file; it has no more of them than a sheet can.

use std::io::{self, BufWriter, Write};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;

use domain::quantity::{Date, Instant};
use rust_xlsxwriter::{DocProperties, ExcelDateTime, Format, Workbook, Worksheet, XlsxError};
use serde_json::Value;

use super::table::{Cell, Column, Kind, Sheet, decimal_text};

/// Rows below the headings: what a sheet can have.
pub(super) const ROWS: u64 = 1_048_575;
/// A sheet shows no more digits of a number.
const DIGITS: usize = 15;
/// A workbook is handed on in pieces of so many bytes, and so many wait for the writer.
const PIECE: usize = 65_536;
const WAITING: usize = 4;

fn failed(error: XlsxError) -> io::Error {
    io::Error::other(error)
}

/// The only place where an exact decimal becomes a sheet's number: only where
/// the number's shortest text is the decimal's. Otherwise it is written as text.
fn number(text: &str) -> Option<f64> {
    let plain = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text };
    let digits = plain.bytes().filter(u8::is_ascii_digit).count();
    let number: f64 = plain.parse().ok()?;
    // No decimal of ours is a negative zero.
    (digits <= DIGITS && plain != "-0" && number.to_string() == plain).then_some(number)
}

/// An instant as text: a sheet's date has no zone, and its seconds are rounded.
fn instant(at: i64, end: &str) -> String {
    Instant::new(at).to_string().trim_end_matches('Z').to_owned() + end
}

fn excel_day(day: Date) -> Option<ExcelDateTime> {
    let text = day.to_string();
    let mut parts = text.split('-').map(str::parse::<u16>);
    let (year, month, day) = (parts.next()?.ok()?, parts.next()?.ok()?, parts.next()?.ok()?);
    ExcelDateTime::from_ymd(year, u8::try_from(month).ok()?, u8::try_from(day).ok()?).ok()
}

/// The format.
pub struct Xlsx {
    book: Workbook,
    rows: Option<Worksheet>,
    columns: Vec<(Kind, Format)>,
    about: Value,
    next: u32,
}

impl Xlsx {
    /// Without a row.
    pub fn new() -> Self {
        Self { book: Workbook::new(), rows: None, columns: Vec::new(), about: Value::Null, next: 1 }
    }

    fn cell(&mut self, column: u16, cell: Cell) -> io::Result<()> {
        let of_column = self.columns.get(usize::from(column));
        let Some(((kind, format), sheet)) = of_column.zip(self.rows.as_mut()) else {
            return Err(io::Error::other("a row has more cells than there are columns"));
        };
        let row = self.next;
        let text = match cell {
            Cell::None => return Ok(()),
            Cell::Text(text) => text,
            Cell::Flag(flag) => {
                sheet.write_boolean(row, column, flag).map_err(failed)?;
                return Ok(());
            }
            Cell::Date(day) => {
                if let Some(day) = excel_day(day) {
                    sheet.write_datetime_with_format(row, column, day, format).map_err(failed)?;
                    return Ok(());
                }
                day.to_string()
            }
            Cell::Utc(at) => instant(at.get(), "Z"),
            Cell::Wall(at) => instant(at, ""),
            Cell::Whole(_) | Cell::Decimal(_) => {
                let text = match (cell, kind) {
                    (Cell::Decimal(units), Kind::Decimal(places) | Kind::Wide(places)) => decimal_text(units, *places),
                    (Cell::Whole(number), _) => number.to_string(),
                    _ => return Err(io::Error::other("a cell is not of its column's kind")),
                };
                if let Some(number) = number(&text) {
                    sheet.write_number_with_format(row, column, number, format).map_err(failed)?;
                    return Ok(());
                }
                text
            }
        };
        // A string is never taken for a formula.
        sheet.write_string(row, column, text).map_err(failed)?;
        Ok(())
    }
}

impl Default for Xlsx {
    fn default() -> Self {
        Self::new()
    }
}

fn format_of(kind: Kind) -> Format {
    match kind {
        Kind::Decimal(places) if places > 0 => {
            Format::new().set_num_format(format!("0.{}", "0".repeat(usize::from(places))))
        }
        Kind::Date => Format::new().set_num_format("yyyy-mm-dd"),
        Kind::Text | Kind::Whole | Kind::Decimal(_) | Kind::Wide(_) | Kind::Utc | Kind::Wall | Kind::Flag => {
            Format::new().set_num_format("General")
        }
    }
}

/// The members of a document, one a row, with their path.
fn flat(path: &str, value: &Value, rows: &mut Vec<(String, String)>) {
    let below = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
    match value {
        Value::Object(members) => members.iter().for_each(|(key, value)| flat(&below(key), value, rows)),
        Value::Array(all) => {
            for (index, value) in all.iter().enumerate() {
                flat(&below(&index.to_string()), value, rows);
            }
        }
        Value::String(text) => rows.push((path.to_owned(), text.clone())),
        Value::Null => {}
        Value::Bool(_) | Value::Number(_) => rows.push((path.to_owned(), value.to_string())),
    }
}

impl Sheet for Xlsx {
    fn begin(&mut self, _to: &mut dyn Write, columns: &[Column], about: &Value) -> io::Result<()> {
        self.about = about.clone();
        let mut rows = self.book.new_worksheet_with_constant_memory().map_err(failed)?;
        rows.set_name("rows").map_err(failed)?;
        let bold = Format::new().set_bold();
        for (index, column) in (0u16..).zip(columns) {
            rows.write_string_with_format(0, index, column.name, &bold).map_err(failed)?;
            self.columns.push((column.kind, format_of(column.kind)));
        }
        rows.set_freeze_panes(1, 0).map_err(failed)?;
        self.rows = Some(rows);
        Ok(())
    }

    fn row(&mut self, _to: &mut dyn Write, cells: Vec<Cell>) -> io::Result<()> {
        if u64::from(self.next) > ROWS {
            return Err(io::Error::other("a sheet has at most 1,048,575 rows: name fewer days, or take parquet"));
        }
        for (column, cell) in (0u16..).zip(cells) {
            self.cell(column, cell)?;
        }
        self.next = self.next.saturating_add(1);
        Ok(())
    }

    fn end(&mut self, to: &mut dyn Write) -> io::Result<()> {
        let mut totals = Worksheet::new();
        totals.set_name("control totals").map_err(failed)?;
        let mut facts = Vec::new();
        flat("", &self.about, &mut facts);
        for (row, (name, value)) in (0u32..).zip(facts) {
            totals.write_string(row, 0, name).map_err(failed)?;
            match number(&value) {
                Some(number) => totals.write_number(row, 1, number).map_err(failed)?,
                None => totals.write_string(row, 1, value).map_err(failed)?,
            };
        }
        let mut book = std::mem::take(&mut self.book);
        // The library takes the machine's clock for it otherwise.
        let made = ExcelDateTime::from_ymd(2000, 1, 1).map_err(failed)?;
        book.set_properties(&DocProperties::new().set_author("tallywatt").set_creation_datetime(&made));
        for sheet in self.rows.take().into_iter().chain([totals]) {
            book.push_worksheet(sheet);
        }
        save(book, to)
    }
}

/// What a thread hands on of a workbook.
struct Pieces(SyncSender<Vec<u8>>);

impl Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.send(bytes.to_vec()).map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Writes a workbook while it is made: the library writes from a thread of its own, to what can be sent there.
fn save(mut book: Workbook, to: &mut dyn Write) -> io::Result<()> {
    let (pieces, made) = sync_channel(WAITING);
    thread::scope(|scope| {
        let saved = scope.spawn(move || {
            let mut pieces = BufWriter::with_capacity(PIECE, Pieces(pieces));
            book.save_to_writer(&mut pieces).map_err(failed).and_then(|()| pieces.flush())
        });
        let taken = made.into_iter().try_for_each(|piece| to.write_all(&piece));
        let saved = saved.join().map_err(|_| io::Error::other("the workbook could not be made"))?;
        taken.and(saved)
    })
}

#[cfg(test)]
mod tests {
    use super::number;

    #[test]
    fn a_number_is_written_only_where_it_is_exact() {
        let shown = |text: &str| number(text).map(|number| number.to_string());
        assert_eq!(shown("12.50").as_deref(), Some("12.5"));
        assert_eq!(shown("-0.07").as_deref(), Some("-0.07"));
        assert_eq!(shown("1234567.123456").as_deref(), Some("1234567.123456"));
        assert_eq!(shown("100").as_deref(), Some("100"));
        assert_eq!(shown("0.00").as_deref(), Some("0"));
        for text in ["9007199254740993", "1234567890.1234567", "123456789012345.6", "007", "", "x", "1e5", "-0.00"] {
            assert_eq!(shown(text), None, "{text}");
        }
    }
}
