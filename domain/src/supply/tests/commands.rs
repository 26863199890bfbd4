//! The life of a command, what people ask for, and what is refused.

use super::*;
use crate::event::{CancelReason, SwitchFailure};
use crate::supply::{ControlState, PolicyError, preset};

fn policy(name: &str) -> SupplyPolicy {
    preset(name).expect("a preset").policy()
}

#[test]
fn nothing_but_a_read_back_says_that_supply_is_off() {
    let mut given = Given::owing(&policy("texas-prepaid"));
    let order = given.ordered();
    assert!(order.checks.iter().all(|check| check.passed && !check.figures.is_empty()));
    assert_eq!(order.checks.len(), 12);
    assert_eq!(given.supply.point(&given.point).control, ControlState::Connected, "an order is no read-back");
    given.send(order.command);
    let report = |read_back, sent| Command::Report {
        command: 1,
        evidence: seen(NOON, read_back, sent),
        report: Report::Confirmed,
    };
    for (read_back, sent) in
        [(None, true), (Some(OutputState::Connected), true), (Some(OutputState::Disconnected), false)]
    {
        let refused = given.ask(report(read_back, sent));
        assert_eq!(refused, Err(Refusal::NotReadBack { command: 1, sent, read_back }));
    }
    given.confirm(1, OutputState::Disconnected);
    assert_eq!(given.supply.point(&given.point).control, ControlState::Disconnected);
    assert_eq!(given.ask(report(Some(OutputState::Disconnected), true)), Err(Refusal::CommandEnded(1)));
    assert_eq!(given.ask(Command::Send { command: 2 }), Err(Refusal::UnknownCommand(2)));
}

#[test]
fn a_command_is_sent_once_and_not_after_its_time() {
    let mut given = Given::owing(&policy("texas-prepaid"));
    let order = given.ordered();
    assert_eq!(order.valid_until, NOON.plus(300));
    let mut late = given.clone();
    late.later(300);
    assert!(matches!(late.send(1), SupplyEvent::SupplyCommandExpired(_)));
    assert_eq!(late.ask(Command::Send { command: 1 }), Err(Refusal::CommandEnded(1)));
    assert_eq!(late.ordered().command, 2, "the need is decided again");
    given.send(1);
    assert_eq!(given.ask(Command::Send { command: 1 }), Err(Refusal::AlreadySent(1)));
    given.later(359);
    assert_eq!(given.review(), None);
    given.later(1);
    let failed = given.review();
    assert!(
        matches!(&failed, Some(SupplyEvent::SupplyCommandFailed(one)) if one.reason == SwitchFailure::NoOutcome),
        "{failed:?}"
    );
    assert_eq!(given.supply.point(&given.point).control, ControlState::Unknown);
}

#[test]
fn a_cut_that_perhaps_happened_is_taken_back_by_credit() {
    for reason in [SwitchFailure::Unknown, SwitchFailure::NoOutcome, SwitchFailure::RelayWelded] {
        let mut given = Given::owing(&policy("texas-prepaid"));
        given.ordered();
        given.send(1);
        let evidence = seen(NOON, None, true);
        given.act(Command::Report { command: 1, evidence, report: Report::Failed(reason) });
        given.later(60);
        given.pay(100);
        assert_eq!(given.ordered().to, OutputState::Connected, "{reason:?}");
    }
}

#[test]
fn a_try_that_failed_is_made_again_after_longer_and_longer_pauses() {
    let mut given = Given::owing(&policy("texas-prepaid"));
    for pause in [15, 30, 60, 120, 240, 480, 960, 960] {
        let command = given.settle().iter().find_map(|event| match event {
            SupplyEvent::SupplyCommandOrdered(order) => Some(order.command),
            _ => None,
        });
        let command = command.expect("an order");
        given.send(command);
        let evidence = seen(given.now, Some(OutputState::Connected), true);
        given.act(Command::Report { command, evidence, report: Report::Failed(SwitchFailure::NotMoved) });
        given.later(pause - 1);
        assert!(given.settle().iter().all(|event| order_to(Some(event)).is_none()), "{pause}");
        given.later(1);
    }
}

#[test]
fn a_cut_is_not_sent_once_a_window_protection_or_complaint_came() {
    let mut policy = policy("uk-prepay");
    policy.command_valid_s = 3600;
    let mut given = Given::owing(&policy);
    given.later(4 * HOUR_S - 120);
    assert_eq!(given.ordered().valid_until, NOON.plus(4 * HOUR_S), "friendly hours start at 16:00");
    let mut at_four = given.clone();
    at_four.later(120);
    assert!(matches!(at_four.send(1), SupplyEvent::SupplyCommandExpired(_)));
    given.data_at = None;
    let SupplyEvent::SupplyCommandCancelled(cancelled) = given.send(1) else { panic!("stale data cut") };
    assert_eq!(cancelled.reason, CancelReason::NoLongerPasses);
    assert!(cancelled.checks.iter().any(|check| check.code == CheckCode::Fresh && !check.passed));
}

#[test]
fn what_a_person_cut_only_a_person_restores() {
    let mut given = Given::owing(&policy("none"));
    given.request(OutputState::Disconnected);
    given.cut();
    given.pay(1_000_000);
    given.later(60);
    assert_eq!(given.settle(), Vec::new(), "credit does not close what a person opened");
    given.request(OutputState::Connected);
    let order = given.ordered();
    assert_eq!((order.to, order.request), (OutputState::Connected, Some(2)));
}

#[test]
fn who_restores_by_hand_has_the_account_warned_anew() {
    let mut given = Given::owing(&policy("texas-prepaid"));
    given.cut();
    given.later(60);
    given.request(OutputState::Connected);
    let order = given.ordered();
    given.send(order.command);
    given.confirm(order.command, OutputState::Connected);
    let events = given.settle();
    assert!(matches!(events.first(), Some(SupplyEvent::SupplyWarned(_))), "{events:?}");
    assert_eq!(held_by(events.get(1)), Some(CheckCode::Notice));
}

#[test]
fn a_newer_request_takes_an_unsent_order_back() {
    let mut given = Given::owing(&policy("texas-prepaid"));
    given.ordered();
    given.request(OutputState::Connected);
    let event = given.review();
    assert!(
        matches!(&event, Some(SupplyEvent::SupplyCommandCancelled(one)) if one.reason == CancelReason::NewerRequest),
        "{event:?}"
    );
}

#[test]
fn silence_never_cuts() {
    let due = Given::owing(&policy("texas-prepaid"));
    for change in [|given: &mut Given| given.dues = None, |given: &mut Given| given.account = None] {
        let mut given = due.clone();
        change(&mut given);
        assert_eq!(given.settle(), Vec::new());
    }
    let mut none = Given { supply: Supply::default(), ..due };
    assert_eq!(none.settle(), Vec::new(), "no policy, no cut");
}

#[test]
fn a_hold_is_written_once_a_day_for_each_reason() {
    let mut given = Given::owing(&policy("texas-prepaid"));
    given.link_up = false;
    assert_eq!(held_by(given.review().as_ref()), Some(CheckCode::Link));
    for _ in 0..50 {
        given.later(60);
        assert_eq!(given.review(), None);
    }
    given.later(24 * HOUR_S);
    assert_eq!(held_by(given.review().as_ref()), Some(CheckCode::Link));
}

#[test]
fn refusals_say_what_is_wrong() {
    let name = || "J. Doe".to_owned();
    let mut given = Given::owing(&policy("eu"));
    let ask = |by: &str, to, reason: &str| Command::Request { by: by.to_owned(), to, reason: reason.to_owned() };
    let off = OutputState::Disconnected;
    assert_eq!(given.ask(ask(" ", off, "works")), Err(Refusal::Empty("by")));
    assert_eq!(given.ask(ask("J. Doe", off, "")), Err(Refusal::Empty("reason")));
    assert_eq!(
        given.ask(ask("J. Doe", OutputState::Connected, "works")),
        Err(Refusal::AlreadyThere(OutputState::Connected))
    );
    assert_eq!(given.ask(Command::Approve { by: name() }), Err(Refusal::NoRequest));
    given.request(off);
    assert_eq!(given.ask(Command::Approve { by: name() }), Err(Refusal::SamePerson(name())));
    assert_eq!(given.ask(Command::ConfirmReconnection { by: name() }), Err(Refusal::NotReady));
}

#[test]
fn a_policy_that_cannot_be_is_refused() {
    let good = policy("uk-prepay");
    let given = Given::owing(&good);
    let check = |change: &dyn Fn(&mut SupplyPolicy)| {
        let mut policy = good.clone();
        change(&mut policy);
        given.ask(Command::Publish { by: "J. Doe".to_owned(), policy, preset: None }).err()
    };
    assert_eq!(check(&|_| ()), None);
    let bounds = |field, value, least, most| Some(PolicyError::Bounds { field, value, least, most }.into());
    assert_eq!(check(&|policy| policy.persons = 3), bounds("persons", 3, 1, 2));
    assert_eq!(check(&|policy| policy.blast_percent = 101), bounds("blast_percent", 101, 0, 100));
    assert_eq!(check(&|policy| policy.restore_at_minor = Money::new(-501)), Some(PolicyError::Swings.into()));
    assert_eq!(check(&|policy| policy.warn_tenths = vec![10, 30, 0]), Some(PolicyError::WarnSteps.into()));
    assert_eq!(check(&|policy| policy.warn_tenths = vec![30, 10]), Some(PolicyError::WarnSteps.into()));
    assert_eq!(check(&|policy| policy.warn_tenths.clear()), Some(PolicyError::NoWarning.into()));
    assert_eq!(check(&|policy| policy.for_charges.clear()), Some(PolicyError::NoCharges.into()));
    let backwards = |policy: &mut SupplyPolicy| {
        if let Some(window) = policy.no_cut.get_mut(1) {
            window.to_minute = window.from_minute;
        }
    };
    assert_eq!(check(&backwards), Some(PolicyError::Window(1).into()));
}

#[test]
fn a_request_that_was_answered_does_not_come_back_after_a_cut() {
    let mut given = Given::owing(&policy("texas-prepaid"));
    given.ordered();
    given.request(OutputState::Connected);
    assert!(matches!(given.review(), Some(SupplyEvent::SupplyCommandCancelled(_))));
    given.later(60);
    given.cut();
    given.later(60);
    assert_eq!(given.settle(), Vec::new(), "the request was answered: supply was on");
}

#[test]
fn what_may_no_longer_be_cut_is_given_back_whatever_is_owed() {
    let mut given = Given::owing(&policy("texas-prepaid"));
    given.cut();
    given.later(60);
    assert_eq!(given.settle(), Vec::new(), "it owes still");
    let mut protected = given.clone();
    let (by, point, reason) = ("J. Doe".to_owned(), given.point.clone(), "dialysis at home".to_owned());
    let event = SupplyEvent::PointProtected(crate::event::PointProtected { by, point, reason });
    protected.supply.take(&event, protected.now);
    protected.dues = None;
    assert_eq!(protected.ordered().to, OutputState::Connected);
    given.publish(policy("none"));
    assert_eq!(given.ordered().to, OutputState::Connected);
}
