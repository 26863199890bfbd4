//! A month of an account by day, stacked by period, with what each day cost.

use std::collections::{BTreeMap, BTreeSet};

use askama::Template;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;
use domain::event::AccountId;
use domain::quantity::{Date, Energy, Month};

use super::day::{legend, parts, tones};
use super::{Spot, base, coin, frame, gaps};
use crate::identity::Permission;
use crate::portal::chart::{Axis, Bar, Bars, Swatch};
use crate::portal::error::Fault;
use crate::portal::page::{Frame, page};
use crate::portal::show::{self, Coin, day_number};
use crate::portal::visit::Visit;
use crate::portal::words::Language;
use crate::query::{self, Curve, DaySum, Days, QueryError, Step, View, Whose};

/// What is read of a month.
pub(super) struct Read {
    month: Month,
    today: Date,
    first: Option<Month>,
    used: Option<Curve>,
    sums: Days,
    days: BTreeMap<Date, BTreeMap<String, Energy>>,
    gaps: BTreeMap<Date, i64>,
}

/// Reads an account's month by day.
pub(super) fn read(view: &View<'_>, account: &AccountId, month: Option<Month>) -> Result<Read, QueryError> {
    let calendar = &view.premises().calendar;
    let today = calendar.day_of(view.until());
    let month = month.unwrap_or_else(|| today.month());
    let (from, until) = (calendar.start_of(month.first()), calendar.end_of(month.last()).min(view.until()));
    let whose = Whose::Account(account.clone());
    let used = if from < until { Some(query::curve(view, &whose, from, until, Step::Day)?) } else { None };
    let mut days: BTreeMap<Date, BTreeMap<String, Energy>> = BTreeMap::new();
    for bar in used.iter().flat_map(|curve| &curve.bars) {
        let period = bar.period.clone().unwrap_or_default();
        let day = days.entry(calendar.day_of(bar.from)).or_default();
        *day.entry(period).or_default() += Energy::new(bar.kwh.mwh);
    }
    let sums = query::days(view, account, month)?;
    let mut gaps = BTreeMap::new();
    for day in sums.days.iter().filter(|day| day.interpolated.mwh > 0).filter_map(|day| Date::parse(&day.day)) {
        let until = calendar.end_of(day).min(view.until());
        let quarters = query::curve(view, &whose, calendar.start_of(day), until, Step::Quarter)?;
        gaps.insert(day, gaps::seconds(&quarters));
    }
    Ok(Read { month, today, first: view.months().next(), used, sums, days, gaps })
}

/// A day of the table.
struct DayRow {
    href: String,
    name: String,
    parts: Vec<String>,
    kwh: String,
    charges: String,
    gap: Option<String>,
}

/// A month, drawn.
pub(super) struct MonthView {
    pub title: String,
    pub href: String,
    pub total: String,
    pub charges: String,
    pub chart: Bars,
    pub legend: Vec<Swatch>,
    split: String,
    gap: Option<String>,
    kwh: String,
    periods: Vec<String>,
    sums: Vec<String>,
    days: Vec<DayRow>,
}

impl MonthView {
    /// Draws what was read.
    pub(super) fn of(read: &Read, base: &str, language: Language, coin: &Coin) -> Self {
        let tones = tones(read.used.as_ref());
        let total = Energy::new(read.used.as_ref().map_or(0, |curve| curve.total.mwh));
        let title = language.month(read.month);
        let bars: Vec<Bar> = (0..read.month.days()).map(|number| read.bar(number, &tones, language)).collect();
        let names: BTreeSet<&String> = read.days.values().flat_map(BTreeMap::keys).collect();
        let sum = |name: &&String| {
            let all = read.days.values().filter_map(|of| of.get(*name)).copied();
            show::kwh(all.sum())
        };
        let money =
            |of: fn(&DaySum) -> i64| coin.money(read.sums.days.iter().map(of).map(domain::quantity::Money::new).sum());
        let (indoor, shared) = (money(|day| day.indoor.minor), money(|day| day.shared.minor));
        let gap: i64 = read.gaps.values().copied().fold(0, i64::saturating_add);
        Self {
            chart: Bars::draw(language.say1("chart-month", "month", &title), Axis::Energy, &bars),
            href: format!("{base}/month/{}", read.month),
            title,
            total: language.say1("day-total", "kwh", &show::kwh(total)),
            charges: coin.text(&read.sums.charges.text),
            legend: legend(&tones, language),
            split: language.say_with("own-and-shared", &[("indoor", &indoor), ("shared", &shared)]),
            gap: gaps::said(gap, language),
            kwh: show::kwh(total),
            periods: names.iter().map(|name| language.period(name)).collect(),
            sums: names.iter().map(sum).collect(),
            days: read.rows(&names, base, language, coin),
        }
    }
}

impl Read {
    fn bar(&self, number: i32, tones: &BTreeMap<String, u8>, language: Language) -> Bar {
        let (date, day) = (self.month.first().plus(number), number.saturating_add(1));
        let nothing = BTreeMap::new();
        let energies = self.days.get(&date).unwrap_or(&nothing);
        let labelled = day == 1 || day.rem_euclid(5) == 0;
        let total = energies.values().copied().sum();
        Bar {
            label: if labelled { day_number(date) } else { String::new() },
            title: format!("{}: {} kWh", language.day(date), show::kwh(total)),
            parts: parts(energies, tones),
            before: None,
        }
    }

    fn rows(&self, names: &BTreeSet<&String>, base: &str, language: Language, coin: &Coin) -> Vec<DayRow> {
        let nothing = BTreeMap::new();
        let row = |day: &DaySum| {
            let date = Date::parse(&day.day)?;
            let energies = self.days.get(&date).unwrap_or(&nothing);
            let part = |name: &&String| show::kwh(energies.get(*name).copied().unwrap_or_default());
            Some(DayRow {
                href: format!("{base}/day/{date}"),
                name: language.short_day(date),
                parts: names.iter().map(part).collect(),
                kwh: show::kwh(Energy::new(day.kwh.mwh)),
                charges: coin.text(&day.charges.text),
                gap: self.gaps.get(&date).map(|gap| language.say1("interpolated", "length", &language.hours(*gap))),
            })
        };
        self.sums.days.iter().rev().filter_map(row).collect()
    }
}

#[derive(Template)]
#[template(path = "tenant/month_page.html")]
struct MonthPage {
    frame: Frame,
    before: (String, String),
    after: (String, String),
    month: MonthView,
}

/// `GET …/usage`: the month of now.
pub(super) async fn now(visit: Visit, Path((site, account)): Path<(String, String)>) -> Response {
    answer(visit, &site, &account, None).await
}

/// `GET …/month/{month}`
pub(super) async fn of(visit: Visit, Path((site, account, month)): Path<(String, String, String)>) -> Response {
    match Month::parse(&month) {
        Some(month) => answer(visit, &site, &account, Some(month)).await,
        None => visit.fault(Fault::NotFound),
    }
}

async fn answer(visit: Visit, site: &str, account: &str, month: Option<Month>) -> Response {
    let (served, account) = match visit.account(site, account, Permission::ReadAccount) {
        Ok(found) => found,
        Err(fault) => return visit.fault(fault),
    };
    let (base, language) = (base(site, account.as_str()), visit.reader.language);
    let read = match query::read(&served.desk, move |view| read(&view, &account, month)).await {
        Ok(read) => read,
        Err(error) => return visit.fault(error.into()),
    };
    let coin = coin(&served.desk.moment());
    let href = |month: Month| format!("{base}/month/{month}");
    let before = read.first.filter(|first| *first < read.month).map(|_| href(read.month.plus(-1)));
    let after = (read.month < read.today.month()).then(|| href(read.month.next()));
    let sheet = MonthPage {
        frame: frame(&visit, site, &base, Spot::Usage, language.month(read.month)),
        before: (language.say("month-prev"), before.unwrap_or_default()),
        after: (language.say("month-next"), after.unwrap_or_default()),
        month: MonthView::of(&read, &base, language, &coin),
    };
    page(StatusCode::OK, &sheet)
}
