//! Vectors of an independent reference, and laws of paths.

use std::convert::Infallible;

use proptest::prelude::*;
use serde::Deserialize;

use super::{BLOCK, Frontier, Hash, Tree, verify_consistency, verify_inclusion};
use crate::event::leaf_hash;

/// Test vectors of an independent reference: roots, paths, and paths that prove nothing.
#[derive(Deserialize)]
struct Vectors {
    entries: Vec<String>,
    leaves: Vec<String>,
    node_of_leaves_0_and_1: String,
    roots: Vec<Root>,
    inclusion: Vec<Inclusion>,
    consistency: Vec<Consistency>,
}

#[derive(Deserialize)]
struct Root {
    size: u64,
    root: String,
}

#[derive(Deserialize)]
struct Inclusion {
    index: u64,
    size: u64,
    leaf: String,
    root: String,
    path: Vec<String>,
    ok: bool,
}

#[derive(Deserialize)]
struct Consistency {
    size1: u64,
    size2: u64,
    root1: String,
    root2: String,
    path: Vec<String>,
    ok: bool,
}

fn vectors() -> Vectors {
    serde_json::from_str(include_str!("vectors.json")).expect("the vectors")
}

fn bytes(hex: &str) -> Vec<u8> {
    let pairs = hex.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).expect("digits"));
    pairs.map(|pair| u8::from_str_radix(pair, 16).expect("digits")).collect()
}

fn hash(hex: &str) -> Hash {
    bytes(hex).try_into().expect("32 bytes")
}

fn hashes(all: &[String]) -> Vec<Hash> {
    all.iter().map(|one| hash(one)).collect()
}

/// Leaf `index` of the vectors' log.
fn leaf(vectors: &Vectors, index: u64) -> Hash {
    let given = usize::try_from(index).ok().and_then(|index| vectors.entries.get(index));
    given.map_or_else(
        || leaf_hash(format!("{{\"n\":{index},\"text\":\"event\"}}").as_bytes()),
        |hex| leaf_hash(&bytes(hex)),
    )
}

/// A tree of made-up leaves.
fn made(index: u64) -> Hash {
    leaf_hash(&index.to_be_bytes())
}

fn grown(size: u64, leaf: impl Fn(u64) -> Hash) -> Tree {
    let mut tree = Tree::default();
    (0..size).for_each(|index| tree.push(leaf(index)));
    tree
}

fn block(size: u64, leaf: impl Fn(u64) -> Hash) -> impl FnMut(u64) -> Result<Vec<Hash>, Infallible> {
    move |block| Ok((block * BLOCK..size.min((block + 1) * BLOCK)).map(&leaf).collect())
}

#[test]
fn leaves_nodes_and_roots_are_those_of_the_reference() {
    let vectors = vectors();
    for (index, hex) in (0u64..).zip(&vectors.leaves) {
        assert_eq!(leaf(&vectors, index), hash(hex), "leaf {index}");
    }
    assert_eq!(super::node(&leaf(&vectors, 0), &leaf(&vectors, 1)), hash(&vectors.node_of_leaves_0_and_1));
    let whole = grown(1000, |index| leaf(&vectors, index));
    for Root { size, root } in &vectors.roots {
        let mut frontier = Frontier::default();
        (0..*size).for_each(|index| frontier.push(leaf(&vectors, index)));
        assert_eq!(frontier.root(), hash(root), "{size} leaves");
        assert_eq!(grown(*size, |index| leaf(&vectors, index)).root(), hash(root), "{size} leaves");
        let earlier = whole.root_at(*size, block(1000, |index| leaf(&vectors, index)));
        assert_eq!(earlier, Ok(hash(root)), "{size} of 1000 leaves");
    }
}

#[test]
fn every_path_of_the_reference_is_judged_and_found_as_it_says() {
    let vectors = vectors();
    let tree = grown(1000, |index| leaf(&vectors, index));
    for one in &vectors.inclusion {
        let path = hashes(&one.path);
        let judged = verify_inclusion(&hash(&one.leaf), one.index, one.size, &path, &hash(&one.root));
        assert_eq!(judged.is_ok(), one.ok, "leaf {} of {}: {judged:?}", one.index, one.size);
        if one.ok {
            let found = tree.inclusion(one.index, one.size, block(1000, |index| leaf(&vectors, index)));
            assert_eq!(found, Ok(Some(path)), "leaf {} of {}", one.index, one.size);
        }
    }
    for one in &vectors.consistency {
        let path = hashes(&one.path);
        let (old, new) = ((one.size1, &hash(&one.root1)), (one.size2, &hash(&one.root2)));
        let judged = verify_consistency(old, new, &path);
        assert_eq!(judged.is_ok(), one.ok, "{} to {}: {judged:?}", one.size1, one.size2);
        if one.ok {
            let found = tree.consistency(one.size1, one.size2, block(1000, |index| leaf(&vectors, index)));
            assert_eq!(found, Ok(Some(path)), "{} to {}", one.size1, one.size2);
        }
    }
    assert!(vectors.inclusion.len() > 300 && vectors.consistency.len() > 200);
}

#[test]
fn what_is_not_within_the_tree_has_no_path() {
    let tree = grown(7, made);
    assert_eq!(tree.inclusion(7, 7, block(7, made)), Ok(None));
    assert_eq!(tree.inclusion(0, 8, block(7, made)), Ok(None));
    assert_eq!(tree.consistency(8, 8, block(7, made)), Ok(None));
    assert_eq!(tree.consistency(5, 4, block(7, made)), Ok(None));
}

/// A bit of a hash flipped.
fn flipped(mut hash: Hash, bit: u8) -> Hash {
    hash[usize::from(bit >> 3)] ^= 1 << (bit & 7);
    hash
}

proptest! {
    #[test]
    fn a_path_proves_its_leaf_and_nothing_else(size in 1u64..1500, at in any::<u64>(), bit in any::<u8>(), which in any::<usize>()) {
        let (tree, index) = (grown(size, made), at % size);
        let path = tree.inclusion(index, size, block(size, made)).expect("leaves").expect("a path");
        let root = tree.root();
        prop_assert_eq!(verify_inclusion(&made(index), index, size, &path, &root), Ok(()));
        prop_assert!(verify_inclusion(&flipped(made(index), bit), index, size, &path, &root).is_err());
        prop_assert!(verify_inclusion(&made(index), index, size, &path, &flipped(root, bit)).is_err());
        for other in [index ^ 1, index + 1, size] {
            prop_assert!(verify_inclusion(&made(index), other, size, &path, &root).is_err());
        }
        let mut broken = path.clone();
        if let Some(one) = (!path.is_empty()).then(|| which % path.len()) {
            broken[one] = flipped(broken[one], bit);
            prop_assert!(verify_inclusion(&made(index), index, size, &broken, &root).is_err());
            prop_assert!(verify_inclusion(&made(index), index, size, &path[1..], &root).is_err());
        }
        broken = path;
        broken.push(root);
        prop_assert!(verify_inclusion(&made(index), index, size, &broken, &root).is_err());
    }

    #[test]
    fn an_older_root_grew_into_the_newer_and_another_log_did_not(size in 1u64..1500, at in any::<u64>(), changed in any::<u64>()) {
        let (tree, old) = (grown(size, made), at % size + 1);
        let older = grown(old, made).root();
        let path = tree.consistency(old, size, block(size, made)).expect("leaves").expect("a path");
        prop_assert_eq!(verify_consistency((old, &older), (size, &tree.root()), &path), Ok(()));
        // One event of the older log was another.
        let changed = changed % old;
        let forged = |index: u64| if index == changed { leaf_hash(b"another") } else { made(index) };
        let other = grown(size, forged);
        let path = other.consistency(old, size, block(size, forged)).expect("leaves").expect("a path");
        prop_assert!(verify_consistency((old, &older), (size, &other.root()), &path).is_err());
    }
}
