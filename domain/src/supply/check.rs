//! The checks of a cut and of a restore. All are always made, so that the
//! evidence of a command names each with its figures; the first that fails is the reason of a hold.

use super::figures::Figures;
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
            check(CheckCode::Protected, !self.point.protected, &Figures::Protected { protected: self.point.protected }),
            self.fresh(),
            self.link(),
            self.persons(need),
            check(
                CheckCode::Dispute,
                !(open && self.policy.hold_on_dispute),
                &Figures::Dispute { open, holds: self.policy.hold_on_dispute },
            ),
            self.weather(),
            self.window(),
            self.notice(need),
            check(
                CheckCode::BlastRadius,
                with_this <= limit,
                &Figures::BlastRadius { cut: with_this, most: limit, all: self.now.site_points },
            ),
            self.retry(),
        ]
    }

    fn restore(&self, need: &Need<'_>) -> Vec<SupplyCheck> {
        let (asked, confirmed) = (self.policy.confirm_restore, self.point.tenant_confirmed);
        let (last, spacing_s) = (self.supply.last_restore, self.policy.restore_spacing_s);
        let since = last.map(|last| self.now.now.since(last));
        vec![
            self.need_check(need),
            self.link(),
            check(CheckCode::TenantConfirmed, !asked || confirmed, &Figures::Confirmed { asked, confirmed }),
            self.retry(),
            check(
                CheckCode::Staggered,
                since.is_none_or(|since| since >= spacing_s),
                &Figures::Staggered { last, spacing_s },
            ),
        ]
    }

    fn policy_allows(&self, need: &Need<'_>) -> SupplyCheck {
        let cuts = self.policy.cuts;
        check(CheckCode::Policy, cuts || need.request.is_some(), &Figures::Policy { cuts })
    }

    fn need_check(&self, need: &Need<'_>) -> SupplyCheck {
        let balance = self.balance();
        let figures = match (need.request, need.to) {
            (Some(request), _) => Figures::Request { number: request.number, by: request.by.clone(), at: request.at },
            (None, OutputState::Disconnected) => {
                Figures::CutBelow { balance, limit: -self.policy.emergency_credit_minor }
            }
            (None, OutputState::Connected) => Figures::RestoredAt {
                balance,
                limit: self.policy.restore_at_minor,
                protected: self.point.protected,
                cuts: self.policy.cuts,
            },
        };
        let still = self.need().is_some_and(|now| now.to == need.to);
        check(CheckCode::Need, still, &figures)
    }

    fn fresh(&self) -> SupplyCheck {
        let most_s = self.policy.stale_after_s;
        let age = self.now.data_at.map(|at| self.now.now.since(at));
        let is_fresh = age.is_some_and(|age| (0..=most_s).contains(&age));
        check(CheckCode::Fresh, is_fresh, &Figures::Fresh { newest: self.now.data_at, most_s })
    }

    fn link(&self) -> SupplyCheck {
        let meter = self.now.meter.map_or("none", |meter| meter.as_str()).to_owned();
        let passed = self.now.link_up && self.now.meter.is_some();
        check(CheckCode::Link, passed, &Figures::Link { meter, answers: self.now.link_up })
    }

    fn persons(&self, need: &Need<'_>) -> SupplyCheck {
        let needed = self.policy.persons;
        let Some(request) = need.request else {
            return check(CheckCode::Persons, true, &Figures::ByBalance);
        };
        let approver = request.approver.as_deref();
        let passed = needed < 2 || approver.is_some();
        let (by, approver) = (request.by.clone(), approver.unwrap_or("nobody").to_owned());
        check(CheckCode::Persons, passed, &Figures::Persons { needed, by, approver })
    }

    fn weather(&self) -> SupplyCheck {
        let (now, holds) = (self.now.now, self.policy.hold_on_weather);
        let hold = self.supply.weather.as_ref().filter(|hold| hold.from <= now && now < hold.until);
        let passed = hold.is_none() || !holds;
        let hold = hold.map(|hold| format!("{} until {}, by {}", hold.reason, hold.until, hold.by));
        check(CheckCode::Weather, passed, &Figures::Weather { hold, holds })
    }

    fn window(&self) -> SupplyCheck {
        let window = no_cut_at(self.policy, self.now.calendar, self.now.holidays, self.now.now);
        let minutes = window.map(|window| (window.from_minute, window.to_minute));
        check(CheckCode::Window, minutes.is_none(), &Figures::Window { minutes })
    }

    fn notice(&self, need: &Need<'_>) -> SupplyCheck {
        if need.request.is_some() {
            return check(CheckCode::Notice, true, &Figures::PersonAsked);
        }
        let warned = self.now.account.and_then(|account| self.supply.warned.get(account)?.get(&0)).copied();
        let least_s = self.policy.notice_s;
        let passed = warned.is_some_and(|at| self.now.now.since(at) >= least_s);
        check(CheckCode::Notice, passed, &Figures::Notice { warned, least_s })
    }

    fn retry(&self) -> SupplyCheck {
        let (failures, last) = (self.point.failures, self.point.failed_at);
        let pause_s = pause_s(failures);
        let passed = last.is_none_or(|at| self.now.now.since(at) >= pause_s);
        check(CheckCode::Retry, passed, &Figures::Retry { failures: failures.into(), last, pause_s })
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

fn check(code: CheckCode, passed: bool, figures: &Figures) -> SupplyCheck {
    SupplyCheck { code, figures: figures.to_string(), passed }
}

/// The pause after so many tries that failed, in seconds.
pub(super) fn pause_s(failures: u32) -> i64 {
    let doublings = failures.saturating_sub(1).min(MOST_DOUBLINGS);
    RETRY_S.saturating_mul(1i64.checked_shl(doublings).unwrap_or(i64::MAX))
}
