//! One passing and one failing fixture for each rule of each preset.

use super::*;
use crate::event::{DayName, DisputeOpened, PointProtected, WeatherHeld};
use crate::supply::{PRESETS, Preset, RuleKind};

const DAY_S: i64 = 86_400;

/// A fixture of a rule: what lets a step pass, and what the rule holds back.
struct Fixture {
    passes: Given,
    fails: Vec<Given>,
    /// The check that holds it; none where there is no step at all.
    by: Option<CheckCode>,
    to: OutputState,
}

/// A point that is to be cut: by its balance, or by a person where no balance cuts.
fn due(preset: &Preset) -> Given {
    let mut given = Given::owing(&preset.policy());
    if !preset.cuts {
        given.request(OutputState::Disconnected);
    }
    given
}

/// A point that was cut by its balance and has credit again.
fn cut_and_paid(preset: &Preset) -> Given {
    let mut given = Given::owing(&preset.policy());
    if preset.cuts {
        given.cut();
        given.later(60);
        given.pay(preset.emergency_credit_minor + 2);
    } else {
        given.request(OutputState::Disconnected);
        given.cut();
        given.later(60);
        given.request(OutputState::Connected);
    }
    if preset.confirm_restore {
        assert!(matches!(given.review(), Some(SupplyEvent::ReconnectionOffered(_))));
        given.act(Command::ConfirmReconnection { by: "tenant".to_owned() });
    }
    given
}

fn with(given: &Given, change: impl Fn(&mut Given)) -> Given {
    let mut given = given.clone();
    change(&mut given);
    given
}

fn text(text: &str) -> String {
    text.to_owned()
}

fn tell(given: &mut Given, event: SupplyEvent) {
    let now = given.now;
    given.supply.take(&event, now);
}

/// Every instant at which a window of the preset starts, and its last second, in the week of `NOON`.
fn in_windows(given: &Given, preset: &Preset) -> Vec<Given> {
    let monday = NOON.plus(-2 * DAY_S - 12 * HOUR_S);
    let days = [DayName::Mon, DayName::Tue, DayName::Wed, DayName::Thu, DayName::Fri, DayName::Sat, DayName::Sun];
    let mut all = Vec::new();
    for (of, from, to) in preset.no_cut {
        for day in *of {
            // A holiday is the Wednesday of the fixture.
            let index = days.iter().position(|one| one == day).unwrap_or(2);
            let midnight = monday.plus(i64::try_from(index).expect("small") * DAY_S);
            for at in [midnight.plus(from * 60), midnight.plus(to * 60 - 1)] {
                all.push(with(given, |given| {
                    given.later(at.since(NOON));
                    if *day == DayName::Holiday {
                        given.holidays.insert(given.calendar.wall_date(at));
                    }
                    // Warned long before the week.
                    let warned = given.supply.warned.values_mut().flat_map(|steps| steps.values_mut());
                    warned.for_each(|step| *step = step.plus(-10 * DAY_S));
                }));
            }
        }
    }
    all
}

fn fixture(kind: RuleKind, preset: &Preset) -> Fixture {
    let cut = due(preset);
    let policy = preset.policy();
    let to = OutputState::Disconnected;
    let of = |by, fails| Fixture { passes: cut.clone(), fails, by, to };
    match kind {
        RuleKind::NoCuts => {
            let owing = Given::owing(&policy);
            let passes = with(&owing, |given| given.publish(SupplyPolicy { cuts: true, ..policy.clone() }));
            Fixture { passes, fails: vec![owing], by: None, to }
        }
        RuleKind::WarnSteps | RuleKind::Notice => {
            let late = |given: &mut Given| {
                given.later(-1);
            };
            let never = |given: &mut Given| given.supply.warned.clear();
            match kind {
                RuleKind::Notice => of(Some(CheckCode::Notice), vec![with(&cut, late)]),
                _ => of(None, vec![with(&cut, never)]),
            }
        }
        RuleKind::EmergencyCredit => of(None, vec![with(&cut, |given| given.pay(1))]),
        RuleKind::NoCutWindow => of(Some(CheckCode::Window), in_windows(&cut, preset)),
        RuleKind::Protected => {
            let by = |given: &mut Given| {
                let (by, point, reason) = (text("J. Doe"), given.point.clone(), text("dialysis"));
                tell(given, SupplyEvent::PointProtected(PointProtected { by, point, reason }));
            };
            of(Some(CheckCode::Protected), vec![with(&cut, by)])
        }
        RuleKind::Dispute => {
            let by = |given: &mut Given| {
                let account = given.account.clone().expect("leased");
                let opened = DisputeOpened { account, by: text("J. Doe"), reason: text("February") };
                tell(given, SupplyEvent::DisputeOpened(opened));
            };
            of(Some(CheckCode::Dispute), vec![with(&cut, by)])
        }
        RuleKind::Weather => {
            let by = |given: &mut Given| {
                let (from, until) = (given.now, given.now.plus(1));
                let held = WeatherHeld { by: text("service"), from, reason: text("frost"), until };
                tell(given, SupplyEvent::WeatherHeld(held));
            };
            of(Some(CheckCode::Weather), vec![with(&cut, by)])
        }
        RuleKind::Charges => of(None, other_dues(&cut, preset)),
        RuleKind::Persons => {
            let mut asked = with(&Given::owing(&policy), |given| given.request(OutputState::Disconnected));
            let alone = asked.clone();
            asked.act(Command::Approve { by: text("M. Roe") });
            Fixture { passes: asked, fails: vec![alone], by: Some(CheckCode::Persons), to }
        }
        RuleKind::Fresh => {
            let old = |given: &mut Given| given.data_at = Some(given.now.plus(-7201));
            let ahead = |given: &mut Given| given.data_at = Some(given.now.plus(1));
            let none = |given: &mut Given| given.data_at = None;
            let fails = vec![with(&cut, old), with(&cut, ahead), with(&cut, none)];
            let passes = with(&cut, |given| given.data_at = Some(given.now.plus(-7200)));
            Fixture { passes, fails, by: Some(CheckCode::Fresh), to }
        }
        RuleKind::Link => {
            let down = |given: &mut Given| given.link_up = false;
            let no_meter = |given: &mut Given| given.meter = None;
            of(Some(CheckCode::Link), vec![with(&cut, down), with(&cut, no_meter)])
        }
        RuleKind::BlastRadius => {
            let passes = with(&cut, |given| others_cut(given, 4));
            Fixture {
                passes,
                fails: vec![with(&cut, |given| others_cut(given, 5))],
                by: Some(CheckCode::BlastRadius),
                to,
            }
        }
        RuleKind::RestoreAt | RuleKind::TenantConfirms | RuleKind::Staggered => restore(kind, preset),
    }
}

fn others_cut(given: &mut Given, count: usize) {
    let order = given.clone().ordered();
    for index in 0..count {
        let point = PointId::try_new(&format!("other-{index}")).expect("an id");
        given
            .supply
            .take(&SupplyEvent::SupplyCommandOrdered(SupplyCommandOrdered { point, ..order.clone() }), given.now);
    }
}

/// All is owed for what does not lead to a cut.
fn other_dues(cut: &Given, preset: &Preset) -> Vec<Given> {
    let owed = Money::new(1_000_000);
    let other = Dues { other_minor: owed, ..Dues::default() };
    let mut fails = vec![with(cut, |given| given.dues = Some(other))];
    if !preset.for_charges.contains(&crate::event::CutCharge::SharedElectricity) {
        let shared = Dues { shared_minor: owed, ..Dues::default() };
        fails.push(with(cut, |given| given.dues = Some(shared)));
    }
    fails
}

fn restore(kind: RuleKind, preset: &Preset) -> Fixture {
    let paid = cut_and_paid(preset);
    let to = OutputState::Connected;
    let of = |by, fails| Fixture { passes: paid.clone(), fails, by, to };
    match kind {
        RuleKind::RestoreAt => of(None, vec![with(&paid, |given| given.pay(-1))]),
        RuleKind::Staggered => {
            of(None, vec![with(&paid, |given| given.supply.last_restore = Some(given.now.plus(-1)))])
        }
        _ => {
            let silent = |given: &mut Given| {
                given.supply.points.values_mut().for_each(|point| point.tenant_confirmed = false);
            };
            of(Some(CheckCode::TenantConfirmed), vec![with(&paid, silent)])
        }
    }
}

#[test]
fn every_rule_of_every_preset_lets_pass_and_holds() {
    let mut rules = 0;
    for preset in &PRESETS {
        for rule in preset.rules() {
            let of = format!("{} {}", preset.name, rule.kind.name());
            let Fixture { mut passes, fails, by, to } = fixture(rule.kind, preset);
            let event = passes.review();
            assert_eq!(order_to(event.as_ref()), Some(to), "{of} passes: {event:?}");
            assert!(!fails.is_empty(), "{of} has no failing fixture");
            for mut given in fails {
                let event = given.review();
                assert_eq!(order_to(event.as_ref()), None, "{of} fails at {}: {event:?}", given.now);
                assert_eq!(held_by(event.as_ref()), by, "{of} is held at {}: {event:?}", given.now);
            }
            rules += 1;
        }
    }
    assert_eq!(rules, 70);
}

#[test]
fn shared_electricity_cuts_where_the_policy_names_it() {
    for preset in PRESETS.iter().filter(|preset| preset.cuts) {
        let shared = Dues { shared_minor: Money::new(1_000_000), ..Dues::default() };
        let event = with(&due(preset), |given| given.dues = Some(shared)).review();
        assert_eq!(order_to(event.as_ref()).is_some(), preset.name == "india-up", "{}", preset.name);
    }
}

#[test]
fn every_preset_can_be_published_and_names_a_rule_for_each_figure() {
    for preset in &PRESETS {
        let policy = preset.policy();
        let given = Given::owing(&policy);
        let publish = Command::Publish { by: text("J. Doe"), policy: policy.clone(), preset: Some(text(preset.name)) };
        assert_eq!(given.ask(publish).map(|events| events.len()), Ok(1), "{}", preset.name);
        let has = |kind| preset.rules().any(|rule| rule.kind == kind);
        let figures = [
            (!preset.no_cut.is_empty(), RuleKind::NoCutWindow),
            (preset.notice_s > 0, RuleKind::Notice),
            (preset.cuts && preset.hold_on_dispute, RuleKind::Dispute),
            (preset.cuts && preset.hold_on_weather, RuleKind::Weather),
            (preset.confirm_restore, RuleKind::TenantConfirms),
            (preset.persons > 1, RuleKind::Persons),
            (!preset.cuts, RuleKind::NoCuts),
            (preset.cuts, RuleKind::Charges),
            (preset.cuts, RuleKind::RestoreAt),
        ];
        for (is_set, kind) in figures {
            assert_eq!(has(kind), is_set, "{} {}", preset.name, kind.name());
        }
        assert!(preset.rules().all(|rule| !rule.source.is_empty() && !rule.text.is_empty()));
    }
}
