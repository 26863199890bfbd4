//! A policy's own rules: what one may say, its windows, its limit.

use std::collections::BTreeSet;

use super::error::PolicyError;
use crate::event::{DayName, NoCutWindow, SupplyPolicy};
use crate::premises::Calendar;
use crate::quantity::{Date, Instant, Weekday, floor_div};

const DAY_MINUTES: i64 = 1440;
const DAY_S: i64 = 86_400;
/// A command may be sent for at most so long.
const LONGEST_VALID_S: i64 = 3600;
const MAX_MINOR: i64 = 1_000_000_000;

/// Whether a policy may be published.
pub fn check(policy: &SupplyPolicy) -> Result<(), PolicyError> {
    let bounds = [
        ("blast_least", policy.blast_least, 0, 1_000_000),
        ("blast_percent", policy.blast_percent, 0, 100),
        ("command_valid_s", policy.command_valid_s, 1, LONGEST_VALID_S),
        ("emergency_credit_minor", policy.emergency_credit_minor.get(), 0, MAX_MINOR),
        ("notice_s", policy.notice_s, 0, 366 * DAY_S),
        ("persons", policy.persons, 1, 2),
        ("rearm_tenths", policy.rearm_tenths, 1, 3650),
        ("restore_at_minor", policy.restore_at_minor.get(), -MAX_MINOR, MAX_MINOR),
        ("restore_spacing_s", policy.restore_spacing_s, 0, 3600),
        ("stale_after_s", policy.stale_after_s, 1, 7 * DAY_S),
    ];
    for (field, value, least, most) in bounds {
        if !(least..=most).contains(&value) {
            return Err(PolicyError::Bounds { field, value, least, most });
        }
    }
    if policy.restore_at_minor < -policy.emergency_credit_minor {
        return Err(PolicyError::Swings);
    }
    let steps = &policy.warn_tenths;
    let falls = steps.iter().zip(steps.iter().skip(1)).all(|(one, next)| one > next);
    if steps.last().is_some_and(|last| *last != 0 || !falls) {
        return Err(PolicyError::WarnSteps);
    }
    if policy.cuts && steps.is_empty() {
        return Err(PolicyError::NoWarning);
    }
    if policy.cuts && policy.for_charges.is_empty() {
        return Err(PolicyError::NoCharges);
    }
    let odd = policy.no_cut.iter().position(|window| {
        let fits = 0 <= window.from_minute && window.from_minute < window.to_minute && window.to_minute <= DAY_MINUTES;
        window.days.is_empty() || !fits
    });
    odd.map_or(Ok(()), |index| Err(PolicyError::Window(index)))
}

/// The window that an instant lies in, by the site's wall clock.
pub fn no_cut_at<'a>(
    policy: &'a SupplyPolicy,
    calendar: &Calendar,
    holidays: &BTreeSet<Date>,
    at: Instant,
) -> Option<&'a NoCutWindow> {
    let date = calendar.wall_date(at);
    let wall_s = at.plus(calendar.offset_at(at)).get().rem_euclid(DAY_S);
    let minute = i64::try_from(floor_div(wall_s.into(), 60)).expect("a minute of the day");
    let holds = |window: &&NoCutWindow| {
        let is_day = window.days.iter().any(|day| falls_on(*day, date, holidays));
        is_day && window.from_minute <= minute && minute < window.to_minute
    };
    policy.no_cut.iter().find(holds)
}

fn falls_on(day: DayName, date: Date, holidays: &BTreeSet<Date>) -> bool {
    match day {
        DayName::Mon => date.weekday() == Weekday::Mon,
        DayName::Tue => date.weekday() == Weekday::Tue,
        DayName::Wed => date.weekday() == Weekday::Wed,
        DayName::Thu => date.weekday() == Weekday::Thu,
        DayName::Fri => date.weekday() == Weekday::Fri,
        DayName::Sat => date.weekday() == Weekday::Sat,
        DayName::Sun => date.weekday() == Weekday::Sun,
        DayName::Holiday => holidays.contains(&date),
    }
}

/// The first instant of a window after `at` and before `until`: a cut must not be sent from then on.
pub fn next_no_cut(
    policy: &SupplyPolicy,
    calendar: &Calendar,
    holidays: &BTreeSet<Date>,
    at: Instant,
    until: Instant,
) -> Option<Instant> {
    // Windows and changes of the clock start on whole minutes of UTC or of a
    // wall clock that is off it by seconds: looking at each second is exact.
    let mut next = at.plus(1);
    while next < until {
        if no_cut_at(policy, calendar, holidays, next).is_some() {
            return Some(next);
        }
        next = next.plus(1);
    }
    None
}

/// How many points of a site may be cut in an hour.
pub fn blast_limit(policy: &SupplyPolicy, site_points: i64) -> i64 {
    let share = i128::from(site_points.max(0)).saturating_mul(policy.blast_percent.into());
    i64::try_from(floor_div(share, 100)).unwrap_or(i64::MAX).max(policy.blast_least)
}
