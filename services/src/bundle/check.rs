//! What is looked at while a bundle is read, event by event: nothing of it is kept in memory but what was found.

use std::io::Read;

use adapters::event_log::{BundleError, BundleReader, LogEvent, Part};
use domain::event::{Chains, Decoder, Event, SiteId, hex, leaf_hash};
use domain::proof::Frontier;

use crate::doctor::odd;

/// So many findings of a check are kept; of the others it is said how many there are.
pub(super) const KEPT: usize = 100;

/// One check: what it is about, and what it found.
#[derive(Debug, Default)]
pub(super) struct Check {
    pub(super) name: &'static str,
    pub(super) problems: Vec<String>,
    pub(super) more: u64,
    /// What is said where nothing was found.
    pub(super) good: String,
}

impl Check {
    pub(super) fn new(name: &'static str, good: impl Into<String>) -> Self {
        Self { name, good: good.into(), ..Self::default() }
    }

    pub(super) fn is_whole(&self) -> bool {
        self.problems.is_empty()
    }

    pub(super) fn note(&mut self, problem: String) {
        if self.problems.len() < KEPT {
            self.problems.push(problem);
        } else {
            self.more = self.more.saturating_add(1);
        }
    }
}

/// What was read of a bundle.
pub(super) struct Checked {
    pub(super) site: SiteId,
    pub(super) size: u64,
    pub(super) root: String,
    pub(super) checks: Vec<Check>,
}

impl Checked {
    pub(super) fn is_whole(&self) -> bool {
        self.checks.iter().all(Check::is_whole)
    }
}

/// The events one after the other.
struct Walk {
    file: Check,
    bytes: Check,
    chains: Check,
    tree: Frontier,
    decoder: Decoder,
    heads: Chains,
    size: u64,
}

impl Walk {
    fn event(&mut self, event: LogEvent, whole: bool) {
        let at = event.position;
        self.size = at;
        let leaf = leaf_hash(&event.bytes);
        self.tree.push(leaf);
        if !whole {
            self.file.note(format!("event {at} is not as it was written"));
        }
        match self.decoder.decode(&event.bytes) {
            Err(error) => self.bytes.note(format!("event {at} cannot be read: {error}")),
            Ok(decoded) => self.decoded(&decoded, &event, &leaf),
        }
    }

    fn decoded(&mut self, decoded: &Event, event: &LogEvent, leaf: &[u8; 32]) {
        let at = event.position;
        if let Some(what) = odd(decoded, event) {
            self.bytes.note(format!("event {at}: {what}"));
        }
        if !self.heads.extend(&decoded.chains, leaf) {
            let keys: Vec<&str> = decoded.chains.iter().map(|link| link.key.as_str()).collect();
            self.chains.note(format!("event {at} does not follow in {}", keys.join(", ")));
        }
    }
}

/// Reads a bundle and checks its marks, bytes, places, chains and root; `wanted` is a root that it must have.
pub(super) fn read(from: impl Read, wanted: Option<&str>) -> Result<Checked, BundleError> {
    let mut reader = BundleReader::new(from)?;
    let site = reader.site().clone();
    let mut walk = Walk {
        file: Check::new("file", "every event is as it was written"),
        bytes: Check::new("bytes", "decoding and encoding each event gives its bytes, numbered without a gap"),
        chains: Check::new("chains", "each event about an account, tariff, rule or pool names the one before"),
        tree: Frontier::default(),
        decoder: Decoder::new(),
        heads: Chains::default(),
        size: 0,
    };
    let mut said = None;
    loop {
        match reader.part() {
            Ok(Part::Event { event, whole }) => walk.event(event, whole),
            Ok(Part::End { size, root, surplus }) => {
                said = Some(hex(&root));
                if size != walk.size {
                    walk.file.note(format!("the end says {size} events, and there are {}", walk.size));
                }
                if surplus {
                    walk.file.note(format!("bytes follow the end, after event {}", walk.size));
                }
                break;
            }
            Err(BundleError::File(error)) => return Err(BundleError::File(error)),
            Err(error) => {
                walk.file.note(error.to_string());
                break;
            }
        }
    }
    let root = hex(&walk.tree.root());
    let mut roots = Check::new("root", format!("{root} over {} events", walk.size));
    if let Some(said) = said.filter(|said| *said != root) {
        roots.note(format!("the events give the root {root}, and the end of the file says {said}"));
    }
    if let Some(wanted) = wanted.filter(|wanted| *wanted != root) {
        roots.note(format!("the root is {root}, not {wanted}"));
    }
    if walk.size == 0 {
        walk.file.note("there is no event".to_owned());
    }
    Ok(Checked { site, size: walk.size, root, checks: vec![walk.file, walk.bytes, walk.chains, roots] })
}
