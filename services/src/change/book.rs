//! A log that is read, rehearsed on, and appended to by an owner of its own.

use std::fs;
use std::path::{Path, PathBuf};

use adapters::clock::{Clock as _, SystemClock};
use adapters::event_log::{self, EventLog};
use domain::billing::Site;
use domain::event::{Event, SiteId};
use domain::prepayment;
use domain::quantity::Instant;

use super::append::{AppendError, Appended, Order, append};
use super::{Plan, Rehearsal, Target};
use crate::command::Key;
use crate::exit::{Exit, Failure, bad};
use crate::history;
use crate::owner::{COMMIT, Owner, OwnerError};
use crate::replay::failed;
use crate::run::output;

/// A site's log, and a rehearsal on it.
pub(crate) struct Book {
    dir: PathBuf,
    log: Option<String>,
    pub(crate) rehearsal: Rehearsal,
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
        let entries = history::read_site(&target.dir, target.log.as_deref(), target.site.as_ref()).map_err(failed)?;
        let last = entries.last().map_or(Instant::default(), |entry| entry.event.received);
        let at = match &target.at {
            None => SystemClock.now().max(last),
            Some(text) => Instant::parse(text).map_err(|error| bad(error, "give --at as in 2026-04-02T00:00:00Z"))?,
        };
        if at < last {
            let text = format!("the log's last event was received at {last}, after {at}");
            return Err(bad(text, "what becomes known is appended at the end: give a later --at"));
        }
        let rehearsal = Rehearsal::keyed(entries, at, target.key.as_ref())?;
        Ok(Self { dir: target.dir.clone(), log: target.log.clone(), rehearsal })
    }

    pub(crate) fn events(&self) -> &[Event] {
        self.rehearsal.events()
    }

    pub(crate) fn site(&self) -> &Site {
        self.rehearsal.site()
    }

    pub(crate) fn at(&self) -> Instant {
        self.rehearsal.at()
    }

    fn site_id(&self) -> SiteId {
        self.rehearsal.site().premises().site().id.clone()
    }

    /// Opens the log for writing.
    fn writable(&self) -> Result<Box<dyn EventLog>, Failure> {
        let location = self.log.clone().unwrap_or_else(|| self.dir.join("log.db").display().to_string());
        event_log::open(&location).map_err(|error| owner_failure(error.into()))
    }

    /// Settles what is due before, appends the change and its facts, and writes
    /// the files anew; also how many settlements and bill runs were due before.
    pub(crate) fn append(&mut self, plan: &Plan, propose: bool, key: Option<&Key>) -> Result<(Appended, u64), Failure> {
        let mut log = self.writable()?;
        let at = self.rehearsal.at();
        let mut owner = Owner::open(log.as_mut(), self.site_id(), COMMIT).map_err(owner_failure)?;
        if !self.rehearsal.site().held().is_empty() {
            owner.site_mut().hold_errors();
        }
        let before = owner.runs();
        owner.settle_before(at).map_err(owner_failure)?;
        let runs = owner.runs().saturating_sub(before);
        let order = Order { at, propose, seen: self.rehearsal.seen(), key };
        let appended = append(&mut owner, plan, order).map_err(|error| match error {
            AppendError::Owner(error) => owner_failure(error),
            AppendError::Refused(failure) => failure,
            AppendError::KeyReused { .. } => bad(error, "give another --key; nothing was appended"),
            AppendError::Stale { .. } => bad(error, "rehearse it again"),
        })?;
        owner.flush().map_err(owner_failure)?;
        refresh(&self.dir, &mut owner, at)?;
        Ok((appended, runs))
    }
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
