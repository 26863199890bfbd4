//! Local days and wall clocks of a site, from its published time zone.

use crate::event::CalendarPublished;
use crate::quantity::{Date, Instant};

const DAY_S: i64 = 86_400;

/// A span of constant offset from UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// Its first instant.
    pub from: Instant,
    /// Its end.
    pub until: Instant,
    /// Seconds east of UTC.
    pub offset_s: i64,
}

/// The site's clock: its offsets from UTC over time.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Calendar {
    base_offset_s: i64,
    transitions: Vec<(Instant, i64)>,
}

impl Calendar {
    /// The calendar of a published time zone.
    pub fn new(published: &CalendarPublished) -> Self {
        Self {
            base_offset_s: published.base_offset_s.into(),
            transitions: published.transitions.iter().map(|t| (t.at, t.offset_s.into())).collect(),
        }
    }

    fn span_index(&self, at: Instant) -> usize {
        self.transitions.partition_point(|(from, _)| *from <= at)
    }

    fn span(&self, index: usize) -> Span {
        let before = index.checked_sub(1).and_then(|i| self.transitions.get(i));
        Span {
            from: before.map_or(Instant::new(i64::MIN), |(at, _)| *at),
            until: self.transitions.get(index).map_or(Instant::new(i64::MAX), |(at, _)| *at),
            offset_s: before.map_or(self.base_offset_s, |(_, offset)| *offset),
        }
    }

    /// Seconds east of UTC at an instant.
    pub fn offset_at(&self, at: Instant) -> i64 {
        self.span(self.span_index(at)).offset_s
    }

    /// The date that the wall clock shows at an instant.
    pub fn wall_date(&self, at: Instant) -> Date {
        wall_date(at, self.offset_at(at))
    }

    /// The local day that an instant lies in (BILLING §1).
    pub fn day_of(&self, at: Instant) -> Date {
        let date = self.wall_date(at);
        if at >= self.start_of(date.next()) { date.next() } else { date }
    }

    /// The first instant of a local day; of a date that is skipped, that of the next.
    pub fn start_of(&self, date: Date) -> Instant {
        let midnight = wall_midnight(date);
        let earliest = Instant::new(midnight).plus(-2 * DAY_S);
        let mut index = self.span_index(earliest);
        loop {
            let span = self.span(index);
            let candidate = span.from.max(Instant::new(midnight).plus(span.offset_s.saturating_neg()));
            if candidate < span.until {
                return candidate;
            }
            index = index.saturating_add(1);
        }
    }

    /// The end of a local day: the first instant of the next.
    pub fn end_of(&self, date: Date) -> Instant {
        self.start_of(date.next())
    }

    /// The spans of constant offset within `from <= t < until`.
    pub fn spans(&self, from: Instant, until: Instant) -> Vec<Span> {
        let mut spans = Vec::new();
        let mut index = self.span_index(from);
        let mut at = from;
        while at < until {
            let span = self.span(index);
            let end = span.until.min(until);
            spans.push(Span { from: at, until: end, offset_s: span.offset_s });
            at = end;
            index = index.saturating_add(1);
        }
        spans
    }
}

/// The date of a wall clock so many seconds east of UTC.
pub fn wall_date(at: Instant, offset_s: i64) -> Date {
    let days = at.plus(offset_s).get().div_euclid(DAY_S);
    Date::new(i32::try_from(days).expect("dates are bounded"))
}

/// A date's midnight on the wall clock, as seconds since 1970 without an offset.
pub fn wall_midnight(date: Date) -> i64 {
    i64::from(date.get()).saturating_mul(DAY_S)
}
