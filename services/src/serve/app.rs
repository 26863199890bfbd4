//! What every request can reach.

use std::collections::BTreeMap;
use std::sync::Arc;

use adapters::clock::{Clock as _, SharedClock};
use domain::event::SiteId;
use domain::quantity::Instant;
use metrics_exporter_prometheus::PrometheusHandle;

use super::access::{Gate, Limits};
use crate::desk::Desk;
use crate::identity::Identity;
use crate::recharge::Gateway;
use crate::supply::Links;

/// A site of the service.
#[derive(Debug, Clone)]
pub struct ServedSite {
    /// Who owns it.
    pub desk: Desk,
    /// Its log, for readers of their own: a file, or `nats://HOST:PORT/STREAM`.
    pub log: String,
    /// The way to its relays.
    pub links: Links,
    /// Who takes payments for it.
    pub gateways: Vec<Gateway>,
}

/// The service as its requests see it.
pub struct App {
    /// The sites, by their ids.
    pub sites: BTreeMap<SiteId, ServedSite>,
    /// Who may use it.
    pub identity: Arc<Identity>,
    /// Who is asking over HTTP.
    pub gate: Gate,
    /// How often somebody may ask.
    pub limits: Limits,
    /// The clock of the service.
    pub clock: SharedClock,
    /// The metrics so far.
    pub metrics: PrometheusHandle,
}

impl App {
    /// A site, if it is served here.
    pub fn site(&self, id: &str) -> Option<&ServedSite> {
        self.sites.get(&SiteId::try_new(id)?)
    }

    /// The present instant.
    pub fn now(&self) -> Instant {
        self.clock.now()
    }
}
