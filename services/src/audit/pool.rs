//! A pool's day: how it was split, by the rule in force and the facts known.

use domain::event::{Body, PoolId};
use domain::quantity::Date;
use serde_json::{Value, json};

use super::{Known, Scope, envelope, text};
use crate::console::Console;
use crate::exit::{Exit, Failure, bad};
use crate::history::Entry;
use crate::table;

/// The events that published what the day follows from, and those that recorded it.
fn events(known: &Known, pool: &PoolId, day: Date) -> Vec<Value> {
    let key = format!("pool/{pool}");
    let of = |entry: &&Entry| match &entry.event.body {
        Body::PoolDayAllocated(data) => data.pool == *pool && data.day == day,
        body => !body.is_decision() && entry.event.chains.iter().any(|link| link.key == key),
    };
    known.entries.iter().filter(of).map(|entry| envelope(known, entry)).collect()
}

/// Shows the pool's day.
pub(super) fn show(known: &Known, scope: &Scope, console: &mut Console) -> Result<Exit, Failure> {
    let site = &known.site;
    let pool = PoolId::try_new(&scope.id).filter(|id| site.premises().pools.contains_key(id));
    let pool = pool.ok_or_else(|| bad(format!("pool {} was not known", scope.id), "name a pool of the site"))?;
    let day = scope.axes.effective()?.or_else(|| site.settled_to());
    let day = day.ok_or_else(|| bad("no day is settled", "give --effective"))?;
    let until = site.premises().calendar.end_of(day);
    let targets = site.targets_until(until, day).map_err(|error| bad(error, "mend the fact that the message names"))?;
    let rated = targets.get(&day.month()).and_then(|target| target.pools.get(&pool));
    let mut month = rated.cloned().unwrap_or_default();
    month.days.retain(|one| one.day == day);
    if month.days.is_empty() {
        return Err(bad(format!("pool {pool} has no energy or cost by {day}"), "name another day"));
    }
    let document = projections::allocation::document(site, &pool, day.month(), &month);
    let shown = document.pointer("/days/0").cloned().unwrap_or_default();
    let events = events(known, &pool, day);
    if scope.json {
        let document = json!({"pool": pool, "known_at": known.at, "day": shown, "events": events});
        console.line(document.to_string());
        return Ok(Exit::Done);
    }
    console.line(format!("pool {pool} on {day}, as known at {}", known.at));
    let of = |name: &str| shown.get(name).map(text).unwrap_or_default();
    let rule = if of("rule") == "null" { "no rule".to_owned() } else { format!("rule {}", of("rule")) };
    console.line(format!(
        "{} kWh, {} by {rule}; left over: {} kWh, {} nano-units",
        of("kwh"),
        of("amount"),
        of("rest_kwh"),
        of("rest_nano")
    ));
    for part in shown.get("parts").and_then(Value::as_array).into_iter().flatten() {
        let of = |name: &str| part.get(name).map(text).unwrap_or_default();
        console.line(format!(
            "part {}: {} % by {} (applied: {}), {} kWh, {} nano-units; left over: {} kWh, {} nano-units",
            of("part"),
            of("percent"),
            of("basis"),
            of("applied"),
            of("kwh"),
            of("nano"),
            of("rest_kwh"),
            of("rest_nano")
        ));
        let shares = part.get("shares").and_then(Value::as_array).into_iter().flatten();
        let rows: Vec<[String; 5]> = shares
            .map(|share| {
                ["unit", "account", "weight", "kwh", "nano"].map(|name| share.get(name).map(text).unwrap_or_default())
            })
            .collect();
        table::write(["unit", "account", "weight", "kWh", "nano-units"], &rows, console);
    }
    for event in &events {
        let of = |name: &str| event.get(name).map(text).unwrap_or_default();
        console.line(format!("event {} {} received {} by {}", of("position"), of("type"), of("received"), of("by")));
    }
    Ok(Exit::Done)
}
