//! A bill as people and programs read it (BILLING §9).

use domain::event::{BillIssued, Rounding, SiteId, SortedLineKey, Unit};
use domain::quantity::{Energy, Money, show_scaled};
use serde_json::{Map, Value, json};

/// A quantity in its unit; amounts have the currency's decimals.
pub fn show_quantity(quantity: i64, unit: Unit, decimals: u8) -> String {
    match unit {
        Unit::Amount => Money::new(quantity).major(decimals),
        Unit::Kwh | Unit::Kw => show_scaled(quantity.into(), 6, 2),
        Unit::Day | Unit::Month => quantity.to_string(),
    }
}

/// A line's key as members of a document, with nulls where it has none.
pub fn key_members(key: &SortedLineKey) -> Map<String, Value> {
    let pairs = [
        ("point", json!(key.point)),
        ("tariff", json!(key.tariff)),
        ("version", json!(key.version)),
        ("component", json!(key.component)),
        ("name", json!(key.name)),
        ("season", json!(key.season)),
        ("period", json!(key.period)),
        ("tier", json!(key.tier)),
    ];
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// How the amount is rounded, where it is not half up to the minor unit.
pub(crate) fn add_rounding(members: &mut Map<String, Value>, round: Option<Rounding>) {
    if let Some(round) = round {
        members.insert("round".to_owned(), json!(round));
    }
}

/// The document of an issued bill, of all its parts in order.
pub fn document(site: &SiteId, parts: &[BillIssued], decimals: u8) -> Option<Value> {
    let bill = parts.first()?;
    let money = |amount: Money| amount.major(decimals);
    let kwh = Energy::kwh;
    let indoor = parts.iter().flat_map(|part| &part.indoor).map(|line| {
        let mut members = key_members(&line.key);
        members.insert("quantity".to_owned(), json!(show_quantity(line.quantity, line.unit, decimals)));
        members.insert("unit".to_owned(), json!(line.unit));
        members.insert("price".to_owned(), json!(line.price));
        members.insert("days".to_owned(), json!(line.days));
        members.insert("of_days".to_owned(), json!(line.of_days));
        members.insert("amount".to_owned(), json!(money(line.amount_minor)));
        members.insert("interpolated_kwh".to_owned(), json!(kwh(line.interpolated_mwh)));
        add_rounding(&mut members, line.round);
        Value::Object(members)
    });
    let shared = parts.iter().flat_map(|part| &part.shared).map(|share| {
        json!({
            "pool": share.pool, "kwh": kwh(share.energy_mwh), "amount": money(share.amount_minor),
            "pool_kwh": kwh(share.pool_energy_mwh), "pool_amount": money(share.pool_amount_minor), "rules": share.rules,
        })
    });
    let adjustments = parts.iter().flat_map(|part| &part.adjustments).map(|one| {
        let line = match (&one.line, &one.pool) {
            (Some(key), _) => Value::Object(key_members(key)),
            (None, Some(pool)) => json!({ "pool": pool }),
            (None, None) => json!({ "tax": one.tax }),
        };
        let quantity = one.quantity.zip(one.unit).map(|(quantity, unit)| show_quantity(quantity, unit, decimals));
        json!({"month": one.month, "line": line, "quantity": quantity, "days": one.days, "amount": money(one.amount_minor)})
    });
    let recharges = parts.iter().flat_map(|part| &part.recharges).map(|one| {
        json!({"time": one.time, "reference": one.reference, "kind": one.kind, "amount": money(one.amount_minor)})
    });
    let postings = parts
        .iter()
        .flat_map(|part| &part.postings)
        .map(|one| json!({"time": one.time, "reference": one.reference, "amount": money(one.amount_minor)}));
    let tax = bill
        .tax
        .as_ref()
        .map(|tax| json!({"name": tax.name, "rate": tax.rate, "mode": tax.mode, "amount": money(tax.amount_minor)}));
    let totals = &bill.totals;
    Some(json!({
        "site": site, "account": bill.account, "month": bill.month, "number": bill.number, "currency": bill.currency,
        "issued": bill.issued, "opening_balance": money(bill.opening_balance_minor),
        "recharges": recharges.collect::<Vec<_>>(), "postings": postings.collect::<Vec<_>>(),
        "indoor": indoor.collect::<Vec<_>>(), "shared": shared.collect::<Vec<_>>(), "tax": tax,
        "adjustments": adjustments.collect::<Vec<_>>(), "silent": bill.silent,
        "totals": {
            "indoor_kwh": kwh(totals.indoor_mwh), "shared_kwh": kwh(totals.shared_mwh),
            "indoor": money(totals.indoor_minor), "shared": money(totals.shared_minor), "tax": money(totals.tax_minor),
            "adjustments": money(totals.adjustments_minor), "charges": money(totals.charges_minor),
        },
        "closing_balance": money(bill.closing_balance_minor),
    }))
}
