//! A bill of an account: as it was issued, or as it stands; every line with its working.

use askama::Template;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;
use domain::quantity::{Energy, Month};

use super::month::{self, MonthView};
use super::proof::{Stands, stands};
use super::{Spot, base, frame, names};
use crate::identity::Permission;
use crate::portal::chart::{Bars, Swatch};
use crate::portal::error::Fault;
use crate::portal::page::{Frame, page};
use crate::portal::sheet::exact;
use crate::portal::show::{self, Coin};
use crate::portal::visit::Visit;
use crate::portal::words::Language;
use crate::query::{self, Amount, Bill, Line, Source};

struct Group {
    id: &'static str,
    name: String,
    kwh: String,
    lines: Vec<LineView>,
}

struct LineView {
    name: String,
    amount: String,
    detail: String,
    steps: Vec<String>,
    /// Where its readings are shown; none of a bill under way.
    href: Option<String>,
}

/// A line, opened down to its readings.
#[derive(Template)]
#[template(path = "tenant/line.html")]
struct LinePage {
    frame: Frame,
    up: (String, String),
    number: String,
    rows: Vec<(usize, String)>,
    stands: Option<Stands>,
}

#[derive(Template)]
#[template(path = "tenant/bill.html")]
struct BillPage {
    frame: Frame,
    base: String,
    place: String,
    issued: String,
    notes: Vec<String>,
    summary: Vec<(String, String)>,
    closing: String,
    charges: String,
    groups: Vec<Group>,
    adjustments: Vec<(String, String, String, String)>,
    chart: Bars,
    legend: Vec<Swatch>,
    chart_check: String,
    stands: Option<Stands>,
}

/// `GET …/bills/{month}`
pub(super) async fn bill(visit: Visit, Path((site, account, month)): Path<(String, String, String)>) -> Response {
    let (served, account) = match visit.account(&site, &account, Permission::ReadAccount) {
        Ok(found) => found,
        Err(fault) => return visit.fault(fault),
    };
    let Some(month) = Month::parse(&month) else { return visit.fault(Fault::NotFound) };
    let asked = account.clone();
    let read = query::read(&served.desk, move |view| {
        Ok((query::bill(&view, &asked, month)?, month::read(&view, &asked, Some(month))?))
    });
    let (bill, used) = match read.await {
        Ok(read) => read,
        Err(error) => return visit.fault(error.into()),
    };
    let (base, language) = (base(&site, account.as_str()), visit.reader.language);
    let moment = served.desk.moment();
    let (name, place) = names(&moment, &account);
    let coin = super::coin(&moment);
    let here = format!("{base}/bills/{month}");
    let teller = Teller { language, coin: &coin, here: &here, issued: bill.issued.is_some() };
    let title = language.say1("bill-title", "month", &language.month(month));
    let drawn = MonthView::of(&used, &base, language, &coin);
    let day = |when: &query::When| language.day(moment.premises.calendar.day_of(when.utc));
    let issued = bill.issued.as_ref().map(|when| language.say1("bill-issued", "date", &day(when)));
    let number = bill.number.map(|number| language.say1("bill", "number", &number.to_string()));
    let heading: Vec<String> = number.into_iter().chain(issued).collect();
    let open = language.say("bill-open");
    let sheet = BillPage {
        frame: frame(&visit, &site, &base, Spot::Bills, title),
        base,
        place: format!("{name} · {place}"),
        issued: if heading.is_empty() { open } else { heading.join(" · ") },
        notes: teller.notes(&bill),
        summary: teller.summary(&bill),
        closing: coin.text(&bill.closing_balance.text),
        charges: coin.text(&bill.charges.text),
        groups: teller.groups(&bill),
        adjustments: teller.adjustments(&bill),
        chart: drawn.chart,
        legend: drawn.legend,
        chart_check: language.say1("bill-chart-check", "kwh", &show::number(&bill.indoor_kwh.text)),
        stands: stands(&bill.events, &moment, &here, language),
    };
    page(StatusCode::OK, &sheet)
}

/// `GET …/bills/{month}/line/{line}`
pub(super) async fn line(
    visit: Visit,
    Path((site, account, month, line)): Path<(String, String, String, usize)>,
) -> Response {
    let (served, account) = match visit.account(&site, &account, Permission::ReadAccount) {
        Ok(found) => found,
        Err(fault) => return visit.fault(fault),
    };
    let Some(month) = Month::parse(&month) else { return visit.fault(Fault::NotFound) };
    let (base, language) = (base(&site, account.as_str()), visit.reader.language);
    let asked = account.clone();
    let read = query::read(&served.desk, move |view| query::bill(&view, &asked, month)).await;
    let explained = match query::explain_line(served, account, month, line).await {
        Ok(explained) => explained,
        Err(error) => return visit.fault(error.into()),
    };
    let here = format!("{base}/bills/{month}");
    let moment = served.desk.moment();
    let stands = read.ok().and_then(|bill| stands(&bill.events, &moment, &here, language));
    let time = |at| exact(&query::Show(&moment.premises).when(at));
    let rows = explained.steps.iter().map(|step| (step.depth, language.tell(&step.told, &time))).collect();
    let up = (language.say1("bill-title", "month", &language.month(month)), here);
    let number = line.to_string();
    let frame = frame(&visit, &site, &base, Spot::Bills, language.say1("line-title", "number", &number));
    page(StatusCode::OK, &LinePage { frame, up, number, rows, stands })
}

/// Says what a bill holds.
struct Teller<'a> {
    language: Language,
    coin: &'a Coin,
    here: &'a str,
    issued: bool,
}

impl Teller<'_> {
    fn notes(&self, bill: &Bill) -> Vec<String> {
        let mut notes = Vec::new();
        if bill.number.is_none() {
            notes.push(self.language.say("bill-open-note"));
        }
        if !bill.held.is_empty() {
            let why = |code: &String| {
                let key = format!("bill-held-{}", code.replace('_', "-"));
                // A rule of the law has a code of its own.
                self.language.find(&key, &[]).unwrap_or_else(|| code.clone())
            };
            let reasons: Vec<String> = bill.held.iter().map(why).collect();
            notes.push(self.language.say1("bill-held", "reasons", &reasons.join(", ")));
        }
        if !bill.silent.is_empty() {
            notes.push(self.language.say1("bill-silent", "points", &bill.silent.join(", ")));
        }
        notes
    }

    fn summary(&self, bill: &Bill) -> Vec<(String, String)> {
        let say = |key: &str| self.language.say(key);
        let minus = |amount: &Amount| self.coin.text(&negated(&amount.text));
        let mut rows = vec![(say("bill-opening"), self.coin.text(&bill.opening_balance.text))];
        for cash in &bill.cash {
            let kind = say(&format!("cash-{}", cash.kind));
            rows.push((format!("{kind} {}", cash.reference), self.coin.text(&cash.amount.text)));
        }
        rows.push((say("bill-indoor"), minus(&bill.indoor_amount)));
        rows.push((say("bill-shared"), minus(&bill.shared_amount)));
        if let Some(tax) = &bill.tax {
            let values = [("name", tax.name.as_str()), ("rate", &percent(&tax.rate))];
            let key = if tax.mode == "exclusive" { "bill-tax" } else { "bill-tax-included" };
            let amount = if tax.mode == "exclusive" { minus(&tax.amount) } else { self.coin.text(&tax.amount.text) };
            rows.push((self.language.say_with(key, &values), amount));
        }
        for one in &bill.adjustments {
            let text = format!("{} {}", say("bill-adjustments"), one.month);
            rows.push((text, minus(&one.amount)));
        }
        rows
    }

    fn groups(&self, bill: &Bill) -> Vec<Group> {
        let group = |id, key, kwh: &query::Kwh, amount: &Amount, lines: &[Line]| Group {
            id,
            name: self.language.say(key),
            kwh: format!("{} kWh · {}", show::number(&kwh.text), self.coin.text(&amount.text)),
            lines: lines.iter().map(|line| self.line(line)).collect(),
        };
        let indoor = group("indoor", "bill-indoor", &bill.indoor_kwh, &bill.indoor_amount, &bill.indoor);
        let shared = group("shared", "bill-shared", &bill.shared_kwh, &bill.shared_amount, &bill.shared);
        [indoor, shared].into_iter().filter(|group| !group.lines.is_empty()).collect()
    }

    fn unit(&self, unit: &str) -> String {
        self.language.find(&format!("unit-{unit}"), &[]).unwrap_or_default()
    }

    fn line(&self, line: &Line) -> LineView {
        let component = self.language.say(&format!("component-{}", line.component));
        let period = line.period.as_ref().map(|period| self.language.period(period));
        let tier = line.tier.map(|tier| self.language.say1("line-tier", "number", &tier.to_string()));
        let parts: Vec<String> = [line.name.clone(), period, tier].into_iter().flatten().collect();
        let name = if parts.is_empty() { component } else { parts.join(", ") };
        let amount = self.coin.text(&line.amount.text);
        let quantity = format!("{} {}", show::number(&line.quantity), self.unit(&line.unit));
        let detail = match &line.price {
            Some(price) => format!("{quantity} × {price}"),
            None => quantity,
        };
        let href = self.issued.then(|| format!("{}/line/{}", self.here, line.line));
        LineView { name, amount, detail, steps: self.steps(line), href }
    }

    fn steps(&self, line: &Line) -> Vec<String> {
        let language = self.language;
        let (quantity, unit) = (show::number(&line.quantity), self.unit(&line.unit));
        let amount = self.coin.text(&line.amount.text);
        let mut steps = Vec::new();
        if let Some(price) = &line.price {
            let days = line.days.zip(line.of_days).map(|(days, of)| (days.to_string(), of.to_string()));
            let (days, of) = days.as_ref().map_or(("", ""), |(days, of)| (days.as_str(), of.as_str()));
            let values = [
                ("quantity", quantity.as_str()),
                ("unit", unit.as_str()),
                ("price", price.as_str()),
                ("amount", amount.as_str()),
                ("days", days),
                ("of", of),
            ];
            let key = if days.is_empty() { "line-working" } else { "line-working-days" };
            steps.push(language.say_with(key, &values));
        }
        steps.push(match &line.source {
            Source::Point { point, tariff, version } => {
                let values = [("tariff", tariff.as_str()), ("version", &version.to_string())];
                format!("{point}. {}", language.say_with("line-tariff", &values))
            }
            Source::Pool { rules, pool_kwh, pool_amount, .. } => {
                let versions: Vec<String> = rules.iter().map(ToString::to_string).collect();
                let rule = language.say1("rule-versions", "versions", &versions.join(", "));
                let sum = self.coin.text(&pool_amount.text);
                let total = show::number(&pool_kwh.text);
                language.say_with("pool-line", &[("total", &total), ("sum", &sum), ("rule", &rule)])
            }
        });
        if line.interpolated.mwh > 0 {
            let kwh = show::kwh(Energy::new(line.interpolated.mwh));
            steps.push(language.say1("line-interpolated", "kwh", &kwh));
        }
        steps
    }

    fn adjustments(&self, bill: &Bill) -> Vec<(String, String, String, String)> {
        let row = |one: &query::Adjustment| {
            let month = Month::parse(&one.month).map_or_else(|| one.month.clone(), |month| self.language.month(month));
            let quantity = one.quantity.as_deref().map(show::number).unwrap_or_default();
            (one.what.clone(), month, quantity, self.coin.text(&one.amount.text))
        };
        bill.adjustments.iter().map(row).collect()
    }
}

/// A decimal with the other sign.
fn negated(text: &str) -> String {
    match text.strip_prefix('-') {
        Some(rest) => rest.to_owned(),
        None if text.contains(|digit: char| ('1'..='9').contains(&digit)) => format!("-{text}"),
        None => text.to_owned(),
    }
}

/// A rate in per cent: its point two places further, without zeros that say nothing.
fn percent(rate: &str) -> String {
    let (whole, part) = rate.split_once('.').unwrap_or((rate, ""));
    let part = format!("{part:0<2}");
    let (first, rest) = part.split_at_checked(2).unwrap_or((&part, ""));
    let whole = format!("{whole}{first}");
    let whole = whole.trim_start_matches('0');
    let rest = rest.trim_end_matches('0');
    let whole = if whole.is_empty() { "0" } else { whole };
    if rest.is_empty() { format!("{whole}%") } else { format!("{whole}.{rest}%") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_said_in_per_cent() {
        for (rate, said) in [("0.05", "5%"), ("0.2", "20%"), ("0.175", "17.5%"), ("0", "0%"), ("1.5", "150%")] {
            assert_eq!(percent(rate), said);
        }
    }

    #[test]
    fn charges_are_taken_from_a_balance() {
        assert_eq!(
            (negated("3.20"), negated("-3.20"), negated("0.00")),
            ("-3.20".into(), "3.20".into(), "0.00".into())
        );
    }
}
