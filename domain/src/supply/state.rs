//! Supply of a site, as its events say.

use std::collections::{BTreeMap, BTreeSet};

use crate::event::{
    AccountId, Body, CheckCode, Event, OutputState, PointId, SupplyCommandFailed, SupplyCommandOrdered, SupplyEvent,
    SupplyPolicy, SupplyReason, SupplyWarned, SwitchFailure, WeatherHeld,
};
use crate::quantity::Instant;

/// Where supply of a point is: the `control_state` of COSEM's disconnect control, by read-backs alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ControlState {
    /// Nobody has read the relay since it may have moved.
    #[default]
    Unknown,
    /// Read as on.
    Connected,
    /// Read as off.
    Disconnected,
    /// Read as off; credit is back, and the tenant has yet to confirm.
    ReadyForReconnection,
}

impl ControlState {
    /// What the relay was read as; none where nobody knows.
    pub const fn output(self) -> Option<OutputState> {
        match self {
            Self::Unknown => None,
            Self::Connected => Some(OutputState::Connected),
            Self::Disconnected | Self::ReadyForReconnection => Some(OutputState::Disconnected),
        }
    }
}

/// A command that has not ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenCommand {
    /// As it was ordered.
    pub order: SupplyCommandOrdered,
    /// When.
    pub ordered_at: Instant,
    /// When it was sent.
    pub sent_at: Option<Instant>,
}

/// A person's request that is to be carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Its number.
    pub number: i64,
    /// Who.
    pub by: String,
    /// Where to.
    pub to: OutputState,
    /// When.
    pub at: Instant,
    /// The second person.
    pub approver: Option<String>,
}

/// A step that is due and waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held {
    /// Where to.
    pub to: OutputState,
    /// What holds it.
    pub reason: CheckCode,
    /// When this was written last.
    pub at: Instant,
    /// Since when it waits, whatever holds it.
    pub since: Instant,
}

/// Supply of one point.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PointSupply {
    /// Where supply is.
    pub control: ControlState,
    /// Whether it is never cut.
    pub protected: bool,
    /// How many commands were ordered.
    pub commands: i64,
    /// The one that has not ended.
    pub open: Option<OpenCommand>,
    /// Why it was cut, while it is, or while nobody knows.
    pub cut_by: Option<SupplyReason>,
    /// When a cut was last ordered.
    pub cut_at: Option<Instant>,
    /// Tries that failed since the last that did not.
    pub failures: u32,
    /// The last of them.
    pub failed_at: Option<Instant>,
    /// How many requests were made.
    pub requests: i64,
    /// The one that is to be carried out.
    pub request: Option<Request>,
    /// What waits.
    pub held: Option<Held>,
    /// Whether the tenant said that supply may come back.
    pub tenant_confirmed: bool,
    /// When the relay was last read, by the collector's clock.
    pub read_at: Option<Instant>,
    /// Whether the relay obeys, as it was read last: its mode is remote.
    pub remote: Option<bool>,
}

impl PointSupply {
    /// Since when a restore waits: what the tenant sees as pending.
    pub fn restore_pending_since(&self) -> Option<Instant> {
        self.held.filter(|held| held.to == OutputState::Connected).map(|held| held.since)
    }
}

/// Supply of a site: a fold over its events.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Supply {
    /// The policy in force, with its version.
    pub policy: Option<(i64, SupplyPolicy)>,
    /// The points that something happened to.
    pub points: BTreeMap<PointId, PointSupply>,
    /// Accounts with an open complaint.
    pub disputes: BTreeSet<AccountId>,
    /// Extreme weather.
    pub weather: Option<WeatherHeld>,
    /// Warnings that were given and not left behind: step in tenths of a day, and when.
    pub warned: BTreeMap<AccountId, BTreeMap<i64, Instant>>,
    /// The site's last order to restore.
    pub last_restore: Option<Instant>,
}

impl Supply {
    /// A point.
    pub fn point(&self, id: &PointId) -> PointSupply {
        self.points.get(id).cloned().unwrap_or_default()
    }

    /// Other points that a cut was ordered for within the hour before.
    pub fn cut_in_last_hour(&self, but: &PointId, now: Instant) -> i64 {
        let recent = |point: &PointSupply| point.cut_at.is_some_and(|at| now.since(at) < 3600);
        let others = self.points.iter().filter(|(id, point)| *id != but && recent(point)).count();
        i64::try_from(others).unwrap_or(i64::MAX)
    }

    /// Takes up an event of the log; those of others change nothing.
    pub fn apply(&mut self, event: &Event) {
        if let Body::Supply(of_supply) = &event.body {
            self.take(of_supply, event.time);
        }
    }

    /// Takes up what happened at an instant.
    pub fn take(&mut self, event: &SupplyEvent, at: Instant) {
        match event {
            SupplyEvent::SupplyPolicyPublished(data) => self.policy = Some((data.version, data.policy.clone())),
            SupplyEvent::PointProtected(data) => self.at(&data.point).protected = true,
            SupplyEvent::PointUnprotected(data) => self.at(&data.point).protected = false,
            SupplyEvent::DisputeOpened(data) => {
                self.disputes.insert(data.account.clone());
            }
            SupplyEvent::DisputeClosed(data) => {
                self.disputes.remove(&data.account);
            }
            SupplyEvent::WeatherHeld(data) => self.weather = Some(data.clone()),
            SupplyEvent::SupplyRequested(data) => {
                let point = self.at(&data.point);
                point.requests = data.request;
                let (number, by, to) = (data.request, data.by.clone(), data.to);
                point.request = Some(Request { number, by, to, at, approver: None });
            }
            SupplyEvent::SupplyApproved(data) => {
                if let Some(request) = self.at(&data.point).request.as_mut().filter(|one| one.number == data.request) {
                    request.approver = Some(data.by.clone());
                }
            }
            SupplyEvent::ReconnectionConfirmed(data) => self.at(&data.point).tenant_confirmed = true,
            SupplyEvent::SupplyObserved(data) => {
                let point = self.at(&data.point);
                point.read_at = point.read_at.max(Some(at));
                point.observe(data.read_back);
            }
            SupplyEvent::SupplyModeObserved(data) => self.at(&data.point).remote = Some(data.remote),
            SupplyEvent::SupplyWarned(data) => self.warn(data, at),
            SupplyEvent::WarningCleared(data) => {
                if let Some(steps) = self.warned.get_mut(&data.account) {
                    steps.retain(|step, _| *step > data.step_tenths);
                }
            }
            SupplyEvent::ReconnectionOffered(data) => {
                let point = self.at(&data.point);
                point.control = ControlState::ReadyForReconnection;
                point.tenant_confirmed = false;
            }
            SupplyEvent::SupplyCommandOrdered(data) => self.order(data, at),
            SupplyEvent::SupplyCommandSent(data) => {
                if let Some(open) = self.at(&data.point).open.as_mut() {
                    open.sent_at = Some(at);
                }
            }
            SupplyEvent::SupplyCutConfirmed(data) => {
                self.at(&data.point).moved(OutputState::Disconnected, data.evidence.at);
            }
            SupplyEvent::SupplyRestoredConfirmed(data) => {
                // Who gives supply back by hand takes the warnings back: the account is warned anew before the next cut.
                let order = self.at(&data.point).moved(OutputState::Connected, data.evidence.at);
                if let Some(account) =
                    order.filter(|one| one.reason == SupplyReason::Person).and_then(|one| one.account)
                {
                    self.warned.remove(&account);
                }
            }
            SupplyEvent::SupplyCommandFailed(data) => self.at(&data.point).failed(data, at),
            SupplyEvent::SupplyCommandExpired(data) => self.at(&data.point).not_written(),
            SupplyEvent::SupplyCommandCancelled(data) => self.at(&data.point).not_written(),
            SupplyEvent::SupplyCutHeld(data) => self.at(&data.point).hold(OutputState::Disconnected, data.reason, at),
            SupplyEvent::SupplyRestoreHeld(data) => self.at(&data.point).hold(OutputState::Connected, data.reason, at),
        }
    }

    fn at(&mut self, point: &PointId) -> &mut PointSupply {
        self.points.entry(point.clone()).or_default()
    }

    fn order(&mut self, order: &SupplyCommandOrdered, at: Instant) {
        let point = self.at(&order.point);
        point.commands = order.command;
        // A request that supply already answered to is not made good on later, when supply is elsewhere.
        point.request.take_if(|request| Some(request.number) != order.request);
        point.open = Some(OpenCommand { order: order.clone(), ordered_at: at, sent_at: None });
        match order.to {
            OutputState::Disconnected => {
                point.cut_at = Some(at);
                point.held = None;
            }
            OutputState::Connected => self.last_restore = Some(at),
        }
    }

    /// A step that is reached leaves those above it behind as well: one alert.
    fn warn(&mut self, data: &SupplyWarned, at: Instant) {
        let above = self.policy.iter().flat_map(|(_, policy)| &policy.warn_tenths).copied();
        let reached: Vec<i64> = above.filter(|step| *step > data.step_tenths).collect();
        let steps = self.warned.entry(data.account.clone()).or_default();
        for step in reached {
            steps.entry(step).or_insert(at);
        }
        steps.insert(data.step_tenths, at);
    }
}

impl PointSupply {
    fn observe(&mut self, read_back: OutputState) {
        match read_back {
            OutputState::Connected => {
                self.control = ControlState::Connected;
                self.cut_by = None;
            }
            OutputState::Disconnected if self.control == ControlState::ReadyForReconnection => {}
            OutputState::Disconnected => self.control = ControlState::Disconnected,
        }
    }

    /// The relay was read back where the command wanted it; gives the command.
    fn moved(&mut self, to: OutputState, read_at: Instant) -> Option<SupplyCommandOrdered> {
        self.read_at = self.read_at.max(Some(read_at));
        let order = self.open.take().map(|open| open.order);
        (self.failures, self.failed_at, self.held) = (0, None, None);
        self.tenant_confirmed = false;
        self.request.take_if(|request| request.to == to);
        match to {
            OutputState::Connected => (self.control, self.cut_by) = (ControlState::Connected, None),
            OutputState::Disconnected => {
                self.control = ControlState::Disconnected;
                self.cut_by = order.as_ref().map(|order| order.reason);
            }
        }
        order
    }

    fn failed(&mut self, data: &SupplyCommandFailed, at: Instant) {
        self.failures = self.failures.saturating_add(1);
        self.failed_at = Some(at);
        let open = self.open.take();
        let sent = data.reason == SwitchFailure::NoOutcome || data.evidence.as_ref().is_some_and(|seen| seen.sent);
        if !sent {
            return;
        }
        // What was read before the write says nothing any more.
        let seen = data.evidence.as_ref().map_or(at, |seen| seen.at);
        self.read_at = self.read_at.max(Some(seen));
        // A cut that perhaps happened is one that credit takes back.
        let cut = open.filter(|open| open.order.to == OutputState::Disconnected).map(|open| open.order.reason);
        match data.reason {
            SwitchFailure::NotMoved => {
                if let Some(read_back) = data.evidence.as_ref().and_then(|seen| seen.read_back) {
                    self.observe(read_back);
                }
            }
            SwitchFailure::NoMeter
            | SwitchFailure::NoRelay
            | SwitchFailure::NoSerial
            | SwitchFailure::OtherDevice
            | SwitchFailure::NotRemote
            | SwitchFailure::Unreachable
            | SwitchFailure::RelayWelded
            | SwitchFailure::Unknown
            | SwitchFailure::NoOutcome => {
                self.control = ControlState::Unknown;
                self.cut_by = cut.or(self.cut_by);
            }
        }
    }

    /// The command ended before it was written.
    fn not_written(&mut self) {
        self.open = None;
    }

    fn hold(&mut self, to: OutputState, reason: CheckCode, at: Instant) {
        let since = self.held.filter(|held| held.to == to).map_or(at, |held| held.since);
        self.held = Some(Held { to, reason, at, since });
    }
}
