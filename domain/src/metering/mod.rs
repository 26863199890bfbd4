//! Metering: from registers to energy (BILLING §3). Readings wait until they
//! are judged against their accepted neighbours; what is accepted is the
//! register curve, from which every energy is a difference.
//!
//! `gate` holds the rules for one reading, `meter` their order and what a
//! person changes of it, `curve` the questions, `columns` the kernels for bulk.

pub mod columns;
mod curve;
mod error;
mod excerpt;
mod frames;
mod gate;
#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, clippy::indexing_slicing, reason = "tests may panic")]
mod laws;
mod meter;
mod packed;
#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, clippy::indexing_slicing, reason = "tests may panic")]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

pub use curve::MeterRegister;
pub use error::{MeteringError, Reason, TableReading};
pub use excerpt::About;
use frames::Frames;
pub use gate::Installation;
use meter::{Act, Action, Meter, Row, Source};

use crate::event::{MeterId, MeterInstalled, ReadingsBatch, RosterEntry};
use crate::quantity::{Energy, Instant};

/// A reading that is kept and shown, but not booked.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Quarantined {
    /// The meter.
    pub meter: MeterId,
    /// The reading's instant.
    pub time: Instant,
    /// When it was received.
    pub received: Instant,
    /// Its place in the source: the line of its file, or 0.
    pub place: u32,
    /// The register's text as sent.
    pub kwh: Arc<str>,
    /// Why.
    pub reason: Reason,
    /// The event that it came in.
    pub position: u64,
}

/// The meters of the last roster.
#[derive(Debug, Clone)]
struct KnownRoster {
    roster: Arc<[RosterEntry]>,
    slots: Arc<[Slot]>,
    /// Whether no meter is in it twice.
    unique: bool,
}

/// What a roster's entry is here.
#[derive(Debug, Clone, Copy)]
struct Slot {
    meter: usize,
    serial: u16,
    decimals: u8,
    mwh_per_unit: i64,
}

/// All meters of a site. A function of the facts recorded, and of the instant to which it was advanced.
#[derive(Debug, Clone, Default)]
pub struct Metering {
    ids: BTreeMap<MeterId, usize>,
    meters: Vec<Meter>,
    sources: Vec<Source>,
    queue: Vec<usize>,
    roster: Option<KnownRoster>,
    frames: Frames,
}

impl Metering {
    /// Without a meter.
    pub fn new() -> Self {
        Self::default()
    }

    fn slot(&mut self, meter: &MeterId) -> usize {
        if let Some(index) = self.ids.get(meter) {
            return *index;
        }
        let index = self.meters.len();
        self.meters.push(Meter::new(meter.clone()));
        self.ids.insert(meter.clone(), index);
        index
    }

    fn of(&self, meter: &MeterId) -> Option<&Meter> {
        self.ids.get(meter).and_then(|index| self.meters.get(*index))
    }

    /// The meter's state, which will be looked at in the next advance.
    fn queued(&mut self, index: usize) -> &mut Meter {
        let meter = self.meters.get_mut(index).expect("a slot is the index of a meter");
        if !meter.queued {
            meter.queued = true;
            self.queue.push(index);
        }
        meter
    }

    /// A meter's table, the first or one that takes the place of the others
    /// from `received` on. What its readings have to do with it, `advance` says.
    pub fn install(&mut self, table: &MeterInstalled, received: Instant) -> Result<(), MeteringError> {
        let checked = Installation::try_new(table, received)?;
        let index = self.slot(&table.id);
        let meter = self.queued(index);
        if meter.first_table().is_some_and(|first| first.multiplier_units != checked.multiplier_units) {
            return Err(MeteringError::MultiplierChanged { meter: table.id.clone() });
        }
        meter.install(checked);
        Ok(())
    }

    /// The readings of an event. They wait until `advance` judges them, and for the tables of their meters.
    pub fn record(&mut self, position: u64, received: Instant, batch: &ReadingsBatch) {
        let slots = self.slots(batch.roster());
        let number = u32::try_from(self.sources.len()).expect("fewer than 2^32 events of readings");
        let source = Source { position, received: received.get() };
        self.sources.push(source);
        if batch.is_even() && self.roster.as_ref().is_some_and(|known| known.unique) {
            self.frame(&slots, batch, number, source);
            return;
        }
        self.spill();
        for (view, slot) in batch.views().zip(slots.iter()) {
            self.queued(slot.meter).push(&view, number, source);
        }
    }

    /// The meters of a roster; events in a row mostly share theirs.
    fn slots(&mut self, roster: &Arc<[RosterEntry]>) -> Arc<[Slot]> {
        if let Some(known) =
            self.roster.as_ref().filter(|known| Arc::ptr_eq(&known.roster, roster) || known.roster == *roster)
        {
            return known.slots.clone();
        }
        let mut slot = |entry: &RosterEntry| {
            let meter = self.slot(&entry.meter);
            let serial = self.queued(meter).serial(entry.serial.as_ref());
            Slot { meter, serial, decimals: entry.decimals, mwh_per_unit: entry.mwh_per_unit() }
        };
        let slots: Arc<[Slot]> = roster.iter().map(&mut slot).collect();
        let mut meters: Vec<usize> = slots.iter().map(|slot| slot.meter).collect();
        meters.sort_unstable();
        let unique = meters.iter().zip(meters.iter().skip(1)).all(|(one, other)| one != other);
        self.roster = Some(KnownRoster { roster: roster.clone(), slots: slots.clone(), unique });
        slots
    }

    /// A person's withdrawal of the accepted reading of this instant; `advance` says whether there is one.
    pub fn withdraw(&mut self, meter: &MeterId, time: Instant, received: Instant) {
        self.act(meter, time, received, Act::Withdraw);
    }

    /// A person's release of a quarantined or withdrawn reading of this instant; `advance` says whether there is one.
    pub fn release(&mut self, meter: &MeterId, time: Instant, received: Instant) {
        self.act(meter, time, received, Act::Release);
    }

    fn act(&mut self, meter: &MeterId, time: Instant, received: Instant, act: Act) {
        let index = self.slot(meter);
        self.queued(index).act(Action { received: received.get(), act, time: time.get() });
    }

    /// Whether a withdrawal received then would be an error: what a command is refused for.
    pub fn check_withdraw(&self, meter: &MeterId, time: Instant, received: Instant) -> Result<(), MeteringError> {
        self.rehearse(meter, time, received, Act::Withdraw)
    }

    /// Whether a release received then would be an error: what a command is refused for.
    pub fn check_release(&self, meter: &MeterId, time: Instant, received: Instant) -> Result<(), MeteringError> {
        self.rehearse(meter, time, received, Act::Release)
    }

    fn rehearse(&self, meter: &MeterId, time: Instant, received: Instant, act: Act) -> Result<(), MeteringError> {
        let mut copy = self.of(meter).cloned().ok_or_else(|| MeteringError::UnknownMeter { meter: meter.clone() })?;
        if let Some(index) = self.ids.get(meter) {
            self.push_waiting(*index, &mut copy);
        }
        copy.act(Action { received: received.get(), act, time: time.get() });
        copy.advance(received.get(), &self.sources)
    }

    /// Takes up all that was received by `now`: in the order of `received`
    /// tables, then readings by their time and place, those that tables state
    /// first, then withdrawals, then releases. The first fact that is an
    /// error of the site is returned; such facts are left without effect.
    pub fn advance(&mut self, now: Instant) -> Result<(), MeteringError> {
        self.take_frames(now);
        let mut result = Ok(());
        let (meters, sources) = (&mut self.meters, &self.sources);
        self.queue.retain(|index| {
            let Some(meter) = meters.get_mut(*index) else { return false };
            let outcome = meter.advance(now.get(), sources);
            if result.is_ok() {
                result = outcome;
            }
            meter.queued = meter.waits();
            meter.queued
        });
        result
    }

    /// A meter's curve, as judged by the last advance; none before its table.
    pub fn register(&self, meter: &MeterId) -> Option<MeterRegister<'_>> {
        self.of(meter).and_then(|state| MeterRegister::of(state, &self.sources))
    }

    /// All curves, in the order of the meters' ids.
    pub fn registers(&self) -> impl Iterator<Item = MeterRegister<'_>> {
        self.ids.values().filter_map(|index| MeterRegister::of(self.meters.get(*index)?, &self.sources))
    }

    /// The energy of a meter over `[a, b)`, within its installation; none of an unknown one.
    pub fn energy(&self, meter: &MeterId, a: Instant, b: Instant) -> Energy {
        self.register(meter).map_or(Energy::ZERO, |register| register.energy(a, b))
    }

    /// The meters whose curve or installation changed since the last call, in
    /// the order of their ids, with the earliest instant whose register may differ.
    pub fn take_changed(&mut self) -> Vec<(MeterId, Instant)> {
        let meters = &mut self.meters;
        let changed =
            self.ids.iter().filter_map(|(id, index)| Some((id.clone(), meters.get_mut(*index)?.changed.take()?)));
        changed.collect()
    }

    /// The meters whose table states a reading that is quarantined, as judged by the last advance.
    pub fn faulty(&self) -> impl Iterator<Item = &MeterId> {
        let faulty = |index: &usize| self.meters.get(*index).is_some_and(Meter::is_faulty);
        self.ids.iter().filter(move |(_, index)| faulty(index)).map(|(id, _)| id)
    }

    /// What `take_changed` would give, left in place.
    pub fn changed(&self) -> impl Iterator<Item = (&MeterId, Instant)> {
        self.ids.iter().filter_map(|(id, index)| Some((id, self.meters.get(*index)?.changed?)))
    }

    /// What is quarantined, as judged by the last advance: sorted by meter, time, received and place.
    pub fn quarantine(&self) -> Vec<Quarantined> {
        let mut all: Vec<Quarantined> = self
            .meters
            .iter()
            .flat_map(|meter| self.shown(meter, meter.quarantined(), Instant::new(i64::MIN)))
            .collect();
        all.sort();
        all
    }

    /// What is quarantined and was received at or after an instant, as judged by the last advance; of each meter no more
    /// than its last judged readings are looked at, some hundreds at least.
    pub fn quarantined_since(&self, since: Instant) -> impl Iterator<Item = Quarantined> {
        self.meters.iter().flat_map(move |meter| self.shown(meter, meter.quarantined_lately(), since))
    }

    /// Quarantined rows of a meter that were received at or after an instant.
    fn shown<'m>(
        &'m self,
        meter: &'m Meter,
        rows: impl Iterator<Item = (&'m Row, Reason)> + 'm,
        since: Instant,
    ) -> impl Iterator<Item = Quarantined> + 'm {
        rows.filter_map(move |(row, reason)| {
            let source = self.sources.get(usize::try_from(row.source).ok()?)?;
            let received = Some(Instant::new(source.received)).filter(|received| *received >= since)?;
            Some(Quarantined {
                meter: meter.id.clone(),
                time: Instant::new(row.time),
                received,
                place: row.place,
                kwh: meter.text(row),
                reason,
                position: source.position,
            })
        })
    }
}
