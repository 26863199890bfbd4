//! Which subtrees a path is of (RFC 6962 §2.1.1, §2.1.2), and how one is checked (RFC 9162 §2.1.3.2, §2.1.4.2).

use std::ops::Range;

use super::{Hash, node};

/// Why a path proves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// No such leaf, or a tree that is larger than the newer one.
    #[error("{index} is not within a tree of {size} leaves")]
    Beyond {
        /// The leaf, or the older tree's size.
        index: u64,
        /// The tree's size.
        size: u64,
    },
    /// Too few hashes, or too many.
    #[error("the path has not as many hashes as a tree of {size} leaves needs")]
    Length {
        /// The tree's size.
        size: u64,
    },
    /// The path leads to another root.
    #[error("the path leads to another root")]
    OtherRoot,
}

/// The largest power of two below a number above 1.
fn split(count: u64) -> u64 {
    let half = count.saturating_sub(1).checked_ilog2();
    half.and_then(|bits| 1u64.checked_shl(bits)).unwrap_or(0)
}

/// The subtrees of the hashes of an inclusion path, the lowest first.
pub(super) fn of_inclusion(index: u64, size: u64) -> Vec<Range<u64>> {
    let (mut start, mut end) = (0u64, size);
    let mut path = Vec::new();
    while end.saturating_sub(start) > 1 {
        let middle = start.saturating_add(split(end.saturating_sub(start)));
        if index < middle {
            path.push(middle..end);
            end = middle;
        } else {
            path.push(start..middle);
            start = middle;
        }
    }
    path.reverse();
    path
}

/// The subtrees of the hashes of a consistency path, the lowest first.
pub(super) fn of_consistency(old: u64, size: u64) -> Vec<Range<u64>> {
    let (mut start, mut end) = (0u64, size);
    let mut path = Vec::new();
    if old == 0 {
        return path;
    }
    while old < end {
        let middle = start.saturating_add(split(end.saturating_sub(start)));
        if old <= middle {
            path.push(middle..end);
            end = middle;
        } else {
            path.push(start..middle);
            start = middle;
        }
    }
    // The older root itself is known to whoever asks.
    if start > 0 {
        path.push(start..end);
    }
    path.reverse();
    path
}

/// A walk from a leaf to the root.
struct Walk {
    at: u64,
    last: u64,
}

impl Walk {
    /// Whether the next hash stands left; none where the root is reached. Climbs past the levels where the node has no
    /// neighbour.
    fn step(&mut self) -> Option<bool> {
        if self.last == 0 {
            return None;
        }
        let left = self.at & 1 == 1 || self.at == self.last;
        while left && self.at & 1 == 0 && self.at != 0 {
            self.up();
        }
        self.up();
        Some(left)
    }

    fn up(&mut self) {
        self.at >>= 1;
        self.last >>= 1;
    }
}

/// Checks that a leaf, from 0, is in the tree of a size under a root.
pub fn verify_inclusion(leaf: &Hash, index: u64, size: u64, path: &[Hash], root: &Hash) -> Result<(), PathError> {
    if index >= size {
        return Err(PathError::Beyond { index, size });
    }
    let mut walk = Walk { at: index, last: size.saturating_sub(1) };
    let mut hash = *leaf;
    for one in path {
        let left = walk.step().ok_or(PathError::Length { size })?;
        hash = if left { node(one, &hash) } else { node(&hash, one) };
    }
    if walk.last != 0 {
        return Err(PathError::Length { size });
    }
    if hash == *root { Ok(()) } else { Err(PathError::OtherRoot) }
}

/// Checks that the tree of a size grew out of an older one: nothing of the older was changed or left out.
pub fn verify_consistency(
    (old, old_root): (u64, &Hash),
    (size, root): (u64, &Hash),
    path: &[Hash],
) -> Result<(), PathError> {
    if old > size {
        return Err(PathError::Beyond { index: old, size });
    }
    if old == 0 || old == size {
        let empty = crate::event::sha256(&[]);
        let same = if old == size { old_root == root } else { *old_root == empty };
        return match (path, same) {
            ([], true) => Ok(()),
            ([], false) => Err(PathError::OtherRoot),
            _ => Err(PathError::Length { size }),
        };
    }
    let mut walk = Walk { at: old.saturating_sub(1), last: size.saturating_sub(1) };
    while walk.at & 1 == 1 {
        walk.up();
    }
    let whole = old.is_power_of_two();
    let (first, rest) = if whole { (old_root, path) } else { path.split_first().ok_or(PathError::Length { size })? };
    let (mut older, mut newer) = (*first, *first);
    for one in rest {
        let left = walk.step().ok_or(PathError::Length { size })?;
        if left {
            older = node(one, &older);
            newer = node(one, &newer);
        } else {
            newer = node(&newer, one);
        }
    }
    if walk.last != 0 {
        return Err(PathError::Length { size });
    }
    if older == *old_root && newer == *root { Ok(()) } else { Err(PathError::OtherRoot) }
}
