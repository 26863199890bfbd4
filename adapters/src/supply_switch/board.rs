//! Orders on their way to a bus, and the one who does them between two reads.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

use domain::event::MeterId;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::timeout;

use super::modbus::{Pace, switch};
use super::{Outcome, Pending, SupplySwitch, SwitchOrder};
use crate::clock::Clock;
use crate::meter_bus::{Between, Contact, MeterBus, Station};

#[derive(Debug)]
struct Job {
    order: SwitchOrder,
    reply: Sender<Outcome>,
}

/// The meters of every bus, and the way to each.
#[derive(Debug)]
pub struct Switchboard<C> {
    ways: BTreeMap<MeterId, UnboundedSender<Job>>,
    clock: C,
}

impl<C: Clock + Clone + Sync> Switchboard<C> {
    /// A board without a bus.
    pub const fn new(clock: C) -> Self {
        Self { ways: BTreeMap::new(), clock }
    }

    /// Connects a bus: its orders come out here.
    pub fn connect(&mut self, stations: Arc<[Station]>, pace: Pace) -> Orders<C> {
        let (way, jobs) = unbounded_channel();
        self.ways.extend(stations.iter().map(|station| (station.meter.clone(), way.clone())));
        Orders { stations, clock: self.clock.clone(), pace, jobs, waiting: VecDeque::new() }
    }
}

impl<C: Clock + Sync> SupplySwitch for Switchboard<C> {
    fn has(&self, meter: &MeterId) -> bool {
        self.ways.contains_key(meter)
    }

    fn switch(&self, order: SwitchOrder) -> Pending {
        let (reply, outcome) = channel();
        let job = Job { order, reply };
        let lost = match self.ways.get(&job.order.meter) {
            Some(way) => way.send(job).err().map(|unsent| unsent.0),
            None => Some(job),
        };
        if let Some(Job { order, reply }) = lost {
            reply.send(Outcome::of(order, &self.clock)).unwrap_or_default();
        }
        Pending(outcome)
    }
}

/// The orders of one bus.
#[derive(Debug)]
pub struct Orders<C> {
    stations: Arc<[Station]>,
    clock: C,
    pace: Pace,
    jobs: UnboundedReceiver<Job>,
    waiting: VecDeque<Job>,
}

impl<C: Clock + Sync> Orders<C> {
    /// Waits for an order, at most so long; whether one is there. With no board left it waits all the same.
    pub async fn wait(&mut self, patience: Duration) -> bool {
        if !self.waiting.is_empty() {
            return true;
        }
        let never = async {
            match self.jobs.recv().await {
                Some(job) => job,
                None => std::future::pending().await,
            }
        };
        match timeout(patience, never).await {
            Ok(job) => {
                self.take(job);
                true
            }
            Err(_) => false,
        }
    }

    /// Restores come before cuts, each in their order.
    fn take(&mut self, job: Job) {
        let first_cut = self.waiting.iter().position(|job| job.order.to == Contact::Off);
        match first_cut.filter(|_| job.order.to == Contact::On) {
            Some(at) => self.waiting.insert(at, job),
            None => self.waiting.push_back(job),
        }
    }
}

impl<B: MeterBus, C: Clock + Sync> Between<B> for Orders<C> {
    async fn between(&mut self, bus: &mut B) {
        loop {
            while let Ok(job) = self.jobs.try_recv() {
                self.take(job);
            }
            let Some(Job { order, reply }) = self.waiting.pop_front() else { return };
            let station = self.stations.iter().find(|station| station.meter == order.meter);
            let outcome = match station {
                Some(station) => switch(bus, station, order, &self.clock, self.pace).await,
                None => Outcome::of(order, &self.clock),
            };
            // Whoever asked may be gone; the next poll reads the relay.
            reply.send(outcome).unwrap_or_default();
        }
    }
}
