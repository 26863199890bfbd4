//! The Merkle log over a site's order (AUDIT.md, RFC 6962).

use crate::event::sha256;

/// The right edge of the tree: enough to add leaves and to know the root.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Frontier {
    /// Roots of complete subtrees with their heights, the largest first.
    edge: Vec<(u32, [u8; 32])>,
}

impl Frontier {
    /// Adds a leaf hash.
    pub fn push(&mut self, leaf: [u8; 32]) {
        let mut node = (0u32, leaf);
        while let Some((height, left)) = self.edge.pop() {
            if height != node.0 {
                self.edge.push((height, left));
                break;
            }
            node = (height.saturating_add(1), sha256(&[&[1], &left, &node.1]));
        }
        self.edge.push(node);
    }

    /// The root: of no leaf, the hash of nothing.
    pub fn root(&self) -> [u8; 32] {
        let mut hashes = self.edge.iter().rev().map(|(_, hash)| *hash);
        let Some(first) = hashes.next() else { return sha256(&[]) };
        hashes.fold(first, |right, left| sha256(&[&[1], &left, &right]))
    }
}
