//! Tariffs, rules, leases, tables and readings: a change is rehearsed on a copy of the
//! site, away from the desk, and appended if nobody said anything meanwhile.

use std::sync::Arc;

use adapters::site_folder::{CORRECTABLE, Change as Tables, check_change, read_change};
use domain::billing::Site;
use domain::event::{AccountId, Body, ChangeKind, Event, EventId, MeterId, UnitId, decode_canonical};
use domain::prepayment;
use domain::quantity::Instant;
use domain::recharge::Payments;
use serde_json::Value;

use super::money::said;
use super::once::{self, Part};
use super::{Asked, CommandError, Made, id_of};
use crate::change::{Effect, Plan};
use crate::desk::{ChangeError, Desk, Moment};
use crate::exit::Failure;
use crate::identity::Permission;
use crate::query::{self, Moved, View};

/// So often a change is rehearsed anew because something was said meanwhile.
const TRIES: usize = 5;

/// What is changed.
#[derive(Debug, Clone)]
pub enum Change {
    /// A tariff version and where it is assigned: TOML tables as in a site folder.
    Tariff(String),
    /// A version of a pool's rule: TOML tables.
    Rule(String),
    /// Tables that are said anew.
    Correct(String),
    /// A tenant moves in, or with `until` out.
    Lease {
        /// Who.
        account: AccountId,
        /// Where.
        unit: UnitId,
        /// From when.
        from: Instant,
        /// Until when.
        until: Option<Instant>,
    },
    /// Somebody moves in who has no account yet.
    MoveIn {
        /// The new account.
        account: AccountId,
        /// What it is called.
        name: String,
        /// Where.
        unit: UnitId,
        /// From when.
        from: Instant,
    },
    /// An accepted reading is left out.
    Withdraw(MeterId, Instant),
    /// A quarantined or withdrawn reading is let in.
    Release(MeterId, Instant),
    /// What another person proposed takes effect.
    Approve(EventId),
}

/// What became of a change, or would.
#[derive(Debug, Clone)]
pub struct Changed {
    /// What was appended; nothing of a dry run.
    pub made: Option<Made>,
    /// Whether it waits, or would wait, for a second person.
    pub proposed: bool,
    /// What it changes of settled days; nothing where the key came again.
    pub effect: Option<Value>,
    /// The state that it was rehearsed on.
    pub position: u64,
    /// When.
    pub at: Instant,
    /// Of a move: what is handed over, and the bill of who leaves, as they are with the change.
    pub moved: Option<Moved>,
}

impl Change {
    /// Its tables, and which it may have.
    fn tables(&self) -> (String, &'static [&'static str]) {
        let quoted = |text: &str| Value::from(text).to_string();
        let reading = |table: &str, meter: &MeterId, time: &Instant| {
            format!("[[{table}]]\nmeter = {}\ntime = {time}\n", quoted(meter.as_str()))
        };
        match self {
            Self::Tariff(text) => (text.clone(), &["tariff", "assign"]),
            Self::Rule(text) => (text.clone(), &["rule"]),
            Self::Correct(text) => (text.clone(), CORRECTABLE),
            Self::Lease { account, unit, from, until } => {
                let (account, unit) = (quoted(account.as_str()), quoted(unit.as_str()));
                let until = until.map_or_else(String::new, |until| format!("until = {until}\n"));
                (format!("[[lease]]\naccount = {account}\nunit = {unit}\nfrom = {from}\n{until}"), &["lease"])
            }
            Self::MoveIn { account, name, unit, from } => {
                let (account, unit) = (quoted(account.as_str()), quoted(unit.as_str()));
                let name = quoted(name);
                let text = format!(
                    "[[account]]\nid = {account}\nname = {name}\n[[lease]]\naccount = {account}\nunit = {unit}\nfrom = {from}\n"
                );
                (text, &["account", "lease"])
            }
            Self::Withdraw(meter, time) => (reading("withdraw", meter, time), &["withdraw"]),
            Self::Release(meter, time) => (reading("release", meter, time), &["release"]),
            Self::Approve(_) => (String::new(), &[]),
        }
    }
}

/// What is known of a site, copied in a turn.
struct Copy {
    site: Site,
    facts: Vec<Event>,
    position: u64,
    at: Instant,
}

struct Draft {
    parts: Vec<Part>,
    bodies: Vec<Body>,
    cause: Option<EventId>,
    proposed: bool,
    effect: Option<Value>,
    moved: Option<Moved>,
    seen: usize,
}

/// Rehearses a change, and unless it is a dry run carries it out.
pub async fn change(desk: &Desk, asked: Asked, change: Change, reason: String) -> Result<Changed, CommandError> {
    let permission = if matches!(change, Change::Approve(_)) { Permission::Approve } else { Permission::ChangeRules };
    asked.actor.may(permission, desk.site(), None)?;
    for _ in 0..TRIES {
        let copy = desk.read(|turn| Copy {
            site: turn.owner.site().clone(),
            facts: turn.owner.facts().all().to_vec(),
            position: turn.owner.events(),
            at: turn.now,
        });
        let copy = copy.await?;
        let (position, at) = (copy.position, copy.at);
        let (by, what, why) = (asked.clone(), change.clone(), reason.clone());
        let drafted = tokio::task::spawn_blocking(move || draft(copy, &by, &what, &why)).await;
        let drafted = drafted.map_err(|_| CommandError::Busy)??;
        let (proposed, effect, moved) = (drafted.proposed, drafted.effect.clone(), drafted.moved.clone());
        if asked.dry_run {
            return Ok(Changed { made: None, proposed, effect, position, at, moved });
        }
        if let Some(made) = append(desk, &asked, drafted).await? {
            return Ok(Changed { proposed: made.proposed, made: Some(made), effect, position, at, moved });
        }
    }
    Err(CommandError::Busy)
}

/// Appends a draft; none where something was said since it was made.
async fn append(desk: &Desk, asked: &Asked, draft: Draft) -> Result<Option<Made>, CommandError> {
    let asked = asked.clone();
    let outcome = desk.change(move |turn| {
        let known = once::known(turn, &asked);
        if let Some(made) = once::again(&known, &asked, &draft.parts)? {
            return Ok(Some(made));
        }
        if turn.owner.facts().all().len() != draft.seen {
            return Ok(None);
        }
        turn.owner.check_publication(&draft.bodies.iter().collect::<Vec<_>>())?;
        once::append(turn, &asked, draft.parts, draft.cause).map(Some)
    });
    outcome.await.map_err(|error| match error {
        ChangeError::Refused(refused) => refused,
        ChangeError::Desk(error) => CommandError::Unavailable(error),
    })
}

fn wrong(problem: impl ToString, mend: &str) -> CommandError {
    CommandError::Tables { problem: problem.to_string(), mend: mend.to_owned() }
}

fn refused(failure: &Failure) -> CommandError {
    wrong(&failure.error, &failure.mend)
}

/// The events of a change, and its effect.
fn draft(mut copy: Copy, asked: &Asked, change: &Change, reason: &str) -> Result<Draft, CommandError> {
    let seen = copy.facts.len();
    let first = id_of(&copy.site.premises().site().id, &asked.key, 0);
    let before = copy.facts.iter().position(|event| event.id == first);
    let needs_second = copy.site.premises().approvals.is_some_and(|persons| persons > 1);
    let mut proposed = needs_second && !matches!(change, Change::Approve(_));
    if let Some(place) = before {
        // The key came before: what it said then is read as it was then.
        let event = copy.facts.get(place);
        proposed = event.is_some_and(|event| matches!(event.body, Body::ChangeProposed(_)));
        copy.at = event.map_or(copy.at, |event| event.received);
        copy.facts.truncate(place);
    }
    if before.is_none() {
        unused(&copy.site, change)?;
    }
    let plan = plan(&copy, asked, change, reason)?;
    let (mut effect, mut moved) = (None, None);
    if before.is_none() {
        let (shown, mut after) = rehearse(copy.site, &copy.facts, &plan, copy.at)?;
        (effect, moved) = (Some(shown), move_of(&mut after, change, (copy.position, copy.at))?);
    }
    let head = plan.head(proposed).map_err(|failure| refused(&failure))?;
    let cause = plan.approved.as_ref().map(|(proposal, _)| *proposal);
    let facts = if proposed { Vec::new() } else { plan.facts.clone() };
    let head = Part { actor: asked.actor.user.clone(), time: copy.at, body: head };
    let facts = facts.into_iter().map(|(time, body)| Part { actor: plan.author.clone(), time, body });
    let bodies = plan.facts.iter().map(|(_, body)| body.clone()).collect();
    Ok(Draft { parts: [head].into_iter().chain(facts).collect(), bodies, cause, proposed, effect, moved, seen })
}

fn plan(copy: &Copy, asked: &Asked, change: &Change, reason: &str) -> Result<Plan, CommandError> {
    let author = asked.actor.user.clone();
    if let Change::Approve(id) = change {
        return approval(copy, asked, *id);
    }
    let reason = said("reason", reason)?;
    let (text, tables) = change.tables();
    let known = copy.facts.iter().map(|event| (event.received, &event.body));
    let of = Tables { by: &author, reason: &reason, received: copy.at, tables };
    let facts = read_change(&text, &of, known).map_err(|error| wrong(&error.problem, &error.mend))?;
    let facts = facts.into_iter().map(|fact| (fact.time, fact.body)).collect();
    let kind = match change {
        Change::Tariff(_) | Change::Rule(_) => ChangeKind::Publish,
        Change::Correct(_)
        | Change::Lease { .. }
        | Change::MoveIn { .. }
        | Change::Withdraw(..)
        | Change::Release(..)
        | Change::Approve(_) => ChangeKind::Correct,
    };
    Ok(Plan { kind, author, reason, reverses: None, approved: None, facts })
}

/// The plan of a proposal that waits, approved by someone else.
fn approval(copy: &Copy, asked: &Asked, id: EventId) -> Result<Plan, CommandError> {
    let none = || CommandError::NoProposal(id);
    let approves = |event: &Event| matches!(&event.body, Body::ChangeRecorded(change) if change.proposal == Some(id));
    if copy.facts.iter().any(approves) {
        return Err(none());
    }
    let event = copy.facts.iter().find(|event| event.id == id).ok_or_else(none)?;
    let Body::ChangeProposed(proposal) = event.body.clone() else { return Err(none()) };
    asked.actor.may_approve(&copy.site.premises().site().id, &proposal.author)?;
    let fact = |fact: &domain::event::ProposedFact| {
        let mend = "propose it anew";
        let data = decode_canonical(fact.data.as_bytes()).map_err(|error| wrong(error, mend))?;
        let body = Body::from_parts(&fact.r#type, data).map_err(|error| wrong(error, mend))?;
        Ok((copy.at, body))
    };
    let facts = proposal.facts.iter().map(fact).collect::<Result<_, CommandError>>()?;
    let approved = Some((id, asked.actor.user.clone()));
    let (kind, author, reason, reverses) = (proposal.kind, proposal.author, proposal.reason, proposal.reverses);
    Ok(Plan { kind, author, reason, reverses, approved, facts })
}

fn stops(error: impl ToString) -> CommandError {
    wrong(error, "mend the change as the message says; nothing was appended")
}

/// A new account is new: one that is there would be said anew.
fn unused(site: &Site, change: &Change) -> Result<(), CommandError> {
    match change {
        Change::MoveIn { account, .. } if site.premises().accounts.contains_key(account) => {
            Err(wrong(format!("there is an account {account} already"), "choose it from the list, or write another id"))
        }
        _ => Ok(()),
    }
}

/// What a move hands over and leaves, on the copy that has it.
fn move_of(site: &mut Site, change: &Change, (position, at): (u64, Instant)) -> Result<Option<Moved>, CommandError> {
    let (unit, when, leaves) = match change {
        Change::Lease { account, unit, until: Some(until), .. } => (unit, *until, Some(account)),
        Change::Lease { unit, from, until: None, .. } | Change::MoveIn { unit, from, .. } => (unit, *from, None),
        _ => return Ok(None),
    };
    let (live, targets) = prepayment::live_by(site, at).map_err(stops)?;
    let premises = Arc::new(site.premises().clone());
    let (live, targets, live_at) = (Arc::new(live), Arc::new(targets), (position, at));
    let moment = Moment { at, position, live, live_at, targets, premises, ..Moment::default() };
    let view = View { site, moment: &moment, payments: &Payments::default() };
    let bill = leaves.map(|account| query::final_bill(&view, account, unit, when)).transpose();
    Ok(Some(Moved { hand_over: query::hand_over(&view, unit, when), leaves: bill.map_err(stops)? }))
}

/// Applies a plan to a copy of the site; what it changes of settled days, and the copy.
fn rehearse(mut site: Site, known: &[Event], plan: &Plan, at: Instant) -> Result<(Value, Site), CommandError> {
    for (_, body) in &plan.facts {
        let taken = match body {
            Body::PostingMade(data) => site.ledger().knows_posting(&data.reference).then_some(&data.reference),
            Body::RechargeReceived(data) => site.ledger().knows(&data.reference, data.kind).then_some(&data.reference),
            _ => None,
        };
        if let Some(reference) = taken {
            return Err(CommandError::ReferenceTaken { reference: reference.clone() });
        }
    }
    let entries = known.iter().map(|event| (event.received, &event.body));
    check_change(plan.facts.iter().map(|(_, body)| body), at, entries)
        .map_err(|error| wrong(&error.problem, &error.mend))?;
    site.advance(at).map_err(stops)?;
    let before = Effect::targets(&site).map_err(stops)?;
    let mut copy = site.clone();
    for (position, (time, body)) in (0u64..).zip(&plan.facts) {
        let event = Event {
            position,
            id: EventId::default(),
            site: site.premises().site().id.clone(),
            time: *time,
            received: at,
            actor: plan.author.clone(),
            cause: None,
            chains: Vec::new(),
            body: body.clone(),
        };
        copy.apply(&event, &[0; 32]).map_err(stops)?;
        copy.advance(at).map_err(stops)?;
    }
    let bodies: Vec<&Body> = plan.facts.iter().map(|(_, body)| body).collect();
    let law = site.check_publication(&bodies);
    let after = Effect::targets(&copy).map_err(stops)?;
    Ok((Effect::new(&site, &before, &after, plan, &law).document(), copy))
}
