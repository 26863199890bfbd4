//! Supply of a point, as its people see it: whether it is on, what is to happen, what holds it, and by which rules;
//! and the button by which they say that it may come back.

use askama::Template;
use axum::Form;
use axum::extract::Path;
use axum::response::Response;
use domain::event::{AccountId, OutputState, PointId};
use domain::quantity::Instant;
use domain::supply::Refusal;
use serde_json::json;

use super::rules::rules;
use crate::command::Key;
use crate::desk::{ChangeError, Moment};
use crate::identity::Permission;
use crate::portal::error::Fault;
use crate::portal::show;
use crate::portal::visit::{Marked, Visit, see_other};
use crate::portal::words::Language;
use crate::query::{self, Balance, Pending, PointState};
use crate::serve::ServedSite;
use crate::supply::{Ask, AskError, DueNow, PointStatus, ask, status_for};

/// A point's card.
#[derive(Template)]
#[template(path = "tenant/supply.html")]
pub(super) struct SupplyCard {
    language: Language,
    id: String,
    title: String,
    mood: &'static str,
    state: String,
    lead: String,
    facts: Vec<(String, String)>,
    rules: Vec<String>,
    /// Where the form that confirms is sent, and its session's mark.
    confirm: Option<(String, String)>,
}

/// What supply control says of an account's points; nothing where the site has no policy.
pub(super) async fn told(served: &ServedSite, account: &AccountId) -> Result<Vec<PointStatus>, Fault> {
    let (account, links) = (account.clone(), served.links.clone());
    let read = served.desk.read(move |turn| {
        if turn.owner.supply().policy.is_none() {
            return Ok(Vec::new());
        }
        status_for(turn.owner, &links, turn.now, &account)
    });
    read.await?.map_err(|error| {
        tracing::error!(%error, "supply cannot be judged");
        Fault::Unready
    })
}

/// The cards of an account's points.
pub(super) fn cards(
    visit: &Visit,
    moment: &Moment,
    balance: &Balance,
    (told, base): (&[PointStatus], &str),
) -> Vec<SupplyCard> {
    let language = visit.reader.language;
    let several = balance.points.len() > 1;
    let points = balance.points.iter().zip(1usize..);
    let card = |(point, number): (&PointState, usize)| {
        let told = told.iter().find(|one| one.point.as_str() == point.point);
        let teller = Teller { moment, point, told, language };
        let title = language.say("supply");
        let waits = teller.waits() && visit.session.actor.has(Permission::ConfirmSafe).is_ok();
        let policy = moment.supply.policy.as_ref();
        let (mood, state) = teller.state();
        SupplyCard {
            language,
            id: number.to_string(),
            title: if several { format!("{title} · {}", point.point) } else { title },
            mood,
            state: language.say(state),
            lead: teller.lead(),
            facts: teller.facts(),
            rules: policy.map(|(_, policy)| rules(policy, &super::coin(moment), language)).unwrap_or_default(),
            confirm: waits.then(|| (format!("{base}/supply/{}/confirm", point.point), visit.session.csrf())),
        }
    };
    points.map(card).collect()
}

/// A point that is told about.
struct Teller<'a> {
    moment: &'a Moment,
    point: &'a PointState,
    told: Option<&'a PointStatus>,
    language: Language,
}

impl Teller<'_> {
    fn time(&self, at: Instant) -> String {
        let calendar = &self.moment.premises.calendar;
        let clock = show::clock(at, calendar.offset_at(at));
        format!("{}, {clock}", self.language.day(calendar.day_of(at)))
    }

    fn due(&self) -> Option<&DueNow> {
        self.told.and_then(|told| told.due.as_ref())
    }

    fn is_cut_due(&self) -> bool {
        self.due().is_some_and(|due| due.to == OutputState::Disconnected)
    }

    /// Whether supply may come back as soon as the tenant says so.
    fn waits(&self) -> bool {
        let id = PointId::try_new(&self.point.point);
        let confirmed = id.is_some_and(|id| self.moment.supply.point(&id).tenant_confirmed);
        self.point.supply == "ready_for_reconnection" && !confirmed
    }

    /// What is to happen. What was held and is not due any more says nothing.
    fn pending(&self) -> Option<&Pending> {
        let goes = |pending: &&Pending| {
            let due = self.due().map(|due| json!(due.to));
            pending.held_by.is_none() || self.told.is_none() || due.is_some_and(|to| to == *pending.to)
        };
        self.point.pending.as_ref().filter(goes)
    }

    fn state(&self) -> (&'static str, &'static str) {
        match self.point.supply.as_str() {
            "connected" if self.is_cut_due() => ("warn", "supply-connected"),
            "connected" => ("", "supply-connected"),
            "disconnected" => ("bad", "supply-disconnected"),
            "ready_for_reconnection" => ("warn", "supply-ready"),
            _ => ("plain", "supply-unknown"),
        }
    }

    fn lead(&self) -> String {
        let language = self.language;
        if self.waits() {
            return language.say("supply-ready-lead");
        }
        if let Some(pending) = self.pending() {
            let key = match (pending.to.as_str(), &pending.held_by) {
                ("connected", _) => "supply-pending-close",
                (_, Some(_)) => "supply-due",
                (_, None) => "supply-pending-open",
            };
            return language.say1(key, "time", &self.time(pending.since.utc));
        }
        if self.is_cut_due() {
            return language.say("supply-due");
        }
        language.say(match self.point.supply.as_str() {
            "connected" => "supply-good",
            "disconnected" => "supply-off",
            "ready_for_reconnection" => "supply-confirmed",
            _ => "supply-uncontrolled",
        })
    }

    fn facts(&self) -> Vec<(String, String)> {
        let language = self.language;
        let mut facts = Vec::new();
        let mut fact = |key: &str, value: String| facts.push((language.say(key), value));
        // A cut goes by what electricity costs alone: beside the whole balance it is said which one it is.
        let counts =
            self.told.and_then(|told| Some((told.balance_minor?, self.moment.live.get(told.account.as_ref()?)?)));
        if let Some((counts, _)) = counts.filter(|(counts, whole)| *counts != whole.balance) {
            fact("supply-counts", super::coin(self.moment).money(counts));
        }
        if self.is_cut_due() {
            let earliest = self.told.and_then(|told| told.earliest_cut);
            fact("supply-earliest", earliest.map_or_else(|| language.say("supply-not-yet"), |at| self.time(at)));
        }
        let pending = self.pending();
        if let Some(pending) = pending {
            fact("supply-since", self.time(pending.since.utc));
        }
        let now = self.due().and_then(|due| due.held_by).map(|code| json!(code));
        let held = now.as_ref().and_then(|code| code.as_str());
        if let Some(reason) = held.or(pending.and_then(|pending| pending.held_by.as_deref())) {
            fact("supply-held", reason_of(reason, language));
        }
        if let Some(reason) = &self.point.cut_by {
            let key = if reason == "balance" { "supply-by-balance" } else { "supply-by-person" };
            fact("supply-cut-by", language.say(key));
            if let Some(at) = &self.point.cut_at {
                fact("supply-cut-at", self.time(at.utc));
            }
        }
        if self.point.protected {
            fact("supply-rule", language.say("supply-protected"));
        }
        facts
    }
}

/// What holds a step back, in words where there are some.
fn reason_of(code: &str, language: Language) -> String {
    language.find(&format!("hold-{}", code.replace('_', "-")), &[]).unwrap_or_else(|| code.replace('_', " "))
}

/// `POST …/supply/{point}/confirm`: whoever lives there says that appliances are safe.
pub(super) async fn confirm(
    visit: Visit,
    Path((site, account, point)): Path<(String, String, String)>,
    Form(form): Form<Marked>,
) -> Response {
    let (served, account) = match visit.account(&site, &account, Permission::ConfirmSafe) {
        Ok(found) => found,
        Err(fault) => return visit.fault(fault),
    };
    if !visit.session.accepts(&form.csrf) {
        return visit.fault(Fault::Stale);
    }
    let own = query::balance(&served.desk.moment(), &account)
        .is_ok_and(|own| own.points.iter().any(|one| one.point == point));
    let Some(point) = PointId::try_new(&point).filter(|_| own) else { return visit.fault(Fault::NotFound) };
    let by = visit.session.actor.user.clone();
    let made = served.desk.change(move |turn| {
        // Once for each person and each time that supply was offered, however often the button is pressed.
        let known = turn.owner.supply().point(&point);
        if known.tenant_confirmed {
            return Err(AskError::Already("supply is confirmed"));
        }
        let offered = known.commands.to_be_bytes();
        let key = Key::of(&[b"confirm", by.as_bytes(), point.as_str().as_bytes(), &offered]);
        ask(turn.owner, turn.now, &by, &key, Ask::Confirm { point })
    });
    match made.await {
        // Supply may have moved on since the page was shown; the page says where it is.
        Ok(_) | Err(ChangeError::Refused(AskError::Refused(Refusal::NotReady) | AskError::Already(_))) => {
            see_other(&super::base(&site, account.as_str()))
        }
        Err(ChangeError::Refused(error)) => {
            tracing::error!(%error, "a confirmation is not written down");
            visit.fault(Fault::Unready)
        }
        Err(ChangeError::Desk(error)) => visit.fault(error.into()),
    }
}
