//! The owner of a site: the only one who appends to its order of events. It
//! gives positions, chains and ids, appends in commits, and folds what it
//! appended into the site's state (DESIGN §2).
//!
//! `open` takes up a log that is there; `inlet` feeds the owner from an intake.

mod contact;
mod dues;
mod error;
mod facts;
mod head;
mod inlet;
mod open;
mod recent;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use adapters::event_log::{EventLog, Kind, LogError, LogEvent, Sequence};
use domain::alarm::{Alarms, Sights};
use domain::billing::{Due, Run, Site};
use domain::compliance::Finding;
use domain::event::{
    AccountId, Body, Chains, Event, EventError, EventId, ReadingRow, ReadingsBatch, RosterEntry, SiteId,
    encode_canonical, leaf_hash, readings_id, sha256,
};
use domain::premises::Premises;
use domain::prepayment::{Live, Settled};
use domain::quantity::Instant;
use domain::recharge::Payments;
use domain::supply::Supply;

pub use contact::{Contact, Contacts};
pub use dues::{AllDues, Basis};
pub use error::OwnerError;
pub use facts::Facts;
pub use head::{Head, HeadFile};
pub use inlet::{Feed, Inlet, Refusal, Refused, Taken};
use recent::Recent;

/// A commit holds at most so many events (DESIGN §2).
pub const COMMIT: usize = 500;
/// The actor of decisions.
pub(crate) const CORE: &str = "core";
/// A full event of readings stands at least hourly.
const BASE_S: i64 = 3600;

/// Something to append, before it has a position.
#[derive(Debug, Clone)]
pub struct Draft {
    /// Its id.
    pub id: EventId,
    /// When it happened.
    pub time: Instant,
    /// When it became known.
    pub received: Instant,
    /// Who says so.
    pub actor: String,
    /// What it says.
    pub body: Body,
}

/// What makes a fact the same fact, beside its id.
type Said = [u8; 8];

/// Full events after a base until a new one is due: a decoder keeps the last 64.
const FULL_AFTER: u64 = 60;

/// A full event of readings, against which others are written.
struct Base {
    position: u64,
    time: Instant,
    batch: ReadingsBatch,
    /// Its number among the full events.
    number: u64,
}

/// Live figures by account.
pub type Balances = Arc<BTreeMap<AccountId, Live>>;

/// The owner of a site.
pub struct Owner<'a> {
    log: &'a mut dyn EventLog,
    site_id: SiteId,
    site: Site,
    chains: Chains,
    position: u64,
    /// The position up to which all is in the log.
    durable: u64,
    received: Option<Instant>,
    sequence: Sequence,
    commit: usize,
    waiting: Vec<LogEvent>,
    bases: BTreeMap<u32, Base>,
    full: u64,
    tree: domain::proof::Tree,
    warned: Vec<Finding>,
    /// The ids of the site's events, with what facts said, and where they stand.
    ids: HashMap<EventId, (Said, u64)>,
    facts: Facts,
    recent: Recent,
    payments: Payments,
    settled: Settled,
    supply: Supply,
    newest_reading: Option<Instant>,
    /// The position of the last event that is neither of readings, of supply nor of alarms.
    books_at: u64,
    contacts: Contacts,
    alarms: Alarms,
    sights: Sights,
    structure: u64,
    balances: Option<Balances>,
    dues: Option<(Basis, AllDues)>,
    last_fact: u64,
    runs: u64,
    stands_down: bool,
}

impl<'a> Owner<'a> {
    /// The owner of a site that has no event yet.
    fn empty(log: &'a mut dyn EventLog, site_id: SiteId, commit: usize) -> Self {
        Self {
            log,
            site_id,
            site: Site::new(),
            chains: Chains::default(),
            position: 0,
            durable: 0,
            received: None,
            sequence: Sequence(0),
            commit: commit.clamp(1, COMMIT),
            waiting: Vec::new(),
            bases: BTreeMap::new(),
            full: 0,
            tree: domain::proof::Tree::default(),
            warned: Vec::new(),
            ids: HashMap::new(),
            facts: Facts::default(),
            recent: Recent::default(),
            payments: Payments::default(),
            settled: Settled::default(),
            supply: Supply::default(),
            newest_reading: None,
            books_at: 0,
            contacts: Contacts::default(),
            alarms: Alarms::default(),
            sights: Sights::default(),
            structure: 0,
            balances: None,
            dues: None,
            last_fact: 0,
            runs: 0,
            stands_down: false,
        }
    }

    /// The site's id.
    pub fn site_id(&self) -> &SiteId {
        &self.site_id
    }

    /// The site's state.
    pub fn site(&self) -> &Site {
        &self.site
    }

    /// The site's state, for live views.
    pub fn site_mut(&mut self) -> &mut Site {
        &mut self.site
    }

    /// The payments that gateways reported.
    pub fn payments(&self) -> &Payments {
        &self.payments
    }

    /// How many events the site has.
    pub fn events(&self) -> u64 {
        self.position
    }

    /// The position of the last fact of the books: it is neither of readings, of supply nor of alarms.
    pub fn last_fact(&self) -> u64 {
        self.last_fact
    }

    /// The position up to which all is durable.
    pub fn durable(&self) -> u64 {
        self.durable
    }

    /// When the last event was received; it never goes back.
    pub fn received(&self) -> Option<Instant> {
        self.received
    }

    /// How many runs were decided, from the first one on.
    pub fn runs(&self) -> u64 {
        self.runs
    }

    /// What the last run saw of those that opening the log or `settle_before` decided.
    pub fn settled(&self) -> &Settled {
        &self.settled
    }

    /// Supply of the site's points.
    pub fn supply(&self) -> &Supply {
        &self.supply
    }

    /// What was said about the site.
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// The newest reading that was recorded.
    pub fn newest_reading(&self) -> Option<Instant> {
        self.newest_reading
    }

    /// The position of the last event that may change what somebody owes, but for readings.
    pub fn books_at(&self) -> u64 {
        self.books_at
    }

    /// What polls brought of meters and their relays since this owner was opened.
    pub fn contacts(&self) -> &Contacts {
        &self.contacts
    }

    /// The site's alarms.
    pub fn alarms(&self) -> &Alarms {
        &self.alarms
    }

    /// What polls told of meters beside their registers, since the log was opened.
    pub fn sights(&self) -> &Sights {
        &self.sights
    }

    /// The position of the last event that changed what is in force.
    pub fn structure(&self) -> u64 {
        self.structure
    }

    /// The live figures of every account as they were kept last; none where they never were.
    pub fn balances(&self) -> Option<Balances> {
        self.balances.clone()
    }

    /// Keeps the live figures that somebody computed, for whoever else needs them.
    pub fn keep_balances(&mut self, balances: Balances) {
        self.balances = Some(balances);
    }

    /// The Merkle root over the site's order (AUDIT.md).
    pub fn root(&self) -> [u8; 32] {
        self.tree.root()
    }

    /// The tree that the root is of.
    pub fn tree(&self) -> &domain::proof::Tree {
        &self.tree
    }

    /// Where an event stands.
    pub fn position_of(&self, id: EventId) -> Option<u64> {
        self.ids.get(&id).map(|(_, position)| *position)
    }

    /// What the law's rules warned of in what was published.
    pub fn warned(&self) -> &[Finding] {
        &self.warned
    }

    /// Judges facts that are about to be appended together by the law's rules; nothing is appended.
    pub fn check_publication(&mut self, facts: &[&Body]) -> Result<(), OwnerError> {
        let found = self.site.check_publication(facts);
        if let Some(finding) = found.iter().find(|finding| finding.blocks()) {
            return Err(OwnerError::Law(Box::new(finding.clone())));
        }
        self.warned.extend(found);
        Ok(())
    }

    /// Whether an id is in the log already.
    pub fn knows(&self, id: EventId) -> bool {
        self.ids.contains_key(&id)
    }

    /// Appends a fact, at the latest with the next `flush`; false where it is in the log already.
    pub fn append(&mut self, draft: Draft) -> Result<bool, OwnerError> {
        self.append_caused(draft, None)
    }

    /// As `append`, of a fact that another event is the cause of.
    pub fn append_caused(&mut self, draft: Draft, cause: Option<EventId>) -> Result<bool, OwnerError> {
        if let Some((said, _)) = self.ids.get(&draft.id) {
            let same = *said == said_by(draft.time, &draft.actor, &draft.body)?;
            return if same { Ok(false) } else { Err(OwnerError::IdReused { id: draft.id }) };
        }
        self.push(draft, cause)?;
        Ok(true)
    }

    /// Appends an event whose id is not in the log.
    fn push(&mut self, draft: Draft, cause: Option<EventId>) -> Result<(), OwnerError> {
        if self.stands_down {
            return Err(OwnerError::StandsDown { site: self.site_id.clone() });
        }
        if let Some(last) = self.received.filter(|last| draft.received < *last) {
            return Err(OwnerError::Earlier { what: draft.body.type_name(), received: draft.received, last });
        }
        let kind = match &draft.body {
            Body::ReadingsRecorded(_) => Kind::Readings,
            body if body.is_decision() => Kind::Decision,
            _ => Kind::Fact,
        };
        let said = if kind == Kind::Fact { said_by(draft.time, &draft.actor, &draft.body)? } else { Said::default() };
        let event = Event {
            position: self.position.saturating_add(1),
            id: draft.id,
            site: self.site_id.clone(),
            time: draft.time,
            received: draft.received,
            actor: draft.actor,
            cause,
            chains: self.chains.links(&draft.body),
            body: draft.body,
        };
        let bytes = event.encode()?;
        let leaf = leaf_hash(&bytes);
        self.site.apply(&event, &leaf)?;
        self.chains.extend(&event.chains, &leaf);
        self.take_up(&event, leaf, said);
        self.waiting.push(LogEvent { site: self.site_id.clone(), position: event.position, id: event.id, kind, bytes });
        if self.waiting.len() >= self.commit { self.flush() } else { Ok(()) }
    }

    /// What there is to remember of an event that is folded into the site.
    fn take_up(&mut self, event: &Event, leaf: [u8; 32], said: Said) {
        self.position = event.position;
        self.supply.apply(event);
        self.facts.record(event);
        match &event.body {
            Body::ReadingsRecorded(batch) => self.newest_reading = self.newest_reading.max(Some(batch.time())),
            Body::Supply(_) | Body::Alarm(_) => {}
            body => {
                self.books_at = event.position;
                if !body.is_decision() {
                    self.last_fact = event.position;
                }
            }
        }
        self.alarms.apply(event);
        if Premises::takes_up(&event.body) {
            self.structure = event.position;
        }
        self.received = Some(event.received);
        self.payments.apply(event);
        self.tree.push(leaf);
        self.ids.insert(event.id, (said, event.position));
        if let Body::ReadingsRecorded(batch) = &event.body
            && batch.base_position().is_none()
        {
            self.full = self.full.saturating_add(1);
            let (position, time, batch, number) = (event.position, event.time, batch.clone(), self.full);
            self.bases.insert(batch.part(), Base { position, time, batch, number });
        }
    }

    /// Appends the readings of one `received`, in parts if they are many; how many are new.
    pub fn append_readings(
        &mut self,
        received: Instant,
        actor: &str,
        rows: Vec<ReadingRow>,
    ) -> Result<u64, OwnerError> {
        let mut new = 0u64;
        for (part, rows) in (0u32..).zip(ReadingsBatch::split(rows)) {
            let Some(time) = rows.first().map(|row| row.time) else { continue };
            let fits = |base: &&Base| {
                (0..BASE_S).contains(&time.since(base.time))
                    && self.full.saturating_sub(base.number) < FULL_AFTER
                    && same_roster(base.batch.roster(), &rows)
            };
            let base = self.bases.get(&part).filter(fits).map(|base| (base.position, &base.batch));
            let batch = ReadingsBatch::try_new(part, time, &rows, base).map_err(EventError::from)?;
            let id = readings_id(&self.site_id, &batch);
            if self.ids.contains_key(&id) {
                continue;
            }
            let body = Body::ReadingsRecorded(batch);
            self.push(Draft { id, time, received, actor: actor.to_owned(), body }, None)?;
            new = new.saturating_add(u64::try_from(rows.len()).unwrap_or(u64::MAX));
        }
        Ok(new)
    }

    /// Decides the runs due before an instant and appends their decisions.
    pub fn settle_before(&mut self, instant: Instant) -> Result<(), OwnerError> {
        let mut decided = false;
        while let Some(due) = self.site.next_due().filter(|due| due.at < instant) {
            self.settle(due)?;
            decided = true;
        }
        if decided {
            self.settled = domain::prepayment::settled(&self.site)?;
        }
        Ok(())
    }

    /// Decides a run that is due and appends its decisions.
    pub fn settle(&mut self, due: Due) -> Result<(), OwnerError> {
        let Run { decisions, .. } = self.site.decide(due)?;
        self.append_decisions(due, decisions)
    }

    fn append_decisions(&mut self, due: Due, decisions: impl IntoIterator<Item = Body>) -> Result<(), OwnerError> {
        for body in decisions {
            let id = body.decision_id(&self.site_id).ok_or(OwnerError::NotADecision(body.type_name()))?;
            self.push(Draft { id, time: due.at, received: due.at, actor: CORE.to_owned(), body }, None)?;
        }
        self.runs = self.runs.saturating_add(1);
        self.flush()
    }

    /// Makes all that was appended durable. What failed for want of room or of
    /// an answer can be flushed again; an owner that was fenced stands down.
    pub fn flush(&mut self) -> Result<(), OwnerError> {
        if self.stands_down {
            return Err(OwnerError::StandsDown { site: self.site_id.clone() });
        }
        while !self.waiting.is_empty() {
            let count = self.waiting.len().min(self.commit);
            let commit = self.waiting.get(..count).unwrap_or_default();
            match self.log.append(self.sequence, commit) {
                Ok(sequences) => self.sequence = sequences.last().copied().unwrap_or(self.sequence),
                Err(error) => {
                    self.stands_down = matches!(error, LogError::Conflict { .. });
                    return Err(error.into());
                }
            }
            self.durable = commit.last().map_or(self.durable, |event| event.position);
            self.waiting.drain(..count);
        }
        Ok(())
    }
}

/// What a fact says, in a few bytes.
fn said_by(time: Instant, actor: &str, body: &Body) -> Result<Said, OwnerError> {
    let data = body.to_value().unwrap_or_default();
    let bytes = encode_canonical(&data).map_err(EventError::from)?;
    let parts: [&[u8]; 5] = [body.type_name().as_bytes(), &[0], actor.as_bytes(), &time.get().to_be_bytes(), &bytes];
    let digest = sha256(&parts);
    Ok(*digest.first_chunk().expect("32 bytes are more than 8"))
}

fn same_roster(roster: &[RosterEntry], rows: &[ReadingRow]) -> bool {
    roster.len() == rows.len() && roster.iter().zip(rows).all(|(entry, row)| entry.meter == row.meter)
}
