//! The other time axis: what was known at an instant, or at a position of the log. The reads of `mod` are asked of a
//! site that is folded up to there, so that they are the same as those of now.

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::event::{AccountId, PoolId, UnitId};
use domain::premises::{Calendar, Subject, wall_midnight};
use domain::prepayment;
use domain::quantity::{Date, Instant};
use serde::Serialize;
use tokio::sync::Semaphore;
use utoipa::ToSchema;

use super::{QueryError, View};
use crate::desk::Moment;
pub use crate::history::KnownAt;
use crate::history::{self, Known};
use crate::serve::ServedSite;

/// So many folds at a time: each reads a log from its beginning.
static SLOTS: Semaphore = Semaphore::const_new(2);

impl KnownAt {
    /// A position, an instant (RFC 3339), a wall-clock time of the site such as `2026-03-05T14:00`, or a local day: to
    /// its end.
    pub fn parse(text: &str, calendar: &Calendar) -> Option<Self> {
        let text = text.trim();
        if let Ok(position) = text.trim_start_matches('#').parse::<u64>() {
            return (position > 0).then_some(Self::Position(position));
        }
        if let Ok(at) = Instant::parse(text) {
            return Some(Self::Instant(at));
        }
        let (day, time) = text.split_once(['T', ' ']).unwrap_or((text, ""));
        let day = Date::parse(day).filter(|day| (1900..3000).contains(&day.year()))?;
        if time.is_empty() {
            return Some(Self::Instant(calendar.end_of(day).plus(-1)));
        }
        let mut parts = time.split(':').map(|part| part.parse::<i64>().ok());
        let (hour, minute) = (parts.next()??, parts.next()??);
        let second = parts.next().unwrap_or(Some(0))?;
        let fits = (0..24).contains(&hour) && (0..60).contains(&minute) && (0..60).contains(&second);
        let wall =
            wall_midnight(day).saturating_add(hour.saturating_mul(3600)).saturating_add(minute.saturating_mul(60));
        let wall = Instant::new(wall.saturating_add(second));
        // The offset of the instant itself, which that of the wall clock's digits is near to.
        let near = wall.plus(-calendar.offset_at(wall));
        (fits && parts.next().is_none()).then(|| Self::Instant(wall.plus(-calendar.offset_at(near))))
    }
}

/// Where a site stood: the events that counted, up to when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Then {
    /// The last event that counts.
    pub position: u64,
    /// Up to when energy counts.
    pub at: super::When,
    /// The root over the events.
    pub root: String,
    /// How many of them are of readings.
    pub readings: u64,
}

/// Asks what was known then.
pub async fn as_known<T: Send + 'static>(
    site: &ServedSite,
    at: KnownAt,
    ask: impl FnOnce(View<'_>) -> Result<T, QueryError> + Send + 'static,
) -> Result<T, QueryError> {
    Ok(with_then(site, at, ask).await?.1)
}

/// As `as_known`, and where the site stood.
pub async fn with_then<T: Send + 'static>(
    site: &ServedSite,
    at: KnownAt,
    ask: impl FnOnce(View<'_>) -> Result<T, QueryError> + Send + 'static,
) -> Result<(Then, T), QueryError> {
    let _slot = SLOTS.acquire().await.map_err(|_| QueryError::Stopped)?;
    let now = site.desk.moment().live_at.1;
    let (log, id) = (site.log.clone(), site.desk.site().clone());
    let asked = tokio::task::spawn_blocking(move || {
        let nothing = |error| match error {
            history::HistoryError::Empty => QueryError::NothingKnown,
            error => error.into(),
        };
        let mut known = history::known(&log, &id, at).map_err(nothing)?;
        if known.site.premises().site.is_none() {
            return Err(QueryError::NothingKnown);
        }
        let until = match at {
            KnownAt::Instant(at) => at.min(now).max(known.received),
            KnownAt::Position(_) => known.received,
        };
        let moment = moment(&mut known, until)?;
        let view = View { site: &known.site, moment: &moment, payments: &known.payments };
        let (position, readings) = (known.position, known.readings);
        let then = Then { position, at: view.show().when(until), root: domain::event::hex(&moment.root), readings };
        Ok((then, ask(view)?))
    });
    asked.await.map_err(|_| QueryError::Stopped)?
}

/// What a desk would have shown then.
fn moment(known: &mut Known, until: Instant) -> Result<Moment, QueryError> {
    let cannot = |error: domain::billing::BillingError| QueryError::Log(error.to_string());
    let (live, targets) = prepayment::live_by(&mut known.site, until).map_err(cannot)?;
    Ok(Moment {
        at: until,
        position: known.position,
        root: known.root,
        received: Some(known.received),
        live: Arc::new(live),
        live_at: (known.position, until),
        targets: Arc::new(targets),
        premises: Arc::new(known.site.premises().clone()),
        settled: Arc::new(prepayment::settled(&known.site).map_err(cannot)?),
        supply: Arc::new(known.supply.clone()),
        ..Moment::default()
    })
}

/// What a point is billed by on a day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct PointInForce {
    /// The point.
    pub point: String,
    /// Its unit.
    pub unit: Option<String>,
    /// Who holds the unit at the day's end.
    pub account: Option<String>,
    /// The tariff; none where none is in force.
    pub tariff: Option<String>,
    /// Its version.
    pub version: Option<i64>,
    /// Since when that version is in force.
    pub from: Option<String>,
}

/// How a pool is split on a day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct PoolInForce {
    /// The pool.
    pub pool: String,
    /// For people.
    pub name: String,
    /// The version of its rule; none before the first.
    pub rule: Option<i64>,
    /// Since when that version is in force.
    pub from: Option<String>,
    /// The tariff of its points.
    pub tariff: Option<String>,
    /// Its version.
    pub version: Option<i64>,
    /// Its points.
    pub points: Vec<String>,
}

/// What is in force on a day: by which tariff each point is billed, and by which rule each pool is split.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct InForce {
    /// The local day.
    pub day: String,
    /// The points of units and common ones.
    pub points: Vec<PointInForce>,
    /// The pools.
    pub pools: Vec<PoolInForce>,
}

/// What is in force on a day.
pub fn in_force(view: &View<'_>, day: Date) -> InForce {
    let premises = view.premises();
    let end = premises.calendar.end_of(day);
    let tariff = |subject: &Subject| {
        let found = premises.tariff_on(subject, day);
        (found.map(|one| one.id.to_string()), found.map(|one| one.version), found.map(|one| one.from.to_string()))
    };
    let holders: BTreeMap<&UnitId, AccountId> = premises
        .points
        .values()
        .filter_map(|point| point.unit.as_ref())
        .map(|unit| (unit, premises.holder_at_end(unit, end).account))
        .collect();
    let points = premises.points.values().map(|point| {
        let (tariff, version, from) = tariff(&Subject::Point(point.id.clone()));
        let unit = point.unit.as_ref();
        PointInForce {
            point: point.id.to_string(),
            unit: unit.map(ToString::to_string),
            account: unit.and_then(|unit| holders.get(unit)).map(ToString::to_string),
            tariff,
            version,
            from,
        }
    });
    let pools = premises.pools.iter().map(|(id, pool): (&PoolId, _)| {
        let rule = premises.rule_on(id, day);
        let (tariff, version, _) = tariff(&Subject::Pool(id.clone()));
        PoolInForce {
            pool: id.to_string(),
            name: pool.name.clone(),
            rule: rule.map(|rule| rule.version),
            from: rule.map(|rule| rule.from.to_string()),
            tariff,
            version,
            points: premises.pool_points(id, day).iter().map(ToString::to_string).collect(),
        }
    });
    InForce { day: day.to_string(), points: points.collect(), pools: pools.collect() }
}
