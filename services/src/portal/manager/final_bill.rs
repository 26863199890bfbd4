//! What a move hands over and leaves, as cards: the meters, the final bill, and what is to be done about it.

use super::draft;
use crate::portal::act;
use crate::portal::sheet::{Card, Field, Form, Kind, Said, Table, head, stamp};
use crate::portal::show::{self, Coin};
use crate::portal::words::Language;
use crate::query::{Bill, FinalBill, HandOver, HandedMeter, Known, ToCome};
use domain::quantity::{Money, Month};

/// A row of the bill: its name, and what it says of a month.
type Row<'r> = (&'r str, &'r dyn Fn(&Bill) -> String);

/// What the meters show: the last figure of the one, and the first of the other.
pub(super) fn reading(hand_over: &HandOver, language: Language) -> Card {
    let known = |known: &Known| match known {
        Known::Read => language.say("hand-over-read"),
        Known::Between(before, after) => {
            language.say_with("hand-over-between", &[("from", &stamp(before)), ("until", &stamp(after))])
        }
        Known::Waits(Some(last)) => language.say1("hand-over-waits", "time", &stamp(last)),
        Known::Waits(None) => language.say("hand-over-none"),
    };
    let row =
        |meter: &HandedMeter| vec![meter.meter.to_string(), show::number(&meter.register.text), known(&meter.known)];
    let table = Table {
        name: language.say1("hand-over", "unit", hand_over.unit.as_str()),
        heads: head(language, &[("col-meter", false), ("col-register", true), ("col-known", false)]),
        rows: hand_over.meters.iter().map(row).collect(),
        foot: Vec::new(),
    };
    Card {
        id: "reading",
        title: table.name.clone(),
        lead: language.say1("hand-over-lead", "time", &stamp(&hand_over.at)),
        none: language.say("hand-over-no-meter"),
        table: Some(table),
        ..Card::default()
    }
}

/// The bill of who leaves.
pub(super) fn bill(bill: &FinalBill, base: &str, coin: &Coin, language: Language) -> Card {
    let month = |one: &Bill| Month::parse(&one.month).map_or_else(|| one.month.clone(), |month| language.month(month));
    let tax = |one: &Bill| {
        let added = one.tax.as_ref().filter(|tax| tax.mode == "exclusive");
        added.map_or_else(|| "–".to_owned(), |tax| coin.text(&tax.amount.text))
    };
    let paid = |one: &Bill| coin.money(Money::new(one.cash.iter().map(|one| one.amount.minor).sum()));
    let rows: [Row<'_>; 9] = [
        ("bill-opening", &|one| coin.text(&one.opening_balance.text)),
        ("final-bill-cash", &paid),
        ("final-bill-indoor-kwh", &|one| show::number(&one.indoor_kwh.text)),
        ("final-bill-indoor", &|one| coin.text(&one.indoor_amount.text)),
        ("final-bill-shared-kwh", &|one| show::number(&one.shared_kwh.text)),
        ("final-bill-shared", &|one| coin.text(&one.shared_amount.text)),
        ("col-tax", &tax),
        ("bill-charges", &|one| coin.text(&one.charges.text)),
        ("bill-closing", &|one| coin.text(&one.closing_balance.text)),
    ];
    let row = |(key, value): &Row<'_>| [language.say(key)].into_iter().chain(bill.bills.iter().map(value)).collect();
    let months = bill.bills.iter().map(|one| (month(one), true));
    let table = Table {
        name: language.say1("final-bill", "account", bill.account.as_str()),
        heads: [(language.say("col-what"), false)].into_iter().chain(months).collect(),
        rows: if bill.bills.is_empty() { Vec::new() } else { rows.iter().map(row).collect() },
        foot: Vec::new(),
    };
    let key = if bill.is_final() { "final-bill-final" } else { "final-bill-open" };
    let link = |one: &Bill| (month(one), format!("{base}/account/{}/bills/{}", bill.account, one.month));
    Card {
        id: "final",
        title: table.name.clone(),
        big: left(bill, coin, language),
        note: Some(Said::done(language.say1(key, "time", &stamp(&bill.as_of)))),
        facts: vec![
            (language.say("final-bill-balance"), coin.text(&bill.balance.text)),
            (language.say("final-bill-refund"), coin.text(&bill.refund.text)),
        ],
        none: language.say("final-bill-nothing"),
        table: Some(table),
        lines: bill.to_come.iter().map(|one| (1, to_come(one, language))).collect(),
        links: bill.bills.iter().filter(|one| one.number.is_some()).map(link).collect(),
        ..Card::default()
    }
}

fn left(bill: &FinalBill, coin: &Coin, language: Language) -> String {
    match bill.balance.text.strip_prefix('-') {
        Some(owed) => language.say1("final-bill-owed", "amount", &coin.text(owed)),
        None => language.say1("final-bill-left", "amount", &coin.text(&bill.balance.text)),
    }
}

fn to_come(one: &ToCome, language: Language) -> String {
    match one {
        ToCome::Use => language.say("to-come-use"),
        ToCome::Reading(meter) => language.say1("to-come-reading", "meter", meter.as_str()),
        ToCome::Settlement(day, at) => {
            language.say_with("to-come-settlement", &[("day", &language.day(*day)), ("time", &stamp(at))])
        }
        ToCome::Lease(unit) => language.say1("to-come-lease", "unit", unit.as_str()),
        ToCome::Minimum(month) => language.say1("to-come-minimum", "month", &language.month(*month)),
        ToCome::Held(month) => language.say1("to-come-held", "month", &language.month(*month)),
        ToCome::Bill(month, at) => {
            language.say_with("to-come-bill", &[("month", &language.month(*month)), ("time", &stamp(at))])
        }
    }
}

/// What is to be done once somebody has left: pay back, let the next one in, look after the sign-in.
pub(super) fn next(bill: &FinalBill, hand_over: &HandOver, base: &str, language: Language) -> Card {
    let go = |id: &str, to: String, button: String, hidden: Vec<(&'static str, String)>| Form {
        id: id.to_owned(),
        action: to,
        button,
        hidden,
        quiet: true,
        ..Form::default()
    };
    let account = bill.account.to_string();
    let mut forms = Vec::new();
    if bill.refund.minor > 0 {
        let reason = language.say1("final-bill-reason", "unit", hand_over.unit.as_str());
        let hidden = vec![("account", account.clone()), ("amount", bill.refund.text.clone()), ("reason", reason)];
        forms.push(go("pay-back", format!("{base}/cash"), language.say("next-refund"), hidden));
    }
    let (day, time) = wall(&hand_over.at.local);
    let hidden = vec![("unit", hand_over.unit.to_string()), ("day", day), ("time", time)];
    forms.push(go("next-in", format!("{base}/leases"), language.say("next-move-in"), hidden));
    forms.push(go("next-access", format!("{base}/users"), language.say("next-access"), vec![("find", account)]));
    let lines = ["next-refund-lead", "next-move-in-lead", "next-access-lead"];
    Card {
        id: "next",
        title: language.say("next"),
        lines: lines.iter().map(|key| (1, language.say(key))).collect(),
        forms,
        ..Card::default()
    }
}

/// The day and the time of a wall clock, as fields have them.
pub(super) fn wall(local: &str) -> (String, String) {
    (local.get(..10).unwrap_or_default().to_owned(), local.get(11..16).unwrap_or_default().to_owned())
}

/// The form that says when, in two fields.
pub(super) fn when(language: Language, key: &str, (day, time): (&str, &str)) -> [Field; 2] {
    [
        Field::new("day", language.say(key), Kind::Date, day),
        Field::new("time", language.say("field-clock"), Kind::Time, time),
    ]
}

/// The form that tries a move.
pub(super) fn form(language: Language, what: &'static str, fields: Vec<Field>) -> Form {
    let mut form = act::form(what.to_owned(), "try", language.say("moves-try"), fields);
    form.hidden.push(("what", what.to_owned()));
    form
}

/// The choice of a new account, and of those that are there.
pub(super) fn holders(mut accounts: Field, language: Language) -> Field {
    accounts.options.insert(0, (draft::NEW.to_owned(), language.say("account-new")));
    accounts
}
