//! Tables of exact values, and what they are written as: Parquet or a sheet.

use std::io::{self, Write};

use domain::quantity::{Date, Instant};
use serde_json::Value;

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// UTF-8.
    Text,
    /// An integer.
    Whole,
    /// A decimal with so many places, of at most 18 digits.
    Decimal(u8),
    /// The same, of at most 38 digits.
    Wide(u8),
    /// A local day.
    Date,
    /// An instant in UTC.
    Utc,
    /// An instant on the site's wall clock: seconds since 1970 as the clock shows them.
    Wall,
    /// Yes or no.
    Flag,
}

/// A column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// Whether each row has it.
    pub required: bool,
}

impl Column {
    /// One that each row has.
    pub const fn of(name: &'static str, kind: Kind) -> Self {
        Self { name, kind, required: true }
    }

    /// One that a row may lack.
    pub const fn maybe(name: &'static str, kind: Kind) -> Self {
        Self { name, kind, required: false }
    }
}

/// A value of a row, of its column's kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cell {
    /// The row lacks it.
    None,
    /// Of `Text`.
    Text(String),
    /// Of `Whole`.
    Whole(i64),
    /// Of `Decimal` and `Wide`: in units of the column's last place.
    Decimal(i128),
    /// Of `Date`.
    Date(Date),
    /// Of `Utc`.
    Utc(Instant),
    /// Of `Wall`.
    Wall(i64),
    /// Of `Flag`.
    Flag(bool),
}

impl Cell {
    /// Text, or nothing where it is empty.
    pub fn text(text: impl Into<String>) -> Self {
        let text = text.into();
        if text.is_empty() { Self::None } else { Self::Text(text) }
    }

    /// A number that may be missing.
    pub fn whole(number: Option<i64>) -> Self {
        number.map_or(Self::None, Self::Whole)
    }

    /// A position of the log.
    pub fn position(position: u64) -> Self {
        Self::whole(i64::try_from(position).ok())
    }
}

/// A format of tables. Bytes go to `to` as they are ready; what a format holds back is bounded, or said by it.
pub trait Sheet {
    /// The columns, and the control totals.
    fn begin(&mut self, to: &mut dyn Write, columns: &[Column], about: &Value) -> io::Result<()>;
    /// A row: as many cells as there are columns.
    fn row(&mut self, to: &mut dyn Write, cells: Vec<Cell>) -> io::Result<()>;
    /// What stands after the rows.
    fn end(&mut self, to: &mut dyn Write) -> io::Result<()>;
}

/// A decimal's exact text.
pub(super) fn decimal_text(units: i128, places: u8) -> String {
    let (sign, digits) = (if units < 0 { "-" } else { "" }, units.unsigned_abs().to_string());
    let places = usize::from(places);
    let padded = format!("{digits:0>width$}", width = places.saturating_add(1));
    let (whole, fraction) = padded.split_at(padded.len().saturating_sub(places));
    if places == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
}

/// Units of one scale in units of another that is as fine or finer.
pub(super) fn rescale(units: i128, from: u32, to: u8) -> Option<i128> {
    let finer = u32::from(to).checked_sub(from)?;
    units.checked_mul(10i128.checked_pow(finer)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_keep_their_places() {
        assert_eq!(decimal_text(-5, 2), "-0.05");
        assert_eq!(decimal_text(1_234_567, 6), "1.234567");
        assert_eq!(decimal_text(0, 0), "0");
        assert_eq!(decimal_text(120, 2), "1.20");
        assert_eq!(rescale(15, 1, 3), Some(1500));
        assert_eq!(rescale(15, 4, 3), None);
    }
}
