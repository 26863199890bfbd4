//! Opening a log that is there: its events are folded and verified, every
//! decision is derived anew and compared, and a run that was cut off is completed.

use std::collections::VecDeque;

use adapters::event_log::{EventLog, Filter, Kind, Sequence, Stored};
use domain::billing::Due;
use domain::event::{Body, Decoder, Event, ReadingsBatch, SiteId, leaf_hash};
use domain::prepayment;
use domain::quantity::Instant;

use super::recent::is_old;
use super::{Head, Owner, OwnerError, Said, said_by};

const PAGE: usize = 1000;

/// A run of the log that is being compared with what its facts give.
struct Open {
    due: Due,
    left: VecDeque<Body>,
}

/// What folding keeps between events.
struct Fold {
    decoder: Decoder,
    run: Option<Open>,
    /// Where the last whole run ends.
    last_run: u64,
    /// Readings of the last day.
    tail: VecDeque<(Instant, ReadingsBatch)>,
}

impl<'a> Owner<'a> {
    /// The owner of a site, from what its log says: an empty log is a site
    /// without an event. Events of other sites in the same log are left alone.
    pub fn open(log: &'a mut dyn EventLog, site_id: SiteId, commit: usize) -> Result<Self, OwnerError> {
        Self::open_past(log, site_id, commit, None)
    }

    /// As `open`, of a log that once went as far as this head: one that does not any more is refused.
    pub fn open_past(
        log: &'a mut dyn EventLog,
        site_id: SiteId,
        commit: usize,
        past: Option<Head>,
    ) -> Result<Self, OwnerError> {
        let mut owner = Self::empty(log, site_id, commit);
        // Where the log was decided without holding there was nothing to hold.
        owner.site.hold_errors();
        let filter = Filter { site: Some(owner.site_id.clone()), kind: None };
        let last_run = owner.last_run()?;
        let mut fold = Fold { decoder: Decoder::new(), run: None, last_run, tail: VecDeque::new() };
        let mut after = Sequence(0);
        // What another owner appends meanwhile makes the first append of this one a conflict.
        let head = owner.log.head()?;
        owner.sequence = head;
        loop {
            let page = owner.log.read(after, &filter, PAGE)?;
            let Some(last) = page.last() else { break };
            after = last.sequence;
            for stored in page.iter().filter(|stored| stored.sequence <= head) {
                owner.fold(&mut fold, stored)?;
                if let Some(past) = past.filter(|past| past.position == owner.position)
                    && past.root != owner.root()
                {
                    return Err(OwnerError::OtherLog { position: past.position });
                }
            }
        }
        if let Some(past) = past.filter(|past| past.position > owner.position) {
            return Err(OwnerError::Shorter { anchored: past.position, events: owner.position });
        }
        owner.durable = owner.position;
        for (received, batch) in fold.tail {
            owner.recent.record(received, batch.rows());
        }
        if let Some(Open { due, left }) = fold.run {
            owner.append_decisions(due, left)?;
            owner.settled = prepayment::settled(&owner.site)?;
        }
        owner.site.stop_at_errors();
        Ok(owner)
    }

    /// The position of the last decision that ends a run; 0 without one.
    fn last_run(&self) -> Result<u64, OwnerError> {
        let filter = Filter { site: Some(self.site_id.clone()), kind: Some(Kind::Decision) };
        let page = u64::try_from(PAGE).unwrap_or(u64::MAX);
        let mut until = self.log.head()?.0;
        while until > 0 {
            let after = until.saturating_sub(page);
            let stored = self.log.read(Sequence(after), &filter, PAGE)?;
            let within = stored.iter().rev().filter(|stored| stored.sequence.0 <= until);
            for one in within {
                let ends = Event::decode(&one.event.bytes).is_ok_and(|event| matches!(event.body, Body::DaySettled(_)));
                if ends {
                    return Ok(one.event.position);
                }
            }
            until = after;
        }
        Ok(0)
    }

    fn fold(&mut self, fold: &mut Fold, stored: &Stored) -> Result<(), OwnerError> {
        let position = stored.event.position;
        let bytes = &stored.event.bytes;
        let event = fold.decoder.decode(bytes).map_err(|error| OwnerError::Unreadable { position, error })?;
        let leaf = leaf_hash(bytes);
        let follows = self.position.saturating_add(1);
        if event.position != follows || position != follows || event.site != self.site_id {
            return Err(OwnerError::Broken { position, what: "its position or its site" });
        }
        if event.id != stored.event.id || self.ids.contains_key(&event.id) {
            return Err(OwnerError::Broken { position, what: "its id" });
        }
        if self.received.is_some_and(|last| event.received < last) {
            return Err(OwnerError::Broken { position, what: "it was received before the one before it" });
        }
        if !self.chains.extend(&event.chains, &leaf) {
            return Err(OwnerError::Broken { position, what: "a chain" });
        }
        let said = if event.body.is_decision() {
            self.compare(fold, &event)?;
            Said::default()
        } else if let Some(open) = &fold.run {
            let (run, what) = (open.due.kind.to_string(), event.body.type_name());
            return Err(OwnerError::Differs { position, run, what });
        } else if let Body::ReadingsRecorded(batch) = &event.body {
            fold.tail.push_back((event.received, batch.clone()));
            while fold.tail.front().is_some_and(|(at, _)| is_old(*at, event.received)) {
                fold.tail.pop_front();
            }
            Said::default()
        } else {
            said_by(event.time, &event.actor, &event.body)?
        };
        self.site.apply(&event, &leaf).map_err(|error| OwnerError::Stops { position, error })?;
        self.take_up(&event, leaf, said);
        if fold.run.as_ref().is_some_and(|open| open.left.is_empty()) {
            fold.run = None;
            self.runs = self.runs.saturating_add(1);
            if position == fold.last_run {
                self.settled = prepayment::settled(&self.site)?;
            }
        }
        Ok(())
    }

    /// Compares a recorded decision with the one that is derived there.
    fn compare(&mut self, fold: &mut Fold, event: &Event) -> Result<(), OwnerError> {
        let (position, what) = (event.position, event.body.type_name());
        let differs = |run: String| OwnerError::Differs { position, run, what };
        let open = if let Some(open) = fold.run.take() {
            open
        } else {
            let due = self.site.next_due().ok_or_else(|| differs("no run is due".to_owned()))?;
            let run = self.site.decide(due).map_err(|error| OwnerError::Stops { position, error })?;
            Open { due, left: run.decisions.into() }
        };
        let open = fold.run.insert(open);
        if open.left.pop_front().as_ref() == Some(&event.body) {
            Ok(())
        } else {
            Err(differs(open.due.kind.to_string()))
        }
    }
}
