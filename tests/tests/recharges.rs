//! Money in, through a desk: the pains of double payment, and what comes in the wrong order.

use std::thread;

use adapters::payment_gateway::generic::Generic;
use adapters::payment_gateway::stripe::Stripe;
use adapters::payment_gateway::{HookError, PaymentGateway};
use domain::event::{PaymentKind, PaymentRefusal};
use domain::quantity::Money;
use domain::recharge::{GatewayMessage, Outcome, PaymentKey, PaymentState};
use tests::gateways::{at, back, balance, captured, desk, hear, intent, standard, start, stripe, stripe_event, write};

const NOON: &str = "2026-03-05T12:00:00Z";

fn is_known(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Known(PaymentState::Credited))
}

/// PAINS 7: <https://github.com/formancehq/stack/issues/1464>, <https://github.com/LerianStudio/midaz/issues/1974>.
#[test]
fn pain_7_the_same_webhook_50_times_in_parallel_is_credited_once() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let config = write(folder.path(), "");
    let message = captured("pi_1", "A-1", 5000);
    let server = start(&config, at(NOON));
    let (of, one) = (desk(&server), &message);
    let outcomes: Vec<Outcome> = thread::scope(|scope| {
        let calls: Vec<_> = (0..50).map(|_| scope.spawn(|| hear(&of, one).expect("it is taken"))).collect();
        calls.into_iter().map(|call| call.join().expect("no panic")).collect()
    });
    assert_eq!(outcomes.iter().filter(|outcome| !is_known(outcome)).count(), 1);
    assert_eq!(balance(&of, "A-1"), 5000);
    let events = of.moment().position;
    drop((of, server));

    let server = start(&config, at(NOON));
    assert!(is_known(&hear(&desk(&server), &message)?), "after a restart");
    drop(server);
    let server = start(&config, at("2026-04-04T12:00:00Z"));
    let of = desk(&server);
    assert!(is_known(&hear(&of, &message)?), "after 30 days");
    assert_eq!(balance(&of, "A-1"), 5000);
    let credits =
        of.change_blocking(|turn| Ok::<_, services::recharge::RechargeError>(turn.owner.payments().all().count()))?;
    assert_eq!(credits, 1);
    assert!(of.moment().position >= events);
    Ok(())
}

#[test]
fn pain_7_concurrent_amounts_under_one_id_are_refused_and_shown() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let config = write(folder.path(), "");
    let server = start(&config, at(NOON));
    let of = desk(&server);
    let outcomes: Vec<Outcome> = thread::scope(|scope| {
        let call = |amount| {
            let of = &of;
            scope.spawn(move || hear(of, &captured("pi_1", "A-1", amount)).expect("it is taken"))
        };
        let calls: Vec<_> = (0..10).map(|nth| call(5000 + nth)).collect();
        calls.into_iter().map(|call| call.join().expect("no panic")).collect()
    });
    let refused = outcomes.iter().filter(|one| **one == Outcome::Refused(PaymentRefusal::OtherAmount)).count();
    assert_eq!(refused, 9);
    let shown = of.change_blocking(|turn| {
        let payment = turn.owner.payments().get(&PaymentKey::new("stripe", "pi_1")).cloned();
        Ok::<_, services::recharge::RechargeError>(payment)
    })?;
    let shown = shown.expect("it is known");
    assert_eq!(shown.refused.len(), 9);
    assert_eq!(balance(&of, "A-1"), shown.left().get());
    Ok(())
}

#[test]
fn a_reversal_before_its_capture_waits_for_it_through_a_restart() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let config = write(folder.path(), "");
    let server = start(&config, at(NOON));
    hear(&desk(&server), &back(PaymentKind::Reversed, "pi_1", "rv_1", 5000))?;
    assert_eq!(balance(&desk(&server), "A-1"), 0);
    drop(server);
    let server = start(&config, at(NOON));
    let outcome = hear(&desk(&server), &captured("pi_1", "A-1", 5000))?;
    assert!(matches!(outcome, Outcome::Done { state: PaymentState::Reversed, .. }), "{outcome:?}");
    assert_eq!(balance(&desk(&server), "A-1"), 0);
    Ok(())
}

#[test]
fn a_chargeback_after_the_energy_was_used_leaves_a_receivable() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let config = write(folder.path(), "");
    let server = start(&config, at(NOON));
    let of = desk(&server);
    hear(&of, &captured("pi_1", "A-1", 5000))?;
    hear(&of, &captured("pi_2", "A-1", 100))?;
    // 42.00 were used of it and refunded elsewhere: what is left cannot cover the chargeback.
    hear(&of, &back(PaymentKind::Refunded, "pi_1", "re_1", 4200))?;
    let outcome = hear(&of, &back(PaymentKind::ChargedBack, "pi_1", "dp_1", 5000))?;
    let Outcome::Done { receivable, .. } = outcome else { panic!("{outcome:?}") };
    assert_eq!(receivable, Some(Money::new(4100)));
    assert_eq!(balance(&of, "A-1"), -4100);
    Ok(())
}

#[test]
fn two_gateways_may_give_the_same_id_to_two_payments() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let config = write(folder.path(), "");
    let server = start(&config, at(NOON));
    let of = desk(&server);
    hear(&of, &captured("1000", "A-1", 5000))?;
    hear(&of, &GatewayMessage { gateway: "wechat".to_owned(), ..captured("1000", "A-2", 300) })?;
    assert_eq!((balance(&of, "A-1"), balance(&of, "A-2")), (5000, 300));
    Ok(())
}

#[test]
fn stripe_takes_its_own_signature_alone_and_only_now() {
    let gateway = Stripe::new("stripe", &["whsec_old".to_owned(), "whsec_new".to_owned()], "https://none", None);
    let body = stripe_event("payment_intent.succeeded", intent("pi_1", 5000, Some("A-1")));
    let now = at(NOON);
    let said = gateway.hear(&stripe("whsec_new", now, &body), body.as_bytes(), now).expect("it is signed");
    let kinds: Vec<_> = said.iter().map(|one| (one.kind, one.account.as_str(), one.amount_minor)).collect();
    assert_eq!(kinds, [(PaymentKind::Requested, "A-1", 5000), (PaymentKind::Captured, "", 5000)]);
    let forged = gateway.hear(&stripe("whsec_guess", now, &body), body.as_bytes(), now);
    assert_eq!(forged, Err(HookError::BadSignature));
    let edited = body.replace("5000", "9000");
    assert_eq!(gateway.hear(&stripe("whsec_new", now, &body), edited.as_bytes(), now), Err(HookError::BadSignature));
    for late in [301, -301] {
        let old = gateway.hear(&stripe("whsec_new", now.plus(-late), &body), body.as_bytes(), now);
        assert!(matches!(old, Err(HookError::NotNow { .. })), "{old:?}");
    }
    let other = stripe_event("customer.created", serde_json::json!({"id": "cus_1", "object": "customer"}));
    assert_eq!(gateway.hear(&stripe("whsec_old", now, &other), other.as_bytes(), now), Ok(Vec::new()));
    let float = body.replace("5000", "5000.5");
    let refused = gateway.hear(&stripe("whsec_old", now, &float), float.as_bytes(), now);
    assert!(matches!(refused, Err(HookError::Body(_))), "{refused:?}");
}

#[test]
fn a_gateway_of_ones_own_signs_as_standard_webhooks() {
    let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let gateway = Generic::try_new("desk", &[secret.to_owned()]).expect("a secret");
    let now = at(NOON);
    let body = r#"{"type":"recharge.charged_back","timestamp":"2026-03-05T11:00:00Z",
        "data":{"payment":"P-1","movement":"D-1","amount_minor":5000,"currency":"eur"}}"#;
    let said = gateway.hear(&standard(secret, "msg_1", now, body), body.as_bytes(), now).expect("it is signed");
    assert_eq!(
        (said[0].kind, said[0].movement.as_str(), said[0].currency.as_str()),
        (PaymentKind::ChargedBack, "D-1", "EUR")
    );
    let other = standard("whsec_AAAA9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_1", now, body);
    assert_eq!(gateway.hear(&other, body.as_bytes(), now), Err(HookError::BadSignature));
    let old = gateway.hear(&standard(secret, "msg_1", now.plus(-301), body), body.as_bytes(), now);
    assert!(matches!(old, Err(HookError::NotNow { .. })), "{old:?}");
    assert_eq!(gateway.hear(&standard(secret, "m", now, "{}"), b"{}", now).map_err(|_| ()), Err(()));
}
