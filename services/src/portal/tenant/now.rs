//! The balance of now: a card of the first page, and sent anew whenever it changes.

use std::convert::Infallible;
use std::time::{Duration, Instant};

use askama::Template;
use axum::extract::Path;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse as _, Response};
use domain::quantity::Energy;
use tokio_stream::StreamExt as _;
use tokio_stream::wrappers::WatchStream;

use crate::desk::Moment;
use crate::identity::Permission;
use crate::portal::error::Fault;
use crate::portal::show;
use crate::portal::visit::Visit;
use crate::portal::words::Language;
use crate::query::{self, Balance};

/// A meter that is silent for longer makes the numbers old, in seconds.
const OLD_S: i64 = 900;

/// A stream lasts so long at most.
const LONGEST: Duration = Duration::from_secs(600);

/// The card.
#[derive(Debug, Clone, PartialEq, Eq, Template)]
#[template(path = "tenant/now.html")]
pub(super) struct Now {
    language: Language,
    mood: &'static str,
    balance: String,
    until: Option<String>,
    days: Option<String>,
    remaining: Option<String>,
    as_of: String,
    old: bool,
}

impl Now {
    /// What an account has at a moment.
    pub(super) fn of(moment: &Moment, balance: Balance, language: Language) -> Self {
        let calendar = &moment.premises.calendar;
        let coin = super::coin(moment);
        let out = balance.balance.minor <= 0;
        let until = balance.lasts_until.as_ref().filter(|_| !out);
        let until = until.map(|when| language.say1("balance-until", "date", &language.day(calendar.day_of(when.utc))));
        let (as_of, old) = as_of(moment, &balance, language);
        Self {
            language,
            mood: mood(&balance),
            balance: coin.text(&balance.balance.text),
            until: if out { Some(language.say("balance-empty")) } else { until },
            days: balance.days_left,
            remaining: balance.remaining.map(|kwh| show::kwh(Energy::new(kwh.mwh))),
            as_of,
            old,
        }
    }
}

fn mood(balance: &Balance) -> &'static str {
    if balance.balance.minor <= 0 {
        "out"
    } else if balance.low {
        "low"
    } else {
        ""
    }
}

/// How old what is shown is: as of the readings, not of the looking.
fn as_of(moment: &Moment, balance: &Balance, language: Language) -> (String, bool) {
    let Some((newest, age)) = balance.newest_reading.as_ref().zip(balance.age_s) else {
        return (language.say("as-of-none"), true);
    };
    let time = show::clock(newest.utc, moment.premises.calendar.offset_at(newest.utc));
    let old = age > OLD_S;
    let key = if old { "as-of-old" } else { "as-of" };
    (language.say_with(key, &[("time", &time), ("ago", &language.ago(age))]), old)
}

/// `GET …/live`: the card, whenever it differs from the one that was sent before.
pub(super) async fn live(visit: Visit, Path((site, account)): Path<(String, String)>) -> Response {
    let (served, account) = match visit.account(&site, &account, Permission::ReadAccount) {
        Ok(found) => found,
        Err(fault) => return visit.fault(fault),
    };
    let language = visit.reader.language;
    let of = move |moment: &Moment| Some(Now::of(moment, query::balance(moment, &account).ok()?, language));
    let Some(mut last) = of(&served.desk.moment()) else { return visit.fault(Fault::NotFound) };
    let moments = WatchStream::from_changes(served.desk.watch());
    // Then the browser asks again, and who has signed out meanwhile is not let in.
    let began = Instant::now();
    let events = moments.take_while(move |_| began.elapsed() < LONGEST).filter_map(move |moment| {
        let now = of(&moment).filter(|now| *now != last)?;
        last = now;
        let text = last.render().ok()?;
        Some(Ok::<_, Infallible>(Event::default().data(text)))
    });
    Sse::new(events).keep_alive(KeepAlive::default()).into_response()
}
