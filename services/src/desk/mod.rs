//! A site at work: one thread owns it. In each turn it decides what is due, takes
//! what came in, carries out what was asked, and commits all of it at once; then it
//! answers, acts on the world, and shows the new moment to whoever watches.
//!
//! Reading order: `mod` (the handle), `moment` (what is seen between two turns),
//! `duty` (what is done in every turn), `work` (the thread).

mod duty;
mod moment;
mod work;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;

use adapters::clock::Clock;
use adapters::intake::Intake;
use adapters::site_folder::Fact;
use domain::event::SiteId;
use domain::quantity::Instant;
use tokio::sync::{oneshot, watch};

use crate::owner::{HeadFile, Owner, OwnerError};

pub use duty::Duty;
pub use moment::Moment;

/// What a desk works on.
pub struct Setup {
    /// The site.
    pub site: SiteId,
    /// Its log: a file, or `nats://HOST:PORT/STREAM`.
    pub log: String,
    /// Where its head is anchored: a log that does not go as far any more is refused.
    pub head: HeadFile,
    /// What comes in.
    pub intake: Box<dyn Intake>,
    /// How long the polls of a minute wait for a bus that answered in the minute before, in seconds.
    pub patience_s: i64,
    /// What `received` is taken from.
    pub clock: Box<dyn Clock>,
    /// What the site folder says: appended where it is not in the log yet.
    pub facts: Vec<Fact>,
    /// A file that items which cannot be appended are written to, a line each, with the reason.
    pub refused: PathBuf,
    /// What is done in every turn.
    pub duties: Vec<Box<dyn Duty>>,
}

/// Why a desk does not answer.
#[derive(Debug, Clone, thiserror::Error)]
pub enum DeskError {
    /// Its thread has ended.
    #[error("site {0} has no owner here any more: see the log of the service, and start it anew")]
    Closed(SiteId),
    /// The log could not be opened, or stopped the owner.
    #[error(transparent)]
    Owner(Arc<OwnerError>),
    /// The log is not what it was when its head was anchored.
    #[error(
        "{why}. Bring back a copy of the log of site {site} that has them; only if another log is meant, remove {}",
        file.display()
    )]
    Lost {
        /// The site.
        site: SiteId,
        /// The file of the head.
        file: PathBuf,
        /// What is wrong.
        why: Arc<OwnerError>,
    },
    /// No thread.
    #[error("the thread of site {site} could not be started: {why}")]
    Thread {
        /// The site.
        site: SiteId,
        /// Why.
        why: String,
    },
}

/// Why a change was not made.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ChangeError<E> {
    /// It was refused; nothing was appended.
    #[error(transparent)]
    Refused(E),
    /// It is not durable: ask again with the same key, it is made once.
    #[error(transparent)]
    Desk(DeskError),
}

/// What is asked of the thread.
enum Job {
    /// Runs in a turn before its commit; the answer goes out after it.
    Change(Change),
    /// Runs after the commit, where the moment is of the state that is read.
    Read(Read),
}
type Change = Box<dyn FnOnce(&mut Turn<'_, '_>) -> Answer + Send>;
type Read = Box<dyn FnOnce(&mut Turn<'_, '_>) + Send>;
type Answer = Box<dyn FnOnce(Result<(), DeskError>) + Send>;

/// A turn of the desk, for whoever reads or changes in it.
pub struct Turn<'t, 'o> {
    /// The owner. What is appended becomes durable at the end of the turn.
    pub owner: &'t mut Owner<'o>,
    /// When: the clock's instant, and never before the last event.
    pub now: Instant,
    /// For a change the moment before this turn; for a read that of the owner's state.
    pub moment: &'t Moment,
}

/// The handle to a site at work. Its clones are the same desk.
#[derive(Clone)]
pub struct Desk {
    site: SiteId,
    jobs: Sender<Job>,
    moment: watch::Receiver<Arc<Moment>>,
}

impl fmt::Debug for Desk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Desk").field("site", &self.site).finish_non_exhaustive()
    }
}

/// The thread of a desk: it ends, after a last turn, when this is dropped.
#[derive(Debug)]
pub struct Worker {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.stop.take();
        if let Some(thread) = self.thread.take() {
            // A thread that panicked has said so.
            thread.join().unwrap_or_default();
        }
    }
}

impl Desk {
    /// Opens the log and starts to work; returns when the first moment can be seen.
    pub fn start(setup: Setup) -> Result<(Self, Worker), DeskError> {
        let site = setup.site.clone();
        let (jobs, asked) = channel();
        let (stop, stopped) = channel();
        let (ready, first) = channel();
        let named = std::thread::Builder::new().name(format!("desk {site}"));
        let thread = named.spawn(move || work::run(setup, &asked, &stopped, &ready)).map_err(|error| {
            let (site, why) = (site.clone(), error.to_string());
            DeskError::Thread { site, why }
        })?;
        let worker = Worker { stop: Some(stop), thread: Some(thread) };
        match first.recv() {
            Ok(Ok(moment)) => Ok((Self { site, jobs, moment }, worker)),
            Ok(Err(error)) => Err(error),
            Err(_) => Err(DeskError::Closed(site)),
        }
    }

    /// The site.
    pub const fn site(&self) -> &SiteId {
        &self.site
    }

    /// What can be seen now, without waiting.
    pub fn moment(&self) -> Arc<Moment> {
        Arc::clone(&self.moment.borrow())
    }

    /// The moments as they come.
    pub fn watch(&self) -> watch::Receiver<Arc<Moment>> {
        self.moment.clone()
    }

    /// Reads the site at the end of a turn: live figures are of the same readings as all else that is read.
    pub async fn read<T: Send + 'static>(
        &self,
        ask: impl FnOnce(&mut Turn<'_, '_>) -> T + Send + 'static,
    ) -> Result<T, DeskError> {
        let (reply, answer) = oneshot::channel();
        // Whoever asked may be gone.
        let job = Job::Read(Box::new(move |turn| reply.send(ask(turn)).unwrap_or_else(drop)));
        self.jobs.send(job).map_err(|_| self.closed())?;
        answer.await.map_err(|_| self.closed())
    }

    /// Appends what is decided in a turn; answers when that is durable. A refusal must come before the first append.
    pub async fn change<T: Send + 'static, E: Send + 'static>(
        &self,
        decide: impl FnOnce(&mut Turn<'_, '_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, ChangeError<E>> {
        self.ask(decide)?.await.map_err(|_| ChangeError::Desk(self.closed()))?
    }

    /// As `change`, for a thread that may wait.
    pub fn change_blocking<T: Send + 'static, E: Send + 'static>(
        &self,
        decide: impl FnOnce(&mut Turn<'_, '_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, ChangeError<E>> {
        self.ask(decide)?.blocking_recv().map_err(|_| ChangeError::Desk(self.closed()))?
    }

    fn ask<T: Send + 'static, E: Send + 'static>(
        &self,
        decide: impl FnOnce(&mut Turn<'_, '_>) -> Result<T, E> + Send + 'static,
    ) -> Result<oneshot::Receiver<Result<T, ChangeError<E>>>, ChangeError<E>> {
        let (reply, answer) = oneshot::channel();
        let job = Job::Change(Box::new(move |turn| {
            let decided = decide(turn);
            Box::new(move |durable| {
                let outcome = match (decided, durable) {
                    (Err(refused), _) => Err(ChangeError::Refused(refused)),
                    (Ok(_), Err(error)) => Err(ChangeError::Desk(error)),
                    (Ok(done), Ok(())) => Ok(done),
                };
                // Whoever asked may be gone; asked again, it is made once.
                reply.send(outcome).ok();
            })
        }));
        self.jobs.send(job).map_err(|_| ChangeError::Desk(self.closed()))?;
        Ok(answer)
    }

    fn closed(&self) -> DeskError {
        DeskError::Closed(self.site.clone())
    }
}
