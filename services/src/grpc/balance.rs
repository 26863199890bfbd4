//! Live balances: from the moment alone, without waiting for the site.

use domain::event::AccountId;
use domain::quantity::Money;
use proto::v1::{AccountBalance, AsOf, GetBalanceRequest};

use super::access::Call;
use super::bills::money;
use super::refusal::Refusal;
use crate::desk::Moment;
use crate::query;
use crate::serve::App;

/// What an account has now.
pub(crate) fn get(app: &App, call: &Call, request: &GetBalanceRequest) -> Result<AccountBalance, Refusal> {
    let (served, account) = call.account(app, &request.site, &request.account)?;
    of(&account, &served.desk.moment())
}

/// What an account has at a moment.
pub(super) fn of(account: &AccountId, moment: &Moment) -> Result<AccountBalance, Refusal> {
    let shown = query::balance(moment, account)?;
    let days = moment.settled.days_left_tenths(account, Money::new(shown.balance.minor));
    Ok(AccountBalance {
        site: shown.site,
        account: shown.account,
        balance: Some(money(shown.balance)),
        remaining_mwh: shown.remaining.map(|energy| energy.mwh),
        days_left_tenths: days.and_then(|days| i64::try_from(days).ok()),
        as_of: Some(AsOf { position: shown.position, at_s: shown.as_of.utc.get() }),
        newest_reading_s: shown.newest_reading.map(|when| when.utc.get()),
    })
}
