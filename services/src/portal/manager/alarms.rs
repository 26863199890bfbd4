//! Alarms, and readings that are held: who sees to them, what is let in, what is left out.

use axum::Form as Sent;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;
use domain::alarm::Open;
use domain::event::{AlarmEvent, AlarmKind, AlarmSubject, Body, Event, MeterId};
use domain::premises::Calendar;
use domain::quantity::{Date, Instant};

use crate::alarm;
use crate::command::{self, Acknowledge, Change, CommandError};
use crate::identity::Permission;
use crate::portal::act::{self, Given};
use crate::portal::page::page as answer;
use crate::portal::sheet::{Card, Field, Item, Kind, Said, Sheet, Table, head, stamp};
use crate::portal::site::{Spot, frame};
use crate::portal::visit::Visit;
use crate::portal::words::Language;
use crate::quarantine::{self, Row};
use crate::query::Show;

/// So many of the last alarms are shown.
const RECENT: usize = 25;

/// What the page shows.
struct Seen {
    open: Vec<Open>,
    recent: Vec<(Instant, AlarmEvent)>,
    held: Vec<Row>,
    /// What people said of readings, the newest first.
    judged: Vec<Event>,
    decimals: u8,
}

/// `GET …/alarms`
pub(super) async fn page(visit: Visit, Path(site): Path<String>) -> Response {
    show(&visit, &site, None).await
}

/// `POST …/alarms`
pub(super) async fn act(visit: Visit, Path(site): Path<String>, Sent(given): Sent<Given>) -> Response {
    if let Err(fault) = visit.accepts(&given) {
        return visit.fault(fault);
    }
    let said = match given.text("act") {
        "acknowledge" => acknowledge(&visit, &site, &given).await,
        _ => judge(&visit, &site, &given).await,
    };
    match said {
        Ok(said) => show(&visit, &site, Some((said, &given))).await,
        Err(response) => response,
    }
}

async fn acknowledge(visit: &Visit, site: &str, given: &Given) -> Result<Said, Response> {
    let served = visit.site(site, Permission::HandleAlarms).map_err(|fault| visit.fault(fault))?;
    let language = visit.reader.language;
    let subject = AlarmSubject::try_from(given.text("subject").to_owned()).ok();
    let Some((kind, subject)) = AlarmKind::of_name(given.text("kind")).zip(subject) else {
        return Ok(Said::refused(language.say("refused-not-found")));
    };
    let order = Acknowledge { kind, about: subject, note: given.text("note").to_owned() };
    let made = match visit.asked(given) {
        Ok(asked) => command::acknowledge(&served.desk, asked, order).await,
        Err(error) => Err(error),
    };
    Ok(act::outcome(made.as_ref(), language.say("alarm-acknowledged"), language))
}

/// Lets a reading in, or leaves it out.
async fn judge(visit: &Visit, site: &str, given: &Given) -> Result<Said, Response> {
    let served = visit.site(site, Permission::ChangeRules).map_err(|fault| visit.fault(fault))?;
    let language = visit.reader.language;
    let time = instant(given.text("time"), &served.desk.moment().premises.calendar);
    let Some((meter, time)) = MeterId::try_new(given.text("meter")).zip(time) else {
        return Ok(Said::refused(language.say("refused-no-reading")));
    };
    let (change, done) = match given.text("act") {
        "release" => (Change::Release(meter, time), "held-released"),
        _ => (Change::Withdraw(meter, time), "held-withdrawn"),
    };
    let made = match visit.asked(given) {
        Ok(asked) => command::change(&served.desk, asked, change, given.text("reason").to_owned()).await,
        Err(error) => Err(error),
    };
    let missing = || CommandError::BadKey;
    let made = made.and_then(|changed| changed.made.ok_or_else(missing));
    Ok(act::outcome(made.as_ref(), language.say(done), language))
}

/// An instant as RFC 3339, or as pages show it: `2026-04-09 11:00` by the site's wall clock.
fn instant(text: &str, calendar: &Calendar) -> Option<Instant> {
    if let Ok(at) = Instant::parse(text) {
        return Some(at);
    }
    let (day, clock) = text.split_once([' ', 'T'])?;
    let start = calendar.start_of(Date::parse(day)?);
    let mut parts = clock.split(':').map(|part| part.parse::<i64>().ok().filter(|part| (0..60).contains(part)));
    let (hour, minute, second) = (parts.next()??, parts.next()??, parts.next().unwrap_or(Some(0))?);
    let since = hour.saturating_mul(3600).saturating_add(minute.saturating_mul(60)).saturating_add(second);
    let at = start.plus(since);
    // Where the clock was changed since midnight the day is longer or shorter than its hours.
    (hour < 24).then(|| at.plus(calendar.offset_at(start).saturating_sub(calendar.offset_at(at))))
}

/// Whether a person said something of a reading.
fn is_judgement(event: &Event) -> bool {
    matches!(event.body, Body::ReadingReleased(_) | Body::ReadingWithdrawn(_))
}

async fn show(visit: &Visit, site: &str, came: Option<(Said, &Given)>) -> Response {
    let served = match visit.site(site, Permission::ReadSite) {
        Ok(served) => served,
        Err(fault) => return visit.fault(fault),
    };
    let seen = served.desk.read(|turn| {
        let alarms = turn.owner.alarms();
        Seen {
            open: alarms.open().cloned().collect(),
            recent: alarms.recent().take(RECENT).map(|one| (one.at, one.event.clone())).collect(),
            held: quarantine::list(turn.owner.site(), None, turn.now),
            judged: turn
                .owner
                .facts()
                .all()
                .iter()
                .rev()
                .filter(|one| is_judgement(one))
                .take(RECENT)
                .cloned()
                .collect(),
            decimals: turn.owner.site().premises().site().currency_decimals,
        }
    });
    let seen = match seen.await {
        Ok(seen) => seen,
        Err(error) => return visit.fault(error.into()),
    };
    let moment = served.desk.moment();
    let teller = Teller {
        language: visit.reader.language,
        show: Show(&moment.premises),
        handles: visit.site(site, Permission::HandleAlarms).is_ok(),
        changes: visit.site(site, Permission::ChangeRules).is_ok(),
    };
    let language = visit.reader.language;
    let (said, given) = came.unzip();
    let sheet = Sheet {
        frame: frame(visit, site, Spot::Alarms, language.say("alarms")),
        lead: language.say("alarms-lead"),
        said,
        cards: vec![teller.open(&seen), teller.held(&seen), teller.judged(&seen), teller.recent(&seen)],
    };
    answer(StatusCode::OK, &sheet.keeping(given.unwrap_or(&Given::default())))
}

/// Says what is seen.
struct Teller<'a> {
    language: Language,
    show: Show<'a>,
    handles: bool,
    changes: bool,
}

impl Teller<'_> {
    fn kind(&self, kind: AlarmKind) -> String {
        self.language.say(&format!("alarm-{}", kind.name().replace('_', "-")))
    }

    fn stamp(&self, at: Instant) -> String {
        stamp(&self.show.when(at))
    }

    fn open(&self, seen: &Seen) -> Card {
        let item = |(one, number): (&Open, usize)| {
            let language = self.language;
            let since = language.say1("since", "time", &self.stamp(one.at));
            let why = alarm::raised(&one.raised, seen.decimals);
            let mut lines = vec![language.tell(&why, &|at| self.stamp(at)), since];
            let mut forms = Vec::new();
            if let Some((by, at)) = &one.acknowledged {
                lines.push(language.say_with("alarm-by", &[("by", by), ("time", &self.stamp(*at))]));
            } else if self.handles {
                let note = Field::new("note", language.say("field-note"), Kind::Optional, "");
                let mut form =
                    act::form(format!("ack-{number}"), "acknowledge", language.say("alarm-acknowledge"), vec![note]);
                form.hidden.push(("kind", one.raised.kind.name().to_owned()));
                form.hidden.push(("subject", one.raised.subject.to_string()));
                form.quiet = true;
                forms.push(form);
            }
            let state = if one.acknowledged.is_some() { ("plain", "alarm-seen") } else { ("bad", "alarm-open") };
            let name = format!("{} · {}", self.kind(one.raised.kind), one.raised.subject);
            Item { name, state: (state.0, language.say(state.1)), lines, forms, ..Item::default() }
        };
        Card {
            id: "open",
            title: self.language.say("alarms-open"),
            items: seen.open.iter().zip(1..).map(item).collect(),
            none: self.language.say("alarms-none"),
            ..Card::default()
        }
    }

    fn held(&self, seen: &Seen) -> Card {
        let language = self.language;
        let item = |(row, number): (&Row, usize)| {
            let near = |one: &Option<quarantine::Neighbour>| {
                one.as_ref().map_or_else(|| "–".to_owned(), |one| format!("{} kWh ({})", one.kwh, self.stamp(one.time)))
            };
            let values = [("before", &*near(&row.before)), ("after", &*near(&row.after))];
            let received = language.say1("held-received", "time", &self.stamp(row.received));
            let mut lines = vec![received, language.say_with("held-between", &values)];
            let mut forms = Vec::new();
            if let Some(refusal) = &row.told {
                lines.push(language.tell(refusal, &|at| self.stamp(at)));
            } else if self.changes {
                let mut form = act::form(
                    format!("release-{number}"),
                    "release",
                    language.say("held-release"),
                    vec![act::reason(language)],
                );
                form.hidden.push(("meter", row.meter.to_string()));
                form.hidden.push(("time", row.time.to_string()));
                form.folded = language.say("held-release-open");
                forms.push(form);
            }
            let reason = language.say(&format!("held-{}", row.reason.replace('_', "-")));
            let name = format!("{} · {} kWh · {}", row.meter, row.kwh, self.stamp(row.time));
            Item { name, state: ("warn", reason), lines, forms, ..Item::default() }
        };
        let meter = Field::new("meter", language.say("field-meter"), Kind::Text, "");
        let time = Field::new("time", language.say("field-time"), Kind::Text, "");
        let mut withdraw = act::form(
            "withdraw".to_owned(),
            "withdraw",
            language.say("held-withdraw"),
            vec![meter, time, act::reason(language)],
        );
        withdraw.folded = language.say("held-withdraw-open");
        withdraw.quiet = true;
        Card {
            id: "held",
            title: language.say("held"),
            lead: language.say("held-lead"),
            items: seen.held.iter().zip(1..).map(item).collect(),
            none: language.say("held-none"),
            forms: if self.changes { vec![withdraw] } else { Vec::new() },
            ..Card::default()
        }
    }

    /// What people decided about readings.
    fn judged(&self, seen: &Seen) -> Card {
        let row = |event: &Event| {
            let (meter, time, by, reason, key) = match &event.body {
                Body::ReadingReleased(data) => {
                    (&data.meter, data.reading_time, &data.by, &data.reason, "held-was-released")
                }
                Body::ReadingWithdrawn(data) => {
                    (&data.meter, data.reading_time, &data.by, &data.reason, "held-was-withdrawn")
                }
                _ => return None,
            };
            let reading = format!("{meter} · {}", self.stamp(time));
            Some(vec![self.stamp(event.received), reading, self.language.say(key), by.clone(), reason.clone()])
        };
        let keys =
            [("col-date", false), ("col-reading", false), ("col-what", false), ("col-by", false), ("col-why", false)];
        let table = Table {
            name: self.language.say("held-judged"),
            heads: head(self.language, &keys),
            rows: seen.judged.iter().filter_map(row).collect(),
            foot: Vec::new(),
        };
        Card {
            id: "judged",
            title: table.name.clone(),
            table: Some(table),
            none: self.language.say("held-judged-none"),
            ..Card::default()
        }
    }

    fn recent(&self, seen: &Seen) -> Card {
        let row = |(at, event): &(Instant, AlarmEvent)| {
            let (what, key) = match event {
                AlarmEvent::AlarmRaised(data) => (Some((data.kind, &data.subject)), "alarm-was-raised"),
                AlarmEvent::AlarmCleared(data) => (Some((data.kind, &data.subject)), "alarm-was-cleared"),
                AlarmEvent::AlarmAcknowledged(data) => (Some((data.kind, &data.subject)), "alarm-was-seen"),
                AlarmEvent::AlarmPolicyPublished(_) => (None, "alarm-was-bounded"),
            };
            let (kind, subject) =
                what.map_or_else(Default::default, |(kind, subject)| (self.kind(kind), subject.to_string()));
            vec![self.stamp(*at), kind, subject, self.language.say(key)]
        };
        let keys = [("col-date", false), ("col-what", false), ("col-subject", false), ("col-state", false)];
        let table = Table {
            name: self.language.say("alarms-recent"),
            heads: head(self.language, &keys),
            rows: seen.recent.iter().map(row).collect(),
            foot: Vec::new(),
        };
        Card {
            id: "recent",
            title: table.name.clone(),
            table: Some(table),
            none: self.language.say("alarms-recent-none"),
            ..Card::default()
        }
    }
}
