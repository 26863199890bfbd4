//! What alarms say to people: a sentence with its figures.

use domain::event::{AlarmCleared, AlarmEnd, AlarmKind, AlarmRaised};
use domain::metering::Reason;
use domain::quantity::{Instant, Money, show_scaled};

/// kWh of Wh.
fn kwh(wh: i64) -> String {
    show_scaled(wh.into(), 3, 0)
}

/// A span in words: the largest unit of which there are two at least.
fn span(seconds: i64) -> String {
    let (count, unit) = match seconds {
        ..120 => (seconds, "s"),
        120..7200 => (seconds.div_euclid(60), "min"),
        7200..172_800 => (seconds.div_euclid(3600), "h"),
        _ => (seconds.div_euclid(86_400), "days"),
    };
    format!("{count} {unit}")
}

/// Why an alarm was raised.
pub fn raised_text(raised: &AlarmRaised, decimals: u8) -> String {
    let AlarmRaised { level, limit, subject, .. } = raised;
    let figure = |name: &str| raised.figures.get(name).copied();
    let of = |name: &str| figure(name).unwrap_or_default();
    match raised.kind {
        AlarmKind::LowBalance => {
            let money = |name: &str| Money::new(of(name)).major(decimals);
            let (balance, day, days) = (money("balance_minor"), money("per_day_minor"), of("days"));
            let by = if days == 1 { "the last day".to_owned() } else { format!("the last {days} days") };
            format!(
                "{subject}: {level} hours left: the balance is {balance}, and {by} cost {day} a day; warned at {limit} hours"
            )
        }
        AlarmKind::SilentMeter => {
            let last = Instant::new(of("last_reading_s"));
            format!("{subject}: no reading for {} (since {last}), more than {}", span(*level), span(*limit))
        }
        AlarmKind::Overload => {
            let (power, most) = (of("power_w"), of("limit_w"));
            format!("{subject}: {power} W is {level} % of its limit of {most} W; warned at {limit} %")
        }
        AlarmKind::SuddenLoad => {
            let (power, peak) = (of("power_w"), of("peak_w"));
            format!(
                "{subject}: {power} W for a quarter of an hour is {level} % of the day's highest, {peak} W; warned at {limit} %"
            )
        }
        AlarmKind::StuckRegister => figure("power_w").map_or_else(
            || {
                let usual = kwh(of("usual_wh"));
                format!(
                    "{subject}: its register stands still for {}, which usually brings {usual} kWh or more",
                    span(*level)
                )
            },
            |power| format!("{subject}: its register stands still for {}, while {power} W flow", span(*level)),
        ),
        AlarmKind::ClockOff => {
            let side = if of("ahead_s") < 0 { "behind" } else { "ahead" };
            format!("{subject}: its clock is {} {side}, more than {}", span(*level), span(*limit))
        }
        AlarmKind::RatesOff => {
            let (total, rates) = (kwh(of("total_wh")), kwh(of("rates_wh")));
            format!(
                "{subject}: its rates add up to {rates} kWh, its total is {total}: {level} Wh apart, more than {limit}"
            )
        }
        AlarmKind::RelayWelded => format!("{subject}: its relay reads off, and current flows: it is welded"),
        AlarmKind::RelayMode => format!("{subject}: its relay does not obey: its mode is not remote"),
        AlarmKind::Loss => {
            let (main, tenants, common, loss) =
                (kwh(of("main_wh")), kwh(of("tenants_wh")), kwh(of("common_wh")), kwh(of("loss_wh")));
            format!(
                "{subject}: main {main} kWh, tenants {tenants}, common {common}: {loss} is lost, {level} %, more than {limit} %"
            )
        }
        AlarmKind::ReadingHeld => {
            let reason =
                usize::try_from(of("reason")).ok().and_then(|at| Reason::ALL.get(at)).map_or("", |one| one.code());
            let register = figure("register_mwh").map(|mwh| format!("{} kWh of ", show_scaled(mwh.into(), 6, 0)));
            let (register, at) = (register.unwrap_or_default(), Instant::new(of("reading_time_s")));
            format!(
                "{subject}: {level} readings are held and not billed; the newest, {register}{at}, as {reason}: release or withdraw it"
            )
        }
    }
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
