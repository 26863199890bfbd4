//! Alarms of a site: a fold over its events.

use std::collections::{BTreeMap, VecDeque};

use crate::event::{
    AlarmEvent, AlarmKind, AlarmPolicy, AlarmRaised, AlarmSubject, Body, Event, EventId, PointId, SupplyEvent,
    SwitchFailure,
};
use crate::quantity::Instant;

/// So many of the last events are kept for who asks what happened lately.
const KEPT: usize = 10_000;

/// What an alarm is known by while it is open.
pub(super) type Key = (AlarmKind, AlarmSubject);

/// An alarm that is not over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Open {
    /// As it was raised.
    pub raised: AlarmRaised,
    /// When.
    pub at: Instant,
    /// Who sees to it, and since when.
    pub acknowledged: Option<(String, Instant)>,
}

/// An alarm that was raised, acknowledged or cleared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Happened {
    /// The event's position.
    pub position: u64,
    /// Its id.
    pub id: EventId,
    /// When it became known.
    pub at: Instant,
    /// What.
    pub event: AlarmEvent,
}

/// Alarms of a site.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Alarms {
    /// The policy that was published last, with its version.
    pub policy: Option<(i64, AlarmPolicy)>,
    pub(super) open: BTreeMap<Key, Open>,
    pub(super) last: BTreeMap<Key, (i64, Instant)>,
    recent: VecDeque<Happened>,
    welded: BTreeMap<PointId, bool>,
    stirred: u64,
}

impl Alarms {
    /// The alarms that are open, by kind and subject.
    pub fn open(&self) -> impl Iterator<Item = &Open> {
        self.open.values()
    }

    /// The open alarm of a kind about a subject.
    pub fn open_of(&self, kind: AlarmKind, subject: &AlarmSubject) -> Option<&Open> {
        self.open.get(&(kind, subject.clone()))
    }

    /// What happened lately, the newest first; the last ten thousand are kept.
    pub fn recent(&self) -> impl Iterator<Item = &Happened> {
        self.recent.iter().rev()
    }

    /// What happened after a position, in order.
    pub fn after(&self, position: u64) -> impl Iterator<Item = &Happened> {
        let first = self.recent.partition_point(|one| one.position <= position);
        self.recent.range(first..)
    }

    /// How many events there were after which it is worth to look at once, and not only at the next minute.
    pub const fn stirred(&self) -> u64 {
        self.stirred
    }

    /// Points whose relay was found welded, and whether it still counts as such.
    pub fn welded(&self) -> impl Iterator<Item = (&PointId, bool)> {
        self.welded.iter().map(|(point, welded)| (point, *welded))
    }

    /// Takes up an event of the log.
    pub fn apply(&mut self, event: &Event) {
        if let Body::Alarm(of_alarm) = &event.body {
            self.take(of_alarm, event.position, event.id, event.received);
        } else if let Body::Supply(SupplyEvent::SupplyCommandFailed(data)) = &event.body
            && data.reason == SwitchFailure::RelayWelded
        {
            self.welded.insert(data.point.clone(), true);
            self.stir();
        } else if let Body::Supply(SupplyEvent::SupplyCutConfirmed(data)) = &event.body {
            // Only a relay that was seen to open is not welded.
            if let Some(welded) = self.welded.get_mut(&data.point) {
                *welded = false;
                self.stir();
            }
        } else if is_urgent(&event.body) {
            self.stir();
        }
    }

    const fn stir(&mut self) {
        self.stirred = self.stirred.saturating_add(1);
    }

    /// Takes up an alarm's event.
    pub fn take(&mut self, event: &AlarmEvent, position: u64, id: EventId, at: Instant) {
        match event {
            AlarmEvent::AlarmPolicyPublished(data) => {
                self.policy = Some((data.version, data.policy.clone()));
                self.stir();
                return;
            }
            AlarmEvent::AlarmRaised(data) => {
                let key = (data.kind, data.subject.clone());
                self.last.insert(key.clone(), (data.episode, at));
                self.open.insert(key, Open { raised: data.clone(), at, acknowledged: None });
            }
            AlarmEvent::AlarmCleared(data) => {
                self.open.remove(&(data.kind, data.subject.clone()));
            }
            AlarmEvent::AlarmAcknowledged(data) => {
                if let Some(open) = self.open.get_mut(&(data.kind, data.subject.clone())) {
                    open.acknowledged = Some((data.by.clone(), at));
                }
            }
        }
        if self.recent.len() >= KEPT {
            self.recent.pop_front();
        }
        self.recent.push_back(Happened { position, id, at, event: event.clone() });
    }
}

/// Whether it moves a balance, or what a person said of a reading.
const fn is_urgent(body: &Body) -> bool {
    matches!(
        body,
        Body::RechargeReceived(_) | Body::PostingMade(_) | Body::ReadingReleased(_) | Body::ReadingWithdrawn(_)
    )
}
