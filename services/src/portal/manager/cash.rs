//! The cash desk: money in with a receipt, money back, and amounts posted by hand.

use std::time::Duration;

use axum::Form as Sent;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;
use domain::event::AccountId;
use domain::quantity::Instant;

use crate::command::{self, CommandError, Made, Post, Recharge, Refund};
use crate::identity::Permission;
use crate::portal::act::{self, Given};
use crate::portal::page::page as answer;
use crate::portal::sheet::{Card, Field, Kind, Said, Sheet, Table, head, stamp};
use crate::portal::show::Coin;
use crate::portal::site::{Spot, frame};
use crate::portal::visit::Visit;
use crate::portal::words::Language;
use crate::query::{self, RechargeRow};
use crate::serve::ServedSite;

/// So long a new balance is waited for.
const PATIENCE: Duration = Duration::from_secs(5);
/// Payments of so many days are listed.
const DAYS_S: i64 = 31 * 86_400;

/// `GET …/cash`
pub(super) async fn page(visit: Visit, Path(site): Path<String>) -> Response {
    show(&visit, &site, None).await
}

/// `POST …/cash`
pub(super) async fn act(visit: Visit, Path(site): Path<String>, Sent(given): Sent<Given>) -> Response {
    if let Err(fault) = visit.accepts(&given) {
        return visit.fault(fault);
    }
    let served = match visit.site(&site, Permission::MoveMoney) {
        Ok(served) => served,
        Err(fault) => return visit.fault(fault),
    };
    let language = visit.reader.language;
    let moment = served.desk.moment();
    let Some(account) = given.account(&moment.premises) else {
        let said = Said::refused(language.say("refused-account-unknown"));
        return show(&visit, &site, Some(said)).await;
    };
    let said = match ask(&visit, served, &given, &account).await {
        Ok(made) => {
            let done = said(served, &given, (&account, &made), language).await;
            act::outcome(Ok(&made), done, language)
        }
        Err(error) => act::refused(&error, language),
    };
    show(&visit, &site, Some(said)).await
}

async fn ask(visit: &Visit, served: &ServedSite, given: &Given, account: &AccountId) -> Result<Made, CommandError> {
    let (account, amount) = (account.clone(), given.amount(&served.desk.moment().premises));
    let (reference, reason) = (given.text("reference").to_owned(), given.text("reason").to_owned());
    let asked = visit.asked(given)?;
    match given.text("act") {
        "refund" => command::refund(&served.desk, asked, Refund { account, amount, reference, reason }).await,
        "post" => command::post(&served.desk, asked, Post { account, amount, reference, reason }).await,
        _ => command::recharge(&served.desk, asked, Recharge { account, amount, reference }).await,
    }
}

/// What was done, with the balance as soon as it has it.
async fn said(served: &ServedSite, given: &Given, (account, made): (&AccountId, &Made), language: Language) -> String {
    let mut moments = served.desk.watch();
    let shown = moments.wait_for(|moment| moment.live_at.0 > made.position);
    // Where the figures are late the page says the balance that there is.
    let late = tokio::time::timeout(PATIENCE, shown).await.is_err();
    let moment = served.desk.moment();
    let coin = moment.premises.site.as_ref().map(|site| Coin::new(&site.currency, site.currency_decimals));
    let balance = query::balance(&moment, account).ok().zip(coin.as_ref());
    let balance = balance.map(|(balance, coin)| coin.text(&balance.balance.text)).unwrap_or_default();
    let amount = coin.map(|coin| coin.text(given.text("amount"))).unwrap_or_default();
    let values = [("account", account.as_str()), ("amount", &*amount), ("balance", &*balance)];
    let key = match given.text("act") {
        _ if late => "cash-late",
        "refund" => "cash-refunded",
        "post" => "cash-posted",
        _ => "cash-done",
    };
    language.say_with(key, &values)
}

async fn show(visit: &Visit, site: &str, said: Option<Said>) -> Response {
    let served = match visit.site(site, Permission::MoveMoney) {
        Ok(served) => served,
        Err(fault) => return visit.fault(fault),
    };
    let read = query::read(&served.desk, |view| {
        let until = view.until();
        Ok(query::recharges(&view, until.plus(DAYS_S.saturating_neg()), Instant::new(i64::MAX)))
    });
    let rows = match read.await {
        Ok(rows) => rows,
        Err(error) => return visit.fault(error.into()),
    };
    let (moment, language) = (served.desk.moment(), visit.reader.language);
    let coin = moment.premises.site.as_ref().map(|site| Coin::new(&site.currency, site.currency_decimals));
    let accounts = query::accounts(&moment);
    let fields = |with_reason: bool| {
        let mut fields = vec![
            act::accounts(language, &accounts, ""),
            Field::new("amount", language.say("field-amount"), Kind::Amount, ""),
            Field::new("reference", language.say("field-receipt"), Kind::Optional, ""),
        ];
        fields.extend(with_reason.then(|| act::reason(language)));
        fields
    };
    let desk = |(id, act): (&'static str, &str), title: &str, with_reason: bool| {
        let lead = language.say(&format!("{title}-lead"));
        let form = act::form(act.to_owned(), act, language.say(&format!("{title}-button")), fields(with_reason));
        form.card(id, language.say(title), lead)
    };
    let mut cards = vec![desk(("take", "recharge"), "cash-take", false)];
    cards.extend(coin.map(|coin| list(&rows, &coin, language)));
    cards.push(desk(("give", "refund"), "cash-give", true));
    cards.push(desk(("posting", "post"), "cash-post", true));
    let title = language.say("cash");
    let sheet = Sheet { frame: frame(visit, site, Spot::Cash, title), lead: language.say("cash-lead"), said, cards };
    answer(StatusCode::OK, &sheet)
}

/// Payments in a table.
pub(in crate::portal) fn list(rows: &[RechargeRow], coin: &Coin, language: Language) -> Card {
    let row = |one: &RechargeRow| {
        vec![
            stamp(&one.time),
            one.account.clone(),
            language.say(&format!("cash-{}", one.kind)),
            one.reference.clone(),
            language.say(&format!("cash-{}", one.state)),
            coin.text(&one.amount.text),
        ]
    };
    let keys = [
        ("col-date", false),
        ("col-account", false),
        ("col-what", false),
        ("col-reference", false),
        ("col-state", false),
        ("col-amount", true),
    ];
    let table = Table {
        name: language.say("cash-recent"),
        heads: head(language, &keys),
        rows: rows.iter().map(row).collect(),
        foot: Vec::new(),
    };
    Card {
        id: "payments",
        title: table.name.clone(),
        table: Some(table),
        none: language.say("payments-none"),
        ..Card::default()
    }
}
