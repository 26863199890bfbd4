//! What alarms say to people: a sentence with its figures.

use domain::event::{AlarmCleared, AlarmEnd, AlarmKind, AlarmRaised};
use domain::metering::Reason;
use domain::quantity::{Instant, Money, show_scaled};

use crate::told::{Told, span, told};

/// kWh of Wh.
fn kwh(wh: i64) -> String {
    show_scaled(wh.into(), 3, 0)
}

/// Why an alarm was raised.
pub fn raised(raised: &AlarmRaised, decimals: u8) -> Told {
    let AlarmRaised { level, limit, subject, .. } = raised;
    let (level, limit) = (*level, *limit);
    let figure = |name: &str| raised.figures.get(name).copied();
    let of = |name: &str| figure(name).unwrap_or_default();
    let said = match raised.kind {
        AlarmKind::LowBalance => {
            let money = |name: &str| Money::new(of(name)).major(decimals);
            let days = of("days");
            let by = if days == 1 { told("the-last-day") } else { told("the-last-days").with("days", days) };
            told("alarm-says-low-balance")
                .with("level", level)
                .with("limit", limit)
                .with("balance", money("balance_minor"))
                .with("by", by)
                .with("day", money("per_day_minor"))
        }
        AlarmKind::SilentMeter => told("alarm-says-silent-meter")
            .with("level", span(level))
            .with("since", Instant::new(of("last_reading_s")))
            .with("limit", span(limit)),
        AlarmKind::Overload => told("alarm-says-overload")
            .with("power", of("power_w"))
            .with("level", level)
            .with("most", of("limit_w"))
            .with("limit", limit),
        AlarmKind::SuddenLoad => told("alarm-says-sudden-load")
            .with("power", of("power_w"))
            .with("level", level)
            .with("peak", of("peak_w"))
            .with("limit", limit),
        AlarmKind::StuckRegister => match figure("power_w") {
            Some(power) => told("alarm-says-stuck-flowing").with("level", span(level)).with("power", power),
            None => told("alarm-says-stuck-usual").with("level", span(level)).with("usual", kwh(of("usual_wh"))),
        },
        AlarmKind::ClockOff => {
            let side = if of("ahead_s") < 0 { told("clock-behind") } else { told("clock-ahead") };
            told("alarm-says-clock-off").with("level", span(level)).with("side", side).with("limit", span(limit))
        }
        AlarmKind::RatesOff => told("alarm-says-rates-off")
            .with("rates", kwh(of("rates_wh")))
            .with("total", kwh(of("total_wh")))
            .with("level", level)
            .with("limit", limit),
        AlarmKind::RelayWelded => told("alarm-says-relay-welded"),
        AlarmKind::RelayMode => told("alarm-says-relay-mode"),
        AlarmKind::Loss => told("alarm-says-loss")
            .with("main", kwh(of("main_wh")))
            .with("tenants", kwh(of("tenants_wh")))
            .with("common", kwh(of("common_wh")))
            .with("loss", kwh(of("loss_wh")))
            .with("level", level)
            .with("limit", limit),
        AlarmKind::ReadingHeld => {
            let reason = usize::try_from(of("reason")).ok().and_then(|at| Reason::ALL.get(at));
            let register = figure("register_mwh").map(|mwh| show_scaled(mwh.into(), 6, 0));
            told("alarm-says-reading-held")
                .with("level", level)
                .with("register", register.map(|kwh| told("register-of").with("kwh", kwh)))
                .with("time", Instant::new(of("reading_time_s")))
                .with("reason", reason.map(|reason| held_as(*reason)))
        }
    };
    said.with("subject", subject.to_string())
}

/// Why a reading is held.
pub(crate) const fn held_as(reason: Reason) -> Told {
    match reason {
        Reason::NotANumber => told("reading-not-a-number"),
        Reason::SerialMismatch => told("reading-serial-mismatch"),
        Reason::BeforeInstallation => told("reading-before-installation"),
        Reason::AfterRemoval => told("reading-after-removal"),
        Reason::Future => told("reading-future"),
        Reason::Conflict => told("reading-conflict"),
        Reason::GhostZero => told("reading-ghost-zero"),
        Reason::Backwards => told("reading-backwards"),
        Reason::TooFast => told("reading-too-fast"),
    }
}

/// As `raised`, in English.
pub fn raised_text(alarm: &AlarmRaised, decimals: u8) -> String {
    raised(alarm, decimals).english()
}

/// Why an alarm is over.
pub fn cleared_text(cleared: &AlarmCleared) -> String {
    let AlarmCleared { end, kind, level, since, subject, .. } = cleared;
    match end {
        AlarmEnd::Gone => format!("{subject}: {kind} is over: there is nothing left to look at"),
        AlarmEnd::Back => {
            let level = level.map(|level| format!(", at {level}")).unwrap_or_default();
            format!("{subject}: {kind} is over since {since}{level}")
        }
    }
}
