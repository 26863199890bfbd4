//! Live balances: from the moment alone, without waiting for the site.

use domain::event::{AccountId, SiteId};
use domain::quantity::{Energy, Instant};
use proto::v1::{AccountBalance, AsOf, GetBalanceRequest, Money};

use super::access::Call;
use super::refusal::{Kind, Refusal};
use crate::desk::Moment;
use crate::serve::App;

/// What an account has now.
pub(crate) fn get(app: &App, call: &Call, request: &GetBalanceRequest) -> Result<AccountBalance, Refusal> {
    let (served, account) = call.account(app, &request.site, &request.account)?;
    of(served.desk.site(), &account, &served.desk.moment())
}

/// What an account has at a moment.
pub(super) fn of(site: &SiteId, account: &AccountId, moment: &Moment) -> Result<AccountBalance, Refusal> {
    let unknown = || Refusal::new(Kind::NotFound, "NOT_FOUND", "no such site or account");
    let live = moment.live.get(account).ok_or_else(unknown)?;
    let (position, at) = moment.live_at;
    let days = moment.settled.days_left_tenths(account, live.balance);
    Ok(AccountBalance {
        site: site.to_string(),
        account: account.to_string(),
        balance: Some(Money { minor: live.balance.get(), currency: moment.premises.site().currency.clone() }),
        remaining_mwh: live.remaining.map(Energy::get),
        days_left_tenths: days.and_then(|days| i64::try_from(days).ok()),
        as_of: Some(AsOf { position, at_s: at.get() }),
        newest_reading_s: moment.newest_reading.map(Instant::get),
    })
}
