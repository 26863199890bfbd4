//! A small building under supply control: the simulator's meters behind a real collector, a log on disk, an owner
//! and its duty, turned by hand. Time moves only by [`minutes`](World::minutes).

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant as Moment};

use adapters::clock::GivenClock;
use adapters::event_log::{EmbeddedLog, EventLog};
use adapters::intake::{Arrival, Fact, Intake, MemoryIntake};
use adapters::site_folder::SiteFolder;
use adapters::supply_switch::Pace;
use domain::event::{
    AccountId, Body, Event, EventId, MeterId, OutputState, PointId, RechargeKind, RechargeReceived, SiteId,
    SupplyEvent, SupplyPolicy, SupplyPolicyPublished,
};
use domain::quantity::Instant;
use domain::supply::{PointSupply, preset};
use serde_json::{Value, json};
use services::collect::{Collector, Config, Heard};
use services::command::Key;
use services::desk::Duty as _;
use services::owner::{COMMIT, Draft, Feed, Inlet, Owner};
use services::supply::{Ask, AskError, Asked, SharedSwitch, SupplyControl};

use crate::sim::Sim;

/// What a condition is waited for at most.
const PATIENCE: Duration = Duration::from_secs(30);
/// The names of the events since the last look.
pub type Names = Vec<&'static str>;

/// The building.
pub struct World {
    /// Its meters.
    pub sim: Sim,
    /// Its clock.
    pub clock: GivenClock,
    /// The collector; none where there is no switch.
    collector: Option<Collector<GivenClock>>,
    rounds: Receiver<()>,
    intake: MemoryIntake,
    folder: tempfile::TempDir,
    site: SiteId,
    meters: u8,
    references: u32,
    /// The collector's file.
    pub config: String,
}

/// A policy that cuts soon after credit is used up, at any hour.
pub fn quick_policy() -> SupplyPolicy {
    let none = preset("none").expect("shipped").policy();
    SupplyPolicy {
        cuts: true,
        notice_s: 600,
        persons: 1,
        for_charges: vec![domain::event::CutCharge::Energy],
        no_cut: Vec::new(),
        confirm_restore: false,
        restore_spacing_s: 0,
        ..none
    }
}

pub fn point(number: u8) -> PointId {
    PointId::try_new(&format!("P-{number}")).expect("an id")
}

pub fn account(number: u8) -> AccountId {
    AccountId::try_new(&format!("A-{number}")).expect("an id")
}

pub fn meter(number: u8) -> MeterId {
    MeterId::try_new(&format!("M-{number}")).expect("an id")
}

fn site_toml(meters: u8) -> String {
    let flats: String = (1..=meters).map(|n| crate::site::flat(n.into(), "2026-01-12T00:00:00Z", "home")).collect();
    crate::site::head("UTC", "EUR") + &crate::site::one_price("home", "0.30") + &flats
}

impl World {
    /// A building of so many flats that draw 3 kW each, 0.90 an hour, behind a gateway of this framing.
    pub fn start(framing: &str, meters: u8) -> Self {
        Self::start_with(framing, meters, 300)
    }

    /// As `start`; a meter that has not answered after so many milliseconds is silent.
    pub fn start_with(framing: &str, meters: u8, answer_ms: u32) -> Self {
        let mut plan = Sim::plan(framing, meters.into());
        let of = &mut plan["gateway"][0]["meter"][0];
        of["import_kwh"] = json!("0");
        of["load"] = json!({"kind": "constant", "watts": 3000});
        let sim = Sim::start(plan);
        let key = if framing == "tcp" { "tcp" } else { "rtu_over_tcp" };
        let stations: String = (1..=meters)
            .map(|n| {
                format!(
                    "[[bus.meter]]\nmeter = \"M-{n}\"\nunit = {n}\nprofile = \"kpm33b\"\nserial = \"33B12259{n:05}\"\n"
                )
            })
            .collect();
        let config = format!(
            "site = \"pains\"\ncollector = \"c\"\n[intake]\nspool = \"unused.db\"\n[[bus]]\nname = \"g\"\n{key} = \"{}\"\nanswer_ms = {answer_ms}\n{stations}",
            sim.gateway("g")
        );
        let parsed = Config::parse(Path::new("/nowhere/collector.toml"), &config).unwrap_or_else(|e| panic!("{e}"));
        let clock = GivenClock::new(Instant::new(sim.now()));
        let intake = MemoryIntake::new();
        let kept = Mutex::new(intake.reopen());
        let open = move || -> Result<Box<dyn Intake>, _> { Ok(Box::new(kept.lock().expect("whole").reopen())) };
        let (send, rounds) = channel();
        let send = Mutex::new(send);
        let tell = move |heard: Heard<'_>| {
            if let Heard::Round { .. } = heard {
                // The test may have ended.
                send.lock().expect("whole").send(()).unwrap_or_default();
            }
        };
        let collector =
            Collector::start(&parsed, &open, clock.clone(), Pace { settle_ms: 1 }, tell).expect("a collector");
        let folder = tempfile::tempdir().expect("a folder");
        let site = SiteId::try_new("pains").expect("an id");
        let world = Self {
            sim,
            clock,
            collector: Some(collector),
            rounds,
            intake,
            folder,
            site,
            meters,
            references: 0,
            config,
        };
        world.write_folder();
        world
    }

    fn write_folder(&self) {
        let folder = self.folder.path();
        std::fs::write(folder.join("site.toml"), site_toml(self.meters)).expect("writes");
        std::fs::write(folder.join("readings.csv"), "time,meter,kwh\n").expect("writes");
        std::fs::write(folder.join("recharges.csv"), "time,account,amount,reference\n").expect("writes");
    }

    /// Where the log is.
    pub fn log(&self) -> PathBuf {
        self.folder.path().join("log.db")
    }

    /// The folder of the log.
    pub fn dir(&self) -> String {
        self.folder.path().display().to_string()
    }

    /// Now.
    pub fn now(&self) -> Instant {
        use adapters::clock::Clock as _;
        self.clock.now()
    }

    /// The relays of the collector.
    pub fn switch(&self) -> SharedSwitch {
        let board = &self.collector.as_ref().expect("a collector").switchboard;
        Arc::clone(board) as SharedSwitch
    }

    /// Opens the log for a session: the owner, its intake and its duty, until `session` returns.
    /// What comes after it is a restart.
    pub fn session<T>(&mut self, session: impl FnOnce(&mut Session<'_, '_>) -> T) -> T {
        let mut log = EmbeddedLog::open(&self.log()).expect("opens");
        self.session_on(&mut log, session)
    }

    /// As `session`, on a log of the test's.
    pub fn session_on<T>(&mut self, log: &mut dyn EventLog, session: impl FnOnce(&mut Session<'_, '_>) -> T) -> T {
        let mut intake = self.intake.reopen();
        let clock = self.clock.clone();
        let mut owner = Owner::open(log, self.site.clone(), COMMIT).expect("opens");
        owner.site_mut().hold_errors();
        let inlet = Inlet::new(&mut intake, &clock, Feed::Buses { patience_s: 0 });
        let control = SupplyControl::new(self.switch());
        let mut of = Session { world: self, owner, inlet, control };
        of.take_folder();
        session(&mut of)
    }

    /// Somebody pays, in minor units: the fact waits in the intake.
    pub fn recharge(&mut self, number: u8, minor: i64) {
        self.references += 1;
        let reference = format!("R-{}", self.references);
        let id = EventId::derive(&[b"recharge", reference.as_bytes()]);
        let kind = RechargeKind::Recharge;
        let data = RechargeReceived { account: account(number), amount_minor: minor, kind, reference };
        let (site, time, actor) = (self.site.clone(), self.now(), "gateway".to_owned());
        let fact = Fact { id, site, time, actor, body: Body::RechargeReceived(data) };
        let (id, bytes) = Arrival::Fact(Box::new(fact)).encode().expect("bytes");
        self.intake.reopen().offer(id, &bytes).expect("offers");
    }

    /// Every event of the log.
    pub fn events(&self) -> Vec<Event> {
        services::history::read(self.folder.path(), None).expect("reads").into_iter().map(|entry| entry.event).collect()
    }

    /// Every event of supply of a point, by the names of their types.
    pub fn story(&self, number: u8) -> Names {
        let of = |event: Event| match event.body {
            Body::Supply(of) if of.about().1.is_none_or(|one| *one == point(number)) => {
                Some(Body::Supply(of).type_name())
            }
            _ => None,
        };
        self.events().into_iter().filter_map(of).collect()
    }

    /// Whether a relay truly connects its load.
    pub fn is_on(&self, unit: u8) -> bool {
        self.sim.truth("g", unit)["relay_reported_on"].as_bool().expect("a state")
    }

    /// The writes that moved a relay, or tried to: unit, and whether it was to be on.
    pub fn writes(&self) -> Vec<Value> {
        let writes = self.sim.get("/writes");
        let writes = writes.as_array().expect("a list").clone();
        assert!(writes.iter().all(|write| write["forbidden"] == json!(false)), "{writes:?}");
        writes
    }

    /// Ends a fault of the gateway that keeps it out of reach.
    pub fn heal(&self) {
        self.sim.heal();
    }

    /// Somebody at the meter sets the relay's mode to local: no write of ours could.
    pub fn set_local(&self, unit: u8) {
        use std::io::{Read as _, Write as _};
        let mut socket = std::net::TcpStream::connect(self.sim.gateway("g")).expect("connects");
        let request = [0, 1, 0, 0, 0, 9, unit, 16, 0, 0x1E, 0, 1, 2, 0xDD, 0x11];
        socket.write_all(&request).expect("asks");
        socket.read_exact(&mut [0; 12]).expect("answers");
    }

    /// A fault of the gateway.
    pub fn fault(&self, mut fault: Value) {
        fault["gateway"] = json!("g");
        self.sim.fault(fault);
    }
}

/// An owner at work on a world.
pub struct Session<'w, 'o> {
    pub world: &'w mut World,
    pub owner: Owner<'o>,
    inlet: Inlet<'o>,
    pub control: SupplyControl,
}

impl Session<'_, '_> {
    fn take_folder(&mut self) {
        let now = self.world.now();
        for fact in SiteFolder::open(self.world.folder.path()).expect("a folder").facts {
            let id = EventId::derive(&[b"fact", fact.key.as_bytes()]);
            if !self.owner.knows(id) {
                let received = self.owner.received().map_or(now, |last| now.max(last));
                let draft = Draft { id, time: fact.time, received, actor: fact.actor, body: fact.body };
                self.owner.append(draft).expect("appends");
            }
        }
        self.owner.flush().expect("flushes");
    }

    /// Publishes a policy.
    pub fn publish(&mut self, policy: SupplyPolicy) {
        let now = self.world.now();
        let version = self.owner.supply().policy.as_ref().map_or(1, |(version, _)| version + 1);
        let published = SupplyPolicyPublished { by: "J. Doe".to_owned(), policy, preset: None, version };
        self.say(&format!("policy {version}"), SupplyEvent::SupplyPolicyPublished(published), now);
    }

    /// Appends a fact of supply.
    pub fn say(&mut self, key: &str, event: SupplyEvent, now: Instant) {
        let id = EventId::derive(&[b"said", key.as_bytes()]);
        let draft = Draft { id, time: now, received: now, actor: "J. Doe".to_owned(), body: event.into() };
        self.owner.append(draft).expect("appends");
    }

    /// A turn of the desk without its `act`: what a kill after the commit leaves.
    pub fn decide(&mut self) -> Result<(), services::owner::OwnerError> {
        let now = self.world.now();
        let now = self.owner.received().map_or(now, |last| now.max(last));
        self.owner.settle_before(now)?;
        while self.inlet.pump(&mut self.owner)?.items > 0 {}
        self.control.decide(&mut self.owner, now)?;
        self.owner.flush()?;
        self.inlet.acknowledge(&self.owner)
    }

    /// A turn of the desk.
    pub fn turn(&mut self) {
        self.decide().expect("a turn");
        self.act();
    }

    /// The second half of a turn: what was committed is handed over.
    pub fn act(&mut self) {
        let now = self.world.now();
        let now = self.owner.received().map_or(now, |last| now.max(last));
        self.control.act(&self.owner, now);
    }

    /// Turns until every order has its outcome, and nothing new is decided.
    pub fn settle(&mut self) {
        let began = Moment::now();
        loop {
            let before = self.owner.events();
            self.turn();
            if self.control.is_idle(&self.owner) && self.owner.events() == before {
                return;
            }
            assert!(began.elapsed() < PATIENCE, "orders have no outcome: {:?}", self.control);
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Lets so many minutes pass at once, and the meters be polled after them; no turn yet.
    pub fn poll(&mut self, minutes: u32) {
        let now = Instant::new(self.world.sim.step(minutes * 60));
        self.world.clock.set(now);
        self.world.rounds.recv_timeout(PATIENCE).expect("a round");
    }

    /// As `poll`, and turns until all is settled.
    pub fn minutes(&mut self, minutes: u32) {
        self.poll(minutes);
        self.settle();
    }

    /// Somebody asks something.
    pub fn ask(&mut self, by: &str, ask: Ask) -> Result<Asked, AskError> {
        let now = self.world.now();
        let key = Key::try_new(&format!("ask/{}", self.owner.events())).expect("a key");
        services::supply::ask(&mut self.owner, now, by, &key, ask)
    }

    /// Lets seconds pass, without a poll.
    pub fn seconds(&mut self, seconds: u32) {
        let now = Instant::new(self.world.sim.step(seconds));
        assert!(now.get() % 60 != 0, "a poll would begin");
        self.world.clock.set(now);
        self.settle();
    }

    /// What is known of a point.
    pub fn point(&self, number: u8) -> PointSupply {
        self.owner.supply().point(&point(number))
    }

    /// Where a point's relay was read.
    pub fn output(&self, number: u8) -> Option<OutputState> {
        self.point(number).control.output()
    }
}
