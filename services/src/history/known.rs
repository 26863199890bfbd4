//! A site as it was known at an instant, or at a position of its log: by the events received up to then, and no others.

use std::path::Path;

use adapters::event_log::{Filter, Sequence};
use domain::billing::Site;
use domain::event::{Body, SiteId, leaf_hash};
use domain::proof::{Frontier, Hash};
use domain::quantity::Instant;
use domain::recharge::Payments;
use domain::supply::Supply;

use super::replayer::{self, Recorded, Replayer};
use super::{HistoryError, Opener, PAGE, open};

/// Up to when, or up to where, what was received counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KnownAt {
    /// Up to an instant, itself included.
    Instant(Instant),
    /// Up to a position of the site's log, itself included.
    Position(u64),
}

/// What was known of a site.
pub(crate) struct Known {
    /// Its state.
    pub(crate) site: Site,
    /// Its payments.
    pub(crate) payments: Payments,
    /// Its supply.
    pub(crate) supply: Supply,
    /// The last event that counts.
    pub(crate) position: u64,
    /// When it was received.
    pub(crate) received: Instant,
    /// The root up to it.
    pub(crate) root: Hash,
    /// Readings events of them.
    pub(crate) readings: u64,
}

/// Folds what was known of a site. Its decisions are derived again; a run that lacks its last decision does not count.
pub(crate) fn known(log: &str, id: &SiteId, at: KnownAt) -> Result<Known, HistoryError> {
    let log = open(Path::new("."), Some(log))?;
    let filter = Filter { site: Some(id.clone()), kind: None };
    let (mut replayer, mut opener, mut tree) = (Replayer::new(), Opener::default(), Frontier::default());
    let (mut payments, mut supply) = (Payments::default(), Supply::default());
    let (mut last, mut readings) = (None, 0u64);
    let mut after = Sequence(0);
    'all: loop {
        let page = log.read(after, &filter, PAGE)?;
        let Some(end) = page.last() else { break };
        after = end.sequence;
        for stored in page {
            let position = stored.event.position;
            if matches!(at, KnownAt::Position(most) if position > most) {
                break 'all;
            }
            let leaf = leaf_hash(&stored.event.bytes);
            if replayer::is_decision(&stored.event.bytes) {
                // A run is received at the instant when it is due.
                let due = replayer.due();
                if let (KnownAt::Instant(most), Some(due)) = (at, due)
                    && due > most
                {
                    break 'all;
                }
                last = Some((position, due.or(last.map(|(_, received)| received)).unwrap_or_default()));
                replayer.decision(Recorded::Bytes(position, stored.event.bytes))?;
            } else {
                let entry = opener.entry(&stored)?;
                let received = entry.event.received;
                if matches!(at, KnownAt::Instant(most) if received > most) {
                    break 'all;
                }
                last = Some((position, received));
                readings = readings.saturating_add(u64::from(matches!(entry.event.body, Body::ReadingsRecorded(_))));
                payments.apply(&entry.event);
                supply.apply(&entry.event);
                replayer.take(entry)?;
            }
            tree.push(leaf);
        }
    }
    let (position, received) = last.ok_or(HistoryError::Empty)?;
    Ok(Known { site: replayer.into_site(), payments, supply, position, received, root: tree.root(), readings })
}
