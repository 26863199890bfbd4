//! A day of an account: its curve by quarter hours, in colours of its periods, beside
//! the day before; by the minute for who has script.

use std::collections::BTreeMap;

use askama::Template;
use axum::Json;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use domain::event::AccountId;
use domain::premises::Calendar;
use domain::quantity::{Date, Energy, Instant};
use serde_json::{Value, json};

use super::{Spot, base, frame, gaps};
use crate::identity::Permission;
use crate::portal::chart::{Axis, Bar, Bars, Part, Swatch, tone};
use crate::portal::error::Fault;
use crate::portal::page::{Frame, page};
use crate::portal::show;
use crate::portal::visit::Visit;
use crate::portal::words::Language;
use crate::query::{self, Curve, QueryError, Step, View, Whose};

/// A quarter of an hour, in seconds.
const QUARTER: i64 = 900;
/// As the minutes are shown with script: by their power.
const POWER: Axis = Axis::Power(4);

/// The day's card.
#[derive(Template)]
#[template(path = "tenant/day.html")]
pub(super) struct Day {
    language: Language,
    title: String,
    table: String,
    compared: String,
    total: String,
    curve: String,
    chart: Bars,
    legend: Vec<Swatch>,
    before: String,
    gap: Option<String>,
    rows: Vec<(String, String, String)>,
}

/// What is read of a day.
pub(super) struct Read {
    date: Date,
    start: Instant,
    end: Instant,
    now: Instant,
    calendar: Calendar,
    used: Option<Curve>,
    before: Option<Curve>,
}

/// Reads an account's day and the day before, in steps.
pub(super) fn read(view: &View<'_>, account: &AccountId, date: Option<Date>, step: Step) -> Result<Read, QueryError> {
    let calendar = view.premises().calendar.clone();
    let now = view.until();
    let date = date.unwrap_or_else(|| calendar.day_of(now));
    let whose = Whose::Account(account.clone());
    let of = |date: Date| {
        let (from, until) = (calendar.start_of(date), calendar.end_of(date).min(now));
        if from < until { query::curve(view, &whose, from, until, step).map(Some) } else { Ok(None) }
    };
    let (used, before) = (of(date)?, of(date.previous())?);
    let (start, end) = (calendar.start_of(date), calendar.end_of(date));
    Ok(Read { date, start, end, now, calendar, used, before })
}

/// The energy of a curve by slots that begin so many seconds after `start`, each in parts by period.
fn slots(curve: Option<&Curve>, start: Instant, slot: i64) -> BTreeMap<i64, BTreeMap<String, Energy>> {
    let mut slots: BTreeMap<i64, BTreeMap<String, Energy>> = BTreeMap::new();
    for bar in curve.iter().flat_map(|curve| &curve.bars) {
        let at = bar.from.since(start).div_euclid(slot);
        let period = bar.period.clone().unwrap_or_default();
        *slots.entry(at).or_default().entry(period).or_default() += Energy::new(bar.kwh.mwh);
    }
    slots
}

/// The periods of a curve, in the order of the clock, each with its tone.
pub(super) fn tones(curve: Option<&Curve>) -> BTreeMap<String, u8> {
    let mut tones = BTreeMap::new();
    for bar in curve.iter().flat_map(|curve| &curve.bars) {
        let name = bar.period.clone().unwrap_or_default();
        let place = tones.len();
        tones.entry(name).or_insert_with_key(|name: &String| tone(name, place));
    }
    tones
}

/// The legend of tones.
pub(super) fn legend(tones: &BTreeMap<String, u8>, language: Language) -> Vec<Swatch> {
    let named = tones.iter().filter(|(name, _)| !name.is_empty());
    named.map(|(name, tone)| Swatch { tone: *tone, name: language.period(name) }).collect()
}

/// The parts of a bar, in the order of their tones.
pub(super) fn parts(energies: &BTreeMap<String, Energy>, tones: &BTreeMap<String, u8>) -> Vec<Part> {
    let part =
        |(name, energy): (&String, &Energy)| Part { tone: tones.get(name).copied().unwrap_or(0), energy: *energy };
    let mut parts: Vec<Part> = energies.iter().map(part).collect();
    parts.sort_by_key(|part| part.tone);
    parts
}

impl Day {
    /// Draws what was read.
    pub(super) fn of(read: &Read, base: &str, language: Language, is_today: bool) -> Self {
        let tones = tones(read.used.as_ref());
        let (used, before) = (slots(read.used.as_ref(), read.start, QUARTER), read.before_slots());
        let count = read.end.since(read.start).div_euclid(QUARTER);
        let nothing = BTreeMap::new();
        let sum = |energies: &BTreeMap<String, Energy>| energies.values().copied().sum::<Energy>();
        let bar = |slot: i64| {
            let clock = read.clock(slot.saturating_mul(QUARTER));
            let energies = used.get(&slot).unwrap_or(&nothing);
            let periods: Vec<String> = energies.keys().map(|name| language.period(name)).collect();
            Bar {
                label: if slot.rem_euclid(12) == 0 { clock.clone() } else { String::new() },
                title: format!("{clock} {} {} kW", periods.join(", "), POWER.said(sum(energies))),
                parts: parts(energies, &tones),
                before: before.get(&slot).map(sum),
            }
        };
        let bars: Vec<Bar> = (0..count).map(bar).collect();
        let (day, total) = (language.day(read.date), read.total());
        let name = language.say1("chart-day", "date", &day);
        let table = language.say1("day-by-hour", "date", &day);
        let total_key = if is_today { "today-total" } else { "day-total" };
        Self {
            language,
            title: if is_today { format!("{}, {day}", language.say("today")) } else { day },
            compared: if is_today {
                language.say1("today-yesterday", "kwh", &show::kwh(read.before_by_now()))
            } else {
                String::new()
            },
            total: language.say1(total_key, "kwh", &show::kwh(total)),
            curve: format!("{base}/day/{}/curve", read.date),
            chart: Bars::draw(name, POWER, &bars),
            table,
            legend: legend(&tones, language),
            before: if before.is_empty() { String::new() } else { language.say("day-before-line") },
            gap: gaps::note(read.used.as_ref(), language),
            rows: read.rows(language),
        }
    }
}

impl Read {
    fn clock(&self, seconds: i64) -> String {
        let at = self.start.plus(seconds);
        show::clock(at, self.calendar.offset_at(at))
    }

    fn total(&self) -> Energy {
        Energy::new(self.used.as_ref().map_or(0, |curve| curve.total.mwh))
    }

    fn before_start(&self) -> Instant {
        self.calendar.start_of(self.date.previous())
    }

    fn before_slots(&self) -> BTreeMap<i64, BTreeMap<String, Energy>> {
        slots(self.before.as_ref(), self.before_start(), QUARTER)
    }

    /// What was used the day before by the same time.
    fn before_by_now(&self) -> Energy {
        let by = self.before_start().plus(self.now.since(self.start));
        let bars = self.before.iter().flat_map(|curve| &curve.bars).filter(|bar| bar.until <= by);
        bars.map(|bar| Energy::new(bar.kwh.mwh)).sum()
    }

    /// The table: by hour and period.
    fn rows(&self, language: Language) -> Vec<(String, String, String)> {
        let hours = slots(self.used.as_ref(), self.start, 3_600);
        let rows = hours.iter().flat_map(|(hour, energies)| {
            let clock = self.clock(hour.saturating_mul(3_600));
            energies.iter().map(move |(name, energy)| (clock.clone(), language.period(name), show::kwh(*energy)))
        });
        rows.collect()
    }

    /// The day by the minute, for the script.
    fn minutes(&self, language: Language) -> Value {
        let length = self.end.since(self.start).div_euclid(60);
        let tones = tones(self.used.as_ref());
        let series = tones
            .iter()
            .map(|(name, tone)| json!({"name": language.period(name), "tone": tone, "runs": self.runs(name)}));
        let start = self.before_start();
        let before = slots(self.before.as_ref(), start, 60);
        // By quarter hours, so that a day before another is a line to compare with and no second curve.
        let sum = |at: i64| before.get(&at).map(|of| of.values().copied().sum::<Energy>().get());
        let quarter = |at: i64| {
            let from = at.saturating_sub(at.rem_euclid(15));
            let known: Vec<i64> = (from..from.saturating_add(15)).filter_map(sum).collect();
            let count = i64::try_from(known.len()).ok().filter(|count| *count > 0)?;
            Some(known.into_iter().fold(0, i64::saturating_add).div_euclid(count))
        };
        let before = (0..length).map(quarter);
        let hours = (0..length).step_by(180).map(|at| (at, self.clock(at.saturating_mul(60))));
        let clock = (0..length).map(|at| self.clock(at.saturating_mul(60)));
        json!({
            "length": length, "series": series.collect::<Vec<_>>(), "before": before.collect::<Vec<_>>(),
            "hours": hours.collect::<Vec<_>>(), "clock": clock.collect::<Vec<_>>(),
            "words": {"time": language.say("col-hour"), "before": language.say("day-before-line")},
        })
    }

    /// The minutes of one period, as runs: where each begins, and its energies.
    fn runs(&self, period: &str) -> Vec<(i64, Vec<i64>)> {
        let mut runs: Vec<(i64, Vec<i64>)> = Vec::new();
        for (at, energies) in slots(self.used.as_ref(), self.start, 60) {
            let Some(energy) = energies.get(period) else { continue };
            let next =
                |(from, run): &(i64, Vec<i64>)| i64::try_from(run.len()).ok().map(|len| from.saturating_add(len));
            match runs.last_mut() {
                Some(last) if next(last) == Some(at) => last.1.push(energy.get()),
                _ => runs.push((at, vec![energy.get()])),
            }
        }
        runs
    }
}

/// `GET …/day/{date}/curve`: the day by the minute.
pub(super) async fn curve(visit: Visit, Path((site, account, date)): Path<(String, String, String)>) -> Response {
    let (served, account) = match visit.account(&site, &account, Permission::ReadAccount) {
        Ok(found) => found,
        Err(fault) => return visit.fault(fault),
    };
    let Some(date) = Date::parse(&date) else { return visit.fault(Fault::NotFound) };
    let ask = move |view: View<'_>| read(&view, &account, Some(date), Step::Minute);
    match query::read(&served.desk, ask).await {
        Ok(read) => Json(read.minutes(visit.reader.language)).into_response(),
        Err(error) => visit.fault(error.into()),
    }
}

#[derive(Template)]
#[template(path = "tenant/day_page.html")]
struct DayPage {
    frame: Frame,
    up: (String, String),
    before: (String, String),
    after: (String, String),
    day: Day,
}

/// `GET …/day/{date}`
pub(super) async fn of(visit: Visit, Path((site, account, date)): Path<(String, String, String)>) -> Response {
    let (served, account) = match visit.account(&site, &account, Permission::ReadAccount) {
        Ok(found) => found,
        Err(fault) => return visit.fault(fault),
    };
    let Some(date) = Date::parse(&date) else { return visit.fault(Fault::NotFound) };
    let (base, language) = (base(&site, account.as_str()), visit.reader.language);
    let asked = move |view: View<'_>| read(&view, &account, Some(date), Step::Quarter);
    let read = match query::read(&served.desk, asked).await {
        Ok(read) => read,
        Err(error) => return visit.fault(error.into()),
    };
    let today = read.calendar.day_of(read.now);
    let href = |date: Date| format!("{base}/day/{date}");
    let before = if read.before.is_some() { href(date.previous()) } else { String::new() };
    let after = if date < today { href(date.next()) } else { String::new() };
    let sheet = DayPage {
        frame: frame(&visit, &site, &base, Spot::Usage, language.day(date)),
        up: (language.month(date.month()), format!("{base}/month/{}", date.month())),
        before: (language.say("day-prev"), before),
        after: (language.say("day-next"), after),
        day: Day::of(&read, &base, language, date == today),
    };
    page(StatusCode::OK, &sheet)
}
