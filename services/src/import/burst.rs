//! Which frames belong together, and when they arrived.
//!
//! The log has no arrival times. All meters publish at the same quarter hour,
//! so a burst is a run of frames in which no meter's clock moves, and its
//! newest plausible clock stands for the arrival of all of it: among clocks
//! more than a day apart, the newest of those that most meters are near. A clock that
//! moves opens the next burst, whether it is right or decades off. A ghost
//! frame carries one meter's clock under the next one's serial; so a serial's
//! plausible and implausible clocks are watched apart.

use super::{ImportError, frame::Frame};
use chrono::{DateTime, Datelike, Duration, LocalResult, NaiveDateTime, TimeZone, Utc};
use chrono_tz::Tz;
use std::collections::BTreeMap;

/// A meter that was never set starts in 2000 or 2005; none was built before this.
const PLAUSIBLE_FROM_YEAR: i32 = 2020;

/// A time zone by its name in the tz database.
pub fn zone(name: &str) -> Result<Tz, ImportError> {
    name.parse().map_err(|_| ImportError::UnknownZone { zone: name.to_owned() })
}

pub(super) fn is_plausible(clock: NaiveDateTime) -> bool {
    clock.year() >= PLAUSIBLE_FROM_YEAR
}

/// Puts frames into bursts, and gives each burst its time.
pub(super) struct Bursts {
    zone: Tz,
    clocks: BTreeMap<(String, bool), NaiveDateTime>,
    members: Vec<usize>,
    last: Option<DateTime<Utc>>,
    /// For each line with a frame: the time of its burst, if any is known.
    times: BTreeMap<usize, Option<DateTime<Utc>>>,
    count: usize,
}

impl Bursts {
    pub(super) fn new(zone: Tz) -> Self {
        Self { zone, clocks: BTreeMap::new(), members: Vec::new(), last: None, times: BTreeMap::new(), count: 0 }
    }

    pub(super) fn push(&mut self, line: usize, frame: &Frame) {
        let plausible = is_plausible(frame.clock);
        let key = (frame.serial.clone(), plausible);
        if self.clocks.get(&key).is_some_and(|clock| *clock != frame.clock) {
            self.close();
        }
        self.clocks.insert(key, frame.clock);
        self.members.push(line);
    }

    /// The time of each line with a frame, and the number of bursts.
    pub(super) fn finish(mut self) -> (BTreeMap<usize, Option<DateTime<Utc>>>, usize) {
        self.close();
        (self.times, self.count)
    }

    fn close(&mut self) {
        if self.members.is_empty() {
            return;
        }
        let plausible = self.clocks.iter().filter(|((_, plausible), _)| *plausible).map(|(_, clock)| *clock);
        if let Some(newest) = agreed(&plausible.collect::<Vec<_>>()) {
            self.last = Some(instant_after(self.zone, newest, self.last));
        }
        self.times.extend(self.members.drain(..).map(|line| (line, self.last)));
        self.clocks.clear();
        self.count = self.count.saturating_add(1);
    }
}

/// The newest of the clocks that most others are within a day of: one that
/// is years ahead must not date the burst, and with it all later ones.
fn agreed(clocks: &[NaiveDateTime]) -> Option<NaiveDateTime> {
    let near = |clock: NaiveDateTime| {
        clocks.iter().filter(|other| other.signed_duration_since(clock).abs() <= Duration::days(1)).count()
    };
    clocks.iter().copied().max_by_key(|clock| (near(*clock), *clock))
}

/// A local clock's instant, never before `last`: an hour that comes twice in
/// autumn is told apart by what was heard before it.
pub(super) fn instant_after(zone: Tz, clock: NaiveDateTime, last: Option<DateTime<Utc>>) -> DateTime<Utc> {
    let candidates = match zone.from_local_datetime(&clock) {
        LocalResult::Single(at) => [at.to_utc(), at.to_utc()],
        LocalResult::Ambiguous(first, second) => [first.to_utc(), second.to_utc()],
        // The hour that spring leaves out: the clock had not been put forward.
        LocalResult::None => {
            let hour = Duration::hours(1);
            let early = clock.checked_sub_signed(hour).unwrap_or(clock);
            let at = zone.from_local_datetime(&early).earliest().map_or(clock.and_utc(), |at| at.to_utc());
            let at = at.checked_add_signed(hour).unwrap_or(at);
            [at, at]
        }
    };
    let [first, second] = candidates;
    match last {
        Some(last) if first < last => second.max(last),
        _ => first,
    }
}

/// The instant of a local clock by itself.
pub(crate) fn instant_of(zone: Tz, clock: NaiveDateTime) -> DateTime<Utc> {
    instant_after(zone, clock, None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> NaiveDateTime {
        text.parse().expect("a literal clock")
    }

    #[test]
    fn the_doubled_hour_of_autumn_is_told_apart() {
        let vienna = zone("Europe/Vienna").expect("a known zone");
        let first = instant_after(vienna, at("2026-10-25T02:45:00"), None);
        assert_eq!(first.to_rfc3339(), "2026-10-25T00:45:00+00:00");
        let second = instant_after(vienna, at("2026-10-25T02:00:00"), Some(first));
        assert_eq!(second.to_rfc3339(), "2026-10-25T01:00:00+00:00");
    }

    #[test]
    fn a_clock_years_ahead_is_outvoted() {
        let (now, later, ahead) = (at("2026-01-12T16:00:00"), at("2026-01-12T16:15:00"), at("2039-01-12T16:00:00"));
        assert_eq!(agreed(&[now, ahead, later]), Some(later));
        assert_eq!(agreed(&[at("2021-01-12T16:00:00"), now, later]), Some(later));
        assert_eq!(agreed(&[now]), Some(now));
        assert_eq!(agreed(&[]), None);
    }

    #[test]
    fn time_never_goes_back() {
        let vienna = zone("Europe/Vienna").expect("a known zone");
        let last = instant_after(vienna, at("2026-01-12T17:00:00"), None);
        assert_eq!(instant_after(vienna, at("2026-01-12T16:00:00"), Some(last)), last);
        let spring = instant_after(vienna, at("2026-03-29T02:30:00"), None);
        assert_eq!(spring.to_rfc3339(), "2026-03-29T01:30:00+00:00");
    }
}
