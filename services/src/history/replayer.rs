//! The fold of a log that recomputes its decisions, run by run. A recorded
//! decision whose bytes are those that are derived is not decoded.

use domain::billing::{Due, Site};
use domain::event::{Body, Chains, Event, SiteId, leaf_hash};
use domain::quantity::Instant;

use super::{Entry, HistoryError, Replay};
use crate::owner::CORE;

/// Types of decisions, as the last bytes of an event: in canonical form the type is the last member, and a quote
/// within a text is escaped.
const DECISIONS: [&[u8]; 6] = [
    b",\"type\":\"account.settled.v1\"}",
    b",\"type\":\"pool.day.allocated.v1\"}",
    b",\"type\":\"bill.issued.v1\"}",
    b",\"type\":\"bill.held.v1\"}",
    b",\"type\":\"finding.raised.v1\"}",
    LAST,
];
const LAST: &[u8] = b",\"type\":\"day.settled.v1\"}";

/// Whether bytes, if they are canonical, are those of a decision.
pub(super) fn is_decision(bytes: &[u8]) -> bool {
    DECISIONS.iter().any(|name| bytes.ends_with(name))
}

/// A recorded decision.
pub(super) enum Recorded {
    /// Decoded.
    Entry(Box<Entry>),
    /// As it is stored, with its position in the log.
    Bytes(u64, Vec<u8>),
}

impl Recorded {
    fn position(&self) -> u64 {
        match self {
            Self::Entry(entry) => entry.event.position,
            Self::Bytes(position, _) => *position,
        }
    }

    fn is_last(&self) -> bool {
        match self {
            Self::Entry(entry) => matches!(entry.event.body, Body::DaySettled(_)),
            Self::Bytes(_, bytes) => bytes.ends_with(LAST),
        }
    }

    fn decoded(self) -> Result<Entry, HistoryError> {
        match self {
            Self::Entry(entry) => Ok(*entry),
            Self::Bytes(position, bytes) => {
                let event = Event::decode(&bytes).map_err(|error| HistoryError::Event { position, error })?;
                Ok(Entry { event, leaf: leaf_hash(&bytes) })
            }
        }
    }
}

/// A fold of a log that compares its decisions run by run.
pub(super) struct Replayer {
    pub(super) site: Site,
    chains: Chains,
    pub(super) found: Replay,
    position: u64,
    site_id: Option<SiteId>,
    /// The decisions of a run that has not ended.
    run: Vec<Recorded>,
}

impl Replayer {
    pub(super) fn new() -> Self {
        // A log that was settled without an error is the same with errors held.
        let mut site = Site::new();
        site.hold_errors();
        Self { site, chains: Chains::default(), found: Replay::default(), position: 0, site_id: None, run: Vec::new() }
    }

    /// When the next run is due, by the facts so far.
    pub(super) fn due(&self) -> Option<Instant> {
        self.site.next_due().map(|due| due.at)
    }

    /// What all events gave; a run without its last decision is left out.
    pub(super) fn into_site(self) -> Site {
        self.site
    }

    /// Takes up the next event; the name of the run that ended with it.
    pub(super) fn take(&mut self, entry: Entry) -> Result<Option<String>, HistoryError> {
        if entry.event.body.is_decision() {
            return self.decision(Recorded::Entry(Box::new(entry)));
        }
        let ended = self.end_run()?;
        let at = self.follow_position(entry.event.position);
        self.of_one_site(&entry)?;
        self.follow(&entry);
        let billing = |error| HistoryError::Billing { position: at, error };
        self.site.apply(&entry.event, &entry.leaf).map_err(billing)?;
        self.found.facts = self.found.facts.saturating_add(1);
        Ok(ended)
    }

    /// As `take`, of a decision.
    pub(super) fn decision(&mut self, recorded: Recorded) -> Result<Option<String>, HistoryError> {
        let last = recorded.is_last();
        self.run.push(recorded);
        if last { self.end_run() } else { Ok(None) }
    }

    fn follow_position(&mut self, at: u64) -> u64 {
        self.position = self.position.saturating_add(1);
        if at != self.position {
            self.found.note(at, "order", "position", &at.to_string(), &self.position.to_string());
        }
        at
    }

    fn of_one_site(&mut self, entry: &Entry) -> Result<(), HistoryError> {
        let other = &entry.event.site;
        match &self.site_id {
            Some(one) if one == other => Ok(()),
            Some(one) => Err(HistoryError::ManySites { one: one.clone(), other: other.clone() }),
            None => {
                self.site_id = Some(other.clone());
                Ok(())
            }
        }
    }

    fn follow(&mut self, entry: &Entry) {
        if !self.chains.extend(&entry.event.chains, &entry.leaf) {
            let name = entry.event.body.type_name();
            self.found.note(
                entry.event.position,
                "chain",
                name,
                "a link that does not follow",
                "the head of its chain",
            );
        }
    }

    /// Compares the decisions of a run with what the facts before them give; the run's name.
    pub(super) fn end_run(&mut self) -> Result<Option<String>, HistoryError> {
        let recorded = std::mem::take(&mut self.run);
        let (Some(first), Some(last)) = (recorded.first(), recorded.last()) else { return Ok(None) };
        let (first, last) = (first.position(), last.position());
        self.follow_position(first);
        let billing = |error| HistoryError::Billing { position: last, error };
        let due = self.site.next_due();
        let run = due.map(|due| self.site.decide(due)).transpose().map_err(billing)?;
        let name = due.map(|due| due.kind.to_string());
        let mut derived = run.map(|run| run.decisions).unwrap_or_default().into_iter();
        match &name {
            Some(_) => self.found.runs = self.found.runs.saturating_add(1),
            None => self.found.note(last, "run", "decision", "a run", "nothing is due"),
        }
        for one in recorded {
            let body = derived.next();
            if due.is_some() {
                self.found.decisions = self.found.decisions.saturating_add(1);
            }
            self.compare(one, due.zip(body), name.as_deref())?;
        }
        for body in derived {
            self.found.note(last, name.as_deref().unwrap_or_default(), body.type_name(), "not recorded", "derived");
        }
        self.position = last;
        Ok(name)
    }

    /// Compares a recorded decision with the derived one: their bytes, and what they say where those differ.
    fn compare(
        &mut self,
        recorded: Recorded,
        derived: Option<(Due, Body)>,
        run: Option<&str>,
    ) -> Result<(), HistoryError> {
        let at = recorded.position();
        let billing = |error| HistoryError::Billing { position: at, error };
        let mut body = None;
        if let Some((due, derived)) = derived {
            match (&recorded, &self.site_id) {
                (Recorded::Bytes(_, bytes), Some(site)) => {
                    let event = self.event(at, site, due, derived);
                    if event.encode().is_ok_and(|encoded| encoded == *bytes) {
                        let leaf = leaf_hash(bytes);
                        self.chains.extend(&event.chains, &leaf);
                        return self.site.apply(&event, &leaf).map_err(billing);
                    }
                    body = Some(event.body);
                }
                _ => body = Some(derived),
            }
        }
        let entry = recorded.decoded()?;
        self.of_one_site(&entry)?;
        let (at, kind) = (entry.event.position, entry.event.body.type_name());
        match (body, run) {
            (_, None) => {}
            (None, Some(run)) => self.found.note(at, run, kind, "recorded", "not derived"),
            (Some(body), Some(_)) if body == entry.event.body => {}
            (Some(body), Some(run)) => {
                let (was, is) = (entry.event.body.to_value(), body.to_value());
                let (was, is) = (was.unwrap_or_default(), is.unwrap_or_default());
                self.found.compare(at, run, kind.to_owned(), &was, &is);
            }
        }
        self.follow(&entry);
        self.site.apply(&entry.event, &entry.leaf).map_err(billing)
    }

    /// The event of a derived decision, as the owner of the site appends it.
    fn event(&self, position: u64, site: &SiteId, due: Due, body: Body) -> Event {
        Event {
            position,
            id: body.decision_id(site).unwrap_or_default(),
            site: site.clone(),
            time: due.at,
            received: due.at,
            actor: CORE.to_owned(),
            cause: None,
            chains: self.chains.links(&body),
            body,
        }
    }
}
