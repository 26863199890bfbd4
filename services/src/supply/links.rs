//! Which meters orders reach: the one judgement of it, for who gives orders and for who shows what is to come.

use std::sync::Arc;

use adapters::supply_switch::SupplySwitch;
use domain::event::MeterId;
use domain::quantity::Instant;

use crate::owner::Contacts;

/// A relay switch that several parts of a program share.
pub type SharedSwitch = Arc<dyn SupplySwitch + Send + Sync>;

/// A meter whose last poll is older than this does not answer, in seconds; three polls of a minute.
pub const SILENT_AFTER_S: i64 = 180;

/// The way to the relays of a site.
#[derive(Clone)]
pub struct Links {
    pub(super) switch: SharedSwitch,
    silent_after_s: i64,
}

impl std::fmt::Debug for Links {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Links").field("silent_after_s", &self.silent_after_s).finish_non_exhaustive()
    }
}

impl Links {
    /// By the relays of a switch.
    pub fn new(switch: SharedSwitch) -> Self {
        Self { switch, silent_after_s: SILENT_AFTER_S }
    }

    /// For collectors that poll less often than each minute: a meter is silent after so many seconds.
    #[must_use]
    pub fn silent_after(self, seconds: i64) -> Self {
        Self { silent_after_s: seconds, ..self }
    }

    /// Whether an order would reach the relay of a meter: the switch has it, and it answered lately.
    pub fn reach(&self, contacts: &Contacts, meter: &MeterId, now: Instant) -> bool {
        let answered = contacts.of(meter).is_some_and(|seen| now.since(seen.at) <= self.silent_after_s);
        answered && self.switch.has(meter)
    }
}
