//! Points, units and accounts as they stand: the room grid.

use domain::event::{AccountId, OutputState, PointId, PointKind, SupplyReason, UnitId};
use domain::premises::Premises;
use domain::quantity::Instant;
use domain::supply::{ControlState, PointSupply};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::balance::{days_left, is_low};
use super::{Amount, Kwh, Show, When};
use crate::desk::Moment;

/// Supply that is to move and has not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Pending {
    /// Where to: `connected` or `disconnected`.
    pub to: String,
    /// Since when.
    pub since: When,
    /// What holds it; none where a command is on its way.
    pub held_by: Option<String>,
    /// Whether a command was handed to the meter.
    pub sent: bool,
}

/// A point and its supply.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct PointState {
    /// The point.
    pub point: String,
    /// `unit`, `common`, `main` or `virtual`.
    pub kind: String,
    /// Whose energy it is.
    pub unit: Option<String>,
    /// `connected`, `disconnected`, `ready_for_reconnection`, or `unknown` where nobody has read the relay.
    pub supply: String,
    /// What is to happen, and has not.
    pub pending: Option<Pending>,
    /// Why it was cut: `balance` or `person`.
    pub cut_by: Option<String>,
    /// When a cut was last ordered.
    pub cut_at: Option<When>,
    /// Whether it is never cut.
    pub protected: bool,
    /// The last accepted reading.
    pub last_reading: Option<When>,
    /// Whether no reading came for longer than the site allows.
    pub silent: bool,
}

/// What a unit looks like at a glance; the first that holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RoomState {
    /// Nobody leases it.
    Vacant,
    /// Supply is cut.
    Cut,
    /// No reading came for longer than the site allows.
    Silent,
    /// Credit is short: warned, or used up.
    Low,
    /// All is well.
    On,
}

/// A unit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct UnitState {
    /// The unit.
    pub unit: String,
    /// At a glance.
    pub state: RoomState,
    /// Who holds it: the landlord's account where it is vacant.
    pub account: String,
    /// Since when.
    pub since: Option<When>,
    /// The live balance of who holds it.
    pub balance: Option<Amount>,
    /// How long it lasts, in days with one decimal.
    pub days_left: Option<String>,
    /// Its points.
    pub points: Vec<PointState>,
}

/// An account in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct AccountRow {
    /// The account.
    pub account: String,
    /// Whether it bears what nobody else does.
    pub landlord: bool,
    /// The live balance.
    pub balance: Option<Amount>,
    /// What the balance buys.
    pub remaining: Option<Kwh>,
    /// How long it lasts, in days with one decimal.
    pub days_left: Option<String>,
    /// Whether credit is short.
    pub low: bool,
    /// The units it holds.
    pub units: Vec<String>,
}

pub(super) fn name_of(value: impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(Value::String(name)) => name,
        _ => String::new(),
    }
}

fn control_name(control: ControlState) -> &'static str {
    match control {
        ControlState::Unknown => "unknown",
        ControlState::Connected => "connected",
        ControlState::Disconnected => "disconnected",
        ControlState::ReadyForReconnection => "ready_for_reconnection",
    }
}

fn pending(supply: &PointSupply, lapsed: bool, show: Show<'_>) -> Option<Pending> {
    let of = |to: OutputState, since: Instant, held_by: Option<String>, sent: bool| Pending {
        to: name_of(to),
        since: show.when(since),
        held_by,
        sent,
    };
    if let Some(open) = &supply.open {
        let waited = supply.held.filter(|held| held.to == open.order.to).map(|held| held.since);
        return Some(of(open.order.to, waited.unwrap_or(open.ordered_at), None, open.sent_at.is_some()));
    }
    // A held step that is not due any more is nothing that is to happen.
    if let Some(held) = supply.held.filter(|_| !lapsed) {
        return Some(of(held.to, held.since, Some(name_of(held.reason)), false));
    }
    supply.request.as_ref().map(|request| of(request.to, request.at, None, false))
}

/// Whether a metered point has been silent for longer than the site allows.
fn is_silent(moment: &Moment, point: &PointId) -> bool {
    let premises = &moment.premises;
    let now = moment.live_at.1;
    let mut meters = premises.meters_of(point);
    let metered = meters.any(|meter| meter.installed <= now && meter.removed.is_none_or(|removed| now < removed));
    if premises.site.is_none() || !metered {
        return false;
    }
    let longest = premises.max_gap_on(premises.calendar.day_of(now));
    moment.heard.get(point).is_none_or(|last| now.since(*last) > longest)
}

/// A point as it stands.
pub fn point(moment: &Moment, id: &PointId) -> Option<PointState> {
    let (premises, show) = (&moment.premises, Show(&moment.premises));
    let known = premises.points.get(id)?;
    let supply = moment.supply.point(id);
    Some(PointState {
        point: id.to_string(),
        kind: name_of(known.kind),
        unit: known.unit.as_ref().map(ToString::to_string),
        supply: control_name(supply.control).to_owned(),
        pending: pending(&supply, moment.lapsed.contains(id), show),
        cut_by: supply.cut_by.map(|reason: SupplyReason| name_of(reason)),
        cut_at: supply.cut_at.map(|at| show.when(at)),
        protected: supply.protected,
        last_reading: moment.heard.get(id).map(|at| show.when(*at)),
        silent: known.kind != PointKind::Virtual && is_silent(moment, id),
    })
}

/// All points of a site, in the order of their ids.
pub fn points(moment: &Moment) -> Vec<PointState> {
    moment.premises.points.keys().filter_map(|id| point(moment, id)).collect()
}

/// The points of the units that an account holds by lease.
pub(super) fn points_of(moment: &Moment, account: &AccountId) -> Vec<PointState> {
    let premises = &moment.premises;
    let units = units_of(premises, account, moment.live_at.1);
    let mut of_units: Vec<&PointId> =
        units.iter().flat_map(|unit| premises.points_of(unit)).map(|point| &point.id).collect();
    of_units.sort_unstable();
    of_units.into_iter().filter_map(|id| point(moment, id)).collect()
}

/// The units that an account holds by lease.
pub(super) fn units_of(premises: &Premises, account: &AccountId, at: Instant) -> Vec<UnitId> {
    premises.units_held(account, at).into_iter().filter(|unit| premises.units.contains_key(*unit)).cloned().collect()
}

/// All units of a site, in the order of their ids.
pub fn units(moment: &Moment) -> Vec<UnitState> {
    let (premises, show, now) = (&moment.premises, Show(&moment.premises), moment.live_at.1);
    if premises.site.is_none() {
        return Vec::new();
    }
    let unit = |id: &UnitId| {
        let holder = premises.holder_at(id, now);
        let points: Vec<PointState> = premises.points_of(id).filter_map(|one| point(moment, &one.id)).collect();
        let cut = |point: &PointState| point.supply == "disconnected" || point.supply == "ready_for_reconnection";
        let state = if !holder.leased {
            RoomState::Vacant
        } else if points.iter().any(cut) {
            RoomState::Cut
        } else if points.iter().any(|point| point.silent) {
            RoomState::Silent
        } else if is_low(moment, &holder.account) {
            RoomState::Low
        } else {
            RoomState::On
        };
        let since = (holder.since > Instant::new(i64::MIN)).then(|| show.when(holder.since));
        UnitState {
            unit: id.to_string(),
            state,
            balance: moment.live.get(&holder.account).map(|live| show.money(live.balance)),
            days_left: days_left(moment, &holder.account),
            account: holder.account.to_string(),
            since,
            points,
        }
    };
    premises.units.keys().map(unit).collect()
}

/// All accounts of a site, in the order of their ids.
pub fn accounts(moment: &Moment) -> Vec<AccountRow> {
    let (premises, show) = (&moment.premises, Show(&moment.premises));
    let landlord = premises.site.as_ref().map(|site| &site.landlord);
    let row = |id: &AccountId| {
        let live = moment.live.get(id);
        AccountRow {
            account: id.to_string(),
            landlord: landlord == Some(id),
            balance: live.map(|live| show.money(live.balance)),
            remaining: live.and_then(|live| live.remaining).map(Kwh::new),
            days_left: days_left(moment, id),
            low: is_low(moment, id),
            units: units_of(premises, id, moment.live_at.1).iter().map(ToString::to_string).collect(),
        }
    };
    premises.accounts.keys().map(row).collect()
}
