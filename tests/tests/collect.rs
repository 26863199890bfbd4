//! The collector as a whole: polls of the simulator in the spool, an uplink
//! that is cut and comes back, frames over MQTT, files in a folder.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::time::Duration;

use adapters::clock::GivenClock;
use adapters::event_log::MemoryLog;
use adapters::event_log::jetstream::Options;
use adapters::inbox::JetStreamInbox;
use adapters::intake::{Arrival, Intake, JetStreamIntake, MemoryIntake, Poll, Spool};
use adapters::supply_switch::Pace;
use domain::event::{Decoder, EventId, MeterId, SiteId, register_mwh};
use domain::quantity::Instant;
use services::collect::{Collector, Config, CsvFolder, Frames, Heard, Uplink};
use services::owner::{COMMIT, Feed, Inlet, Owner};
use tests::nats::{ALWAYS, Server};
use tests::sim::Sim;

fn config(text: &str) -> Config {
    Config::parse(Path::new("/nowhere/collector.toml"), text).unwrap_or_else(|error| panic!("{error}"))
}

fn polls(intake: &mut dyn Intake) -> Vec<Poll> {
    let items = intake.take(usize::MAX).expect("takes");
    let poll = |bytes: &[u8]| match Arrival::decode(bytes).expect("an arrival") {
        Arrival::Poll(poll) => poll,
        Arrival::Fact(fact) => panic!("{fact:?}"),
    };
    items.iter().map(|item| poll(&item.bytes)).collect()
}

#[test]
fn two_buses_are_polled_on_the_minute() {
    let mut plan = Sim::plan("tcp", 3);
    let mut second = plan["gateway"][0].clone();
    second["name"] = "h".into();
    second["framing"] = "rtu".into();
    plan["gateway"].as_array_mut().expect("a list").push(second);
    let sim = Sim::start(plan);
    let meters = |bus: &str| {
        let meter = |n: u8| {
            format!(
                "[[bus.meter]]\nmeter = \"{bus}{n}\"\nunit = {n}\nprofile = \"kpm33b\"\nserial = \"33B12259{n:05}\"\n"
            )
        };
        (1..=3).map(meter).collect::<String>()
    };
    let text = format!(
        "site = \"s\"\ncollector = \"c\"\n[intake]\nspool = \"unused.db\"\n[[bus]]\nname = \"g\"\ntcp = \"{}\"\n{}[[bus]]\nname = \"h\"\nrtu_over_tcp = \"{}\"\n{}",
        sim.gateway("g"),
        meters("G"),
        sim.gateway("h"),
        meters("H")
    );
    let mut intake = MemoryIntake::new();
    let kept = intake.reopen();
    let clock = GivenClock::new(Instant::new(sim.now()));
    let (send, heard) = channel();
    let send = std::sync::Mutex::new(send);
    let tell = move |said: Heard<'_>| match said {
        Heard::Round { bus, round } => {
            send.lock().expect("whole").send((bus.to_owned(), round.began)).expect("the test listens")
        }
        other => panic!("{other:?}"),
    };
    let open = move || -> Result<Box<dyn Intake>, _> { Ok(Box::new(kept.reopen())) };
    let collector = Collector::start(&config(&text), &open, clock.clone(), Pace::default(), tell).expect("starts");
    let mut began = Vec::new();
    for _ in 0..3 {
        let now = Instant::new(sim.step(60));
        clock.set(now);
        let mut buses: Vec<_> = [0, 1].map(|_| heard.recv().expect("a round")).into();
        buses.sort();
        assert_eq!(buses, [("g".to_owned(), now), ("h".to_owned(), now)]);
        began.push(now);
    }
    collector.stop();
    assert_eq!(logged(&mut intake.reopen(), &clock), 3, "an event a minute, of both buses");
    let polls = polls(&mut intake);
    assert_eq!(polls.len(), 6);
    for (number, poll) in polls.iter().enumerate() {
        assert_eq!((poll.site.as_str(), poll.collector.as_str(), poll.time), ("s", "c", began[number / 2]));
        for (polled, unit) in poll.meters.iter().zip(1u8..) {
            assert_eq!(polled.meter.as_str(), format!("{}{unit}", poll.bus.to_uppercase()));
            assert_eq!(polled.serial.as_deref(), Some(format!("33B12259{unit:05}").as_str()));
            assert_eq!(polled.device_time, Some(poll.time));
            // 750 W: 12.5 Wh a minute, shown in whole Wh.
            let minutes = i64::try_from(number / 2).expect("few") + 1;
            assert_eq!(register_mwh(&polled.kwh), Some((100_000_000 + minutes * 12_500) / 1_000 * 1_000));
            assert!(polled.profile.as_deref().is_some_and(|profile| profile.starts_with("kpm33b/")));
            assert_eq!(polled.words.as_deref().map(str::len), Some(32 * 4));
        }
    }
}

/// Hands all polls to an owner; how many events its log has. Each register in
/// the log is as it was polled, and the log has each once, also when it is asked to take them again.
fn logged(intake: &mut MemoryIntake, clock: &GivenClock) -> usize {
    let wanted: Vec<_> = polls(&mut intake.reopen()).iter().flat_map(Poll::rows).collect();
    let log = MemoryLog::new();
    for _ in 0..2 {
        let mut own = log.clone();
        let mut owner = Owner::open(&mut own, SiteId::try_new("s").expect("an id"), COMMIT).expect("opens");
        // Not acknowledged: the second owner is given all of it again.
        let mut again = intake.reopen();
        let mut inlet = Inlet::new(&mut again, clock, Feed::Buses { patience_s: 0 });
        let taken = inlet.pump(&mut owner).expect("pumps");
        assert!(taken.refused.is_empty(), "{:?}", taken.refused);
        owner.flush().expect("flushes");
    }
    let mut decoder = Decoder::new();
    let events = tests::shard::events(&log).expect("reads");
    let decoded = events.iter().map(|event| decoder.decode(&event.bytes).expect("an event"));
    let parts: Vec<Vec<_>> = decoded.filter_map(|event| Some(event.readings()?.rows().collect())).collect();
    assert_eq!(parts.concat(), wanted);
    parts.len()
}

/// What stands between a leaf node and its hub, to be cut.
mod cable {
    use std::io::copy;
    use std::net::{Shutdown, TcpListener, TcpStream};
    use std::sync::{Arc, Mutex};

    pub struct Cable {
        pub address: String,
        open: Arc<Mutex<Option<Vec<TcpStream>>>>,
    }

    impl Cable {
        pub fn new(to: String) -> Self {
            let listener = TcpListener::bind("127.0.0.1:0").expect("binds");
            let address = listener.local_addr().expect("an address").to_string();
            let open = Arc::new(Mutex::new(Some(Vec::new())));
            let held = Arc::clone(&open);
            std::thread::spawn(move || {
                for near in listener.incoming().map_while(Result::ok) {
                    let mut held = held.lock().expect("whole");
                    // A cable that is cut lets nothing through.
                    let Some(streams) = held.as_mut() else { continue };
                    let Ok(far) = TcpStream::connect(&to) else { continue };
                    let twin = |stream: &TcpStream| stream.try_clone().expect("a socket");
                    for (mut from, mut to) in [(twin(&near), twin(&far)), (twin(&far), twin(&near))] {
                        std::thread::spawn(move || {
                            copy(&mut from, &mut to).unwrap_or(0);
                            to.shutdown(Shutdown::Both).unwrap_or_default();
                        });
                    }
                    streams.extend([near, far]);
                }
            });
            Self { address, open }
        }

        pub fn cut(&self) {
            let streams = self.open.lock().expect("whole").take();
            for stream in streams.into_iter().flatten() {
                stream.shutdown(Shutdown::Both).unwrap_or_default();
            }
        }

        pub fn mend(&self) {
            *self.open.lock().expect("whole") = Some(Vec::new());
        }
    }
}

fn small_poll(number: u32) -> (EventId, Vec<u8>) {
    let site = SiteId::try_new("s").expect("an id");
    let meter = MeterId::try_new("M-1").expect("an id");
    let time = Instant::new(1_768_176_000 + i64::from(number) * 60);
    let polled = adapters::intake::PolledMeter::new(meter, &format!("100.{number:03}"));
    Arrival::Poll(Poll::new(site, "c", "b", time, vec![polled])).encode().expect("bytes")
}

/// Waits until a number is reached; a minute is a failure of the uplink, not of the machine.
fn reached(what: impl Fn() -> bool) {
    let until = std::time::Instant::now() + Duration::from_secs(60);
    while !what() {
        assert!(std::time::Instant::now() < until, "not within a minute");
        std::thread::yield_now();
        std::thread::park_timeout(Duration::from_millis(10));
    }
}

struct StopAtEnd<'a>(&'a AtomicBool);

impl Drop for StopAtEnd<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// A leaf node at the edge: its cable to the hub is cut while polls come in, twice.
#[test]
fn a_cut_uplink_loses_nothing_and_doubles_nothing() {
    let folders = [(); 2].map(|()| tempfile::tempdir().expect("a folder"));
    let store = format!("domain: hub\n{ALWAYS}");
    let hub =
        Server::start_with(folders[0].path(), Some(&store), |host| format!("leafnodes {{ listen: '{host}:7422' }}"));
    let cable = cable::Cable::new(format!("{}:7422", hub.host()));
    let leaf = Server::start_with(folders[1].path(), None, |_| {
        format!(
            "mappings: {{ '$JS.API.>': '$JS.hub.API.>' }}\nleafnodes {{ reconnect: 1, remotes: [{{ url: 'nats-leaf://{}', ignore_discovered_servers: true }}] }}",
            cable.address
        )
    });
    let options =
        Options { server: leaf.options.server.clone(), patience: Duration::from_secs(2), ..hub.options.clone() };
    let spool_path = folders[1].path().join("spool.db");
    let mut spool = Spool::open(&spool_path).expect("opens");
    reached(|| JetStreamIntake::open(&options).is_ok());
    let uplink = Uplink::new(&spool_path, options);
    let passed = uplink.passed();
    let stop = AtomicBool::new(false);
    let wanted: Vec<(EventId, Vec<u8>)> = (0..300).map(small_poll).collect();
    std::thread::scope(|scope| {
        scope.spawn(|| uplink.run(&stop));
        // Also when an assertion fails, or the scope would wait for ever.
        let stop = StopAtEnd(&stop);
        for (index, part) in wanted.chunks(100).enumerate() {
            if index > 0 {
                cable.cut();
                let failed = passed.failures();
                spool.offer(part[0].0, &part[0].1).expect("the disk is there all the same");
                reached(|| passed.failures() > failed);
            }
            for (id, bytes) in part {
                spool.offer(*id, bytes).expect("the disk is there all the same");
            }
            if index > 0 {
                cable.mend();
            }
            let so_far = u64::try_from((index + 1) * 100).expect("few");
            reached(|| passed.items() >= so_far);
        }
        drop(stop);
    });
    let mut intake = JetStreamIntake::open(&hub.options).expect("opens");
    let got: Vec<_> = intake.take(usize::MAX).expect("takes").into_iter().map(|item| (item.id, item.bytes)).collect();
    assert!(got == wanted, "{} items, each once and in order", got.len());
    assert!(Spool::open(&spool_path).expect("opens").take(1).expect("takes").is_empty());
}

fn field(name: &str) -> std::path::PathBuf {
    tests::field::path(name)
}

/// The field log is published by the meters' simulator, through nats-server's MQTT listener.
#[test]
fn mqtt_frames_arrive_once_and_give_the_expected_counts() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Server::start_with(folder.path(), Some(ALWAYS), |host| {
        format!("server_name: t\nmqtt {{ listen: '{host}:1883' }}")
    });
    let topics = ["MQTT_ENY_NOW".to_owned()];
    let mut inbox = JetStreamInbox::open(&server.options, &topics).expect("opens");
    let log = field("MQTT_ENY_NOW_20260112-1535.log");
    let published = Command::new("python3")
        .env("PYTHONPATH", concat!(env!("CARGO_MANIFEST_DIR"), "/../.tools/paho-mqtt"))
        .arg(tests::sim::folder().join("mqtt_kpm_sim.py"))
        .args(["replay", "--broker", &format!("{}:1883", server.host()), "--log"])
        .arg(&log)
        .output()
        .expect("Python");
    assert!(published.status.success(), "{}", String::from_utf8_lossy(&published.stderr));
    // The stream has every frame, unchanged and in order: so the importer gives the field's counts.
    let mut all = Vec::new();
    while all.len() < 2_072 {
        all.extend(adapters::inbox::Inbox::take(&mut inbox, 5_000).expect("takes"));
    }
    let text: Vec<u8> = all.iter().flat_map(|m| [m.topic.as_bytes(), b" ", &m.payload, b"\n"].concat()).collect();
    assert_eq!(text, std::fs::read(&log).expect("reads"));
    // And the way into the intake, broken off and begun again, brings each frame of a known meter once.
    let meters = ["33B1225950027", "33B1225950028", "33B1225950029"];
    let frames = Frames {
        site: SiteId::try_new("s").expect("an id"),
        collector: "c".to_owned(),
        name: "mqtt".to_owned(),
        zone: chrono_tz(),
        meters: meters.iter().map(|serial| ((*serial).to_owned(), MeterId::try_new(serial).expect("an id"))).collect(),
        refused: folder.path().join("refused.jsonl"),
    };
    let mut intake = MemoryIntake::new();
    let mut sum = (0, 0);
    loop {
        // Opened anew for each turn: what was acknowledged does not come again.
        let mut inbox = JetStreamInbox::open(&server.options, &topics).expect("opens");
        let turn = frames.turn(&mut inbox, &mut intake).expect("a turn");
        if turn == Default::default() {
            break;
        }
        sum = (sum.0 + turn.readings, sum.1 + turn.refused);
    }
    assert_eq!(sum, (2_072 - 414, 414), "the fourth serial is nobody's");
    let refused = std::fs::read_to_string(&frames.refused).expect("reads");
    assert_eq!(refused.lines().filter(|line| line.contains("unknown_meter")).count(), 414);
    let polls = polls(&mut intake);
    let mut counts: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for polled in polls.iter().flat_map(|poll| &poll.meters) {
        let count = counts.entry(polled.meter.as_str()).or_default();
        *count = (count.0 + 1, count.1 + usize::from(polled.kwh == "0.000"));
        assert!(polled.device_time.is_some() && polled.serial.as_deref() == Some(polled.meter.as_str()));
    }
    let zeros: usize = counts.values().map(|(_, zeros)| zeros).sum();
    assert_eq!(zeros, 622, "the ghosts of registered meters, for the gate behind the log: {counts:?}");
}

fn chrono_tz() -> services::collect::Tz {
    "Europe/Vienna".parse().expect("a zone")
}

#[test]
fn a_file_in_the_folder_becomes_readings_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut intake = MemoryIntake::new();
    let mut watched = CsvFolder::new(folder.path(), SiteId::try_new("s").expect("an id"), "c");
    let text = "time,meter,kwh,serial\n2026-01-12T00:00:00Z,M-1,100.5,33B1\nyesterday,M-1,101,\n2026-01-12T00:15:00Z,M-1,1e3,\n\
                2026-01-12T00:15:00+01:00,M-2,7,\n2026-01-12T00:30:00Z,,7,\n";
    std::fs::write(folder.path().join("a.csv"), text).expect("writes");
    assert_eq!(watched.look(&mut intake).expect("looks"), [], "it may still grow");
    std::fs::write(folder.path().join("a.csv"), format!("{text}2026-01-12T00:45:00Z,M-1,101.25,\n")).expect("writes");
    assert_eq!(watched.look(&mut intake).expect("looks"), [], "it grew");
    let taken = watched.look(&mut intake).expect("looks");
    assert_eq!((taken[0].readings, taken[0].rejected, taken.len()), (3, 3, 1));
    let list = std::fs::read_to_string(folder.path().join("error/a.csv")).expect("a list");
    let lines: Vec<&str> = list.lines().collect();
    assert_eq!(lines.len(), 4);
    assert!(
        lines[1].starts_with("3,\"time: not an RFC 3339") || lines[1].starts_with("3,time: not an RFC 3339"),
        "{list}"
    );
    assert!(lines[2].starts_with("4,") && lines[2].contains("1e3"), "{list}");
    assert!(lines[3].starts_with("6,meter is empty"), "{list}");
    assert!(folder.path().join("done/a.csv").exists() && !folder.path().join("a.csv").exists());
    let kept = polls(&mut intake);
    let rows: Vec<_> =
        kept.iter().flat_map(Poll::rows).map(|row| (row.meter.to_string(), row.kwh.to_string(), row.place)).collect();
    let row = |meter: &str, kwh: &str, place| (meter.to_owned(), kwh.to_owned(), place);
    assert_eq!(rows, [row("M-1", "100.5", 2), row("M-2", "7", 5), row("M-1", "101.25", 7)]);
    // The same file again has the same items, and another place in done/.
    std::fs::copy(folder.path().join("done/a.csv"), folder.path().join("a.csv")).expect("copies");
    watched.look(&mut intake).expect("looks");
    assert_eq!(watched.look(&mut intake).expect("looks").len(), 1);
    assert!(folder.path().join("done/a-2.csv").exists());
    assert!(polls(&mut intake).is_empty(), "the same items, waiting already");
}

#[test]
fn a_wrong_file_names_its_key() {
    let good = services::collect::EXAMPLE;
    let parsed = config(good);
    assert_eq!(parsed.buses.iter().map(|bus| bus.stations.len()).collect::<Vec<_>>(), [2, 1, 1]);
    for (from, to, want) in [
        ("unit = 1 ", "unit = 0 ", "bus floors-1-2: meter M-101: unit: 1 to 247"),
        ("unit = 2", "unit = 1", "bus floors-1-2: meter M-102: unit"),
        ("\"M-102\"", "\"M-101\"", "meter M-101: meter: is on two buses or twice"),
        (
            "profile = \"kpm33b\"\nserial = \"33B1225950028\"",
            "profile = \"kpm33\"",
            "profile: `kpm33` is none of abb_b23",
        ),
        ("period_s = 60", "period_s = 7", "period_s: seconds that divide an hour"),
        ("tcp = \"192", "tpc = \"192", "unknown field `tpc`"),
        ("serial = \"/dev", "tcp = \"x:1\"\nserial = \"/dev", "bus plant-room: one of tcp, rtu_over_tcp and serial"),
        ("\"Europe/London\"", "\"Europe/Londn\"", "time_zone: a name such as"),
        ("name = \"shops\"", "name = \"floors-1-2\"", "bus floors-1-2: name: a name of its own"),
    ] {
        assert!(good.contains(from), "{from}");
        let error = Config::parse(Path::new("c.toml"), &good.replacen(from, to, 1)).expect_err(to).to_string();
        assert!(error.starts_with("c.toml:") && error.contains(want), "{error}");
    }
}
