//! Chaos: gateways, meters, log and desk fail at random while tenants pay, on both framings. At the end the log and
//! the simulator's own list agree: every reading is the truth of its minute, every write to a relay has its order in
//! the log, every claim its write, and a replay finds no difference.
//!
//! A minute in `make test`, an hour with `TALLYWATT_SOAK=1`; `TALLYWATT_SEED` repeats a run's choices.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant as Moment};

use adapters::event_log::EmbeddedLog;
use domain::event::{Body, Event, OutputState, PointId, SupplyEvent, register_mwh};
use domain::quantity::Instant;
use serde_json::{Value, json};
use services::supply::status;
use tests::cable::Cable;
use tests::random::Random;
use tests::supply_world::{Session, World, point, quick_policy};

const METERS: u8 = 4;
/// Somebody presses the button of this one; what a person does at a meter is not undone.
const PRESSED: u8 = 4;
const ANSWER_MS: u32 = 150;

/// What the wire does, with what it needs beside its kind.
const WIRE: &[&str] = &[
    "timeout",
    "lost_request",
    "late",
    "wrong_unit",
    "wrong_tid",
    "wrong_fc",
    "short",
    "long",
    "truncated",
    "garbage",
    "crc",
    "duplicate",
    "reset",
    "exception",
    "echo_opposite",
    "echo_not_applied",
];
const METER: &[&str] = &["welded", "clock_skew", "nan"];

/// How often each thing was done.
type Counts = BTreeMap<String, u64>;

struct Chaos {
    random: Random,
    until: Moment,
    counts: Counts,
    log_down: Arc<AtomicBool>,
    /// The true registers at the end of each round, mWh by unit.
    truth: BTreeMap<Instant, Vec<i64>>,
}

enum Kill {
    Clean,
    BeforeHandOver,
    AfterHandOver,
}

impl Chaos {
    fn count(&mut self, what: &str) {
        *self.counts.entry(what.to_owned()).or_default() += 1;
    }

    fn chance(&mut self, percent: u64) -> bool {
        self.random.below(100) < percent
    }

    fn pick<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.random.index(of.len())]
    }

    fn unit(&mut self) -> u8 {
        u8::try_from(self.random.below(METERS.into())).expect("few") + 1
    }

    /// Something goes wrong, or right again.
    fn disturb(&mut self, world: &World) {
        if self.chance(20) {
            let kind = self.pick(WIRE);
            let code = [4, 6, 10, 11][self.random.index(4)];
            let mut fault = json!({"kind": kind, "count": 1 + self.random.below(6), "probability": 0.5,
                "delay_s": 0.2, "code": code});
            if self.chance(70) {
                fault["unit"] = json!(self.unit());
            }
            if self.chance(40) || kind.starts_with("echo") {
                fault["fc"] = json!([5]);
            }
            self.count(kind);
            world.fault(fault);
        }
        if self.chance(4) {
            let (kind, unit) = (self.pick(METER), self.unit());
            self.count(kind);
            world.fault(json!({"kind": kind, "unit": unit, "seconds": -662_601_600}));
        }
        if self.chance(5) {
            self.count("gateway refuses");
            world.fault(json!({"kind": "refuse"}));
        }
        if self.chance(15) {
            self.count("all is healed");
            world.heal();
        }
        if self.chance(3) {
            self.count("button pressed");
            let on = self.chance(50);
            world.sim.ask("POST", &format!("/relay/g/{PRESSED}"), &json!({"on": on}));
        }
        let down = self.log_down.load(Ordering::SeqCst);
        if self.chance(if down { 40 } else { 3 }) {
            self.log_down.store(!down, Ordering::SeqCst);
            self.count(if down { "log returns" } else { "log out of reach" });
        }
    }

    /// Steps until the desk is killed or time is up.
    fn work(&mut self, session: &mut Session<'_, '_>) {
        let mut fresh = true;
        while Moment::now() < self.until {
            self.disturb(session.world);
            for _ in 0..self.random.below(2) {
                let (unit, minor) = (self.unit(), 20 + self.random.below(100));
                session.world.recharge(unit, i64::try_from(minor).expect("small"));
                self.count("recharge");
            }
            // Time leaps between two looks at it: no further than this while an order may be on its way.
            let leap = 1 + self.random.below(15);
            let minutes = if fresh || !session.control.is_idle(&session.owner) { 1 } else { leap };
            fresh = false;
            *self.counts.entry("virtual minutes".to_owned()).or_default() += minutes;
            session.poll(u32::try_from(minutes).expect("few"));
            self.remember(session);
            for _ in 0..=self.random.below(4) {
                if session.decide().is_ok() {
                    session.act();
                }
            }
            if self.chance(8) {
                let how = [Kill::Clean, Kill::BeforeHandOver, Kill::AfterHandOver];
                let how = &how[self.random.index(3)];
                self.kill(session, how);
                return;
            }
        }
    }

    fn kill(&mut self, session: &mut Session<'_, '_>, how: &Kill) {
        match how {
            Kill::Clean => {
                self.count("killed between turns");
            }
            Kill::BeforeHandOver => {
                self.count("killed before a hand-over");
                session.poll(1);
                self.remember(session);
                // A turn that could not be committed is forgotten with the process.
                session.decide().ok();
            }
            Kill::AfterHandOver => {
                self.count("killed after a hand-over");
                session.poll(1);
                self.remember(session);
                if session.decide().is_ok() {
                    session.act();
                }
            }
        }
    }

    fn remember(&mut self, session: &Session<'_, '_>) {
        let registers = (1..=METERS).map(|unit| session.world.sim.truth("g", unit)["import_mwh"].as_i64().expect("it"));
        self.truth.insert(session.world.now(), registers.collect());
    }

    /// All is healed, and time passes until every command has ended.
    fn come_to_rest(&mut self, session: &mut Session<'_, '_>) {
        session.world.heal();
        for _ in 0..45 {
            session.minutes(1);
            self.remember(session);
        }
        for shown in status(&mut session.owner, &session.control.links(), session.world.now()).expect("a status") {
            let unit = unit_of(&shown.point);
            let known = session.owner.supply().point(&shown.point);
            assert!(known.open.is_none_or(|open| open.sent_at.is_none()), "{shown:?}");
            let on = known.control.output().map(|output| output == OutputState::Connected);
            assert_eq!(on, Some(session.world.is_on(unit)), "the log says where the relay is: {shown:?}");
            let has_credit = shown.balance_minor.is_some_and(|balance| balance.get() > 0);
            assert!(!has_credit || on == Some(true) || unit == PRESSED, "paid, and off: {shown:?}");
        }
    }
}

fn unit_of(point: &PointId) -> u8 {
    point.as_str().trim_start_matches("P-").parse().expect("a number")
}

/// A command of a unit as the log has it.
#[derive(Debug)]
struct Logged {
    command: i64,
    on: bool,
    sent: Option<Instant>,
    valid_until: Instant,
    /// When the log says that it ended, however it did.
    ended: Option<Instant>,
    confirmed: bool,
}

fn commands(events: &[Event], unit: u8) -> Vec<Logged> {
    let mut all: BTreeMap<i64, Logged> = BTreeMap::new();
    for event in events {
        let Body::Supply(of) = &event.body else { continue };
        if of.about().1 != Some(&point(unit)) {
            continue;
        }
        match of {
            SupplyEvent::SupplyCommandOrdered(data) => {
                let on = data.to == OutputState::Connected;
                let (command, valid_until) = (data.command, data.valid_until);
                all.insert(command, Logged { command, on, sent: None, valid_until, ended: None, confirmed: false });
            }
            SupplyEvent::SupplyCommandSent(data) => {
                all.get_mut(&data.command).expect("ordered").sent = Some(event.time)
            }
            SupplyEvent::SupplyCutConfirmed(data) => end(&mut all, data.command, event.time, true),
            SupplyEvent::SupplyRestoredConfirmed(data) => end(&mut all, data.command, event.time, true),
            SupplyEvent::SupplyCommandFailed(data) => end(&mut all, data.command, event.time, false),
            SupplyEvent::SupplyCommandExpired(data) => end(&mut all, data.command, event.time, false),
            SupplyEvent::SupplyCommandCancelled(data) => end(&mut all, data.command, event.time, false),
            _ => {}
        }
    }
    all.into_values().collect()
}

fn end(all: &mut BTreeMap<i64, Logged>, command: i64, at: Instant, confirmed: bool) {
    let of = all.get_mut(&command).expect("ordered");
    assert!(of.ended.is_none(), "a command ends once: {of:?}");
    (of.ended, of.confirmed) = (Some(at), confirmed);
}

/// When a meter had a write, by the simulator's clock.
fn time_of(write: &Value) -> Instant {
    Instant::new(write["virtual_ms"].as_i64().expect("a time").div_euclid(1000))
}

/// Every write has its order in the log, each order at most one write, every confirmation a write that shows it.
fn compare_writes(world: &World, events: &[Event]) -> u64 {
    let writes = world.writes();
    let mut moves = 0;
    for unit in 1..=METERS {
        let logged = commands(events, unit);
        let mut left = logged.iter().filter(|command| command.sent.is_some());
        let mut shown = BTreeSet::new();
        for write in writes.iter().filter(|write| write["unit"] == json!(unit)) {
            assert_eq!((&write["fc"], &write["address"]), (&json!(5), &json!(1)), "relays alone are written");
            let on = write["request"].as_str().expect("hex").ends_with("ff00");
            let at = time_of(write);
            // An order looks at the clock before it writes; the clock may leap by a minute in between.
            // None is written after the log says how it ended: the next order may be of the same side.
            let in_time = |one: &Logged| {
                one.sent.is_some_and(|sent| sent <= at)
                    && at < one.valid_until.plus(60)
                    && one.ended.is_none_or(|ended| at <= ended)
            };
            let fits = |one: &&Logged| one.on == on && in_time(one);
            let of = left.find(fits).unwrap_or_else(|| panic!("no order for {write} of {logged:#?}"));
            if write["relay_reported_on"] == json!(on) {
                shown.insert(of.command);
            }
            moves += 1;
        }
        // A write may be lost before the meter has it, where the relay is already where the order wants it.
        let is_there = |one: &Logged| {
            let before = |write: &&Value| one.ended.is_some_and(|ended| time_of(write) < ended);
            let last = writes.iter().filter(|write| write["unit"] == json!(unit)).rfind(before);
            last.map_or(one.on, |write| write["relay_reported_on"] == json!(one.on))
        };
        for one in logged.iter().filter(|one| one.confirmed) {
            // Where a person presses the button, a read-back may show it without a write.
            assert!(
                unit == PRESSED || shown.contains(&one.command) || is_there(one),
                "confirmed without a write that shows it at {unit}: {one:?}"
            );
        }
    }
    moves
}

/// Every reading is the truth of its minute, within the meter's step of 1 Wh.
fn compare_readings(events: &[Event], truth: &BTreeMap<Instant, Vec<i64>>) -> u64 {
    let mut count = 0;
    for row in events.iter().filter_map(Event::readings).flat_map(domain::event::ReadingsBatch::rows) {
        let Some(shown) = register_mwh(&row.kwh) else { continue };
        let unit: usize = row.meter.as_str().trim_start_matches("M-").parse().expect("a number");
        let then = truth.get(&row.time).unwrap_or_else(|| panic!("no round at {}", row.time));
        assert!(then[unit - 1].abs_diff(shown) <= 1_000, "{} at {}: {shown}, truth {then:?}", row.meter, row.time);
        count += 1;
    }
    count
}

fn run(framing: &str, seed: u64, wall: Duration) {
    let mut world = World::start_with(framing, METERS, ANSWER_MS);
    let mut chaos = Chaos {
        random: Random(seed),
        until: Moment::now() + wall,
        counts: Counts::new(),
        log_down: Arc::default(),
        truth: BTreeMap::new(),
    };
    let open = |world: &World, down: &Arc<AtomicBool>| {
        down.store(false, Ordering::SeqCst);
        Cable::new(EmbeddedLog::open(&world.log()).expect("opens"), Arc::clone(down))
    };
    let mut log = open(&world, &chaos.log_down);
    world.session_on(&mut log, |session| {
        session.publish(domain::event::SupplyPolicy { blast_least: 100, ..quick_policy() });
        session.turn();
    });
    while Moment::now() < chaos.until {
        let mut log = open(&world, &chaos.log_down);
        world.session_on(&mut log, |session| chaos.work(session));
    }
    let mut log = open(&world, &chaos.log_down);
    world.session_on(&mut log, |session| chaos.come_to_rest(session));
    drop(log);
    let events = world.events();
    let moves = compare_writes(&world, &events);
    let readings = compare_readings(&events, &chaos.truth);
    let entries = services::history::read(std::path::Path::new(&world.dir()), None).expect("reads");
    let (_, found) = services::history::replay(&entries, None).expect("replays");
    assert_eq!(found.differences, []);
    let mut told = format!(
        "chaos over {framing}, seed {seed}: {} events, {readings} readings, {moves} writes to relays, {} runs\n",
        events.len(),
        found.runs
    );
    for (what, count) in &chaos.counts {
        write!(told, "  {what} {count}").expect("a text takes it");
    }
    told.push('\n');
    std::io::stderr().write_all(told.as_bytes()).expect("says it");
    assert!(moves > 0 && readings > 0, "nothing happened");
}

#[test]
fn chaos_leaves_the_truth_in_the_log() {
    let soak = std::env::var("TALLYWATT_SOAK").is_ok_and(|soak| soak == "1");
    let given = std::env::var("TALLYWATT_SEED").ok().and_then(|seed| seed.parse::<u64>().ok());
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
    let seed = given.unwrap_or(since.subsec_nanos().into()).max(1);
    std::io::stderr().write_all(format!("TALLYWATT_SEED={seed}\n").as_bytes()).expect("says it");
    let wall = Duration::from_secs(if soak { 3_600 } else { 45 });
    std::thread::scope(|scope| {
        scope.spawn(|| run("tcp", seed, wall));
        scope.spawn(|| run("rtu", seed.wrapping_add(1).max(1), wall));
    });
}
