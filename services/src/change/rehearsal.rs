//! A change rehearsed on a copy of a site, without the log: from the entries of its log,
//! or from what the owner of a site at work knows.

use adapters::site_folder::{Change as Tables, Fact, FolderError, check_change, read_change};
use domain::billing::{BillingError, Site};
use domain::event::{Body, Event, EventId};
use domain::quantity::Instant;

use super::{Effect, Plan};
use crate::command::Key;
use crate::desk::Turn;
use crate::exit::{Failure, bad};
use crate::history::{self, Entry};
use crate::replay::failed;

/// A site as its log has it, to plan and rehearse a change on. A service takes a copy of
/// what its owner knows (`Rehearsal::of`), and rehearses while the owner goes on.
pub struct Rehearsal {
    events: Vec<Event>,
    site: Site,
    at: Instant,
    seen: u64,
    before: Option<Before>,
}

/// That the key of a change came before.
#[derive(Debug, Clone, Copy)]
struct Before {
    proposed: bool,
}

/// Why a change cannot be.
#[derive(Debug, thiserror::Error)]
pub enum RehearsalError {
    /// A reference counts once, for ever.
    #[error("reference {reference} is in the log already")]
    ReferenceTaken {
        /// The reference.
        reference: String,
    },
    /// Tables that cannot be.
    #[error("{problem}")]
    Tables {
        /// What is wrong.
        problem: String,
        /// What to do about it.
        mend: String,
    },
    /// The site cannot be with it.
    #[error(transparent)]
    Billing(#[from] BillingError),
}

impl RehearsalError {
    /// What to do about it.
    pub fn mend(&self) -> &str {
        match self {
            Self::ReferenceTaken { .. } => "use another reference, or undo what has it",
            Self::Tables { mend, .. } => mend,
            Self::Billing(_) => "mend the change as the message says; nothing was appended",
        }
    }
}

impl From<RehearsalError> for Failure {
    fn from(error: RehearsalError) -> Self {
        let mend = error.mend().to_owned();
        bad(error, &mend)
    }
}

impl From<FolderError> for RehearsalError {
    fn from(error: FolderError) -> Self {
        let mend = error.mend.clone();
        Self::Tables { problem: error.problem, mend }
    }
}

impl Rehearsal {
    /// Folds the entries of a site; the change would be known at an instant that is not before the last of them.
    pub fn new(entries: Vec<Entry>, at: Instant) -> Result<Self, Failure> {
        Self::keyed(entries, at, None)
    }

    /// As `new`. Where the key came before, everything is as it was then, so that the same words are the same change.
    pub fn keyed(mut entries: Vec<Entry>, at: Instant, key: Option<&Key>) -> Result<Self, Failure> {
        let seen = entries.last().map_or(0, |entry| entry.event.position);
        let first = key.zip(entries.first()).map(|(key, entry)| key.id(&entry.event.site, 0));
        let place = first.and_then(|id| entries.iter().position(|entry| entry.event.id == id));
        let said = place.and_then(|place| entries.get(place)).map(|entry| entry.event.clone());
        if let Some(place) = place {
            entries.truncate(place);
        }
        let (site, _) = history::replay(&entries, None).map_err(failed)?;
        let events = entries.into_iter().map(|entry| entry.event).collect();
        let at = said.as_ref().map_or(at, |event| event.received);
        Ok(Self { events, site, at, seen, before: said.as_ref().map(Before::of) })
    }

    /// As `keyed`, of a site at work: a copy of what its owner knows in this turn. Its events are the
    /// facts that were said, without readings and decisions.
    pub fn of(turn: &Turn<'_, '_>, key: &Key) -> Self {
        let owner = &turn.owner;
        let facts = owner.facts();
        let first = key.id(owner.site_id(), 0);
        let said = facts.get(first);
        let events = if said.is_some() { facts.before(first) } else { facts.all() };
        Self {
            events: events.to_vec(),
            site: owner.site().clone(),
            at: said.map_or(turn.now, |event| event.received),
            seen: owner.events(),
            before: said.map(Before::of),
        }
    }

    /// The position up to which it knows the log.
    pub fn seen(&self) -> u64 {
        self.seen
    }

    /// The events that it knows, in the log's order.
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    /// The bodies of the events that it knows, with when each was received.
    pub(crate) fn known(&self) -> impl Iterator<Item = (Instant, &Body)> {
        self.events.iter().map(|event| (event.received, &event.body))
    }

    /// The site.
    pub fn site(&self) -> &Site {
        &self.site
    }

    /// When the change would be known; where its key came before, when it became so.
    pub fn at(&self) -> Instant {
        self.at
    }

    /// An event of the log by its id.
    pub fn event(&self, id: EventId) -> Option<&Event> {
        self.events.iter().find(|event| event.id == id)
    }

    /// Whether the key of the change came before: it is compared with what was appended, and not rehearsed again.
    pub fn repeats(&self) -> bool {
        self.before.is_some()
    }

    /// Whether someone else has to approve a plan; where its key came before, whether it was so.
    pub fn proposes(&self, plan: &Plan) -> bool {
        let needs_second = || self.site.premises().approvals.is_some_and(|persons| persons > 1);
        self.before.map_or_else(|| plan.approved.is_none() && needs_second(), |before| before.proposed)
    }

    /// The facts of tables as in a site folder, judged beside those that are known.
    pub(crate) fn read(&self, text: &str, tables: &Tables<'_>) -> Result<Vec<Fact>, FolderError> {
        read_change(text, tables, self.known())
    }

    /// Applies a plan to a copy of the site, and compares.
    pub fn rehearse(&mut self, plan: &Plan) -> Result<Effect, RehearsalError> {
        self.rehearsed(plan).map(|(effect, _)| effect)
    }

    /// As `rehearse`, with the copy that has it.
    pub(crate) fn rehearsed(&mut self, plan: &Plan) -> Result<(Effect, Site), RehearsalError> {
        for (_, body) in &plan.facts {
            self.check_reference(body)?;
        }
        check_change(plan.facts.iter().map(|(_, body)| body), self.at, self.known())?;
        self.site.advance(self.at)?;
        let before = Effect::targets(&self.site)?;
        let mut copy = self.site.clone();
        let mut position = self.seen;
        for (time, body) in &plan.facts {
            position = position.saturating_add(1);
            let event = Event {
                position,
                id: EventId::default(),
                site: self.site.premises().site().id.clone(),
                time: *time,
                received: self.at,
                actor: plan.author.clone(),
                cause: None,
                chains: Vec::new(),
                body: body.clone(),
            };
            copy.apply(&event, &[0; 32])?;
            copy.advance(self.at)?;
        }
        let bodies: Vec<&Body> = plan.facts.iter().map(|(_, body)| body).collect();
        let law = self.site.check_publication(&bodies);
        let after = Effect::targets(&copy)?;
        Ok((Effect::new(&self.site, &before, &after, plan, &law), copy))
    }

    /// A reference counts once, for ever.
    fn check_reference(&self, body: &Body) -> Result<(), RehearsalError> {
        let ledger = self.site.ledger();
        let taken = match body {
            Body::PostingMade(data) => ledger.knows_posting(&data.reference).then_some(&data.reference),
            Body::RechargeReceived(data) => ledger.knows(&data.reference, data.kind).then_some(&data.reference),
            _ => None,
        };
        taken.map_or(Ok(()), |reference| Err(RehearsalError::ReferenceTaken { reference: reference.clone() }))
    }
}

impl Before {
    fn of(first: &Event) -> Self {
        Self { proposed: matches!(first.body, Body::ChangeProposed(_)) }
    }
}
