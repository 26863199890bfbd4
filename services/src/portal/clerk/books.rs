//! The books: the close check, what is owed, payments and suspense, and what can be taken out.

use axum::Form as Sent;
use axum::extract::{Path, Query};
use axum::http::StatusCode;
use axum::response::Response;
use domain::quantity::{Date, Month};
use rust_decimal::Decimal;

use super::{export, owed, suspense};
use crate::desk::Moment;
use crate::identity::Permission;
use crate::portal::act::Given;
use crate::portal::manager;
use crate::portal::page::page as answer;
use crate::portal::sheet::{Card, Field, Form, Kind, Said, Sheet, Table, head, stamp};
use crate::portal::show::Coin;
use crate::portal::site::{Spot, base, frame};
use crate::portal::visit::Visit;
use crate::portal::words::Language;
use crate::query::{self, CloseCheck, Show};
use crate::serve::ServedSite;

/// So many percent of the main meters' energy may be lost.
const LOSS: i64 = 5;

/// `GET …/books`
pub(super) async fn page(visit: Visit, Path(site): Path<String>, Query(given): Query<Given>) -> Response {
    show(&visit, &site, &given, None).await
}

/// `POST …/books`: what becomes of money in suspense.
pub(super) async fn act(visit: Visit, Path(site): Path<String>, Sent(given): Sent<Given>) -> Response {
    if let Err(fault) = visit.accepts(&given) {
        return visit.fault(fault);
    }
    match suspense::resolve(&visit, &site, &given).await {
        Ok(said) => show(&visit, &site, &given, Some(said)).await,
        Err(fault) => visit.fault(fault),
    }
}

async fn show(visit: &Visit, site: &str, given: &Given, said: Option<Said>) -> Response {
    let served = match visit.site(site, Permission::Export) {
        Ok(served) => served,
        Err(fault) => return visit.fault(fault),
    };
    let (moment, language) = (served.desk.moment(), visit.reader.language);
    let coin = moment.premises.site.as_ref().map(|site| Coin::new(&site.currency, site.currency_decimals));
    let coin = coin.unwrap_or_else(|| Coin::new("", 2));
    let today = moment.premises.calendar.day_of(moment.live_at.1);
    let month = Month::parse(given.text("month")).unwrap_or_else(|| today.month().plus(-1));
    let day = Date::parse(given.text("day")).unwrap_or(today);
    let end = moment.premises.calendar.end_of(month.last());
    let start = moment.premises.calendar.start_of(month.first());
    let read = query::read(&served.desk, move |view| Ok(query::recharges(&view, start, end.max(start.plus(1)))));
    let payments = match read.await {
        Ok(read) => read,
        Err(error) => return visit.fault(error.into()),
    };
    let sums = match query::owed(served, day).await {
        Ok(sums) => sums,
        Err(error) => return visit.fault(error.into()),
    };
    let held = match suspense::read(served).await {
        Ok(held) => held,
        Err(error) => return visit.fault(error.into()),
    };
    let may = visit.site(site, Permission::MoveMoney).is_ok();
    let mut list = manager::payments(&payments, &coin, language);
    list.side = language.month(month);
    let mut suspense = suspense::card(&held, may, &moment, (&coin, language));
    suspense.links.push((language.say("bank"), format!("{}/books/bank", base(site))));
    let cards = vec![
        close(served, month, &moment, language).await,
        owed::card(&sums, day, &coin, language),
        suspense,
        list,
        export::card(&format!("{}/books/export", base(site)), month, language),
    ];
    let title = language.say("books");
    let sheet = Sheet { frame: frame(visit, site, Spot::Books, title), lead: language.say("books-lead"), said, cards };
    answer(StatusCode::OK, &sheet.keeping(given))
}

/// Whether a month can be closed.
async fn close(served: &ServedSite, month: Month, moment: &Moment, language: Language) -> Card {
    let form = Form {
        id: "close".to_owned(),
        button: language.say("show"),
        quiet: true,
        fields: vec![Field::new("month", language.say("field-month"), Kind::Month, month.to_string())],
        ..Form::default()
    };
    let mut card = form.card("closing", language.say("close"), language.say1("close-lead", "loss", &LOSS.to_string()));
    card.side = language.month(month);
    match query::close_check(served, month, Decimal::from(LOSS)).await {
        Ok(found) => findings(&mut card, &found, moment, language),
        Err(error) => {
            tracing::warn!(%error, "a month cannot be checked");
            card.note = Some(Said::refused(language.say("close-cannot")));
        }
    }
    card
}

fn findings(card: &mut Card, found: &CloseCheck, moment: &Moment, language: Language) {
    let count = found.findings.len().to_string();
    card.note = Some(if found.ready {
        Said::done(language.say("close-ready"))
    } else {
        Said::refused(language.say1("close-findings", "count", &count))
    });
    if found.ready {
        return;
    }
    let keys = [("col-check", false), ("col-subject", false), ("col-finding", false)];
    let row = |one: &query::CloseFinding| {
        let check = language.say(&format!("check-{}", one.check));
        let said = language.tell(&one.told, &|at| stamp(&Show(&moment.premises).when(at)));
        vec![check, one.subject.clone(), said]
    };
    card.table = Some(Table {
        name: language.say("close"),
        heads: head(language, &keys),
        rows: found.findings.iter().map(row).collect(),
        foot: Vec::new(),
    });
}
