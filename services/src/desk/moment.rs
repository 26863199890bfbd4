//! What is seen of a site between two turns: made once a turn, read by everybody without waiting.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use domain::billing::MonthTarget;
use domain::event::{AccountId, PointId};
use domain::premises::Premises;
use domain::prepayment::{Live, Settled};
use domain::quantity::{Instant, Month};
use domain::supply::Supply;

/// A site at one position of its log.
#[derive(Debug, Clone, Default)]
pub struct Moment {
    /// When it was looked at.
    pub at: Instant,
    /// Events of the site up to here are in it, and durable.
    pub position: u64,
    /// The Merkle root over them.
    pub root: [u8; 32],
    /// When the last event was received.
    pub received: Option<Instant>,
    /// Balance and remaining energy of every account.
    pub live: Arc<BTreeMap<AccountId, Live>>,
    /// At which position and when `live` was computed: it may lag behind.
    pub live_at: (u64, Instant),
    /// The targets that `live` is by: of the months in which they differ from what is posted.
    pub targets: Arc<BTreeMap<Month, MonthTarget>>,
    /// The last accepted reading of each metered point, when `live` was computed.
    pub heard: Arc<BTreeMap<PointId, Instant>>,
    /// What is in force.
    pub premises: Arc<Premises>,
    /// What the last run saw; for days left.
    pub settled: Arc<Settled>,
    /// Supply of every point.
    pub supply: Arc<Supply>,
    /// Points whose held step of supply is not due any more.
    pub lapsed: Arc<BTreeSet<PointId>>,
    /// The newest reading that was recorded.
    pub newest_reading: Option<Instant>,
    /// Items that could not be appended since the start.
    pub refused: u64,
    /// Why nothing is appended at present; none while all is well.
    pub fault: Option<String>,
}
