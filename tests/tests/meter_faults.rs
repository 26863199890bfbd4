//! Every wire and meter fault of the simulator, over Modbus TCP and RTU over
//! TCP: what the collector keeps is what the meter showed, the other meters
//! keep their rhythm, and nothing is written.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant as Moment};

use adapters::clock::GivenClock;
use adapters::intake::Arrival;
use adapters::meter_bus::{Endpoint, Modbus, Nothing, Patience, Poller, Profiles, Round, Station};
use domain::event::{MeterId, MeterInstalled, PointId, ReadingsBatch, SiteId, register_mwh};
use domain::metering::Metering;
use domain::quantity::Instant;
use serde_json::{Value, json};
use services::collect::{Source, arrival};
use tests::sim::Sim;

const METERS: u8 = 4;
/// The meter that the fault is on.
const SICK: u8 = 2;
const ANSWER: Duration = Duration::from_secs(1);

/// A bus of the simulator, polled round by round.
struct Bench {
    sim: Sim,
    poller: Poller<Modbus>,
    clock: GivenClock,
    runtime: tokio::runtime::Runtime,
    watch: Moment,
}

fn meter(unit: u8) -> MeterId {
    MeterId::try_new(&format!("M-{unit}")).expect("an id")
}

fn stations(count: u8) -> Arc<[Station]> {
    let profiles = Profiles::shipped().expect("the shipped profiles");
    let profile = profiles.get("kpm33b").expect("shipped");
    let station = |unit| Station {
        meter: meter(unit),
        unit,
        profile: Arc::clone(profile),
        serial: Some(format!("33B12259{unit:05}")),
    };
    (1..=count).map(station).collect()
}

impl Bench {
    fn start(framing: &str, meters: u8) -> Self {
        let sim = Sim::start(Sim::plan(framing, meters.into()));
        let at = sim.gateway("g");
        let endpoint = if framing == "tcp" { Endpoint::Tcp(at) } else { Endpoint::RtuOverTcp(at) };
        let patience = Patience { answer: ANSWER, ..Patience::default() };
        let poller =
            Poller::new(Modbus::new(endpoint, patience), stations(meters), Duration::from_secs(60), ANSWER * 2);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let clock = GivenClock::new(Instant::new(sim.now()));
        Self { sim, poller, clock, runtime, watch: Moment::now() }
    }

    /// A minute passes, and all meters are asked.
    fn round(&mut self) -> Round {
        self.clock.set(Instant::new(self.sim.step(60)));
        self.runtime.block_on(self.poller.round(&self.clock, &self.watch, &mut Nothing))
    }

    fn healthy_round(&mut self) {
        let round = self.round();
        assert!(round.silent.is_empty(), "{:?}", round.silent);
        self.compare(&round, &[]);
    }

    /// Every answer is what its meter shows, within one step of its resolution (1 Wh).
    fn compare(&self, round: &Round, except: &[u8]) {
        for answer in &round.answers {
            let index = self.poller.stations().iter().position(|station| station.meter == answer.meter);
            let unit = u8::try_from(index.expect("a meter of the bus") + 1).expect("few meters");
            if except.contains(&unit) {
                continue;
            }
            let (kwh, truth) = (self.kwh(answer), self.sim.truth("g", unit));
            let shown = register_mwh(&kwh).unwrap_or_else(|| panic!("{kwh} of unit {unit}"));
            let off = shown.abs_diff(truth["import_mwh"].as_i64().expect("a number"));
            assert!(off <= 1_000, "unit {unit}: {kwh} kWh, truth {truth}");
            assert_eq!(answer.time, round.began, "virtual time stands still");
        }
    }

    fn kwh(&self, answer: &adapters::meter_bus::Answer) -> String {
        self.reading(answer).kwh
    }

    fn reading(&self, answer: &adapters::meter_bus::Answer) -> adapters::meter_bus::Reading {
        let first = self.poller.stations().first().expect("a meter");
        first.profile.reading(&answer.words).expect("as many words as the plan has")
    }

    fn nothing_was_written(&self) {
        assert_eq!(self.sim.get("/writes"), json!([]));
    }
}

fn answered(round: &Round) -> Vec<MeterId> {
    round.answers.iter().map(|answer| answer.meter.clone()).collect()
}

/// The faults of the wire, with what they need; `echo_*` are of writes, and stand in `supply_switch.rs`.
fn wire_faults() -> Vec<Value> {
    let plain = [
        "timeout",
        "lost_request",
        "wrong_unit",
        "wrong_tid",
        "wrong_fc",
        "short",
        "long",
        "truncated",
        "garbage",
        "crc",
        "duplicate",
        "split",
        "reset",
    ];
    let mut all: Vec<Value> = plain.into_iter().map(|kind| json!({"kind": kind})).collect();
    // Just longer than the bus waits.
    all.extend(["slow", "late"].map(|kind| json!({"kind": kind, "delay_s": 1.3})));
    all.extend([1, 2, 3, 4, 6, 10, 11, 77].map(|code| json!({"kind": "exception", "code": code})));
    all
}

fn one_wire_fault(framing: &str, fault: &Value) {
    let mut bench = Bench::start(framing, METERS);
    bench.healthy_round();
    let others: Vec<MeterId> = (1..=METERS).filter(|unit| *unit != SICK).map(meter).collect();
    let mut on_the_wire = fault.clone();
    on_the_wire["gateway"] = json!("g");
    on_the_wire["unit"] = json!(SICK);
    // Once, and then for good: the second time a retry does not help.
    for count in [1, -1] {
        on_the_wire["count"] = json!(count);
        bench.sim.fault(on_the_wire.clone());
        let round = bench.round();
        let kept: Vec<MeterId> = answered(&round).into_iter().filter(|of| *of != meter(SICK)).collect();
        assert_eq!(kept, others, "{framing} {fault}: the others keep their rhythm: {:?}", round.silent);
        bench.compare(&round, &[]);
        bench.sim.heal();
        bench.healthy_round();
    }
    bench.nothing_was_written();
}

/// Runs every case in a simulator of its own, some at a time.
fn each<T: Send>(cases: Vec<T>, run: impl Fn(T) + Sync) {
    let queue = Mutex::new(cases);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                loop {
                    let Some(case) = queue.lock().expect("no case panicked with the queue").pop() else { return };
                    run(case);
                }
            });
        }
    });
}

#[test]
fn wire_faults_over_tcp() {
    each(wire_faults(), |fault| one_wire_fault("tcp", &fault));
}

#[test]
fn wire_faults_over_rtu() {
    each(wire_faults(), |fault| one_wire_fault("rtu", &fault));
}

#[test]
fn a_gateway_that_refuses_kills_no_meter() {
    each(vec!["tcp", "rtu"], |framing| {
        let mut bench = Bench::start(framing, METERS);
        bench.healthy_round();
        bench.sim.fault(json!({"kind": "refuse", "gateway": "g"}));
        for _ in 0..5 {
            let round = bench.round();
            assert!(round.answers.is_empty());
            assert_eq!((round.silent.len(), round.left_out), (METERS.into(), 0), "asked, and none of them dead");
        }
        bench.sim.heal();
        bench.healthy_round();
    });
}

#[test]
fn a_dead_meter_costs_a_tenth_at_most_and_comes_back() {
    each(vec!["tcp", "rtu"], |framing| {
        let mut bench = Bench::start(framing, METERS);
        bench.sim.fault(json!({"kind": "timeout", "gateway": "g", "unit": SICK}));
        let mut asked = 0;
        for _ in 0..12 {
            let round = bench.round();
            assert_eq!(round.answers.len(), usize::from(METERS - 1));
            asked += round.silent.len();
        }
        // Rounds 1 to 3 until it is dead, then 4, 6 and 10: one, two, four rounds after the last try.
        assert_eq!(asked, 3 + 3, "{framing}");
        bench.sim.heal();
        let back = (0..16).find(|_| bench.round().answers.len() == usize::from(METERS));
        assert!(back.is_some(), "{framing}: tried again within 16 rounds");
        bench.healthy_round();
    });
}

/// What the log would be told of the sick meter, for each meter fault.
#[test]
fn meter_faults_are_told_as_they_are_shown() {
    let cases = ["tcp", "rtu"].into_iter().flat_map(|framing| {
        ["stuck", "backwards", "rollover", "swap", "clock_skew", "nan", "ghost_zero", "welded", "rates_mismatch"]
            .map(|kind| (framing, kind))
    });
    each(cases.collect(), |(framing, kind)| {
        let mut bench = Bench::start(framing, METERS);
        bench.healthy_round();
        let before = bench.sim.truth("g", SICK)["import_mwh"].as_i64().expect("a number");
        let mut fault = json!({"kind": kind, "gateway": "g", "unit": SICK, "kwh": "7.5", "seconds": -662_601_600});
        if kind == "swap" {
            fault["serial"] = json!("33B1299999999");
        }
        bench.sim.fault(fault);
        let round = bench.round();
        assert!(round.silent.is_empty(), "{kind}: {:?}", round.silent);
        bench.compare(&round, &[SICK]);
        let answer = round.answers.iter().find(|answer| answer.meter == meter(SICK)).expect("it answers");
        let reading = bench.reading(answer);
        let truth = bench.sim.truth("g", SICK)["import_mwh"].as_i64().expect("a number");
        let own = Some(format!("33B12259{SICK:05}"));
        let shown = register_mwh(&reading.kwh);
        let near = |mwh: i64| shown.is_some_and(|shown| shown.abs_diff(mwh) <= 1_000);
        match kind {
            "stuck" => assert!(near(before) && !near(truth)),
            "backwards" => assert!(near(truth - 7_500_000)),
            "rollover" => assert!(near(truth % 7_500_000)),
            "swap" => assert_eq!((near(7_512_500), reading.serial), (true, Some("33B1299999999".to_owned()))),
            "clock_skew" => {
                let clock = reading.clock.expect("a clock").and_utc().timestamp();
                assert_eq!(clock, round.began.get() - 662_601_600);
                assert!(near(truth));
            }
            "nan" => assert_eq!((reading.kwh.as_str(), &reading.serial), ("nan", &own)),
            "ghost_zero" => assert_eq!((reading.kwh.as_str(), &reading.serial), ("0.000", &None)),
            _ => assert!(near(truth) && reading.serial == own),
        }
        bench.sim.heal();
        bench.healthy_round();
        bench.nothing_was_written();
    });
}

/// What is booked of the sick meter, from its installation on: the rows go the
/// way of all rows, and the gate judges them.
struct Books {
    metering: Metering,
    rounds: u64,
}

impl Books {
    fn open(at: Instant) -> Self {
        let mut metering = Metering::new();
        let table = MeterInstalled {
            final_kwh: None,
            id: meter(SICK),
            installed: at,
            max_kw: Some(50.into()),
            modulus_kwh: None,
            multiplier: 1.into(),
            point: PointId::try_new("P").expect("an id"),
            removed: None,
            serial: Some(format!("33B12259{SICK:05}")),
            start_kwh: None,
        };
        metering.install(&table, at).expect("a table that can be");
        Self { metering, rounds: 0 }
    }

    fn enter(&mut self, bench: &Bench, round: &Round) {
        let source = Source {
            site: SiteId::try_new("s").expect("an id"),
            collector: "c".to_owned(),
            bus: "g".to_owned(),
            zone: "UTC".parse().expect("a zone"),
        };
        let Some(Arrival::Poll(poll)) = arrival(&source, bench.poller.stations(), round) else { return };
        let rows: Vec<_> = poll.rows().filter(|row| row.meter == meter(SICK)).collect();
        if rows.is_empty() {
            return;
        }
        self.rounds += 1;
        let batch = ReadingsBatch::try_new(0, round.began, &rows, None).expect("a batch");
        self.metering.record(self.rounds, round.began, &batch);
        self.metering.advance(round.began).expect("a site that can be");
    }
}

/// Whatever a meter shows or a wire does, no energy is booked that was not
/// used; and when it is well again, all that was used is.
#[test]
fn no_energy_is_booked_that_was_not_used() {
    let meter_faults =
        ["stuck", "backwards", "rollover", "swap", "clock_skew", "nan", "ghost_zero", "welded", "rates_mismatch"];
    let wire = ["timeout", "wrong_unit", "short", "garbage", "crc", "duplicate"];
    let cases = ["tcp", "rtu"]
        .into_iter()
        .flat_map(|framing| meter_faults.into_iter().chain(wire).map(move |kind| (framing, kind)));
    each(cases.collect(), |(framing, kind)| {
        let mut bench = Bench::start(framing, SICK);
        let mwh = |bench: &Bench| bench.sim.truth("g", SICK)["import_mwh"].as_i64().expect("a number");
        let mut round = bench.round();
        let (start, before) = (round.began, mwh(&bench));
        let mut books = Books::open(start);
        books.enter(&bench, &round);
        for minute in 0..9 {
            if minute == 3 {
                let mut fault =
                    json!({"kind": kind, "gateway": "g", "unit": SICK, "kwh": "7.5", "seconds": -662_601_600});
                if kind == "swap" {
                    fault["serial"] = json!("33B1299999999");
                }
                bench.sim.fault(fault);
            }
            if minute == 5 {
                bench.sim.heal();
            }
            round = bench.round();
            books.enter(&bench, &round);
            let booked = books.metering.energy(&meter(SICK), start, round.began).get();
            let used = mwh(&bench) - before;
            assert!(booked <= used + 1_000, "{framing} {kind}: {booked} mWh booked, {used} used");
        }
        let booked = books.metering.energy(&meter(SICK), start, round.began).get();
        let used = mwh(&bench) - before;
        assert!(booked.abs_diff(used) <= 1_000, "{framing} {kind}: {booked} mWh booked, {used} used");
        let quarantined = books.metering.quarantine().len();
        let wanted = match kind {
            "backwards" | "rollover" | "swap" | "nan" | "ghost_zero" => 2,
            _ => 0,
        };
        assert_eq!(quarantined, wanted, "{framing} {kind}");
    });
}

/// A minute in `make test`, an hour in `make soak`: every fault of the wire at random on eight meters.
#[test]
fn chaos() {
    let soak = std::env::var_os("TALLYWATT_SOAK").is_some();
    let limit = Duration::from_secs(if soak { 3_600 } else { 15 });
    let seed = std::env::var("TALLYWATT_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or_else(fresh_seed);
    println!("seed {seed} (TALLYWATT_SEED repeats it)");
    std::thread::scope(|scope| {
        for framing in ["tcp", "rtu"] {
            scope.spawn(move || chaos_on(framing, seed, limit));
        }
    });
}

fn fresh_seed() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
    u64::from(now.subsec_nanos())
}

fn chaos_on(framing: &str, seed: u64, limit: Duration) {
    let mut random = seed;
    let mut draw = move |below: usize| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(random >> 33).expect("31 bits") % below
    };
    let mut bench = Bench::start(framing, 8);
    let (start, faults) = (Moment::now(), wire_faults());
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    let (mut rounds, mut readings) = (0, 0);
    while start.elapsed() < limit {
        for _ in 0..draw(3) {
            let mut fault = faults[draw(faults.len())].clone();
            *counts.entry(fault["kind"].as_str().expect("a kind").to_owned()).or_default() += 1;
            fault["gateway"] = json!("g");
            fault["unit"] = json!(draw(8) + 1);
            fault["count"] = json!(draw(4) + 1);
            bench.sim.fault(fault);
        }
        let round = bench.round();
        bench.compare(&round, &[]);
        rounds += 1;
        readings += round.answers.len();
    }
    bench.sim.heal();
    // Whoever was left for dead is asked again within 16 rounds.
    assert!((0..17).any(|_| bench.round().answers.len() == 8), "{framing}: all are back");
    bench.healthy_round();
    bench.nothing_was_written();
    println!("{framing}: {rounds} rounds, {readings} readings, each as shown; faults {counts:?}");
}
