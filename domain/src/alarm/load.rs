//! Power of a meter: against its limit, and against its own day before.

use super::View;
use super::look::{Found, figures};
use crate::event::{AlarmKind, AlarmSubject};
use crate::metering::MeterRegister;
use crate::quantity::Instant;

/// What a poll told counts for so long.
const FRESH_S: i64 = 180;
/// A register's power counts while its last reading is no older.
const RECENT_S: i64 = 900;
/// Power by registers is the mean of so long.
const MEAN_S: i64 = 300;
/// A sudden load is looked for in quarters of an hour,
const QUARTER_S: i64 = 900;
/// against those of the day before,
const DAY_S: i64 = 86_400;
/// of which at least so much is known.
const KNOWN_S: i64 = 6 * 3600;
/// No share is said to be more than this.
const MOST_PERCENT: i64 = 100_000;

/// The mean power over `[at − seconds, at)` in mW, where readings reach so far.
fn mean_mw(meter: &MeterRegister<'_>, at: Instant, seconds: i64) -> Option<i64> {
    let from = at.plus(seconds.saturating_neg());
    meter.first_accepted().filter(|first| *first <= from)?;
    meter.energy(from, at).get().checked_mul(3600)?.checked_div(seconds)
}

/// `part` in percent of `whole`, cut.
fn percent(part: i64, whole: i64) -> i64 {
    let share = i128::from(part).saturating_mul(100).checked_div(i128::from(whole.max(1))).unwrap_or(0);
    i64::try_from(share).unwrap_or(MOST_PERCENT).clamp(0, MOST_PERCENT)
}

pub(super) fn levels(view: &View<'_>, meter: &MeterRegister<'_>, subject: &AlarmSubject, found: &mut Found<'_>) {
    let recent = meter.last_accepted().filter(|last| view.now.since(*last) <= RECENT_S);
    if found.wants(AlarmKind::Overload) {
        overload(view, meter, subject, recent, found);
    }
    if let Some(last) = recent.filter(|_| found.wants(AlarmKind::SuddenLoad)) {
        sudden(meter, subject, last, found);
    }
}

fn overload(
    view: &View<'_>,
    meter: &MeterRegister<'_>,
    subject: &AlarmSubject,
    recent: Option<Instant>,
    found: &mut Found<'_>,
) {
    let table = meter.installation();
    let own = found.policy.points.iter().find(|one| one.point == table.point);
    let limit = own.and_then(|one| one.limit_w.checked_mul(1000)).or(table.max_mw).filter(|limit| *limit > 0);
    let Some(limit) = limit else { return };
    let sight = view.sights.of(meter.id()).filter(|sight| view.now.since(sight.seen.time) <= FRESH_S);
    let told = sight.and_then(|sight| sight.seen.power_mw).map(|mw| table.energy_of(mw.max(0)));
    let Some(power) = told.or_else(|| mean_mw(meter, recent?, MEAN_S)) else { return };
    let said = figures([("limit_w", limit.div_euclid(1000)), ("power_w", power.div_euclid(1000))]);
    found.say(AlarmKind::Overload, subject, percent(power, limit), said);
}

fn sudden(meter: &MeterRegister<'_>, subject: &AlarmSubject, last: Instant, found: &mut Found<'_>) {
    let kind = AlarmKind::SuddenLoad;
    let Some(power) = mean_mw(meter, last, QUARTER_S) else { return };
    let is_open = found.is_open(kind, subject);
    if power < found.policy.sudden_least_w.saturating_mul(1000) {
        if is_open {
            found.say(kind, subject, 0, figures([("power_w", power.div_euclid(1000))]));
        }
        return;
    }
    let end = last.plus(-QUARTER_S);
    let Some(first) = meter.first_accepted().filter(|first| end.since(*first) >= KNOWN_S) else { return };
    let from = first.max(end.plus(-DAY_S));
    // No quarter can be lower than the mean of all: most meters need no closer look.
    let mean = mean_mw(meter, end, end.since(from)).unwrap_or(0);
    if !is_open && percent(power, mean) < found.bound(kind).raise {
        return;
    }
    let mut peak = mean;
    let mut at = end;
    while at.plus(-QUARTER_S) >= from {
        peak = peak.max(mean_mw(meter, at, QUARTER_S).unwrap_or(0));
        at = at.plus(-QUARTER_S);
    }
    let said = figures([("peak_w", peak.div_euclid(1000)), ("power_w", power.div_euclid(1000))]);
    found.say(kind, subject, percent(power, peak), said);
}
