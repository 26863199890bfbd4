//! `balances.json`: what accounts have, as posted and live.

use std::collections::BTreeMap;

use domain::billing::Site;
use domain::event::AccountId;
use domain::prepayment::{Live, Settled};
use domain::quantity::{Instant, show_scaled};
use serde_json::{Value, json};

/// The balances at an instant.
pub fn document(site: &Site, at: Instant, settled: &Settled, live: &BTreeMap<AccountId, Live>) -> Value {
    let facts = site.premises().site();
    let account = |(id, live): (&AccountId, &Live)| {
        let tenths = settled.days_left_tenths(id, live.balance);
        json!({
            "account": id,
            "balance": site.balance(id, at).major(facts.currency_decimals),
            "live_balance": live.balance.major(facts.currency_decimals),
            "remaining_kwh": live.remaining.map(domain::quantity::Energy::kwh),
            "days_left": tenths.map(|tenths| show_scaled(tenths, 1, 1)),
        })
    };
    let unallocated = settled.unallocated.iter();
    json!({
        "site": facts.id, "at": at, "as_of": site.last_run().map(|run| run.at), "settled_to": site.settled_to(),
        "currency": facts.currency,
        "accounts": live.iter().map(account).collect::<Vec<_>>(),
        "unallocated": unallocated
            .map(|((point, month), energy)| json!({"point": point, "month": month, "kwh": energy.kwh()}))
            .collect::<Vec<_>>(),
    })
}
