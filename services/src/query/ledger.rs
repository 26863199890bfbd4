//! An account's ledger, with the balance after each row.

use domain::event::AccountId;
use domain::quantity::{Instant, Money};
use serde::Serialize;
use utoipa::ToSchema;

use super::bill::cash_of;
use super::payment::state_of;
use super::{Amount, QueryError, View, When, days};

/// A row of an account's ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct LedgerRow {
    /// When it counts; of a day's charges its end, or now.
    pub time: When,
    /// `recharge`, `refund`, `reversal`, `posting` or `charges`.
    pub kind: String,
    /// The reference, or the day.
    pub reference: String,
    /// Where the money stands, as in a `RechargeRow`; none of charges.
    pub state: Option<String>,
    /// With sign.
    pub amount: Amount,
    /// The balance after it.
    pub balance: Amount,
}

/// An account's ledger over a range.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Ledger {
    /// The account.
    pub account: String,
    /// Its start.
    pub from: When,
    /// Its end.
    pub until: When,
    /// The balance at its start.
    pub opening_balance: Amount,
    /// The balance at its end.
    pub closing_balance: Amount,
    /// The rows, in the order of time.
    pub rows: Vec<LedgerRow>,
}

/// A row before it has a balance.
struct Entry {
    time: Instant,
    kind: String,
    reference: String,
    amount: Money,
}

/// An account's charges day by day: each at the day's end, or now.
fn charges(view: &View<'_>, account: &AccountId, until: Instant) -> Result<Vec<Entry>, QueryError> {
    let calendar = &view.premises().calendar;
    let mut all = Vec::new();
    for month in view.months().filter(|month| calendar.start_of(month.first()) < until) {
        for day in days(view, account, month)?.days {
            let Some(date) = domain::quantity::Date::parse(&day.day) else { continue };
            let time = calendar.end_of(date).plus(-1).min(view.until());
            let amount = -Money::new(day.charges.minor);
            if !amount.is_zero() {
                all.push(Entry { time, kind: "charges".to_owned(), reference: day.day, amount });
            }
        }
    }
    Ok(all)
}

/// The ledger of an account over `[from, until)`. What is charged late stands on the day that it is for.
pub fn ledger(view: &View<'_>, account: &AccountId, from: Instant, until: Instant) -> Result<Ledger, QueryError> {
    view.account(account)?;
    if from >= until {
        return Err(QueryError::EmptyRange { from, until });
    }
    let show = view.show();
    let cash = cash_of(view, account, (Instant::new(i64::MIN), until));
    let of_cash = |one: super::Cash| Entry {
        time: one.time.utc,
        kind: one.kind,
        reference: one.reference,
        amount: Money::new(one.amount.minor),
    };
    let mut entries: Vec<Entry> = cash.into_iter().map(of_cash).collect();
    entries.extend(charges(view, account, until)?.into_iter().filter(|one| one.time < until));
    entries.sort_by_key(|one| one.time);
    let mut balance = view.premises().accounts.get(account).copied().unwrap_or_default();
    balance += entries.iter().filter(|one| one.time < from).map(|one| one.amount).sum();
    let opening_balance = show.money(balance);
    let mut rows = Vec::new();
    for one in entries.into_iter().filter(|one| one.time >= from) {
        balance += one.amount;
        let state = (one.kind != "charges").then(|| state_of(view, &one.kind, &one.reference));
        let (time, amount, balance) = (show.when(one.time), show.money(one.amount), show.money(balance));
        rows.push(LedgerRow { time, kind: one.kind, reference: one.reference, state, amount, balance });
    }
    let (from, until, closing_balance) = (show.when(from), show.when(until), show.money(balance));
    Ok(Ledger { account: account.to_string(), from, until, opening_balance, closing_balance, rows })
}
