//! Proofs by the Merkle tree over a site's order (AUDIT.md, RFC 6962): that an event is in the tree of a size, and
//! that a tree grew out of an older one. They hold hashes of other events, and nothing of what these say.

use std::path::Path;

use adapters::event_log::{EventLog, Kind, Stored};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use domain::event::{AccountId, Event, EventId, SiteId, hex, leaf_hash};
use domain::proof::{BLOCK, Hash, Tree};
use serde::Serialize;
use utoipa::ToSchema;

use super::QueryError;
use crate::history;
use crate::serve::ServedSite;

/// An event, as it is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// By its number in the site's order, from 1.
    Position(u64),
    /// By its id.
    Id(EventId),
}

impl Which {
    /// A position in digits, or an id of 32 hexadecimal ones.
    pub fn parse(text: &str) -> Option<Self> {
        let id = EventId::parse(text).map(Self::Id);
        id.or_else(|| text.parse().ok().filter(|position| *position > 0).map(Self::Position))
    }
}

/// What is to be proven.
#[derive(Debug, Clone, Default)]
pub struct ProofAsk {
    /// Which event is in the tree; none asks for the root alone.
    pub event: Option<Which>,
    /// The tree's size; all that is durable otherwise.
    pub size: Option<u64>,
    /// The size of an older tree that it grew out of.
    pub since: Option<u64>,
    /// Whose event it has to be.
    pub account: Option<AccountId>,
}

/// A proof. The tree is that of RFC 6962 with SHA-256: leaf = H(0x00 ‖ bytes), node = H(0x01 ‖ left ‖ right).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Proof {
    /// The site.
    pub site: String,
    /// How many events the tree is over.
    pub size: u64,
    /// Its root, in hexadecimal like all hashes here.
    pub root: String,
    /// The event that is in it.
    pub event: Option<ProvenEvent>,
    /// The older tree that it grew out of.
    pub growth: Option<Growth>,
}

/// An event of the tree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ProvenEvent {
    /// Its number in the site's order, from 1: in the tree it is leaf `position - 1`.
    pub position: u64,
    /// Its id.
    pub id: String,
    /// `readings`, `fact` or `decision`.
    pub kind: String,
    /// Its leaf hash.
    pub leaf: String,
    /// Its bytes as they are stored, in Base64; of an account's reader only where they are about nobody else.
    pub bytes: Option<String>,
    /// The hashes beside its way to the root, the lowest first.
    pub path: Vec<String>,
}

/// That a tree grew out of an older one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Growth {
    /// The older size.
    pub size: u64,
    /// The older root.
    pub root: String,
    /// The consistency path, the lowest first.
    pub path: Vec<String>,
}

/// The leaves of a site's blocks, read from its log.
struct Leaves<'a> {
    log: &'a dyn EventLog,
    site: &'a SiteId,
}

impl Leaves<'_> {
    fn block(&self, block: u64) -> Result<Vec<Hash>, QueryError> {
        let first = block.saturating_mul(BLOCK).saturating_add(1);
        let stored = history::at(self.log, self.site, first, usize::try_from(BLOCK).unwrap_or(usize::MAX))?;
        Ok(stored.iter().map(|one| leaf_hash(&one.event.bytes)).collect())
    }
}

/// Proves what is asked for, in a thread that may wait: of the log it reads at most a few blocks of 256 events.
pub async fn proof(site: &ServedSite, ask: ProofAsk) -> Result<Proof, QueryError> {
    let which = ask.event;
    let (tree, durable, position) = site
        .desk
        .read(move |turn| {
            let position = match which {
                Some(Which::Id(id)) => turn.owner.position_of(id),
                Some(Which::Position(position)) => Some(position),
                None => None,
            };
            (turn.owner.tree().clone(), turn.owner.durable(), position)
        })
        .await?;
    let most = durable.min(tree.size());
    let size = ask.size.unwrap_or(most);
    if size > most || size == 0 {
        return Err(QueryError::UnknownSize { size, least: 1, most });
    }
    if let Some(since) = ask.since.filter(|since| *since > size || *since == 0) {
        return Err(QueryError::UnknownSize { size: since, least: 1, most: size });
    }
    let position = match (which, position) {
        (None, _) => None,
        (Some(_), Some(position)) if (1..=size).contains(&position) => Some(position),
        (Some(_), _) => return Err(QueryError::UnknownEvent),
    };
    let (log, id) = (site.log.clone(), site.desk.site().clone());
    let made = tokio::task::spawn_blocking(move || {
        let log = history::open(Path::new("."), Some(&log))?;
        let leaves = Leaves { log: log.as_ref(), site: &id };
        let event = position.map(|position| proven(&tree, &leaves, (position, size), ask.account.as_ref()));
        let growth = ask.since.map(|since| grown(&tree, &leaves, since, size));
        let root = tree.root_at(size, |block| leaves.block(block))?;
        let site = id.to_string();
        Ok(Proof { site, size, root: hex(&root), event: event.transpose()?, growth: growth.transpose()? })
    });
    made.await.map_err(|_| QueryError::Stopped)?
}

fn in_hex(path: Option<Vec<Hash>>) -> Vec<String> {
    path.unwrap_or_default().iter().map(|hash| hex(hash)).collect()
}

fn grown(tree: &Tree, leaves: &Leaves<'_>, since: u64, size: u64) -> Result<Growth, QueryError> {
    let root = tree.root_at(since, |block| leaves.block(block))?;
    let path = tree.consistency(since, size, |block| leaves.block(block))?;
    Ok(Growth { size: since, root: hex(&root), path: in_hex(path) })
}

fn proven(
    tree: &Tree,
    leaves: &Leaves<'_>,
    (position, size): (u64, u64),
    account: Option<&AccountId>,
) -> Result<ProvenEvent, QueryError> {
    let found = history::at(leaves.log, leaves.site, position, 1)?;
    let stored = found.first().ok_or(QueryError::UnknownEvent)?;
    let open = match account {
        None => true,
        Some(account) => is_about(stored, account).ok_or(QueryError::UnknownEvent)?,
    };
    let path = tree.inclusion(position.saturating_sub(1), size, |block| leaves.block(block))?;
    let kind = match stored.event.kind {
        Kind::Readings => "readings",
        Kind::Fact => "fact",
        Kind::Decision => "decision",
    };
    Ok(ProvenEvent {
        position,
        id: stored.event.id.to_string(),
        kind: kind.to_owned(),
        leaf: hex(&leaf_hash(&stored.event.bytes)),
        bytes: open.then(|| BASE64_STANDARD.encode(&stored.event.bytes)),
        path: in_hex(path),
    })
}

/// Whether an event is about this account alone; none where it is not about it, or also about another account.
fn is_about(stored: &Stored, account: &AccountId) -> Option<bool> {
    if stored.event.kind == Kind::Readings {
        return None;
    }
    let event = Event::decode(&stored.event.bytes).ok()?;
    let own = format!("account/{account}");
    let is_own = event.chains.iter().any(|link| link.key == own);
    let of_another = event.chains.iter().any(|link| link.key.starts_with("account/") && link.key != own);
    (is_own && !of_another).then(|| event.chains.iter().all(|link| link.key == own))
}
