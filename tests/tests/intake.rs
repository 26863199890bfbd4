//! The contract of the intake, held against every adapter.

use adapters::intake::{Intake, IntakeError, Item, JetStreamIntake, MAX_BYTES, MemoryIntake, Place, Spool};
use domain::event::EventId;
use tests::nats::{ALWAYS, Server};

/// Holds an adapter to the contract; `open` opens the same intake once more.
fn check<I: Intake>(open: impl Fn() -> I) {
    oldest_first_each_once(&mut open());
    what_is_not_acknowledged_comes_again(&open);
    an_id_waits_once(&open);
    only_what_was_given_is_acknowledged(&open);
    any_number_of_processes_offer(&open);
    all_at_once(&open);
    sizes(&mut open());
}

fn id(n: u64) -> EventId {
    EventId::derive(&[b"intake", &n.to_be_bytes()])
}

fn text(n: u64) -> Vec<u8> {
    format!("item {n}").into_bytes()
}

fn offer(intake: &mut impl Intake, numbers: impl IntoIterator<Item = u64>) {
    for n in numbers {
        intake.offer(id(n), &text(n)).expect("offers");
    }
}

/// Everything not yet given, as (id, bytes).
fn rest(intake: &mut impl Intake) -> Vec<(EventId, Vec<u8>)> {
    intake.take(usize::MAX).expect("takes").into_iter().map(|item| (item.id, item.bytes)).collect()
}

fn wanted(numbers: impl IntoIterator<Item = u64>) -> Vec<(EventId, Vec<u8>)> {
    numbers.into_iter().map(|n| (id(n), text(n))).collect()
}

/// Leaves the intake empty.
fn clear(intake: &mut impl Intake) {
    if let Some(last) = intake.take(usize::MAX).expect("takes").pop() {
        intake.acknowledge(last.place).expect("acknowledges");
    }
}

fn oldest_first_each_once(intake: &mut impl Intake) {
    assert!(intake.take(5).expect("takes").is_empty());
    // Ids are in no order: what counts is when they came.
    offer(intake, [7, 3, 5, 1]);
    let first = intake.take(3).expect("takes");
    let of = |items: &[Item]| items.iter().map(|item| item.id).collect::<Vec<_>>();
    assert_eq!(of(&first), [id(7), id(3), id(5)]);
    assert!(first.is_sorted_by(|a, b| a.place < b.place) && first[0].place > Place(0));
    assert!(intake.take(0).expect("takes").is_empty());
    assert_eq!(rest(intake), wanted([1]));
    assert!(rest(intake).is_empty());
    offer(intake, [9]);
    assert_eq!(rest(intake), wanted([9]));
}

fn what_is_not_acknowledged_comes_again<I: Intake>(open: impl Fn() -> I) {
    let mut owner = open();
    let taken = owner.take(2).expect("takes");
    assert_eq!(taken.iter().map(|item| item.id).collect::<Vec<_>>(), [id(7), id(3)], "nothing was acknowledged");
    owner.acknowledge(taken[0].place).expect("acknowledges");
    owner.acknowledge(taken[0].place).expect("again, as after a lost answer");
    drop(owner);
    let mut owner = open();
    assert_eq!(rest(&mut owner), wanted([3, 5, 1, 9]));
    drop(owner);
    clear(&mut open());
    assert!(rest(&mut open()).is_empty());
}

fn an_id_waits_once<I: Intake>(open: impl Fn() -> I) {
    let mut intake = open();
    offer(&mut intake, [10, 11, 10]);
    // A sender that was started anew and does not know what became of its offer.
    offer(&mut open(), [11, 10]);
    let refused = open().offer(id(10), b"other bytes");
    assert!(matches!(refused, Err(IntakeError::IdReused(reused)) if reused == id(10)), "{refused:?}");
    assert_eq!(rest(&mut intake), wanted([10, 11]));
    // Given but not acknowledged is still waiting.
    offer(&mut intake, [10]);
    assert!(rest(&mut intake).is_empty());
    clear(&mut open());
    // Forgotten with its item: the log's ids are those for ever.
    offer(&mut intake, [10]);
    assert_eq!(rest(&mut intake), wanted([10]));
    clear(&mut open());
}

fn only_what_was_given_is_acknowledged<I: Intake>(open: impl Fn() -> I) {
    let mut owner = open();
    offer(&mut owner, [20, 21]);
    let first = owner.take(1).expect("takes")[0].place;
    let refused = owner.acknowledge(Place(first.0 + 1));
    assert!(matches!(refused, Err(IntakeError::NotTaken(_))), "{refused:?}");
    owner.acknowledge(first).expect("acknowledges");
    // Emptied and opened again, places still rise.
    clear(&mut owner);
    drop(owner);
    let mut owner = open();
    offer(&mut owner, [22]);
    assert!(owner.take(1).expect("takes")[0].place > Place(first.0 + 1));
    clear(&mut open());
}

fn any_number_of_processes_offer<I: Intake>(open: impl Fn() -> I) {
    let mut senders = [open(), open(), open()];
    std::thread::scope(|scope| {
        for (sender, own) in senders.iter_mut().zip([1_000, 2_000, 3_000]) {
            // Each has items of its own, and all offer the same ten.
            scope.spawn(move || offer(sender, (own..own + 30).chain(100..110)));
        }
    });
    let mut got: Vec<_> = rest(&mut open());
    let of_one: Vec<_> = got.iter().filter(|item| wanted(1_000..1_030).contains(item)).cloned().collect();
    assert_eq!(of_one, wanted(1_000..1_030), "a sender's own order");
    got.sort();
    let mut all = wanted((100..110).chain(1_000..1_030).chain(2_000..2_030).chain(3_000..3_030));
    all.sort();
    assert_eq!(got, all);
    clear(&mut open());
}

fn sizes(intake: &mut impl Intake) {
    let large = vec![0xa5; MAX_BYTES + 1];
    let refused = intake.offer(id(30), &large);
    assert!(matches!(refused, Err(IntakeError::TooLarge(bytes)) if bytes == MAX_BYTES + 1), "{refused:?}");
    intake.offer(id(31), &large[1..]).expect("the largest");
    intake.offer(id(32), b"").expect("nothing at all");
    assert_eq!(rest(intake), [(id(31), large[1..].to_vec()), (id(32), Vec::new())]);
}

fn all_at_once<I: Intake>(open: impl Fn() -> I) {
    let mut intake = open();
    let items = |numbers: &[u64]| numbers.iter().map(|n| (id(*n), text(*n))).collect::<Vec<_>>();
    intake.offer_all(&items(&[40, 42, 41])).expect("offers");
    intake.offer_all(&items(&[42, 43])).expect("one of them waits already");
    let refused = intake.offer_all(&[(id(40), b"other bytes".to_vec())]);
    assert!(matches!(refused, Err(IntakeError::IdReused(reused)) if reused == id(40)), "{refused:?}");
    assert_eq!(rest(&mut intake), wanted([40, 42, 41, 43]));
    clear(&mut open());
}

#[test]
fn memory_keeps_the_contract() {
    let intake = MemoryIntake::new();
    check(|| intake.reopen());
}

#[test]
fn the_spool_keeps_the_contract() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("spool.db");
    check(|| Spool::open(&path).expect("opens"));
}

#[test]
fn jetstream_keeps_the_contract() {
    let server = Server::start(ALWAYS);
    check(|| JetStreamIntake::open(&server.options).expect("opens"));
}

#[test]
fn another_file_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("log.db");
    drop(adapters::event_log::EmbeddedLog::open(&path).expect("opens"));
    assert!(matches!(Spool::open(&path), Err(IntakeError::NotASpool(_))));
    let path = folder.path().join("spool.db");
    drop(Spool::open(&path).expect("opens"));
    let file = rusqlite::Connection::open(&path).expect("opens");
    file.pragma_update(None, "user_version", 2).expect("updates");
    assert!(matches!(Spool::open(&path), Err(IntakeError::NewerFormat(2))));
}

#[test]
fn a_server_that_does_not_sync_is_refused() {
    let server = Server::start("");
    let error = JetStreamIntake::open(&server.options).expect_err("refused");
    let cause = std::error::Error::source(&error).expect("a cause").to_string();
    assert!(cause.contains("sync_interval: always"), "{cause}");
}
