//! The owner of a log that is there: it goes on where the log stops, completes
//! a run that was cut off, and stops at a decision that does not follow.

use std::collections::BTreeMap;

use adapters::clock::GivenClock;
use adapters::event_log::{EventLog as _, LogError, LogEvent, MemoryLog, Sequence};
use adapters::intake::{Arrival, Fact, Intake, IntakeError, Item, MemoryIntake, Place, Poll, PolledMeter, Spool};
use adapters::site_folder::SiteFolder;
use domain::event::{AccountId, Body, Decoder, Event, EventId, MeterId, RechargeKind, RechargeReceived, SiteId};
use domain::quantity::Instant;
use services::owner::{COMMIT, Draft, Feed, Inlet, Owner, OwnerError, Refusal};
use tests::shard::{Items, events, offers, play};

/// A case's site, its offers by instant, and until when it is played.
fn case(name: &str) -> anyhow::Result<(SiteId, BTreeMap<Instant, Items>, Instant)> {
    let case = tests::cases::named(name)?;
    let folder = SiteFolder::open(&case.path)?;
    Ok((folder.site.clone(), offers(&folder)?, Instant::parse(&case.until)?))
}

/// A log of these events.
fn log_of(events: &[LogEvent]) -> MemoryLog {
    let mut log = MemoryLog::new();
    for chunk in events.chunks(COMMIT) {
        let head = log.head().expect("a head");
        log.append(head, chunk).expect("appends");
    }
    log
}

fn is_decision(event: &LogEvent) -> bool {
    Event::decode(&event.bytes).is_ok_and(|event| event.body.is_decision())
}

fn ends_run(event: &LogEvent) -> bool {
    Event::decode(&event.bytes).is_ok_and(|event| matches!(event.body, Body::DaySettled(_)))
}

#[test]
fn a_log_cut_off_anywhere_is_taken_up_with_the_same_bytes() -> anyhow::Result<()> {
    let (site, offers, until) = case("hand-late")?;
    let mut log = MemoryLog::new();
    let root = play(&mut log, &site, &offers, until)?;
    let whole = events(&log)?;
    assert!(whole.len() > 100, "{} events", whole.len());
    let mut completed = 0;
    for cut in 0..=whole.len() {
        let mut log = log_of(&whole[..cut]);
        let opened = Owner::open(&mut log, site.clone(), COMMIT)?.events();
        let now = events(&log)?;
        assert_eq!(now, whole[..now.len()], "cut at {cut}");
        // Within a run it is completed; elsewhere nothing is appended.
        let within = cut > 0 && cut < whole.len() && is_decision(&whole[cut - 1]) && !ends_run(&whole[cut - 1]);
        assert_eq!(now.len() > cut, within, "cut at {cut}");
        assert!(!within || ends_run(&now[now.len() - 1]), "cut at {cut}");
        assert_eq!(opened, now.len() as u64);
        completed += usize::from(within);
        // Every tenth goes on to the end.
        if cut % 10 == 0 {
            assert_eq!(play(&mut log, &site, &offers, until)?, root, "cut at {cut}");
            assert_eq!(events(&log)?, whole, "cut at {cut}");
        }
    }
    assert!(completed > 10, "{completed} cuts within a run");
    Ok(())
}

#[test]
fn readers_do_not_count_a_run_before_it_is_whole() -> anyhow::Result<()> {
    let (site, offers, until) = case("hand-late")?;
    let mut log = MemoryLog::new();
    play(&mut log, &site, &offers, until)?;
    let whole = events(&log)?;
    let folder = tempfile::tempdir()?;
    let last = whole.iter().rposition(ends_run).expect("a run");
    let before = whole[..last].iter().rposition(|event| !is_decision(event) || ends_run(event)).expect("a fact") + 1;
    assert!(before < last, "the last run has one decision only");
    let mut cut = adapters::event_log::EmbeddedLog::open(&folder.path().join("log.db"))?;
    cut.append(Sequence(0), &whole[..last])?;
    let entries = services::history::read(folder.path(), None)?;
    assert_eq!(entries.len(), before);
    assert_eq!(services::history::replay(&entries, None)?.1.differences, []);
    Ok(())
}

/// The error of opening a log that ends with this event in place of its own.
fn opened_with(whole: &[LogEvent], at: usize, edit: impl FnOnce(&mut Event)) -> OwnerError {
    let mut decoder = Decoder::new();
    let mut event = whole[..=at].iter().map(|one| decoder.decode(&one.bytes).expect("an event")).last().expect("one");
    edit(&mut event);
    let mut events = whole[..at].to_vec();
    events.push(LogEvent { bytes: event.encode().expect("canonical"), ..whole[at].clone() });
    let site = event.site.clone();
    let mut log = log_of(&events);
    Owner::open(&mut log, site, COMMIT).err().expect("it must stop")
}

#[test]
fn a_decision_that_does_not_follow_stops_it() -> anyhow::Result<()> {
    let (site, offers, until) = case("hand-late")?;
    let mut log = MemoryLog::new();
    play(&mut log, &site, &offers, until)?;
    let whole = events(&log)?;
    let settled = whole.iter().position(ends_run).expect("a run");
    let error = opened_with(&whole, settled, |event| {
        let Body::DaySettled(data) = &mut event.body else { panic!("a DaySettled") };
        data.seen -= 1;
    });
    assert!(matches!(error, OwnerError::Differs { what: "day.settled.v1", .. }), "{error}");
    let is = |event: &LogEvent, name| Event::decode(&event.bytes).is_ok_and(|event| event.body.type_name() == name);
    let account = whole.iter().position(|event| is(event, "account.settled.v1")).expect("a settlement");
    let error = opened_with(&whole, account, |event| {
        let Body::AccountSettled(data) = &mut event.body else { panic!("an AccountSettled") };
        data.part += 1;
    });
    assert!(matches!(error, OwnerError::Differs { what: "account.settled.v1", .. }), "{error}");
    let error = opened_with(&whole, account, |event| event.chains[0].seq += 1);
    assert!(matches!(error, OwnerError::Broken { what: "a chain", .. }), "{error}");
    let error = opened_with(&whole, 3, |event| event.received = Instant::new(0));
    assert!(matches!(error, OwnerError::Broken { .. }), "{error}");
    // A fact within a run.
    let mut events = whole[..=account].to_vec();
    let fact = Event { position: account as u64 + 2, ..Event::decode(&whole[2].bytes)? };
    let fact =
        Event { id: EventId::derive(&[b"another"]), received: Event::decode(&whole[account].bytes)?.received, ..fact };
    events.push(LogEvent { position: fact.position, id: fact.id, bytes: fact.encode()?, ..whole[2].clone() });
    let error = Owner::open(&mut log_of(&events), site, COMMIT).err().expect("it must stop");
    assert!(matches!(error, OwnerError::Differs { .. } | OwnerError::Broken { .. }), "{error}");
    Ok(())
}

#[test]
fn sites_of_one_log_leave_each_other_alone() -> anyhow::Result<()> {
    let (one, first, until) = case("hand-late")?;
    let (two, second, until_two) = case("everything-1")?;
    assert_ne!(one, two);
    let (mut alone, mut other) = (MemoryLog::new(), MemoryLog::new());
    let roots = (play(&mut alone, &one, &first, until)?, play(&mut other, &two, &second, until_two)?);
    // In turns: a part of one, a part of the other, then both to their ends.
    let half = *first.keys().nth(first.len() / 2).expect("an instant");
    let mut shared = MemoryLog::new();
    play(&mut shared, &one, &first, half)?;
    let root_two = play(&mut shared, &two, &second, until_two)?;
    let root_one = play(&mut shared, &one, &first, until)?;
    assert_eq!((root_one, root_two), roots);
    let of = |site: &SiteId| -> anyhow::Result<Vec<LogEvent>> {
        Ok(events(&shared)?.into_iter().filter(|event| event.site == *site).collect())
    };
    assert_eq!(of(&one)?, events(&alone)?);
    assert_eq!(of(&two)?, events(&other)?);
    Ok(())
}

#[test]
fn every_decision_has_an_id_of_its_own() -> anyhow::Result<()> {
    let mut ids = std::collections::BTreeSet::new();
    for event in tests::samples::all()? {
        let id = event.body.decision_id(&site());
        assert_eq!(id.is_some(), event.body.is_decision(), "{}", event.body.type_name());
        assert!(id.is_none_or(|id| ids.insert(id)));
    }
    Ok(())
}

fn site() -> SiteId {
    SiteId::try_new("riverside").expect("a site's id")
}

const NOON: Instant = Instant::new(1_772_366_400);

fn recharge(reference: &str, amount_minor: i64) -> Body {
    let account = AccountId::try_new("A-1").expect("an account");
    let reference = reference.to_owned();
    Body::RechargeReceived(RechargeReceived { account, amount_minor, kind: RechargeKind::Recharge, reference })
}

fn draft(reference: &str, amount_minor: i64, received: Instant) -> Draft {
    let id = EventId::derive(&[reference.as_bytes()]);
    Draft { id, time: NOON, received, actor: "J. Doe".to_owned(), body: recharge(reference, amount_minor) }
}

#[test]
fn a_second_owner_is_fenced_and_stands_down() -> anyhow::Result<()> {
    let log = MemoryLog::new();
    let (mut one, mut two) = (log.clone(), log.clone());
    let mut first = Owner::open(&mut one, site(), COMMIT)?;
    let mut second = Owner::open(&mut two, site(), COMMIT)?;
    first.append(draft("R-1", 100, NOON))?;
    first.flush()?;
    second.append(draft("R-2", 200, NOON))?;
    assert!(matches!(second.flush(), Err(OwnerError::Log(LogError::Conflict { .. }))));
    assert!(matches!(second.flush(), Err(OwnerError::StandsDown { .. })));
    assert!(matches!(second.append(draft("R-3", 300, NOON)), Err(OwnerError::StandsDown { .. })));
    first.append(draft("R-4", 400, NOON))?;
    first.flush()?;
    assert_eq!(events(&log)?.len(), 2, "only the first owner's");
    // Opened anew it has what the log has, and the first one is fenced.
    let mut three = log.clone();
    let mut second = Owner::open(&mut three, site(), COMMIT)?;
    assert!(second.append(draft("R-2", 200, NOON))?);
    second.flush()?;
    first.append(draft("R-5", 500, NOON))?;
    assert!(matches!(first.flush(), Err(OwnerError::Log(LogError::Conflict { .. }))));
    assert_eq!(events(&log)?.len(), 3);
    Ok(())
}

#[test]
fn ids_are_for_ever_and_received_never_goes_back() -> anyhow::Result<()> {
    let mut log = MemoryLog::new();
    let mut owner = Owner::open(&mut log, site(), COMMIT)?;
    assert!(owner.append(draft("R-1", 100, NOON))?);
    owner.flush()?;
    let mut owner = Owner::open(&mut log, site(), COMMIT)?;
    assert!(!owner.append(draft("R-1", 100, NOON.plus(60)))?, "the same again is a success");
    assert!(matches!(owner.append(draft("R-1", 101, NOON)), Err(OwnerError::IdReused { .. })));
    let error = owner.append(draft("R-2", 100, NOON.plus(-1))).expect_err("it went back");
    assert!(matches!(error, OwnerError::Earlier { .. }), "{error}");
    assert!(owner.append(draft("R-2", 100, NOON))?);
    owner.flush()?;
    assert_eq!(events(&log)?.len(), 2);
    Ok(())
}

fn poll(bus: &str, time: Instant, kwh: &[(&str, &str)]) -> (EventId, Vec<u8>) {
    let meters = kwh.iter().map(|(id, kwh)| PolledMeter::new(MeterId::try_new(id).expect("a meter"), kwh)).collect();
    Arrival::Poll(Poll::new(site(), "cellar", bus, time, meters)).encode().expect("it encodes")
}

fn fact(reference: &str, amount_minor: i64) -> (EventId, Vec<u8>) {
    let Draft { id, time, actor, body, .. } = draft(reference, amount_minor, NOON);
    Arrival::Fact(Box::new(Fact { id, site: site(), time, actor, body })).encode().expect("it encodes")
}

/// The registers of each readings event, in order.
fn readings(log: &MemoryLog) -> Vec<Vec<String>> {
    let mut decoder = Decoder::new();
    let all = events(log).expect("reads");
    let all = all.iter().map(|event| decoder.decode(&event.bytes).expect("an event"));
    all.filter_map(|event| Some(event.readings()?.rows().map(|row| row.kwh.to_string()).collect())).collect()
}

#[test]
fn the_buses_of_a_minute_become_one_event() -> anyhow::Result<()> {
    let log = MemoryLog::new();
    let mut own = log.clone();
    let mut owner = Owner::open(&mut own, site(), COMMIT)?;
    let (mut intake, clock) = (MemoryIntake::new(), GivenClock::new(NOON));
    let mut sender = intake.reopen();
    let mut inlet = Inlet::new(&mut intake, &clock, Feed::Buses { patience_s: 5 });
    let mut turn = |at: i64, items: &[(EventId, Vec<u8>)]| {
        clock.set(NOON.plus(at));
        sender.offer_all(items).expect("offers");
        inlet.pump(&mut owner).expect("pumps");
        owner.flush().expect("flushes");
        inlet.acknowledge(&owner).expect("acknowledges");
        readings(&log).len()
    };
    // Nobody knows yet which buses there are: it waits for its patience.
    assert_eq!(turn(1, &[poll("b", NOON, &[("M-2", "20.0")])]), 0);
    assert_eq!(turn(3, &[poll("a", NOON.plus(2), &[("M-1", "10.0")])]), 0);
    assert_eq!(turn(6, &[]), 1);
    // Both are known now: complete when both have answered, in whatever order.
    let next = NOON.plus(60);
    assert_eq!(turn(61, &[poll("b", next, &[("M-2", "20.1")])]), 1);
    assert_eq!(turn(62, &[poll("a", next, &[("M-1", "10.1")])]), 2);
    // One is silent: the other does not wait for ever. What comes late is an event of its own.
    let next = NOON.plus(120);
    assert_eq!(turn(121, &[poll("a", next, &[("M-1", "10.2")])]), 2);
    assert_eq!(turn(126, &[]), 3);
    assert_eq!(turn(130, &[poll("b", next, &[("M-2", "20.2")])]), 4);
    // The same once more is not recorded again, alone or with others.
    assert_eq!(turn(131, &[poll("a", next, &[("M-1", "10.2")]), poll("b", NOON, &[("M-2", "20.0")])]), 4);
    assert_eq!(readings(&log), [vec!["10.0", "20.0"], vec!["10.1", "20.1"], vec!["10.2"], vec!["20.2"]]);
    assert!(sender.reopen().take(1)?.is_empty(), "all is acknowledged");
    Ok(())
}

#[test]
fn what_cannot_be_appended_is_handed_back_and_the_others_go_on() -> anyhow::Result<()> {
    let log = MemoryLog::new();
    let mut own = log.clone();
    let mut owner = Owner::open(&mut own, site(), COMMIT)?;
    let (mut intake, clock) = (MemoryIntake::new(), GivenClock::new(NOON));
    let mut sender = intake.reopen();
    let mut inlet = Inlet::new(&mut intake, &clock, Feed::Buses { patience_s: 0 });
    let elsewhere = Poll::new(
        SiteId::try_new("hill").expect("a site"),
        "c",
        "b",
        NOON,
        vec![PolledMeter::new(MeterId::try_new("M-1").expect("a meter"), "1")],
    );
    let refund = RechargeReceived {
        account: AccountId::try_new("A-1").expect("an account"),
        amount_minor: -10_000,
        kind: RechargeKind::Refund,
        reference: "R-9".to_owned(),
    };
    let refund = Fact {
        id: EventId::derive(&[b"refund"]),
        site: site(),
        time: NOON,
        actor: "J. Doe".to_owned(),
        body: Body::RechargeReceived(RechargeReceived { amount_minor: 10_000, ..refund }),
    };
    let other_id = EventId::derive(&[b"other"]);
    sender.offer_all(&[
        fact("R-1", 100),
        (EventId::derive(&[b"junk"]), b"junk".to_vec()),
        Arrival::Poll(elsewhere).encode()?,
        (other_id, fact("R-2", 200).1),
        Arrival::Fact(Box::new(refund)).encode()?,
        fact("R-3", 300),
    ])?;
    let taken = inlet.pump(&mut owner)?;
    assert_eq!((taken.facts, taken.known, taken.refused.len()), (2, 0, 4));
    let reasons: Vec<&Refusal> = taken.refused.iter().map(|refused| &refused.reason).collect();
    assert!(matches!(reasons[..], [Refusal::Arrival(_), Refusal::OtherSite(_), Refusal::OtherId(_), Refusal::Fact(_)]));
    owner.flush()?;
    inlet.acknowledge(&owner)?;
    assert_eq!(events(&log)?.len(), 2);
    assert!(sender.reopen().take(1)?.is_empty());
    // The same id with another content, also after the item was forgotten.
    sender.offer_all(&[fact("R-1", 101), fact("R-3", 300)])?;
    let taken = inlet.pump(&mut owner)?;
    assert_eq!((taken.facts, taken.known, taken.refused.len()), (0, 1, 1));
    assert!(matches!(taken.refused[0].reason, Refusal::Fact(OwnerError::IdReused { .. })));
    Ok(())
}

/// An intake whose acknowledgements are lost.
struct Deaf(Spool);

impl Intake for Deaf {
    fn offer(&mut self, id: EventId, bytes: &[u8]) -> Result<(), IntakeError> {
        self.0.offer(id, bytes)
    }

    fn take(&mut self, limit: usize) -> Result<Vec<Item>, IntakeError> {
        self.0.take(limit)
    }

    fn acknowledge(&mut self, _: Place) -> Result<(), IntakeError> {
        Err(IntakeError::DiskFull)
    }
}

#[test]
fn an_end_between_append_and_acknowledgement_appends_once() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("spool.db");
    let log = MemoryLog::new();
    let clock = GivenClock::new(NOON.plus(1));
    let turn = |intake: &mut dyn Intake, feed| -> Result<u64, OwnerError> {
        let mut own = log.clone();
        let mut owner = Owner::open(&mut own, site(), COMMIT)?;
        let mut inlet = Inlet::new(intake, &clock, feed);
        inlet.pump(&mut owner)?;
        owner.flush()?;
        let events = owner.events();
        inlet.acknowledge(&owner)?;
        Ok(events)
    };
    let buses = Feed::Buses { patience_s: 0 };
    let items = [fact("R-1", 100), poll("a", NOON, &[("M-1", "1.0")]), poll("b", NOON, &[("M-2", "2.0")])];
    Spool::open(&path)?.offer_all(&items)?;
    let lost = turn(&mut Deaf(Spool::open(&path)?), buses);
    assert!(matches!(lost, Err(OwnerError::Intake(IntakeError::DiskFull))));
    assert_eq!(events(&log)?.len(), 2);
    // They come again, with one bus more of the same minute.
    Spool::open(&path)?.offer_all(&[poll("c", NOON, &[("M-3", "3.0")])])?;
    assert_eq!(turn(&mut Spool::open(&path)?, buses)?, 3);
    assert_eq!(readings(&log), [vec!["1.0", "2.0"], vec!["3.0"]]);
    assert!(Spool::open(&path)?.take(1)?.is_empty());
    // A source that is read again from its start.
    Spool::open(&path)?.offer_all(&items[..1])?;
    assert_eq!(turn(&mut Spool::open(&path)?, Feed::Source)?, 3);
    Ok(())
}

/// Pages and supply control share what one of them has computed, until something that is owed can have changed.
#[test]
fn dues_are_computed_once_for_all_who_ask() -> anyhow::Result<()> {
    let (site, offers, until) = case("hand-late")?;
    let mut log = MemoryLog::new();
    play(&mut log, &site, &offers, until)?;
    let mut owner = Owner::open(&mut log, site, COMMIT)?;
    let minute = Instant::new(until.get().div_euclid(60) * 60 + 120);
    let first = owner.dues(minute)?;
    assert!(std::sync::Arc::ptr_eq(&first, &owner.dues(minute.plus(59))?), "nothing has changed");
    let account = AccountId::try_new("A-1").expect("an id");
    let recharge = RechargeReceived {
        account: account.clone(),
        amount_minor: 700,
        kind: RechargeKind::Recharge,
        reference: "R-700".to_owned(),
    };
    let body = Body::RechargeReceived(recharge);
    let id = EventId::derive(&[b"R-700"]);
    owner.append(Draft { id, time: minute, received: minute, actor: "test".to_owned(), body })?;
    let paid = owner.dues(minute.plus(59))?;
    let credit = |dues: &services::owner::AllDues| dues.get(&account).map(|of| of.credit_minor.get());
    assert_eq!(credit(&paid), credit(&first).map(|before| before + 700));
    assert!(!std::sync::Arc::ptr_eq(&paid, &owner.dues(minute.plus(60))?), "a minute later");
    Ok(())
}
