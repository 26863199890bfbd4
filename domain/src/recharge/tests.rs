//! Given messages in any order, then balances: examples and laws.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::event::{AccountId, Body, Event, PaymentKind, PaymentRefusal, RechargeKind, SiteId};
use crate::ledger::Ledger;
use crate::quantity::{Instant, Money};

const NOW: Instant = Instant::new(1_772_323_200);

/// A site's money without the rest of the site.
#[derive(Default)]
struct Desk {
    payments: Payments,
    ledger: Ledger,
    used: BTreeMap<AccountId, Money>,
    events: Vec<Body>,
    ids: BTreeSet<crate::event::EventId>,
}

fn account(id: &str) -> AccountId {
    AccountId::try_new(id).expect("an id")
}

impl Desk {
    fn balance(&self, id: &AccountId) -> Money {
        self.ledger.cash(id, NOW.plus(1)) - self.used.get(id).copied().unwrap_or_default()
    }

    fn ask(&mut self, command: Command<'_>) -> Result<Outcome, RechargeRefusal> {
        let site = SiteId::try_new("riverside").expect("an id");
        let known = |text: &str| matches!(text, "A-1" | "A-2").then(|| account(text));
        let view = View {
            site: &site,
            currency: "EUR",
            now: NOW,
            account: &known,
            balance: &|id| self.balance(id),
            taken: &|reference, kind| self.ledger.knows(reference, kind),
        };
        let decision = decide(&self.payments, command, &view)?;
        for fact in decision.facts {
            assert!(self.ids.insert(fact.id), "{:?} has an id that is used", fact.body);
            self.append(fact.time, fact.body);
        }
        Ok(decision.outcome)
    }

    fn append(&mut self, time: Instant, body: Body) {
        let (id, site) = (crate::event::EventId::default(), SiteId::try_new("riverside").expect("an id"));
        let (actor, chains) = (String::new(), Vec::new());
        let event = Event { position: 1, id, site, time, received: NOW, actor, cause: None, chains, body };
        self.payments.apply(&event);
        match &event.body {
            Body::RechargeReceived(data) => self.ledger.recharge(event.time, data),
            Body::RechargeSuspended(data) => self.ledger.suspend(event.time, data),
            _ => {}
        }
        self.events.push(event.body);
    }

    fn hear(&mut self, message: &GatewayMessage) -> Outcome {
        self.ask(Command::Message(message)).expect("a message")
    }
}

fn message(kind: PaymentKind, payment: &str, movement: &str, to: &str, amount_minor: i64) -> GatewayMessage {
    let [gateway, payment, movement, account, currency] =
        ["stripe", payment, movement, to, "EUR"].map(ToOwned::to_owned);
    GatewayMessage { gateway, kind, payment, movement, account, amount_minor, currency, time: NOW.plus(-5) }
}

fn captured(payment: &str, to: &str, amount: i64) -> GatewayMessage {
    message(PaymentKind::Captured, payment, payment, to, amount)
}

fn back(kind: PaymentKind, payment: &str, movement: &str, amount: i64) -> GatewayMessage {
    message(kind, payment, movement, "", amount)
}

#[test]
fn a_capture_is_credited_once() {
    let mut desk = Desk::default();
    let first = desk.hear(&captured("p", "A-1", 5000));
    assert_eq!(first, Outcome::Done { state: PaymentState::Credited, account: Some(account("A-1")), receivable: None });
    for _ in 0..50 {
        assert_eq!(desk.hear(&captured("p", "A-1", 5000)), Outcome::Known(PaymentState::Credited));
    }
    assert_eq!((desk.balance(&account("A-1")), desk.events.len()), (Money::new(5000), 2));
}

#[test]
fn a_reversal_before_its_capture_is_parked() {
    let mut desk = Desk::default();
    let parked = desk.hear(&back(PaymentKind::Reversed, "p", "rv", 5000));
    assert_eq!(parked, Outcome::Done { state: PaymentState::Parked, account: None, receivable: None });
    let done = desk.hear(&captured("p", "A-1", 5000));
    assert_eq!(done, Outcome::Done { state: PaymentState::Reversed, account: Some(account("A-1")), receivable: None });
    assert_eq!(desk.balance(&account("A-1")), Money::ZERO);
}

#[test]
fn a_chargeback_after_the_energy_was_used_is_a_receivable() {
    let mut desk = Desk::default();
    desk.hear(&captured("p", "A-1", 5000));
    desk.used.insert(account("A-1"), Money::new(4200));
    let outcome = desk.hear(&back(PaymentKind::ChargedBack, "p", "dp", 5000));
    let receivable = Some(Money::new(4200));
    assert_eq!(outcome, Outcome::Done { state: PaymentState::ChargedBack, account: Some(account("A-1")), receivable });
    let said = desk.events.iter().find_map(|body| match body {
        Body::Payment(crate::event::PaymentEvent::RechargeMoved(data)) => Some(data.receivable_minor),
        _ => None,
    });
    assert_eq!(said, Some(Some(4200)));
    desk.hear(&back(PaymentKind::Reinstated, "p", "dp", 5000));
    assert_eq!(desk.balance(&account("A-1")), Money::new(800));
}

#[test]
fn another_content_under_a_known_id_is_refused_and_kept_once() {
    let mut desk = Desk::default();
    desk.hear(&captured("p", "A-1", 5000));
    for _ in 0..2 {
        assert_eq!(desk.hear(&captured("p", "A-1", 6000)), Outcome::Refused(PaymentRefusal::OtherAmount));
    }
    assert_eq!(desk.hear(&captured("p", "A-2", 5000)), Outcome::Refused(PaymentRefusal::OtherAccount));
    let foreign = GatewayMessage { currency: "USD".to_owned(), ..captured("q", "A-1", 5000) };
    assert_eq!(desk.hear(&foreign), Outcome::Refused(PaymentRefusal::OtherCurrency));
    desk.hear(&back(PaymentKind::Refunded, "p", "re", 100));
    let moved = back(PaymentKind::Refunded, "q", "re", 100);
    assert_eq!(desk.hear(&moved), Outcome::Refused(PaymentRefusal::OtherPayment));
    assert_eq!(desk.payments.get(&PaymentKey::new("stripe", "p")).expect("known").refused.len(), 2);
    assert_eq!((desk.balance(&account("A-1")), desk.balance(&account("A-2"))), (Money::new(4900), Money::ZERO));
}

#[test]
fn a_reference_that_the_ledger_has_from_elsewhere_is_refused() {
    let mut desk = Desk::default();
    let (account, reference) = (account("A-1"), "stripe:p".to_owned());
    let data = crate::event::RechargeReceived { account, amount_minor: 1, kind: RechargeKind::Recharge, reference };
    desk.append(NOW, Body::RechargeReceived(data));
    assert_eq!(desk.hear(&captured("p", "A-1", 5000)), Outcome::Refused(PaymentRefusal::ReferenceUsed));
}

#[test]
fn money_in_suspense_is_matched_or_returned_once() {
    let mut desk = Desk::default();
    let key = PaymentKey::new("stripe", "p");
    let act =
        |act: &Act, desk: &mut Desk| desk.ask(Command::Suspense { key: &key, act, by: "J. Doe", reason: "phone" });
    let to = Act::Match(account("A-2"));
    assert!(matches!(act(&to, &mut desk), Err(RechargeRefusal::Unknown(_))));
    desk.hear(&captured("p", "A-l", 5000));
    desk.hear(&back(PaymentKind::Refunded, "p", "re", 1000));
    assert_eq!(desk.payments.left_in_suspense("stripe:p"), Some(Money::new(4000)));
    assert_eq!(act(&Act::Match(account("A-9")), &mut desk), Err(RechargeRefusal::NoAccount(account("A-9"))));
    act(&to, &mut desk).expect("it is in suspense");
    assert_eq!(act(&to, &mut desk), Ok(Outcome::Known(PaymentState::Credited)));
    assert_eq!(desk.balance(&account("A-2")), Money::new(4000));
    assert_eq!(act(&Act::Return, &mut desk), Err(RechargeRefusal::NotInSuspense("stripe:p".to_owned())));
    let key = PaymentKey::new("stripe", "q");
    desk.hear(&captured("q", "", 700));
    for _ in 0..2 {
        let back = Command::Suspense { key: &key, act: &Act::Return, by: "J. Doe", reason: "unknown payer" };
        desk.ask(back).expect("it is in suspense");
    }
    desk.hear(&message(PaymentKind::Requested, "q", "q", "A-1", 700));
    assert_eq!(desk.balance(&account("A-1")), Money::ZERO);
    assert_eq!(desk.payments.get(&key).expect("known").state(), PaymentState::Returned);
}

#[test]
fn what_was_cut_off_is_completed_by_the_next_message() {
    let mut whole = Desk::default();
    whole.hear(&captured("p", "A-1", 5000));
    let mut cut = Desk::default();
    cut.append(NOW, whole.events[0].clone());
    cut.hear(&captured("p", "A-1", 5000));
    assert_eq!(cut.events, whole.events);
}

fn any_message() -> impl Strategy<Value = GatewayMessage> {
    let payment = prop_oneof![Just("p"), Just("q"), Just("r")];
    let kind = prop_oneof![
        2 => Just(PaymentKind::Requested),
        3 => Just(PaymentKind::Captured),
        1 => Just(PaymentKind::Refunded),
        1 => Just(PaymentKind::Reversed),
        1 => Just(PaymentKind::ChargedBack),
        1 => Just(PaymentKind::Reinstated),
    ];
    (payment, kind, 0..3u8, any::<bool>()).prop_map(|(payment, kind, nth, second)| {
        // What a gateway says of an id, it says again with the same content; what it leaves out the request has.
        let (to, amount) = match payment {
            "p" => ("A-1", 5000),
            "q" => ("A-2", 700),
            _ => ("nobody", 90),
        };
        let to = if kind == PaymentKind::Requested { to } else { "" };
        let is_first = matches!(kind, PaymentKind::Requested | PaymentKind::Captured);
        let movement = if is_first { payment.to_owned() } else { format!("{payment}-{nth}") };
        let amount = if is_first { amount } else { 100 + i64::from(nth) };
        let gateway = if second { "wechat" } else { "stripe" }.to_owned();
        GatewayMessage { gateway, ..message(kind, payment, &movement, to, amount) }
    })
}

fn played(messages: &[GatewayMessage]) -> Desk {
    let mut desk = Desk::default();
    for message in messages {
        desk.hear(message);
    }
    desk
}

fn sums(desk: &Desk) -> [Money; 2] {
    [desk.balance(&account("A-1")), desk.balance(&account("A-2"))]
}

proptest! {
    #[test]
    fn any_order_and_repetition_gives_the_same_balances(
        (messages, again) in proptest::collection::vec(any_message(), 1..30).prop_flat_map(|messages| {
            let doubled: Vec<_> = messages.iter().chain(&messages).cloned().collect();
            (Just(messages), Just(doubled).prop_shuffle())
        })
    ) {
        let (one, other) = (played(&messages), played(&again));
        prop_assert_eq!(sums(&one), sums(&other));
        let left = |desk: &Desk| desk.payments.all().map(|(key, one)| (key.clone(), one.left())).collect::<Vec<_>>();
        prop_assert_eq!(left(&one), left(&other));
    }

    #[test]
    fn credited_less_what_was_taken_back_is_the_ledger(messages in proptest::collection::vec(any_message(), 1..40)) {
        let desk = played(&messages);
        let mut of: BTreeMap<AccountId, Money> = BTreeMap::new();
        for payment in desk.payments.all().map(|(_, payment)| payment) {
            if let Some(account) = &payment.credited {
                *of.entry(account.clone()).or_default() += payment.left();
                prop_assert!(payment.movements.iter().all(|one| one.posted));
            }
        }
        for id in [account("A-1"), account("A-2")] {
            prop_assert_eq!(of.get(&id).copied().unwrap_or_default(), desk.balance(&id));
        }
    }

    #[test]
    fn nothing_is_credited_twice(messages in proptest::collection::vec(any_message(), 1..40)) {
        let desk = played(&messages);
        let mut seen = BTreeSet::new();
        for body in &desk.events {
            if let Body::RechargeReceived(data) = body {
                prop_assert!(seen.insert((data.reference.clone(), data.kind)), "{} came twice", data.reference);
            }
        }
    }
}
