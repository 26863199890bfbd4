//! The same for several points: chosen by state, balance or name, tried first, and then asked of exactly those.

use axum::Form as Sent;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;
use domain::event::{OutputState, PointId};
use domain::quantity::Money;
use futures_util::future::join_all;
use rust_decimal::Decimal;

use super::supply::unready;
use crate::command::{self, Asked, CommandError, Key, Made};
use crate::desk::Moment;
use crate::identity::Permission;
use crate::portal::act::{self, Given};
use crate::portal::error::Fault;
use crate::portal::page::page as answer;
use crate::portal::sheet::{Card, Field, Form, Kind, Said, Sheet, Table, head};
use crate::portal::show::Coin;
use crate::portal::site::{Spot, base, frame};
use crate::portal::visit::Visit;
use crate::portal::words::Language;
use crate::serve::ServedSite;
use crate::supply::{self, Ask, PointStatus};

/// So many points are asked for at once.
const MOST: usize = 1000;

/// What may be asked, with its words.
const STEPS: [(&str, &str); 4] = [
    ("cut", "several-cut"),
    ("restore", "several-restore"),
    ("protect", "several-protect"),
    ("unprotect", "several-unprotect"),
];

/// Where relays stand, with its words.
const STATES: [(&str, &str); 4] = [
    ("connected", "supply-connected"),
    ("disconnected", "supply-disconnected"),
    ("ready_for_reconnection", "supply-ready"),
    ("unknown", "supply-unknown"),
];

/// `GET …/supply/several`
pub(super) async fn page(visit: Visit, Path(site): Path<String>) -> Response {
    let served = match visit.site(&site, Permission::SwitchSupply) {
        Ok(served) => served,
        Err(fault) => return visit.fault(fault),
    };
    show(&visit, (&site, served), &Given::default(), None, None)
}

/// `POST …/supply/several`: tries, or asks what was tried.
pub(super) async fn act(visit: Visit, Path(site): Path<String>, Sent(given): Sent<Given>) -> Response {
    if let Err(fault) = visit.accepts(&given) {
        return visit.fault(fault);
    }
    let served = match visit.site(&site, Permission::SwitchSupply) {
        Ok(served) => served,
        Err(fault) => return visit.fault(fault),
    };
    let language = visit.reader.language;
    let rows = match rows(served).await {
        Ok(rows) => rows,
        Err(fault) => return visit.fault(fault),
    };
    let moment = served.desk.moment();
    let refused = |key: &str| Some(Said::refused(language.say(key)));
    let chosen = match Choice::of(&given, &moment) {
        Ok(choice) => choice.of_rows(&rows),
        Err(said) => {
            let said = said.say(language);
            return show(&visit, (&site, served), &given, Some(Said::refused(said)), None);
        }
    };
    if chosen.is_empty() {
        return show(&visit, (&site, served), &given, refused("several-none"), None);
    }
    if chosen.len() > MOST {
        return show(&visit, (&site, served), &given, refused("several-many"), None);
    }
    let tries = given.text("act") != "ask";
    let asked = match visit.asked(&given) {
        Ok(asked) => Asked { dry_run: tries, ..asked },
        Err(error) => return show(&visit, (&site, served), &given, Some(act::refused(&error, language)), None),
    };
    let outcomes = ask_all(served, &asked, &given, &chosen).await;
    let count = outcomes.iter().filter(|(_, outcome)| outcome.is_ok()).count().to_string();
    let key = if tries { "several-tried" } else { "several-asked" };
    let said = Said::done(language.say_with(key, &[("count", &count), ("of", &chosen.len().to_string())]));
    let card = result(&given, &outcomes, tries, &moment, language);
    show(&visit, (&site, served), &given, Some(said), Some(card))
}

async fn rows(served: &ServedSite) -> Result<Vec<PointStatus>, Fault> {
    let links = served.links.clone();
    let read = served.desk.read(move |turn| supply::status(turn.owner, &links, turn.now));
    read.await?.map_err(unready)
}

/// Which points.
struct Choice {
    /// Those named; all where none is.
    names: Vec<PointId>,
    state: Option<&'static str>,
    below: Option<Money>,
}

/// Why there is no choice.
enum Unclear {
    Point(String),
    Amount,
}

impl Unclear {
    fn say(&self, language: Language) -> String {
        match self {
            Self::Point(text) => language.say1("several-unknown", "point", text),
            Self::Amount => language.say("several-amount"),
        }
    }
}

impl Choice {
    fn of(given: &Given, moment: &Moment) -> Result<Self, Unclear> {
        let texts = given.lines("points");
        let texts = texts.split(|one: char| one.is_whitespace() || one == ',' || one == ';');
        let name = |text: &str| {
            let id = PointId::try_new(text).filter(|id| moment.premises.points.contains_key(id));
            id.ok_or_else(|| Unclear::Point(text.to_owned()))
        };
        let names = texts.filter(|text| !text.is_empty()).map(name).collect::<Result<Vec<_>, _>>()?;
        let state = STATES.iter().map(|(state, _)| *state).find(|state| *state == given.text("state"));
        let decimals = moment.premises.site.as_ref().map_or(2, |site| site.currency_decimals);
        let below = match given.text("below") {
            "" => None,
            text => {
                let text = act::ungrouped(&text.replace('−', "-"));
                let amount = text.and_then(|text| Decimal::from_str_exact(&text).ok());
                Some(amount.and_then(|one| Money::from_major(one, decimals)).ok_or(Unclear::Amount)?)
            }
        };
        Ok(Self { names, state, below })
    }

    fn of_rows<'r>(&self, rows: &'r [PointStatus]) -> Vec<&'r PointStatus> {
        let fits = |row: &&PointStatus| {
            (self.names.is_empty() || self.names.contains(&row.point))
                && self.state.is_none_or(|state| state == row.control)
                && self.below.is_none_or(|below| row.balance_minor.is_some_and(|balance| balance < below))
        };
        rows.iter().filter(fits).collect()
    }
}

type Outcome<'r> = (&'r PointStatus, Result<Made, CommandError>);

/// Asks the same of each point, under a key of its own: one refusal stops no other.
async fn ask_all<'r>(
    served: &ServedSite,
    asked: &Asked,
    given: &Given,
    chosen: &[&'r PointStatus],
) -> Vec<Outcome<'r>> {
    let reason = given.text("reason").to_owned();
    let one = async |row: &'r PointStatus| {
        let (point, reason) = (row.point.clone(), reason.clone());
        let key = format!("{}/{point}", asked.key.as_str());
        let outcome = match Key::try_new(&key) {
            Ok(key) => {
                let ask = match given.text("do") {
                    "restore" => Ask::Switch { point, to: OutputState::Connected, reason },
                    "protect" => Ask::Protect { point, reason },
                    "unprotect" => Ask::Unprotect { point, reason },
                    _ => Ask::Switch { point, to: OutputState::Disconnected, reason },
                };
                command::supply(&served.desk, Asked { key, ..asked.clone() }, ask).await
            }
            Err(error) => Err(error),
        };
        (row, outcome)
    };
    join_all(chosen.iter().map(|row| one(row))).await
}

/// What became of each; after a try, the form that asks for exactly those that would not be refused.
fn result(given: &Given, outcomes: &[Outcome<'_>], tries: bool, moment: &Moment, language: Language) -> Card {
    let coin = moment.premises.site.as_ref().map(|site| Coin::new(&site.currency, site.currency_decimals));
    let row = |(row, outcome): &Outcome<'_>| {
        let state = STATES.iter().find(|(state, _)| *state == row.control).map_or("supply-unknown", |(_, key)| key);
        let said = match outcome {
            Ok(_) if tries => language.say("several-would"),
            outcome => act::outcome(outcome.as_ref(), language.say("several-done"), language).text,
        };
        let money = row.balance_minor.zip(coin.as_ref()).map(|(money, coin)| coin.money(money));
        let account = row.account.as_ref().map(ToString::to_string);
        let text = |text: Option<String>| text.unwrap_or_else(|| "–".to_owned());
        vec![row.point.to_string(), text(account), language.say(state), text(money), said]
    };
    let keys = [
        ("col-point", false),
        ("col-account", false),
        ("col-state", false),
        ("col-balance", true),
        ("col-what", false),
    ];
    let title = language.say(if tries { "several-try" } else { "several-result" });
    let table = Table {
        name: title.clone(),
        heads: head(language, &keys),
        rows: outcomes.iter().map(row).collect(),
        foot: Vec::new(),
    };
    let would: Vec<String> =
        outcomes.iter().filter(|(_, out)| out.is_ok()).map(|(row, _)| row.point.to_string()).collect();
    let mut card = Card { id: "result", title, table: Some(table), ..Card::default() };
    if tries && !would.is_empty() {
        let button = language.say1("several-ask", "count", &would.len().to_string());
        let mut form = act::form("ask".to_owned(), "ask", button, Vec::new());
        form.hidden.extend([
            ("points", would.join(" ")),
            ("do", given.text("do").to_owned()),
            ("reason", given.text("reason").to_owned()),
        ]);
        card.forms.push(form);
    }
    card
}

fn show(
    visit: &Visit,
    (site, served): (&str, &ServedSite),
    given: &Given,
    said: Option<Said>,
    result: Option<Card>,
) -> Response {
    let language = visit.reader.language;
    let moment = served.desk.moment();
    let coin = moment.premises.site.as_ref().map(|site| site.currency.clone()).unwrap_or_default();
    let say = |(value, key): &(&str, &str)| ((*value).to_owned(), language.say(key));
    let steps = STEPS.iter().map(say).collect();
    let any = std::iter::once((String::new(), language.say("several-any")));
    let states = any.chain(STATES.iter().map(say)).collect();
    let below = language.say1("several-below", "currency", &coin);
    // After it was asked the form begins anew.
    let kept = |name: &str| if given.text("act") == "ask" { "" } else { given.text(name) };
    let form = Form {
        quiet: result.is_some(),
        ..act::form(
            "several".to_owned(),
            "try",
            language.say("rules-try"),
            vec![
                Field::select("do", language.say("several-do"), kept("do"), steps),
                Field::select("state", language.say("several-state"), kept("state"), states),
                Field::new("below", below, Kind::Optional, kept("below")),
                Field::new("points", language.say("several-points"), Kind::Optional, kept("points")),
                Field::new("reason", language.say("field-reason"), Kind::Text, kept("reason")),
            ],
        )
    };
    let mut choose = form.card("several", language.say("several-choose"), language.say("several-choose-lead"));
    choose.links.push((language.say("supply"), format!("{}/supply", base(site))));
    let cards = result.into_iter().chain([choose]).collect();
    let frame = frame(visit, site, Spot::Supply, language.say("several-title"));
    answer(StatusCode::OK, &Sheet { frame, lead: language.say("supply-lead"), said, cards })
}
