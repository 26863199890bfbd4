//! The Merkle log over a site's order (AUDIT.md, RFC 6962).
//!
//! `tree` grows by a leaf at a time, and gives paths; `path` says which subtrees a path is of, and checks one. Leaves
//! are counted from 0 here: the event at position `n` of a site is leaf `n - 1`.

mod path;
mod tree;

#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, clippy::indexing_slicing, reason = "tests may panic")]
mod tests;

use crate::event::sha256;

pub use path::{PathError, verify_consistency, verify_inclusion};
pub use tree::{BLOCK, Tree};

/// A leaf, a node or a root.
pub type Hash = [u8; 32];

/// The node above two.
fn node(left: &Hash, right: &Hash) -> Hash {
    sha256(&[&[1], left, right])
}

/// The right edge of the tree: enough to add leaves and to know the root.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Frontier {
    /// Roots of complete subtrees with their heights, the largest first.
    edge: Vec<(u32, Hash)>,
}

impl Frontier {
    /// Adds a leaf hash.
    pub fn push(&mut self, leaf: Hash) {
        self.push_at(0, leaf);
    }

    /// Adds the root of a complete subtree, which no smaller one stands before.
    fn push_at(&mut self, height: u32, root: Hash) {
        let mut last = (height, root);
        while let Some((height, left)) = self.edge.pop() {
            if height != last.0 {
                self.edge.push((height, left));
                break;
            }
            last = (height.saturating_add(1), node(&left, &last.1));
        }
        self.edge.push(last);
    }

    /// The root: of no leaf, the hash of nothing.
    pub fn root(&self) -> Hash {
        self.over(None).unwrap_or_else(|| sha256(&[]))
    }

    /// The root with what stands right of the edge; none of nothing.
    fn over(&self, right: Option<Hash>) -> Option<Hash> {
        let hashes = self.edge.iter().rev().map(|(_, hash)| *hash);
        hashes.fold(right, |right, left| Some(right.map_or(left, |right| node(&left, &right))))
    }
}
