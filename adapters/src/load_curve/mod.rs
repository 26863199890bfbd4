//! A load curve: a CSV file `start_local,kwh` of intervals that follow each
//! other, by the wall clock of a time zone.

use std::fmt;

use domain::premises::Calendar;
use domain::quantity::{Date, Energy, Instant};
use domain::rating::load::{Load, LoadRow};

use crate::time_zone::{self, TimeZoneError};

const DAY_S: i64 = 86_400;

/// Why a file is no load curve.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// No such time zone.
    #[error(transparent)]
    Zone(#[from] TimeZoneError),
    /// A row is wrong.
    #[error(transparent)]
    Row(#[from] RowError),
}

/// What is wrong with a row, and how it is mended.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct RowError {
    /// The line, from 1.
    pub line: u64,
    /// The column; empty of the line as a whole.
    pub field: &'static str,
    /// What is wrong.
    pub problem: String,
    /// What to do about it.
    pub mend: String,
}

impl fmt::Display for RowError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: ", self.line)?;
        if !self.field.is_empty() {
            write!(f, "{}: ", self.field)?;
        }
        f.write_str(&self.problem)
    }
}

impl LoadError {
    /// What to do about it.
    pub fn mend(&self) -> &str {
        match self {
            Self::Zone(_) => "write an IANA name such as Europe/London",
            Self::Row(row) => &row.mend,
        }
    }
}

fn error(line: u64, field: &'static str, problem: impl Into<String>, mend: impl Into<String>) -> RowError {
    RowError { line, field, problem: problem.into(), mend: mend.into() }
}

/// A row as written: its line, wall clock in minutes since 1970, and energy.
type Written = (u64, i64, Energy);

/// Reads a load curve whose clock is that of `zone`.
pub fn read(bytes: &[u8], zone: &str) -> Result<Load, LoadError> {
    let rows = rows(bytes)?;
    let [(_, first, _), (line, second, _), ..] = rows.as_slice() else {
        let mend = "write at least two rows: their distance is the interval";
        return Err(error(1, "", format!("there are {} rows", rows.len()), mend).into());
    };
    let interval_minutes =
        u8::try_from(second.saturating_sub(*first)).ok().filter(|m| *m > 0 && 60u8.is_multiple_of(*m));
    let interval_minutes = interval_minutes.ok_or_else(|| {
        let problem = format!("is {} minutes after the row before", second.saturating_sub(*first));
        error(*line, "start_local", problem, "let rows follow each other by an interval that divides an hour")
    })?;
    let year = date_of(*first).year();
    let calendar = Calendar::new(&time_zone::calendar(zone, year.saturating_sub(1), year.saturating_add(1))?);
    let mut start = first_instant(&calendar, *first).ok_or_else(|| {
        let problem = format!("{} is skipped by the clock of {zone}", show(*first));
        error(2, "start_local", problem, "begin where the clock shows it, or name the load's zone with --zone")
    })?;
    let mut load = Load { interval_minutes, rows: Vec::with_capacity(rows.len()) };
    let mut total = Energy::ZERO;
    for (line, wall, energy) in rows {
        let expected = start.plus(calendar.offset_at(start)).get().div_euclid(60);
        if wall != expected {
            let problem = format!("is {}, but {} follows", show(wall), show(expected));
            let mend =
                format!("write every interval once and in order, by the clock of {zone}, 0 where nothing was used");
            return Err(error(line, "start_local", problem, mend).into());
        }
        let date = date_of(wall);
        if date.year() != year {
            return Err(error(line, "start_local", "is in another year", "write a file for each calendar year").into());
        }
        if total.get().saturating_add(energy.get()).unsigned_abs() >= 1 << 53 {
            return Err(error(line, "kwh", "the sum is above 9,007,199,254 kWh", "write smaller energies").into());
        }
        total += energy;
        let minute = u16::try_from(wall.rem_euclid(1440)).unwrap_or_default();
        load.rows.push(LoadRow { start, date, minute, energy });
        start = start.plus(i64::from(interval_minutes).saturating_mul(60));
    }
    Ok(load)
}

fn date_of(wall_minutes: i64) -> Date {
    Date::new(i32::try_from(wall_minutes.div_euclid(1440)).unwrap_or_default())
}

fn show(wall_minutes: i64) -> String {
    let minute = wall_minutes.rem_euclid(1440);
    format!("{}T{:02}:{:02}", date_of(wall_minutes), minute.div_euclid(60), minute.rem_euclid(60))
}

/// The first instant at which the wall clock shows this minute.
fn first_instant(calendar: &Calendar, wall_minutes: i64) -> Option<Instant> {
    let wall_s = wall_minutes.saturating_mul(60);
    let around = |seconds: i64| Instant::new(wall_s.saturating_add(seconds));
    calendar.spans(around(DAY_S.saturating_neg()), around(DAY_S)).into_iter().find_map(|span| {
        let at = around(span.offset_s.saturating_neg());
        (span.from <= at && at < span.until).then_some(at)
    })
}

fn rows(bytes: &[u8]) -> Result<Vec<Written>, RowError> {
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(bytes);
    let unreadable = |why: csv::Error| {
        let line = why.position().map_or(1, csv::Position::line);
        error(line, "", format!("is no CSV: {why}"), "save the file as UTF-8 text with commas")
    };
    let header = reader.byte_headers().map_err(unreadable)?;
    if header.iter().ne([&b"start_local"[..], b"kwh"]) {
        let problem =
            format!("the header is {}", String::from_utf8_lossy(&header.iter().collect::<Vec<_>>().join(&b',')));
        return Err(error(1, "", problem, "begin the file with start_local,kwh"));
    }
    let mut rows = Vec::new();
    let mut record = csv::ByteRecord::new();
    let mut last: Option<(Vec<u8>, i64)> = None;
    while reader.read_byte_record(&mut record).map_err(unreadable)? {
        let line = record.position().map_or(1, csv::Position::line);
        let (Some(start), Some(kwh), 2) = (record.get(0), record.get(1), record.len()) else {
            let problem = format!("row has {} columns", record.len());
            return Err(error(line, "", problem, "write start_local,kwh"));
        };
        let (day, clock) = start.split_at_checked(10).unwrap_or((start, b""));
        let midnight = match &last {
            Some((known, midnight)) if known == day => Some(*midnight),
            _ => midnight(day),
        };
        let wall = midnight.and_then(|midnight| midnight.checked_add(minute_of(clock)?));
        let (Some(midnight), Some(wall)) = (midnight, wall) else {
            let problem = format!("'{}' is no local time", String::from_utf8_lossy(start));
            return Err(error(line, "start_local", problem, "write it as 2018-01-31T00:15"));
        };
        let energy = energy_of(kwh).ok_or_else(|| {
            let problem = format!("'{}' is no energy", String::from_utf8_lossy(kwh));
            error(line, "kwh", problem, "write digits with at most one point and 6 decimals, not negative")
        })?;
        last = Some((day.to_owned(), midnight));
        rows.push((line, wall, energy));
    }
    Ok(rows)
}

/// Minutes from 1970 to a date's midnight.
fn midnight(day: &[u8]) -> Option<i64> {
    let date = Date::parse(std::str::from_utf8(day).ok()?).filter(|date| (1900..2999).contains(&date.year()))?;
    Some(i64::from(date.get()).saturating_mul(1440))
}

/// `THH:MM` with or without `:00`, as minutes of the day.
fn minute_of(clock: &[u8]) -> Option<i64> {
    let (b'T' | b' ', clock) = clock.split_first()? else { return None };
    let clock = clock.strip_suffix(b":00").filter(|short| short.len() == 5).unwrap_or(clock);
    let &[h1, h2, b':', m1, m2] = clock else { return None };
    let two = |tens: u8, ones: u8| {
        let digit = |byte: u8| char::from(byte).to_digit(10).map(i64::from);
        Some(digit(tens)?.saturating_mul(10).saturating_add(digit(ones)?))
    };
    let (hour, minute) = (two(h1, h2)?, two(m1, m2)?);
    (hour < 24 && minute < 60).then(|| hour.saturating_mul(60).saturating_add(minute))
}

/// A plain decimal of kWh with at most 6 decimals, below 2^53 mWh.
fn energy_of(kwh: &[u8]) -> Option<Energy> {
    let mut parts = kwh.splitn(2, |byte| *byte == b'.');
    let whole = parts.next().filter(|whole| !whole.is_empty())?;
    let fraction = parts.next().map_or(Some(&b"0"[..]), |fraction| (!fraction.is_empty()).then_some(fraction))?;
    let place = |mwh, place: usize| digits(fraction.get(place..=place).unwrap_or(b"0"), mwh);
    let mwh = (0..6).try_fold(digits(whole, 0)?, place)?;
    (fraction.len() <= 6 && mwh < 1 << 53).then(|| Energy::new(mwh))
}

fn digits(text: &[u8], before: i64) -> Option<i64> {
    text.iter().try_fold(before, |value, byte| {
        let digit = char::from(*byte).to_digit(10)?;
        value.checked_mul(10)?.checked_add(digit.into())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, zone: &str, expected: Result<&[i64], &str>) {
        match (read(text.as_bytes(), zone), expected) {
            (Ok(load), Ok(starts)) => {
                assert_eq!(load.rows.iter().map(|row| row.start.get()).collect::<Vec<_>>(), starts, "{text}");
            }
            (Err(error), Err(wanted)) => assert!(error.to_string().contains(wanted), "{error}"),
            (got, wanted) => assert!(got.is_ok() == wanted.is_ok(), "{text}: {got:?}"),
        }
    }

    #[test]
    fn rows_follow_the_wall_clock_of_their_zone() {
        let day = "start_local,kwh\n1970-01-01T00:00,1\n1970-01-01T00:30:00,0.000001\n";
        check(day, "UTC", Ok(&[0, 1800]));
        check(day, "Asia/Shanghai", Ok(&[-28_800, -27_000]));
        let fall = "start_local,kwh\n2018-10-28T01:00,1\n2018-10-28T01:30,1\n2018-10-28T01:00,1\n2018-10-28T01:30,2\n";
        check(fall, "Europe/London", Ok(&[1_540_684_800, 1_540_686_600, 1_540_688_400, 1_540_690_200]));
        check(fall, "UTC", Err("line 4: start_local: is 2018-10-28T01:00, but 2018-10-28T02:00 follows"));
        check("start_local,kwh\n2018-03-25T01:00,1\n2018-03-25T01:30,1\n", "Europe/London", Err("is skipped"));
    }

    #[test]
    fn what_is_wrong_has_its_line_and_column() {
        let rows = |rows: &str| format!("start_local,kwh\n2018-01-31T00:00,1\n2018-01-31T01:00,1\n{rows}\n");
        check(&rows("2018-01-31T03:00,1"), "UTC", Err("line 4: start_local: is 2018-01-31T03:00, but"));
        check(&rows("2018-01-31T02:00,-1"), "UTC", Err("line 4: kwh: '-1' is no energy"));
        check(&rows("2018-01-31T02:00,1.0000001"), "UTC", Err("line 4: kwh"));
        check(&rows("2018-01-31T02:00,1e3"), "UTC", Err("line 4: kwh"));
        check(&rows("2018-01-31T02:00,"), "UTC", Err("line 4: kwh"));
        check(&rows("2018-01-31T02:00,9007199254.740993"), "UTC", Err("line 4: kwh"));
        check(&rows("2018-01-31T24:00,1"), "UTC", Err("line 4: start_local: '2018-01-31T24:00' is no local time"));
        check(&rows("2018-01-31T02:00"), "UTC", Err("line 4: row has 1 columns"));
        check("start_local,kwh\n2018-01-31T00:00,1\n", "UTC", Err("line 1: there are 1 rows"));
        check("start_local,kwh\n2018-01-31T00:00,1\n2018-01-31T00:07,1\n", "UTC", Err("line 3: start_local: is 7"));
        check("time,kwh\n", "UTC", Err("line 1: the header is time,kwh"));
        check("start_local,kwh\n2018-12-31T23:00,1\n2019-01-01T00:00,1\n", "UTC", Err("another year"));
        check(&rows(""), "Mars/North", Err("Mars/North"));
    }
}
