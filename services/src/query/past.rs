//! Reads of the log itself, by a handle of their own in a thread that may wait: nothing here stops the owner.

use std::path::Path;

use adapters::event_log;
use domain::event::{AccountId, AlarmEvent, Body, PaymentEvent, SiteId, SupplyEvent};
use domain::quantity::Month;
use rust_decimal::Decimal;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::room::name_of;
use super::{QueryError, Show, When};
use crate::close_check::{self, Finding};
use crate::desk::Moment;
use crate::explain::{Case, Step};
use crate::history::{self, HistoryError};
use crate::serve::ServedSite;
use crate::told::Told;

/// A change that a person made, or a fact that says how the site is run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ChangeRow {
    /// Its number in the site's order.
    pub position: u64,
    /// Its id.
    pub id: String,
    /// When it is for.
    pub time: When,
    /// When it became known.
    pub received: When,
    /// Its type in the catalogue.
    pub r#type: String,
    /// Who.
    pub author: String,
    /// Why, where a reason was given.
    pub reason: Option<String>,
    /// The second person.
    pub approver: Option<String>,
    /// The change that it carries out.
    pub cause: Option<String>,
    /// The fact that it takes back.
    pub reverses: Option<String>,
    /// The chains that it is on.
    pub about: Vec<String>,
    /// Its payload.
    #[schema(value_type = Object)]
    pub data: Value,
}

/// What a replay found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Replayed {
    /// Facts that were folded.
    pub facts: u64,
    /// Runs that were computed anew.
    pub runs: u64,
    /// Decisions that were compared.
    pub decisions: u64,
    /// How many differ.
    pub differences: usize,
    /// The first of them.
    pub shown: Vec<Difference>,
}

/// Where a recorded decision is not what follows from the facts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Difference {
    /// Position of the event.
    pub position: u64,
    /// Its run.
    pub run: String,
    /// Type of the event and path of the member.
    pub what: String,
    /// In the log.
    pub recorded: String,
    /// By the facts.
    pub recomputed: String,
}

/// Whether a month can be closed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct CloseCheck {
    /// The local month.
    pub month: String,
    /// Whether nothing stands against it.
    pub ready: bool,
    /// What does.
    pub findings: Vec<CloseFinding>,
}

/// Something that stands against closing a month.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct CloseFinding {
    /// Which check found it.
    pub check: String,
    /// The point, meter, pool, account or reference.
    pub subject: String,
    /// What is wrong, and what mends it.
    pub text: String,
    /// The same before it has a language.
    #[serde(skip)]
    pub told: Told,
}

/// How a line of an issued bill came about, as of the bill's run: rule, arithmetic, slices, registers, readings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Explanation {
    /// Whose bill.
    pub account: String,
    /// The local month.
    pub month: String,
    /// The line, from 1.
    pub line: usize,
    /// The working, a line each; indented ones belong to the one above.
    pub lines: Vec<String>,
    /// The same before it has a language.
    #[serde(skip)]
    pub steps: Vec<Step>,
}

/// Most differences that an answer shows.
const SHOWN: usize = 100;

/// Reads a site's log in a thread that may wait.
pub(super) async fn in_background<T: Send + 'static>(
    site: &ServedSite,
    ask: impl FnOnce(&str, &SiteId) -> Result<T, QueryError> + Send + 'static,
) -> Result<T, QueryError> {
    let (log, id) = (site.log.clone(), site.desk.site().clone());
    tokio::task::spawn_blocking(move || ask(&log, &id)).await.map_err(|_| QueryError::Stopped)?
}

/// Computes every decision of a site anew and compares.
pub async fn replay(site: &ServedSite) -> Result<Replayed, QueryError> {
    in_background(site, |log, id| {
        let found = history::replay_log(Path::new("."), Some(log), Some(id))?;
        let shown = found.differences.iter().take(SHOWN).map(|one| Difference {
            position: one.position,
            run: one.run.clone(),
            what: one.what.clone(),
            recorded: one.recorded.clone(),
            recomputed: one.recomputed.clone(),
        });
        Ok(Replayed {
            facts: found.facts,
            runs: found.runs,
            decisions: found.decisions,
            differences: found.differences.len(),
            shown: shown.collect(),
        })
    })
    .await
}

/// Whether a month can be closed; `loss` is how many percent of the main meters' energy may be lost.
pub async fn close_check(site: &ServedSite, month: Month, loss: Decimal) -> Result<CloseCheck, QueryError> {
    in_background(site, move |log, id| {
        let entries = history::read_site(Path::new("."), Some(log), Some(id))?;
        let found = close_check::findings(&entries, month, loss).map_err(|failure| refused(&failure))?;
        let finding = |one: Finding| CloseFinding {
            check: one.check.to_owned(),
            subject: one.subject,
            text: one.text,
            told: one.told,
        };
        Ok(CloseCheck {
            month: month.to_string(),
            ready: found.is_empty(),
            findings: found.into_iter().map(finding).collect(),
        })
    })
    .await
}

/// How a line of an issued bill came about.
pub async fn explain_line(
    site: &ServedSite,
    account: AccountId,
    month: Month,
    line: usize,
) -> Result<Explanation, QueryError> {
    let of = account.clone();
    let found = site.desk.read(move |turn| Case::of(turn.owner, turn.moment, (&of, month), line)).await?;
    let Some(case) = found.map_err(|failure| refused(&failure))? else {
        return Err(QueryError::UnknownBill { account, month });
    };
    in_background(site, move |log, _| {
        let log = event_log::open_to_read(log).map_err(HistoryError::from)?;
        let steps = case.steps(log.as_ref()).map_err(|failure| QueryError::Log(failure.error.to_string()))?;
        let lines = steps.iter().map(ToString::to_string).collect();
        Ok(Explanation { account: account.to_string(), month: month.to_string(), line, lines, steps })
    })
    .await
}

fn refused(failure: &crate::exit::Failure) -> QueryError {
    QueryError::Refused { what: failure.error.to_string(), mend: failure.mend.clone() }
}

/// The facts that say how a site is run, and who changed what and why, the newest first; those before `before` alone.
pub async fn changes(site: &ServedSite, before: Option<u64>, most: usize) -> Result<Vec<ChangeRow>, QueryError> {
    let read = site.desk.read(move |turn| {
        let facts = turn.owner.facts().all().iter().rev();
        let wanted =
            facts.filter(|event| is_change(&event.body) && before.is_none_or(|before| event.position < before));
        wanted.take(most).map(|event| row(turn.moment, event)).collect()
    });
    Ok(read.await?)
}

/// Whether a fact is about how the site is run, not one of those that come by themselves.
fn is_change(body: &Body) -> bool {
    match body {
        Body::ReadingsRecorded(_) | Body::RechargeReceived(_) | Body::RechargeSuspended(_) => false,
        Body::Supply(event) => matches!(
            event,
            SupplyEvent::SupplyPolicyPublished(_)
                | SupplyEvent::PointProtected(_)
                | SupplyEvent::PointUnprotected(_)
                | SupplyEvent::DisputeOpened(_)
                | SupplyEvent::DisputeClosed(_)
                | SupplyEvent::WeatherHeld(_)
                | SupplyEvent::SupplyRequested(_)
                | SupplyEvent::SupplyApproved(_)
                | SupplyEvent::ReconnectionConfirmed(_)
        ),
        Body::Alarm(event) => {
            matches!(event, AlarmEvent::AlarmPolicyPublished(_) | AlarmEvent::AlarmAcknowledged(_))
        }
        Body::Payment(event) => matches!(event, PaymentEvent::RechargeMatched(_)),
        other => !other.is_decision(),
    }
}

pub(super) fn row(moment: &Moment, event: &domain::event::Event) -> ChangeRow {
    let show = Show(&moment.premises);
    let data = event.body.to_value().unwrap_or_default();
    let text = |name: &str| data.get(name).and_then(Value::as_str).map(str::to_owned);
    ChangeRow {
        position: event.position,
        id: event.id.to_string(),
        time: show.when(event.time),
        received: show.when(event.received),
        r#type: event.body.type_name().to_owned(),
        author: text("author").or_else(|| text("by")).unwrap_or_else(|| event.actor.clone()),
        reason: text("reason"),
        approver: text("approver"),
        cause: event.cause.map(|id| id.to_string()),
        reverses: data.get("reverses").map(name_of).filter(|id| !id.is_empty()),
        about: event.chains.iter().map(|link| link.key.clone()).collect(),
        data,
    }
}

impl From<HistoryError> for QueryError {
    fn from(error: HistoryError) -> Self {
        Self::Log(error.to_string())
    }
}
