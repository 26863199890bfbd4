//! Questions to a meter's register curve: exact by integers, whatever the cut.

use super::gate::{Accepted, Installation};
use super::meter::{Meter, Source};
use crate::event::MeterId;
use crate::quantity::{Energy, Instant, floor_div};

/// A meter's curve, as judged by the last advance.
#[derive(Debug, Clone, Copy)]
pub struct MeterRegister<'a> {
    meter: &'a Meter,
    table: &'a Installation,
    sources: &'a [Source],
}

impl<'a> MeterRegister<'a> {
    pub(super) fn of(meter: &'a Meter, sources: &'a [Source]) -> Option<Self> {
        Some(Self { meter, table: meter.table()?, sources })
    }

    /// The meter.
    pub const fn id(&self) -> &'a MeterId {
        &self.meter.id
    }

    /// Its table in force.
    pub const fn installation(&self) -> &'a Installation {
        self.table
    }

    /// Whether it measures at an instant: `installed <= at < removed`.
    pub fn installed_at(&self, at: Instant) -> bool {
        self.table.holds(at)
    }

    /// The instant of the first accepted reading.
    pub fn first_accepted(&self) -> Option<Instant> {
        self.meter.point(0).map(|point| Instant::new(point.time))
    }

    /// The instant of the last accepted reading.
    pub fn last_accepted(&self) -> Option<Instant> {
        self.meter.last().map(|last| Instant::new(last.time))
    }

    /// Whether an accepted reading is at or after an instant.
    pub fn has_reading_at_or_after(&self, at: Instant) -> bool {
        self.last_accepted().is_some_and(|last| last >= at)
    }

    /// How many readings are accepted.
    pub fn readings(&self) -> usize {
        self.meter.points()
    }

    /// The accepted readings in `[a, b)`: instant, and register in mWh, unwrapped.
    pub fn accepted(&self, a: Instant, b: Instant) -> impl Iterator<Item = (Instant, i64)> {
        let (from, to) = (self.meter.until(a.get().saturating_sub(1)), self.meter.until(b.get().saturating_sub(1)));
        (from..to).filter_map(|index| self.meter.point(index)).map(|point| (Instant::new(point.time), point.register))
    }

    /// The accepted readings before and after an instant: instant, and register in mWh, unwrapped.
    pub fn neighbours(&self, at: Instant) -> [Option<(Instant, i64)>; 2] {
        let point = |index: usize| self.meter.point(index).map(|point| (Instant::new(point.time), point.register));
        let before = self.meter.until(at.get().saturating_sub(1)).checked_sub(1).and_then(point);
        [before, point(self.meter.until(at.get()))]
    }

    /// The last accepted reading at or before an instant, and the first after it.
    fn around(&self, at: Instant) -> (Option<Accepted>, Option<Accepted>) {
        let index = self.meter.until(at.get());
        (index.checked_sub(1).and_then(|before| self.meter.point(before)), self.meter.point(index))
    }

    /// The register at an instant in mWh, unwrapped, rounded down between two
    /// readings; 0 where nothing is accepted.
    pub fn register_at(&self, at: Instant) -> i64 {
        match self.around(at) {
            (Some(one), Some(other)) if one.time < at.get() => between(one, other, at.get()),
            (Some(one), _) => one.register,
            (None, Some(other)) => other.register,
            (None, None) => 0,
        }
    }

    /// `floor(multiplier × register)` at an instant within the installation,
    /// or at its end that is nearer: energies are differences of these.
    pub fn energy_at(&self, at: Instant) -> Energy {
        let at = at.max(self.table.installed);
        let at = self.table.removed.map_or(at, |removed| at.min(removed));
        Energy::new(self.table.energy_of(self.register_at(at)))
    }

    /// The energy over `[a, b)`, within the installation.
    pub fn energy(&self, a: Instant, b: Instant) -> Energy {
        if a >= b {
            return Energy::ZERO;
        }
        let energy = self.energy_at(b).get().checked_sub(self.energy_at(a).get());
        Energy::new(energy.expect("energies are within 2^62 mWh"))
    }

    /// Whether a slice `[a, b)` is interpolated: one of its ends, within the
    /// installation, lies strictly between two accepted readings more than
    /// `max_gap_s` apart, or more than that before the first or after the last.
    pub fn interpolated(&self, a: Instant, b: Instant, max_gap_s: i64) -> bool {
        let within = |at: Instant| self.table.installed <= at && self.table.removed.is_none_or(|removed| at <= removed);
        [a, b].into_iter().filter(|end| within(*end)).any(|end| match self.around(end) {
            (Some(one), Some(other)) => one.time < end.get() && other.time.saturating_sub(one.time) > max_gap_s,
            (Some(last), None) => end.get().saturating_sub(last.time) > max_gap_s,
            (None, Some(first)) => first.time.saturating_sub(end.get()) > max_gap_s,
            (None, None) => false,
        })
    }

    /// The gaps of more than `longer_than_s` between accepted readings that have more than an end point in
    /// common with `[a, b]`.
    pub fn gaps(&self, a: Instant, b: Instant, longer_than_s: i64) -> Vec<(Instant, Instant)> {
        let mut gaps = Vec::new();
        let mut index = self.meter.until(a.get());
        while let (Some(before), Some(after)) =
            (index.checked_sub(1).and_then(|before| self.meter.point(before)), self.meter.point(index))
        {
            if before.time >= b.get() {
                break;
            }
            if after.time.saturating_sub(before.time) > longer_than_s && after.time > a.get() {
                gaps.push((Instant::new(before.time), Instant::new(after.time)));
            }
            index = index.saturating_add(1);
        }
        gaps
    }

    /// Whether a gap of more than `longer_than_s` between accepted readings has
    /// more than an end point in common with `[a, b]`, within the installation.
    /// Before the first and after the last reading is such a gap.
    pub fn gap_within(&self, a: Instant, b: Instant, longer_than_s: i64) -> bool {
        let a = a.max(self.table.installed);
        let b = self.table.removed.map_or(b, |removed| b.min(removed));
        if a >= b {
            return false;
        }
        let (Some(first), Some(last)) = (self.first_accepted(), self.last_accepted()) else { return true };
        if a < first || b > last {
            return true;
        }
        let mut from = a.get();
        let start = self.meter.until(a.get());
        if let Some(before) = start.checked_sub(1).and_then(|index| self.meter.point(index)) {
            from = before.time;
        }
        for index in start..self.meter.points() {
            let Some(point) = self.meter.point(index) else { break };
            if point.time.saturating_sub(from) > longer_than_s {
                return true;
            }
            if point.time >= b.get() {
                break;
            }
            from = point.time;
        }
        false
    }

    /// The positions of the events of readings that the register at an instant
    /// comes from: one or two, none for a reading that the table states.
    pub fn sources(&self, at: Instant) -> impl Iterator<Item = u64> {
        let index = self.meter.until(at.get());
        let before = index.checked_sub(1);
        let exact = before.and_then(|before| self.meter.point(before)).is_some_and(|point| point.time == at.get());
        let after = Some(index).filter(|_| !exact);
        let position = |index: usize| {
            let number = usize::try_from(self.meter.source(index)?).ok()?;
            self.sources.get(number).map(|source| source.position)
        };
        [before, after].into_iter().flatten().filter_map(position)
    }
}

/// `r1 + floor((r2 − r1) × (b − t1) / (t2 − t1))`
fn between(one: Accepted, other: Accepted, at: i64) -> i64 {
    let step = i128::from(other.register).checked_sub(one.register.into());
    let passed = i128::from(at).checked_sub(one.time.into());
    let whole = i128::from(other.time).checked_sub(one.time.into());
    let product = step.zip(passed).and_then(|(step, passed)| step.checked_mul(passed)).expect("2^54 × 2^36 fits i128");
    let grown = floor_div(product, whole.expect("instants are bounded"));
    i64::try_from(grown)
        .ok()
        .and_then(|grown| one.register.checked_add(grown))
        .expect("it lies between the two registers")
}
