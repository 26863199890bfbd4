//! A change in two steps: tried on all settled days first, then published as it was tried.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use domain::event::{AccountId, UnitId, sha256};
use domain::premises::{Premises, wall_midnight};
use domain::quantity::{Date, Instant, Month};
use serde_json::Value;

use crate::command::{self, Asked, Change};
use crate::portal::act::{self, Given};
use crate::portal::sheet::{Card, Field, Form, Said, Table, head};
use crate::portal::show::Coin;
use crate::portal::visit::Visit;
use crate::query::Moved;
use crate::serve::ServedSite;

/// What of a form makes the change.
const FIELDS: [&str; 9] = ["what", "text", "lease", "account", "new_account", "holder", "unit", "day", "time"];
/// The choice of an account that is not there yet.
pub(super) const NEW: &str = "/";

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
    /// Of a move: what is handed over, and what is left.
    pub moved: Option<Moved>,
    /// Whether it was published, and waits for nobody.
    pub done: bool,
}

impl Tried {
    /// Without anything to be published.
    pub(super) fn of(said: Said) -> Self {
        Self { said, card: None, moved: None, done: false }
    }
}

impl Draft {
    /// Of a form.
    pub(super) fn of(given: &Given) -> Self {
        let fields = FIELDS.into_iter().map(|name| (name, given.lines(name))).filter(|(_, text)| !text.is_empty());
        Self { fields: fields.collect(), reason: given.text("reason").to_owned() }
    }

    /// Whether it is a move.
    pub(super) fn is_move(&self) -> bool {
        matches!(self.text("what"), "move-in" | "move-out")
    }

    /// The instant that a day and a time of the wall clock mean; none where the clock skips it.
    fn instant(&self, premises: &Premises) -> Option<Instant> {
        let day = Date::parse(self.text("day"))?;
        let start = premises.calendar.start_of(day);
        let Some((hours, minutes)) = self.text("time").split_once(':') else { return Some(start) };
        let (hours, minutes): (i64, i64) = (hours.parse().ok()?, minutes.parse().ok()?);
        if !(0..24).contains(&hours) || !(0..60).contains(&minutes) {
            return None;
        }
        let seconds = hours.checked_mul(3_600)?.checked_add(minutes.checked_mul(60)?)?;
        let wall = Instant::new(wall_midnight(day).checked_add(seconds)?);
        // A time that comes twice is meant the first time: the offset before the change is tried first.
        let offsets = [start, premises.calendar.end_of(day)].map(|at| premises.calendar.offset_at(at));
        let mut meant = offsets.map(|offset| (wall.plus(offset.saturating_neg()), offset)).into_iter();
        meant.find(|(at, offset)| premises.calendar.offset_at(*at) == *offset).map(|(at, _)| at)
    }

    /// A field.
    pub(super) fn text(&self, name: &str) -> &str {
        self.fields.iter().find(|(one, _)| *one == name).map_or("", |(_, text)| text.as_str())
    }

    /// What is to be changed, if that is what the fields say.
    fn change(&self, premises: &Premises) -> Option<Change> {
        Some(match self.text("what") {
            "tariff" => Change::Tariff(self.text("text").to_owned()),
            "rule" => Change::Rule(self.text("text").to_owned()),
            "correct" => Change::Correct(self.text("text").to_owned()),
            "move-in" => {
                let (unit, from) = (UnitId::try_new(self.text("unit"))?, self.instant(premises)?);
                if self.text("account") == NEW {
                    let account = AccountId::try_new(self.text("new_account").trim())?;
                    let name = self.text("holder").trim().to_owned();
                    return Some(Change::MoveIn { account, name, unit, from });
                }
                let account = AccountId::try_new(self.text("account"))?;
                Change::Lease { account, unit, from, until: None }
            }
            "move-out" => {
                let (account, unit, from) = lease(self.text("lease"))?;
                Change::Lease { account, unit, from, until: Some(self.instant(premises)?) }
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
            let key = if self.is_move() { "refused-move" } else { "refused-tables-invalid" };
            return Tried::of(Said::refused(language.say(key)));
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
                let moved = changed.moved;
                if let Some(made) = &changed.made {
                    let key = if self.is_move() { "moves-done" } else { "rules-published" };
                    let said = act::outcome(Ok(made), language.say(key), language);
                    return Tried { said, card: None, moved, done: !made.proposed };
                }
                let effect = changed.effect.unwrap_or_default();
                let month = Some(given.text("show")).filter(|month| !month.is_empty());
                let card = Some(self.effect(visit, served, (&effect, month), changed.proposed));
                Tried { said: Said::done(language.say("rules-tried")), card, moved, done: false }
            }
        }
    }

    /// What it would change: of the last settled month, or of one that is asked for.
    fn effect(
        &self,
        visit: &Visit,
        served: &ServedSite,
        (effect, month): (&Value, Option<&str>),
        proposed: bool,
    ) -> Card {
        let language = visit.reader.language;
        // A move is looked at in its own month, another change in the last settled one.
        let day = Date::parse(self.text("day")).filter(|_| self.is_move());
        let settled = effect.get("last_settled_month").and_then(Value::as_str).unwrap_or_default();
        let last = day.map_or_else(|| settled.to_owned(), |day| day.month().to_string());
        let shown = month.unwrap_or(&last);
        let name = |month: &str| Month::parse(month).map_or_else(|| month.to_owned(), |month| language.month(month));
        let moment = served.desk.moment();
        let coin = moment.premises.site.as_ref().map(|site| Coin::new(&site.currency, site.currency_decimals));
        let list = |name: &str| effect.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
        let text = |row: &Value, name: &str| row.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let money = |row: &Value, name: &str| coin.as_ref().map(|coin| coin.text(&text(row, name))).unwrap_or_default();
        let all = list("charges");
        let rows: Vec<&Value> = all.iter().filter(|row| text(row, "month") == shown).collect();
        let mut others: BTreeMap<String, usize> = BTreeMap::new();
        for row in all.iter().filter(|row| text(row, "month") != shown) {
            let count = others.entry(text(row, "month")).or_default();
            *count = count.saturating_add(1);
        }
        let row = |row: &&Value| {
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
            name: language.say1("rules-effect", "month", &name(shown)),
            heads: head(language, &keys),
            rows: rows.iter().map(row).collect(),
            foot: Vec::new(),
        };
        let findings = list("findings");
        let more = (!others.is_empty()).then(|| {
            let option = |(month, count): (&String, &usize)| {
                let values = [("month", name(month)), ("count", count.to_string())];
                let values = values.each_ref().map(|(key, value)| (*key, value.as_str()));
                (month.clone(), language.say_with("rules-effect-month", &values))
            };
            let months =
                Field::select("show", language.say("field-month-other"), "", others.iter().map(option).collect());
            let mut form = act::form("months".to_owned(), "try", language.say("show"), vec![months]);
            form.hidden.extend(self.fields.iter().cloned());
            form.hidden.push(("reason", self.reason.clone()));
            form.quiet = true;
            form
        });
        let key = match self.text("what") {
            _ if proposed => "rules-propose",
            "move-out" => "move-out-confirm",
            "move-in" => "move-in-confirm",
            _ => "rules-publish",
        };
        Card {
            id: "effect",
            title: table.name.clone(),
            lead: language.say(if shown == settled { "rules-effect-lead" } else { "rules-effect-other" }),
            none: language.say("rules-effect-none"),
            table: Some(table),
            lines: findings.iter().filter_map(Value::as_str).map(|one| (1, one.to_owned())).collect(),
            forms: [self.form(visit, language.say(key))].into_iter().chain(more).collect(),
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
