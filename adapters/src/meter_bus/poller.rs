//! One bus and its meters, round by round: those that answer first and in
//! their order, then as many of the dead as a tenth of the bus's time allows.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use domain::event::MeterId;
use domain::quantity::Instant;

use super::{Block, BusError, MeterBus, Profile};
use crate::clock::Clock;

/// After so many failed rounds a meter counts as dead.
const DEAD_AFTER: u32 = 3;
/// A dead meter is tried every so many rounds at least, credit allowing.
const LONGEST_WAIT: u64 = 16;

/// A meter and its place on the bus.
#[derive(Debug, Clone)]
pub struct Station {
    /// The meter of the site.
    pub meter: MeterId,
    /// Its address, 1 to 247.
    pub unit: u8,
    /// Its model.
    pub profile: Arc<Profile>,
    /// The serial that its device must show before its relay is moved.
    pub serial: Option<String>,
}

/// What a meter answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The meter.
    pub meter: MeterId,
    /// The collector's clock when the register that bills was there.
    pub time: Instant,
    /// The words of its profile's blocks, one after the other.
    pub words: Vec<u16>,
}

/// What a round brought.
#[derive(Debug)]
pub struct Round {
    /// The collector's clock at its start.
    pub began: Instant,
    /// The meters that answered, in the order of the bus.
    pub answers: Vec<Answer>,
    /// The meters that were asked in vain, and why.
    pub silent: Vec<(MeterId, BusError)>,
    /// Dead meters that were not asked this time.
    pub left_out: usize,
}

/// What comes before the next read: the orders that wait for the bus.
pub trait Between<B>: Send {
    /// Does what waits.
    fn between(&mut self, bus: &mut B) -> impl Future<Output = ()> + Send;
}

/// Nothing waits.
#[derive(Debug, Clone, Copy, Default)]
pub struct Nothing;

impl<B: MeterBus> Between<B> for Nothing {
    async fn between(&mut self, _bus: &mut B) {}
}

/// What time on the bus is measured by.
pub trait Stopwatch: Send + Sync {
    /// Time since some fixed moment, never decreasing.
    fn elapsed(&self) -> Duration;
}

impl Stopwatch for std::time::Instant {
    fn elapsed(&self) -> Duration {
        Self::elapsed(self)
    }
}

#[derive(Debug, Clone, Copy, Default)]
struct Health {
    failures: u32,
    /// A dead meter's next round.
    due: u64,
}

impl Health {
    const fn is_dead(self) -> bool {
        self.failures >= DEAD_AFTER
    }
}

/// A bus, its meters and how they do.
#[derive(Debug)]
pub struct Poller<B> {
    bus: B,
    stations: Arc<[Station]>,
    blocks: Vec<Vec<Block>>,
    health: Vec<Health>,
    period: Duration,
    worst: Duration,
    /// Bus time that dead meters may still use.
    credit: Duration,
    rounds: u64,
}

impl<B: MeterBus> Poller<B> {
    /// A bus that is asked once a `period`; a meter that does not answer costs `worst` at most.
    pub fn new(bus: B, stations: Arc<[Station]>, period: Duration, worst: Duration) -> Self {
        let blocks = stations.iter().map(|station| station.profile.poll_blocks()).collect();
        let health = vec![Health::default(); stations.len()];
        Self { bus, stations, blocks, health, period, worst, credit: Duration::ZERO, rounds: 0 }
    }

    /// The bus, between rounds.
    pub const fn bus(&mut self) -> &mut B {
        &mut self.bus
    }

    /// Its meters.
    pub const fn stations(&self) -> &Arc<[Station]> {
        &self.stations
    }

    /// Asks every meter that answers, and some of the dead.
    pub async fn round<C: Clock + Sync>(
        &mut self,
        clock: &C,
        stopwatch: &impl Stopwatch,
        between: &mut impl Between<B>,
    ) -> Round {
        self.rounds = self.rounds.saturating_add(1);
        let mut round = Round { began: clock.now(), answers: Vec::new(), silent: Vec::new(), left_out: 0 };
        let (dead, live): (Vec<usize>, Vec<usize>) =
            (0..self.stations.len()).partition(|index| self.health.get(*index).is_some_and(|health| health.is_dead()));
        let mut gone = false;
        for index in live {
            gone |= self.visit(index, gone, clock, between, &mut round).await;
        }
        self.visit_dead(dead, gone, clock, stopwatch, between, &mut round).await;
        let order = |meter: &MeterId| self.stations.iter().position(|station| station.meter == *meter);
        round.answers.sort_by_key(|answer| order(&answer.meter));
        between.between(&mut self.bus).await;
        round
    }

    async fn visit_dead<C: Clock + Sync>(
        &mut self,
        mut dead: Vec<usize>,
        mut gone: bool,
        clock: &C,
        stopwatch: &impl Stopwatch,
        between: &mut impl Between<B>,
        round: &mut Round,
    ) {
        let tenth = self.period.checked_div(10).unwrap_or_default();
        self.credit = self.credit.saturating_add(tenth).min(tenth.max(self.worst));
        // Those that wait longest come first.
        dead.sort_by_key(|index| self.health.get(*index).map(|health| health.due));
        for index in dead {
            let due = self.health.get(index).is_some_and(|health| health.due <= self.rounds);
            if !due || self.credit < self.worst || gone {
                round.left_out = round.left_out.saturating_add(1);
                continue;
            }
            let before = stopwatch.elapsed();
            gone |= self.visit(index, gone, clock, between, round).await;
            self.credit = self.credit.saturating_sub(stopwatch.elapsed().saturating_sub(before));
        }
    }

    /// Asks one meter; whether its gateway turned out to be out of reach.
    async fn visit<C: Clock + Sync>(
        &mut self,
        index: usize,
        gone: bool,
        clock: &C,
        between: &mut impl Between<B>,
        round: &mut Round,
    ) -> bool {
        let Some(station) = self.stations.get(index).cloned() else { return false };
        if gone {
            let endpoint = "the gateway".to_owned();
            let source = std::io::ErrorKind::NotConnected.into();
            round.silent.push((station.meter, BusError::NoConnection { endpoint, source }));
            return false;
        }
        let was_dead = self.health.get(index).is_some_and(|health| health.is_dead());
        let mut answer = self.ask(&station, index, clock, between).await;
        if !was_dead && answer.as_ref().is_err_and(is_worth_another_try) {
            answer = self.ask(&station, index, clock, between).await;
        }
        let Some(health) = self.health.get_mut(index) else { return false };
        match answer {
            Ok(answer) => {
                *health = Health::default();
                round.answers.push(answer);
                false
            }
            Err(error) => {
                let gateway = matches!(error, BusError::NoConnection { .. });
                // A gateway that is out of reach says nothing about its meters.
                if !gateway {
                    health.failures = health.failures.saturating_add(1);
                    let wait = 1u64.checked_shl(health.failures.saturating_sub(DEAD_AFTER)).unwrap_or(LONGEST_WAIT);
                    health.due = self.rounds.saturating_add(wait.min(LONGEST_WAIT));
                }
                round.silent.push((station.meter, error));
                gateway
            }
        }
    }

    async fn ask<C: Clock + Sync>(
        &mut self,
        station: &Station,
        index: usize,
        clock: &C,
        between: &mut impl Between<B>,
    ) -> Result<Answer, BusError> {
        let blocks = self.blocks.get(index).cloned().unwrap_or_default();
        let (mut words, mut time) = (Vec::new(), None);
        for block in blocks {
            between.between(&mut self.bus).await;
            words.extend(self.bus.read(station.unit, block).await?);
            if station.profile.energy().is_some_and(|energy| block.holds(Block::of(energy))) {
                time = Some(clock.now());
            }
        }
        Ok(Answer { meter: station.meter.clone(), time: time.unwrap_or_else(|| clock.now()), words })
    }
}

/// Not where the meter or its gateway has said no for good.
const fn is_worth_another_try(error: &BusError) -> bool {
    !matches!(error, BusError::Exception(1 | 2 | 3 | 10 | 11) | BusError::NoConnection { .. } | BusError::Broadcast)
}
