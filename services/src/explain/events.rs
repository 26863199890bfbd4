//! Where an explanation finds the events that it names.

use std::cell::RefCell;
use std::collections::BTreeMap;

use adapters::event_log::{EventLog, LogError};
use domain::event::{Event, SiteId, hex, leaf_hash};

use crate::history::Entry;

/// The events of a site.
pub(super) trait Events {
    /// The facts on the chain of a tariff or a rule, in the log's order.
    fn published(&self, chain: &str) -> Vec<Entry>;

    /// The leaf hash of the event at a position, in hexadecimal.
    fn leaf(&self, position: u64) -> Option<String>;
}

/// All events of the site, from the first.
impl Events for &[Entry] {
    fn published(&self, chain: &str) -> Vec<Entry> {
        let of_chain = |entry: &&Entry| entry.event.chains.iter().any(|link| link.key == chain);
        self.iter().filter(of_chain).filter(|entry| !entry.event.body.is_decision()).cloned().collect()
    }

    fn leaf(&self, position: u64) -> Option<String> {
        let index = usize::try_from(position).ok()?.checked_sub(1)?;
        self.get(index).map(|entry| hex(&entry.leaf))
    }
}

/// The facts of one chain, and whatever else is named, read from the log when it is.
pub(super) struct InLog<'a> {
    log: &'a dyn EventLog,
    site: &'a SiteId,
    chain: &'a [Event],
    leaves: RefCell<BTreeMap<u64, [u8; 32]>>,
    fault: RefCell<Option<LogError>>,
}

impl<'a> InLog<'a> {
    pub(super) fn new(log: &'a dyn EventLog, site: &'a SiteId, chain: &'a [Event]) -> Self {
        Self { log, site, chain, leaves: RefCell::default(), fault: RefCell::default() }
    }

    /// Why an event could not be read.
    pub(super) fn fault(self) -> Option<LogError> {
        self.fault.into_inner()
    }

    fn hash(&self, position: u64) -> Option<[u8; 32]> {
        if let Some(known) = self.leaves.borrow().get(&position) {
            return Some(*known);
        }
        match self.log.at(self.site, position) {
            Ok(stored) => {
                let leaf = leaf_hash(&stored?.event.bytes);
                self.leaves.borrow_mut().insert(position, leaf);
                Some(leaf)
            }
            Err(error) => {
                self.fault.borrow_mut().get_or_insert(error);
                None
            }
        }
    }
}

impl Events for InLog<'_> {
    fn published(&self, chain: &str) -> Vec<Entry> {
        let of_chain = self.chain.iter().filter(|event| event.chains.iter().any(|link| link.key == chain));
        of_chain.filter_map(|event| Some(Entry { event: event.clone(), leaf: self.hash(event.position)? })).collect()
    }

    fn leaf(&self, position: u64) -> Option<String> {
        self.hash(position).map(|leaf| hex(&leaf))
    }
}
