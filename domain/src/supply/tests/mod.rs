//! What supply control holds to: each rule of each preset, the life of a command, and laws.

mod commands;
mod laws;
mod pains;
mod rules;

use std::collections::BTreeSet;

use super::{Command, Dues, Figures, Refusal, Report, Situation, Supply, decide};
use crate::event::{
    AccountId, CheckCode, MeterId, OutputState, PointId, SupplyCheck, SupplyCommandOrdered, SupplyEvent,
    SupplyObserved, SupplyPolicy, SupplyPolicyPublished, SupplyWarned, SwitchEvidence,
};
use crate::premises::Calendar;
use crate::quantity::{Date, Instant, Money};

/// A Wednesday at noon, in no preset's window.
const NOON: Instant = Instant::new(1_772_625_600);
const HOUR_S: i64 = 3600;

/// A point and all that is said of it.
#[derive(Debug, Clone)]
struct Given {
    supply: Supply,
    calendar: Calendar,
    holidays: BTreeSet<Date>,
    now: Instant,
    site_points: i64,
    point: PointId,
    meter: Option<MeterId>,
    account: Option<AccountId>,
    dues: Option<Dues>,
    data_at: Option<Instant>,
    left: Option<i64>,
    link_up: bool,
    last_recharge: Option<Instant>,
}

impl Given {
    /// A supplied point under a policy, that owes one minor unit more than it may and was warned long enough ago.
    fn owing(policy: &SupplyPolicy) -> Self {
        let point = PointId::try_new("P-1").expect("an id");
        let account = AccountId::try_new("A-1").expect("an id");
        let owed = policy.emergency_credit_minor + Money::new(1);
        let mut given = Self {
            supply: Supply::default(),
            calendar: Calendar::default(),
            holidays: BTreeSet::new(),
            now: NOON,
            site_points: 100,
            point: point.clone(),
            meter: MeterId::try_new("M-1"),
            account: Some(account.clone()),
            dues: Some(Dues { energy_minor: owed, ..Dues::default() }),
            data_at: Some(NOON),
            left: Some(0),
            link_up: true,
            last_recharge: None,
        };
        given.publish(policy.clone());
        given.observe(OutputState::Connected);
        let warned = SupplyWarned { account, balance_minor: Money::ZERO, hours_left: None, point, step_tenths: 0 };
        given.supply.take(&SupplyEvent::SupplyWarned(warned), NOON.plus(-policy.notice_s));
        given
    }

    fn publish(&mut self, policy: SupplyPolicy) {
        let published = SupplyPolicyPublished { by: "J. Doe".to_owned(), policy, preset: None, version: 1 };
        self.supply.take(&SupplyEvent::SupplyPolicyPublished(published), NOON.plus(-HOUR_S));
    }

    fn observe(&mut self, read_back: OutputState) {
        let meter = MeterId::try_new("M-1").expect("an id");
        let observed = SupplyObserved { meter, point: self.point.clone(), read_back };
        self.supply.take(&SupplyEvent::SupplyObserved(observed), self.now);
    }

    fn situation(&self) -> Situation<'_> {
        Situation {
            now: self.now,
            calendar: &self.calendar,
            holidays: &self.holidays,
            site_points: self.site_points,
            point: &self.point,
            meter: self.meter.as_ref(),
            account: self.account.as_ref(),
            dues: self.dues,
            data_at: self.data_at,
            days_left_tenths: self.left,
            link_up: self.link_up,
            last_recharge: self.last_recharge,
        }
    }

    fn ask(&self, command: Command) -> Result<Vec<SupplyEvent>, Refusal> {
        decide(&self.supply, self.situation(), command)
    }

    /// Asks, and takes up what follows.
    fn act(&mut self, command: Command) -> Vec<SupplyEvent> {
        let events = self.ask(command).expect("not refused");
        for event in &events {
            for check in checks_of(event) {
                let read = Figures::of(check).map(|figures| figures.to_string());
                assert_eq!(read.as_ref(), Some(&check.figures), "what is written is read again: {check:?}");
            }
            self.supply.take(event, self.now);
        }
        events
    }

    fn review(&mut self) -> Option<SupplyEvent> {
        let events = self.act(Command::Review);
        assert!(events.len() <= 1, "one step at a time");
        events.into_iter().next()
    }

    /// Reviews until nothing is left to do.
    fn settle(&mut self) -> Vec<SupplyEvent> {
        let mut all = Vec::new();
        while let Some(event) = self.review() {
            all.push(event);
            assert!(all.len() < 10, "review must come to an end: {all:?}");
        }
        all
    }

    /// Moves the clock; readings stay fresh.
    fn later(&mut self, seconds: i64) {
        self.now = self.now.plus(seconds);
        self.data_at = Some(self.now);
    }

    fn pay(&mut self, minor: i64) {
        if let Some(dues) = &mut self.dues {
            dues.credit_minor += Money::new(minor);
        }
        self.last_recharge = Some(self.now);
    }

    fn ordered(&mut self) -> SupplyCommandOrdered {
        let event = self.review();
        if let Some(SupplyEvent::SupplyCommandOrdered(order)) = event { order } else { panic!("no order: {event:?}") }
    }

    fn send(&mut self, command: i64) -> SupplyEvent {
        self.act(Command::Send { command }).remove(0)
    }

    fn confirm(&mut self, command: i64, to: OutputState) -> SupplyEvent {
        let evidence = seen(self.now, Some(to), true);
        self.act(Command::Report { command, evidence, report: Report::Confirmed }).remove(0)
    }

    /// Cuts the point by a confirmed command.
    fn cut(&mut self) {
        let order = self.ordered();
        assert_eq!(order.to, OutputState::Disconnected);
        self.send(order.command);
        self.confirm(order.command, OutputState::Disconnected);
    }

    fn request(&mut self, to: OutputState) {
        self.act(Command::Request { by: "J. Doe".to_owned(), to, reason: "works on the riser".to_owned() });
    }
}

/// The checks that an event has.
fn checks_of(event: &SupplyEvent) -> &[SupplyCheck] {
    match event {
        SupplyEvent::SupplyCommandOrdered(data) => &data.checks,
        SupplyEvent::SupplyCommandCancelled(data) => &data.checks,
        SupplyEvent::SupplyCutHeld(data) => &data.checks,
        SupplyEvent::SupplyRestoreHeld(data) => &data.checks,
        SupplyEvent::ReconnectionOffered(data) => &data.checks,
        _ => &[],
    }
}

fn seen(at: Instant, read_back: Option<OutputState>, sent: bool) -> SwitchEvidence {
    SwitchEvidence { at, current_ma: None, echoed: sent, read_back, sent, serial: Some("33B1".to_owned()) }
}

/// What holds a step; none where something else happened.
fn held_by(event: Option<&SupplyEvent>) -> Option<CheckCode> {
    match event {
        Some(SupplyEvent::SupplyCutHeld(held)) => Some(held.reason),
        Some(SupplyEvent::SupplyRestoreHeld(held)) => Some(held.reason),
        _ => None,
    }
}

/// Where an order goes; none where something else happened.
fn order_to(event: Option<&SupplyEvent>) -> Option<OutputState> {
    if let Some(SupplyEvent::SupplyCommandOrdered(order)) = event { Some(order.to) } else { None }
}
