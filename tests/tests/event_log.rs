//! The contract of the log, held against every adapter, and its faults.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use adapters::event_log::{
    EmbeddedLog, EventLog, Filter, JetStreamLog, Kind, LogError, MAX_BATCH, MemoryLog, Sequence, Stored, jetstream,
};
use domain::event::SiteId;
use tests::events::{event, numbered};
use tests::nats::{self, Server};

const SHORT: Duration = Duration::from_millis(50);
const LONG: Duration = Duration::from_secs(10);

/// Holds an adapter to the contract; `open` gives one more owner of the same log.
fn check<L: EventLog>(open: impl Fn() -> L) {
    order_and_expectations(&mut open());
    fencing(&mut open(), &mut open());
    ids_are_for_ever(&open);
    batches_are_refused_whole(&mut open());
    filters(&mut open());
    positions(&mut open());
    follow(&mut open(), &open());
}

fn all(log: &impl EventLog) -> Vec<Stored> {
    log.read(Sequence(0), &Filter::default(), usize::MAX).expect("reads")
}

/// The next `n` events of site `a`.
fn next(log: &impl EventLog, n: u64) -> Vec<adapters::event_log::LogEvent> {
    let site = Filter { site: SiteId::try_new("a"), kind: None };
    let last =
        log.read(Sequence(0), &site, usize::MAX).expect("reads").last().map_or(0, |stored| stored.event.position);
    (last + 1..=last + n).map(numbered).collect()
}

fn order_and_expectations(log: &mut impl EventLog) {
    assert_eq!(log.head().expect("head"), Sequence(0));
    assert!(log.append(Sequence(0), &[]).expect("nothing is a success").is_empty());
    let batch = next(log, 3);
    assert_eq!(log.append(Sequence(0), &batch).expect("appends"), [Sequence(1), Sequence(2), Sequence(3)]);
    assert_eq!(log.append(Sequence(3), &next(log, 1)).expect("appends"), [Sequence(4)]);
    let stored = all(log);
    assert!(stored.iter().zip(1..).all(|(stored, n)| stored.sequence == Sequence(n) && stored.event == numbered(n)));
    assert_eq!(log.read(Sequence(1), &Filter::default(), 2).expect("reads"), stored[1..3]);
    assert!(log.read(Sequence(99), &Filter::default(), 2).expect("reads").is_empty());
}

fn fencing(first: &mut impl EventLog, second: &mut impl EventLog) {
    let seen = first.head().expect("head");
    let batch = next(first, 2);
    first.append(seen, &batch[..1]).expect("appends");
    let mut rival = batch[0].clone();
    rival.id = event("a", 0, "rival").id;
    let refused = second.append(seen, &[rival]);
    assert!(
        matches!(refused, Err(LogError::Conflict { expected, actual }) if expected == seen && actual.0 == seen.0 + 1),
        "{refused:?}"
    );
    second.append(Sequence(seen.0 + 1), &batch[1..]).expect("takes over");
    let refused = first.append(Sequence(seen.0 + 1), &next(first, 1));
    assert!(matches!(refused, Err(LogError::Conflict { .. })), "{refused:?}");
}

fn ids_are_for_ever<L: EventLog>(open: impl Fn() -> L) {
    let before = all(&open());
    let mut again = open();
    // A lost acknowledgement: the owner appends the same again with its old expectation.
    let batch: Vec<_> = before[1..4].iter().map(|stored| stored.event.clone()).collect();
    assert_eq!(again.append(Sequence(1), &batch).expect("known"), [Sequence(2), Sequence(3), Sequence(4)]);
    let mut other = batch[0].clone();
    other.bytes.push(b'!');
    let refused = again.append(again.head().expect("head"), &[other]);
    assert!(matches!(refused, Err(LogError::IdReused(id)) if id == batch[0].id), "{refused:?}");
    assert_eq!(all(&again), before);
}

fn batches_are_refused_whole(log: &mut impl EventLog) {
    let before = all(log);
    let head = log.head().expect("head");
    let good = next(log, 3);
    let hole = [good[0].clone(), good[2].clone()];
    assert!(matches!(log.append(head, &hole), Err(LogError::Hole { position, last, .. }) if position == last + 2));
    let mixed = [good[0].clone(), before[0].event.clone()];
    assert!(matches!(log.append(head, &mixed), Err(LogError::Repeated(_))));
    let twice = [good[0].clone(), good[0].clone()];
    assert!(matches!(log.append(head, &twice), Err(LogError::Repeated(_))));
    let many = next(log, MAX_BATCH as u64 + 1);
    assert!(matches!(log.append(head, &many), Err(LogError::TooMany(_))));
    assert_eq!(all(log), before);
    log.append(head, &many[..MAX_BATCH]).expect("the largest batch");
    assert_eq!(all(log).len(), before.len() + MAX_BATCH);
}

fn filters(log: &mut impl EventLog) {
    // A site's name is any text: it must come back as it was.
    let site = "b. *>%ü";
    let mut batch = [event(site, 1, "one"), event(site, 2, "two")];
    batch[1].kind = Kind::Decision;
    log.append(log.head().expect("head"), &batch).expect("appends");
    let of = |site, kind| log.read(Sequence(0), &Filter { site, kind }, 10).expect("reads");
    let events = |stored: Vec<Stored>| stored.into_iter().map(|stored| stored.event).collect::<Vec<_>>();
    assert_eq!(events(of(SiteId::try_new(site), None)), batch);
    assert_eq!(events(of(None, Some(Kind::Decision))), batch[1..]);
    assert!(of(SiteId::try_new("a"), Some(Kind::Decision)).is_empty());
}

/// An event is found by its site and position, whatever other sites the log has.
fn positions(log: &mut impl EventLog) {
    for turn in 0..12 {
        let of_a = next(log, turn % 3 + 1);
        log.append(log.head().expect("head"), &of_a).expect("appends");
        log.append(log.head().expect("head"), &[event("turns", turn + 1, "turn")]).expect("appends");
    }
    let stored = all(log);
    for one in stored.iter().take(20).chain(stored.iter().rev().take(40)) {
        let found = log.at(&one.event.site, one.event.position).expect("reads");
        assert_eq!(found.as_ref(), Some(one));
    }
    let turns = SiteId::try_new("turns").expect("an id");
    assert_eq!([0, 13, 10_000].map(|position| log.at(&turns, position).expect("reads")), [None, None, None]);
}

fn follow(owner: &mut impl EventLog, reader: &impl EventLog) {
    let head = owner.head().expect("head");
    let mut tail = reader.follow(Sequence(head.0 - 1), Filter::default()).expect("follows");
    assert_eq!(tail.next(LONG).expect("next").expect("the last one").sequence, head);
    assert_eq!(tail.next(SHORT).expect("next"), None);
    let batch = next(owner, 2);
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| [tail.next(LONG), tail.next(LONG)]);
        owner.append(head, &batch).expect("appends");
        let got = waiting.join().expect("no panic").map(|next| next.expect("next").expect("comes").event);
        assert_eq!(got, *batch);
    });
}

#[test]
fn memory_keeps_the_contract() {
    let log = MemoryLog::new();
    check(|| log.clone());
}

#[test]
fn embedded_keeps_the_contract() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("log.db");
    check(|| EmbeddedLog::open(&path).expect("opens"));
    let log = EmbeddedLog::open_read_only(&path).expect("opens");
    assert!(log.head().expect("head") > Sequence(0));
}

#[test]
fn a_newer_format_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("log.db");
    drop(EmbeddedLog::open(&path).expect("opens"));
    let file = rusqlite::Connection::open(&path).expect("opens");
    file.pragma_update(None, "user_version", 2).expect("updates");
    for opened in [EmbeddedLog::open(&path), EmbeddedLog::open_read_only(&path)] {
        let error = opened.expect_err("refused").to_string();
        assert!(error.starts_with("log format 2 is newer than this program"), "{error}");
    }
}

#[test]
fn another_file_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("notes.txt");
    let text = "not a database, but some text. ".repeat(99);
    std::fs::write(&path, &text).expect("writes");
    assert!(matches!(EmbeddedLog::open(&path), Err(LogError::NotALog(_))));
    assert_eq!(std::fs::read_to_string(&path).expect("reads"), text);
}

#[test]
fn a_location_picks_the_adapter() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("log.db");
    let log = adapters::event_log::open(path.to_str().expect("is text")).expect("opens");
    assert_eq!(log.head().expect("head"), Sequence(0));
    assert!(matches!(adapters::event_log::open("nats:///SHARD"), Err(LogError::Url(_))));
    let options = jetstream::Options::parse("nats://127.0.0.1:4222/SHARD").expect("parses");
    assert_eq!((options.stream.as_str(), options.monitor.as_str()), ("SHARD", "127.0.0.1:8222"));
}

/// Runs the writer until a random moment, kills it, and gives what it had acknowledged.
fn acknowledged_before_kill(path: &Path, lines: u64, pause: Duration) -> u64 {
    let mut child =
        Command::new(env!("CARGO_BIN_EXE_writer")).arg(path).stdout(Stdio::piped()).spawn().expect("the writer starts");
    let mut output = BufReader::new(child.stdout.take().expect("is piped")).lines();
    let mut last = 0;
    for line in output.by_ref().take(usize::try_from(lines).expect("fits")) {
        last = line.expect("a line").parse().expect("a sequence");
    }
    // Not to wait for anything: the kill is to land anywhere within an append.
    std::thread::sleep(pause);
    child.kill().expect("kills");
    child.wait().expect("ends");
    for line in output.map_while(Result::ok) {
        last = line.parse().unwrap_or(last);
    }
    last
}

#[test]
fn embedded_survives_kill_9() {
    let rounds = if std::env::var_os("TALLYWATT_SOAK").is_some() { 500 } else { 50 };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_nanos() as u64;
    let seed = std::env::var("TALLYWATT_SEED").map_or(now, |text| text.parse().expect("a number")) | 1;
    println!("TALLYWATT_SEED={seed}");
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("log.db");
    let (mut random, mut seen) = (seed, 0);
    for round in 0..rounds {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let last = acknowledged_before_kill(&path, 1 + random % 8, Duration::from_micros(random % 3_000));
        let log = EmbeddedLog::open(&path).expect("opens again");
        let stored = log.read(Sequence(seen), &Filter::default(), usize::MAX).expect("reads");
        for (stored, n) in stored.iter().zip(seen + 1..) {
            assert_eq!((stored.sequence, &stored.event), (Sequence(n), &numbered(n)), "round {round}");
        }
        let head = log.head().expect("head").0;
        assert!(head >= last, "round {round}: {last} was acknowledged, {head} is there");
        // The batch in flight is there whole or not at all.
        assert!(head == last || head == last + 1 + last % 7, "round {round}: torn at {head} after {last}");
        seen = head;
    }
    assert!(seen > rounds);
}

#[test]
fn jetstream_keeps_the_contract() {
    let server = Server::start("sync_interval: always");
    check(|| JetStreamLog::open(&server.options).expect("opens"));
}

#[test]
fn a_server_that_does_not_sync_is_refused() {
    let server = Server::start("");
    let error = JetStreamLog::open(&server.options).expect_err("refused").to_string();
    assert!(error.contains("jetstream { sync_interval: always }"), "{error}");
    JetStreamLog::open(&jetstream::Options { allow_unsynced: true, ..server.options.clone() }).expect("for trials");
}

#[test]
fn two_streams_share_a_server_and_an_address_names_all_of_it() {
    let server = Server::start("sync_interval: always");
    let other = server.url().replace("/SHARD", "/OTHER");
    for url in [server.url(), other] {
        let log = adapters::event_log::open(&url).expect("a stream of its own");
        assert_eq!(log.head().expect("a head"), Sequence(0));
    }
    let named = jetstream::Options::parse("nats://127.0.0.1:4222?monitor=127.0.0.1:9000").expect("an address");
    assert_eq!((named.stream.as_str(), named.monitor.as_str()), ("tallywatt", "127.0.0.1:9000"));
    let shown = jetstream::Options::parse("nats://127.0.0.1:4222/A?moniter=x").expect_err("a wrong option").to_string();
    assert!(shown.contains("?monitor=host:port"), "{shown}");
}

/// nats-io/nats-server#6888, #7564: what was acknowledged without a sync is lost with the power.
#[test]
fn a_server_that_comes_back_without_its_sync_is_given_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut server = Server::start_in(folder.path(), nats::ALWAYS);
    let mut log = JetStreamLog::open(&server.options).expect("opens");
    log.append(Sequence(0), &next(&log, 1)).expect("appends");
    server.restart(folder.path(), "");
    let began = Instant::now();
    let refused = loop {
        // Until the connection is there again, nobody answers.
        match log.append(Sequence(1), &[numbered(2)]) {
            Err(LogError::Unreachable(_)) => assert!(began.elapsed() < LONG, "no server"),
            done => break done,
        }
    };
    assert!(matches!(refused, Err(LogError::Unsynced)), "{refused:?}");
    server.restart(folder.path(), nats::ALWAYS);
    let began = Instant::now();
    while log.append(Sequence(1), &[numbered(2)]).is_err() {
        assert!(began.elapsed() < LONG, "no server");
    }
    assert_eq!(log.head().expect("a head"), Sequence(2));
}

/// A certificate and key for an address, signed by itself.
fn certificate(folder: &Path, host: &str) {
    let subject = format!("subjectAltName=IP:{host}");
    let words = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"];
    let more = ["-subj", "/CN=log", "-addext", &subject, "-addext", "basicConstraints=critical,CA:FALSE"];
    let files = ["-keyout", "key.pem", "-out", "cert.pem"];
    let made = Command::new("openssl").current_dir(folder).args(words).args(more).args(files).output();
    assert!(made.expect("openssl runs").status.success(), "a certificate");
}

#[test]
fn a_secured_server_lets_in_who_has_its_password_over_tls() {
    let folder = tempfile::tempdir().expect("a folder");
    let here = folder.path().display();
    for (name, secret) in [("password", "correct horse\n"), ("wrong", "battery\n")] {
        std::fs::write(folder.path().join(name), secret).expect("writes");
    }
    let server = Server::start_with(folder.path(), Some(nats::ALWAYS), |host| {
        certificate(folder.path(), host);
        format!(
            "tls {{ cert_file: '{here}/cert.pem', key_file: '{here}/key.pem' }}\n\
             authorization {{ users = [ {{ user: log, password: 'correct horse' }} ] }}"
        )
    });
    let Server { options, .. } = &server;
    let open = |login: &str| {
        let url = format!("tls://{}/SHARD?monitor={}{login}", options.server, options.monitor);
        adapters::event_log::open(&url)
    };
    let ca = format!("&ca_file={here}/cert.pem");
    let mut log = open(&format!("&user=log&password_file={here}/password{ca}")).expect("it is let in");
    log.append(Sequence(0), &[numbered(1)]).expect("appends");
    assert_eq!(log.head().expect("a head"), Sequence(1));
    for login in [
        format!("&user=log&password_file={here}/wrong{ca}"),
        format!("&user=log&password_file={here}/password"),
        ca.clone(),
        format!("&user=log&password_file={here}/nowhere{ca}"),
    ] {
        let refused = open(&login).map(|log| log.head());
        assert!(matches!(refused, Err(LogError::Unreachable(_))), "{login}: {refused:?}");
    }
    let wrong = open("&moniter=x").map(|log| log.head());
    assert!(matches!(wrong, Err(LogError::Url(_))), "{wrong:?}");
}
