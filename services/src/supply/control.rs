//! Supply control at work: a duty of the desk. In `decide` it takes up what became of orders and what polls
//! read, looks at every point, and appends what follows; in `act` it hands over the orders that are durable.
//!
//! An order that was appended and not handed over ends as one whose outcome never came: the relay is read
//! before anything is claimed or ordered again.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant as Clock};

use adapters::meter_bus::Contact as Side;
use adapters::supply_switch::{Outcome, Pending, SwitchOrder};
use domain::event::{
    EventId, MeterId, OutputState, PointId, SupplyCommandOrdered, SupplyEvent, SupplyModeObserved, SupplyObserved,
    SwitchEvidence,
};
use domain::quantity::Instant;
use domain::supply::{Command, Report, Situation, decide, due};

use super::append::{append, command_id};
use super::evidence;
use super::links::{Links, SharedSwitch};
use super::scene::{Place, Scene, bare};
use crate::desk::{Duty, Moment};
use crate::owner::{AllDues, Basis, Owner, OwnerError};

/// Balances may take one part in so many of the desk's time,
const SHARE: u32 = 20;
/// but what somebody paid waits no longer than this.
const LONGEST: Duration = Duration::from_secs(2);
/// Steps of one point in one turn: more than it can have.
const STEPS: usize = 16;
/// An outcome is waited for so long after its order's time; one that came late is an observation.
const GIVEN_UP_S: i64 = 3600;

/// An order that is in the log, on its way to the switch.
#[derive(Debug)]
struct Ready {
    /// The position of the event that says it was sent.
    position: u64,
    point: PointId,
    command: i64,
}

/// An order that was handed over.
#[derive(Debug)]
struct Flight {
    point: PointId,
    command: i64,
    meter: MeterId,
    gives_up: Instant,
    pending: Pending,
}

/// Who is warned, cut off and restored at a site: see the contract at the head of `domain::supply`.
pub struct SupplyControl {
    links: Links,
    scene: Scene,
    basis: Option<Basis>,
    took: Duration,
    made: Option<Clock>,
    ready: Vec<Ready>,
    /// Cuts that were sent by the log and are no longer wanted: they are not handed over.
    withheld: Vec<(PointId, i64)>,
    flights: Vec<Flight>,
    /// Position, instant and polls of the last look at every point.
    looked: Option<(u64, Instant, u64)>,
    polls: u64,
    /// Points whose held step is not due any more.
    lapsed: BTreeSet<PointId>,
}

impl std::fmt::Debug for SupplyControl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SupplyControl")
            .field("ready", &self.ready)
            .field("flights", &self.flights)
            .finish_non_exhaustive()
    }
}

impl SupplyControl {
    /// Control over the relays of a switch.
    pub fn new(switch: SharedSwitch) -> Self {
        Self {
            links: Links::new(switch),
            scene: Scene::default(),
            basis: None,
            took: Duration::ZERO,
            made: None,
            ready: Vec::new(),
            withheld: Vec::new(),
            flights: Vec::new(),
            looked: None,
            polls: 0,
            lapsed: BTreeSet::new(),
        }
    }

    /// For collectors that poll less often than each minute: a meter is silent after so many seconds.
    #[must_use]
    pub fn silent_after(self, seconds: i64) -> Self {
        Self { links: self.links.clone().silent_after(seconds), ..self }
    }

    /// The way to its relays, for who shows what it is to do.
    pub fn links(&self) -> Links {
        self.links.clone()
    }

    /// Whether every order that was handed over has its outcome, and every point was looked at by what the books say.
    pub fn is_idle(&self, owner: &Owner<'_>) -> bool {
        let is_current = self.basis.is_none_or(|basis| basis.books_at == owner.books_at());
        is_current && self.flights.is_empty() && self.ready.is_empty() && self.withheld.is_empty()
    }

    /// Takes up what became of orders.
    fn take_outcomes(&mut self, owner: &mut Owner<'_>, now: Instant) -> Result<(), OwnerError> {
        // An order that waited for its commit until its time was over was never handed over.
        let (late, ready) = std::mem::take(&mut self.ready).into_iter().partition(|ready| is_over(owner, ready, now));
        self.ready = ready;
        let late: Vec<Ready> = late;
        self.withheld.extend(late.into_iter().map(|ready| (ready.point, ready.command)));
        for (point, command) in std::mem::take(&mut self.withheld) {
            let evidence =
                SwitchEvidence { at: now, current_ma: None, echoed: false, read_back: None, sent: false, serial: None };
            report(owner, now, &point, command, evidence, Report::Expired)?;
        }
        let mut outcomes = Vec::new();
        self.flights.retain(|flight| match flight.pending.wait(Duration::ZERO) {
            Some(outcome) => {
                outcomes.push((flight.point.clone(), flight.command, flight.meter.clone(), outcome));
                false
            }
            None => now < flight.gives_up,
        });
        for (point, command, meter, outcome) in outcomes {
            take_outcome(owner, now, &point, command, meter, outcome)?;
        }
        Ok(())
    }

    /// Takes up relays and modes that polls read differently from what is known.
    fn observe(&mut self, owner: &mut Owner<'_>, now: Instant) -> Result<(), OwnerError> {
        if owner.contacts().polls() == self.polls {
            return Ok(());
        }
        self.polls = owner.contacts().polls();
        let mut seen: Vec<(SupplyEvent, Instant)> = Vec::new();
        for place in &self.scene.places {
            let Some(meter) = &place.meter else { continue };
            let Some(contact) = owner.contacts().of(meter) else { continue };
            let known = owner.supply().points.get(&place.point);
            if let Some(remote) = contact.remote.filter(|remote| {
                // A relay that obeys is no news until it did not.
                known.and_then(|point| point.remote).unwrap_or(true) != *remote
            }) {
                let (meter, point) = (meter.clone(), place.point.clone());
                seen.push((SupplyEvent::SupplyModeObserved(SupplyModeObserved { meter, point, remote }), contact.at));
            }
            let Some(read_back) = contact.relay else { continue };
            // What was read before the relay was last moved, or while it is being moved, says nothing.
            let is_old = known.and_then(|point| point.read_at).is_some_and(|at| contact.at <= at);
            let moves = self.flights.iter().any(|flight| flight.point == place.point)
                || self.ready.iter().any(|ready| ready.point == place.point);
            if is_old || moves || known.and_then(|point| point.control.output()) == Some(read_back) {
                continue;
            }
            let (meter, point) = (meter.clone(), place.point.clone());
            seen.push((SupplyEvent::SupplyObserved(SupplyObserved { meter, point, read_back }), contact.at));
        }
        seen.into_iter().try_for_each(|(event, at)| append(owner, event, at.min(now), now, None))
    }

    /// Computes the scene anew where it is due; whether it is of what the books say now.
    fn refresh(&mut self, owner: &mut Owner<'_>, now: Instant) -> bool {
        let basis = owner.basis(now);
        if self.basis == Some(basis) {
            return true;
        }
        let urgent = self.basis.is_none_or(|last| last.books_at != basis.books_at);
        let rest = self.took.saturating_mul(SHARE);
        let rest = if urgent { rest.min(LONGEST) } else { rest };
        if self.made.is_some_and(|made| made.elapsed() < rest) {
            // Meanwhile nothing is decided by books that have changed.
            return !urgent;
        }
        let began = Clock::now();
        let all_dues = owner.dues(now).unwrap_or_else(|error| {
            tracing::warn!(site = %owner.site_id(), %error, "balances cannot be computed: nobody is cut or restored for them");
            AllDues::default()
        });
        self.scene = Scene::of(owner.site(), owner.settled(), &all_dues, now);
        self.took = began.elapsed();
        self.made = Some(Clock::now());
        self.basis = Some(basis);
        true
    }

    fn situation<'a>(&'a self, owner: &'a Owner<'_>, place: &'a Place, now: Instant) -> Situation<'a> {
        self.scene.situation(place, owner.site().premises(), now, |place| {
            place.meter.as_ref().is_some_and(|meter| self.links.reach(owner.contacts(), meter, now))
        })
    }

    /// The points at which a step was held that is not due any more: nobody writes that down, and nobody is told of it.
    fn lapsed(&self, owner: &Owner<'_>, now: Instant) -> BTreeSet<PointId> {
        let is_over = |place: &&Place| {
            let held = owner.supply().points.get(&place.point).and_then(|point| point.held);
            let due = || due(owner.supply(), self.situation(owner, place, now)).map(|due| due.to);
            held.is_some_and(|held| due() != Some(held.to))
        };
        self.scene.places.iter().filter(is_over).map(|place| place.point.clone()).collect()
    }

    /// Makes every step that is due at a point.
    fn review(&mut self, owner: &mut Owner<'_>, index: usize, now: Instant) -> Result<(), OwnerError> {
        for _ in 0..STEPS {
            let Some(place) = self.scene.places.get(index) else { return Ok(()) };
            let point = place.point.clone();
            let situation = self.situation(owner, place, now);
            let unsent = owner.supply().points.get(&point).and_then(|point| point.open.as_ref());
            let unsent = unsent.filter(|open| open.sent_at.is_none()).map(|open| open.order.command);
            let mut events = decide(owner.supply(), situation, Command::Review).unwrap_or_default();
            if events.is_empty()
                && let Some(command) = unsent
            {
                events = decide(owner.supply(), situation, Command::Send { command }).unwrap_or_default();
            }
            if events.is_empty() {
                return Ok(());
            }
            for event in events {
                if let SupplyEvent::SupplyCommandSent(sent) = &event {
                    let position = owner.events().saturating_add(1);
                    self.ready.push(Ready { position, point: point.clone(), command: sent.command });
                }
                append(owner, event, now, now, None)?;
            }
        }
        Ok(())
    }

    /// Whether an order may be handed over: a cut is looked at once more, because the commit may have taken long.
    fn still_wanted(&self, owner: &Owner<'_>, order: &SupplyCommandOrdered, now: Instant) -> bool {
        if now >= order.valid_until {
            return false;
        }
        if order.to == OutputState::Connected {
            return true;
        }
        let is_current = self.basis.is_some_and(|basis| basis.books_at == owner.books_at());
        let Some(place) = self.scene.place(&order.point).filter(|_| is_current) else { return false };
        let due = due(owner.supply(), self.situation(owner, place, now));
        due.is_some_and(|due| due.to == order.to && due.checks.iter().all(|check| check.passed))
    }
}

impl Duty for SupplyControl {
    fn decide(&mut self, owner: &mut Owner<'_>, now: Instant) -> Result<(), OwnerError> {
        if owner.supply().policy.is_none() {
            return Ok(());
        }
        self.take_outcomes(owner, now)?;
        if self.basis.is_none() {
            self.refresh(owner, now);
        }
        self.observe(owner, now)?;
        if !self.refresh(owner, now) {
            return Ok(());
        }
        if self.looked == Some((owner.events(), now, self.polls)) {
            return Ok(());
        }
        for index in 0..self.scene.places.len() {
            self.review(owner, index, now)?;
        }
        self.looked = Some((owner.events(), now, self.polls));
        self.lapsed = self.lapsed(owner, now);
        Ok(())
    }

    fn tell(&self, moment: &mut Moment) -> bool {
        let is_new = *moment.lapsed != self.lapsed;
        if is_new {
            moment.lapsed = Arc::new(self.lapsed.clone());
        }
        is_new
    }

    fn act(&mut self, owner: &Owner<'_>, now: Instant) {
        for ready in std::mem::take(&mut self.ready) {
            if ready.position > owner.durable() {
                self.ready.push(ready);
                continue;
            }
            let point = owner.supply().points.get(&ready.point);
            let open = point.and_then(|point| point.open.as_ref());
            let open = open.filter(|open| open.order.command == ready.command && open.sent_at.is_some());
            // A command that has ended is never handed over.
            let Some(open) = open else { continue };
            if !self.still_wanted(owner, &open.order, now) {
                self.withheld.push((ready.point, ready.command));
                continue;
            }
            let flight = self.hand_over(owner, &open.order);
            self.flights.push(flight);
        }
    }
}

impl SupplyControl {
    fn hand_over(&self, owner: &Owner<'_>, order: &SupplyCommandOrdered) -> Flight {
        let to = match order.to {
            OutputState::Connected => Side::On,
            OutputState::Disconnected => Side::Off,
        };
        let (meter, valid_until) = (order.meter.clone(), order.valid_until);
        let id: EventId = command_id(owner.site_id(), &order.point, order.command);
        let pending = self.links.switch.switch(SwitchOrder { id, meter: meter.clone(), to, valid_until });
        let (point, command) = (order.point.clone(), order.command);
        Flight { point, command, meter, gives_up: valid_until.plus(GIVEN_UP_S), pending }
    }
}

fn is_over(owner: &Owner<'_>, ready: &Ready, now: Instant) -> bool {
    let open = owner.supply().points.get(&ready.point).and_then(|point| point.open.as_ref());
    open.is_some_and(|open| open.order.command == ready.command && now >= open.order.valid_until)
}

/// Reports what was seen; false where the command has ended before, or never was.
fn report(
    owner: &mut Owner<'_>,
    now: Instant,
    point: &PointId,
    command: i64,
    evidence: SwitchEvidence,
    report: Report,
) -> Result<bool, OwnerError> {
    let situation = bare(owner.site().premises(), point, now);
    let command = Command::Report { command, evidence, report };
    let Ok(events) = decide(owner.supply(), situation, command) else { return Ok(false) };
    for event in events {
        append(owner, event, now, now, None)?;
    }
    Ok(true)
}

/// An outcome; what comes after its command has ended is an observation of the relay.
fn take_outcome(
    owner: &mut Owner<'_>,
    now: Instant,
    point: &PointId,
    command: i64,
    meter: MeterId,
    outcome: Outcome,
) -> Result<(), OwnerError> {
    let (seen, says) = evidence::of(&outcome);
    let (at, read_back) = (seen.at.min(now), seen.read_back);
    if report(owner, now, point, command, seen, says)? {
        return Ok(());
    }
    let known = owner.supply().point(point);
    let is_new = known.read_at.is_none_or(|read| at > read);
    let welded = matches!(outcome.verdict, adapters::supply_switch::Verdict::Welded(_));
    match read_back.filter(|read_back| is_new && !welded && known.control.output() != Some(*read_back)) {
        Some(read_back) => {
            let point = point.clone();
            append(owner, SupplyEvent::SupplyObserved(SupplyObserved { meter, point, read_back }), at, now, None)
        }
        None => Ok(()),
    }
}
