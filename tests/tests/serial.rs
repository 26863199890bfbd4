//! A serial port: a pseudo-terminal that leads to the simulator's RTU gateway.
#![cfg(unix)]

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant as Moment};

use adapters::clock::GivenClock;
use adapters::meter_bus::{Endpoint, Modbus, Nothing, Patience, Poller, Port, Profiles, Station};
use domain::event::{MeterId, register_mwh};
use domain::quantity::Instant;
use serde_json::json;
use tests::sim::Sim;

struct Bridge(Child);

impl Drop for Bridge {
    fn drop(&mut self) {
        self.0.kill().expect("kills");
        self.0.wait().expect("ends");
    }
}

#[test]
fn meters_are_read_over_a_serial_port() {
    let sim = Sim::start(Sim::plan("rtu", 3));
    let mut child = Command::new("python3")
        .arg(tests::sim::folder().join("pty_bridge.py"))
        .arg(sim.gateway("g"))
        .stdout(Stdio::piped())
        .spawn()
        .expect("Python");
    let mut path = String::new();
    BufReader::new(child.stdout.take().expect("a pipe")).read_line(&mut path).expect("a path");
    let _bridge = Bridge(child);
    let profiles = Profiles::shipped().expect("the shipped profiles");
    let profile = profiles.get("kpm33b").expect("shipped");
    let station = |unit: u8| Station {
        meter: MeterId::try_new(&format!("M-{unit}")).expect("an id"),
        unit,
        profile: Arc::clone(profile),
        serial: None,
    };
    // A pseudo-terminal has no parity.
    let port = Port { parity: 'N', ..profile.port };
    let endpoint = Endpoint::Serial { path: path.trim().to_owned(), port };
    let modbus = Modbus::new(endpoint, Patience::default());
    let stations: Arc<[Station]> = (1..=3).map(station).collect();
    let mut poller = Poller::new(modbus, stations, Duration::from_secs(60), Duration::from_secs(2));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let watch = Moment::now();
    for minute in 0..4 {
        let clock = GivenClock::new(Instant::new(sim.step(60)));
        // A frame that is lost to its checksum, and one that is cut, are asked for again.
        match minute {
            1 => sim.fault(json!({"kind": "crc", "gateway": "g", "unit": 2, "count": 1})),
            2 => sim.fault(json!({"kind": "truncated", "gateway": "g", "unit": 2, "count": 1})),
            _ => {}
        }
        let round = runtime.block_on(poller.round(&clock, &watch, &mut Nothing));
        assert!(round.silent.is_empty(), "{:?}", round.silent);
        for (answer, unit) in round.answers.iter().zip(1..) {
            let shown = register_mwh(&profile.reading(&answer.words).expect("the plan").kwh).expect("a number");
            let truth = sim.truth("g", unit)["import_mwh"].as_i64().expect("a number");
            assert!(shown.abs_diff(truth) <= 1_000, "unit {unit}: {shown}, truth {truth}");
        }
    }
}
