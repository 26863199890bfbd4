//! What was acknowledged is there, once, after the worst: a server that is
//! killed while it writes, and a disk that loses its power.

use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use adapters::event_log::{
    Durability, EmbeddedLog, EventLog, Filter, JetStreamLog, LogError, LogEvent, Sequence, jetstream,
};
use adapters::intake::{Intake, IntakeError, JetStreamIntake, Spool};
use domain::event::EventId;
use tests::disk::Disk;
use tests::events::numbered;
use tests::nats::{ALWAYS, Server};
use tests::random::xorshift;

/// The batch that follows `head`, of 1 to 300 events: a torn one shows as a head that nothing explains.
fn batch(head: u64) -> Vec<LogEvent> {
    (head + 1..=head + 1 + xorshift(head + 1) % 300).map(numbered).collect()
}

/// Appends batches until the server is gone; the last acknowledged sequence.
fn append_until_it_fails(log: &mut impl EventLog, mut head: u64) -> u64 {
    loop {
        match log.append(Sequence(head), &batch(head)) {
            Ok(sequences) => head = sequences.last().expect("of a batch").0,
            Err(LogError::Unreachable(_)) => return head,
            Err(error) => panic!("after {head}: {error}"),
        }
    }
}

/// Offers items from `next` on until the server is gone; the first that was not acknowledged.
fn offer_until_it_fails(intake: &mut impl Intake, mut next: u64) -> u64 {
    loop {
        match intake.offer(EventId::derive(&[&next.to_be_bytes()]), &next.to_be_bytes()) {
            Ok(()) => next += 1,
            Err(IntakeError::Server(LogError::Unreachable(_))) => return next,
            Err(error) => panic!("at {next}: {error}"),
        }
    }
}

/// Opens a log or an intake of a server that may still be recovering.
fn patiently<T, E: std::fmt::Display>(round: u64, open: impl Fn() -> Result<T, E>) -> T {
    let start = Instant::now();
    loop {
        match open() {
            Ok(opened) => return opened,
            Err(error) => assert!(start.elapsed() < Duration::from_secs(20), "round {round}: {error}"),
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn jetstream_survives_kill_9() {
    let stores = if std::env::var_os("TALLYWATT_SOAK").is_some() { 10 } else { 1 };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_nanos() as u64;
    let seed = std::env::var("TALLYWATT_SEED").map_or(now, |text| text.parse().expect("a number")) | 1;
    println!("TALLYWATT_SEED={seed}");
    // A store grows, and every round reads all of it: a new one after a while.
    (0..stores).fold(seed, |random, _| kill_rounds(random, 50));
}

/// Kills the server of one store so many times; the next random number.
fn kill_rounds(mut random: u64, rounds: u64) -> u64 {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut seen, mut last, mut offered) = (0, 0, 0);
    // How often what was in flight is there although nobody heard so.
    let mut unheard = [0, 0];
    for round in 0..=rounds {
        let mut server = Server::start_in(folder.path(), ALWAYS);
        let options = server.options.clone();
        let log = patiently(round, || JetStreamLog::open(&options));
        // At last all of it once more, from the first event on.
        let head = check_log(&log, round, if round == rounds { 0 } else { seen }, last);
        let mut intake = patiently(round, || JetStreamIntake::open(&options));
        let waiting = check_intake(&mut intake, round, offered);
        unheard[0] += u64::from(head > last);
        unheard[1] += u64::from(waiting > offered);
        if round == rounds {
            break;
        }
        // To find out that it is gone shall not take long.
        let short = jetstream::Options { patience: Duration::from_millis(100), ..options };
        let mut log = patiently(round, || JetStreamLog::open(&short));
        let mut intake = patiently(round, || JetStreamIntake::open(&short));
        random = xorshift(random);
        let pause = Duration::from_micros(random % 40_000);
        (last, offered) = std::thread::scope(|scope| {
            let appending = scope.spawn(|| append_until_it_fails(&mut log, head));
            let offering = scope.spawn(|| offer_until_it_fails(&mut intake, waiting));
            // Not to wait for anything: the kill is to land anywhere within a write.
            std::thread::sleep(pause);
            server.kill();
            (appending.join().expect("ends"), offering.join().expect("ends"))
        });
        seen = head;
    }
    println!("{rounds} rounds, {last} events, {offered} items; in flight and there: {unheard:?}");
    assert!(last > rounds && offered > rounds);
    random
}

/// That events up to `last` are there, once, and the batch in flight whole or not at all; the head.
fn check_log(log: &impl EventLog, round: u64, seen: u64, last: u64) -> u64 {
    let stored = log.read(Sequence(seen), &Filter::default(), usize::MAX).expect("reads");
    for (stored, n) in stored.iter().zip(seen + 1..) {
        assert_eq!((stored.sequence, &stored.event), (Sequence(n), &numbered(n)), "round {round}");
    }
    let head = log.head().expect("head").0;
    assert_eq!(head, seen + stored.len() as u64, "round {round}");
    assert!(head >= last, "round {round}: {last} was acknowledged, {head} is there");
    let flown = last + batch(last).len() as u64;
    assert!(head == last || head == flown, "round {round}: torn at {head} after {last}");
    head
}

/// That items before `offered` wait, once, and at most the one in flight beside them; how many wait.
fn check_intake(intake: &mut impl Intake, round: u64, offered: u64) -> u64 {
    let items = intake.take(usize::MAX).expect("takes");
    for (item, n) in items.iter().zip(0_u64..) {
        assert_eq!(item.bytes, n.to_be_bytes(), "round {round}");
    }
    let waiting = items.len() as u64;
    assert!(waiting == offered || waiting == offered + 1, "round {round}: {offered} acknowledged, {waiting} there");
    waiting
}

/// A disk, or none and a loud word where the machine does not permit it.
fn disk(test: &str) -> Option<Disk> {
    match Disk::new() {
        Ok(disk) => Some(disk),
        Err(why) => {
            // Not by a macro: the test harness would swallow it.
            let word = format!("\n*** SKIPPED: {test} needs root and loop devices: {why} ***\n\n");
            std::io::stderr().write_all(word.as_bytes()).expect("writes");
            None
        }
    }
}

/// Appends 200 events, by ones and by batches; how many.
fn append_some(log: &mut impl EventLog) -> u64 {
    let events: Vec<_> = (1..=200).map(numbered).collect();
    for (n, event) in (0..).zip(&events[..100]) {
        log.append(Sequence(n), std::slice::from_ref(event)).expect("appends");
    }
    log.append(Sequence(100), &events[100..]).expect("appends");
    200
}

/// Whether all of the events are there after all; what is wrong where not.
fn all_there(opened: Result<impl EventLog, LogError>, acknowledged: u64) -> Result<(), String> {
    let log = opened.map_err(|error| error.to_string())?;
    let stored = log.read(Sequence(0), &Filter::default(), usize::MAX).map_err(|error| error.to_string())?;
    let events: Vec<_> = stored.into_iter().map(|stored| stored.event).collect();
    let wanted: Vec<_> = (1..=acknowledged).map(numbered).collect();
    if events == wanted { Ok(()) } else { Err(format!("{acknowledged} acknowledged, {} there", events.len())) }
}

fn offer_some(intake: &mut impl Intake) {
    for n in 0..100_u64 {
        intake.offer(EventId::derive(&[&n.to_be_bytes()]), &n.to_be_bytes()).expect("offers");
    }
}

#[test]
fn embedded_survives_power_loss() {
    let survives = |durability| {
        let disk = disk("embedded_survives_power_loss")?;
        let file = |disk: &Disk| disk.path().join("log.db");
        let mut log = EmbeddedLog::open_with(&file(&disk), durability).expect("opens");
        let acknowledged = append_some(&mut log);
        let found = disk.after_power_loss();
        drop(log);
        Some(all_there(EmbeddedLog::open(&file(&found)), acknowledged))
    };
    let Some(full) = survives(Durability::Full) else { return };
    assert_eq!(full, Ok(()));
    // That the test can see a loss at all.
    let off = survives(Durability::Off).expect("permitted before");
    println!("without syncs: {off:?}");
    assert!(off.is_err(), "nothing was lost without a sync: the test sees nothing");
}

#[test]
fn the_spool_survives_power_loss() {
    let Some(disk) = disk("the_spool_survives_power_loss") else { return };
    let file = |disk: &Disk| disk.path().join("spool.db");
    let mut spool = Spool::open(&file(&disk)).expect("opens");
    offer_some(&mut spool);
    let found = disk.after_power_loss();
    drop(spool);
    assert_eq!(check_intake(&mut Spool::open(&file(&found)).expect("opens"), 0, 100), 100);
}

/// Appends to a server on a disk, and looks at it with a server on the disk's remains.
fn served_by(disk: &Disk, sync: &str, look: impl Fn(&jetstream::Options, u64)) {
    let trial = |server: &Server| jetstream::Options { allow_unsynced: true, ..server.options.clone() };
    let folder = |disk: &Disk| -> std::path::PathBuf { Path::new(disk.path()).to_owned() };
    let server = Server::start_in(&folder(disk), sync);
    let acknowledged = append_some(&mut JetStreamLog::open(&trial(&server)).expect("opens"));
    offer_some(&mut JetStreamIntake::open(&trial(&server)).expect("opens"));
    let found = disk.after_power_loss();
    drop(server);
    let server = Server::start_in(&folder(&found), sync);
    look(&trial(&server), acknowledged);
    drop(server);
}

#[test]
fn jetstream_survives_power_loss() {
    let Some(synced) = disk("jetstream_survives_power_loss") else { return };
    served_by(&synced, ALWAYS, |options, acknowledged| {
        assert_eq!(all_there(JetStreamLog::open(options), acknowledged), Ok(()));
        assert_eq!(check_intake(&mut JetStreamIntake::open(options).expect("opens"), 0, 100), 100);
    });
    // That the test can see a loss at all: the server's default is a sync every two minutes.
    let unsynced = disk("jetstream_survives_power_loss").expect("permitted before");
    served_by(&unsynced, "", |options, acknowledged| {
        let lost = all_there(JetStreamLog::open(options), acknowledged);
        println!("with the default sync: {lost:?}");
        assert!(lost.is_err(), "nothing was lost without a sync: the test sees nothing");
        assert!(JetStreamIntake::open(options).expect("opens").take(100).expect("takes").len() < 100);
    });
}
