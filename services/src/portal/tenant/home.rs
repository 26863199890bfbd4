//! An account's first page.

use askama::Template;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;

use super::bills::{self, BillEntry, Payment};
use super::day::{self, Day};
use super::month::{self, MonthView};
use super::now::Now;
use super::supply::{self, SupplyCard};
use super::tiers::{self, TierGroup};
use super::{Spot, base, coin, frame, names};
use crate::identity::Permission;
use crate::portal::page::{Frame, page};
use crate::portal::visit::Visit;
use crate::query::{self, Balance, BillRow, RechargeRow, Step, TierProgress};

#[derive(Template)]
#[template(path = "tenant/home.html")]
struct Home {
    frame: Frame,
    name: String,
    place: String,
    base: String,
    now: Now,
    supplies: Vec<SupplyCard>,
    day: Day,
    month: MonthView,
    tiers: Vec<TierGroup>,
    payments: Vec<Payment>,
    bills: Vec<BillEntry>,
}

/// What is read in one turn.
struct Read {
    balance: Balance,
    day: day::Read,
    month: month::Read,
    tiers: Vec<TierProgress>,
    paid: Vec<RechargeRow>,
    bills: Vec<BillRow>,
}

/// So many payments and bills are on the first page.
const MOST: usize = 4;

/// `GET /site/{site}/account/{account}`
pub(super) async fn home(visit: Visit, Path((site, account)): Path<(String, String)>) -> Response {
    let (served, account) = match visit.account(&site, &account, Permission::ReadAccount) {
        Ok(found) => found,
        Err(fault) => return visit.fault(fault),
    };
    let (base, language) = (base(&site, account.as_str()), visit.reader.language);
    let asked = account.clone();
    let read = query::read(&served.desk, move |view| {
        Ok(Read {
            balance: query::balance(view.moment, &asked)?,
            day: day::read(&view, &asked, None, Step::Quarter)?,
            month: month::read(&view, &asked, None)?,
            tiers: query::tiers(&view, &asked)?,
            paid: query::payments(&view, &asked, bills::EVER.0, bills::EVER.1)?,
            bills: query::bills(&view, &asked)?,
        })
    });
    let read = match read.await {
        Ok(read) => read,
        Err(error) => return visit.fault(error.into()),
    };
    let told = match supply::told(served, &account).await {
        Ok(told) => told,
        Err(fault) => return visit.fault(fault),
    };
    let moment = served.desk.moment();
    let coin = coin(&moment);
    let (name, place) = names(&moment, &account);
    let home = Home {
        frame: frame(&visit, &site, &base, Spot::Home, name.clone()),
        name,
        place,
        supplies: supply::cards(&visit, &moment, &read.balance, (&told, &base)),
        now: Now::of(&moment, read.balance, language),
        day: Day::of(&read.day, &base, language, true),
        month: MonthView::of(&read.month, &base, language, &coin),
        tiers: tiers::groups(&read.tiers, &coin, language),
        payments: bills::payments(&moment, read.paid.get(..read.paid.len().min(MOST)).unwrap_or_default(), language),
        bills: bills::entries(
            &moment,
            read.bills.get(..read.bills.len().min(MOST)).unwrap_or_default(),
            &base,
            language,
        ),
        base,
    };
    page(StatusCode::OK, &home)
}
