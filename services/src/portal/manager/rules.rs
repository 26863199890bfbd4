//! Tariffs, rules and corrections as text, tried before they are published; and what waits for a second person.

use axum::Form as Sent;
use axum::extract::{Path, Query};
use axum::http::StatusCode;
use axum::response::Response;
use domain::event::EventId;

use super::draft::{Draft, Tried};
use super::start::{self, Start};
use crate::command::{self, Change, CommandError};
use crate::identity::Permission;
use crate::portal::act::{self, Given};
use crate::portal::page::page as answer;
use crate::portal::sheet::{Card, Field, Item, Kind, Said, Sheet, stamp};
use crate::portal::site::{Spot, base, frame};
use crate::portal::visit::Visit;
use crate::portal::words::Language;
use crate::query::{self, ChangeRow, QueryError};

/// So many changes are searched for what waits.
const SEARCHED: usize = 500;

/// What a text may look like.
const EXAMPLE: &str = r#"[[tariff]]
id = "home"
version = 2
from = 2030-01-01
default_period = "all"
energy = [ { period = "all", tiers = [ { price = "0.2500" } ] } ]
"#;

/// `GET …/rules`
pub(super) async fn page(visit: Visit, Path(site): Path<String>, Query(given): Query<Given>) -> Response {
    show(&visit, &site, given.text("start"), None).await
}

/// `POST …/rules`
pub(super) async fn act(visit: Visit, Path(site): Path<String>, Sent(given): Sent<Given>) -> Response {
    if let Err(fault) = visit.accepts(&given) {
        return visit.fault(fault);
    }
    let draft = Draft::of(&given);
    let outcome = match given.text("act") {
        "approve" => approve(&visit, &site, &given).await,
        _ => match visit.site(&site, Permission::ChangeRules) {
            Ok(served) => {
                let mut tried = draft.carry_out(&visit, served, &given).await;
                let cards = tried.card.take().into_iter().collect();
                Ok((tried, cards))
            }
            Err(fault) => Err(visit.fault(fault)),
        },
    };
    match outcome {
        Ok((tried, cards)) => show(&visit, &site, "", Some((tried.said, cards, draft))).await,
        Err(response) => response,
    }
}

/// Approves what another person proposed.
async fn approve(visit: &Visit, site: &str, given: &Given) -> Result<(Tried, Vec<Card>), Response> {
    let served = visit.site(site, Permission::Approve).map_err(|fault| visit.fault(fault))?;
    let language = visit.reader.language;
    let said = match (EventId::parse(given.text("proposal")), visit.asked(given)) {
        (None, _) => Said::refused(language.say("refused-proposal-unknown")),
        (_, Err(error)) => act::refused(&error, language),
        (Some(id), Ok(asked)) => {
            let made = command::change(&served.desk, asked, Change::Approve(id), String::new()).await;
            let made = made.and_then(|changed| changed.made.ok_or(CommandError::NoProposal(id)));
            act::outcome(made.as_ref(), language.say("rules-approved"), language)
        }
    };
    Ok((Tried::of(said), Vec::new()))
}

async fn show(visit: &Visit, site: &str, start: &str, tried: Option<(Said, Vec<Card>, Draft)>) -> Response {
    let served = match visit.site(site, Permission::ChangeRules) {
        Ok(served) => served,
        Err(fault) => return visit.fault(fault),
    };
    let rows = match query::changes(served, None, SEARCHED).await {
        Ok(rows) => rows,
        Err(error) => return visit.fault(error.into()),
    };
    let (language, moment) = (visit.reader.language, served.desk.moment());
    let from = moment.premises.calendar.day_of(moment.live_at.1).month().next().first();
    let starts = match served.desk.read(move |turn| start::starts(turn.owner.facts().all().iter(), from)).await {
        Ok(starts) => starts,
        Err(error) => return visit.fault(QueryError::from(error).into()),
    };
    let (said, tried, draft) = match tried {
        Some((said, cards, draft)) => (Some(said), cards, Some(draft)),
        None => (None, Vec::new(), None),
    };
    let mut cards = tried;
    cards.extend(waiting(&rows, &visit.session.actor.user, language));
    cards.push(editor(draft.as_ref(), &starts, (site, start), language));
    if let Some(last) = cards.last_mut() {
        last.links.push((language.say("leases"), format!("{}/leases", base(site))));
        last.links.push((language.say("changes"), format!("{}/audit/changes", base(site))));
    }
    let title = language.say("rules");
    let sheet = Sheet { frame: frame(visit, site, Spot::Rules, title), lead: language.say("rules-lead"), said, cards };
    answer(StatusCode::OK, &sheet)
}

/// What waits for a second person; no card where nothing does.
fn waiting(rows: &[ChangeRow], user: &str, language: Language) -> Option<Card> {
    let approves = |id: &str| {
        let names = |row: &ChangeRow| row.data.get("proposal").and_then(|one| one.as_str()) == Some(id);
        rows.iter().any(names)
    };
    let item = |(row, number): (&ChangeRow, usize)| {
        let mut form = act::form(format!("approve-{number}"), "approve", language.say("rules-approve"), Vec::new());
        form.hidden.push(("proposal", row.id.clone()));
        let by = language.say_with("rules-by", &[("by", &row.author), ("time", &stamp(&row.received))]);
        let facts = row.data.get("facts").map(ToString::to_string).unwrap_or_default();
        Item {
            name: row.reason.clone().unwrap_or_else(|| row.r#type.clone()),
            state: ("warn", language.say("rules-waits")),
            lines: vec![by, facts],
            forms: if row.author == user { Vec::new() } else { vec![form] },
            ..Item::default()
        }
    };
    let proposed = |row: &&ChangeRow| row.r#type.starts_with("change.proposed.");
    let open = rows.iter().filter(proposed).filter(|row| !approves(&row.id));
    let items: Vec<Item> = open.zip(1..).map(item).collect();
    (!items.is_empty()).then(|| Card { id: "waiting", title: language.say("rules-waiting"), items, ..Card::default() })
}

/// The text and what to try it as; without a text, that of a version to start from.
fn editor(draft: Option<&Draft>, starts: &[Start], (site, start): (&str, &str), language: Language) -> Card {
    let begun = starts.iter().find(|one| one.name == start).or(starts.first());
    let draft = draft.filter(|draft| !draft.text("text").is_empty());
    let text = draft.map_or_else(|| begun.map_or(EXAMPLE, |one| &one.text), |draft| draft.text("text"));
    let what = draft.map_or_else(|| begun.map_or("tariff", |one| one.what), |draft| draft.text("what"));
    let kinds = [("tariff", "rules-tariff"), ("rule", "rules-rule"), ("correct", "rules-correct")];
    let kinds = kinds.map(|(value, key)| (value.to_owned(), language.say(key))).to_vec();
    let fields = vec![
        Field::select("what", language.say("field-what"), what, kinds),
        Field::new("reason", language.say("field-reason"), Kind::Text, draft.map_or("", Draft::reason)),
        Field::new("text", language.say("field-text"), Kind::Area, text),
    ];
    let form = act::form("editor".to_owned(), "try", language.say("rules-try"), fields);
    let mut card = form.card("text", language.say("rules-write"), language.say("rules-write-lead"));
    let link = |one: &Start| {
        let name = one.name.rsplit_once('/').map_or("", |(_, name)| name);
        let href = format!("{}/rules?start={}#text", base(site), one.name);
        (language.say1(&format!("rules-start-{}", one.what), "name", name), href)
    };
    card.links = starts.iter().map(link).collect();
    card
}
