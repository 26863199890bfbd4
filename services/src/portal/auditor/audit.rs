//! A day's allocation with everyone's weights and remainders, a bill's line down to its readings, and the replay.

use axum::Form as Sent;
use axum::extract::{Path, Query};
use axum::http::StatusCode;
use axum::response::Response;
use domain::event::{AccountId, PoolId};
use domain::quantity::{Date, Month};

use super::bundle;
use crate::identity::Permission;
use crate::portal::act::{self, Given};
use crate::portal::page::page as answer;
use crate::portal::sheet::{Card, Field, Form, Kind, Said, Sheet, Table, exact, head};
use crate::portal::show::Coin;
use crate::portal::site::{Spot, base, frame};
use crate::portal::tenant;
use crate::portal::visit::Visit;
use crate::portal::words::Language;
use crate::query::{self, Allocation, AllocationPart, PoolRow, Replayed, Show};
use crate::serve::ServedSite;

/// Most differences of a replay that are shown.
const SHOWN: usize = 20;
/// The parts' places on the page.
const PARTS: [&str; 8] = ["part-1", "part-2", "part-3", "part-4", "part-5", "part-6", "part-7", "part-8"];

/// `GET …/audit`
pub(super) async fn page(visit: Visit, Path(site): Path<String>, Query(given): Query<Given>) -> Response {
    show(&visit, &site, &given, None).await
}

/// `POST …/audit`: computes every decision anew and compares. It changes nothing, but takes its time.
pub(super) async fn replay(visit: Visit, Path(site): Path<String>, Sent(given): Sent<Given>) -> Response {
    if let Err(fault) = visit.accepts(&given) {
        return visit.fault(fault);
    }
    let served = match visit.site(&site, Permission::ReadAudit) {
        Ok(served) => served,
        Err(fault) => return visit.fault(fault),
    };
    match query::replay(served).await {
        Ok(found) => show(&visit, &site, &Given::default(), Some(found)).await,
        Err(error) => visit.fault(error.into()),
    }
}

async fn show(visit: &Visit, site: &str, given: &Given, found: Option<Replayed>) -> Response {
    let served = match visit.site(site, Permission::ReadAudit) {
        Ok(served) => served,
        Err(fault) => return visit.fault(fault),
    };
    let language = visit.reader.language;
    let pools = match query::read(&served.desk, |view| Ok(query::pools(&view))).await {
        Ok(pools) => pools,
        Err(error) => return visit.fault(error.into()),
    };
    let moment = served.desk.moment();
    let coin = moment.premises.site.as_ref().map(|site| Coin::new(&site.currency, site.currency_decimals));
    let coin = coin.unwrap_or_else(|| Coin::new("", 2));
    let mut cards = vec![replay_card(found.as_ref(), language)];
    cards.extend(split_cards(served, &pools, given, (&coin, language)).await);
    cards.push(explain_card(served, given, language).await);
    let mut history = Card { id: "history", title: language.say("changes"), ..Card::default() };
    history.lead = language.say("changes-lead");
    history.links.push((language.say("changes-open"), format!("{}/audit/changes", base(site))));
    history.links.push((language.say("known"), format!("{}/audit/known", base(site))));
    cards.push(history);
    cards.push(bundle::card(&base(site), &moment, language));
    let title = language.say("audit");
    let sheet =
        Sheet { frame: frame(visit, site, Spot::Audit, title), lead: language.say("audit-lead"), said: None, cards };
    answer(StatusCode::OK, &sheet)
}

fn replay_card(found: Option<&Replayed>, language: Language) -> Card {
    let mut card = act::form("replay".to_owned(), "replay", language.say("replay-button"), Vec::new()).card(
        "replayed",
        language.say("replay"),
        language.say("replay-lead"),
    );
    let Some(found) = found else { return card };
    card.note = Some(if found.differences == 0 {
        Said::done(language.say("replay-same"))
    } else {
        Said::refused(language.say1("replay-differs", "count", &found.differences.to_string()))
    });
    card.facts = vec![
        (language.say("replay-facts"), found.facts.to_string()),
        (language.say("replay-runs"), found.runs.to_string()),
        (language.say("replay-decisions"), found.decisions.to_string()),
        (language.say("replay-differences"), found.differences.to_string()),
    ];
    let line = |one: &query::Difference| {
        (1, format!("{} · {} · {}: {} / {}", one.position, one.run, one.what, one.recorded, one.recomputed))
    };
    card.lines = found.shown.iter().take(SHOWN).map(line).collect();
    card
}

/// The question of a day, and how it was split.
async fn split_cards(
    served: &ServedSite,
    pools: &[PoolRow],
    given: &Given,
    (coin, language): (&Coin, Language),
) -> Vec<Card> {
    let moment = served.desk.moment();
    let yesterday = moment.premises.calendar.day_of(moment.live_at.1).plus(-1).to_string();
    let asked = if given.text("day").is_empty() { &*yesterday } else { given.text("day") };
    let chosen = if given.text("pool").is_empty() {
        pools.first().map_or("", |pool| pool.pool.as_str())
    } else {
        given.text("pool")
    };
    let options = pools.iter().map(|pool| (pool.pool.clone(), pool.name.clone())).collect();
    let form = Form {
        id: "split".to_owned(),
        button: language.say("show"),
        fields: vec![
            Field::select("pool", language.say("field-pool"), chosen, options),
            Field::new("day", language.say("field-day"), Kind::Date, asked),
        ],
        ..Form::default()
    };
    let mut card = form.card("allocation", language.say("allocation"), language.say("allocation-lead"));
    if pools.is_empty() {
        card.forms.clear();
        card.none = language.say("allocation-no-pool");
        return vec![card];
    }
    let Some((pool, day)) = PoolId::try_new(chosen).zip(Date::parse(asked)) else { return vec![card] };
    let split = query::read(&served.desk, move |view| query::allocation(&view, &pool, day)).await;
    let Ok(split) = split else {
        card.none = language.say("allocation-none");
        return vec![card];
    };
    let mut cards = split_of(&split, coin, language);
    if let Some(first) = cards.first_mut() {
        // The question stays above what is said of it.
        card.side = std::mem::take(&mut first.side);
        card.facts = std::mem::take(&mut first.facts);
        card.note = first.note.take();
        *first = card;
    }
    cards
}

/// How a day was split: its sums, then its parts.
pub(super) fn split_of(split: &Allocation, coin: &Coin, language: Language) -> Vec<Card> {
    let text = language.say(if split.adds_up { "allocation-adds-up" } else { "allocation-is-off" });
    let sums = Card {
        id: "shown",
        title: format!("{} · {}", split.name, split.day),
        side: rule(split, language),
        facts: facts(split, coin, language),
        note: Some(if split.adds_up { Said::done(text) } else { Said::refused(text) }),
        ..Card::default()
    };
    let parts = split.parts.iter().zip(PARTS).map(|(part, id)| part_card(part, id, language));
    [sums].into_iter().chain(parts).collect()
}

fn rule(split: &Allocation, language: Language) -> String {
    let version = split.rule.map(|version| language.say1("rule-versions", "versions", &version.to_string()));
    version.unwrap_or_else(|| language.say("allocation-no-rule"))
}

fn facts(split: &Allocation, coin: &Coin, language: Language) -> Vec<(String, String)> {
    vec![
        (language.say("allocation-energy"), format!("{} kWh", split.kwh.text)),
        (language.say("allocation-interpolated"), format!("{} kWh", split.interpolated.text)),
        (language.say("allocation-cost"), coin.text(&split.amount.text)),
        (language.say("allocation-to-date"), coin.text(&split.amount_to_date.text)),
        (language.say("allocation-rest"), format!("{} kWh · {}", split.rest_kwh.text, split.rest_cost)),
        (language.say("col-state"), language.say(if split.settled { "allocation-settled" } else { "allocation-open" })),
    ]
}

fn part_card(part: &AllocationPart, id: &'static str, language: Language) -> Card {
    let row = |share: &query::AllocationShare| {
        vec![
            share.unit.clone(),
            share.account.clone(),
            share.weight.clone(),
            share.kwh.text.clone(),
            share.cost.clone(),
        ]
    };
    let mut rows: Vec<Vec<String>> = part.shares.iter().map(row).collect();
    let rest = language.say("allocation-rest");
    rows.push(vec![rest, String::new(), String::new(), part.rest_kwh.text.clone(), part.rest_cost.clone()]);
    let keys =
        [("col-unit", false), ("col-account", false), ("col-weight", true), ("col-kwh", true), ("col-cost", true)];
    let basis = |name: &str| language.find(&format!("basis-{name}"), &[]).unwrap_or_else(|| name.to_owned());
    let by = [("percent", part.percent.as_str()), ("basis", &*basis(&part.basis)), ("applied", &*basis(&part.applied))];
    let title = language.say1("allocation-part", "number", &part.part.to_string());
    let total = part.total_weight.clone().unwrap_or_default();
    let table = Table {
        name: title.clone(),
        heads: head(language, &keys),
        rows,
        foot: vec![language.say("col-total"), String::new(), total, part.kwh.text.clone(), part.cost.clone()],
    };
    let lead = language.say_with("allocation-by", &by);
    Card { id, title, lead, table: Some(table), ..Card::default() }
}

/// The question of a line, and its working.
async fn explain_card(served: &ServedSite, given: &Given, language: Language) -> Card {
    let moment = served.desk.moment();
    let now = moment.premises.calendar.day_of(moment.live_at.1).month();
    let text = |name: &str, default: String| {
        let text = given.text(name);
        if text.is_empty() { default } else { text.to_owned() }
    };
    let (month, line) = (text("month", now.plus(-1).to_string()), text("line", "1".to_owned()));
    let form = Form {
        id: "explain".to_owned(),
        button: language.say("explain-button"),
        fields: vec![
            act::accounts(language, &query::accounts(&moment), given.text("account")),
            Field::new("month", language.say("field-month"), Kind::Month, month.clone()),
            Field::new("line", language.say("field-line"), Kind::Amount, line.clone()),
        ],
        ..Form::default()
    };
    let mut card = form.card("working", language.say("explain"), language.say("explain-lead"));
    let asked = AccountId::try_new(given.text("account")).zip(Month::parse(&month)).zip(line.parse::<usize>().ok());
    let Some(((account, month), line)) = asked else { return card };
    let whose = account.clone();
    let bill = query::read(&served.desk, move |view| query::bill(&view, &whose, month)).await;
    let here = format!("{}/bills/{month}", tenant::base(served.desk.site().as_str(), account.as_str()));
    if let Some(found) = bill.ok().and_then(|bill| tenant::stands(&bill.events, &moment, &here, language)) {
        card.facts = found.hashes;
        card.lead = found.text;
        card.links.push((language.say("proof-download"), found.href));
    }
    match query::explain_line(served, account, month, line).await {
        Ok(found) => {
            let time = |at| exact(&Show(&moment.premises).when(at));
            card.lines = found.steps.iter().map(|step| (step.depth, language.tell(&step.told, &time))).collect();
        }
        Err(error) => {
            tracing::debug!(%error, "a line cannot be explained");
            card.note = Some(Said::refused(language.say("explain-none")));
        }
    }
    card
}
