//! A pool's month: its lines, its days, and what each account bears.

use domain::allocation::{PartSplit, PoolDay, PoolMonth, basis_name};
use domain::billing::Site;
use domain::event::PoolId;
use domain::quantity::Month;
use domain::rating::LineKeyExt;
use serde_json::{Value, json};

use crate::bill::{add_rounding, key_members, show_quantity};

/// The split of a pool's month, as of the last run.
pub fn document(site: &Site, pool: &PoolId, month: Month, rated: &PoolMonth) -> Value {
    let facts = site.premises().site();
    let decimals = facts.currency_decimals;
    let lines = rated.lines.iter().filter(|(_, line)| line.quantity != 0).map(|(key, line)| {
        let mut members = key_members(&key.sorted());
        members.remove("point");
        members.insert("quantity".to_owned(), json!(show_quantity(line.quantity, line.unit, decimals)));
        members.insert("unit".to_owned(), json!(line.unit));
        members.insert("price".to_owned(), json!(line.price));
        members.insert("days".to_owned(), json!(line.days));
        members.insert("of_days".to_owned(), json!(line.of_days));
        members.insert("amount".to_owned(), json!(line.amount.major(decimals)));
        members.insert("interpolated_kwh".to_owned(), json!(line.interpolated.kwh()));
        add_rounding(&mut members, line.round);
        Value::Object(members)
    });
    json!({
        "site": facts.id, "pool": pool, "month": month, "currency": facts.currency,
        "as_of": site.last_run().map(|run| run.at),
        "lines": lines.collect::<Vec<_>>(),
        "days": rated.days.iter().map(|day| day_document(day, decimals)).collect::<Vec<_>>(),
    })
}

fn day_document(day: &PoolDay, decimals: u8) -> Value {
    let accounts = day.accounts.iter().map(|(account, of)| {
        json!({
            "account": account, "kwh_to_date": of.energy.kwh(), "nano_to_date": of.nano.to_string(),
            "amount_to_date": of.amount.major(decimals),
        })
    });
    let parts = day.split.parts.iter().zip(1i64..).map(|(part, number)| part_document(part, number));
    json!({
        "day": day.day, "rule": day.split.rule, "kwh": day.energy.kwh(), "amount": day.amount.major(decimals),
        "amount_to_date": day.amount_to_date.major(decimals), "interpolated_kwh": day.interpolated.kwh(),
        "rest_kwh": day.split.rest_energy.kwh(), "rest_nano": day.split.rest_nano.to_string(),
        "parts": parts.collect::<Vec<_>>(), "accounts": accounts.collect::<Vec<_>>(),
    })
}

fn part_document(part: &PartSplit, number: i64) -> Value {
    let shares = part.shares.iter().map(|share| {
        json!({
            "unit": share.unit, "account": share.account, "weight": part.weight_text(share.weight),
            "kwh": share.energy.kwh(), "nano": share.nano.to_string(),
        })
    });
    json!({
        "part": number, "percent": part.percent, "basis": basis_name(part.basis),
        "applied": part.applied.map_or("landlord", basis_name),
        "total_weight": part.applied.map(|_| part.weight_text(part.total_weight)),
        "kwh": part.energy.kwh(), "nano": part.nano.to_string(), "rest_kwh": part.rest_energy.kwh(),
        "rest_nano": part.rest_nano.to_string(), "shares": shares.collect::<Vec<_>>(),
    })
}
