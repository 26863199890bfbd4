//! From an intake to the owner: items are taken in order, appended, and
//! acknowledged when they are in the log.

use std::collections::VecDeque;

use adapters::clock::Clock;
use adapters::intake::{Arrival, ArrivalError, Fact, Intake, Item, Place, Poll};
use domain::alarm::Seen;
use domain::billing::BillingError;
use domain::event::{Body, EventId, SiteId};
use domain::quantity::Instant;

use super::{Draft, Owner, OwnerError};

/// Items of one turn.
const TURN: usize = 1000;

/// What feeds an intake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Feed {
    /// Collectors that poll by the minute. The polls of a minute wait for
    /// those buses that answered in the minute before, at most so many seconds; a poll
    /// that comes again is known by its rows.
    Buses {
        /// Seconds.
        patience_s: i64,
    },
    /// A source that is read again from its start and in its order, such as a
    /// file: its events are known by their ids.
    Source,
}

/// An item that cannot be appended. It is acknowledged with the others: whoever pumps keeps it or says so.
#[derive(Debug)]
pub struct Refused {
    /// The item's id.
    pub id: EventId,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Why.
    pub reason: Refusal,
}

/// Why an item cannot be appended.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// Not an arrival.
    #[error(transparent)]
    Arrival(#[from] ArrivalError),
    /// Of a site that is not this owner's.
    #[error("site {0} has no owner here")]
    OtherSite(SiteId),
    /// The item was offered under another id than its own.
    #[error("item is not offered under its own id, {0}")]
    OtherId(EventId),
    /// The fact cannot be appended.
    #[error(transparent)]
    Fact(OwnerError),
}

/// What a turn did.
#[derive(Debug, Default)]
pub struct Taken {
    /// Items that were looked at: 0 when the intake was empty.
    pub items: usize,
    /// Facts that are new in the log.
    pub facts: u64,
    /// Readings that are new in the log.
    pub readings: u64,
    /// Items that the log has already.
    pub known: u64,
    /// Items that cannot be appended.
    pub refused: Vec<Refused>,
}

/// A poll that waits for the other buses of its minute.
struct Held {
    place: Place,
    since: Instant,
    poll: Poll,
}

/// Feeds an owner from an intake.
pub struct Inlet<'a> {
    intake: &'a mut dyn Intake,
    clock: &'a dyn Clock,
    feed: Feed,
    held: Vec<Held>,
    /// The buses that the next minute is waited for.
    buses: Vec<(String, String)>,
    /// The last minute that was appended.
    minute: i64,
    /// Items in the order of their places, with the position that must be durable before they are acknowledged.
    taken: VecDeque<(Place, Option<u64>)>,
}

const fn minute_of(at: Instant) -> i64 {
    at.get().div_euclid(60)
}

impl<'a> Inlet<'a> {
    /// An inlet; `received` is by the clock.
    pub fn new(intake: &'a mut dyn Intake, clock: &'a dyn Clock, feed: Feed) -> Self {
        Self { intake, clock, feed, held: Vec::new(), buses: Vec::new(), minute: i64::MIN, taken: VecDeque::new() }
    }

    /// Takes a turn's items, decides the runs that were due before, and appends
    /// what is new. An event is durable after the owner's `flush`; then `acknowledge`.
    pub fn pump(&mut self, owner: &mut Owner<'_>) -> Result<Taken, OwnerError> {
        let now = self.clock.now();
        // A source that is read again says when it was received; a clock that jumps back is held.
        let last = owner.received().filter(|_| self.feed != Feed::Source);
        let received = last.map_or(now, |last| now.max(last));
        owner.settle_before(received)?;
        let mut taken = Taken::default();
        let items = self.intake.take(TURN)?;
        taken.items = items.len();
        for item in items {
            self.taken.push_back((item.place, None));
            match judge(&item, owner.site_id()) {
                Ok(Arrival::Poll(poll)) => self.held.push(Held { place: item.place, since: received, poll }),
                Ok(Arrival::Fact(fact)) => {
                    // A withdrawal or a release is of a reading that came before it.
                    if matches!(fact.body, Body::ReadingWithdrawn(_) | Body::ReadingReleased(_)) {
                        self.append_polls(owner, received, true, &mut taken)?;
                    }
                    self.append_fact(owner, received, *fact, item, &mut taken)?;
                }
                Err(reason) => self.refuse(owner, item, reason, &mut taken),
            }
        }
        self.append_polls(owner, received, self.feed == Feed::Source, &mut taken)?;
        Ok(taken)
    }

    /// Acknowledges what is durable.
    pub fn acknowledge(&mut self, owner: &Owner<'_>) -> Result<(), OwnerError> {
        let mut up_to = None;
        let is_durable = |at: &Option<u64>| at.is_some_and(|position| position <= owner.durable());
        while let Some((place, _)) = self.taken.front().filter(|(_, at)| is_durable(at)) {
            up_to = Some(*place);
            self.taken.pop_front();
        }
        if let Some(place) = up_to {
            self.intake.acknowledge(place)?;
        }
        Ok(())
    }

    /// An item needs no more than that all up to now is durable.
    fn done(&mut self, place: Place, owner: &Owner<'_>) {
        if let Ok(index) = self.taken.binary_search_by_key(&place, |(place, _)| *place)
            && let Some((_, position)) = self.taken.get_mut(index)
        {
            *position = Some(owner.events());
        }
    }

    fn refuse(&mut self, owner: &Owner<'_>, item: Item, reason: Refusal, taken: &mut Taken) {
        self.done(item.place, owner);
        taken.refused.push(Refused { id: item.id, bytes: item.bytes, reason });
    }

    fn append_fact(
        &mut self,
        owner: &mut Owner<'_>,
        received: Instant,
        fact: Fact,
        item: Item,
        taken: &mut Taken,
    ) -> Result<(), OwnerError> {
        let Fact { id, time, actor, body, .. } = fact;
        match owner.admit(received, id, &body).and_then(|()| owner.append(Draft { id, time, received, actor, body })) {
            Ok(new) => {
                let count = if new { &mut taken.facts } else { &mut taken.known };
                *count = count.saturating_add(1);
                self.done(item.place, owner);
                Ok(())
            }
            Err(
                error @ (OwnerError::Event(_)
                | OwnerError::Billing(_)
                | OwnerError::IdReused { .. }
                | OwnerError::Earlier { .. }),
            ) => {
                self.refuse(owner, item, Refusal::Fact(error), taken);
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    /// Appends the polls of each minute that need not wait any longer.
    fn append_polls(
        &mut self,
        owner: &mut Owner<'_>,
        received: Instant,
        all: bool,
        taken: &mut Taken,
    ) -> Result<(), OwnerError> {
        let mut minutes: Vec<i64> = self.held.iter().map(|held| minute_of(held.poll.time)).collect();
        minutes.sort_unstable();
        minutes.dedup();
        for minute in minutes {
            if all || self.is_complete(minute, received) {
                self.append_minute(owner, minute, received, taken)?;
            }
        }
        Ok(())
    }

    /// Whether the buses of the minute before have all answered, or were waited for long enough.
    fn is_complete(&self, minute: i64, now: Instant) -> bool {
        let Feed::Buses { patience_s } = self.feed else { return true };
        let of: Vec<&Held> = self.held.iter().filter(|held| minute_of(held.poll.time) == minute).collect();
        let answered = |(collector, bus): &(String, String)| {
            of.iter().any(|held| held.poll.collector == *collector && held.poll.bus == *bus)
        };
        // What comes after its minute was appended is an event of its own.
        if minute <= self.minute {
            return true;
        }
        let waited = of.iter().map(|held| now.since(held.since)).max().unwrap_or(0);
        waited >= patience_s || (!self.buses.is_empty() && self.buses.iter().all(answered))
    }

    fn append_minute(
        &mut self,
        owner: &mut Owner<'_>,
        minute: i64,
        received: Instant,
        taken: &mut Taken,
    ) -> Result<(), OwnerError> {
        let mut polls: Vec<Held> = self.held.extract_if(.., |held| minute_of(held.poll.time) == minute).collect();
        let places: Vec<Place> = polls.iter().map(|held| held.place).collect();
        if self.feed != Feed::Source {
            for poll in polls.iter().map(|held| &held.poll) {
                see(owner, poll);
            }
            let before = polls.len();
            polls.retain(|held| !owner.recent.knows(held.poll.rows()));
            taken.known = taken.known.saturating_add(u64::try_from(before.saturating_sub(polls.len())).unwrap_or(0));
            // The buses of a minute in one order, whoever answered first: small events.
            polls.sort_by(|a, b| (&a.poll.collector, &a.poll.bus).cmp(&(&b.poll.collector, &b.poll.bus)));
        }
        if let Some(first) = polls.first() {
            let one = polls.iter().all(|held| held.poll.collector == first.poll.collector);
            let actor = if one { first.poll.collector.clone() } else { "collectors".to_owned() };
            let rows: Vec<_> = polls.iter().flat_map(|held| held.poll.rows()).collect();
            if self.feed != Feed::Source {
                for held in &polls {
                    owner.contacts.take_up(&held.poll);
                }
                owner.recent.record(received, rows.iter().cloned());
                if minute > self.minute {
                    self.minute = minute;
                    self.buses.clear();
                }
                self.buses.extend(polls.iter().map(|held| (held.poll.collector.clone(), held.poll.bus.clone())));
            }
            let new = owner.append_readings(received, &actor, rows)?;
            taken.readings = taken.readings.saturating_add(new);
        }
        for place in places {
            self.done(place, owner);
        }
        Ok(())
    }
}

/// What a poll tells beside the registers that are appended.
fn see(owner: &mut Owner<'_>, poll: &Poll) {
    for polled in &poll.meters {
        let seen = Seen {
            time: polled.time.unwrap_or(poll.time),
            device_time: polled.device_time,
            power_mw: polled.power_mw,
            relay_is_remote: polled.remote,
            ..Seen::default()
        };
        owner.sights.see(&polled.meter, seen.registers(&polled.kwh, &polled.rates_kwh));
    }
}

/// What an item says, if it is for this site.
fn judge(item: &Item, site: &SiteId) -> Result<Arrival, Refusal> {
    let arrival = Arrival::decode(&item.bytes)?;
    if arrival.site() != site {
        return Err(Refusal::OtherSite(arrival.site().clone()));
    }
    match &arrival {
        Arrival::Fact(fact) if fact.id != item.id => Err(Refusal::OtherId(fact.id)),
        _ => Ok(arrival),
    }
}

impl Owner<'_> {
    /// Whether a fact that can be refused may be appended. It is a command then, and its sender hears why not.
    fn admit(&self, received: Instant, id: EventId, body: &Body) -> Result<(), OwnerError> {
        if self.ids.contains_key(&id) {
            return Ok(());
        }
        let metering = self.site.metering();
        let outcome = match body {
            Body::ReadingWithdrawn(data) => metering.check_withdraw(&data.meter, data.reading_time, received),
            Body::ReadingReleased(data) => metering.check_release(&data.meter, data.reading_time, received),
            _ => Ok(()),
        };
        outcome.map_err(|error| BillingError::from(error).into())
    }
}
