//! The owner of a site: the only one who appends to its order of events. It
//! gives positions, chains and ids, appends in commits, and folds what it
//! appended into the site's state (DESIGN §2).

use std::collections::BTreeMap;

use adapters::event_log::{EventLog, Kind, LogError, LogEvent, Sequence};
use domain::billing::{BillingError, Due, Run, Site};
use domain::compliance::Finding;
use domain::event::{
    Body, Chains, Event, EventError, EventId, ReadingRow, ReadingsBatch, RosterEntry, SiteId, leaf_hash, readings_id,
};
use domain::quantity::Instant;

/// A commit holds at most so many events (DESIGN §2).
pub const COMMIT: usize = 500;
/// A full event of readings stands at least hourly.
const BASE_S: i64 = 3600;

/// Why the owner had to stop.
#[derive(Debug, thiserror::Error)]
pub enum OwnerError {
    /// The log refused or failed.
    #[error(transparent)]
    Log(#[from] LogError),
    /// A fact that has no canonical bytes.
    #[error(transparent)]
    Event(#[from] EventError),
    /// An error of the site that a settlement found.
    #[error(transparent)]
    Billing(#[from] BillingError),
    /// A publication that the law's rules forbid.
    #[error("{0}; {mend}, or override the rule with a reason", mend = .0.rule.mend)]
    Law(Box<Finding>),
}

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

/// The owner of a site.
pub struct Owner<'a> {
    log: &'a mut dyn EventLog,
    site_id: SiteId,
    site: Site,
    chains: Chains,
    position: u64,
    sequence: Sequence,
    commit: usize,
    waiting: Vec<LogEvent>,
    bases: BTreeMap<u32, (u64, Instant, ReadingsBatch)>,
    tree: domain::proof::Frontier,
    warned: Vec<Finding>,
}

impl<'a> Owner<'a> {
    /// The owner of a site without an event, appending `commit` events at a time.
    pub fn new(log: &'a mut dyn EventLog, site_id: SiteId, commit: usize) -> Result<Self, OwnerError> {
        let sequence = log.head()?;
        Ok(Self {
            log,
            site_id,
            site: Site::new(),
            chains: Chains::default(),
            position: 0,
            sequence,
            commit: commit.clamp(1, COMMIT),
            waiting: Vec::new(),
            bases: BTreeMap::new(),
            tree: domain::proof::Frontier::default(),
            warned: Vec::new(),
        })
    }

    /// The site's state.
    pub fn site(&self) -> &Site {
        &self.site
    }

    /// The site's state, for live views.
    pub fn site_mut(&mut self) -> &mut Site {
        &mut self.site
    }

    /// How many events the site has.
    pub fn events(&self) -> u64 {
        self.position
    }

    /// The Merkle root over the site's order (AUDIT.md).
    pub fn root(&self) -> [u8; 32] {
        self.tree.root()
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

    /// Appends a fact or a decision, at the latest with the next `flush`.
    pub fn append(&mut self, draft: Draft) -> Result<(), OwnerError> {
        let kind = match &draft.body {
            Body::ReadingsRecorded(_) => Kind::Readings,
            body if body.is_decision() => Kind::Decision,
            _ => Kind::Fact,
        };
        let event = Event {
            position: self.position.saturating_add(1),
            id: draft.id,
            site: self.site_id.clone(),
            time: draft.time,
            received: draft.received,
            actor: draft.actor,
            cause: None,
            chains: self.chains.links(&draft.body),
            body: draft.body,
        };
        let bytes = event.encode()?;
        let leaf = leaf_hash(&bytes);
        self.site.apply(&event, &leaf)?;
        self.position = event.position;
        self.tree.push(leaf);
        self.chains.extend(&event.chains, &leaf);
        self.waiting.push(LogEvent { site: self.site_id.clone(), position: event.position, id: event.id, kind, bytes });
        if self.waiting.len() >= self.commit { self.flush() } else { Ok(()) }
    }

    /// Appends the readings of one `received`, in parts if they are many.
    pub fn append_readings(&mut self, received: Instant, mut rows: Vec<ReadingRow>) -> Result<(), OwnerError> {
        rows.sort_by_key(|row| row.time);
        for (part, rows) in (0u32..).zip(ReadingsBatch::split(rows)) {
            let Some(time) = rows.first().map(|row| row.time) else { continue };
            let base = self
                .bases
                .get(&part)
                .filter(|(_, at, base)| time.since(*at) < BASE_S && time >= *at && same_roster(base.roster(), &rows));
            let base = base.map(|(position, _, batch)| (*position, batch));
            let batch = ReadingsBatch::try_new(part, time, &rows, base).map_err(EventError::from)?;
            let id = readings_id(&self.site_id, &batch);
            if batch.base_position().is_none() {
                self.bases.insert(part, (self.position.saturating_add(1), time, batch.clone()));
            }
            let body = Body::ReadingsRecorded(batch);
            self.append(Draft { id, time, received, actor: "collector".to_owned(), body })?;
        }
        Ok(())
    }

    /// Decides a run that is due and appends its decisions.
    pub fn settle(&mut self, due: Due) -> Result<(), OwnerError> {
        let Run { decisions, .. } = self.site.decide(due)?;
        let run = due.kind.to_string();
        for (index, body) in (0u64..).zip(decisions) {
            let parts: [&[u8]; 5] = [
                b"decision",
                self.site_id.as_str().as_bytes(),
                run.as_bytes(),
                body.type_name().as_bytes(),
                &index.to_be_bytes(),
            ];
            let id = EventId::derive(&parts);
            self.append(Draft { id, time: due.at, received: due.at, actor: "core".to_owned(), body })?;
        }
        self.flush()
    }

    /// Makes all that was appended durable.
    pub fn flush(&mut self) -> Result<(), OwnerError> {
        for commit in self.waiting.chunks(self.commit) {
            if let Some(last) = self.log.append(self.sequence, commit)?.last() {
                self.sequence = *last;
            }
        }
        self.waiting.clear();
        Ok(())
    }
}

fn same_roster(roster: &[RosterEntry], rows: &[ReadingRow]) -> bool {
    roster.len() == rows.len() && roster.iter().zip(rows).all(|(entry, row)| entry.meter == row.meter)
}
