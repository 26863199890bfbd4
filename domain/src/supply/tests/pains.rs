//! What users of other systems suffer, and what holds here instead.

use super::*;
use crate::event::CancelReason;
use crate::supply::preset;

/// Orders in ems4j (its code) skip meters that are offline and are not made again: a
/// paid tenant stays in the dark, or is cut by an order that waited for the link.
#[test]
fn pain_12_a_recharge_while_the_gateway_is_down_closes_the_relay_when_it_returns() {
    let mut given = Given::owing(&preset("texas-prepaid").expect("a preset").policy());
    given.cut();
    given.later(60);
    given.link_up = false;
    given.pay(100);
    let paid = given.now;
    assert_eq!(held_by(given.review().as_ref()), Some(CheckCode::Link));
    for _ in 0..120 {
        given.later(60);
        assert_eq!(given.settle(), Vec::new(), "nothing is ordered that would wait for the link");
        let pending = given.supply.point(&given.point).restore_pending_since();
        assert_eq!(pending, Some(paid), "the tenant sees since when");
    }
    given.link_up = true;
    let order = given.ordered();
    assert_eq!(order.to, OutputState::Connected, "in the first review after the link is back");
    given.send(order.command);
    given.confirm(order.command, OutputState::Connected);
    assert_eq!(given.supply.point(&given.point).restore_pending_since(), None);
}

#[test]
fn pain_12_a_stale_cut_never_fires_and_a_newer_recharge_cancels_an_older_cut() {
    let mut given = Given::owing(&preset("texas-prepaid").expect("a preset").policy());
    given.ordered();
    let mut stale = given.clone();
    stale.later(24 * HOUR_S);
    assert!(matches!(stale.send(1), SupplyEvent::SupplyCommandExpired(_)));
    for paid in [1, 100] {
        let mut given = given.clone();
        if let Some(dues) = &mut given.dues {
            dues.energy_minor += Money::new(50);
        }
        given.later(1);
        given.pay(paid);
        let event = given.send(1);
        let SupplyEvent::SupplyCommandCancelled(cancelled) = &event else { panic!("sent: {event:?}") };
        assert_eq!(cancelled.reason, CancelReason::NewerRecharge);
        let next = given.settle();
        assert_eq!(next.iter().any(|event| order_to(Some(event)).is_some()), paid == 1, "decided anew: {next:?}");
    }
}

/// <https://github.com/flexprice/flexprice/issues/2155>: alerts at each crossing of a threshold.
#[test]
fn pain_13_100_swings_about_a_threshold_give_one_alert() {
    let policy = preset("texas-prepaid").expect("a preset").policy();
    for (step, low, high) in [(30, 29, 31), (10, 10, 11), (0, 0, 1)] {
        let mut given = Given::owing(&policy);
        given.supply.warned.clear();
        let mut alerts = Vec::new();
        for swing in 0..200 {
            given.later(60);
            let is_low = swing % 2 == 1;
            given.left = Some(if is_low { low } else { high });
            let balance = if is_low && step == 0 { 0 } else { 10 * low + 1 };
            given.dues = Some(Dues { credit_minor: Money::new(balance), ..Dues::default() });
            alerts.extend(given.settle());
        }
        // Of the lower steps, a step above has warned before the swings reach them.
        let of_step =
            alerts.iter().filter(|event| matches!(event, SupplyEvent::SupplyWarned(one) if one.step_tenths == step));
        assert_eq!(of_step.count(), 1, "{step}: {alerts:?}");
        assert_eq!(alerts.len(), if step == 30 { 1 } else { 2 }, "{alerts:?}");
        let Some(SupplyEvent::SupplyWarned(last)) = alerts.last() else { panic!("{alerts:?}") };
        assert_eq!(last.hours_left, Some(low * 24 / 10), "it says how long is left");
    }
}

#[test]
fn pain_13_a_step_that_was_well_left_behind_warns_again() {
    let mut given = Given::owing(&preset("texas-prepaid").expect("a preset").policy());
    given.supply.warned.clear();
    given.dues = Some(Dues { credit_minor: Money::new(500), ..Dues::default() });
    let mut at = |left| {
        given.later(60);
        given.left = Some(left);
        given.settle().len()
    };
    assert_eq!([at(9), at(19), at(9), at(20), at(9), at(39), at(29)], [1, 0, 0, 1, 1, 1, 0]);
    assert_eq!([at(40), at(30)], [1, 1]);
}
