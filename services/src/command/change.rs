//! Tariffs, rules, leases, tables and readings: a change is rehearsed on a copy of the
//! site, away from the desk, and appended if nobody said anything meanwhile. It is the
//! rehearsal of the command line (`change`), over what the owner knows.

use std::sync::Arc;

use adapters::site_folder::{CORRECTABLE, Change as Tables};
use domain::billing::Site;
use domain::event::{AccountId, Body, ChangeKind, EventId, MeterId, UnitId};
use domain::prepayment;
use domain::quantity::Instant;
use domain::recharge::Payments;
use serde_json::Value;

use super::money::said;
use super::{Asked, CommandError, Made};
use crate::change::{AppendError, Appended, ApproveError, Order, Plan, Rehearsal, RehearsalError, append, approve};
use crate::desk::{ChangeError, Desk, Moment, Turn};
use crate::identity::{Denied, Permission};
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
    /// What kind of change it is, its tables, and which it may have.
    fn tables(&self) -> (ChangeKind, String, &'static [&'static str]) {
        let (text, tables) = self.text();
        let publishes = matches!(self, Self::Tariff(_) | Self::Rule(_));
        (if publishes { ChangeKind::Publish } else { ChangeKind::Correct }, text, tables)
    }

    fn text(&self) -> (String, &'static [&'static str]) {
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

/// What is to be appended, and what it would change.
struct Draft {
    plan: Plan,
    propose: bool,
    effect: Option<Value>,
    moved: Option<Moved>,
    seen: u64,
}

/// Rehearses a change, and unless it is a dry run carries it out.
pub async fn change(desk: &Desk, asked: Asked, change: Change, reason: String) -> Result<Changed, CommandError> {
    let permission = if matches!(change, Change::Approve(_)) { Permission::Approve } else { Permission::ChangeRules };
    asked.actor.may(permission, desk.site(), None)?;
    for _ in 0..TRIES {
        let key = asked.key.clone();
        let copy = desk.read(move |turn| (Rehearsal::of(turn, &key), turn.owner.events())).await?;
        let (rehearsal, position) = copy;
        let at = rehearsal.at();
        let (by, what, why) = (asked.clone(), change.clone(), reason.clone());
        let drafted = tokio::task::spawn_blocking(move || draft(rehearsal, &by, (&what, &why), position)).await;
        let draft = drafted.map_err(|_| CommandError::Busy)??;
        let (proposed, effect, moved) = (draft.propose, draft.effect.clone(), draft.moved.clone());
        if asked.dry_run {
            return Ok(Changed { made: None, proposed, effect, position, at, moved });
        }
        let by = asked.clone();
        let outcome = desk.change(move |turn| put(turn, &by, &draft)).await;
        match outcome {
            Ok(None) => {}
            Ok(Some(made)) => {
                return Ok(Changed { proposed: made.proposed, made: Some(made), effect, position, at, moved });
            }
            Err(ChangeError::Refused(refused)) => return Err(refused),
            Err(ChangeError::Desk(error)) => return Err(CommandError::Unavailable(error)),
        }
    }
    Err(CommandError::Busy)
}

/// Appends a draft; none where something was said since it was made.
fn put(turn: &mut Turn<'_, '_>, asked: &Asked, draft: &Draft) -> Result<Option<Made>, CommandError> {
    let order = Order { at: turn.now, propose: draft.propose, seen: draft.seen, key: Some(&asked.key) };
    let Appended { change, facts, repeated } = match append(turn.owner, &draft.plan, order) {
        Ok(appended) => appended,
        Err(AppendError::Stale { .. }) => return Ok(None),
        Err(AppendError::KeyReused { key }) => return Err(CommandError::KeyReused { key }),
        Err(AppendError::Owner(error)) => return Err(error.into()),
        Err(AppendError::Refused(failure)) => return Err(wrong(failure.error, &failure.mend)),
    };
    let first = turn.owner.facts().get(change).ok_or(CommandError::Busy)?;
    let (position, received) = (first.position, first.received);
    let events = [change].into_iter().chain(facts).collect();
    Ok(Some(Made { events, position, received, proposed: draft.propose, repeated }))
}

fn wrong(problem: impl ToString, mend: &str) -> CommandError {
    CommandError::Tables { problem: problem.to_string(), mend: mend.to_owned() }
}

/// The plan of a change, and its effect; nothing where its key came before.
fn draft(
    mut rehearsal: Rehearsal,
    asked: &Asked,
    (change, reason): (&Change, &str),
    position: u64,
) -> Result<Draft, CommandError> {
    if !rehearsal.repeats() {
        unused(rehearsal.site(), change)?;
    }
    let plan = plan(&rehearsal, asked, change, reason)?;
    let (mut effect, mut moved) = (None, None);
    if !rehearsal.repeats() {
        let (shown, mut after) = rehearsal.rehearsed(&plan)?;
        (effect, moved) = (Some(shown.document()), move_of(&mut after, change, (position, rehearsal.at()))?);
    }
    Ok(Draft { propose: rehearsal.proposes(&plan), plan, effect, moved, seen: rehearsal.seen() })
}

fn plan(rehearsal: &Rehearsal, asked: &Asked, change: &Change, reason: &str) -> Result<Plan, CommandError> {
    let author = asked.actor.user.clone();
    if let Change::Approve(id) = change {
        return approve::plan(rehearsal, *id, author).map_err(|error| match error {
            ApproveError::None(id) | ApproveError::Approved(id) => CommandError::NoProposal(id),
            ApproveError::OwnProposal(user) => CommandError::Denied(Denied::OwnProposal { user }),
            error @ (ApproveError::Bytes(_) | ApproveError::Canonical(_)) => wrong(&error, error.mend()),
        });
    }
    let reason = said("reason", reason)?;
    let (kind, text, tables) = change.tables();
    let of = Tables { by: &author, reason: &reason, received: rehearsal.at(), tables };
    let facts = rehearsal.read(&text, &of).map_err(|error| wrong(&error.problem, &error.mend))?;
    let facts: Vec<(Instant, Body)> = facts.into_iter().map(|fact| (fact.time, fact.body)).collect();
    Ok(Plan { kind, author, reason, reverses: None, approved: None, facts })
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

impl From<RehearsalError> for CommandError {
    fn from(error: RehearsalError) -> Self {
        match error {
            RehearsalError::ReferenceTaken { reference } => Self::ReferenceTaken { reference },
            error => wrong(&error, error.mend()),
        }
    }
}
