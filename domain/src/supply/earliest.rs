//! When a point may be cut at the earliest: what a tenant is told.

use super::check::pause_s;
use super::decide::due;
use super::policy::{blast_limit, no_cut_at};
use super::situation::Situation;
use super::state::Supply;
use crate::event::{CheckCode, OutputState, SupplyPolicy};
use crate::quantity::{Instant, floor_div};

/// No-cut windows are looked through so far, in minutes: a week and a day.
const FAR_MINUTES: i64 = 8 * 1440;

/// The first instant at which a cut that is due could be ordered, all else as it is now. None where no cut is due,
/// or where it waits for something that time alone does not bring: a person, a link, the end of a complaint.
pub fn earliest_cut(supply: &Supply, situation: Situation<'_>) -> Option<Instant> {
    let (_, policy) = supply.policy.as_ref()?;
    let due = due(supply, situation).filter(|due| due.to == OutputState::Disconnected)?;
    let mut at = situation.now;
    for check in due.checks.iter().filter(|check| !check.passed) {
        let passes = match check.code {
            CheckCode::Notice => warned(supply, &situation).plus(policy.notice_s),
            CheckCode::Weather => supply.weather.as_ref()?.until,
            CheckCode::BlastRadius => radius(supply, policy, &situation)?,
            CheckCode::Retry => {
                let point = supply.points.get(situation.point)?;
                point.failed_at?.plus(pause_s(point.failures))
            }
            CheckCode::Window => continue,
            CheckCode::Policy
            | CheckCode::Need
            | CheckCode::Protected
            | CheckCode::Fresh
            | CheckCode::Link
            | CheckCode::Persons
            | CheckCode::Dispute
            | CheckCode::TenantConfirmed
            | CheckCode::Staggered => return None,
        };
        at = at.max(passes);
    }
    outside_windows(policy, &situation, at)
}

/// When the account was warned that credit is used up; it is now where it was not yet.
fn warned(supply: &Supply, situation: &Situation<'_>) -> Instant {
    let steps = situation.account.and_then(|account| supply.warned.get(account));
    steps.and_then(|steps| steps.get(&0)).copied().unwrap_or(situation.now)
}

/// When few enough of the points that were cut are of the last hour.
fn radius(supply: &Supply, policy: &SupplyPolicy, situation: &Situation<'_>) -> Option<Instant> {
    let limit = usize::try_from(blast_limit(policy, situation.site_points)).ok().filter(|limit| *limit > 0)?;
    let others = supply.points.iter().filter(|(id, _)| *id != situation.point);
    let mut cuts: Vec<Instant> = others.filter_map(|(_, point)| point.cut_at).collect();
    cuts.sort_unstable();
    let last = cuts.len().checked_sub(limit)?;
    cuts.get(last).map(|at| at.plus(3600))
}

fn outside_windows(policy: &SupplyPolicy, situation: &Situation<'_>, at: Instant) -> Option<Instant> {
    let is_free = |at: &Instant| no_cut_at(policy, situation.calendar, situation.holidays, *at).is_none();
    let minute = floor_div(at.get().into(), 60);
    let start = i64::try_from(minute).ok()?;
    let minutes = (1..=FAR_MINUTES).map(|ahead| Instant::new(start.saturating_add(ahead).saturating_mul(60)));
    std::iter::once(at).chain(minutes).find(is_free)
}
