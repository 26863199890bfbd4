//! The relay against the simulator: what is confirmed has moved, what has
//! moved has its outcome, and nothing forbidden is ever written.

use std::sync::Arc;
use std::time::Duration;

use adapters::clock::GivenClock;
use adapters::meter_bus::{Contact, Endpoint, MeterBus as _, Modbus, Order, Patience, Profiles, Station};
use adapters::supply_switch::{Outcome, Pace, SupplySwitch as _, SwitchOrder, Switchboard, Verdict, switch};
use domain::event::{EventId, MeterId};
use domain::quantity::Instant;
use serde_json::{Value, json};
use tests::sim::Sim;

const NOW: i64 = 1_768_176_000;
const PACE: Pace = Pace { settle_ms: 1 };

struct Bench {
    sim: Sim,
    bus: Modbus,
    station: Station,
    clock: GivenClock,
    runtime: tokio::runtime::Runtime,
    sent: usize,
}

impl Bench {
    fn start(framing: &str) -> Self {
        let sim = Sim::start(Sim::plan(framing, 2));
        let at = sim.gateway("g");
        let endpoint = if framing == "tcp" { Endpoint::Tcp(at) } else { Endpoint::RtuOverTcp(at) };
        let patience = Patience { answer: Duration::from_secs(1), ..Patience::default() };
        let profiles = Profiles::shipped().expect("the shipped profiles");
        let station = Station {
            meter: MeterId::try_new("M-1").expect("an id"),
            unit: 1,
            profile: Arc::clone(profiles.get("kpm33b").expect("shipped")),
            serial: Some("33B1225900001".to_owned()),
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let clock = GivenClock::new(Instant::new(NOW));
        Self { sim, bus: Modbus::new(endpoint, patience), station, clock, runtime, sent: 0 }
    }

    fn order(&self, to: Contact) -> SwitchOrder {
        let valid_until = Instant::new(NOW + 60);
        SwitchOrder { id: EventId::derive(&[b"order"]), meter: self.station.meter.clone(), to, valid_until }
    }

    /// Moves the relay. Every write in the simulator's list belongs to an
    /// outcome that says so, and what is confirmed is true.
    fn switch(&mut self, to: Contact) -> Outcome {
        let order = self.order(to);
        let outcome = self.runtime.block_on(switch(&mut self.bus, &self.station, order, &self.clock, PACE));
        self.sent += usize::from(outcome.sent);
        let writes = self.sim.get("/writes");
        let writes = writes.as_array().expect("a list");
        assert!(writes.len() <= self.sent, "a write without its outcome: {writes:?}");
        assert!(writes.iter().all(|write| write["forbidden"] == json!(false)), "{writes:?}");
        let on = self.sim.truth("g", 1)["relay_reported_on"].as_bool().expect("a state");
        if let Some(read) = outcome.read_back {
            assert_eq!(read == Contact::On, on, "read back what is: {outcome:?}");
        }
        outcome
    }

    /// After so many writes that are no relay's.
    fn switch_after(&mut self, writes: usize, to: Contact) -> Outcome {
        self.sent += writes;
        self.switch(to)
    }

    fn fault(&self, fault: Value) {
        let mut fault = fault;
        fault["gateway"] = json!("g");
        fault["unit"] = json!(1);
        self.sim.fault(fault);
    }

    fn is_on(&self) -> bool {
        self.sim.truth("g", 1)["relay_reported_on"].as_bool().expect("a state")
    }
}

fn on_both(run: impl Fn(&mut Bench) + Sync) {
    std::thread::scope(|scope| {
        for framing in ["tcp", "rtu"] {
            let run = &run;
            scope.spawn(move || run(&mut Bench::start(framing)));
        }
    });
}

#[test]
fn a_cut_and_a_restore_are_confirmed_by_read_back() {
    on_both(|bench| {
        let cut = bench.switch(Contact::Off);
        assert_eq!((cut.verdict, cut.read_back, cut.current_ma), (Verdict::Confirmed, Some(Contact::Off), Some(0)));
        assert!(cut.sent && cut.echoed && cut.serial.as_deref() == Some("33B1225900001"));
        let restored = bench.switch(Contact::On);
        assert_eq!((restored.verdict, restored.current_ma), (Verdict::Confirmed, None));
        assert!(bench.is_on());
    });
}

#[test]
fn an_echo_is_not_a_switch() {
    on_both(|bench| {
        // The echo says the opposite, and the relay moved: the read-back knows.
        bench.fault(json!({"kind": "echo_opposite", "fc": [5], "count": 1}));
        let cut = bench.switch(Contact::Off);
        assert_eq!((cut.verdict, cut.echoed, bench.is_on()), (Verdict::Confirmed, false, false));
        // The echo is right, and nothing moved.
        bench.fault(json!({"kind": "echo_not_applied", "fc": [5], "count": 1}));
        let restored = bench.switch(Contact::On);
        assert_eq!((restored.verdict, restored.echoed, bench.is_on()), (Verdict::NotMoved, true, false));
        // The answer is lost, and the relay moved.
        bench.fault(json!({"kind": "timeout", "fc": [5], "count": 1}));
        let restored = bench.switch(Contact::On);
        assert_eq!((restored.verdict, restored.echoed, bench.is_on()), (Verdict::Confirmed, false, true));
        // The order is lost.
        bench.fault(json!({"kind": "lost_request", "fc": [5], "count": 1}));
        assert_eq!((bench.switch(Contact::Off).verdict, bench.is_on()), (Verdict::NotMoved, true));
        // The meter says no.
        bench.fault(json!({"kind": "exception", "code": 4, "fc": [5], "count": 1}));
        assert_eq!((bench.switch(Contact::Off).verdict, bench.is_on()), (Verdict::NotMoved, true));
    });
}

#[test]
fn what_cannot_be_read_back_is_unknown() {
    on_both(|bench| {
        bench.fault(json!({"kind": "timeout", "fc": [1]}));
        let cut = bench.switch(Contact::Off);
        assert!(matches!(cut.verdict, Verdict::Unknown(_)) && cut.sent && cut.read_back.is_none(), "{cut:?}");
        assert!(!bench.is_on(), "it moved all the same");
    });
}

#[test]
fn a_welded_relay_is_no_cut() {
    on_both(|bench| {
        bench.fault(json!({"kind": "welded"}));
        let cut = bench.switch(Contact::Off);
        let Verdict::Welded(ma) = cut.verdict else { panic!("{cut:?}") };
        assert!((1_000..1_200).contains(&ma), "750 W over three phases: {ma} mA");
    });
}

#[test]
fn another_device_is_never_written_to() {
    on_both(|bench| {
        bench.fault(json!({"kind": "swap", "kwh": "1", "serial": "33B1299999999"}));
        let cut = bench.switch(Contact::Off);
        assert_eq!((cut.verdict, cut.sent), (Verdict::OtherDevice("33B1299999999".to_owned()), false));
        bench.sim.heal();
        bench.station.serial = None;
        assert_eq!(bench.switch(Contact::Off).verdict, Verdict::NoSerial);
        assert_eq!(bench.sim.get("/writes"), json!([]));
        assert!(bench.is_on());
    });
}

#[test]
fn an_order_past_its_time_or_to_a_deaf_meter_writes_nothing() {
    on_both(|bench| {
        bench.clock.set(Instant::new(NOW + 60));
        assert_eq!(bench.switch(Contact::Off).verdict, Verdict::Expired);
        bench.clock.set(Instant::new(NOW));
        bench.fault(json!({"kind": "timeout", "fc": [3]}));
        let cut = bench.switch(Contact::Off);
        assert!(matches!(cut.verdict, Verdict::Unreachable(_)) && !cut.sent, "{cut:?}");
        assert_eq!(bench.sim.get("/writes"), json!([]));
    });
}

/// A person sets the mode to local: no write of ours could.
fn set_local(sim: &Sim) {
    use std::io::{Read as _, Write as _};
    let mut socket = std::net::TcpStream::connect(sim.gateway("g")).expect("connects");
    let request = [0, 1, 0, 0, 0, 9, 1, 16, 0, 0x1E, 0, 1, 2, 0xDD, 0x11];
    socket.write_all(&request).expect("asks");
    socket.read_exact(&mut [0; 12]).expect("answers");
}

#[test]
fn a_relay_in_local_mode_is_seen_and_set_to_remote() {
    let mut bench = Bench::start("tcp");
    set_local(&bench.sim);
    let cut = bench.switch_after(1, Contact::Off);
    assert_eq!((cut.verdict, cut.sent), (Verdict::NotRemote, false));
    let remote = bench.station.profile.write(Order::RemoteMode).expect("a KPM33B has a mode");
    bench.runtime.block_on(bench.bus.write(1, &remote)).expect("writes");
    assert_eq!(bench.switch_after(1, Contact::Off).verdict, Verdict::Confirmed);
    let writes = bench.sim.get("/writes");
    assert_eq!((&writes[1]["fc"], &writes[1]["address"]), (&json!(16), &json!(0x1E)));
}

#[test]
fn the_board_gives_every_order_one_outcome() {
    let bench = Bench::start("tcp");
    let mut board = Switchboard::new(bench.clock.clone());
    let orders = board.connect(vec![bench.station.clone()].into(), PACE);
    let elsewhere = SwitchOrder { meter: MeterId::try_new("M-9").expect("an id"), ..bench.order(Contact::On) };
    let outcome = board.switch(elsewhere).wait(Duration::ZERO).expect("at once");
    assert_eq!((outcome.verdict, outcome.sent), (Verdict::NoMeter, false));
    // A bus that ends leaves no order without its outcome either.
    drop(orders);
    let outcome = board.switch(bench.order(Contact::On)).wait(Duration::ZERO).expect("at once");
    assert_eq!(outcome.verdict, Verdict::NoMeter);
}
