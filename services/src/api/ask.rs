//! What a request says: the caller that was let in, the path's parts, and the query.

use axum::Json;
use axum::extract::{FromRequestParts, Query, RawPathParams};
use axum::http::request::Parts;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use clap::ValueEnum as _;
use domain::event::AccountId;
use domain::premises::Calendar;
use domain::quantity::{Date, Instant};
use serde::{Deserialize, Serialize};

use super::table::Parameter;
use crate::export::Table;
use crate::query::{KnownAt, ProofAsk, QueryError, Step, View, Which, as_known, read};
use crate::serve::ServedSite;
use crate::serve::access::{Caller, Problem};

/// Rows of a page where nothing is said, and at most.
const ROWS: usize = 100;
const MOST_ROWS: usize = 1000;

/// The query of a request. What an operation does not know is an error.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Said {
    from: Option<String>,
    until: Option<String>,
    step: Option<String>,
    limit: Option<String>,
    cursor: Option<String>,
    loss_percent: Option<String>,
    table: Option<String>,
    through: Option<String>,
    known_at: Option<String>,
    event: Option<String>,
    size: Option<String>,
    since: Option<String>,
}

/// A request that was let in.
#[derive(Debug)]
pub(super) struct Ask {
    pub(super) caller: Caller,
    params: Vec<(String, String)>,
    said: Said,
}

impl<S: Send + Sync> FromRequestParts<S> for Ask {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let caller = parts.extensions.get::<Caller>().cloned().ok_or_else(Problem::not_found)?;
        let mut params = Vec::new();
        if let Ok(raw) = RawPathParams::from_request_parts(parts, state).await {
            params.extend(raw.iter().map(|(name, value)| (name.to_owned(), value.to_owned())));
        }
        let said = Query::<Said>::try_from_uri(&parts.uri);
        let Query(said) =
            said.map_err(|_| Problem::parameter("query", "only parameters of this operation, each once"))?;
        Ok(Self { caller, params, said })
    }
}

/// A page of a list.
#[derive(Debug, Serialize)]
pub(super) struct Page<T> {
    items: Vec<T>,
    /// What `cursor` gives the next page; null on the last.
    next: Option<String>,
}

impl Ask {
    /// The site that the path names.
    pub(super) fn site(&self) -> Result<&ServedSite, Problem> {
        self.caller.site.as_ref().ok_or_else(Problem::not_found)
    }

    /// The account that the path names.
    pub(super) fn account(&self) -> Result<AccountId, Problem> {
        self.caller.account.clone().ok_or_else(Problem::not_found)
    }

    /// Another part of the path, read so; what cannot be read is not there.
    pub(super) fn part<T>(&self, name: &str, parse: impl Fn(&str) -> Option<T>) -> Result<T, Problem> {
        let text = self.params.iter().find(|(known, _)| known == name).map(|(_, text)| text.as_str());
        text.and_then(parse).ok_or_else(Problem::not_found)
    }

    /// Refuses what the operation does not take.
    pub(super) fn takes(self, known: &[Parameter]) -> Result<Self, Problem> {
        let said = [
            (self.said.from.is_some(), Parameter::From),
            (self.said.until.is_some(), Parameter::Until),
            (self.said.step.is_some(), Parameter::Step),
            (self.said.limit.is_some(), Parameter::Limit),
            (self.said.cursor.is_some(), Parameter::Cursor),
            (self.said.loss_percent.is_some(), Parameter::LossPercent),
            (self.said.table.is_some(), Parameter::Table),
            (self.said.through.is_some(), Parameter::Through),
            (self.said.known_at.is_some(), Parameter::KnownAt),
            (self.said.event.is_some(), Parameter::Event),
            (self.said.size.is_some(), Parameter::Size),
            (self.said.since.is_some(), Parameter::Since),
        ];
        let strange = said.iter().any(|(is_said, parameter)| *is_said && !known.contains(parameter));
        if strange {
            Err(Problem::parameter("query", "only parameters of this operation, each once"))
        } else {
            Ok(self)
        }
    }

    /// Asks in a turn of the site's desk; of a site as it was known then, where that is said.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        ask: impl FnOnce(View<'_>) -> Result<T, QueryError> + Send + 'static,
    ) -> Result<T, Problem> {
        let site = self.site()?;
        let Some(text) = &self.said.known_at else { return Ok(read(&site.desk, ask).await?) };
        let wanted = "an instant, a local day or time, or a position of the log";
        let known = KnownAt::parse(text, &site.desk.moment().premises.calendar);
        Ok(as_known(site, known.ok_or_else(|| Problem::parameter("known_at", wanted))?, ask).await?)
    }

    /// The range that is asked for; today so far, where nothing is said.
    pub(super) fn range(&self) -> Result<(Instant, Instant), Problem> {
        let moment = self.site()?.desk.moment();
        let (calendar, now) = (&moment.premises.calendar, moment.live_at.1);
        let given = |name: &str, text: &Option<String>| {
            let wanted = "an instant such as 2026-03-01T00:00:00Z, or a local day such as 2026-03-01";
            text.as_ref()
                .map(|text| instant(calendar, text).ok_or_else(|| Problem::parameter(name, wanted)))
                .transpose()
        };
        let from = given("from", &self.said.from)?;
        let until = given("until", &self.said.until)?.unwrap_or(now.plus(1));
        let today = calendar.start_of(calendar.day_of(now.min(until.plus(-1))));
        Ok((from.unwrap_or(today), until))
    }

    /// As `range`, but all of the past where nothing is said.
    pub(super) fn range_of_all(&self) -> Result<(Instant, Instant), Problem> {
        let (from, until) = self.range()?;
        let all = self.said.from.is_none();
        Ok((if all { Instant::new(-2_208_988_800) } else { from }, until))
    }

    /// How long a bar is; an hour where nothing is said.
    pub(super) fn step(&self) -> Result<Step, Problem> {
        let Some(text) = &self.said.step else { return Ok(Step::Hour) };
        Step::parse(text).ok_or_else(|| Problem::parameter("step", "minute, quarter, hour or day"))
    }

    /// How far apart rows are, in seconds; a minute where nothing is said.
    pub(super) fn step_s(&self) -> Result<i64, Problem> {
        if self.said.step.is_none() {
            return Ok(60);
        }
        Ok(match self.step()? {
            Step::Minute => 60,
            Step::Quarter => 900,
            Step::Hour => 3_600,
            Step::Day => 86_400,
        })
    }

    /// The local days that are asked for: the first, and the one after the last.
    pub(super) fn days(&self) -> Result<(Option<Date>, Option<Date>), Problem> {
        let day = |name: &str, text: &Option<String>| {
            let wanted = || Problem::parameter(name, "a local day such as 2026-03-01");
            text.as_ref().map(|text| super::account::day(text).ok_or_else(wanted)).transpose()
        };
        let (from, until) = (day("from", &self.said.from)?, day("until", &self.said.until)?);
        if let (Some(from), Some(until)) = (from, until)
            && until <= from
        {
            return Err(Problem::parameter("until", "a day after from"));
        }
        Ok((from, until))
    }

    /// What rows a table has; charges where nothing is said.
    pub(super) fn table(&self) -> Result<Table, Problem> {
        let text = self.said.table.as_deref().unwrap_or("charges");
        Table::from_str(text, false).map_err(|_| Problem::parameter("table", "charges, postings or readings"))
    }

    /// The position that is asked for, at most this one.
    pub(super) fn through(&self, most: u64) -> Result<u64, Problem> {
        let Some(text) = &self.said.through else { return Ok(most) };
        let position = text.parse::<u64>().ok().filter(|position| (1..=most).contains(position));
        position.ok_or_else(|| Problem::parameter("through", &format!("a position, 1 to {most}")))
    }

    /// What is to be proven; with an account, of one of its events.
    pub(super) fn proof(&self, account: Option<AccountId>) -> Result<ProofAsk, Problem> {
        let number = |name: &str, text: &Option<String>| {
            let size = text.as_ref().map(|text| text.parse::<u64>());
            size.transpose().map_err(|_| Problem::parameter(name, "how many events the tree has"))
        };
        let which = |text: &String| {
            Which::parse(text).ok_or_else(|| Problem::parameter("event", "a position from 1, or an event's id"))
        };
        let event = self.said.event.as_ref().map(which).transpose()?;
        let (size, since) = (number("size", &self.said.size)?, number("since", &self.said.since)?);
        Ok(ProofAsk { event, size, since, account })
    }

    /// How many percent may be lost; five where nothing is said.
    pub(super) fn loss_percent(&self) -> Result<rust_decimal::Decimal, Problem> {
        let text = self.said.loss_percent.as_deref().unwrap_or("5");
        let percent = text.parse::<rust_decimal::Decimal>().ok();
        let within = percent.filter(|one| !one.is_sign_negative() && *one <= rust_decimal::Decimal::ONE_HUNDRED);
        within.filter(|one| one.scale() <= 8).ok_or_else(|| Problem::parameter("loss_percent", "0 to 100"))
    }

    /// How many rows, and after which.
    pub(super) fn paging(&self) -> Result<(usize, Option<String>), Problem> {
        let limit = match &self.said.limit {
            None => ROWS,
            Some(text) => {
                let limit = text.parse::<usize>().ok().filter(|limit| (1..=MOST_ROWS).contains(limit));
                limit.ok_or_else(|| Problem::parameter("limit", "1 to 1000"))?
            }
        };
        let unreadable = || Problem::parameter("cursor", "the `next` of the page before");
        let after = self.said.cursor.as_ref().map(|text| {
            let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| unreadable())?;
            String::from_utf8(bytes).map_err(|_| unreadable())
        });
        Ok((limit, after.transpose()?))
    }

    /// A page of rows that have keys.
    pub(super) fn page<T: Serialize>(
        &self,
        rows: Vec<T>,
        key: impl Fn(&T) -> String,
    ) -> Result<Json<Page<T>>, Problem> {
        let (limit, after) = self.paging()?;
        let start = match &after {
            None => 0,
            Some(after) => {
                let at = rows.iter().position(|row| key(row) == *after);
                at.map(|at| at.saturating_add(1))
                    .ok_or_else(|| Problem::parameter("cursor", "the `next` of the page before"))?
            }
        };
        let more = rows.len().saturating_sub(start) > limit;
        let items: Vec<T> = rows.into_iter().skip(start).take(limit).collect();
        let next = items.last().filter(|_| more).map(|row| cursor(&key(row)));
        Ok(Json(Page { items, next }))
    }
}

/// The cursor of a key.
pub(super) fn cursor(key: &str) -> String {
    URL_SAFE_NO_PAD.encode(key)
}

impl<T> Page<T> {
    /// Rows that are a page already.
    pub(super) fn of(items: Vec<T>, next: Option<String>) -> Json<Self> {
        Json(Self { items, next })
    }
}

/// An instant, or the start of a local day.
fn instant(calendar: &Calendar, text: &str) -> Option<Instant> {
    if let Ok(at) = Instant::parse(text) {
        return Some(at);
    }
    let day = Date::parse(text).filter(|day| (1900..3000).contains(&day.year()))?;
    Some(calendar.start_of(day))
}
