//! Decisions about supply: from the state, the situation and a command to events, or a refusal.

use super::check::{Need, View};
use super::error::Refusal;
use super::policy;
use super::situation::Situation;
use super::state::{ControlState, OpenCommand, Supply};
use crate::event::{
    CancelReason, CheckCode, OutputState, ReconnectionConfirmed, ReconnectionOffered, SupplyApproved, SupplyCheck,
    SupplyCommandCancelled, SupplyCommandExpired, SupplyCommandFailed, SupplyCommandOrdered, SupplyCommandSent,
    SupplyCutConfirmed, SupplyCutHeld, SupplyEvent, SupplyPolicy, SupplyPolicyPublished, SupplyRequested,
    SupplyRestoreHeld, SupplyRestoredConfirmed, SupplyWarned, SwitchEvidence, SwitchFailure, WarningCleared,
};
use crate::quantity::{Money, floor_div};

/// An outcome that has not come so long after a command's time never comes.
const OUTCOME_GRACE_S: i64 = 60;

/// What is asked of supply control.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Publish a policy.
    Publish {
        /// Who.
        by: String,
        /// The rules.
        policy: SupplyPolicy,
        /// The preset that it was made from.
        preset: Option<String>,
    },
    /// Open or close supply of the point.
    Request {
        /// Who.
        by: String,
        /// Where to.
        to: OutputState,
        /// Why.
        reason: String,
    },
    /// Approve the point's request.
    Approve {
        /// Who.
        by: String,
    },
    /// Say that supply may come back.
    ConfirmReconnection {
        /// Who.
        by: String,
    },
    /// Look at the point, and make the next step.
    Review,
    /// A command is about to be handed to the one who moves relays.
    Send {
        /// Its number.
        command: i64,
    },
    /// What a command came to.
    Report {
        /// Its number.
        command: i64,
        /// What was seen.
        evidence: SwitchEvidence,
        /// What it means.
        report: Report,
    },
}

/// What a command came to, by the one who moves relays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Report {
    /// Read back where it should be.
    Confirmed,
    /// Its time was over: nothing was written.
    Expired,
    /// It failed.
    Failed(SwitchFailure),
}

/// A step that is due now, with every check that lets it pass or holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// Where to.
    pub to: OutputState,
    /// Every check.
    pub checks: Vec<SupplyCheck>,
}

/// What is due at a point, whatever was ordered, written or held before.
pub fn due(supply: &Supply, situation: Situation<'_>) -> Option<Due> {
    let (_, policy) = supply.policy.as_ref()?;
    let point = supply.point(situation.point);
    let view = View { supply, point: &point, policy, now: &situation };
    let need = view.need()?;
    Some(Due { to: need.to, checks: view.checks(&need) })
}

/// What follows from a command. Nothing is read but the arguments, and nothing moves.
pub fn decide(supply: &Supply, situation: Situation<'_>, command: Command) -> Result<Vec<SupplyEvent>, Refusal> {
    match command {
        Command::Publish { by, policy, preset } => publish(supply, by, policy, preset),
        Command::Request { by, to, reason } => request(supply, &situation, by, to, reason),
        Command::Approve { by } => approve(supply, &situation, by),
        Command::ConfirmReconnection { by } => confirm_reconnection(supply, &situation, by),
        Command::Review => Ok(review(supply, &situation).into_iter().collect()),
        Command::Send { command } => send(supply, &situation, command).map(|event| vec![event]),
        Command::Report { command, evidence, report } => {
            outcome(supply, &situation, command, evidence, report).map(|event| vec![event])
        }
    }
}

fn said(text: &str, what: &'static str) -> Result<(), Refusal> {
    if text.trim().is_empty() { Err(Refusal::Empty(what)) } else { Ok(()) }
}

fn publish(
    supply: &Supply,
    by: String,
    policy: SupplyPolicy,
    preset: Option<String>,
) -> Result<Vec<SupplyEvent>, Refusal> {
    said(&by, "by")?;
    policy::check(&policy)?;
    let version = supply.policy.as_ref().map_or(0, |(version, _)| *version).saturating_add(1);
    Ok(vec![SupplyEvent::SupplyPolicyPublished(SupplyPolicyPublished { by, policy, preset, version })])
}

fn request(
    supply: &Supply,
    situation: &Situation<'_>,
    by: String,
    to: OutputState,
    reason: String,
) -> Result<Vec<SupplyEvent>, Refusal> {
    said(&by, "by")?;
    said(&reason, "reason")?;
    supply.policy.as_ref().ok_or(Refusal::NoPolicy)?;
    let point = supply.point(situation.point);
    if point.control.output() == Some(to) && point.open.is_none() && point.request.is_none() {
        return Err(Refusal::AlreadyThere(to));
    }
    if to == OutputState::Disconnected && point.protected {
        return Err(Refusal::Protected);
    }
    let number = point.requests.saturating_add(1);
    let point = situation.point.clone();
    Ok(vec![SupplyEvent::SupplyRequested(SupplyRequested { by, point, reason, request: number, to })])
}

fn approve(supply: &Supply, situation: &Situation<'_>, by: String) -> Result<Vec<SupplyEvent>, Refusal> {
    said(&by, "by")?;
    let point = supply.point(situation.point);
    let request = point.request.filter(|request| request.approver.is_none()).ok_or(Refusal::NoRequest)?;
    if request.by.trim() == by.trim() {
        return Err(Refusal::SamePerson(by));
    }
    let point = situation.point.clone();
    Ok(vec![SupplyEvent::SupplyApproved(SupplyApproved { by, point, request: request.number })])
}

fn confirm_reconnection(supply: &Supply, situation: &Situation<'_>, by: String) -> Result<Vec<SupplyEvent>, Refusal> {
    said(&by, "by")?;
    if supply.point(situation.point).control != ControlState::ReadyForReconnection {
        return Err(Refusal::NotReady);
    }
    let point = situation.point.clone();
    Ok(vec![SupplyEvent::ReconnectionConfirmed(ReconnectionConfirmed { by, point })])
}

/// One step of one point.
fn review(supply: &Supply, situation: &Situation<'_>) -> Option<SupplyEvent> {
    let (version, policy) = supply.policy.as_ref()?;
    let point = supply.point(situation.point);
    let view = View { supply, point: &point, policy, now: situation };
    if let Some(open) = &point.open {
        return ended(&view, open).or_else(|| alert(&view));
    }
    alert(&view).or_else(|| {
        let need = view.need()?;
        step(&view, &need, *version)
    })
}

/// The end of a command that no outcome ends.
fn ended(view: &View<'_>, open: &OpenCommand) -> Option<SupplyEvent> {
    let (now, order) = (view.now.now, &open.order);
    let (command, point) = (order.command, order.point.clone());
    if open.sent_at.is_some() {
        let over = now >= order.valid_until.plus(OUTCOME_GRACE_S);
        let failed = SupplyCommandFailed { command, evidence: None, point, reason: SwitchFailure::NoOutcome };
        return over.then_some(SupplyEvent::SupplyCommandFailed(failed));
    }
    if now >= order.valid_until {
        let valid_until = order.valid_until;
        return Some(SupplyEvent::SupplyCommandExpired(SupplyCommandExpired { command, point, valid_until }));
    }
    let request = view.point.request.as_ref();
    let need = Need { to: order.to, request: request.filter(|request| Some(request.number) == order.request) };
    let checks = view.checks(&need);
    let is_cut = order.to == OutputState::Disconnected;
    let reason = if request.is_some_and(|request| request.to != order.to) {
        CancelReason::NewerRequest
    } else if is_cut && view.now.last_recharge.is_some_and(|at| at > open.ordered_at) && order.request.is_none() {
        CancelReason::NewerRecharge
    } else if is_cut && checks.iter().any(|check| !check.passed) {
        CancelReason::NoLongerPasses
    } else {
        return None;
    };
    Some(SupplyEvent::SupplyCommandCancelled(SupplyCommandCancelled { checks, command, point, reason }))
}

/// A warning that is due, or one that is left behind. With hysteresis: a step warns
/// once, and again only after the days left were well above it.
fn alert(view: &View<'_>) -> Option<SupplyEvent> {
    let account = view.now.account?;
    let balance_minor = view.balance()?;
    let left = view.now.days_left_tenths;
    let used_up = balance_minor <= Money::ZERO;
    let none = std::collections::BTreeMap::new();
    let warned = view.supply.warned.get(account).unwrap_or(&none);
    let behind = |(step, at): (&i64, &crate::quantity::Instant)| match left {
        Some(left) => !used_up && left >= step.saturating_add(view.policy.rearm_tenths),
        None => !used_up && view.now.last_recharge.is_some_and(|recharge| recharge > *at),
    };
    let point = view.now.point.clone();
    if let Some((step, _)) = warned.iter().rev().find(|one| behind(*one)) {
        let (account, step_tenths) = (account.clone(), *step);
        return Some(SupplyEvent::WarningCleared(WarningCleared { account, balance_minor, point, step_tenths }));
    }
    let is_reached = |step: &&i64| used_up || (**step > 0 && left.is_some_and(|left| left <= **step));
    let step_tenths = *view.policy.warn_tenths.iter().rev().find(is_reached)?;
    let is_on = matches!(view.point.control, ControlState::Connected | ControlState::Unknown);
    if warned.contains_key(&step_tenths) || !is_on {
        return None;
    }
    let hours = |tenths: i64| i64::try_from(floor_div(i128::from(tenths.max(0)).saturating_mul(24), 10)).ok();
    let hours_left = if used_up { Some(0) } else { left.and_then(hours) };
    let account = account.clone();
    Some(SupplyEvent::SupplyWarned(SupplyWarned { account, balance_minor, hours_left, point, step_tenths }))
}

/// The step that is due: an order where every check passes, else what holds it.
fn step(view: &View<'_>, need: &Need<'_>, version: i64) -> Option<SupplyEvent> {
    let checks = view.checks(need);
    let account = view.now.account.cloned();
    let point = view.now.point.clone();
    let failing = checks.iter().find(|check| !check.passed).map(|check| check.code);
    let Some(reason) = failing else {
        let valid = view.now.now.plus(view.policy.command_valid_s);
        let valid_until = match need.to {
            OutputState::Disconnected => view.cut_valid_until(valid),
            OutputState::Connected => valid,
        };
        return Some(SupplyEvent::SupplyCommandOrdered(SupplyCommandOrdered {
            account,
            checks,
            command: view.point.commands.saturating_add(1),
            meter: view.now.meter?.clone(),
            point,
            policy: version,
            reason: need.reason(),
            request: need.request.map(|request| request.number),
            to: need.to,
            valid_until,
        }));
    };
    if reason == CheckCode::TenantConfirmed && view.point.control == ControlState::Disconnected {
        return Some(SupplyEvent::ReconnectionOffered(ReconnectionOffered { account, checks, point }));
    }
    held(view, need, reason, checks)
}

/// A hold: once a day for each reason, and not for a turn that comes within seconds.
fn held(view: &View<'_>, need: &Need<'_>, reason: CheckCode, checks: Vec<SupplyCheck>) -> Option<SupplyEvent> {
    let day = |at| view.now.calendar.wall_date(at);
    let said = |one: super::state::Held| one.to == need.to && one.reason == reason && day(one.at) == day(view.now.now);
    if reason == CheckCode::Staggered || view.point.held.is_some_and(said) {
        return None;
    }
    let (account, point) = (view.now.account.cloned(), view.now.point.clone());
    Some(match need.to {
        OutputState::Disconnected => SupplyEvent::SupplyCutHeld(SupplyCutHeld { account, checks, point, reason }),
        OutputState::Connected => SupplyEvent::SupplyRestoreHeld(SupplyRestoreHeld { account, checks, point, reason }),
    })
}

/// The open command of this number.
fn open_of(point: &super::state::PointSupply, command: i64) -> Result<&OpenCommand, Refusal> {
    let open = point.open.as_ref().filter(|open| open.order.command == command);
    let known = (1..=point.commands).contains(&command);
    open.ok_or(if known { Refusal::CommandEnded(command) } else { Refusal::UnknownCommand(command) })
}

/// Sent, or ended because it must not be sent any more.
fn send(supply: &Supply, situation: &Situation<'_>, command: i64) -> Result<SupplyEvent, Refusal> {
    let (_, policy) = supply.policy.as_ref().ok_or(Refusal::NoPolicy)?;
    let point = supply.point(situation.point);
    let open = open_of(&point, command)?;
    if open.sent_at.is_some() {
        return Err(Refusal::AlreadySent(command));
    }
    let view = View { supply, point: &point, policy, now: situation };
    let sent = SupplyCommandSent { command, point: situation.point.clone() };
    Ok(ended(&view, open).unwrap_or(SupplyEvent::SupplyCommandSent(sent)))
}

fn outcome(
    supply: &Supply,
    situation: &Situation<'_>,
    command: i64,
    evidence: SwitchEvidence,
    report: Report,
) -> Result<SupplyEvent, Refusal> {
    let known = supply.point(situation.point);
    let open = open_of(&known, command)?;
    if open.sent_at.is_none() {
        return Err(Refusal::NotSent(command));
    }
    let point = situation.point.clone();
    match report {
        Report::Confirmed => {
            if !evidence.sent || evidence.read_back != Some(open.order.to) {
                let (sent, read_back) = (evidence.sent, evidence.read_back);
                return Err(Refusal::NotReadBack { command, sent, read_back });
            }
            Ok(match open.order.to {
                OutputState::Disconnected => {
                    SupplyEvent::SupplyCutConfirmed(SupplyCutConfirmed { command, evidence, point })
                }
                OutputState::Connected => {
                    SupplyEvent::SupplyRestoredConfirmed(SupplyRestoredConfirmed { command, evidence, point })
                }
            })
        }
        Report::Expired => {
            let valid_until = open.order.valid_until;
            Ok(SupplyEvent::SupplyCommandExpired(SupplyCommandExpired { command, point, valid_until }))
        }
        Report::Failed(reason) => {
            let evidence = Some(evidence);
            Ok(SupplyEvent::SupplyCommandFailed(SupplyCommandFailed { command, evidence, point, reason }))
        }
    }
}
