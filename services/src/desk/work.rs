//! The thread of a desk.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, TryRecvError};
use std::time::{Duration, Instant as Clock};

use adapters::event_log::{self, LogError};
use domain::billing::Site;
use domain::event::{EventId, PointId, hex};
use domain::prepayment;
use domain::quantity::Instant;
use metrics::{counter, gauge, histogram};
use serde_json::json;
use tokio::sync::watch;

use super::{Answer, Change, DeskError, Duty, Job, Moment, Read, Setup, Turn};
use crate::owner::{COMMIT, Draft, Feed, Head, HeadFile, Inlet, Owner, OwnerError, Refused};

/// Between two looks at the intake.
const TURN: Duration = Duration::from_millis(50);
/// After a turn that could not be committed.
const AGAIN: Duration = Duration::from_millis(500);
/// So many jobs share a commit.
const JOBS: usize = 1000;
/// Balances that take no longer are computed for whoever asked.
const QUICK: Duration = Duration::from_millis(5);
/// Between two heads that are anchored.
const ANCHOR: Duration = Duration::from_secs(10);
/// Live balances may take one part in so many of the thread's time.
const LIVE_SHARE: u32 = 10;

type Ready = Result<watch::Receiver<Arc<Moment>>, DeskError>;

/// Works until it is stopped, or until the owner stands down.
pub(super) fn run(setup: Setup, jobs: &Receiver<Job>, stopped: &Receiver<()>, ready: &Sender<Ready>) {
    let failed = |error: OwnerError| DeskError::Owner(Arc::new(error));
    let site = setup.site.clone();
    let mut log = match event_log::open(&setup.log) {
        Ok(log) => log,
        Err(error) => return tell(ready, Err(failed(error.into()))),
    };
    let mut setup = setup;
    let past = match setup.head.read() {
        Ok(past) => past,
        Err(error) => return tell(ready, Err(failed(error))),
    };
    let opened = Owner::open_past(log.as_mut(), site.clone(), COMMIT, past).and_then(|mut owner| {
        owner.site_mut().hold_errors();
        let now = now_of(setup.clock.as_ref(), &owner);
        take_folder(&mut owner, std::mem::take(&mut setup.facts), now)?;
        Ok(owner)
    });
    let owner = match opened {
        Ok(owner) => owner,
        Err(error @ (OwnerError::Shorter { .. } | OwnerError::OtherLog { .. })) => {
            let (file, why) = (setup.head.path().to_owned(), Arc::new(error));
            return tell(ready, Err(DeskError::Lost { site, file, why }));
        }
        Err(error) => return tell(ready, Err(failed(error))),
    };
    let Setup { mut intake, clock, patience_s, refused, duties, head, .. } = setup;
    let inlet = Inlet::new(intake.as_mut(), clock.as_ref(), Feed::Buses { patience_s });
    let (show, seen) = watch::channel(Arc::new(Moment::default()));
    let mut worker = Worker {
        owner,
        inlet,
        clock: clock.as_ref(),
        duties,
        show,
        moment: Moment::default(),
        structure: 0,
        live_took: Duration::ZERO,
        live_made: None,
        refused: &refused,
        head,
        anchored: past.map(|past| past.position),
        anchored_at: None,
    };
    if let Err(error) = worker.turn(Vec::new()) {
        return tell(ready, Err(error));
    }
    tell(ready, Ok(seen));
    worker.work(jobs, stopped);
}

fn tell(ready: &Sender<Ready>, outcome: Ready) {
    // Whoever started may be gone.
    ready.send(outcome).unwrap_or_default();
}

fn now_of(clock: &dyn adapters::clock::Clock, owner: &Owner<'_>) -> Instant {
    let now = clock.now();
    owner.received().map_or(now, |last| now.max(last))
}

/// Appends what a site folder says and the log does not have. A fact that was
/// known before the log's last event becomes known now.
fn take_folder(owner: &mut Owner<'_>, facts: Vec<adapters::site_folder::Fact>, now: Instant) -> Result<(), OwnerError> {
    for fact in facts {
        let id = EventId::derive(&[b"fact", fact.key.as_bytes()]);
        if owner.knows(id) {
            continue;
        }
        let is_empty = owner.runs() == 0;
        let received = if is_empty { fact.received.min(now) } else { now };
        let received = owner.received().map_or(received, |last| received.max(last));
        owner.settle_before(received)?;
        owner.check_publication(&[&fact.body])?;
        owner.append(Draft { id, time: fact.time, received, actor: fact.actor, body: fact.body })?;
    }
    owner.flush()
}

struct Worker<'w, 'o> {
    owner: Owner<'o>,
    inlet: Inlet<'w>,
    clock: &'w dyn adapters::clock::Clock,
    duties: Vec<Box<dyn Duty>>,
    show: watch::Sender<Arc<Moment>>,
    moment: Moment,
    /// The position of what is in force.
    structure: u64,
    live_took: Duration,
    live_made: Option<Clock>,
    refused: &'w Path,
    head: HeadFile,
    /// The position of the head that is kept, and when it was written.
    anchored: Option<u64>,
    anchored_at: Option<Clock>,
}

impl Worker<'_, '_> {
    fn work(&mut self, jobs: &Receiver<Job>, stopped: &Receiver<()>) {
        loop {
            let ends = matches!(stopped.try_recv(), Err(TryRecvError::Disconnected));
            let mut batch = Vec::new();
            match jobs.recv_timeout(if ends { Duration::ZERO } else { TURN }) {
                Ok(job) => batch.push(job),
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {}
            }
            batch.extend(jobs.try_iter().take(JOBS));
            let outcome = self.turn(batch);
            if let Err(error) = &outcome {
                self.stand_down(error);
            }
            self.anchor(ends);
            if ends || outcome.is_err() {
                return;
            }
            if self.moment.fault.is_some() {
                std::thread::sleep(AGAIN);
            }
        }
    }

    /// One turn. An error is one that the owner does not come back from.
    fn turn(&mut self, jobs: Vec<Job>) -> Result<(), DeskError> {
        let mut answers: Vec<Answer> = Vec::new();
        let asked = !jobs.is_empty();
        let (mut changes, mut reads) = (Vec::new(), Vec::new());
        for job in jobs {
            match job {
                Job::Change(change) => changes.push(change),
                Job::Read(read) => reads.push(read),
            }
        }
        let outcome = self.decide(changes, &mut answers).and_then(|()| self.commit());
        let now = now_of(self.clock, &self.owner);
        let fatal = outcome.as_ref().err().is_some_and(is_fatal);
        let durable = outcome.map_err(|error| DeskError::Owner(Arc::new(error)));
        if durable.is_ok() {
            // Before it answers, so that who changed something sees it.
            let mended = self.moment.fault.take().is_some();
            self.look(now, asked);
            if mended {
                self.publish();
            }
        }
        for answer in answers {
            answer(durable.clone());
        }
        match durable {
            Ok(()) => {
                for duty in &mut self.duties {
                    duty.act(&self.owner, now);
                }
            }
            Err(error) if fatal => return Err(error),
            Err(error) => {
                tracing::warn!(site = %self.owner.site_id(), %error, "nothing is appended at present");
                self.moment.fault = Some(error.to_string());
                self.publish();
            }
        }
        self.read(reads, now);
        Ok(())
    }

    /// Answers who reads. What came in since the live figures were computed is in what is read: they are computed
    /// anew before, once for all who ask.
    fn read(&mut self, reads: Vec<Read>, now: Instant) {
        if !reads.is_empty() && self.moment.live_at.0 != self.owner.events() {
            self.compute_live(now);
            self.publish();
        }
        for read in reads {
            read(&mut Turn { owner: &mut self.owner, now, moment: &self.moment });
        }
    }

    fn decide(&mut self, jobs: Vec<Change>, answers: &mut Vec<Answer>) -> Result<(), OwnerError> {
        // Time goes on while the intake is taken: nothing is appended at an instant before that.
        let outcome = self.take().and_then(|()| self.settle());
        let now = outcome.as_ref().map_or_else(|_| now_of(self.clock, &self.owner), |now| *now);
        for job in jobs {
            let mut turn = Turn { owner: &mut self.owner, now, moment: &self.moment };
            answers.push(job(&mut turn));
        }
        outcome?;
        for duty in &mut self.duties {
            duty.decide(&mut self.owner, now)?;
        }
        Ok(())
    }

    /// Decides what is due; up to when.
    fn settle(&mut self) -> Result<Instant, OwnerError> {
        let now = now_of(self.clock, &self.owner);
        self.owner.settle_before(now)?;
        Ok(now)
    }

    /// Takes what came in.
    fn take(&mut self) -> Result<(), OwnerError> {
        loop {
            let taken = self.inlet.pump(&mut self.owner)?;
            counter!("tallywatt_readings_total").increment(taken.readings);
            counter!("tallywatt_facts_total").increment(taken.facts);
            for refused in &taken.refused {
                self.keep_refused(refused);
            }
            if taken.items == 0 {
                return Ok(());
            }
        }
    }

    /// An item that cannot be appended is kept for a person to look at.
    fn keep_refused(&mut self, refused: &Refused) {
        let (id, reason) = (refused.id.to_string(), refused.reason.to_string());
        tracing::warn!(site = %self.owner.site_id(), id, reason, "an item of the intake was refused");
        let line = json!({"id": id, "item": String::from_utf8_lossy(&refused.bytes), "reason": reason}).to_string();
        let file = std::fs::OpenOptions::new().create(true).append(true).open(self.refused);
        if let Err(error) = file.and_then(|mut file| writeln!(file, "{line}")) {
            tracing::error!(%error, line, "a refused item could not be written down");
        }
        self.moment.refused = self.moment.refused.saturating_add(1);
        counter!("tallywatt_refused_total").increment(1);
    }

    fn commit(&mut self) -> Result<(), OwnerError> {
        let began = Clock::now();
        if self.owner.durable() < self.owner.events() {
            self.owner.flush()?;
            histogram!("tallywatt_commit_seconds").record(began.elapsed().as_secs_f64());
        }
        self.inlet.acknowledge(&self.owner)
    }

    /// Keeps the head that is durable: now and then, and at the end.
    fn anchor(&mut self, ends: bool) {
        let position = self.owner.durable();
        // The root is of all events: it is the head's while none of them waits.
        let is_due = ends || self.anchored_at.is_none_or(|at| at.elapsed() >= ANCHOR);
        if !is_due || self.anchored == Some(position) || position != self.owner.events() {
            return;
        }
        match self.head.keep(Head { position, root: self.owner.root() }) {
            Ok(()) => self.anchored = Some(position),
            Err(error) => tracing::warn!(site = %self.owner.site_id(), %error, "the log's head is not anchored"),
        }
        self.anchored_at = Some(Clock::now());
    }

    /// Makes the moment of now, if something can have changed. Balances of a
    /// small site are new whenever somebody asked for something.
    fn look(&mut self, now: Instant, asked: bool) {
        let mut told = false;
        for duty in &self.duties {
            told |= duty.tell(&mut self.moment);
        }
        let changed = told || self.moment.position != self.owner.events();
        let moved_on = now.get().div_euclid(60) != self.moment.live_at.1.get().div_euclid(60);
        let stale = self.moment.live_at.0 != self.owner.events() || moved_on;
        let rested = self.live_took.saturating_mul(LIVE_SHARE);
        let quick = asked && self.live_took <= QUICK;
        let due = stale && (quick || self.live_made.is_none_or(|made| made.elapsed() >= rested));
        if !changed && !due {
            return;
        }
        self.moment.at = now;
        self.moment.position = self.owner.events();
        self.moment.root = self.owner.root();
        self.moment.received = self.owner.received();
        self.moment.newest_reading = self.owner.newest_reading();
        self.moment.supply = Arc::new(self.owner.supply().clone());
        if self.moment.settled.as_ref() != self.owner.settled() {
            self.moment.settled = Arc::new(self.owner.settled().clone());
        }
        if self.structure != self.owner.structure() {
            self.structure = self.owner.structure();
            self.moment.premises = Arc::new(self.owner.site().premises().clone());
        }
        if due {
            self.compute_live(now);
        }
        let position = self.moment.position;
        gauge!("tallywatt_position").set(u32::try_from(position).map_or(f64::INFINITY, f64::from));
        self.publish();
    }

    fn compute_live(&mut self, now: Instant) {
        let began = Clock::now();
        match prepayment::live_by(self.owner.site_mut(), now) {
            Ok((live, targets)) => {
                self.moment.live = Arc::new(live);
                self.owner.keep_balances(Arc::clone(&self.moment.live));
                self.moment.targets = Arc::new(targets);
                self.moment.heard = Arc::new(heard(self.owner.site()));
                self.moment.live_at = (self.owner.events(), now);
            }
            Err(error) => tracing::warn!(site = %self.owner.site_id(), %error, "balances cannot be computed"),
        }
        self.live_took = began.elapsed();
        self.live_made = Some(Clock::now());
    }

    fn publish(&self) {
        self.show.send_replace(Arc::new(self.moment.clone()));
    }

    fn stand_down(&mut self, error: &DeskError) {
        tracing::error!(site = %self.owner.site_id(), %error, root = hex(&self.owner.root()), "the owner stands down");
        self.moment.fault = Some(error.to_string());
        self.publish();
    }
}

/// The last accepted reading of each metered point.
fn heard(site: &Site) -> BTreeMap<PointId, Instant> {
    let mut all: BTreeMap<PointId, Instant> = BTreeMap::new();
    for register in site.metering().registers() {
        let point = site.premises().meters.get(register.id()).map(|meter| &meter.point);
        if let (Some(point), Some(last)) = (point, register.last_accepted()) {
            let known = all.entry(point.clone()).or_insert(last);
            *known = last.max(*known);
        }
    }
    all
}

/// Whether an owner cannot go on: it was fenced, or the site contradicts its log.
fn is_fatal(error: &OwnerError) -> bool {
    let passes = |error: &LogError| {
        matches!(
            error,
            LogError::DiskFull
                | LogError::File(_)
                | LogError::Unreachable(_)
                | LogError::Server { .. }
                | LogError::Unsynced
        )
    };
    match error {
        OwnerError::Log(error) => !passes(error),
        OwnerError::Intake(_) => false,
        _ => true,
    }
}
