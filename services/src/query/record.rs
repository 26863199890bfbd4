//! What a manager has to look at: quarantined readings, bills that are held, holds of supply.

use domain::quantity::Instant;
use domain::supply::PointSupply;
use serde::Serialize;
use utoipa::ToSchema;

use super::room::name_of;
use super::{View, When};

/// A reading that is kept and shown, but not booked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct QuarantinedReading {
    /// The meter.
    pub meter: String,
    /// Its point.
    pub point: Option<String>,
    /// The reading's instant.
    pub time: When,
    /// When it was received.
    pub received: When,
    /// The register's text as it was sent.
    pub kwh: String,
    /// Why: a code.
    pub reason: String,
    /// The event that it came in.
    pub position: u64,
}

/// A bill that is held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct HeldBill {
    /// Whose.
    pub account: String,
    /// Of which month.
    pub month: String,
    /// Why.
    pub reasons: Vec<HeldReason>,
}

/// Why a bill is held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct HeldReason {
    /// `no_tariff`, `meter_table`, or the code of a rule of the law.
    pub code: String,
    /// The day that shows it first.
    pub day: Option<String>,
    /// The meter.
    pub meter: Option<String>,
    /// The point.
    pub point: Option<String>,
}

/// Supply that a rule holds where it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct HeldSupply {
    /// The point.
    pub point: String,
    /// Where to it would go.
    pub to: String,
    /// Which rule holds it.
    pub reason: String,
    /// Since when it waits.
    pub since: When,
}

/// Everything of a site that is held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Holds {
    /// Bills.
    pub bills: Vec<HeldBill>,
    /// Steps of supply.
    pub supply: Vec<HeldSupply>,
    /// Points that are never cut.
    pub protected: Vec<String>,
    /// Accounts with an open complaint.
    pub disputes: Vec<String>,
    /// Until when extreme weather holds cuts.
    pub weather_until: Option<When>,
}

/// The quarantined readings within `[from, until)`, as judged by now.
pub fn quarantine(view: &View<'_>, from: Instant, until: Instant) -> Vec<QuarantinedReading> {
    let (show, meters) = (view.show(), &view.premises().meters);
    let rows = view.site.metering().quarantine().into_iter().filter(|one| from <= one.time && one.time < until);
    let row = |one: domain::metering::Quarantined| QuarantinedReading {
        point: meters.get(&one.meter).map(|meter| meter.point.to_string()),
        meter: one.meter.to_string(),
        time: show.when(one.time),
        received: show.when(one.received),
        kwh: one.kwh.to_string(),
        reason: one.reason.code().to_owned(),
        position: one.position,
    };
    rows.map(row).collect()
}

/// Everything of a site that is held.
pub fn holds(view: &View<'_>) -> Holds {
    let (show, supply) = (view.show(), &view.moment.supply);
    let bills = view.site.held().iter().map(|((month, account), reasons)| HeldBill {
        account: account.to_string(),
        month: month.to_string(),
        reasons: reasons.iter().map(reason).collect(),
    });
    let held = |(point, of): (&domain::event::PointId, &PointSupply)| {
        let held = of.held?;
        let (to, reason) = (name_of(held.to), name_of(held.reason));
        Some(HeldSupply { point: point.to_string(), to, reason, since: show.when(held.since) })
    };
    let protected = supply.points.iter().filter(|(_, of)| of.protected).map(|(point, _)| point.to_string());
    let weather = supply.weather.as_ref().filter(|one| one.from <= view.until() && view.until() < one.until);
    Holds {
        bills: bills.collect(),
        supply: supply.points.iter().filter_map(held).collect(),
        protected: protected.collect(),
        disputes: supply.disputes.iter().map(ToString::to_string).collect(),
        weather_until: weather.map(|one| show.when(one.until)),
    }
}

fn reason(one: &domain::event::HoldReason) -> HeldReason {
    HeldReason {
        code: one.code.clone(),
        day: one.day.map(|day| day.to_string()),
        meter: one.meter.as_ref().map(ToString::to_string),
        point: one.point.as_ref().map(ToString::to_string),
    }
}
