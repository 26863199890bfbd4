//! Time-of-use periods by the wall clock (BILLING §4, §5).

use std::collections::BTreeSet;

use crate::event::{DayName, ScheduleRow, TariffPublished};
use crate::premises::{Calendar, wall_date, wall_midnight};
use crate::quantity::{Date, Instant, Weekday};
use crate::tariff::Tariff;

/// A stretch of one period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PeriodCut {
    /// Its start.
    pub from: Instant,
    /// Its end.
    pub until: Instant,
    /// Index of the period in its tariff.
    pub period: usize,
}

fn day_name(weekday: Weekday) -> DayName {
    match weekday {
        Weekday::Mon => DayName::Mon,
        Weekday::Tue => DayName::Tue,
        Weekday::Wed => DayName::Wed,
        Weekday::Thu => DayName::Thu,
        Weekday::Fri => DayName::Fri,
        Weekday::Sat => DayName::Sat,
        Weekday::Sun => DayName::Sun,
    }
}

fn matches(row: &ScheduleRow, month: u8, minute: u16, name: DayName) -> bool {
    let in_month = row.months.as_ref().is_none_or(|months| months.contains(&month));
    let in_days = row.days.as_ref().map_or(name != DayName::Holiday, |days| days.contains(&name));
    let (from, to) = (row.from_minute, row.to_minute);
    let in_time = match from.cmp(&to) {
        std::cmp::Ordering::Less => from <= minute && minute < to,
        std::cmp::Ordering::Equal => true,
        std::cmp::Ordering::Greater => minute >= from || minute < to,
    };
    in_month && in_days && in_time
}

/// The periods that a month's minutes can have, whatever its days.
pub(super) fn possible_periods(tariff: &TariffPublished, month: u8) -> BTreeSet<&str> {
    const DAYS: [DayName; 8] = [
        DayName::Mon,
        DayName::Tue,
        DayName::Wed,
        DayName::Thu,
        DayName::Fri,
        DayName::Sat,
        DayName::Sun,
        DayName::Holiday,
    ];
    let starts = tariff.schedule.iter().flat_map(|row| [row.from_minute, row.to_minute]);
    let starts: BTreeSet<u16> = starts.filter(|minute| *minute < 1440).chain([0]).collect();
    let names = |row: &ScheduleRow, day| row.days.as_ref().is_some_and(|days| days.contains(&day));
    let names_holiday = tariff.schedule.iter().any(|row| names(row, DayName::Holiday));
    let days = DAYS.into_iter().filter(|day| names_holiday || *day != DayName::Holiday);
    let moments = days.flat_map(|day| starts.iter().map(move |minute| (day, *minute)));
    let period = |(day, minute)| {
        let row = tariff.schedule.iter().find(|row| matches(row, month, minute, day));
        row.map_or(tariff.default_period.as_str(), |row| row.period.as_str())
    };
    moments.map(period).collect()
}

impl Tariff {
    /// The period of a local minute.
    pub fn period_at(&self, date: Date, minute: u16, holidays: &BTreeSet<Date>) -> usize {
        let name =
            if self.names_holidays && holidays.contains(&date) { DayName::Holiday } else { day_name(date.weekday()) };
        let month = u8::try_from(date.month().number()).expect("1 to 12");
        self.schedule.iter().find(|(_, row)| matches(row, month, minute, name)).map_or(0, |(period, _)| *period)
    }

    fn boundary_minutes(&self) -> BTreeSet<u16> {
        let ends = self.schedule.iter().flat_map(|(_, row)| [row.from_minute, row.to_minute]);
        ends.filter(|minute| *minute < 1440).chain([0]).collect()
    }
}

/// The stretches of one period within `from <= t < until`.
pub fn period_cuts(
    tariff: &Tariff,
    calendar: &Calendar,
    holidays: &BTreeSet<Date>,
    from: Instant,
    until: Instant,
) -> Vec<PeriodCut> {
    let minutes = tariff.boundary_minutes();
    let mut cuts: Vec<PeriodCut> = Vec::new();
    for span in calendar.spans(from, until) {
        let mut starts = BTreeSet::from([span.from]);
        let (first, last) = (wall_date(span.from, span.offset_s), wall_date(span.until, span.offset_s));
        for day in first.get()..=last.get() {
            let midnight = Instant::new(wall_midnight(Date::new(day))).plus(span.offset_s.saturating_neg());
            let at = |minute: &u16| midnight.plus(i64::from(*minute).saturating_mul(60));
            starts.extend(minutes.iter().map(at).filter(|t| span.from < *t && *t < span.until));
        }
        let ends: Vec<Instant> = starts.iter().skip(1).copied().chain([span.until]).collect();
        for (start, end) in starts.iter().zip(ends) {
            let date = wall_date(*start, span.offset_s);
            let wall = start.plus(span.offset_s).get().saturating_sub(wall_midnight(date));
            let minute = u16::try_from(wall.div_euclid(60)).expect("a day has 1,440 minutes");
            let period = tariff.period_at(date, minute, holidays);
            match cuts.last_mut() {
                Some(last) if last.period == period && last.until == *start => last.until = end,
                _ => cuts.push(PeriodCut { from: *start, until: end, period }),
            }
        }
    }
    cuts
}
