//! A bill: its lines, its place in its account's chain, and the adjustments
//! that later bills made to it.

use domain::event::{BillIssued, Body, hex};
use domain::quantity::Month;
use serde_json::{Value, json};

use super::{Known, Scope, text};
use crate::console::Console;
use crate::exit::{Exit, Failure, bad};
use crate::history::Entry;
use crate::table;

/// Entries of bills of an account, with their bills.
fn bills<'a>(known: &'a Known, account: &'a str) -> impl Iterator<Item = (&'a Entry, &'a BillIssued)> {
    known.entries.iter().filter_map(move |entry| match &entry.event.body {
        Body::BillIssued(bill) if bill.account.as_str() == account => Some((entry, bill)),
        _ => None,
    })
}

/// Later adjustments of a month's lines.
fn adjustments(known: &Known, account: &str, month: Month) -> Vec<Value> {
    let decimals = known.site.premises().site().currency_decimals;
    let of_bill = |(entry, bill): (&Entry, &BillIssued)| {
        let made = bill.adjustments.iter().filter(|one| one.month == month);
        let shown = made.map(|one| {
            json!({
                "bill": bill.number, "issued": bill.issued, "event": entry.event.position, "line": one.line,
                "pool": one.pool, "tax": one.tax, "days": one.days,
                "quantity": one.quantity.zip(one.unit).map(|(q, unit)| projections::bill::show_quantity(q, unit, decimals)),
                "amount": one.amount_minor.major(decimals),
            })
        });
        shown.collect::<Vec<_>>()
    };
    bills(known, account).flat_map(of_bill).collect()
}

/// Shows the bill.
pub(super) fn show(known: &Known, scope: &Scope, console: &mut Console) -> Result<Exit, Failure> {
    let named = scope.id.rsplit_once('/').and_then(|(account, month)| Some((account, Month::parse(month)?)));
    let (account, month) =
        named.ok_or_else(|| bad(format!("{} names no bill", scope.id), "write it as A-101/2026-03"))?;
    let found: Vec<(&Entry, &BillIssued)> = bills(known, account).filter(|(_, bill)| bill.month == month).collect();
    let parts: Vec<BillIssued> = found.iter().map(|(_, bill)| (*bill).clone()).collect();
    let facts = known.site.premises().site();
    let document = projections::bill::document(&facts.id, &parts, facts.currency_decimals);
    let (Some(document), Some((first, _))) = (document, found.first()) else {
        let text = format!("no bill of {account} for {month} was issued by {}", known.at);
        return Err(bad(text, "name another, or a later --known-at"));
    };
    let key = format!("account/{account}");
    let links = found.iter().map(|(entry, _)| {
        let link = entry.event.chains.iter().find(|link| link.key == key);
        json!({"event": entry.event.position, "leaf": hex(&entry.leaf), "chain": key,
            "seq": link.map(|link| link.seq), "prev": link.map(|link| link.prev.clone())})
    });
    let (links, later) = (links.collect::<Vec<_>>(), adjustments(known, account, month));
    if scope.json {
        let document = json!({"known_at": known.at, "bill": document, "events": links, "adjusted_later": later});
        console.line(document.to_string());
        return Ok(Exit::Done);
    }
    let of = |name: &str| document.pointer(name).map(text).unwrap_or_default();
    console.line(format!(
        "bill {} of {account} for {month}, issued {}, event {}, leaf {}",
        of("/number"),
        of("/issued"),
        first.event.position,
        hex(&first.leaf)
    ));
    let mut rows: Vec<[String; 4]> = Vec::new();
    for line in document.pointer("/indoor").and_then(Value::as_array).into_iter().flatten() {
        let of = |name: &str| line.get(name).filter(|value| !value.is_null()).map(text);
        let words = ["point", "component", "name", "period", "tier"].into_iter().filter_map(of);
        let quantity = format!("{} {}", of("quantity").unwrap_or_default(), of("unit").unwrap_or_default());
        rows.push([
            words.collect::<Vec<_>>().join(" "),
            quantity,
            of("price").unwrap_or_default(),
            of("amount").unwrap_or_default(),
        ]);
    }
    for share in document.pointer("/shared").and_then(Value::as_array).into_iter().flatten() {
        let of = |name: &str| share.get(name).map(text).unwrap_or_default();
        rows.push([format!("share of {}", of("pool")), format!("{} kWh", of("kwh")), String::new(), of("amount")]);
    }
    rows.push(["tax".to_owned(), String::new(), String::new(), of("/totals/tax")]);
    rows.push(["adjustments".to_owned(), String::new(), String::new(), of("/totals/adjustments")]);
    rows.push(["charges".to_owned(), String::new(), String::new(), of("/totals/charges")]);
    table::write(["line", "quantity", "price", "amount"], &rows, console);
    for one in &later {
        let of = |name: &str| one.get(name).filter(|value| !value.is_null()).map(text);
        let pool = of("pool").map(|pool| format!("share of {pool}"));
        let what = pool.or_else(|| of("tax")).or_else(|| {
            let key = one.get("line")?;
            let of = |name: &str| key.get(name).filter(|value| !value.is_null()).map(text);
            let words = ["point", "component", "name", "period", "tier"].into_iter().filter_map(of);
            let words = words.collect::<Vec<_>>().join(" ");
            Some(format!("{words} by {} version {}", of("tariff")?, of("version")?))
        });
        console.line(format!(
            "adjusted by bill {} of {}: {} {}, {}",
            of("bill").unwrap_or_default(),
            of("issued").unwrap_or_default(),
            what.unwrap_or_default(),
            of("quantity").unwrap_or_else(|| "-".to_owned()),
            of("amount").unwrap_or_default()
        ));
    }
    Ok(Exit::Done)
}
