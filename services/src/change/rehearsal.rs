//! A change rehearsed on a copy of a site: from the entries of its log, without the log.

use adapters::site_folder::check_change;
use domain::billing::Site;
use domain::event::{Body, Event, EventId};
use domain::quantity::Instant;

use super::{Effect, Plan};
use crate::exit::{Failure, bad};
use crate::history::{self, Entry};
use crate::replay::failed;

/// A site as its log has it, to plan and rehearse a change on. A service reads
/// the entries by a handle of its own (`history::read_site`) while the owner goes on.
pub struct Rehearsal {
    entries: Vec<Entry>,
    site: Site,
    at: Instant,
}

impl Rehearsal {
    /// Folds the entries of a site; the change would be known at an instant that is not before the last of them.
    pub fn new(entries: Vec<Entry>, at: Instant) -> Result<Self, Failure> {
        let (site, _) = history::replay(&entries, None).map_err(failed)?;
        Ok(Self { entries, site, at })
    }

    /// The position up to which it knows the log.
    pub fn seen(&self) -> u64 {
        self.entries.last().map_or(0, |entry| entry.event.position)
    }

    /// The events of the log.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The site.
    pub fn site(&self) -> &Site {
        &self.site
    }

    /// When the change would be known.
    pub fn at(&self) -> Instant {
        self.at
    }

    /// An event of the log by its id.
    pub fn event(&self, id: EventId) -> Option<&Event> {
        self.entries.iter().map(|entry| &entry.event).find(|event| event.id == id)
    }

    /// Whether someone else has to approve.
    pub fn needs_second(&self) -> bool {
        self.site.premises().approvals.is_some_and(|persons| persons > 1)
    }

    /// Applies a plan to a copy of the site, and compares.
    pub fn rehearse(&mut self, plan: &Plan) -> Result<Effect, Failure> {
        let wrong = |error| bad(error, "mend the change as the message says; nothing was appended");
        for (_, body) in &plan.facts {
            self.check_reference(body)?;
        }
        self.check_tables(plan)?;
        self.site.advance(self.at).map_err(wrong)?;
        let before = Effect::targets(&self.site).map_err(wrong)?;
        let mut copy = self.site.clone();
        let mut position = self.seen();
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
            copy.apply(&event, &[0; 32]).map_err(wrong)?;
            copy.advance(self.at).map_err(wrong)?;
        }
        let bodies: Vec<&Body> = plan.facts.iter().map(|(_, body)| body).collect();
        let law = self.site.check_publication(&bodies);
        let after = Effect::targets(&copy).map_err(wrong)?;
        Ok(Effect::new(&self.site, &before, &after, plan, &law))
    }

    /// Judges tables together, as a folder's are.
    fn check_tables(&self, plan: &Plan) -> Result<(), Failure> {
        let known = self.entries.iter().map(|entry| (entry.event.received, &entry.event.body));
        let bodies = plan.facts.iter().map(|(_, body)| body);
        check_change(bodies, self.at, known).map_err(|error| {
            let mend = error.mend.clone();
            bad(error.problem, &mend)
        })
    }

    /// A reference counts once, for ever.
    fn check_reference(&self, body: &Body) -> Result<(), Failure> {
        let same = |entry: &Entry| match (&entry.event.body, body) {
            (Body::PostingMade(one), Body::PostingMade(posting)) => one.reference == posting.reference,
            (Body::RechargeReceived(one), Body::RechargeReceived(received)) => {
                (&one.reference, one.kind) == (&received.reference, received.kind)
            }
            _ => false,
        };
        let reference = match body {
            Body::PostingMade(posting) => &posting.reference,
            Body::RechargeReceived(received) => &received.reference,
            _ => return Ok(()),
        };
        if self.entries.iter().any(same) {
            let text = format!("a posting with reference {reference} is in the log");
            return Err(bad(text, "use another reference, or undo that posting"));
        }
        Ok(())
    }
}
