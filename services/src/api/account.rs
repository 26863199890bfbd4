//! What an account shows.

use axum::Json;
use domain::quantity::{Date, Month};

use super::ask::{Ask, Page};
use super::table::Parameter::{Cursor, Event, From, KnownAt, Limit, Since, Size, Step, Until};
use crate::query::{
    self, Balance, Bill, BillRow, Curve, Days, Explanation, Ledger, MonthSum, Proof, RechargeRow, TierProgress, Whose,
};
use crate::serve::access::Problem;

/// A month of the years that instants can have.
pub(super) fn month(text: &str) -> Option<Month> {
    Month::parse(text).filter(|month| (1900..3000).contains(&month.year()))
}

/// A day of the years that instants can have.
pub(super) fn day(text: &str) -> Option<Date> {
    Date::parse(text).filter(|day| (1900..3000).contains(&day.year()))
}

pub(super) async fn balance(ask: Ask) -> Result<Json<Balance>, Problem> {
    let ask = ask.takes(&[])?;
    Ok(Json(query::balance(&ask.site()?.desk.moment(), &ask.account()?)?))
}

pub(super) async fn curve(ask: Ask) -> Result<Json<Curve>, Problem> {
    let ask = ask.takes(&[From, Until, Step])?;
    let ((from, until), step, whose) = (ask.range()?, ask.step()?, Whose::Account(ask.account()?));
    Ok(Json(ask.read(move |view| query::curve(&view, &whose, from, until, step)).await?))
}

pub(super) async fn months(ask: Ask) -> Result<Json<Page<MonthSum>>, Problem> {
    let ask = ask.takes(&[Limit, Cursor])?;
    let account = ask.account()?;
    let rows = ask.read(move |view| query::months(&view, &account)).await?;
    ask.page(rows, |row| row.month.clone())
}

pub(super) async fn days(ask: Ask) -> Result<Json<Days>, Problem> {
    let ask = ask.takes(&[KnownAt])?;
    let (account, month) = (ask.account()?, ask.part("month", month)?);
    Ok(Json(ask.read(move |view| query::days(&view, &account, month)).await?))
}

pub(super) async fn tiers(ask: Ask) -> Result<Json<Page<TierProgress>>, Problem> {
    let ask = ask.takes(&[Limit, Cursor])?;
    let account = ask.account()?;
    let rows = ask.read(move |view| query::tiers(&view, &account)).await?;
    ask.page(rows, |row| row.point.clone())
}

pub(super) async fn bills(ask: Ask) -> Result<Json<Page<BillRow>>, Problem> {
    let ask = ask.takes(&[Limit, Cursor, KnownAt])?;
    let account = ask.account()?;
    let rows = ask.read(move |view| query::bills(&view, &account)).await?;
    ask.page(rows, |row| row.month.clone())
}

pub(super) async fn bill(ask: Ask) -> Result<Json<Bill>, Problem> {
    let ask = ask.takes(&[KnownAt])?;
    let (account, month) = (ask.account()?, ask.part("month", month)?);
    Ok(Json(ask.read(move |view| query::bill(&view, &account, month)).await?))
}

pub(super) async fn explain(ask: Ask) -> Result<Json<Explanation>, Problem> {
    let ask = ask.takes(&[])?;
    let (account, month) = (ask.account()?, ask.part("month", month)?);
    let line = ask.part("line", |text| text.parse::<usize>().ok())?;
    Ok(Json(query::explain_line(ask.site()?, account, month, line).await?))
}

pub(super) async fn ledger(ask: Ask) -> Result<Json<Ledger>, Problem> {
    let ask = ask.takes(&[From, Until, KnownAt])?;
    let (account, (from, until)) = (ask.account()?, ask.range_of_all()?);
    Ok(Json(ask.read(move |view| query::ledger(&view, &account, from, until)).await?))
}

pub(super) async fn payments(ask: Ask) -> Result<Json<Page<RechargeRow>>, Problem> {
    let ask = ask.takes(&[From, Until, Limit, Cursor])?;
    let (account, (from, until)) = (ask.account()?, ask.range_of_all()?);
    let rows = ask.read(move |view| query::payments(&view, &account, from, until)).await?;
    ask.page(rows, |row| format!("{}/{}/{}", row.time.utc, row.kind, row.reference))
}

pub(super) async fn proof(ask: Ask) -> Result<Json<Proof>, Problem> {
    let ask = ask.takes(&[Event, Size, Since])?;
    let wanted = ask.proof(Some(ask.account()?))?;
    Ok(Json(query::proof(ask.site()?, wanted).await?))
}
