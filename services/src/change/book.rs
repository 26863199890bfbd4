//! A log that is read, rehearsed on, and appended to by its owner.

use std::fs;
use std::path::{Path, PathBuf};

use adapters::clock::{Clock as _, SystemClock};
use adapters::event_log::{self, EventLog};
use adapters::site_folder::check_change;
use domain::billing::Site;
use domain::event::{Body, Event, EventId, SiteId, encode_canonical};
use domain::prepayment;
use domain::quantity::Instant;

use super::{Effect, Plan, Target};
use crate::exit::{Exit, Failure, bad};
use crate::history::{self, Entry};
use crate::owner::{COMMIT, Draft, Owner, OwnerError};
use crate::replay::failed;
use crate::run::output;

/// What was appended.
pub(crate) struct Appended {
    /// The event that records or proposes the change.
    pub(crate) change: EventId,
    /// Its facts; none of a proposal.
    pub(crate) facts: Vec<EventId>,
    /// Settlements and bill runs that were due before.
    pub(crate) runs: u64,
}

/// A site's log.
pub(crate) struct Book {
    dir: PathBuf,
    log: Option<String>,
    entries: Vec<Entry>,
    site: Site,
    at: Instant,
}

/// What an owner's error means to a person who changes a log.
pub(crate) fn owner_failure(error: OwnerError) -> Failure {
    let (exit, mend) = match &error {
        OwnerError::Log(_) => (Exit::Storage, "see that the log is there, yours, and that nobody else writes to it"),
        _ => (Exit::BadInput, "mend what the message says; nothing of the change was appended"),
    };
    Failure { exit, error: Box::new(error), mend: mend.to_owned() }
}

impl Book {
    /// Reads a log; the change would be known at the target's instant.
    pub(crate) fn open(target: &Target) -> Result<Self, Failure> {
        let entries = history::read(&target.dir, target.log.as_deref()).map_err(failed)?;
        let last = entries.last().map_or(Instant::default(), |entry| entry.event.received);
        let at = match &target.at {
            None => SystemClock.now().max(last),
            Some(text) => Instant::parse(text).map_err(|error| bad(error, "give --at as in 2026-04-02T00:00:00Z"))?,
        };
        if at < last {
            let text = format!("the log's last event was received at {last}, after {at}");
            return Err(bad(text, "what becomes known is appended at the end: give a later --at"));
        }
        let (site, _) = history::replay(&entries, None).map_err(failed)?;
        Ok(Self { dir: target.dir.clone(), log: target.log.clone(), entries, site, at })
    }

    pub(crate) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    pub(crate) fn site(&self) -> &Site {
        &self.site
    }

    pub(crate) fn at(&self) -> Instant {
        self.at
    }

    /// An event of the log by its id.
    pub(crate) fn event(&self, id: EventId) -> Option<&Event> {
        self.entries.iter().map(|entry| &entry.event).find(|event| event.id == id)
    }

    /// Whether someone else has to approve.
    pub(crate) fn needs_second(&self) -> bool {
        self.site.premises().approvals.is_some_and(|persons| persons > 1)
    }

    /// Applies a plan to a copy of the site, and compares.
    pub(crate) fn rehearse(&mut self, plan: &Plan) -> Result<Effect, Failure> {
        let wrong = |error| bad(error, "mend the change as the message says; nothing was appended");
        for (_, body) in &plan.facts {
            self.check_reference(body)?;
        }
        self.check_tables(plan)?;
        self.site.advance(self.at).map_err(wrong)?;
        let before = Effect::targets(&self.site).map_err(wrong)?;
        let mut copy = self.site.clone();
        let mut position = self.entries.last().map_or(0, |entry| entry.event.position);
        for (time, body) in &plan.facts {
            position = position.saturating_add(1);
            let event = Event {
                position,
                id: EventId::default(),
                site: self.site_id(),
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
        let same = |entry: &&Entry| match (&entry.event.body, body) {
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
        if self.entries.iter().any(|entry| same(&entry)) {
            let text = format!("a posting with reference {reference} is in the log");
            return Err(bad(text, "use another reference, or undo that posting"));
        }
        Ok(())
    }

    fn site_id(&self) -> SiteId {
        self.site.premises().site().id.clone()
    }

    /// Opens the log for writing.
    fn writable(&self) -> Result<Box<dyn EventLog>, Failure> {
        let location = self.log.clone().unwrap_or_else(|| self.dir.join("log.db").display().to_string());
        event_log::open(&location).map_err(|error| owner_failure(error.into()))
    }

    /// Settles what is due before, appends the change and its facts, and writes the files anew.
    pub(crate) fn append(&mut self, plan: &Plan, propose: bool) -> Result<Appended, Failure> {
        let mut log = self.writable()?;
        let mut owner = Owner::open(log.as_mut(), self.site_id(), COMMIT).map_err(owner_failure)?;
        if !self.site.held().is_empty() {
            owner.site_mut().hold_errors();
        }
        let before = owner.runs();
        owner.settle_before(self.at).map_err(owner_failure)?;
        let runs = owner.runs().saturating_sub(before);
        let (change, facts) = append_plan(&mut owner, self.at, plan, propose)?;
        owner.flush().map_err(owner_failure)?;
        refresh(&self.dir, &mut owner, self.at)?;
        Ok(Appended { change, facts, runs })
    }
}

/// Appends a change and its facts, or proposes it; durable with the owner's next flush.
pub(crate) fn append_plan(
    owner: &mut Owner<'_>,
    at: Instant,
    plan: &Plan,
    propose: bool,
) -> Result<(EventId, Vec<EventId>), Failure> {
    let bodies: Vec<&Body> = plan.facts.iter().map(|(_, body)| body).collect();
    owner.check_publication(&bodies).map_err(owner_failure)?;
    let head = plan.head(propose)?;
    let bytes = encode_canonical(&head.to_value().unwrap_or_default()).map_err(|error| bad(error, "write less"))?;
    let place = owner.events().to_be_bytes();
    let change = EventId::derive(&[b"change", owner.site_id().as_str().as_bytes(), &place, &bytes]);
    let cause = plan.reverses.or_else(|| plan.approved.as_ref().map(|(proposal, _)| *proposal));
    let actor = plan.approved.as_ref().map_or(&plan.author, |(_, approver)| approver);
    let draft = |id, time, actor: &str, body| Draft { id, time, received: at, actor: actor.to_owned(), body };
    owner.append_caused(draft(change, at, actor, head), cause).map_err(owner_failure)?;
    let mut facts = Vec::new();
    if !propose {
        for (index, (time, body)) in (0u64..).zip(&plan.facts) {
            let id = EventId::derive(&[b"change/fact", change.as_bytes(), &index.to_be_bytes()]);
            owner.append_caused(draft(id, *time, &plan.author, body.clone()), Some(change)).map_err(owner_failure)?;
            facts.push(id);
        }
    }
    Ok((change, facts))
}

/// Writes the files of a folder anew, each whole.
pub(crate) fn refresh(dir: &Path, owner: &mut Owner<'_>, at: Instant) -> Result<usize, Failure> {
    let storage = |error: std::io::Error| Failure {
        exit: Exit::Storage,
        error: Box::new(error),
        mend: "the log has the change; make room there, and settle again to write the files".to_owned(),
    };
    let wrong = |error| bad(error, "mend the fact that the message names");
    let settled = prepayment::settled(owner.site()).map_err(wrong)?;
    let live = prepayment::live(owner.site_mut(), at).map_err(wrong)?;
    let fresh = dir.join("files.partial");
    if fresh.exists() {
        fs::remove_dir_all(&fresh).map_err(storage)?;
    }
    let bills = output::write(&fresh, owner.site(), at, &settled, &live).map_err(storage)?;
    let mut folders = vec![fresh.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).map_err(storage)? {
            let path = entry.map_err(storage)?.path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let Ok(name) = path.strip_prefix(&fresh) else { continue };
            let to = dir.join(name);
            if let Some(parent) = to.parent() {
                fs::create_dir_all(parent).map_err(storage)?;
            }
            fs::rename(&path, &to).map_err(storage)?;
        }
    }
    fs::remove_dir_all(&fresh).map_err(storage)?;
    Ok(bills)
}
