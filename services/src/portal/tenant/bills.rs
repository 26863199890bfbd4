//! The bills of an account, and what it paid.

use askama::Template;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;
use domain::quantity::{Instant, Month};

use super::{Spot, base, coin, frame};
use crate::desk::Moment;
use crate::identity::Permission;
use crate::portal::page::{Frame, page};
use crate::portal::show;
use crate::portal::visit::Visit;
use crate::portal::words::Language;
use crate::query::{self, BillRow, RechargeRow};

/// A bill in a list.
pub(super) struct BillEntry {
    pub href: String,
    pub month: String,
    pub charges: String,
    pub issued: String,
    pub kwh: String,
}

/// A payment in a list.
pub(super) struct Payment {
    pub kind: String,
    pub amount: String,
    pub when: String,
    pub state: String,
    pub reference: String,
}

/// Lists bills, the newest first.
pub(super) fn entries(moment: &Moment, rows: &[BillRow], base: &str, language: Language) -> Vec<BillEntry> {
    let coin = coin(moment);
    let entry = |row: &BillRow| {
        let day = row.issued.as_ref().map(|when| language.day(moment.premises.calendar.day_of(when.utc)));
        let issued = day.map(|day| language.say1("bill-issued", "date", &day));
        let number = row.number.map(|number| language.say1("bill", "number", &number.to_string()));
        BillEntry {
            href: format!("{base}/bills/{}", row.month),
            month: Month::parse(&row.month).map_or_else(|| row.month.clone(), |month| language.month(month)),
            charges: coin.text(&row.charges.text),
            issued: issued.unwrap_or_else(|| language.say("bill-open")),
            kwh: number.unwrap_or_default(),
        }
    };
    rows.iter().map(entry).collect()
}

/// What was ever paid.
pub(super) const EVER: (Instant, Instant) = (Instant::new(i64::MIN), Instant::new(i64::MAX));

/// Lists payments.
pub(super) fn payments(moment: &Moment, rows: &[RechargeRow], language: Language) -> Vec<Payment> {
    let (coin, calendar) = (coin(moment), &moment.premises.calendar);
    let payment = |one: &RechargeRow| {
        let at = one.time.utc;
        Payment {
            kind: language.say(&format!("cash-{}", one.kind)),
            amount: coin.text(&one.amount.text),
            when: format!("{}, {}", language.day(calendar.day_of(at)), show::clock(at, calendar.offset_at(at))),
            state: language.say(&format!("payment-{}", one.state.replace('_', "-"))),
            reference: one.reference.clone(),
        }
    };
    rows.iter().map(payment).collect()
}

#[derive(Template)]
#[template(path = "tenant/bills.html")]
struct BillsPage {
    frame: Frame,
    bills: Vec<BillEntry>,
}

#[derive(Template)]
#[template(path = "tenant/payments.html")]
struct PaymentsPage {
    frame: Frame,
    payments: Vec<Payment>,
}

/// `GET …/bills`
pub(super) async fn bills(visit: Visit, Path((site, account)): Path<(String, String)>) -> Response {
    let (served, account) = match visit.account(&site, &account, Permission::ReadAccount) {
        Ok(found) => found,
        Err(fault) => return visit.fault(fault),
    };
    let (base, language) = (base(&site, account.as_str()), visit.reader.language);
    let rows = match query::read(&served.desk, move |view| query::bills(&view, &account)).await {
        Ok(rows) => rows,
        Err(error) => return visit.fault(error.into()),
    };
    let frame = frame(&visit, &site, &base, Spot::Bills, language.say("bills"));
    let bills = entries(&served.desk.moment(), &rows, &base, language);
    page(StatusCode::OK, &BillsPage { frame, bills })
}

/// `GET …/payments`
pub(super) async fn paid(visit: Visit, Path((site, account)): Path<(String, String)>) -> Response {
    let (served, account) = match visit.account(&site, &account, Permission::ReadAccount) {
        Ok(found) => found,
        Err(fault) => return visit.fault(fault),
    };
    let (base, language) = (base(&site, account.as_str()), visit.reader.language);
    let rows = match query::read(&served.desk, move |view| query::payments(&view, &account, EVER.0, EVER.1)).await {
        Ok(rows) => rows,
        Err(error) => return visit.fault(error.into()),
    };
    let frame = frame(&visit, &site, &base, Spot::Payments, language.say("payments"));
    page(StatusCode::OK, &PaymentsPage { frame, payments: payments(&served.desk.moment(), &rows, language) })
}
