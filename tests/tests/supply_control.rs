//! Supply control from the balance to the relay: the simulator's meters behind a real collector, a log on
//! disk, both framings.

use domain::event::OutputState::{Connected, Disconnected};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant as Moment};

use adapters::event_log::EmbeddedLog;
use domain::event::{Body, CheckCode, Event, SupplyEvent, SupplyPolicy, SwitchFailure};
use domain::supply::{ControlState, Refusal};
use serde_json::json;
use services::supply::{Ask, AskError, status};
use tests::cable::Cable;
use tests::supply_world::{Session, World, account, point, quick_policy};

fn on_both(meters: u8, run: impl Fn(World) + Sync) {
    std::thread::scope(|scope| {
        for framing in ["tcp", "rtu"] {
            let run = &run;
            scope.spawn(move || run(World::start(framing, meters)));
        }
    });
}

/// The names of a point's events without those that only say what was read or warned.
fn steps(world: &World, number: u8) -> Vec<&'static str> {
    let of = |name: &&str| name.contains("command") || name.contains("confirmed");
    world.story(number).into_iter().filter(of).collect()
}

#[test]
fn credit_runs_out_and_comes_back() {
    on_both(2, |mut world| {
        world.recharge(2, 10_000);
        world.session(|session| {
            session.publish(quick_policy());
            session.minutes(1);
            assert_eq!((session.output(1), session.output(2)), (Some(Connected), Some(Connected)), "as polled");
            // Nothing paid, 15 kWh used: A-1 is warned now, and cut no sooner than ten minutes later.
            session.minutes(9);
            assert_eq!(session.output(1), Some(Connected), "warned, and still on");
            session.minutes(10);
            assert_eq!((session.output(1), session.output(2)), (Some(Disconnected), Some(Connected)));
            assert!(!session.world.is_on(1) && session.world.is_on(2));
            session.minutes(60);
            session.world.recharge(1, 5_000);
            // No poll, no minute: the payment alone brings supply back.
            session.settle();
            assert_eq!(session.output(1), Some(Connected));
            assert!(session.world.is_on(1));
        });
        let expected = [
            "supply.policy.published.v1",
            "supply.observed.v1",
            "supply.warned.v1",
            "supply.cut.held.v1",
            "supply.command.ordered.v1",
            "supply.command.sent.v1",
            "supply.cut.confirmed.v1",
            "supply.warning.cleared.v1",
            "supply.command.ordered.v1",
            "supply.command.sent.v1",
            "supply.restored.confirmed.v1",
        ];
        assert_eq!(world.story(1), expected);
        assert_eq!(world.writes().len(), 2);
        // The restore follows the credit at once, by the clock of the log.
        let events = world.events();
        let at =
            |wanted: &str| events.iter().rev().find(|event| event.body.type_name() == wanted).expect("it").received;
        assert!(at("supply.restored.confirmed.v1").since(at("recharge.received.v1")) <= 10);
        let confirmed = events.iter().find(|event| event.body.type_name() == "supply.cut.confirmed.v1").expect("it");
        let cause = events.iter().find(|event| Some(event.id) == confirmed.cause).expect("a cause");
        assert_eq!(cause.body.type_name(), "supply.command.ordered.v1");
    });
}

#[test]
fn without_a_policy_nothing_is_looked_at() {
    let mut world = World::start("tcp", 1);
    world.session(|session| {
        session.minutes(600);
        assert_eq!(session.output(1), None);
    });
    assert_eq!(world.story(1), Vec::<&str>::new());
}

#[test]
fn pains_12_a_recharge_while_the_gateway_is_down_closes_within_a_minute_of_its_return() {
    on_both(1, |mut world| {
        world.session(|session| {
            session.publish(quick_policy());
            session.minutes(1);
            session.minutes(10);
            session.minutes(11);
            assert_eq!(session.output(1), Some(Disconnected));
            session.world.fault(json!({"kind": "refuse"}));
            session.minutes(10);
            session.world.recharge(1, 5_000);
            session.settle();
            let pending = session.point(1).restore_pending_since().expect("the tenant sees since when");
            assert_eq!(pending, session.world.now());
            for _ in 0..12 {
                session.minutes(10);
                assert_eq!(session.output(1), Some(Disconnected), "nobody claims more than was read");
            }
            assert_eq!(session.point(1).restore_pending_since(), Some(pending), "pending since the payment");
            session.world.heal();
            session.minutes(1);
            assert_eq!(session.output(1), Some(Connected), "with the first poll after the link's return");
            assert!(session.world.is_on(1));
        });
    });
}

#[test]
fn pains_12_a_stale_cut_never_fires_and_a_newer_recharge_cancels_an_older_cut() {
    on_both(1, |mut world| {
        world.session(|session| {
            session.publish(quick_policy());
            session.minutes(1);
            session.minutes(9);
            // The link goes down just before the cut: it is tried, and nothing can be written.
            session.world.fault(json!({"kind": "refuse"}));
            session.minutes(2);
            session.minutes(120);
            session.world.recharge(1, 5_000);
            session.settle();
            session.world.heal();
            session.minutes(1);
            session.minutes(10);
            assert_eq!(session.output(1), Some(Connected));
            assert!(session.world.is_on(1));
        });
        assert_eq!(world.writes(), Vec::<serde_json::Value>::new(), "no write, ever");
        let steps = steps(&world, 1);
        assert!(!steps.contains(&"supply.cut.confirmed.v1"), "{steps:?}");
    });
}

/// A world with a policy, a first poll, and A-1 warned: its cut is due in a minute.
fn nearly_cut(session: &mut Session<'_, '_>) {
    session.publish(quick_policy());
    session.minutes(1);
    session.minutes(9);
    assert_eq!(session.output(1), Some(Connected));
}

fn failures(events: &[Event]) -> Vec<SwitchFailure> {
    let of = |event: &Event| match &event.body {
        Body::Supply(SupplyEvent::SupplyCommandFailed(data)) => Some(data.reason),
        _ => None,
    };
    events.iter().filter_map(of).collect()
}

#[test]
fn a_welded_relay_is_neither_cut_nor_believed() {
    on_both(1, |mut world| {
        world.session(|session| {
            nearly_cut(session);
            session.world.fault(json!({"kind": "welded", "unit": 1}));
            session.minutes(2);
            assert_eq!(session.point(1).control, ControlState::Unknown);
            session.minutes(1);
            assert_eq!(session.point(1).control, ControlState::Unknown, "it reads off, and power flows");
        });
        assert_eq!(failures(&world.events()).first(), Some(&SwitchFailure::RelayWelded));
        assert!(!steps(&world, 1).contains(&"supply.cut.confirmed.v1"));
    });
}

#[test]
fn a_kill_between_the_commit_and_the_hand_over_moves_nothing_and_claims_nothing() {
    on_both(1, |mut world| {
        world.session(|session| {
            nearly_cut(session);
            session.poll(2);
            session.decide().expect("commits");
            assert!(session.point(1).open.is_some_and(|open| open.sent_at.is_some()));
            // No `act`: the process is killed here.
        });
        assert_eq!(world.writes().len(), 0);
        world.session(|session| {
            session.settle();
            assert_eq!(session.world.writes().len(), 0, "an order of before is not handed over");
            session.minutes(4);
            assert_eq!((session.world.writes().len(), session.output(1)), (0, Some(Connected)));
            // Its time is over: it ends without an outcome, the relay is read, and the need is decided anew.
            session.minutes(3);
            session.minutes(1);
            session.minutes(1);
            assert_eq!(session.output(1), Some(Disconnected));
        });
        let events = world.events();
        assert_eq!(failures(&events), [SwitchFailure::NoOutcome]);
        let wanted = [
            "supply.command.ordered.v1",
            "supply.command.sent.v1",
            "supply.command.failed.v1",
            "supply.command.ordered.v1",
            "supply.command.sent.v1",
            "supply.cut.confirmed.v1",
        ];
        assert_eq!(steps(&world, 1), wanted);
        assert_eq!(world.writes().len(), 1, "one write, of the second order");
        let mut ids: Vec<_> = events.iter().map(|event| event.id).collect();
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), events.len());
    });
}

#[test]
fn a_kill_before_the_outcome_is_known_is_found_out_by_reading_the_relay() {
    on_both(1, |mut world| {
        world.session(|session| {
            nearly_cut(session);
            session.poll(2);
            session.decide().expect("commits");
            session.act();
            let began = Moment::now();
            while session.world.is_on(1) {
                assert!(began.elapsed() < Duration::from_secs(30), "the relay is not moved");
                std::thread::sleep(Duration::from_millis(1));
            }
            // Killed here: the relay is off, and no event says so.
        });
        world.session(|session| {
            session.settle();
            assert_eq!(session.output(1), Some(Connected), "nothing is claimed before it is read");
            session.minutes(1);
            assert_eq!(session.output(1), Some(Disconnected), "as read");
            session.world.recharge(1, 5_000);
            session.minutes(6);
            session.minutes(1);
            session.minutes(1);
            assert_eq!(session.output(1), Some(Connected));
            assert!(session.world.is_on(1));
        });
        assert_eq!(failures(&world.events()), [SwitchFailure::NoOutcome]);
    });
}

#[test]
fn while_the_log_is_out_of_reach_nobody_is_cut() {
    on_both(1, |mut world| {
        let down = Arc::new(AtomicBool::new(false));
        let mut log = Cable::new(EmbeddedLog::open(&world.log()).expect("opens"), Arc::clone(&down));
        world.session_on(&mut log, |session| {
            nearly_cut(session);
            down.store(true, Ordering::SeqCst);
            for _ in 0..6 {
                session.poll(2);
                assert!(session.decide().is_err(), "a turn that cannot be committed has no act");
            }
            session.world.recharge(1, 5_000);
            assert!(session.decide().is_err());
            down.store(false, Ordering::SeqCst);
            session.settle();
            session.minutes(1);
            session.minutes(10);
            assert_eq!(session.output(1), Some(Connected));
        });
        assert_eq!(world.writes().len(), 0);
    });
}

#[test]
fn a_cut_by_hand_needs_two_persons_and_a_complaint_holds_it() {
    let mut world = World::start("tcp", 2);
    world.session(|session| {
        session.publish(SupplyPolicy { persons: 2, hold_on_dispute: true, ..quick_policy() });
        session.world.recharge(1, 10_000);
        session.world.recharge(2, 10_000);
        session.minutes(1);
        let cut = |number| Ask::Switch { point: point(number), to: Disconnected, reason: "empty".to_owned() };
        session.ask("J. Doe", cut(1)).expect("asked");
        session.minutes(1);
        assert_eq!(session.output(1), Some(Connected), "one person is not enough");
        let same = session.ask("J. Doe", Ask::Approve { point: point(1) });
        assert!(matches!(same, Err(AskError::Refused(Refusal::SamePerson(_)))), "{same:?}");
        let dispute = Ask::OpenDispute { account: account(1), reason: "the bill".to_owned() };
        session.ask("A. Clerk", dispute).expect("written down");
        session.ask("M. Roe", Ask::Approve { point: point(1) }).expect("approved");
        session.minutes(1);
        let shown = status(&mut session.owner, &session.control.links(), session.world.now()).expect("a status");
        let held_by = shown[0].due.as_ref().and_then(|due| due.held_by);
        assert_eq!((held_by, shown[0].earliest_cut), (Some(CheckCode::Dispute), None));
        let settled = Ask::CloseDispute { account: account(1), reason: "explained".to_owned() };
        session.ask("A. Clerk", settled).expect("written down");
        session.settle();
        assert_eq!((session.output(1), session.output(2)), (Some(Disconnected), Some(Connected)));
        // The balance is good, and still a cut by a person is taken back by a person alone.
        session.minutes(10);
        assert_eq!(session.output(1), Some(Disconnected));
        let back = Ask::Switch { point: point(1), to: Connected, reason: "moved in".to_owned() };
        session.ask("J. Doe", back).expect("asked");
        session.settle();
        assert_eq!(session.output(1), Some(Connected));
    });
}

#[test]
fn no_more_than_the_blast_radius_is_cut_in_an_hour() {
    let mut world = World::start("tcp", 8);
    world.session(|session| {
        session.publish(quick_policy());
        session.minutes(1);
        session.minutes(9);
        session.minutes(10);
        let off = |session: &Session<'_, '_>| (1..=8).filter(|n| session.output(*n) == Some(Disconnected)).count();
        assert_eq!(off(session), 3);
        let shown = status(&mut session.owner, &session.control.links(), session.world.now()).expect("a status");
        let held = shown.iter().find(|one| one.control == "connected").expect("one that is held");
        assert_eq!(held.due.as_ref().and_then(|due| due.held_by), Some(CheckCode::BlastRadius));
        assert_eq!(held.earliest_cut, Some(session.world.now().plus(3600)));
        session.minutes(59);
        assert_eq!(off(session), 3);
        session.minutes(1);
        assert_eq!(off(session), 6);
    });
    assert_eq!((1..=8).filter(|unit| !world.is_on(*unit)).count(), 6);
}

#[test]
fn somebody_at_the_meter_is_seen_once() {
    on_both(1, |mut world| {
        world.session(|session| {
            session.world.recharge(1, 100_000);
            session.publish(quick_policy());
            session.minutes(1);
            session.world.sim.ask("POST", "/relay/g/1", &json!({"on": false}));
            session.minutes(1);
            assert_eq!(session.output(1), Some(Disconnected));
            let before = session.owner.events();
            session.minutes(1);
            session.minutes(1);
            assert_eq!(session.owner.events(), before + 2, "two readings, and nothing else");
        });
        let observed = world.story(1).into_iter().filter(|name| *name == "supply.observed.v1").count();
        assert_eq!(observed, 2);
        assert_eq!(world.writes().len(), 0, "what a person did at the meter is not undone");
    });
}

#[test]
fn a_relay_in_local_mode_is_seen_and_commissioned() -> anyhow::Result<()> {
    let mut world = World::start("tcp", 2);
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("collector.toml");
    std::fs::write(&file, &world.config)?;
    let file = file.display().to_string();
    world.session(|session| {
        session.world.recharge(2, 10_000);
        session.publish(quick_policy());
        session.minutes(1);
        session.world.set_local(1);
        session.minutes(9);
        assert_eq!((session.point(1).remote, session.point(2).remote), (Some(false), None));
        session.minutes(2);
        assert_eq!(session.output(1), Some(Connected));
        // A dry run says so, and writes nothing.
        let (code, said) = tests::run::command(&["collect", "commission", "--config", &file])?;
        anyhow::ensure!(code == 1 && said.contains("does not obey") && said.contains("nothing was written"), "{said}");
        assert_eq!(session.world.writes().len(), 1, "the one at the meter");
        let (code, said) = tests::run::command(&["collect", "commission", "--config", &file, "--yes", "--json"])?;
        let said: serde_json::Value = serde_json::from_str(&said)?;
        anyhow::ensure!(code == 0 && said["ready"] == true, "{said}");
        let both: Vec<_> =
            [0, 1].map(|index| (&said["meters"][index]["written"], &said["meters"][index]["remote"])).into();
        assert_eq!(both, [(&json!(true), &json!(true)), (&json!(false), &json!(true))]);
        session.minutes(16);
        session.minutes(1);
        assert_eq!((session.output(1), session.point(1).remote), (Some(Disconnected), Some(true)));
        anyhow::Ok(())
    })?;
    assert_eq!(failures(&world.events()).first(), Some(&SwitchFailure::NotRemote));
    let modes = world.story(1).into_iter().filter(|name| *name == "supply.mode.observed.v1").count();
    assert_eq!(modes, 2, "once for each change");
    let addresses: Vec<_> =
        world.writes().iter().map(|write| (write["fc"].clone(), write["address"].clone())).collect();
    assert_eq!(addresses[1..], [(json!(16), json!(0x1E)), (json!(5), json!(1))], "mode, then the relay");
    Ok(())
}

#[test]
fn another_device_is_not_commissioned() -> anyhow::Result<()> {
    let world = World::start("tcp", 1);
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("collector.toml");
    std::fs::write(&file, &world.config)?;
    world.set_local(1);
    world.fault(json!({"kind": "swap", "unit": 1, "kwh": "1", "serial": "33B1299999999"}));
    let (code, said) =
        tests::run::command(&["collect", "commission", "--config", &file.display().to_string(), "--yes"])?;
    anyhow::ensure!(code == 1 && said.contains("another device"), "{said}");
    assert_eq!(world.writes().len(), 1, "the one at the meter");
    Ok(())
}
