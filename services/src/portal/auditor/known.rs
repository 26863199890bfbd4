//! What was known when: the same figures by the facts received up to an instant, and what changed between two of them.

use axum::extract::{Path, Query};
use axum::http::StatusCode;
use axum::response::Response;
use domain::event::{AccountId, PoolId};
use domain::quantity::Date;

use super::{audit, changes};
use crate::identity::Permission;
use crate::portal::act::{self, Given};
use crate::portal::error::Fault;
use crate::portal::page::page as answer;
use crate::portal::sheet::{Card, Field, Form, Kind, Said, Sheet, Table, head, stamp};
use crate::portal::show::Coin;
use crate::portal::site::{Spot, frame};
use crate::portal::visit::Visit;
use crate::portal::words::Language;
use crate::query::{self, About, Bill, InForce, KnownAt, Ledger, QueryError, Shown, Then};
use crate::serve::ServedSite;

/// What can be looked at, and the words for it.
const ABOUT: [(&str, &str); 4] =
    [("rules", "known-rules"), ("pool", "known-pool"), ("bill", "known-bill"), ("balance", "known-balance")];

/// `GET …/audit/known`
pub(super) async fn page(visit: Visit, Path(site): Path<String>, Query(given): Query<Given>) -> Response {
    let served = match visit.site(&site, Permission::ReadAudit) {
        Ok(served) => served,
        Err(fault) => return visit.fault(fault),
    };
    let language = visit.reader.language;
    let asked = match Asked::read(served, &given, language).await {
        Ok(asked) => asked,
        Err(fault) => return visit.fault(fault),
    };
    let moment = served.desk.moment();
    let coin = moment.premises.site.as_ref().map(|site| Coin::new(&site.currency, site.currency_decimals));
    let teller = Teller { coin: coin.unwrap_or_else(|| Coin::new("", 2)), language };
    let mut cards = vec![asked.form];
    if let Some((about, day, [known, other])) = asked.question {
        let failed = match known {
            Some(known) => match ask(served, &about, day, known).await {
                Ok((then, shown)) => {
                    cards.extend(teller.then(&then, &shown, day));
                    None
                }
                Err(error) => Some(error),
            },
            None => None,
        };
        if let (None, Some((known, other))) = (&failed, known.zip(other)) {
            match query::compare(served, &about, day, (known, other)).await {
                Ok(compared) => cards.extend(teller.compared(&compared)),
                Err(error) => return visit.fault(error.into()),
            }
        }
        if let (Some(error), Some(card)) = (failed, cards.first_mut()) {
            if matches!(error, QueryError::Log(_) | QueryError::Stopped | QueryError::Desk(_)) {
                return visit.fault(error.into());
            }
            card.note = Some(Said::refused(language.say("known-nothing")));
        }
    }
    let title = language.say("known");
    let lead = language.say("known-lead");
    answer(StatusCode::OK, &Sheet { frame: frame(&visit, &site, Spot::Audit, title), lead, said: None, cards })
}

async fn ask(served: &ServedSite, about: &About, day: Date, at: KnownAt) -> Result<(Then, Shown), QueryError> {
    let about = about.clone();
    query::with_then(served, at, move |view| query::shown(&view, &about, day)).await
}

/// The form, and what was asked by it.
struct Asked {
    form: Card,
    /// What, of which day, as known when: first, and for comparison.
    question: Option<(About, Date, [Option<KnownAt>; 2])>,
}

impl Asked {
    async fn read(served: &ServedSite, given: &Given, language: Language) -> Result<Self, Fault> {
        let pools = query::read(&served.desk, |view| Ok(query::pools(&view))).await?;
        let moment = served.desk.moment();
        let calendar = &moment.premises.calendar;
        let yesterday = calendar.day_of(moment.live_at.1).plus(-1).to_string();
        let text = |name: &str, default: &str| {
            let text = given.text(name);
            if text.is_empty() { default.to_owned() } else { text.to_owned() }
        };
        let (what, day) = (text("about", "rules"), text("day", &yesterday));
        let pool = text("pool", pools.first().map_or("", |pool| pool.pool.as_str()));
        let options = ABOUT.iter().map(|(value, key)| ((*value).to_owned(), language.say(key))).collect();
        let mut fields = vec![
            Field::select("about", language.say("known-about"), &what, options),
            Field::new("day", language.say("known-day"), Kind::Date, day.clone()),
            act::accounts(language, &query::accounts(&moment), given.text("account")),
        ];
        if !pools.is_empty() {
            let options = pools.iter().map(|pool| (pool.pool.clone(), pool.name.clone())).collect();
            fields.push(Field::select("pool", language.say("field-pool"), &pool, options));
        }
        fields.push(Field::new("known", language.say("known-at"), Kind::Optional, given.text("known")));
        fields.push(Field::new("other", language.say("known-other"), Kind::Optional, given.text("other")));
        let form = Form { id: "known".to_owned(), button: language.say("show"), fields, ..Form::default() };
        let mut form = form.card("question", language.say("known-question"), language.say("known-how"));
        if given.text("about").is_empty() {
            return Ok(Self { form, question: None });
        }
        let about = match what.as_str() {
            "pool" => PoolId::try_new(&pool).map(About::Pool),
            "bill" => AccountId::try_new(given.text("account")).map(About::Bill),
            "balance" => AccountId::try_new(given.text("account")).map(About::Balance),
            _ => Some(About::InForce),
        };
        let now = KnownAt::Instant(moment.live_at.1);
        let known = match given.text("known") {
            "" => Some(now),
            text => KnownAt::parse(text, calendar),
        };
        let other = match given.text("other") {
            "" => Some(None),
            text => KnownAt::parse(text, calendar).map(Some),
        };
        let question = about.zip(Date::parse(&day)).zip(known.zip(other));
        let question = question.map(|((about, day), (known, other))| (about, day, [Some(known), other]));
        if question.is_none() {
            form.note = Some(Said::refused(language.say("known-unreadable")));
        }
        Ok(Self { form, question })
    }
}

/// Says what was known.
struct Teller {
    coin: Coin,
    language: Language,
}

impl Teller {
    fn say(&self, key: &str) -> String {
        self.language.say(key)
    }

    fn where_it_stood(&self, then: &Then) -> String {
        let values = [("time", stamp(&then.at)), ("position", then.position.to_string())];
        let [(time, at), (position, last)] = &values;
        self.language.say_with("known-by", &[(time, at.as_str()), (position, last.as_str())])
    }

    /// What is shown, as known then.
    fn then(&self, then: &Then, shown: &Shown, day: Date) -> Vec<Card> {
        let mut cards = match shown {
            Shown::InForce(found) => self.in_force(found),
            Shown::Pool(split) => audit::split_of(split, &self.coin, self.language),
            Shown::Bill(bill) => vec![self.bill(bill)],
            Shown::Balance(ledger) => vec![self.ledger(ledger)],
        };
        if let Some(first) = cards.first_mut() {
            first.lead = self.where_it_stood(then);
            if first.side.is_empty() {
                first.side = day.to_string();
            }
        }
        cards
    }

    fn table(&self, name: String, keys: &[(&str, bool)], rows: Vec<Vec<String>>) -> Table {
        Table { name, heads: head(self.language, keys), rows, foot: Vec::new() }
    }

    fn in_force(&self, found: &InForce) -> Vec<Card> {
        let word = |text: &Option<String>| text.clone().unwrap_or_default();
        let number = |version: Option<i64>| version.map(|version| version.to_string()).unwrap_or_default();
        let point = |one: &query::PointInForce| {
            let whose = word(&one.account);
            vec![one.point.clone(), word(&one.unit), whose, word(&one.tariff), number(one.version), word(&one.from)]
        };
        let pool = |one: &query::PoolInForce| {
            let (rule, tariff) = (number(one.rule), format!("{} {}", word(&one.tariff), number(one.version)));
            vec![one.name.clone(), rule, word(&one.from), tariff.trim().to_owned()]
        };
        let point_keys = [
            ("known-point", false),
            ("col-unit", false),
            ("col-account", false),
            ("known-tariff", false),
            ("known-version", true),
            ("known-since", false),
        ];
        let pool_keys =
            [("known-pool-name", false), ("known-rule", true), ("known-since", false), ("known-tariff", false)];
        let (tariffs, rules) = (self.say("known-tariffs"), self.say("known-pools"));
        let points = self.table(tariffs.clone(), &point_keys, found.points.iter().map(point).collect());
        let pools = self.table(rules.clone(), &pool_keys, found.pools.iter().map(pool).collect());
        vec![
            Card { id: "shown", title: tariffs, table: Some(points), ..Card::default() },
            Card {
                id: "rules",
                title: rules,
                table: Some(pools),
                none: self.say("allocation-no-pool"),
                ..Card::default()
            },
        ]
    }

    fn bill(&self, bill: &Bill) -> Card {
        let row = |line: &query::Line| {
            let period = line.period.as_ref().map(|period| self.language.period(period));
            let component = self.say(&format!("component-{}", line.component));
            let parts = [Some(component), line.name.clone(), period];
            let tier = line.tier.map(|tier| tier.to_string());
            let name: Vec<String> = parts.into_iter().flatten().chain(tier).collect();
            let unit = self.language.find(&format!("unit-{}", line.unit), &[]).unwrap_or_default();
            let quantity = format!("{} {unit}", line.quantity);
            let price = line.price.clone().unwrap_or_default();
            vec![format!("{} · {}", line.line, name.join(" ")), quantity, price, self.coin.text(&line.amount.text)]
        };
        let rows = bill.indoor.iter().chain(&bill.shared).map(row).collect();
        let keys = [("known-line", false), ("col-quantity", true), ("col-price", true), ("col-amount", true)];
        let number = bill.number.map_or_else(|| self.say("bill-open"), |number| number.to_string());
        let mut facts = vec![
            (self.say("known-number"), number),
            (self.say("bill-charges"), self.coin.text(&bill.charges.text)),
            (self.say("bill-opening"), self.coin.text(&bill.opening_balance.text)),
            (self.say("bill-closing"), self.coin.text(&bill.closing_balance.text)),
        ];
        facts.extend(bill.events.iter().map(|event| (self.say("proof-leaf"), event.leaf.clone())));
        let title = format!("{} {} · {}", self.say("known-bill"), bill.account, bill.month);
        let table = self.table(title.clone(), &keys, rows);
        Card { id: "shown", title, facts, table: Some(table), ..Card::default() }
    }

    fn ledger(&self, ledger: &Ledger) -> Card {
        let row = |row: &query::LedgerRow| {
            let amounts = [&row.amount, &row.balance].map(|amount| self.coin.text(&amount.text));
            let [amount, balance] = amounts;
            let kind = self.language.find(&format!("cash-{}", row.kind), &[]).unwrap_or_else(|| row.kind.clone());
            vec![stamp(&row.time), kind, row.reference.clone(), amount, balance]
        };
        let keys = [
            ("col-date", false),
            ("col-what", false),
            ("col-reference", false),
            ("col-amount", true),
            ("balance", true),
        ];
        let title = format!("{} {}", self.say("known-balance"), ledger.account);
        let table = self.table(title.clone(), &keys, ledger.rows.iter().map(row).collect());
        let big = self.coin.text(&ledger.closing_balance.text);
        Card { id: "shown", title, big, table: Some(table), none: self.say("known-no-row"), ..Card::default() }
    }

    /// What changed between two instants of knowledge, and by what.
    fn compared(&self, found: &query::Compared) -> Vec<Card> {
        let none = |text: &Option<String>| text.clone().unwrap_or_else(|| "–".to_owned());
        let row = |one: &query::Differing| vec![one.what.clone(), none(&one.before), none(&one.after)];
        let title = self.say("known-differs");
        let heads = vec![
            (self.say("col-what"), false),
            (self.where_it_stood(&found.before), true),
            (self.where_it_stood(&found.after), true),
        ];
        let rows: Vec<Vec<String>> = found.differing.iter().map(row).collect();
        let table = Table { name: title.clone(), heads, rows, foot: Vec::new() };
        let differing =
            Card { id: "differing", title, table: Some(table), none: self.say("known-same"), ..Card::default() };
        let events = Card {
            id: "between",
            title: self.say("known-between"),
            lead: self.language.say1("known-readings", "count", &found.readings.to_string()),
            items: found.events.iter().map(|row| changes::item(row, self.language)).collect(),
            none: self.say("changes-none"),
            ..Card::default()
        };
        vec![differing, events]
    }
}
