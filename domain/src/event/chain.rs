//! Chains: each account, rule, tariff and pool numbers the events about it and
//! names the one before, so that leaving one out is visible (AUDIT.md).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::catalogue::Body;

/// One event's place in the chain of one key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Link {
    /// What the chain is about: `account/A-101`, `tariff/home`, `pool/lifts`, `rule/lifts`.
    pub key: String,
    /// Leaf hash of the event before in this chain, in hexadecimal; empty for the first.
    pub prev: String,
    /// 1 for the first event of the chain, and no gaps.
    pub seq: i64,
}

/// The heads of every chain of a site.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Chains(BTreeMap<String, (i64, String)>);

impl Chains {
    /// The links of an event with this body, were it the next.
    pub fn links(&self, body: &Body) -> Vec<Link> {
        body.chain_keys()
            .into_iter()
            .map(|key| {
                let (seq, prev) = self.0.get(&key).cloned().unwrap_or_default();
                Link { key, prev, seq: seq.saturating_add(1) }
            })
            .collect()
    }

    /// Takes up an event that was appended; false where its links do not follow the heads.
    pub fn extend(&mut self, links: &[Link], leaf: &[u8; 32]) -> bool {
        let leaf = super::id::write_hex(leaf);
        let mut follows = true;
        for link in links {
            let (seq, prev) = self.0.get(&link.key).cloned().unwrap_or_default();
            follows &= link.seq == seq.saturating_add(1) && link.prev == prev;
            self.0.insert(link.key.clone(), (link.seq, leaf.clone()));
        }
        follows
    }
}
