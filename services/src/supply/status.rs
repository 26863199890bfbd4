//! What supply of a point is like now: what the portal, the APIs and a person at a console are shown.

use domain::billing::{BillingError, Site};
use domain::event::{AccountId, CheckCode, MeterId, OutputState, PointId, SupplyCheck};
use domain::premises::Premises;
use domain::prepayment::Settled;
use domain::quantity::{Instant, Money};
use domain::supply::{ControlState, Due, Supply, due, dues, earliest_cut};
use serde::Serialize;

use super::links::Links;
use super::scene::{Place, Scene};
use crate::owner::Owner;

/// Supply of a point.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PointStatus {
    /// Who leases the unit; none while it is empty.
    pub account: Option<AccountId>,
    /// The electricity balance by the policy, in minor units; none where it cannot be said.
    pub balance_minor: Option<Money>,
    /// Where the relay was read: `unknown`, `connected`, `disconnected`, `ready_for_reconnection`.
    pub control: &'static str,
    /// What is due now, and every check.
    pub due: Option<DueNow>,
    /// When a cut that is due may come at the earliest; none where none is due, or time alone does not bring it.
    pub earliest_cut: Option<Instant>,
    /// Its meter.
    pub meter: Option<MeterId>,
    /// A step that is on its way or waits.
    pub pending: Option<Waiting>,
    /// The point.
    pub point: PointId,
    /// Whether it is never cut.
    pub protected: bool,
    /// When the relay was last read, by the collector's clock.
    pub read_at: Option<Instant>,
    /// Whether the relay obeys; none where its mode was not read as anything but remote.
    pub remote: Option<bool>,
    /// A person's request that is to be carried out.
    pub request: Option<Asking>,
}

/// What is due.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DueNow {
    /// Every check.
    pub checks: Vec<SupplyCheck>,
    /// The first check that holds it.
    pub held_by: Option<CheckCode>,
    /// Where to.
    pub to: OutputState,
}

/// A step on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Waiting {
    /// The command, where one was ordered.
    pub command: Option<i64>,
    /// When the command was sent.
    pub sent: Option<Instant>,
    /// Since when it waits.
    pub since: Instant,
    /// Where to.
    pub to: OutputState,
}

/// A request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Asking {
    /// Who approved it.
    pub approver: Option<String>,
    /// When.
    pub at: Instant,
    /// Who.
    pub by: String,
    /// Where to.
    pub to: OutputState,
}

/// Supply of every unit's point, in the order of their ids. Whether an order reaches a relay is judged as by supply
/// control: by its switch, and by the meter's polls since the owner was opened.
pub fn status(owner: &mut Owner<'_>, links: &Links, now: Instant) -> Result<Vec<PointStatus>, BillingError> {
    let all_dues = owner.dues(now)?;
    let scene = Scene::of(owner.site(), owner.settled(), &all_dues, now);
    Ok(shown_by(owner, links, &scene, now))
}

/// The same of the points that an account holds.
pub fn status_for(
    owner: &mut Owner<'_>,
    links: &Links,
    now: Instant,
    account: &AccountId,
) -> Result<Vec<PointStatus>, BillingError> {
    let all_dues = owner.dues(now)?;
    let scene = Scene::of_account(owner.site(), owner.settled(), &all_dues, (now, account));
    Ok(shown_by(owner, links, &scene, now))
}

fn shown_by(owner: &Owner<'_>, links: &Links, scene: &Scene, now: Instant) -> Vec<PointStatus> {
    let reached = |meter: &MeterId| links.reach(owner.contacts(), meter, now);
    shown(scene, owner.site().premises(), owner.supply(), now, reached)
}

/// As `status`, of a site, a supply and links that are known otherwise.
pub fn status_of(
    site: &mut Site,
    spent: &Settled,
    supply: &Supply,
    now: Instant,
    reached: impl Fn(&MeterId) -> bool,
) -> Result<Vec<PointStatus>, BillingError> {
    let all_dues = dues(site, now)?;
    let scene = Scene::of(site, spent, &all_dues, now);
    Ok(shown(&scene, site.premises(), supply, now, reached))
}

fn shown(
    scene: &Scene,
    premises: &Premises,
    supply: &Supply,
    now: Instant,
    reached: impl Fn(&MeterId) -> bool,
) -> Vec<PointStatus> {
    let one = |place: &Place| {
        let situation = || scene.situation(place, premises, now, |place| place.meter.as_ref().is_some_and(&reached));
        let point = supply.point(&place.point);
        let held = point.held.map(|held| Waiting { command: None, sent: None, since: held.since, to: held.to });
        let open = point.open.as_ref().map(|open| Waiting {
            command: Some(open.order.command),
            sent: open.sent_at,
            since: held.filter(|held| held.to == open.order.to).map_or(open.ordered_at, |held| held.since),
            to: open.order.to,
        });
        let request = point.request.as_ref().map(|request| Asking {
            approver: request.approver.clone(),
            at: request.at,
            by: request.by.clone(),
            to: request.to,
        });
        let balance = |(_, policy): &(i64, _)| place.dues.map(|dues| dues.electricity(policy));
        PointStatus {
            account: place.account.clone(),
            balance_minor: supply.policy.as_ref().and_then(balance),
            control: name(point.control),
            due: due(supply, situation()).map(DueNow::of),
            earliest_cut: earliest_cut(supply, situation()),
            meter: place.meter.clone(),
            pending: open.or(held),
            point: place.point.clone(),
            protected: point.protected,
            read_at: point.read_at,
            remote: point.remote,
            request,
        }
    };
    scene.places.iter().map(one).collect()
}

impl DueNow {
    fn of(due: Due) -> Self {
        let held_by = due.checks.iter().find(|check| !check.passed).map(|check| check.code);
        Self { held_by, to: due.to, checks: due.checks }
    }
}

/// A state as it is written.
pub const fn name(state: ControlState) -> &'static str {
    match state {
        ControlState::Unknown => "unknown",
        ControlState::Connected => "connected",
        ControlState::Disconnected => "disconnected",
        ControlState::ReadyForReconnection => "ready_for_reconnection",
    }
}
