//! What people are told of supply: every check with its figures, and every event with what was seen at the meter.

use domain::event::{
    CancelReason, CheckCode, OutputState, SupplyCheck, SupplyEvent, SupplyReason, SwitchEvidence, SwitchFailure,
};
use domain::quantity::Money;
use domain::supply::Figures;

use crate::told::{Told, span, told};

/// What a check looks at.
fn named(code: CheckCode) -> Told {
    match code {
        CheckCode::Policy => told("looks-policy"),
        CheckCode::Need => told("looks-need"),
        CheckCode::Protected => told("looks-protected"),
        CheckCode::Fresh => told("looks-fresh"),
        CheckCode::Link => told("looks-link"),
        CheckCode::Persons => told("looks-persons"),
        CheckCode::Dispute => told("looks-dispute"),
        CheckCode::Weather => told("looks-weather"),
        CheckCode::Window => told("looks-window"),
        CheckCode::Notice => told("looks-notice"),
        CheckCode::BlastRadius => told("looks-blast-radius"),
        CheckCode::Retry => told("looks-retry"),
        CheckCode::TenantConfirmed => told("looks-tenant-confirmed"),
        CheckCode::Staggered => told("looks-staggered"),
    }
}

/// A check: what it looks at, and its figures. Amounts are written by `money`.
pub fn check(of: &SupplyCheck, money: &dyn Fn(Money) -> String) -> Told {
    let said = Figures::of(of).map(|figures| compared(figures, money));
    let said = said.unwrap_or_else(|| told("check-as-written").with("text", of.figures.as_str()));
    told("check-line").with("name", named(of.code)).with("figures", said)
}

/// What a check compared.
fn compared(figures: Figures, money: &dyn Fn(Money) -> String) -> Told {
    let balance = |balance: Option<Money>, told: Told| match balance {
        Some(balance) => told.with("balance", money(balance)),
        None => told.with("balance", self::told("balance-unknown")),
    };
    match figures {
        Figures::Policy { cuts: true } => told("check-policy-cuts"),
        Figures::Policy { cuts: false } => told("check-policy-none"),
        Figures::Request { number, by, at } => {
            told("check-request").with("number", number).with("by", by).with("at", at)
        }
        Figures::CutBelow { balance: now, limit } => balance(now, told("check-cut-below")).with("limit", money(limit)),
        Figures::RestoredAt { balance: now, limit, protected, cuts } => {
            let said = match (protected, cuts) {
                (true, _) => told("check-restored-protected"),
                (false, true) => told("check-restored-at"),
                (false, false) => told("check-restored-no-cuts"),
            };
            balance(now, said).with("limit", money(limit))
        }
        Figures::Protected { protected: true } => told("check-protected"),
        Figures::Protected { protected: false } => told("check-not-protected"),
        Figures::Fresh { newest: Some(at), most_s } => told("check-fresh").with("at", at).with("most", span(most_s)),
        Figures::Fresh { newest: None, .. } => told("check-no-reading"),
        Figures::Link { answers: true, meter } => told("check-answers").with("meter", meter),
        Figures::Link { answers: false, meter } => told("check-no-answer").with("meter", meter),
        Figures::ByBalance => told("check-by-balance"),
        Figures::Persons { needed, by, approver } if approver == "nobody" => {
            told("check-not-approved").with("needed", needed).with("by", by)
        }
        Figures::Persons { needed, by, approver } => {
            told("check-approved").with("needed", needed).with("by", by).with("approver", approver)
        }
        Figures::Dispute { open: false, .. } => told("check-no-complaint"),
        Figures::Dispute { open: true, holds: true } => told("check-complaint-holds"),
        Figures::Dispute { open: true, holds: false } => told("check-complaint"),
        Figures::Weather { hold: None, .. } => told("check-no-weather"),
        Figures::Weather { hold: Some(hold), holds: true } => told("check-weather-holds").with("hold", hold),
        Figures::Weather { hold: Some(hold), holds: false } => told("check-weather").with("hold", hold),
        Figures::Window { minutes: None } => told("check-no-window"),
        Figures::Window { minutes: Some((from, to)) } => {
            told("check-window").with("from", clock(from)).with("to", clock(to))
        }
        Figures::PersonAsked => told("check-person-asked"),
        Figures::Notice { warned: Some(at), least_s } => {
            told("check-warned").with("at", at).with("least", span(least_s))
        }
        Figures::Notice { warned: None, least_s } => told("check-never-warned").with("least", span(least_s)),
        Figures::BlastRadius { cut, most, all } => {
            told("check-others").with("cut", cut).with("most", most).with("all", all)
        }
        Figures::Retry { failures: 0, .. } => told("check-no-failure"),
        Figures::Retry { failures, last, pause_s } => {
            let last = last.map(|at| told("the-last-at").with("at", at));
            told("check-failures").with("failures", failures).with("last", last).with("pause", span(pause_s))
        }
        Figures::Confirmed { asked: false, .. } => told("check-no-confirmation"),
        Figures::Confirmed { asked: true, confirmed: true } => told("check-confirmed"),
        Figures::Confirmed { asked: true, confirmed: false } => told("check-not-confirmed"),
        Figures::Staggered { last: None, .. } => told("check-no-restore"),
        Figures::Staggered { last: Some(at), spacing_s } => {
            told("check-staggered").with("at", at).with("spacing", span(spacing_s))
        }
    }
}

/// A minute of the day as `07:30`.
fn clock(minute: i64) -> String {
    format!("{:02}:{:02}", minute.div_euclid(60), minute.rem_euclid(60))
}

/// What happened.
pub fn happened(event: &SupplyEvent, money: &dyn Fn(Money) -> String) -> Told {
    let why = |told: Told, by: &str, reason: &str| told.with("by", by).with("reason", reason);
    match event {
        SupplyEvent::SupplyPolicyPublished(data) => {
            told("supply-was-policy").with("by", data.by.as_str()).with("version", data.version)
        }
        SupplyEvent::PointProtected(data) => why(told("supply-was-protected"), &data.by, &data.reason),
        SupplyEvent::PointUnprotected(data) => why(told("supply-was-unprotected"), &data.by, &data.reason),
        SupplyEvent::DisputeOpened(data) => why(told("supply-was-disputed"), &data.by, &data.reason),
        SupplyEvent::DisputeClosed(data) => why(told("supply-was-settled"), &data.by, &data.reason),
        SupplyEvent::WeatherHeld(data) => {
            why(told("supply-was-weather"), &data.by, &data.reason).with("until", data.until)
        }
        SupplyEvent::SupplyRequested(data) => {
            let said = match data.to {
                OutputState::Disconnected => told("supply-was-asked-off"),
                OutputState::Connected => told("supply-was-asked-on"),
            };
            why(said, &data.by, &data.reason)
        }
        SupplyEvent::SupplyApproved(data) => told("supply-was-approved").with("by", data.by.as_str()),
        SupplyEvent::ReconnectionConfirmed(data) => told("supply-was-safe").with("by", data.by.as_str()),
        SupplyEvent::SupplyObserved(data) => told("supply-was-read").with("state", side(data.read_back)),
        SupplyEvent::SupplyModeObserved(data) if data.remote => told("supply-was-remote"),
        SupplyEvent::SupplyModeObserved(_) => told("supply-was-local"),
        SupplyEvent::SupplyWarned(data) => told("supply-was-warned").with("balance", money(data.balance_minor)),
        SupplyEvent::WarningCleared(data) => told("supply-was-cleared").with("balance", money(data.balance_minor)),
        SupplyEvent::ReconnectionOffered(_) => told("supply-was-offered"),
        SupplyEvent::SupplyCommandOrdered(data) => {
            let said = match data.to {
                OutputState::Disconnected => told("supply-was-ordered-off"),
                OutputState::Connected => told("supply-was-ordered-on"),
            };
            let reason = match data.reason {
                SupplyReason::Balance => told("ordered-by-balance"),
                SupplyReason::Person => told("ordered-by-person"),
            };
            said.with("command", data.command).with("why", reason)
        }
        SupplyEvent::SupplyCommandSent(data) => told("supply-was-sent").with("command", data.command),
        SupplyEvent::SupplyCutConfirmed(data) => {
            told("supply-was-cut").with("command", data.command).with("seen", seen(&data.evidence))
        }
        SupplyEvent::SupplyRestoredConfirmed(data) => {
            told("supply-was-restored").with("command", data.command).with("seen", seen(&data.evidence))
        }
        SupplyEvent::SupplyCommandFailed(data) => told("supply-was-failed")
            .with("command", data.command)
            .with("why", failed(data.reason))
            .with("seen", data.evidence.as_ref().map(seen)),
        SupplyEvent::SupplyCommandExpired(data) => {
            told("supply-was-expired").with("command", data.command).with("until", data.valid_until)
        }
        SupplyEvent::SupplyCommandCancelled(data) => {
            let reason = match data.reason {
                CancelReason::NewerRecharge => told("cancelled-paid"),
                CancelReason::NewerRequest => told("cancelled-asked"),
                CancelReason::NoLongerPasses => told("cancelled-held"),
            };
            told("supply-was-cancelled").with("command", data.command).with("why", reason)
        }
        SupplyEvent::SupplyCutHeld(data) => {
            told("supply-was-held-off").with("check", held(&data.checks, data.reason, money))
        }
        SupplyEvent::SupplyRestoreHeld(data) => {
            told("supply-was-held-on").with("check", held(&data.checks, data.reason, money))
        }
    }
}

/// The check that holds a step.
fn held(checks: &[SupplyCheck], reason: CheckCode, money: &dyn Fn(Money) -> String) -> Told {
    checks.iter().find(|one| one.code == reason).map_or_else(|| named(reason), |one| check(one, money))
}

/// Where a relay is.
const fn side(state: OutputState) -> Told {
    match state {
        OutputState::Connected => told("relay-on"),
        OutputState::Disconnected => told("relay-off"),
    }
}

/// What was seen at the meter.
fn seen(evidence: &SwitchEvidence) -> Told {
    let state = evidence.read_back.map_or_else(|| told("relay-not-read"), side);
    let current = evidence.current_ma.map(|ma| told("seen-current").with("ma", ma));
    told("seen").with("state", state).with("current", current).with("at", evidence.at)
}

/// Why a command failed.
const fn failed(reason: SwitchFailure) -> Told {
    match reason {
        SwitchFailure::NoMeter => told("failed-no-meter"),
        SwitchFailure::NoRelay => told("failed-no-relay"),
        SwitchFailure::NoSerial => told("failed-no-serial"),
        SwitchFailure::OtherDevice => told("failed-other-device"),
        SwitchFailure::NotRemote => told("failed-not-remote"),
        SwitchFailure::Unreachable => told("failed-unreachable"),
        SwitchFailure::NotMoved => told("failed-not-moved"),
        SwitchFailure::RelayWelded => told("failed-relay-welded"),
        SwitchFailure::Unknown => told("failed-unknown"),
        SwitchFailure::NoOutcome => told("failed-no-outcome"),
    }
}
