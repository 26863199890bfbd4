//! The bounds of alarms: those that count where nobody published any, and what makes others fit.

use std::collections::BTreeMap;

use super::{AlarmRefusal, Alarms};
use crate::event::{AlarmBound, AlarmKind, AlarmPolicy};

/// The longest of all spans: a year.
const YEAR_S: i64 = 366 * 86_400;
/// More than any power.
const MOST_W: i64 = 1_000_000_000;

const fn bound(raise: i64, raise_for_s: i64, clear: i64, clear_for_s: i64) -> AlarmBound {
    AlarmBound { clear, clear_for_s, on: true, raise, raise_for_s }
}

/// What counts where nothing was published.
pub fn defaults() -> AlarmPolicy {
    let of = |kind| match kind {
        AlarmKind::LowBalance => bound(24, 0, 36, 600),
        // After a start collectors have two minutes to answer.
        AlarmKind::SilentMeter => bound(1800, 120, 300, 60),
        AlarmKind::Overload => bound(95, 120, 85, 600),
        AlarmKind::SuddenLoad => bound(400, 0, 150, 900),
        AlarmKind::StuckRegister => bound(3600, 0, 900, 0),
        AlarmKind::ClockOff => bound(300, 180, 120, 180),
        AlarmKind::RatesOff => bound(1000, 180, 500, 180),
        AlarmKind::RelayWelded | AlarmKind::ReadingHeld => bound(1, 0, 0, 0),
        AlarmKind::RelayMode => bound(1, 120, 0, 120),
        AlarmKind::Loss => bound(10, 3600, 8, 3600),
    };
    AlarmPolicy {
        accounts: Vec::new(),
        again_after_s: 3600,
        bounds: AlarmKind::ALL.into_iter().map(|kind| (kind, of(kind))).collect::<BTreeMap<_, _>>(),
        held_s: 3600,
        loss_window_s: 86_400,
        points: Vec::new(),
        still_least_wh: 500,
        still_s: 86_400,
        stuck_least_w: 200,
        sudden_least_w: 3000,
    }
}

/// The bounds that count, with their version; 0 is that of the defaults.
pub fn in_force(alarms: &Alarms) -> (i64, AlarmPolicy) {
    alarms.policy.clone().unwrap_or_else(|| (0, defaults()))
}

/// Whether a policy can count.
pub(super) fn check(policy: &AlarmPolicy) -> Result<(), AlarmRefusal> {
    let range = |key, value: i64, least: i64, most: i64| {
        if (least..=most).contains(&value) { Ok(()) } else { Err(AlarmRefusal::Range { key, value, least, most }) }
    };
    for kind in AlarmKind::ALL {
        let AlarmBound { clear, clear_for_s, on: _, raise, raise_for_s } =
            policy.bounds.get(&kind).ok_or(AlarmRefusal::NoBound(kind))?;
        let (fits, side) = if kind.is_low() { (clear > raise, "above") } else { (clear < raise, "below") };
        if !fits {
            return Err(AlarmRefusal::Bounds { kind, raise: *raise, clear: *clear, side });
        }
        range("raise", *raise, 0, MOST_W)?;
        range("clear", *clear, 0, MOST_W)?;
        range("raise_for_s", *raise_for_s, 0, YEAR_S)?;
        range("clear_for_s", *clear_for_s, 0, YEAR_S)?;
    }
    for account in &policy.accounts {
        range("raise_hours", account.raise_hours, 0, 24 * 366)?;
    }
    for point in &policy.points {
        range("limit_w", point.limit_w, 1, MOST_W)?;
    }
    range("again_after_s", policy.again_after_s, 0, YEAR_S)?;
    range("held_s", policy.held_s, 60, 6 * 3600)?;
    range("loss_window_s", policy.loss_window_s, 3600, YEAR_S)?;
    range("still_least_wh", policy.still_least_wh, 1, MOST_W)?;
    range("still_s", policy.still_s, 3600, YEAR_S)?;
    range("stuck_least_w", policy.stuck_least_w, 1, MOST_W)?;
    range("sudden_least_w", policy.sudden_least_w, 1, MOST_W)
}
