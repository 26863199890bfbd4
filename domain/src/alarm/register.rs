//! What is said of a meter and its register: silent, stuck, its clock, its rates, its relay's mode, readings that are held.

use std::collections::BTreeMap;

use super::View;
use super::look::{Found, figures};
use crate::event::{AlarmBound, AlarmKind, AlarmSubject, MeterId, OutputState, register_mwh};
use crate::metering::{MeterRegister, Quarantined, Reason};
use crate::quantity::Instant;

/// What a poll told of clock, rates and relay counts for so long.
const FRESH_S: i64 = 1800;
/// A register stands still only while readings come.
const READ_S: i64 = 2 * 3600;
/// So many stretches before must each have brought energy.
const USUAL: usize = 3;

/// Readings of a meter that were quarantined lately: how many, and the newest.
type Held = BTreeMap<MeterId, (i64, Quarantined)>;

/// Readings that were quarantined lately. Ghost zeros are a habit of some meters, and nobody's task.
pub(super) fn held(view: &View<'_>, found: &Found<'_>) -> Held {
    let mut held = Held::new();
    if !found.wants(AlarmKind::ReadingHeld) {
        return held;
    }
    let since = view.now.plus(found.policy.held_s.saturating_neg());
    for one in view.site.metering().quarantined_since(since).filter(|one| one.reason != Reason::GhostZero) {
        let (count, newest) = held.entry(one.meter.clone()).or_insert((0, one.clone()));
        *count = count.saturating_add(1);
        if (newest.received, newest.time) < (one.received, one.time) {
            *newest = one;
        }
    }
    held
}

pub(super) fn levels(
    view: &View<'_>,
    meter: &MeterRegister<'_>,
    subject: &AlarmSubject,
    held: &Held,
    found: &mut Found<'_>,
) {
    let sight = view.sights.of(meter.id());
    let answered = meter.last_accepted().into_iter().chain(sight.map(|sight| sight.seen.time)).max();
    let last = answered.unwrap_or(meter.installation().installed);
    let silent = view.now.since(last).max(0);
    found.say(AlarmKind::SilentMeter, subject, silent, figures([("last_reading_s", last.get())]));
    if found.wants(AlarmKind::StuckRegister) {
        stuck(view, meter, subject, found);
    }
    if found.wants(AlarmKind::ReadingHeld) {
        let count = held.get(meter.id()).map_or(0, |(count, _)| *count);
        let said = held.get(meter.id()).map(|(_, one)| newest(one)).unwrap_or_default();
        found.say(AlarmKind::ReadingHeld, subject, count, said);
    }
    let Some(seen) = sight.map(|sight| &sight.seen).filter(|seen| view.now.since(seen.time) <= FRESH_S) else { return };
    if let Some(device) = seen.device_time {
        let off = device.since(seen.time);
        found.say(AlarmKind::ClockOff, subject, off.saturating_abs(), figures([("ahead_s", off)]));
    }
    if let Some((total, rates)) = seen.register_mwh.zip(seen.rates_mwh) {
        let off = total.saturating_sub(rates).saturating_abs().div_euclid(1000);
        let said = figures([("rates_wh", rates.div_euclid(1000)), ("total_wh", total.div_euclid(1000))]);
        found.say(AlarmKind::RatesOff, subject, off, said);
    }
    if let Some(remote) = seen.relay_is_remote {
        found.say(AlarmKind::RelayMode, subject, i64::from(!remote), BTreeMap::new());
    }
}

fn newest(one: &Quarantined) -> BTreeMap<String, i64> {
    let reason = Reason::ALL.iter().position(|reason| *reason == one.reason).and_then(|at| i64::try_from(at).ok());
    let mut said =
        figures([("position", i64::try_from(one.position).unwrap_or(0)), ("reading_time_s", one.time.get())]);
    said.extend(reason.map(|reason| ("reason".to_owned(), reason)));
    said.extend(register_mwh(&one.kwh).map(|mwh| ("register_mwh".to_owned(), mwh)));
    said
}

/// By power where the meter tells it; else by what the unit usually uses.
fn stuck(view: &View<'_>, meter: &MeterRegister<'_>, subject: &AlarmSubject, found: &mut Found<'_>) {
    let kind = AlarmKind::StuckRegister;
    let least_mw = found.policy.stuck_least_w.saturating_mul(1000);
    let sight = view.sights.of(meter.id()).filter(|sight| view.now.since(sight.seen.time) <= FRESH_S);
    if let Some(still) = sight.and_then(|sight| sight.still_under_power_s(least_mw)) {
        let power = sight.and_then(|sight| sight.seen.power_mw).unwrap_or(0).div_euclid(1000);
        return found.say(kind, subject, still, figures([("power_w", power)]));
    }
    let off = view.supply.points.get(&meter.installation().point);
    if off.is_some_and(|point| point.control.output() == Some(OutputState::Disconnected)) {
        return;
    }
    let Some(last) = meter.last_accepted().filter(|last| view.now.since(*last) <= READ_S) else { return };
    let (still_s, least) = (found.policy.still_s, found.policy.still_least_wh.saturating_mul(1000));
    let bound = AlarmBound { raise: still_s, ..found.bound(kind) };
    let before = |end: Instant| end.plus(still_s.saturating_neg());
    let mut from = before(last);
    if meter.energy(from, last).get() > 0 {
        return found.say_within(kind, subject, 0, bound, BTreeMap::new());
    }
    let mut usual = i64::MAX;
    for _ in 0..USUAL {
        let Some(start) =
            Some(before(from)).filter(|start| meter.first_accepted().is_some_and(|first| first <= *start))
        else {
            return;
        };
        usual = usual.min(meter.energy(start, from).get());
        from = start;
    }
    // An open alarm stays until the register moves: the days of standing still are not what is usual.
    if usual >= least || found.is_open(kind, subject) {
        found.say_within(kind, subject, still_s, bound, figures([("usual_wh", usual.div_euclid(1000))]));
    }
}
