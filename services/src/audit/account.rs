//! An account: every event on its chain with the balance after it, and what it
//! has on a day.

use domain::event::{AccountId, Body, RechargeKind, hex};
use domain::premises::Subject;
use domain::quantity::{Date, Money};
use serde_json::{Value, json};

use super::{Known, Scope, envelope};
use crate::console::Console;
use crate::exit::{Exit, Failure, bad};
use crate::history::Entry;
use crate::table;

/// What an event does to the settled balance, and in a word.
fn effect(body: &Body, opening: &mut Money) -> (Money, String) {
    match body {
        Body::AccountOpened(data) => {
            let now = Money::new(data.opening_balance_minor);
            let change = now - std::mem::replace(opening, now);
            (change, "opening balance".to_owned())
        }
        Body::RechargeReceived(data) => {
            let amount = Money::new(data.amount_minor);
            let (amount, word) = match data.kind {
                RechargeKind::Recharge => (amount, "recharge"),
                RechargeKind::Refund => (-amount, "refund"),
                RechargeKind::Reversal => (-amount, "reversal"),
            };
            (amount, format!("{word} {}", data.reference))
        }
        Body::PostingMade(data) => (Money::new(data.amount_minor), format!("posting {}", data.reference)),
        Body::AccountSettled(data) => {
            let lines = data.lines.iter().map(|one| one.posted_minor);
            let shared = data.shared.iter().map(|one| one.posted_minor);
            let tax = data.tax.iter().map(|one| one.posted_minor);
            (-lines.chain(shared).chain(tax).sum::<Money>(), data.run.clone())
        }
        Body::BillIssued(data) => (Money::ZERO, format!("bill {} for {}", data.number, data.month)),
        Body::BillHeld(data) => (Money::ZERO, format!("bill for {} held", data.month)),
        Body::LeaseRecorded(data) => (Money::ZERO, format!("lease of {} from {}", data.unit, data.from)),
        Body::ChangeRecorded(data) => (Money::ZERO, format!("{:?}", data.kind).to_lowercase()),
        Body::ChangeProposed(data) => (Money::ZERO, format!("proposal to {:?}", data.kind).to_lowercase()),
        other => (Money::ZERO, other.type_name().to_owned()),
    }
}

/// An event of the chain.
struct Row<'a> {
    entry: &'a Entry,
    amount: Money,
    balance: Money,
    what: String,
}

fn rows<'a>(known: &'a Known, account: &str) -> Vec<Row<'a>> {
    let chain = format!("account/{account}");
    let on_chain = |entry: &&Entry| entry.event.chains.iter().any(|link| link.key == chain);
    let (mut opening, mut balance) = (Money::ZERO, Money::ZERO);
    let row = |entry: &'a Entry| {
        let (amount, what) = effect(&entry.event.body, &mut opening);
        balance += amount;
        Row { entry, amount, balance, what }
    };
    known.entries.iter().filter(on_chain).map(row).collect()
}

/// What the account has on a day: units, tariffs and pools' rules.
fn in_force(known: &Known, account: &AccountId, day: Date) -> Value {
    let premises = known.site.premises();
    let end = premises.calendar.end_of(day);
    let points = premises.points.values().filter_map(|point| {
        let holder = premises.holder_at_end(point.unit.as_ref()?, end);
        if holder.account != *account {
            return None;
        }
        let tariff = premises.tariff_on(&Subject::Point(point.id.clone()), day);
        Some(json!({
            "point": point.id, "unit": point.unit, "leased": holder.leased,
            "tariff": tariff.map(|tariff| &tariff.id), "version": tariff.map(|tariff| tariff.version),
            "from": tariff.map(|tariff| tariff.from),
        }))
    });
    let rules = premises.pools.keys().map(|pool| {
        let rule = premises.rule_on(pool, day);
        json!({"pool": pool, "rule": rule.map(|rule| rule.version), "from": rule.map(|rule| rule.from)})
    });
    json!({"day": day, "points": points.collect::<Vec<_>>(), "pools": rules.collect::<Vec<_>>()})
}

fn say_in_force(document: &Value, console: &mut Console) {
    let text = |value: &Value, name: &str| match value.get(name) {
        None | Some(Value::Null) => "none".to_owned(),
        Some(value) => value.as_str().map_or_else(|| value.to_string(), str::to_owned),
    };
    let rows = |name: &str| document.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
    console.line(format!("on {}:", text(document, "day")));
    let points = rows("points");
    if points.is_empty() {
        console.line("  the account holds no point");
    }
    for point in &points {
        let of = |name| text(point, name);
        let version = format!("tariff {} version {} from {}", of("tariff"), of("version"), of("from"));
        console.line(format!("  point {} of unit {}: {version}", of("point"), of("unit")));
    }
    for pool in &rows("pools") {
        let of = |name| text(pool, name);
        console.line(format!("  pool {}: rule {} from {}", of("pool"), of("rule"), of("from")));
    }
}

/// Shows the account.
pub(super) fn show(known: &Known, scope: &Scope, console: &mut Console) -> Result<Exit, Failure> {
    let account = AccountId::try_new(&scope.id).filter(|id| known.site.premises().accounts.contains_key(id));
    let account =
        account.ok_or_else(|| bad(format!("account {} was not known", scope.id), "name an account of the site"))?;
    let decimals = known.site.premises().site().currency_decimals;
    let rows = rows(known, account.as_str());
    let in_force = scope.axes.effective()?.map(|day| in_force(known, &account, day));
    let balance = rows.last().map_or(Money::ZERO, |row| row.balance);
    if scope.json {
        let events = rows.iter().map(|row| {
            let mut document = envelope(known, row.entry);
            if let Some(members) = document.as_object_mut() {
                members.insert("amount".to_owned(), json!(row.amount.major(decimals)));
                members.insert("balance".to_owned(), json!(row.balance.major(decimals)));
            }
            document
        });
        let document = json!({
            "account": account, "known_at": known.at, "balance": balance.major(decimals),
            "events": events.collect::<Vec<_>>(), "in_force": in_force,
        });
        console.line(document.to_string());
        return Ok(Exit::Done);
    }
    let cells: Vec<[String; 7]> = rows
        .iter()
        .map(|row| {
            let trail = known.trail(row.entry);
            let event = &row.entry.event;
            let why = trail.reason.map(|reason| format!("{}: {reason}", trail.by)).unwrap_or(trail.by);
            let leaf = hex(&row.entry.leaf).chars().take(12).collect();
            let amount = if row.amount.is_zero() { String::new() } else { row.amount.major(decimals) };
            [
                row.what.clone(),
                event.position.to_string(),
                event.received.to_string(),
                amount,
                row.balance.major(decimals),
                leaf,
                why,
            ]
        })
        .collect();
    console.line(format!("account {account}, as known at {}", known.at));
    table::write(["what", "event", "received", "amount", "balance", "leaf", "by"], &cells, console);
    if let Some(in_force) = in_force {
        say_in_force(&in_force, console);
    }
    Ok(Exit::Done)
}
