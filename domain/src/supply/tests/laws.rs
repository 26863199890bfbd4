//! Laws over random days: of whatever is paid, used, said, sent and lost, in any order.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::event::{
    Body, CalendarPublished, DisputeClosed, DisputeOpened, Event, EventId, PointProtected, PointUnprotected, SiteId,
    SwitchFailure, Transition, WeatherHeld,
};
use crate::supply::{PRESETS, blast_limit};

const POINTS: usize = 8;
const DAY_S: i64 = 86_400;
/// The clock of the site is ahead by two hours, from `NOON` on by three.
const OFFSET_S: [i64; 2] = [7200, 10_800];

#[derive(Debug, Clone)]
enum Act {
    Wait(i64),
    Pay(usize, i64),
    Use(usize, i64),
    Left(usize, Option<i64>),
    Link(usize, bool),
    Silent(usize, bool),
    Protect(usize, bool),
    Dispute(usize, bool),
    Weather(i64, i64),
    Request(usize, OutputState),
    Approve(usize),
    ConfirmReconnection,
    Review,
    Send,
    Report(Outcome),
}

#[derive(Debug, Clone, Copy)]
enum Outcome {
    Confirmed,
    Expired,
    NotMoved,
    Unreachable,
    Unknown,
    Lie,
}

fn act() -> impl Strategy<Value = Act> {
    let point = 0..POINTS;
    let outcome = prop_oneof![
        4 => Just(Outcome::Confirmed),
        1 => Just(Outcome::Expired),
        1 => Just(Outcome::NotMoved),
        1 => Just(Outcome::Unreachable),
        1 => Just(Outcome::Unknown),
        1 => Just(Outcome::Lie),
    ];
    let to = prop_oneof![Just(OutputState::Connected), Just(OutputState::Disconnected)];
    prop_oneof![
        6 => prop_oneof![1..30i64, 30..900i64, 900..20_000i64].prop_map(Act::Wait),
        3 => (point.clone(), 1..3000i64).prop_map(|(point, minor)| Act::Pay(point, minor)),
        6 => (point.clone(), 1..3000i64).prop_map(|(point, minor)| Act::Use(point, minor)),
        1 => (point.clone(), prop::option::of(0..60i64)).prop_map(|(point, left)| Act::Left(point, left)),
        1 => (point.clone(), any::<bool>()).prop_map(|(point, up)| Act::Link(point, up)),
        1 => (point.clone(), any::<bool>()).prop_map(|(point, silent)| Act::Silent(point, silent)),
        1 => (point.clone(), any::<bool>()).prop_map(|(point, on)| Act::Protect(point, on)),
        1 => (point.clone(), any::<bool>()).prop_map(|(point, on)| Act::Dispute(point, on)),
        1 => (-3600..3600i64, 0..7200i64).prop_map(|(from, long)| Act::Weather(from, long)),
        2 => (point.clone(), to).prop_map(|(point, to)| Act::Request(point, to)),
        1 => point.clone().prop_map(Act::Approve),
        3 => Just(Act::ConfirmReconnection),
        8 => Just(Act::Review),
        8 => Just(Act::Send),
        8 => outcome.prop_map(Act::Report),
    ]
}

/// A site, with a second book of everything that the laws are held against.
struct World {
    supply: Supply,
    log: Vec<Event>,
    points: Vec<Given>,
    now: Instant,
    silent: BTreeSet<usize>,
    protected: BTreeSet<usize>,
    cuts: Vec<(Instant, usize)>,
    ends: BTreeMap<(PointId, i64), usize>,
    policy: SupplyPolicy,
}

impl World {
    fn new(policy: &SupplyPolicy) -> Self {
        let calendar = Calendar::new(&CalendarPublished {
            base_offset_s: 7200,
            transitions: vec![Transition { at: NOON, offset_s: 10_800 }],
            tz_version: String::new(),
            zone: String::new(),
        });
        let mut given = Given::owing(policy);
        given.calendar = calendar;
        let points = (0..POINTS).map(|index| Given {
            point: PointId::try_new(&format!("P-{index}")).expect("an id"),
            account: AccountId::try_new(&format!("A-{index}")),
            dues: Some(Dues::default()),
            left: None,
            ..given.clone()
        });
        let mut world = Self {
            supply: Supply::default(),
            log: Vec::new(),
            points: points.collect(),
            now: NOON.plus(-3 * HOUR_S),
            silent: BTreeSet::new(),
            protected: BTreeSet::new(),
            cuts: Vec::new(),
            ends: BTreeMap::new(),
            policy: policy.clone(),
        };
        let publish = Command::Publish { by: "J. Doe".to_owned(), policy: policy.clone(), preset: None };
        world.ask(0, publish);
        world
    }

    fn ask(&mut self, index: usize, command: Command) -> Vec<SupplyEvent> {
        let site_points = i64::try_from(POINTS).expect("small");
        let given = &mut self.points[index];
        given.now = self.now;
        given.site_points = site_points;
        if !self.silent.contains(&index) {
            given.data_at = Some(self.now);
        }
        let events = decide(&self.supply, given.situation(), command).unwrap_or_default();
        for event in &events {
            self.hold_laws(index, event);
            self.tell(event.clone());
        }
        events
    }

    fn tell(&mut self, body: SupplyEvent) {
        let position = u64::try_from(self.log.len()).expect("small") + 1;
        let event = Event {
            position,
            id: EventId::derive(&[&position.to_be_bytes()]),
            site: SiteId::try_new("site").expect("an id"),
            time: self.now,
            received: self.now,
            actor: "core".to_owned(),
            cause: None,
            chains: Vec::new(),
            body: Body::from(body),
        };
        let bytes = event.encode().expect("canonical");
        assert_eq!(Event::decode(&bytes).as_ref(), Ok(&event));
        self.supply.apply(&event);
        self.log.push(event);
    }

    fn hold_laws(&mut self, index: usize, event: &SupplyEvent) {
        let point = self.points[index].point.clone();
        match event {
            SupplyEvent::SupplyCommandOrdered(order) => {
                assert_eq!(self.ends.insert((point, order.command), 0), None, "a number is given once");
                assert!(order.checks.iter().all(|check| check.passed), "{order:?}");
                if order.to == OutputState::Disconnected {
                    self.cuts.push((self.now, index));
                    self.hold_cut_laws(index);
                }
            }
            SupplyEvent::SupplyCommandSent(sent) => {
                let open = self.supply.point(&point).open.expect("an open command");
                assert_eq!(open.order.command, sent.command);
                assert!(self.now < open.order.valid_until, "sent after its time");
                if open.order.to == OutputState::Disconnected {
                    self.hold_cut_laws(index);
                    assert!(
                        self.points[index]
                            .last_recharge
                            .is_none_or(|at| { at <= open.ordered_at || open.order.request.is_some() }),
                        "sent although a recharge is newer"
                    );
                }
            }
            SupplyEvent::SupplyCutConfirmed(data) => self.end(point, data.command),
            SupplyEvent::SupplyRestoredConfirmed(data) => self.end(point, data.command),
            SupplyEvent::SupplyCommandFailed(data) => self.end(point, data.command),
            SupplyEvent::SupplyCommandExpired(data) => self.end(point, data.command),
            SupplyEvent::SupplyCommandCancelled(data) => self.end(point, data.command),
            _ => {}
        }
    }

    fn end(&mut self, point: PointId, command: i64) {
        *self.ends.get_mut(&(point, command)).expect("what ends was ordered") += 1;
    }

    /// Never in a window, never a protected point, never on stale data, never without a link, never too many an hour.
    fn hold_cut_laws(&self, index: usize) {
        let offset = OFFSET_S[usize::from(self.now >= NOON)];
        let wall = self.now.get() + offset;
        let (day, minute) = (wall.div_euclid(DAY_S), wall.rem_euclid(DAY_S) / 60);
        // 1970-01-01 was a Thursday.
        let weekday = (day + 3).rem_euclid(7);
        let names = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
        let name = names[usize::try_from(weekday).expect("0 to 6")];
        for window in &self.policy.no_cut {
            let is_day = window.days.iter().any(|day| format!("{day:?}") == name);
            assert!(
                !is_day || minute < window.from_minute || minute >= window.to_minute,
                "cut in {window:?} at {}",
                self.now
            );
        }
        assert!(!self.protected.contains(&index), "cut of a protected point");
        let age = self.now.get() - self.points[index].data_at.expect("heard of").get();
        assert!(age <= self.policy.stale_after_s, "cut on data {age} s old");
        assert!(self.points[index].link_up, "cut without a link");
        let limit = blast_limit(&self.policy, i64::try_from(POINTS).expect("small"));
        for (start, _) in &self.cuts {
            let hour = self.cuts.iter().filter(|(at, _)| *start <= *at && at.get() < start.get() + 3600);
            let points: BTreeSet<usize> = hour.map(|(_, point)| *point).collect();
            assert!(i64::try_from(points.len()).expect("small") <= limit, "{points:?} from {start}");
        }
    }

    fn run(&mut self, act: Act) {
        let text = |text: &str| text.to_owned();
        match act {
            Act::Wait(seconds) => self.now = self.now.plus(seconds),
            Act::Pay(index, minor) => {
                self.points[index].now = self.now;
                self.points[index].pay(minor);
            }
            Act::Use(index, minor) => {
                if let Some(dues) = &mut self.points[index].dues {
                    dues.energy_minor += Money::new(minor);
                }
            }
            Act::Left(index, left) => self.points[index].left = left,
            Act::Link(index, up) => self.points[index].link_up = up,
            Act::Silent(index, true) => drop(self.silent.insert(index)),
            Act::Silent(index, false) => drop(self.silent.remove(&index)),
            Act::Protect(index, on) => {
                let (by, point, reason) = (text("J. Doe"), self.points[index].point.clone(), text("lift"));
                if on {
                    self.protected.insert(index);
                    self.tell(SupplyEvent::PointProtected(PointProtected { by, point, reason }));
                } else {
                    self.protected.remove(&index);
                    self.tell(SupplyEvent::PointUnprotected(PointUnprotected { by, point, reason }));
                }
            }
            Act::Dispute(index, on) => {
                let account = self.points[index].account.clone().expect("leased");
                let (by, reason) = (text("J. Doe"), text("a bill"));
                self.tell(if on {
                    SupplyEvent::DisputeOpened(DisputeOpened { account, by, reason })
                } else {
                    SupplyEvent::DisputeClosed(DisputeClosed { account, by, reason })
                });
            }
            Act::Weather(from, long) => {
                let from = self.now.plus(from);
                let held = WeatherHeld { by: text("service"), from, reason: text("frost"), until: from.plus(long) };
                self.tell(SupplyEvent::WeatherHeld(held));
            }
            Act::Request(index, to) => {
                self.ask(index, Command::Request { by: text("J. Doe"), to, reason: text("works") });
            }
            Act::Approve(index) => drop(self.ask(index, Command::Approve { by: text("M. Roe") })),
            Act::ConfirmReconnection => (0..POINTS).for_each(|index| {
                self.ask(index, Command::ConfirmReconnection { by: text("tenant") });
            }),
            Act::Review => self.review_all(),
            Act::Send => (0..POINTS).for_each(|index| {
                let command = self.supply.point(&self.points[index].point).commands;
                self.ask(index, Command::Send { command });
            }),
            Act::Report(outcome) => (0..POINTS).for_each(|index| self.report(index, outcome)),
        }
    }

    fn review_all(&mut self) {
        for index in 0..POINTS {
            for round in 0.. {
                assert!(round < 10, "review of one point must come to an end");
                if self.ask(index, Command::Review).is_empty() {
                    break;
                }
            }
        }
    }

    fn report(&mut self, index: usize, outcome: Outcome) {
        let point = self.supply.point(&self.points[index].point);
        let Some(open) = point.open else { return };
        let other = match open.order.to {
            OutputState::Connected => OutputState::Disconnected,
            OutputState::Disconnected => OutputState::Connected,
        };
        let (report, read_back, sent) = match outcome {
            Outcome::Confirmed => (Report::Confirmed, Some(open.order.to), true),
            Outcome::Lie => (Report::Confirmed, Some(other), true),
            Outcome::Expired => (Report::Expired, None, false),
            Outcome::NotMoved => (Report::Failed(SwitchFailure::NotMoved), Some(other), true),
            Outcome::Unreachable => (Report::Failed(SwitchFailure::Unreachable), None, false),
            Outcome::Unknown => (Report::Failed(SwitchFailure::Unknown), None, true),
        };
        let evidence = seen(self.now, read_back, sent);
        let events = self.ask(index, Command::Report { command: open.order.command, evidence, report });
        assert!(events.is_empty() || open.sent_at.is_some(), "an outcome of what was never sent");
        assert!(events.is_empty() || !matches!(outcome, Outcome::Lie), "confirmed against the read-back");
    }
}

/// A random policy that binds: of a preset, with a small radius and short notice.
fn policy() -> impl Strategy<Value = SupplyPolicy> {
    (0..PRESETS.len(), 0..4i64, prop_oneof![Just(0i64), 1..7200i64], 1..=2i64, any::<[bool; 2]>()).prop_map(
        |(preset, blast_least, notice_s, persons, [has_windows, confirm_restore])| {
            let mut policy = PRESETS[preset].policy();
            (policy.blast_least, policy.notice_s, policy.persons) = (blast_least, notice_s, persons);
            policy.confirm_restore = confirm_restore;
            if !has_windows {
                policy.no_cut.clear();
            }
            policy
        },
    )
}

fn live(policy: &SupplyPolicy, acts: Vec<Act>) -> World {
    let mut world = World::new(policy);
    for act in acts {
        world.run(act);
    }
    world
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// While it lives, `hold_cut_laws` holds every order and every sending of a cut.
    #[test]
    fn no_cut_breaks_a_law_and_every_command_ends_once(
        policy in policy(),
        acts in prop::collection::vec(act(), 20..160),
    ) {
        let mut world = live(&policy, acts);
        for (command, ends) in &world.ends {
            let (point, number) = command;
            let is_open = world.supply.point(point).open.is_some_and(|open| open.order.command == *number);
            prop_assert_eq!(*ends, usize::from(!is_open), "{:?}", command);
        }
        // Nobody answers any more: what is open ends, and nothing new is cut.
        world.silent = (0..POINTS).collect();
        world.points.iter_mut().for_each(|point| point.link_up = false);
        let cuts = world.cuts.len();
        world.now = world.now.plus(2 * HOUR_S);
        world.review_all();
        prop_assert!(world.ends.values().all(|ends| *ends == 1), "{:?}", world.ends);
        prop_assert_eq!(world.cuts.len(), cuts);
        let mut again = Supply::default();
        world.log.iter().for_each(|event| again.apply(event));
        prop_assert_eq!(again, world.supply);
    }
}

/// The laws would hold of a world in which nothing happens: here each kind of event does.
#[test]
fn random_worlds_cut_restore_fail_expire_cancel_and_hold() {
    use proptest::strategy::ValueTree as _;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let mut counts: BTreeMap<&'static str, usize> = BTreeMap::new();
    for _ in 0..300 {
        let strategy = (policy(), prop::collection::vec(act(), 20..160));
        let (policy, acts) = strategy.new_tree(&mut runner).expect("a tree").current();
        for event in live(&policy, acts).log {
            *counts.entry(event.body.type_name()).or_default() += 1;
        }
    }
    let seldom: Vec<&str> = crate::event::CATALOGUE
        .iter()
        .filter(|name| name.starts_with("supply.") && !name.ends_with("observed.v1"))
        .filter(|name| counts.get(**name).is_none_or(|count| *count < 10))
        .copied()
        .collect();
    assert!(seldom.is_empty(), "{seldom:?} of {counts:?}");
}
