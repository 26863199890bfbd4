//! What polls brought of meters beside their readings: that they answer, and where their relays are. It is
//! not in the log; what follows from it is.

use std::collections::BTreeMap;

use adapters::intake::Poll;
use domain::event::{MeterId, OutputState};
use domain::quantity::Instant;

/// A meter that answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Contact {
    /// When its last poll began, by the collector's clock: what was read is of then or later.
    pub at: Instant,
    /// Where its relay was read; none where it has none, or it could not be told.
    pub relay: Option<OutputState>,
    /// Whether its relay obeys; none where that was not read.
    pub remote: Option<bool>,
}

/// The meters that answered, each with its newest poll.
#[derive(Debug, Clone, Default)]
pub struct Contacts {
    meters: BTreeMap<MeterId, Contact>,
    polls: u64,
}

impl Contacts {
    /// A meter's newest poll.
    pub fn of(&self, meter: &MeterId) -> Option<Contact> {
        self.meters.get(meter).copied()
    }

    /// How many polls were taken up: another number, where something may be new.
    pub const fn polls(&self) -> u64 {
        self.polls
    }

    /// A poll; one that is older than what is known says nothing.
    pub(super) fn take_up(&mut self, poll: &Poll) {
        self.polls = self.polls.saturating_add(1);
        for polled in &poll.meters {
            let contact = Contact { at: poll.time, relay: polled.relay, remote: polled.remote };
            match self.meters.get_mut(&polled.meter) {
                Some(known) if known.at > contact.at => {}
                Some(known) => *known = contact,
                None => {
                    self.meters.insert(polled.meter.clone(), contact);
                }
            }
        }
    }
}
