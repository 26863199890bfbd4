//! What is owed to tenants at the end of a day, by the books: the sum of what was prepaid and is not used yet.

use std::path::Path;

use domain::event::{AccountId, SiteId};
use domain::quantity::{Date, Money};
use serde::Serialize;
use utoipa::ToSchema;

use super::past::in_background;
use super::{Amount, QueryError, Show};
use crate::export::{self, Source};
use crate::serve::ServedSite;

/// An account's balance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct OwedRow {
    /// The account.
    pub account: String,
    /// What it has at the day's end; below 0 what it owes.
    pub balance: Amount,
}

/// What is owed to tenants at a day's end: the closing balances of a journal export to that day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Owed {
    /// The local day.
    pub day: String,
    /// The last day whose charges are booked.
    pub settled_to: Option<String>,
    /// Every account but the landlord's.
    pub accounts: Vec<OwedRow>,
    /// The sum of balances above 0.
    pub prepaid: Amount,
    /// The sum of balances below 0.
    pub overdrawn: Amount,
    /// All of them.
    pub net: Amount,
}

/// Reads the books for the balance of every account but the landlord's at the end of a day.
pub async fn owed(site: &ServedSite, day: Date) -> Result<Owed, QueryError> {
    let settled = site.desk.read(|turn| turn.owner.site().settled_to()).await?;
    let moment = site.desk.moment();
    in_background(site, move |log: &str, id: &SiteId| {
        let source = Source { dir: Path::new("."), log: Some(log), site: Some(id) };
        let balances = export::balances(source, day).map_err(|failure| QueryError::Log(failure.error.to_string()))?;
        let (premises, show) = (&moment.premises, Show(&moment.premises));
        let landlord = premises.site.as_ref().map(|site| &site.landlord);
        let balance = |account: &AccountId| balances.get(account).copied().unwrap_or_default();
        let tenants: Vec<&AccountId> = premises.accounts.keys().filter(|account| Some(*account) != landlord).collect();
        let sum = |wanted: fn(&Money) -> bool| -> Money {
            tenants.iter().map(|account| balance(account)).filter(wanted).sum()
        };
        let row =
            |account: &&AccountId| OwedRow { account: account.to_string(), balance: show.money(balance(account)) };
        Ok(Owed {
            day: day.to_string(),
            settled_to: settled.map(|day| day.to_string()),
            prepaid: show.money(sum(|one| *one > Money::ZERO)),
            overdrawn: show.money(sum(|one| *one < Money::ZERO)),
            net: show.money(sum(|_| true)),
            accounts: tenants.iter().map(row).collect(),
        })
    })
    .await
}
