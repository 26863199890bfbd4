//! What a site shows to whoever runs or audits it.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use domain::event::{PointId, PoolId};
use serde::Serialize;
use utoipa::ToSchema;

use super::account::{day, month};
use super::ask::{Ask, Page, cursor};
use super::table::Parameter::{Cursor, Event, From, KnownAt, Limit, LossPercent, Since, Size, Step, Until};
use crate::desk::Moment;
use crate::query::{
    self, AccountRow, Allocation, ChangeRow, CloseCheck, Curve, EnergyFlow, Holds, InForce, Owed, PointState, PoolRow,
    Proof, QuarantinedReading, RechargeRow, Replayed, Show, UnitState, When, Whose,
};
use crate::serve::App;
use crate::serve::access::Problem;

/// Who asks.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Me {
    /// The user's name.
    user: String,
    /// The role.
    role: String,
    /// Whether the token only reads.
    read_only: bool,
    /// What is seen; none where it is everything.
    grants: Option<Vec<Seen>>,
}

/// What a grant reaches.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Seen {
    /// The site.
    site: String,
    /// One account of it; none for all.
    account: Option<String>,
}

/// A site.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SiteRow {
    /// Its id.
    site: String,
    /// For people.
    name: String,
    /// IANA name.
    time_zone: String,
    /// ISO 4217.
    currency: String,
    /// Decimals of the currency.
    currency_decimals: u8,
    /// Up to when energy is counted.
    as_of: When,
    /// The newest reading.
    newest_reading: Option<When>,
    /// Why nothing is recorded at present; none while all is well.
    fault: Option<String>,
}

fn row(moment: &Moment) -> Option<SiteRow> {
    let (site, show) = (moment.premises.site.as_ref()?, Show(&moment.premises));
    Some(SiteRow {
        site: site.id.to_string(),
        name: site.name.clone(),
        time_zone: site.time_zone.clone(),
        currency: site.currency.clone(),
        currency_decimals: site.currency_decimals,
        as_of: show.when(moment.live_at.1),
        newest_reading: moment.newest_reading.map(|at| show.when(at)),
        fault: moment.fault.clone(),
    })
}

pub(super) async fn me(ask: Ask) -> Result<Json<Me>, Problem> {
    let ask = ask.takes(&[])?;
    let actor = &ask.caller.actor;
    let seen = |grant: crate::identity::Grant| Seen {
        site: grant.site.to_string(),
        account: grant.account.map(|account| account.to_string()),
    };
    let grants = actor.scope.grants().map(|grants| grants.into_iter().map(seen).collect());
    let (user, role) = (actor.user.clone(), actor.role.to_string());
    Ok(Json(Me { user, role, read_only: actor.read_only, grants }))
}

pub(super) async fn sites(State(app): State<Arc<App>>, ask: Ask) -> Result<Json<Page<SiteRow>>, Problem> {
    let ask = ask.takes(&[Limit, Cursor])?;
    let seen = app.sites.iter().filter(|(id, _)| ask.caller.actor.scope.enters_site(id));
    let rows = seen.filter_map(|(_, site)| row(&site.desk.moment())).collect();
    ask.page(rows, |row| row.site.clone())
}

pub(super) async fn site(ask: Ask) -> Result<Json<SiteRow>, Problem> {
    let ask = ask.takes(&[])?;
    row(&ask.site()?.desk.moment()).map(Json).ok_or_else(Problem::not_found)
}

pub(super) async fn accounts(ask: Ask) -> Result<Json<Page<AccountRow>>, Problem> {
    let ask = ask.takes(&[Limit, Cursor])?;
    ask.page(query::accounts(&ask.site()?.desk.moment()), |row| row.account.clone())
}

pub(super) async fn units(ask: Ask) -> Result<Json<Page<UnitState>>, Problem> {
    let ask = ask.takes(&[Limit, Cursor])?;
    ask.page(query::units(&ask.site()?.desk.moment()), |row| row.unit.clone())
}

pub(super) async fn points(ask: Ask) -> Result<Json<Page<PointState>>, Problem> {
    let ask = ask.takes(&[Limit, Cursor])?;
    ask.page(query::points(&ask.site()?.desk.moment()), |row| row.point.clone())
}

pub(super) async fn curve(ask: Ask) -> Result<Json<Curve>, Problem> {
    let ask = ask.takes(&[From, Until, Step])?;
    let ((from, until), step) = (ask.range()?, ask.step()?);
    let whose = Whose::Point(ask.part("point", PointId::try_new)?);
    Ok(Json(ask.read(move |view| query::curve(&view, &whose, from, until, step)).await?))
}

pub(super) async fn energy_flow(ask: Ask) -> Result<Json<EnergyFlow>, Problem> {
    let ask = ask.takes(&[From, Until])?;
    let (from, until) = ask.range()?;
    Ok(Json(ask.read(move |view| query::energy_flow(&view, from, until)).await?))
}

pub(super) async fn pools(ask: Ask) -> Result<Json<Page<PoolRow>>, Problem> {
    let ask = ask.takes(&[Limit, Cursor])?;
    let rows = ask.read(|view| Ok(query::pools(&view))).await?;
    ask.page(rows, |row| row.pool.clone())
}

pub(super) async fn in_force(ask: Ask) -> Result<Json<InForce>, Problem> {
    let ask = ask.takes(&[KnownAt])?;
    let day = ask.part("day", day)?;
    Ok(Json(ask.read(move |view| Ok(query::in_force(&view, day))).await?))
}

pub(super) async fn allocation(ask: Ask) -> Result<Json<Allocation>, Problem> {
    let ask = ask.takes(&[KnownAt])?;
    let (pool, day) = (ask.part("pool", PoolId::try_new)?, ask.part("day", day)?);
    Ok(Json(ask.read(move |view| query::allocation(&view, &pool, day)).await?))
}

pub(super) async fn recharges(ask: Ask) -> Result<Json<Page<RechargeRow>>, Problem> {
    let ask = ask.takes(&[From, Until, Limit, Cursor])?;
    let (from, until) = ask.range_of_all()?;
    let rows = ask.read(move |view| Ok(query::recharges(&view, from, until))).await?;
    ask.page(rows, |row| format!("{}/{}/{}", row.time.utc, row.kind, row.reference))
}

pub(super) async fn quarantine(ask: Ask) -> Result<Json<Page<QuarantinedReading>>, Problem> {
    let ask = ask.takes(&[From, Until, Limit, Cursor])?;
    let (from, until) = ask.range_of_all()?;
    let rows = ask.read(move |view| Ok(query::quarantine(&view, from, until))).await?;
    ask.page(rows, |row| format!("{}/{}/{}/{}", row.meter, row.time.utc, row.position, row.kwh))
}

pub(super) async fn holds(ask: Ask) -> Result<Json<Holds>, Problem> {
    let ask = ask.takes(&[])?;
    Ok(Json(ask.read(|view| Ok(query::holds(&view))).await?))
}

pub(super) async fn changes(ask: Ask) -> Result<Json<Page<ChangeRow>>, Problem> {
    let ask = ask.takes(&[Limit, Cursor])?;
    let (limit, after) = ask.paging()?;
    let before = after.map(|after| after.parse::<u64>()).transpose();
    let before = before.map_err(|_| Problem::parameter("cursor", "the `next` of the page before"))?;
    let mut rows = query::changes(ask.site()?, before, limit.saturating_add(1)).await?;
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows.last().filter(|_| more).map(|row| cursor(&row.position.to_string()));
    Ok(Page::of(rows, next))
}

pub(super) async fn close_check(ask: Ask) -> Result<Json<CloseCheck>, Problem> {
    let ask = ask.takes(&[LossPercent])?;
    let (month, percent) = (ask.part("month", month)?, ask.loss_percent()?);
    Ok(Json(query::close_check(ask.site()?, month, percent).await?))
}

pub(super) async fn replay(ask: Ask) -> Result<Json<Replayed>, Problem> {
    let ask = ask.takes(&[])?;
    Ok(Json(query::replay(ask.site()?).await?))
}

pub(super) async fn proof(ask: Ask) -> Result<Json<Proof>, Problem> {
    let ask = ask.takes(&[Event, Size, Since])?;
    Ok(Json(query::proof(ask.site()?, ask.proof(None)?).await?))
}

pub(super) async fn liability(ask: Ask) -> Result<Json<Owed>, Problem> {
    let ask = ask.takes(&[])?;
    Ok(Json(query::owed(ask.site()?, ask.part("day", day)?).await?))
}
