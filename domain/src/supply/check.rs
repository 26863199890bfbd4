//! The checks of a cut and of a restore. All are always made, so that the
//! evidence of a command names each with its figures; the first that fails is the reason of a hold.

use super::error::instant;
use super::policy::{blast_limit, no_cut_at};
use super::situation::Situation;
use super::state::{ControlState, PointSupply, Request, Supply};
use crate::event::{CheckCode, OutputState, SupplyCheck, SupplyPolicy, SupplyReason};
use crate::quantity::{Instant, Money};

/// A request that was not carried out within a day is made anew.
pub(super) const REQUEST_VALID_S: i64 = 86_400;
/// The pause after a try that failed; it doubles with each further one, up to 16 minutes.
const RETRY_S: i64 = 15;
const MOST_DOUBLINGS: u32 = 6;

/// What supply control looks at for one point.
#[derive(Debug, Clone, Copy)]
pub(super) struct View<'a> {
    pub(super) supply: &'a Supply,
    pub(super) point: &'a PointSupply,
    pub(super) policy: &'a SupplyPolicy,
    pub(super) now: &'a Situation<'a>,
}

/// A step that is due, and why.
#[derive(Debug, Clone, Copy)]
pub(super) struct Need<'a> {
    pub(super) to: OutputState,
    pub(super) request: Option<&'a Request>,
}

impl Need<'_> {
    pub(super) fn reason(&self) -> SupplyReason {
        if self.request.is_some() { SupplyReason::Person } else { SupplyReason::Balance }
    }
}

impl<'a> View<'a> {
    /// The balance of electricity; none where it cannot be said.
    pub(super) fn balance(&self) -> Option<Money> {
        self.now.account?;
        self.now.dues.map(|dues| dues.electricity(self.policy))
    }

    /// What is due now, whatever may hold it.
    pub(super) fn need(&self) -> Option<Need<'a>> {
        let point = self.point;
        let young = |request: &&Request| self.now.now.since(request.at) < REQUEST_VALID_S;
        let asked = point.request.as_ref().filter(young).filter(|request| point.control.output() != Some(request.to));
        if let Some(request) = asked {
            return Some(Need { to: request.to, request: Some(request) });
        }
        let needs = |to| Some(Need { to, request: None });
        // What may no longer be cut is given back, whatever is owed: a medical need that is told too late, another policy.
        let gives_back = point.protected || !self.policy.cuts;
        if gives_back && point.cut_by == Some(SupplyReason::Balance) && point.control != ControlState::Connected {
            return needs(OutputState::Connected);
        }
        let balance = self.balance()?;
        let is_on = matches!(point.control, ControlState::Connected | ControlState::Unknown);
        match point.cut_by {
            Some(SupplyReason::Person) => None,
            Some(SupplyReason::Balance) if balance >= self.policy.restore_at_minor => {
                (point.control != ControlState::Connected).then_some(())?;
                needs(OutputState::Connected)
            }
            None | Some(SupplyReason::Balance) => {
                let owes = self.policy.cuts && balance < -self.policy.emergency_credit_minor;
                (owes && is_on).then_some(())?;
                needs(OutputState::Disconnected)
            }
        }
    }

    /// Every check of a step.
    pub(super) fn checks(&self, need: &Need<'_>) -> Vec<SupplyCheck> {
        match need.to {
            OutputState::Disconnected => self.cut(need),
            OutputState::Connected => self.restore(need),
        }
    }

    fn cut(&self, need: &Need<'_>) -> Vec<SupplyCheck> {
        let limit = blast_limit(self.policy, self.now.site_points);
        let others = self.supply.cut_in_last_hour(self.now.point, self.now.now);
        let with_this = others.saturating_add(1);
        let open = self.now.account.is_some_and(|account| self.supply.disputes.contains(account));
        vec![
            self.policy_allows(need),
            self.need_check(need),
            check(CheckCode::Protected, !self.point.protected, format!("protected: {}", self.point.protected)),
            self.fresh(),
            self.link(),
            self.persons(need),
            check(
                CheckCode::Dispute,
                !(open && self.policy.hold_on_dispute),
                format!("complaint open: {open}; it holds cuts: {}", self.policy.hold_on_dispute),
            ),
            self.weather(),
            self.window(),
            self.notice(need),
            check(
                CheckCode::BlastRadius,
                with_this <= limit,
                format!("{with_this} points within an hour, of at most {limit} of {}", self.now.site_points),
            ),
            self.retry(),
        ]
    }

    fn restore(&self, need: &Need<'_>) -> Vec<SupplyCheck> {
        let asks = self.policy.confirm_restore;
        let spacing = self.policy.restore_spacing_s;
        let since = self.supply.last_restore.map(|last| self.now.now.since(last));
        vec![
            self.need_check(need),
            self.link(),
            check(
                CheckCode::TenantConfirmed,
                !asks || self.point.tenant_confirmed,
                format!("asked for: {asks}; confirmed: {}", self.point.tenant_confirmed),
            ),
            self.retry(),
            check(
                CheckCode::Staggered,
                since.is_none_or(|since| since >= spacing),
                format!("the site's last restore was at {}; {spacing} s apart", instant(self.supply.last_restore)),
            ),
        ]
    }

    fn policy_allows(&self, need: &Need<'_>) -> SupplyCheck {
        let cuts = self.policy.cuts;
        check(CheckCode::Policy, cuts || need.request.is_some(), format!("balances may lead to a cut: {cuts}"))
    }

    fn need_check(&self, need: &Need<'_>) -> SupplyCheck {
        let figures = match (need.request, need.to) {
            (Some(request), _) => format!("request {} by {} at {}", request.number, request.by, request.at),
            (None, OutputState::Disconnected) => {
                let limit = -self.policy.emergency_credit_minor;
                format!("electricity balance {}, cut below {}", self.shown(), limit.get())
            }
            (None, OutputState::Connected) => {
                let (limit, protected) = (self.policy.restore_at_minor.get(), self.point.protected);
                let cuts = self.policy.cuts;
                format!(
                    "electricity balance {}, restored at {limit}; protected: {protected}; balances cut: {cuts}",
                    self.shown()
                )
            }
        };
        let still = self.need().is_some_and(|now| now.to == need.to);
        check(CheckCode::Need, still, figures)
    }

    fn shown(&self) -> String {
        self.balance().map_or_else(|| "unknown".to_owned(), |balance| balance.get().to_string())
    }

    fn fresh(&self) -> SupplyCheck {
        let most = self.policy.stale_after_s;
        let age = self.now.data_at.map(|at| self.now.now.since(at));
        let is_fresh = age.is_some_and(|age| (0..=most).contains(&age));
        check(CheckCode::Fresh, is_fresh, format!("newest reading {}, at most {most} s old", instant(self.now.data_at)))
    }

    fn link(&self) -> SupplyCheck {
        let meter = self.now.meter.map_or("none", |meter| meter.as_str());
        let passed = self.now.link_up && self.now.meter.is_some();
        check(CheckCode::Link, passed, format!("meter {meter}, answers: {}", self.now.link_up))
    }

    fn persons(&self, need: &Need<'_>) -> SupplyCheck {
        let persons = self.policy.persons;
        let Some(request) = need.request else {
            return check(CheckCode::Persons, true, "by the balance".to_owned());
        };
        let approver = request.approver.as_deref();
        let figures = format!("{persons} needed; by {}, approved by {}", request.by, approver.unwrap_or("nobody"));
        check(CheckCode::Persons, persons < 2 || approver.is_some(), figures)
    }

    fn weather(&self) -> SupplyCheck {
        let (now, holds) = (self.now.now, self.policy.hold_on_weather);
        let hold = self.supply.weather.as_ref().filter(|hold| hold.from <= now && now < hold.until);
        let figures = match hold {
            Some(hold) => format!("{} until {}, by {}; it holds cuts: {holds}", hold.reason, hold.until, hold.by),
            None => format!("none said; it holds cuts: {holds}"),
        };
        check(CheckCode::Weather, hold.is_none() || !holds, figures)
    }

    fn window(&self) -> SupplyCheck {
        let window = no_cut_at(self.policy, self.now.calendar, self.now.holidays, self.now.now);
        let figures = match window {
            Some(window) => format!("no cuts from minute {} to {} today", window.from_minute, window.to_minute),
            None => "outside every no-cut window".to_owned(),
        };
        check(CheckCode::Window, window.is_none(), figures)
    }

    fn notice(&self, need: &Need<'_>) -> SupplyCheck {
        if need.request.is_some() {
            return check(CheckCode::Notice, true, "a person asked".to_owned());
        }
        let warned = self.now.account.and_then(|account| self.supply.warned.get(account)?.get(&0)).copied();
        let least = self.policy.notice_s;
        let passed = warned.is_some_and(|at| self.now.now.since(at) >= least);
        check(CheckCode::Notice, passed, format!("warned at zero: {}, at least {least} s before", instant(warned)))
    }

    fn retry(&self) -> SupplyCheck {
        let failures = self.point.failures;
        let pause = pause_s(failures);
        let passed = self.point.failed_at.is_none_or(|at| self.now.now.since(at) >= pause);
        let last = instant(self.point.failed_at);
        check(CheckCode::Retry, passed, format!("{failures} tries failed, the last at {last}; paused {pause} s"))
    }

    /// From when on a cut that is ordered now must not be sent.
    pub(super) fn cut_valid_until(&self, until: Instant) -> Instant {
        let (policy, now) = (self.policy, self.now.now);
        let window = super::policy::next_no_cut(policy, self.now.calendar, self.now.holidays, now, until);
        let weather = self.supply.weather.as_ref().filter(|hold| policy.hold_on_weather && hold.from < hold.until);
        let weather = weather.map(|hold| hold.from).filter(|from| now < *from && *from < until);
        window.into_iter().chain(weather).min().unwrap_or(until)
    }
}

fn check(code: CheckCode, passed: bool, figures: String) -> SupplyCheck {
    SupplyCheck { code, figures, passed }
}

/// The pause after so many tries that failed, in seconds.
pub(super) fn pause_s(failures: u32) -> i64 {
    let doublings = failures.saturating_sub(1).min(MOST_DOUBLINGS);
    RETRY_S.saturating_mul(1i64.checked_shl(doublings).unwrap_or(i64::MAX))
}
