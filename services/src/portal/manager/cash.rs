//! The cash desk: money in with a receipt, money back, and amounts posted by hand.

use std::time::Duration;

use axum::Form as Sent;
use axum::extract::{Path, Query};
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
use crate::portal::site::{Spot, base, frame};
use crate::portal::visit::Visit;
use crate::portal::words::Language;
use crate::query::{self, RechargeRow, View};
use crate::serve::ServedSite;

/// So long a new balance is waited for.
const PATIENCE: Duration = Duration::from_secs(5);
/// Payments of so many days are listed,
const DAYS_S: i64 = 31 * 86_400;
/// and no more than these, and those of the last one's instant.
const ROWS: usize = 40;

/// `GET …/cash`; `before` is an instant in seconds: payments before it are listed. `account`, `amount` and `reason` are
/// filled in for paying back, by who comes from a final bill.
pub(super) async fn page(visit: Visit, Path(site): Path<String>, Query(given): Query<Given>) -> Response {
    let before = given.text("before").parse().ok().map(Instant::new);
    show(&visit, &site, (before, &given), None).await
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
        return show(&visit, &site, (None, &given), Some(said)).await;
    };
    let said = match ask(&visit, served, &given, &account).await {
        Ok(made) => {
            let done = said(served, &given, (&account, &made), language).await;
            act::outcome(Ok(&made), done, language)
        }
        Err(error) => act::refused(&error, language),
    };
    show(&visit, &site, (None, &given), Some(said)).await
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

/// Payments of some days, the newest first, and where older ones begin.
fn recent(view: &View<'_>, before: Option<Instant>) -> (Vec<RechargeRow>, Option<Instant>) {
    let end = before.unwrap_or(Instant::new(i64::MAX));
    let from = before.unwrap_or(view.until()).plus(DAYS_S.saturating_neg());
    let mut rows = query::recharges(view, from, end);
    if let Some(last) = rows.get(ROWS.saturating_sub(1)).map(|row| row.time.utc) {
        let shown = rows.iter().take_while(|row| row.time.utc >= last).count();
        if shown < rows.len() {
            rows.truncate(shown);
            return (rows, Some(last));
        }
    }
    let older = !query::recharges(view, Instant::new(i64::MIN), from).is_empty();
    (rows, older.then_some(from))
}

async fn show(visit: &Visit, site: &str, (before, given): (Option<Instant>, &Given), said: Option<Said>) -> Response {
    let served = match visit.site(site, Permission::MoveMoney) {
        Ok(served) => served,
        Err(fault) => return visit.fault(fault),
    };
    let (rows, older) = match query::read(&served.desk, move |view| Ok(recent(&view, before))).await {
        Ok(rows) => rows,
        Err(error) => return visit.fault(error.into()),
    };
    let (moment, language) = (served.desk.moment(), visit.reader.language);
    let coin = moment.premises.site.as_ref().map(|site| Coin::new(&site.currency, site.currency_decimals));
    let accounts = query::accounts(&moment);
    let fields = |with_reason: bool, back: &Given| {
        let mut fields = vec![
            act::accounts(language, &accounts, back.text("account")),
            Field::new("amount", language.say("field-amount"), Kind::Amount, back.text("amount")),
            Field::new("reference", language.say("field-receipt"), Kind::Optional, ""),
        ];
        let reason = || Field::new("reason", language.say("field-reason"), Kind::Text, back.text("reason"));
        fields.extend(with_reason.then(reason));
        fields
    };
    let nothing = Given::default();
    // What came with a form stands in that form; what came with an address, in the one for paying back.
    let back = if said.is_none() { given } else { &nothing };
    let desk = |(id, act): (&'static str, &str), title: &str, (with_reason, back): (bool, &Given)| {
        let lead = language.say(&format!("{title}-lead"));
        let form = act::form(act.to_owned(), act, language.say(&format!("{title}-button")), fields(with_reason, back));
        form.card(id, language.say(title), lead)
    };
    let mut cards = vec![desk(("take", "recharge"), "cash-take", (false, &nothing))];
    let mut listed = coin.map(|coin| list(&rows, &coin, language));
    if let (Some(list), Some(older)) = (&mut listed, older) {
        let href = format!("{}/cash?before={}#payments", base(site), older.get());
        list.links.push((language.say("cash-older"), href));
    }
    cards.extend(listed);
    cards.push(desk(("give", "refund"), "cash-give", (true, back)));
    cards.push(desk(("posting", "post"), "cash-post", (true, &nothing)));
    let title = language.say("cash");
    let sheet = Sheet { frame: frame(visit, site, Spot::Cash, title), lead: language.say("cash-lead"), said, cards };
    answer(StatusCode::OK, &sheet.keeping(given))
}

/// Payments in a table.
pub(in crate::portal) fn list(rows: &[RechargeRow], coin: &Coin, language: Language) -> Card {
    let row = |one: &RechargeRow| {
        vec![
            stamp(&one.time),
            one.account.clone(),
            language.say(&format!("cash-{}", one.kind)),
            one.reference.clone(),
            language.say(&format!("payment-{}", one.state.replace('_', "-"))),
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
