//! What an account has now. It is read from the desk's last moment, without waiting.

use domain::event::AccountId;
use domain::quantity::{Money, show_scaled};
use serde::Serialize;
use utoipa::ToSchema;

use super::room::points_of;
use super::{Amount, Kwh, PointState, QueryError, Show, When};
use crate::desk::Moment;

/// A tenth of a day in seconds.
const TENTH_S: i64 = 8640;
/// Credit that lasts so many tenths of a day is short where no policy says otherwise.
const LOW_TENTHS: i128 = 30;

/// What an account has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Balance {
    /// The site.
    pub site: String,
    /// The account.
    pub account: String,
    /// The balance with all energy up to `as_of`.
    pub balance: Amount,
    /// What the balance buys at the present prices.
    pub remaining: Option<Kwh>,
    /// How long it lasts by the spending of the last days, in days with one decimal.
    pub days_left: Option<String>,
    /// Until when that is.
    pub lasts_until: Option<When>,
    /// Whether credit is short: warned, used up, or soon to be.
    pub low: bool,
    /// Up to when energy is counted.
    pub as_of: When,
    /// The events of the site up to here are in it.
    pub position: u64,
    /// The oldest of its points' last readings.
    pub newest_reading: Option<When>,
    /// Seconds from that reading to `as_of`.
    pub age_s: Option<i64>,
    /// Why nothing is recorded at present; none while all is well.
    pub fault: Option<String>,
    /// The points it holds, with their supply.
    pub points: Vec<PointState>,
}

fn tenths(moment: &Moment, account: &AccountId) -> Option<i128> {
    let live = moment.live.get(account)?;
    moment.settled.days_left_tenths(account, live.balance)
}

/// How long a balance lasts, in days with one decimal.
pub(super) fn days_left(moment: &Moment, account: &AccountId) -> Option<String> {
    tenths(moment, account).map(|tenths| show_scaled(tenths, 1, 1))
}

/// Whether an account's credit is short.
pub(super) fn is_low(moment: &Moment, account: &AccountId) -> bool {
    let Some(live) = moment.live.get(account) else { return false };
    let steps = moment.supply.policy.iter().flat_map(|(_, policy)| &policy.warn_tenths);
    let bound = steps.max().map_or(LOW_TENTHS, |step| i128::from(*step));
    let warned = moment.supply.warned.get(account).is_some_and(|steps| !steps.is_empty());
    warned || live.balance < Money::ZERO || tenths(moment, account).is_some_and(|tenths| tenths <= bound)
}

/// What an account has now.
pub fn balance(moment: &Moment, account: &AccountId) -> Result<Balance, QueryError> {
    let (premises, show) = (&moment.premises, Show(&moment.premises));
    let unknown = || QueryError::UnknownAccount(account.clone());
    let live = moment.live.get(account).ok_or_else(unknown)?;
    let site = premises.site.as_ref().ok_or_else(unknown)?;
    let as_of = moment.live_at.1;
    let tenths = tenths(moment, account);
    let seconds = tenths.and_then(|tenths| i64::try_from(tenths).ok()?.checked_mul(TENTH_S));
    let points = points_of(moment, account);
    let newest = points.iter().filter_map(|point| point.last_reading.as_ref()).map(|when| when.utc).min();
    Ok(Balance {
        site: site.id.to_string(),
        account: account.to_string(),
        balance: show.money(live.balance),
        remaining: live.remaining.map(Kwh::new),
        days_left: days_left(moment, account),
        lasts_until: seconds
            .filter(|seconds| *seconds < 100 * 365 * 86_400)
            .map(|seconds| show.when(as_of.plus(seconds))),
        low: is_low(moment, account),
        as_of: show.when(as_of),
        position: moment.live_at.0,
        newest_reading: newest.map(|at| show.when(at)),
        age_s: newest.map(|at| as_of.since(at).max(0)),
        fault: moment.fault.clone(),
        points,
    })
}
