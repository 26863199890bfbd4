//! A bank's statement beside the log: looked at first, then its unmatched credits go into suspense.

use axum::Form as Sent;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;
use domain::quantity::Money;

use crate::desk::ChangeError;
use crate::identity::Permission;
use crate::portal::act::{self, Given};
use crate::portal::page::page as answer;
use crate::portal::sheet::{Card, Field, Form, Kind, Said, Sheet, Table, head};
use crate::portal::show::Coin;
use crate::portal::site::{Spot, base, frame};
use crate::portal::visit::Visit;
use crate::portal::words::Language;

use crate::recharge::{self, Paper, PaperError, PostError, RechargeError, Reconciled};
use crate::serve::ServedSite;

/// `GET …/books/bank`
pub(super) async fn page(visit: Visit, Path(site): Path<String>) -> Response {
    match visit.site(&site, Permission::Export) {
        Ok(served) => show(&visit, served, &Paper::default(), (None, Vec::new())),
        Err(fault) => visit.fault(fault),
    }
}

/// `POST …/books/bank`: looks at a statement, or puts its unmatched credits into suspense.
pub(super) async fn act(visit: Visit, Path(site): Path<String>, Sent(given): Sent<Given>) -> Response {
    if let Err(fault) = visit.accepts(&given) {
        return visit.fault(fault);
    }
    let language = visit.reader.language;
    let paper = Paper {
        name: language.say("bank-paper"),
        text: given.lines("statement"),
        columns: given.text("columns").to_owned(),
    };
    let served = match visit.site(&site, Permission::Export) {
        Ok(served) => served,
        Err(fault) => return visit.fault(fault),
    };
    let mut said = None;
    if given.text("act") == "post" {
        if let Err(fault) = visit.site(&site, Permission::MoveMoney) {
            return visit.fault(fault);
        }
        said = Some(post(&visit, served, paper.clone()).await);
    }
    let asked = paper.clone();
    let looked = served.desk.read(move |turn| recharge::look(turn.owner.site(), turn.owner.payments(), &asked)).await;
    match looked {
        Ok(Ok(found)) => {
            let may = visit.site(&site, Permission::MoveMoney).is_ok();
            let cards = Teller::of(served, language).cards(&found, &paper, may);
            show(&visit, served, &paper, (said, cards))
        }
        Ok(Err(error)) => show(&visit, served, &paper, (Some(unreadable(&error, language)), Vec::new())),
        Err(error) => visit.fault(error.into()),
    }
}

/// What is wrong with a file: where, what, and how to mend it.
fn unreadable(error: &PaperError, language: Language) -> Said {
    let said = Said::refused(language.say1("bank-unreadable", "line", &error.line.to_string()));
    Said { detail: format!("{} {}: {}", error.field, error.problem, error.mend), ..said }
}

/// By the bank's own ids each credit is taken once.
async fn post(visit: &Visit, served: &ServedSite, paper: Paper) -> Said {
    let (language, by) = (visit.reader.language, visit.session.actor.user.clone());
    match served.desk.change(move |turn| recharge::post(turn.owner, turn.now, &by, &paper)).await {
        Ok(0) => Said::done(language.say("bank-known")),
        Ok(new) => Said::done(language.say1("bank-posted", "count", &new.to_string())),
        Err(ChangeError::Refused(PostError::Statement(error))) => unreadable(&error, language),
        Err(ChangeError::Refused(PostError::Recharge(RechargeError::Refused(refusal)))) => {
            Said { detail: refusal.to_string(), ..Said::refused(language.say("bank-refused")) }
        }
        Err(ChangeError::Refused(PostError::Recharge(RechargeError::Owner(error)))) => {
            act::refused(&error.into(), language)
        }
        Err(ChangeError::Desk(error)) => act::refused(&error.into(), language),
    }
}

fn show(visit: &Visit, served: &ServedSite, paper: &Paper, (said, more): (Option<Said>, Vec<Card>)) -> Response {
    let language = visit.reader.language;
    let site = served.desk.site().as_str();
    let fields = vec![
        Field::new("statement", language.say("bank-statement"), Kind::File, paper.text.clone()),
        Field::new("columns", language.say("bank-columns"), Kind::Optional, paper.columns.clone()),
    ];
    let mut form = act::form("bank".to_owned(), "look", language.say("bank-look"), fields).card(
        "paper",
        language.say("bank-paper"),
        language.say("bank-paper-lead"),
    );
    form.links.push((language.say("books"), format!("{}/books", base(site))));
    let (title, lead) = (language.say("bank"), language.say("bank-lead"));
    // What was found comes first: the statement itself is long.
    let cards = more.into_iter().chain([form]).collect();
    answer(StatusCode::OK, &Sheet { frame: frame(visit, site, Spot::Books, title), lead, said, cards })
}

/// Says what was found.
struct Teller {
    coin: Coin,
    language: Language,
}

impl Teller {
    fn of(served: &ServedSite, language: Language) -> Self {
        let moment = served.desk.moment();
        let site = moment.premises.site.as_ref();
        let coin = site.map_or_else(|| Coin::new("", 2), |site| Coin::new(&site.currency, site.currency_decimals));
        Self { coin, language }
    }

    fn verdict(&self, name: &str) -> String {
        let key = format!("bank-{}", name.replace('_', "-"));
        self.language.find(&key, &[]).unwrap_or_else(|| name.to_owned())
    }

    fn cards(&self, found: &Reconciled, paper: &Paper, may: bool) -> Vec<Card> {
        let mut cards = vec![self.sums(found, paper, may), self.rows(found)];
        if !found.missing.is_empty() {
            cards.push(self.missing(found));
        }
        cards
    }

    /// The sums, and what can be done about the credits that nobody knows.
    fn sums(&self, found: &Reconciled, paper: &Paper, may: bool) -> Card {
        let (language, money) = (self.language, |amount: Money| self.coin.money(amount));
        let total =
            |(name, count, sum): &(&str, usize, Money)| vec![self.verdict(name), count.to_string(), money(*sum)];
        let title = language.say("bank-sums");
        let note = if found.agrees {
            Said::done(language.say("bank-agrees"))
        } else {
            Said::refused(language.say("bank-differs"))
        };
        let balance = |of: Option<Money>| of.map_or_else(|| language.say("bank-unsaid"), money);
        let sums = |one: &recharge::Sums| {
            let values = [
                ("opening", balance(one.opening)),
                ("credits", money(one.credits)),
                ("debits", money(one.debits)),
                ("closing", balance(one.closing)),
            ];
            let values: Vec<(&'static str, &str)> = values.iter().map(|(name, text)| (*name, text.as_str())).collect();
            (1, format!("{}: {}", one.id, language.say_with("bank-balances", &values)))
        };
        let keys = [("col-state", false), ("bank-count", true), ("col-amount", true)];
        let table = Table {
            name: title.clone(),
            heads: head(language, &keys),
            rows: found.totals.iter().map(total).collect(),
            foot: Vec::new(),
        };
        let mut card = Card {
            id: "sums",
            title,
            note: Some(note),
            table: Some(table),
            lines: found.statements.iter().map(sums).collect(),
            ..Card::default()
        };
        let (count, sum) = found.to_suspense;
        if count > 0 {
            let values = [("count", &*count.to_string()), ("sum", &*money(sum))];
            card.lead = language.say_with(if may { "bank-will" } else { "bank-may" }, &values);
            if may {
                let mut form: Form = act::form("post".to_owned(), "post", language.say("bank-post"), Vec::new());
                form.hidden.push(("statement", paper.text.clone()));
                form.hidden.push(("columns", paper.columns.clone()));
                card.forms.push(form);
            }
        }
        card
    }

    fn rows(&self, found: &Reconciled) -> Card {
        let row = |one: &recharge::Row| {
            let about = one.ours.clone().unwrap_or_default();
            let verdict = self.verdict(one.verdict);
            vec![
                one.line.to_string(),
                one.date.to_string(),
                self.coin.money(one.amount),
                one.text.clone(),
                verdict,
                about,
            ]
        };
        let keys = [
            ("bank-line", false),
            ("col-date", false),
            ("col-amount", true),
            ("bank-text", false),
            ("col-state", false),
            ("bank-ours", false),
        ];
        let title = self.language.say("bank-rows");
        let table = Table {
            name: title.clone(),
            heads: head(self.language, &keys),
            rows: found.rows.iter().map(row).collect(),
            foot: Vec::new(),
        };
        Card { id: "rows", title, table: Some(table), none: self.language.say("bank-no-row"), ..Card::default() }
    }

    fn missing(&self, found: &Reconciled) -> Card {
        let row = |(date, reference, amount): &(domain::quantity::Date, String, Money)| {
            vec![reference.clone(), date.to_string(), self.coin.money(*amount)]
        };
        let title = self.language.say("bank-missing");
        let table = Table {
            name: title.clone(),
            heads: head(self.language, &[("col-reference", false), ("col-date", false), ("col-amount", true)]),
            rows: found.missing.iter().map(row).collect(),
            foot: Vec::new(),
        };
        let lead = self.language.say("bank-missing-lead");
        Card { id: "missing", title, lead, table: Some(table), ..Card::default() }
    }
}
