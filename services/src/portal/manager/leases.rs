//! Leases: who lives where, who moves in, who moves out, and the bill that is left.
//!
//! A move is chosen, tried (what the meters show, the bill, what is left and what it changes) and then confirmed as it
//! was tried; what follows is linked: paying back, the next tenant, the sign-in.

use axum::Form as Sent;
use axum::extract::{Path, Query};
use axum::http::StatusCode;
use axum::response::Response;
use domain::event::LeaseRecorded;
use domain::quantity::Instant;

use super::draft::{self, Draft, Tried};
use super::final_bill::{self, form, holders, wall, when};
use crate::desk::Moment;
use crate::identity::Permission;
use crate::portal::act::{self, Given};
use crate::portal::page::page as answer;
use crate::portal::sheet::{Card, Field, Form, Item, Kind, Sheet, Table, head, stamp};
use crate::portal::show::Coin;
use crate::portal::site::{Spot, base, frame};
use crate::portal::visit::Visit;
use crate::portal::words::Language;
use crate::query::{self, Moved, Show};
use crate::serve::ServedSite;

/// Leases that ended so many seconds ago at most are listed.
const LATELY_S: i64 = 100 * 86_400;

/// `GET …/leases`; `left` is the name of an ended lease whose final bill is shown, other fields fill the forms in.
pub(super) async fn page(visit: Visit, Path(site): Path<String>, Query(given): Query<Given>) -> Response {
    show(&visit, &site, &given, None).await
}

/// `POST …/leases`
pub(super) async fn act(visit: Visit, Path(site): Path<String>, Sent(given): Sent<Given>) -> Response {
    if let Err(fault) = visit.accepts(&given) {
        return visit.fault(fault);
    }
    let served = match visit.site(&site, Permission::ChangeRules) {
        Ok(served) => served,
        Err(fault) => return visit.fault(fault),
    };
    let draft = Draft::of(&given);
    if !draft.is_move() {
        return visit.fault(crate::portal::error::Fault::NotFound);
    }
    let tried = draft.carry_out(&visit, served, &given).await;
    show(&visit, &site, &given, Some(tried)).await
}

async fn show(visit: &Visit, site: &str, given: &Given, tried: Option<Tried>) -> Response {
    let served = match visit.site(site, Permission::ChangeRules) {
        Ok(served) => served,
        Err(fault) => return visit.fault(fault),
    };
    let (language, moment) = (visit.reader.language, served.desk.moment());
    let base = base(site);
    let (said, mut cards) = match tried {
        Some(tried) => {
            let cards = outcome(&tried, (&moment, &base), language);
            (Some(tried.said), cards)
        }
        None if !given.text("left").is_empty() => match left(served, given.text("left")).await {
            Some(moved) => (None, moved_cards(&moved, true, (&moment, &base), language)),
            None => return visit.fault(crate::portal::error::Fault::NotFound),
        },
        None => (None, Vec::new()),
    };
    // One step at a time: what is tried, shown or done stands alone, with the way back.
    if cards.is_empty() {
        cards.extend(list(&moment, given, language));
        cards.push(lately(&moment, &base, language));
    } else if let Some(last) = cards.last_mut() {
        last.links.push((language.say("leases-back"), format!("{base}/leases")));
    }
    if let Some(last) = cards.last_mut() {
        last.links.push((language.say("users-all"), format!("{base}/users")));
    }
    let frame = frame(visit, site, Spot::People, language.say("leases"));
    let sheet = Sheet { frame, lead: language.say("leases-lead"), said, cards };
    answer(StatusCode::OK, &sheet.keeping(given))
}

/// The final bill of a lease that has an end, by the facts of now.
async fn left(served: &ServedSite, name: &str) -> Option<Moved> {
    let (account, unit, from) = draft::lease(name)?;
    let read = query::read(&served.desk, move |view| {
        let mut leases = view.premises().leases_of(&unit).iter();
        let lease = leases.find(|lease| lease.account == account && lease.from == from);
        let Some(until) = lease.and_then(|lease| lease.until) else { return Ok(None) };
        let leaves = query::final_bill(&view, &account, &unit, until)?;
        Ok(Some(Moved { hand_over: query::hand_over(&view, &unit, until), leaves: Some(leaves) }))
    });
    read.await.ok()?
}

/// What became of a form: the meters, the bill, and what it changes with the form that confirms it.
fn outcome(tried: &Tried, (moment, base): (&Moment, &str), language: Language) -> Vec<Card> {
    let mut cards =
        tried.moved.as_ref().map_or_else(Vec::new, |moved| moved_cards(moved, tried.done, (moment, base), language));
    if let Some(effect) = &tried.card {
        let mut effect = effect.clone();
        effect.side = language.say("moves-step-3");
        cards.push(effect);
    }
    cards
}

fn moved_cards(moved: &Moved, done: bool, (moment, base): (&Moment, &str), language: Language) -> Vec<Card> {
    let coin = moment.premises.site.as_ref().map(|site| Coin::new(&site.currency, site.currency_decimals));
    let step = if done { String::new() } else { language.say("moves-step-2") };
    let mut reading = final_bill::reading(&moved.hand_over, language);
    reading.side.clone_from(&step);
    let mut cards = vec![reading];
    if let Some((bill, coin)) = moved.leaves.as_ref().zip(coin) {
        let mut card = final_bill::bill(bill, base, &coin, language);
        card.side = step;
        cards.insert(0, card);
        if done {
            let mut next = final_bill::next(bill, &moved.hand_over, base, language);
            next.side = language.say("moves-step-4");
            cards.push(next);
        }
    }
    cards
}

fn leases(moment: &Moment) -> impl Iterator<Item = &LeaseRecorded> {
    moment.premises.units.keys().flat_map(|unit| moment.premises.leases_of(unit))
}

/// The leases that run, and the two forms.
fn list(moment: &Moment, given: &Given, language: Language) -> Vec<Card> {
    let (premises, now) = (&moment.premises, moment.live_at.1);
    let open: Vec<&LeaseRecorded> =
        leases(moment).filter(|lease| lease.until.is_none_or(|until| now < until)).collect();
    let show = Show(premises);
    let row = |lease: &&LeaseRecorded| {
        let until = lease.until.map_or_else(|| "–".to_owned(), |until| stamp(&show.when(until)));
        vec![lease.unit.to_string(), lease.account.to_string(), stamp(&show.when(lease.from)), until]
    };
    let keys = [("col-unit", false), ("col-account", false), ("col-from", false), ("col-until", false)];
    let table = Table {
        name: language.say("leases-open"),
        heads: head(language, &keys),
        rows: open.iter().map(row).collect(),
        foot: Vec::new(),
    };
    let title = table.name.clone();
    let none = language.say("leases-none");
    vec![
        move_out(&open, moment, given, language),
        move_in(moment, given, language),
        Card { id: "leases", title, none, table: Some(table), ..Card::default() },
    ]
}

/// What a link fills in.
fn filled<'g>(given: &'g Given, name: &str) -> &'g str {
    if given.text("what").is_empty() { given.text(name) } else { "" }
}

/// The day and time that a link fills in, or those of now.
fn instant(moment: &Moment, given: &Given) -> (String, String) {
    let (day, time) = wall(&Show(&moment.premises).local(moment.live_at.1));
    let or =
        |name: &str, now: String| Some(filled(given, name)).filter(|text| !text.is_empty()).map_or(now, str::to_owned);
    (or("day", day), or("time", time))
}

fn why(given: &Given, language: Language) -> Field {
    Field::new("reason", language.say("field-reason"), Kind::Text, filled(given, "reason"))
}

fn move_out(open: &[&LeaseRecorded], moment: &Moment, given: &Given, language: Language) -> Card {
    let what = "move-out";
    let (day, time) = instant(moment, given);
    let leased = open.iter().filter(|lease| lease.until.is_none()).map(|lease| {
        let name = draft::lease_name(&lease.account, &lease.unit, lease.from);
        (name, format!("{} · {}", lease.unit, lease.account))
    });
    let mut fields =
        vec![Field::select("lease", language.say("field-lease"), filled(given, "lease"), leased.collect())];
    fields.extend(when(language, "field-out", (&day, &time)));
    fields.push(why(given, language));
    let form = form(language, what, fields);
    let mut card = form.card("moves-out", language.say("move-out"), language.say("move-out-lead"));
    card.side = language.say("moves-step-1");
    card
}

fn move_in(moment: &Moment, given: &Given, language: Language) -> Card {
    let what = "move-in";
    let (day, time) = instant(moment, given);
    let kept = |name: &str| filled(given, name);
    let units = moment.premises.units.keys().map(|id| (id.to_string(), id.to_string())).collect();
    let mut fields = vec![
        Field::select("unit", language.say("field-unit"), kept("unit"), units),
        holders(act::accounts(language, &query::accounts(moment), kept("account")), language),
        Field::new("new_account", language.say("field-new-account"), Kind::Optional, kept("new_account")),
        Field::new("holder", language.say("field-holder"), Kind::Optional, kept("holder")),
    ];
    fields.extend(when(language, "field-in", (&day, &time)));
    fields.push(why(given, language));
    let form = form(language, what, fields);
    let mut card = form.card("moves-in", language.say("move-in"), language.say("move-in-lead"));
    card.side = language.say("moves-step-1");
    card
}

/// Who left lately, each with the final bill.
fn lately(moment: &Moment, base: &str, language: Language) -> Card {
    let (show, now) = (Show(&moment.premises), moment.live_at.1);
    let coin = moment.premises.site.as_ref().map(|site| Coin::new(&site.currency, site.currency_decimals));
    let since = now.plus(LATELY_S.saturating_neg());
    let mut gone: Vec<(&LeaseRecorded, Instant)> =
        leases(moment).filter_map(|lease| Some((lease, lease.until.filter(|until| since <= *until)?))).collect();
    gone.sort_by_key(|(_, until)| std::cmp::Reverse(*until));
    let item = |((lease, until), number): (&(&LeaseRecorded, Instant), usize)| {
        let balance = moment.live.get(&lease.account).map(|live| show.money(live.balance)).zip(coin.as_ref());
        let balance = balance.map(|(balance, coin)| coin.text(&balance.text)).unwrap_or_default();
        let form = Form {
            id: format!("left-{number}"),
            action: format!("{base}/leases"),
            button: language.say("leases-final"),
            quiet: true,
            hidden: vec![("left", draft::lease_name(&lease.account, &lease.unit, lease.from))],
            ..Form::default()
        };
        let time = stamp(&show.when(*until));
        Item {
            name: format!("{} · {}", lease.unit, lease.account),
            lines: vec![language.say_with("leases-left", &[("time", &time), ("amount", &balance)])],
            forms: vec![form],
            ..Item::default()
        }
    };
    Card {
        id: "lately",
        title: language.say("leases-lately"),
        none: language.say("leases-lately-none"),
        items: gone.iter().zip(1..).map(item).collect(),
        ..Card::default()
    }
}
