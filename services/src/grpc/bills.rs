//! Bills, as every surface shows them.

use domain::quantity::{Instant, Month};
use proto::v1::{
    AsOf, Bill, BillSummary, Document, ExplainRequest, GetBillRequest, ListBillsReply, ListBillsRequest, Money,
    PaymentsRequest, ProofReply, ProofRequest,
};

use super::access::Call;
use super::refusal::Refusal;
use crate::query::{self, Amount, KnownAt, QueryError};
use crate::serve::{App, ServedSite};

pub(super) fn money(amount: Amount) -> Money {
    Money { minor: amount.minor, currency: amount.currency }
}

fn month(text: &str) -> Result<Month, Refusal> {
    Month::parse(text).ok_or_else(|| Refusal::field("month", "is none: write it as 2026-03"))
}

/// The state that a read in a turn is of.
pub(super) fn as_of(view: &query::View<'_>) -> AsOf {
    AsOf { position: view.moment.live_at.0, at_s: view.until().get() }
}

/// Reads a site in a turn; as it was known then, where that is said.
pub(super) async fn read<T: Send + 'static>(
    served: &ServedSite,
    known_at: &str,
    ask: impl FnOnce(query::View<'_>) -> Result<T, QueryError> + Send + 'static,
) -> Result<T, Refusal> {
    if known_at.is_empty() {
        return Ok(query::read(&served.desk, ask).await?);
    }
    let known = KnownAt::parse(known_at, &served.desk.moment().premises.calendar);
    let wanted = "is no instant, local day or time, nor a position of the log";
    Ok(query::as_known(served, known.ok_or_else(|| Refusal::field("known_at", wanted))?, ask).await?)
}

/// A document of what every surface shows.
pub(super) fn json(shown: &impl serde::Serialize) -> Result<String, Refusal> {
    serde_json::to_string(shown).map_err(|error| Refusal::internal(&error))
}

/// An account's bills, the newest first.
pub(crate) async fn list(app: &App, call: &Call, request: ListBillsRequest) -> Result<ListBillsReply, Refusal> {
    let (served, account) = call.account(app, &request.site, &request.account)?;
    let of = account.clone();
    let found = query::read(&served.desk, move |view| Ok((query::bills(&view, &of)?, as_of(&view)))).await;
    let (rows, as_of) = found?;
    let mut bills: Vec<BillSummary> = rows
        .into_iter()
        .map(|row| BillSummary {
            account: account.to_string(),
            month: row.month,
            number: row.number,
            issued_s: row.issued.map(|when| when.utc.get()),
            charges: Some(money(row.charges)),
            closing_balance: Some(money(row.closing_balance)),
            held: row.held,
        })
        .collect();
    bills.sort_by(|one, other| other.month.cmp(&one.month));
    Ok(ListBillsReply { bills, as_of: Some(as_of) })
}

/// A bill with its lines.
pub(crate) async fn get(app: &App, call: &Call, request: GetBillRequest) -> Result<Bill, Refusal> {
    let (served, account) = call.account(app, &request.site, &request.account)?;
    let month = month(&request.month)?;
    let asked = move |view: query::View<'_>| Ok((query::bill(&view, &account, month)?, as_of(&view)));
    let (bill, as_of) = read(served, &request.known_at, asked).await?;
    let json = json(&bill)?;
    let summary = BillSummary {
        account: bill.account,
        month: bill.month,
        number: bill.number,
        issued_s: bill.issued.map(|when| when.utc.get()),
        charges: Some(money(bill.charges)),
        closing_balance: Some(money(bill.closing_balance)),
        held: bill.held,
    };
    Ok(Bill { summary: Some(summary), json, as_of: Some(as_of) })
}

/// What a line follows from.
pub(crate) async fn explain(app: &App, call: &Call, request: ExplainRequest) -> Result<Document, Refusal> {
    let (served, account) = call.account(app, &request.site, &request.account)?;
    let (month, line) = (month(&request.month)?, usize::try_from(request.line).unwrap_or(usize::MAX));
    let moment = served.desk.moment();
    let known = moment.premises.accounts.contains_key(&account);
    if !known {
        return Err(QueryError::UnknownAccount(account).into());
    }
    let explained = query::explain_line(served, account, month, line).await?;
    let as_of = AsOf { position: moment.position, at_s: moment.at.get() };
    Ok(Document { as_of: Some(as_of), json: json(&explained)? })
}

/// An account's payments, the newest first.
pub(crate) async fn payments(app: &App, call: &Call, request: PaymentsRequest) -> Result<Document, Refusal> {
    let (served, account) = call.account(app, &request.site, &request.account)?;
    let ever = (Instant::new(i64::MIN), Instant::new(i64::MAX));
    let found =
        query::read(&served.desk, move |view| Ok((query::payments(&view, &account, ever.0, ever.1)?, as_of(&view))));
    let (rows, as_of) = found.await?;
    Ok(Document { as_of: Some(as_of), json: json(&rows)? })
}

/// That an event of the account is in the site's tree.
pub(crate) async fn proof(app: &App, call: &Call, request: ProofRequest) -> Result<ProofReply, Refusal> {
    let (served, account) = call.account(app, &request.site, &request.account)?;
    super::audit::proven(served, &request, Some(account)).await
}
