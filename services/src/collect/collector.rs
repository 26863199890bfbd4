//! The collector at work: a task for each bus, a thread that keeps polls, and
//! one that passes them on. `serve` and `demo` start it with their own intake.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use adapters::clock::Clock;
use adapters::event_log::LogError;
use adapters::event_log::jetstream::Options;
use adapters::intake::{ArrivalError, Intake, IntakeError};
use adapters::meter_bus::{Modbus, Poller, Round, Station};
use adapters::supply_switch::{Pace, Switchboard};
use tokio::runtime::{Builder, Runtime};

use super::bus;
use super::config::Config;
use super::row::{Source, arrival};
use super::source::sources;
use super::uplink::{Passed, Uplink};

/// Between two tries to keep a poll.
const AGAIN: Duration = Duration::from_millis(500);

/// What a collector tells whoever watches.
#[derive(Debug)]
pub enum Heard<'a> {
    /// A round of a bus, kept.
    Round {
        /// The bus.
        bus: &'a str,
        /// What it brought.
        round: &'a Round,
    },
    /// A poll that could not be kept; it is tried again.
    NotKept(&'a IntakeError),
    /// A poll that has no bytes: a fault of this program.
    NotWritten(&'a ArrivalError),
    /// Readings from a folder or a broker, kept.
    Taken {
        /// The folder, or the broker.
        source: &'a str,
        /// Readings.
        readings: usize,
        /// Rows or messages that became none; they are listed.
        refused: usize,
    },
    /// A folder or a broker that could not be read; it is tried again.
    Failed {
        /// Which.
        source: &'a str,
        /// Why.
        error: &'a (dyn std::error::Error + 'static),
    },
}

/// Why a collector did not start.
#[derive(Debug, thiserror::Error)]
pub enum CollectError {
    /// No threads.
    #[error("tasks could not be started")]
    Tasks(#[from] std::io::Error),
    /// The server's address.
    #[error(transparent)]
    Server(#[from] LogError),
    /// The spool, or an owner's intake.
    #[error(transparent)]
    Intake(#[from] IntakeError),
}

/// A collector at work.
#[derive(Debug)]
pub struct Collector<C> {
    stop: Arc<AtomicBool>,
    runtime: Option<Runtime>,
    tasks: Vec<tokio::task::JoinHandle<()>>,
    threads: Vec<JoinHandle<()>>,
    /// Moves the relays of its meters.
    pub switchboard: Arc<Switchboard<C>>,
    /// What was passed on to the server, where there is one.
    pub passed: Option<Arc<Passed>>,
}

impl<C: Clock + Clone + Sync + 'static> Collector<C> {
    /// Starts to poll into an intake: the spool, or an owner's own; each of
    /// the collector's threads opens it for itself.
    pub fn start(
        config: &Config,
        open: &dyn Fn() -> Result<Box<dyn Intake>, IntakeError>,
        clock: C,
        pace: Pace,
        heard: impl Fn(Heard<'_>) + Send + Sync + 'static,
    ) -> Result<Self, CollectError> {
        let heard = Arc::new(heard);
        let runtime = Builder::new_multi_thread().worker_threads(2).thread_name("bus").enable_all().build()?;
        let stop = Arc::new(AtomicBool::new(false));
        let mut switchboard = Switchboard::new(clock.clone());
        let (mut tasks, mut threads) = (Vec::new(), Vec::new());
        let (send, rounds) = channel();
        for (index, bus) in config.buses.iter().enumerate() {
            let period = Duration::from_secs(config.period_s.into());
            let modbus = Modbus::new(bus.endpoint.clone(), bus.patience);
            let poller = Poller::new(modbus, Arc::clone(&bus.stations), period, bus.patience.worst());
            let orders = switchboard.connect(Arc::clone(&bus.stations), pace);
            let (period_s, to) = (config.period_s, send.clone());
            let rounds = bus::Rounds { period_s, first: bus::next_round(clock.now(), period_s), bus: index, to };
            tasks.push(runtime.spawn(bus::run(poller, orders, clock.clone(), rounds, Arc::clone(&stop))));
        }
        drop(send);
        let keeper = Keeper::new(config, open()?, Arc::clone(&stop));
        let told = Arc::clone(&heard);
        threads.push(std::thread::spawn(move || keeper.run(&rounds, told.as_ref())));
        for source in sources(config)? {
            let (stop, told, intake) = (Arc::clone(&stop), Arc::clone(&heard), open()?);
            threads.push(std::thread::spawn(move || source.run(intake, &stop, told.as_ref())));
        }
        let mut passed = None;
        if let Some(server) = &config.server {
            let uplink = Uplink::new(&config.spool, Options::parse(server)?);
            passed = Some(uplink.passed());
            let stop = Arc::clone(&stop);
            threads.push(std::thread::spawn(move || uplink.run(&stop)));
        }
        let switchboard = Arc::new(switchboard);
        Ok(Self { stop, runtime: Some(runtime), tasks, threads, switchboard, passed })
    }

    /// Ends: rounds and orders that have begun are finished and kept.
    pub fn stop(mut self) {
        self.end();
    }
}

impl<C> Collector<C> {
    fn end(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        if let Some(runtime) = self.runtime.take() {
            for task in self.tasks.drain(..) {
                // A task that panicked has said so; the others end all the same.
                runtime.block_on(task).unwrap_or_default();
            }
        }
        for thread in self.threads.drain(..) {
            thread.join().unwrap_or_default();
        }
    }
}

impl<C> Drop for Collector<C> {
    fn drop(&mut self) {
        self.end();
    }
}

/// Keeps the polls of every bus, in the order in which they come.
struct Keeper {
    buses: Vec<(Source, Arc<[Station]>)>,
    intake: Box<dyn Intake>,
    stop: Arc<AtomicBool>,
}

impl Keeper {
    fn new(config: &Config, intake: Box<dyn Intake>, stop: Arc<AtomicBool>) -> Self {
        let source = |bus: &str| Source {
            site: config.site.clone(),
            collector: config.collector.clone(),
            bus: bus.to_owned(),
            zone: config.zone,
        };
        let buses = config.buses.iter().map(|bus| (source(&bus.name), Arc::clone(&bus.stations))).collect();
        Self { buses, intake, stop }
    }

    fn run(mut self, rounds: &Receiver<(usize, Round)>, heard: &dyn Fn(Heard<'_>)) {
        for (index, round) in rounds {
            let Some((source, stations)) = self.buses.get(index) else { continue };
            let item = arrival(source, stations, &round).map(|arrival| arrival.encode()).transpose();
            match item {
                Ok(Some((id, bytes))) => {
                    while let Err(error) = self.intake.offer(id, &bytes) {
                        heard(Heard::NotKept(&error));
                        if self.stop.load(Ordering::SeqCst) {
                            break;
                        }
                        std::thread::sleep(AGAIN);
                    }
                }
                Ok(None) => {}
                Err(error) => heard(Heard::NotWritten(&error)),
            }
            heard(Heard::Round { bus: &source.bus, round: &round });
        }
    }
}
