//! A log read a page at a time: what there is of it, and its entries.

use std::io;
use std::path::Path;

use adapters::event_log::{Kind, Stored};
use domain::event::{Event, SiteId, leaf_hash};
use domain::ledger::{Journal, JournalEntry};
use domain::proof::Frontier;

use crate::history::{self, HistoryError};

/// The books as they are folded.
pub(super) type Books = Journal;

/// Why a scan stopped.
#[derive(Debug, thiserror::Error)]
pub enum ScanError {
    /// The log.
    #[error(transparent)]
    History(#[from] HistoryError),
    /// What is written to.
    #[error("export could not be written")]
    Write(#[from] io::Error),
}

/// Which log. It is opened for reading by a handle of its own, so that it may be appended to meanwhile.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    /// The folder with its `log.db`.
    pub dir: &'a Path,
    /// Another log: a file, or nats://HOST:PORT/STREAM.
    pub log: Option<&'a str>,
    /// The site; none where the log has only one.
    pub site: Option<&'a SiteId>,
}

/// How much of a log counts.
#[derive(Debug, Clone)]
pub(super) struct Extent {
    /// Its last event.
    pub(super) last: u64,
    /// The last event of the last run that ended: decisions after it do not count.
    pub(super) settled: u64,
    /// The root over all events up to the last.
    pub(super) root: [u8; 32],
}

/// How the canonical bytes of a run's last decision end: `type` is the last of an envelope's keys.
const RUN_ENDED: &[u8] = br#""type":"day.settled.v1"}"#;

impl Source<'_> {
    /// How much of the log there is, up to a position.
    pub(super) fn extent(&self, through: Option<u64>) -> Result<Extent, HistoryError> {
        let mut tree = Frontier::default();
        let (mut last, mut settled) = (0, 0);
        self.events(through.unwrap_or(u64::MAX), |stored| {
            tree.push(leaf_hash(&stored.event.bytes));
            last = stored.event.position;
            if stored.event.kind == Kind::Decision && stored.event.bytes.ends_with(RUN_ENDED) {
                settled = last;
            }
            Ok::<(), HistoryError>(())
        })?;
        Ok(Extent { last, settled, root: tree.root() })
    }

    /// Each entry of the books, in the log's order, with what the books know then; at last the books.
    pub(super) fn entries(
        &self,
        extent: &Extent,
        mut take: impl FnMut(&Books, &JournalEntry<'_>) -> io::Result<()>,
        at_last: impl FnOnce(&Books),
    ) -> Result<(), ScanError> {
        let mut books = Books::new();
        self.events(extent.last, |stored| {
            let position = stored.event.position;
            let counts = match stored.event.kind {
                Kind::Readings => false,
                Kind::Fact => true,
                Kind::Decision => position <= extent.settled,
            };
            if !counts {
                return Ok(());
            }
            let event = Event::decode(&stored.event.bytes).map_err(|error| HistoryError::Event { position, error })?;
            for entry in books.book(&event) {
                take(&books, &entry)?;
            }
            Ok::<(), ScanError>(())
        })?;
        at_last(&books);
        Ok(())
    }

    /// The events of the one site, up to a position.
    pub(crate) fn events<E: From<HistoryError>>(
        &self,
        through: u64,
        mut take: impl FnMut(&Stored) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut first: Option<SiteId> = None;
        let mut stopped = None;
        history::pages(self.dir, self.log, self.site, |page| {
            for stored in page.iter().filter(|stored| stored.event.position <= through) {
                let site = &stored.event.site;
                if first.get_or_insert_with(|| site.clone()) != site {
                    let one = first.clone().unwrap_or_else(|| site.clone());
                    return Err(HistoryError::ManySites { one, other: site.clone() });
                }
                if stopped.is_none() {
                    stopped = take(stored).err();
                }
            }
            Ok(())
        })?;
        stopped.map_or(Ok(()), Err)
    }
}
