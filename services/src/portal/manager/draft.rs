//! A change in two steps: tried on all settled days first, then published as it was tried.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use domain::event::{AccountId, UnitId, sha256};
use domain::premises::Premises;
use domain::quantity::{Date, Instant};
use serde_json::Value;

use crate::command::{self, Asked, Change};
use crate::portal::act::{self, Given};
use crate::portal::sheet::{Card, Form, Said, Table, head};
use crate::portal::show::Coin;
use crate::portal::visit::Visit;
use crate::serve::ServedSite;

/// What of a form makes the change.
const FIELDS: [&str; 6] = ["what", "text", "lease", "account", "unit", "day"];

/// A change as it was written.
#[derive(Debug, Clone)]
pub(super) struct Draft {
    fields: Vec<(&'static str, String)>,
    reason: String,
}

/// What became of a form.
pub(super) struct Tried {
    /// In words.
    pub said: Said,
    /// What it would change, with the form that publishes it.
    pub card: Option<Card>,
}

impl Tried {
    /// Without anything to be published.
    fn of(said: Said) -> Self {
        Self { said, card: None }
    }
}

impl Draft {
    /// Of a form.
    pub(super) fn of(given: &Given) -> Self {
        let fields = FIELDS.into_iter().map(|name| (name, given.lines(name))).filter(|(_, text)| !text.is_empty());
        Self { fields: fields.collect(), reason: given.text("reason").to_owned() }
    }

    /// A field.
    pub(super) fn text(&self, name: &str) -> &str {
        self.fields.iter().find(|(one, _)| *one == name).map_or("", |(_, text)| text.as_str())
    }

    /// What is to be changed, if that is what the fields say.
    fn change(&self, premises: &Premises) -> Option<Change> {
        let day = || Date::parse(self.text("day")).map(|day| premises.calendar.start_of(day));
        Some(match self.text("what") {
            "tariff" => Change::Tariff(self.text("text").to_owned()),
            "rule" => Change::Rule(self.text("text").to_owned()),
            "correct" => Change::Correct(self.text("text").to_owned()),
            "move-in" => {
                let account = AccountId::try_new(self.text("account"))?;
                let unit = UnitId::try_new(self.text("unit"))?;
                Change::Lease { account, unit, from: day()?, until: None }
            }
            "move-out" => {
                let (account, unit, from) = lease(self.text("lease"))?;
                Change::Lease { account, unit, from, until: Some(day()?) }
            }
            _ => return None,
        })
    }

    /// Says that this session tried exactly this: what was not tried is not published.
    fn mark(&self, visit: &Visit) -> String {
        let csrf = visit.session.csrf();
        let mut parts = vec![csrf.as_bytes(), b"\0", self.reason.as_bytes(), b"\0"];
        for (name, text) in &self.fields {
            parts.extend([name.as_bytes(), b"\0", text.as_bytes(), b"\0"]);
        }
        BASE64_URL_SAFE_NO_PAD.encode(sha256(&parts))
    }

    /// Tries it, or publishes what was tried.
    pub(super) async fn carry_out(&self, visit: &Visit, served: &ServedSite, given: &Given) -> Tried {
        let language = visit.reader.language;
        let publish = given.text("act") == "publish";
        let Some(change) = self.change(&served.desk.moment().premises) else {
            return Tried::of(Said::refused(language.say("refused-tables-invalid")));
        };
        if publish && given.text("tried") != self.mark(visit) {
            return Tried::of(Said::refused(language.say("rules-not-tried")));
        }
        let asked = match visit.asked(given) {
            Ok(asked) => Asked { dry_run: !publish, ..asked },
            Err(error) => return Tried::of(act::refused(&error, language)),
        };
        match command::change(&served.desk, asked, change, self.reason.clone()).await {
            Err(error) => Tried::of(act::refused(&error, language)),
            Ok(changed) => {
                if let Some(made) = &changed.made {
                    let done = language.say("rules-published");
                    return Tried::of(act::outcome(Ok(made), done, language));
                }
                let effect = changed.effect.unwrap_or_default();
                let card = Some(self.effect(visit, served, &effect, changed.proposed));
                Tried { said: Said::done(language.say("rules-tried")), card }
            }
        }
    }

    /// What it would change.
    fn effect(&self, visit: &Visit, served: &ServedSite, effect: &Value, proposed: bool) -> Card {
        let language = visit.reader.language;
        let moment = served.desk.moment();
        let coin = moment.premises.site.as_ref().map(|site| Coin::new(&site.currency, site.currency_decimals));
        let list = |name: &str| effect.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
        let text = |row: &Value, name: &str| row.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let money = |row: &Value, name: &str| coin.as_ref().map(|coin| coin.text(&text(row, name))).unwrap_or_default();
        let rows = list("charges");
        let row = |row: &Value| {
            let figures = ["before", "after", "difference"].map(|name| money(row, name));
            [text(row, "account"), text(row, "month")].into_iter().chain(figures).collect()
        };
        let keys = [
            ("col-account", false),
            ("col-month", false),
            ("col-before", true),
            ("col-after", true),
            ("col-difference", true),
        ];
        let table = Table {
            name: language.say("rules-effect"),
            heads: head(language, &keys),
            rows: rows.iter().map(row).collect(),
            foot: Vec::new(),
        };
        let findings = list("findings");
        let key = if proposed { "rules-propose" } else { "rules-publish" };
        Card {
            id: "effect",
            title: table.name.clone(),
            lead: language.say("rules-effect-lead"),
            none: language.say("rules-effect-none"),
            table: Some(table),
            lines: findings.iter().filter_map(Value::as_str).map(|one| (1, one.to_owned())).collect(),
            forms: vec![self.form(visit, language.say(key))],
            ..Card::default()
        }
    }

    /// The form that publishes what was tried.
    fn form(&self, visit: &Visit, button: String) -> Form {
        let mut form = act::form("publish".to_owned(), "publish", button, Vec::new());
        form.hidden.extend(self.fields.iter().cloned());
        form.hidden.extend([("reason", self.reason.clone()), ("tried", self.mark(visit))]);
        form
    }

    /// What was written, for the form to be shown again.
    pub(super) fn reason(&self) -> &str {
        &self.reason
    }
}

/// How a lease is named in a form: account, start, unit.
pub(super) fn lease_name(account: &AccountId, unit: &UnitId, from: Instant) -> String {
    format!("{account}/{from}/{unit}")
}

/// The lease of a name: no id has a slash.
pub(super) fn lease(name: &str) -> Option<(AccountId, UnitId, Instant)> {
    let (account, rest) = name.split_once('/')?;
    let (from, unit) = rest.split_once('/')?;
    Some((AccountId::try_new(account)?, UnitId::try_new(unit)?, Instant::parse(from).ok()?))
}
