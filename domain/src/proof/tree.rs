//! A tree that keeps a hash for each 256 leaves: small enough for memory, and near enough for paths.

use std::ops::Range;

use super::{Frontier, Hash, path};

/// So many leaves are a block, of which a tree keeps the root alone.
pub const BLOCK: u64 = 256;
/// How high a block's root stands.
const HEIGHT: u32 = 8;

/// A growing tree. Of the leaves themselves it keeps nothing: who wants a path reads those of at most two blocks.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tree {
    size: u64,
    blocks: Vec<Hash>,
    /// Over the whole blocks.
    edge: Frontier,
    /// Over the leaves after them.
    last: Frontier,
}

impl Tree {
    /// Adds a leaf hash.
    pub fn push(&mut self, leaf: Hash) {
        self.last.push(leaf);
        self.size = self.size.saturating_add(1);
        if self.size.is_multiple_of(BLOCK) {
            let root = self.last.root();
            self.blocks.push(root);
            self.edge.push_at(HEIGHT, root);
            self.last = Frontier::default();
        }
    }

    /// How many leaves it has.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Its root.
    pub fn root(&self) -> Hash {
        self.edge.over(self.last.over(None)).unwrap_or_else(|| Frontier::default().root())
    }

    /// The root that it had at a size, up to its own.
    ///
    /// `leaves` gives the leaves of a block by its number, from 0: all there are.
    pub fn root_at<E>(&self, size: u64, leaves: impl FnMut(u64) -> Result<Vec<Hash>, E>) -> Result<Hash, E> {
        self.hash(0..size, &mut Blocks { leaves, read: None })
    }

    /// The path from a leaf, from 0, to the root at a size; none of a leaf that is not within it.
    pub fn inclusion<E>(
        &self,
        index: u64,
        size: u64,
        leaves: impl FnMut(u64) -> Result<Vec<Hash>, E>,
    ) -> Result<Option<Vec<Hash>>, E> {
        if index >= size || size > self.size {
            return Ok(None);
        }
        self.path(path::of_inclusion(index, size), leaves).map(Some)
    }

    /// The path from the root at an older size to that at a newer one; none where the older is larger.
    pub fn consistency<E>(
        &self,
        old: u64,
        size: u64,
        leaves: impl FnMut(u64) -> Result<Vec<Hash>, E>,
    ) -> Result<Option<Vec<Hash>>, E> {
        if old > size || size > self.size {
            return Ok(None);
        }
        self.path(path::of_consistency(old, size), leaves).map(Some)
    }

    fn path<E>(
        &self,
        subtrees: Vec<Range<u64>>,
        leaves: impl FnMut(u64) -> Result<Vec<Hash>, E>,
    ) -> Result<Vec<Hash>, E> {
        let mut blocks = Blocks { leaves, read: None };
        subtrees.into_iter().map(|subtree| self.hash(subtree, &mut blocks)).collect()
    }

    /// The hash of a subtree: of its whole blocks, and of the leaves beside them.
    fn hash<E, F: FnMut(u64) -> Result<Vec<Hash>, E>>(
        &self,
        subtree: Range<u64>,
        blocks: &mut Blocks<E, F>,
    ) -> Result<Hash, E> {
        let mut frontier = Frontier::default();
        let (first, after) = (subtree.start.div_ceil(BLOCK), subtree.end.div_euclid(BLOCK));
        let index = |block: u64| usize::try_from(block).unwrap_or(usize::MAX);
        let whole = self.blocks.get(index(first)..index(after.max(first))).unwrap_or_default();
        for root in whole {
            frontier.push_at(HEIGHT, *root);
        }
        // A subtree begins with a block or lies within one: leaves that are left stand at its end.
        let from = if first < after { after.saturating_mul(BLOCK) } else { subtree.start };
        if from < subtree.end {
            let block = from.div_euclid(BLOCK);
            let skip = index(from.saturating_sub(block.saturating_mul(BLOCK)));
            let count = index(subtree.end.saturating_sub(from));
            for leaf in blocks.leaves(block)?.iter().skip(skip).take(count) {
                frontier.push(*leaf);
            }
        }
        Ok(frontier.root())
    }
}

/// The leaves of blocks, the last of them kept.
struct Blocks<E, F: FnMut(u64) -> Result<Vec<Hash>, E>> {
    leaves: F,
    read: Option<(u64, Vec<Hash>)>,
}

impl<E, F: FnMut(u64) -> Result<Vec<Hash>, E>> Blocks<E, F> {
    fn leaves(&mut self, block: u64) -> Result<&[Hash], E> {
        let read = match self.read.take() {
            Some((number, leaves)) if number == block => (number, leaves),
            _ => (block, (self.leaves)(block)?),
        };
        Ok(&self.read.insert(read).1)
    }
}
