//! Money in and back, and where each payment stands: what the ledger has, and what gateways reported that is in no
//! balance.

use domain::event::AccountId;
use domain::quantity::{Instant, Money};
use serde::Serialize;
use utoipa::ToSchema;

use super::bill::cash_of;
use super::room::name_of;
use super::{Amount, QueryError, View, When};

/// Money in or back of a site.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct RechargeRow {
    /// When.
    pub time: When,
    /// The account, as the payer wrote it; may be empty.
    pub account: String,
    /// `recharge`, `refund`, `reversal`, or `posting` of an account.
    pub kind: String,
    /// With the kind: once, for ever.
    pub reference: String,
    /// With sign. It is in a balance where its state is `credited`, `refunded`, `reversed`, `charged_back` or `posted`.
    pub amount: Amount,
    /// `requested`, `captured`, `credited`, `refunded`, `reversed`, `charged_back`, `parked`, `suspended`, `returned`,
    /// `refused` or `posted`.
    pub state: String,
    /// Messages about the payment that had no effect.
    pub refused: usize,
}

/// Where money in the ledger stands: as its gateway reported it, or by its kind alone.
pub(super) fn state_of(view: &View<'_>, kind: &str, reference: &str) -> String {
    let standing = if kind == "posting" { None } else { view.payments.standing(reference) };
    let by_kind = match kind {
        "refund" => "refunded",
        "reversal" => "reversed",
        "posting" => "posted",
        _ => "credited",
    };
    standing.map_or_else(|| by_kind.to_owned(), |(state, _)| name_of(state))
}

/// What is in the ledger of an account.
fn booked(view: &View<'_>, account: &AccountId, span: (Instant, Instant)) -> Vec<RechargeRow> {
    let row = |one: super::Cash| RechargeRow {
        state: state_of(view, &one.kind, &one.reference),
        refused: view.payments.standing(&one.reference).map_or(0, |(_, payment)| payment.refused.len()),
        time: one.time,
        account: account.to_string(),
        kind: one.kind,
        reference: one.reference,
        amount: one.amount,
    };
    cash_of(view, account, span).into_iter().map(row).collect()
}

/// What is in no balance: payments that are not credited, and what a folder's file names no account for.
fn open(view: &View<'_>, (from, until): (Instant, Instant)) -> Vec<RechargeRow> {
    let show = view.show();
    let payments = view.payments.all().filter(|(_, payment)| payment.credited.is_none());
    let mut rows: Vec<RechargeRow> = payments
        .map(|(key, payment)| RechargeRow {
            time: show.when(payment.time()),
            account: payment.account().to_owned(),
            kind: "recharge".to_owned(),
            reference: key.reference(),
            amount: show.money(payment.amount()),
            state: name_of(payment.state()),
            refused: payment.refused.len(),
        })
        .collect();
    let others = view.site.ledger().unmatched().filter(|(_, data)| !view.payments.has_reference(&data.reference));
    rows.extend(others.map(|(time, data)| RechargeRow {
        time: show.when(*time),
        account: data.account.clone(),
        kind: name_of(data.kind),
        reference: data.reference.clone(),
        amount: show.money(Money::new(data.amount_minor)),
        state: "suspended".to_owned(),
        refused: 0,
    }));
    rows.retain(|row| from <= row.time.utc && row.time.utc < until);
    rows
}

fn newest_first(mut rows: Vec<RechargeRow>) -> Vec<RechargeRow> {
    rows.sort_by(|a, b| b.time.utc.cmp(&a.time.utc).then_with(|| a.reference.cmp(&b.reference)));
    rows
}

/// Money in and back of all accounts within `[from, until)`, the newest first.
pub fn recharges(view: &View<'_>, from: Instant, until: Instant) -> Vec<RechargeRow> {
    let accounts = view.premises().accounts.keys();
    let booked = accounts.flat_map(|account| booked(view, account, (from, until)));
    newest_first(booked.filter(|row| row.kind != "posting").chain(open(view, (from, until))).collect())
}

/// Money in and back of an account, and what was posted by hand, within `[from, until)`, the newest first.
pub fn payments(
    view: &View<'_>,
    account: &AccountId,
    from: Instant,
    until: Instant,
) -> Result<Vec<RechargeRow>, QueryError> {
    view.account(account)?;
    let open = open(view, (from, until)).into_iter().filter(|row| row.account == account.as_str());
    Ok(newest_first(booked(view, account, (from, until)).into_iter().chain(open).collect()))
}
