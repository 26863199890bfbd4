//! Time zones: the transitions of an IANA zone as a fact, so that no replay
//! depends on the tz database of the machine that it runs on.

use chrono::{DateTime, NaiveDate, Offset, TimeZone};
use chrono_tz::{IANA_TZDB_VERSION, TZ_VARIANTS, Tz};
use domain::event::{CalendarPublished, Transition};
use domain::quantity::Instant;

use crate::site_folder::nearest;

/// No zone changes its offset and back within so many seconds.
const STEP_S: i64 = 21_600;

/// Why there is no calendar.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TimeZoneError {
    /// No zone of that name.
    #[error("no IANA time zone is called '{zone}'; the nearest name is '{nearest}'")]
    Unknown {
        /// What was asked for.
        zone: String,
        /// The name that is most like it.
        nearest: String,
    },
    /// Years that the calendar does not reach.
    #[error("no calendar from year {from} to {to}")]
    Years {
        /// The first year.
        from: i32,
        /// The last year.
        to: i32,
    },
}

/// The offsets of `zone` from the first instant (UTC) of `from_year` to the
/// last of `to_year`; before and after them the nearest one holds.
pub fn calendar(zone: &str, from_year: i32, to_year: i32) -> Result<CalendarPublished, TimeZoneError> {
    let tz: Tz = zone.parse().map_err(|_| TimeZoneError::Unknown {
        zone: zone.to_owned(),
        nearest: nearest(zone, TZ_VARIANTS.iter().map(|tz| tz.name())).unwrap_or("UTC").to_owned(),
    })?;
    let years = || TimeZoneError::Years { from: from_year, to: to_year };
    let start = |year| NaiveDate::from_ymd_opt(year, 1, 1).and_then(|date| date.and_hms_opt(0, 0, 0));
    let mut at = start(from_year).ok_or_else(years)?.and_utc().timestamp();
    let end = to_year.checked_add(1).and_then(start).ok_or_else(years)?.and_utc().timestamp();
    let offset = |seconds: i64| {
        DateTime::from_timestamp(seconds, 0)
            .map(|at| tz.offset_from_utc_datetime(&at.naive_utc()).fix().local_minus_utc())
            .ok_or_else(years)
    };
    let base_offset_s = offset(at)?;
    let mut before = base_offset_s;
    let mut transitions = Vec::new();
    while at < end {
        let next = at.saturating_add(STEP_S).min(end);
        let after = offset(next)?;
        if after != before {
            let first = bisect(at, next, |seconds| offset(seconds).is_ok_and(|o| o == before));
            transitions.push(Transition { at: Instant::new(first), offset_s: after });
        }
        (at, before) = (next, after);
    }
    Ok(CalendarPublished {
        base_offset_s,
        transitions,
        tz_version: IANA_TZDB_VERSION.to_owned(),
        zone: zone.to_owned(),
    })
}

/// The first second after `low`, where `before` holds, at which it does not.
fn bisect(mut low: i64, mut high: i64, before: impl Fn(i64) -> bool) -> i64 {
    while high.saturating_sub(low) > 1 {
        let middle = low.saturating_add(high.saturating_sub(low) >> 1);
        if before(middle) { low = middle } else { high = middle }
    }
    high
}
