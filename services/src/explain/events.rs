//! Where an explanation finds the events that it names.

use std::cell::RefCell;
use std::collections::BTreeMap;

use adapters::event_log::{EventLog, LogError};
use domain::event::{Body, Event, PoolId, SiteId, SortedLineKey, hex, leaf_hash};

use crate::history::Entry;

/// What prices or splits a line: what is said of it is on one chain, and other points' part of that chain is not its.
#[derive(Debug, Clone, Copy)]
pub(super) enum Ground<'a> {
    /// A version of a tariff, and that a point has the tariff.
    Tariff(&'a SortedLineKey),
    /// A pool's rule.
    Rule(&'a PoolId),
}

impl Ground<'_> {
    /// The chain that it is said on.
    pub(super) fn chain(&self) -> String {
        match self {
            Self::Tariff(key) => format!("tariff/{}", key.tariff),
            Self::Rule(pool) => format!("rule/{pool}"),
        }
    }

    fn is_of(&self, chain: &str, event: &Event) -> bool {
        let said_here = match (self, &event.body) {
            (Self::Tariff(key), Body::TariffPublished(tariff)) => tariff.version == key.version,
            (Self::Tariff(key), Body::TariffAssigned(assigned)) => assigned.point.as_ref() == Some(&key.point),
            (_, body) => !body.is_decision(),
        };
        said_here && event.chains.iter().any(|link| link.key == chain)
    }
}

/// The events of a site.
pub(super) trait Events {
    /// The facts that say what a line is by, in the log's order.
    fn published(&self, ground: Ground<'_>) -> Vec<Entry>;

    /// The leaf hash of the event at a position, in hexadecimal.
    fn leaf(&self, position: u64) -> Option<String>;
}

/// All events of the site, from the first.
impl Events for &[Entry] {
    fn published(&self, ground: Ground<'_>) -> Vec<Entry> {
        let chain = ground.chain();
        self.iter().filter(|entry| ground.is_of(&chain, &entry.event)).cloned().collect()
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
    fn published(&self, ground: Ground<'_>) -> Vec<Entry> {
        let chain = ground.chain();
        let of_ground = self.chain.iter().filter(|event| ground.is_of(&chain, event));
        of_ground.filter_map(|event| Some(Entry { event: event.clone(), leaf: self.hash(event.position)? })).collect()
    }

    fn leaf(&self, position: u64) -> Option<String> {
        self.hash(position).map(|leaf| hex(&leaf))
    }
}
