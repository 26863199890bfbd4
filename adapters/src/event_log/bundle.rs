//! A site's log as one file, for whoever checks it elsewhere. It is written and read as a stream, and the same events
//! are the same bytes:
//!
//! | bytes | what |
//! | --- | --- |
//! | 19 | `tallywatt bundle 1` and a line feed |
//! | 1, n | length of the site's id, and the id |
//! | 1, 16, 4, 8, n | of each event, in the site's order from the first on: its kind (1 readings, 2 fact, 3 decision), its id, the length of its bytes, a mark, and its bytes as they are stored |
//! | 1, 8, 32 | at the end: 0, how many events there are, and the root of the Merkle tree over them (AUDIT.md) |
//!
//! Numbers are big-endian. A mark is the first eight bytes of a hash over the event's place and all of it: it says which
//! event was damaged. What was changed on purpose shows in the root.

use std::cell::RefCell;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek as _, SeekFrom, Write};
use std::path::{Path, PathBuf};

use domain::event::{EventId, SiteId, leaf_hash, sha256};
use domain::proof::{Frontier, Hash};

use super::{EventLog, Filter, Follow, Kind, LogError, LogEvent, Sequence, Stored};

/// How every bundle begins, whatever its version.
const NAME: &[u8] = b"tallywatt bundle ";
const MAGIC: &[u8; 19] = b"tallywatt bundle 1\n";
/// An event has at most so many bytes (AUDIT.md).
const LONGEST: usize = 65_535;
/// What stands at the end: a zero, size, root.
const TAIL: usize = 41;

/// Why a file cannot be read as a bundle, or not further.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// It begins as something else.
    #[error("the file is no bundle: it does not begin as one")]
    NotABundle,
    /// Of a newer format.
    #[error("the bundle is of another version than 1: use the tallywatt that wrote it")]
    OtherVersion,
    /// Its head does not name a site.
    #[error("the head of the bundle does not name a site")]
    Site,
    /// What stands before an event is none of what may.
    #[error("event {event}: what stands before it is damaged")]
    Head {
        /// Its position.
        event: u64,
    },
    /// The file ends too early.
    #[error("the file ends within event {event}")]
    Cut {
        /// Its position.
        event: u64,
    },
    /// An event longer than any.
    #[error("event {event} has more bytes than an event can have")]
    Long {
        /// Its position.
        event: u64,
    },
    /// The file could not be read.
    #[error("the bundle could not be read")]
    File(#[from] io::Error),
}

fn mark(position: u64, kind: u8, id: EventId, bytes: &[u8]) -> [u8; 8] {
    let hash = sha256(&[MAGIC, &position.to_be_bytes(), &[kind], id.as_bytes(), bytes]);
    hash.first_chunk().copied().unwrap_or_default()
}

fn kind_of(code: u8) -> Option<Kind> {
    Kind::of_code(code.into())
}

/// Writes a bundle.
#[derive(Debug)]
pub struct BundleWriter<W> {
    to: W,
    tree: Frontier,
    size: u64,
}

impl<W: Write> BundleWriter<W> {
    /// Begins one of a site.
    pub fn new(mut to: W, site: &SiteId) -> io::Result<Self> {
        let id = site.as_str().as_bytes();
        to.write_all(MAGIC)?;
        to.write_all(&[u8::try_from(id.len()).map_err(io::Error::other)?])?;
        to.write_all(id)?;
        Ok(Self { to, tree: Frontier::default(), size: 0 })
    }

    /// Adds the site's next event.
    pub fn push(&mut self, event: &LogEvent) -> io::Result<()> {
        self.size = self.size.saturating_add(1);
        let kind = u8::try_from(event.kind.code()).map_err(io::Error::other)?;
        let length = u32::try_from(event.bytes.len()).map_err(io::Error::other)?;
        self.tree.push(leaf_hash(&event.bytes));
        self.to.write_all(&[kind])?;
        self.to.write_all(event.id.as_bytes())?;
        self.to.write_all(&length.to_be_bytes())?;
        self.to.write_all(&mark(self.size, kind, event.id, &event.bytes))?;
        self.to.write_all(&event.bytes)
    }

    /// Ends it; how many events it has, and their root.
    pub fn finish(mut self) -> io::Result<(u64, Hash)> {
        let root = self.tree.root();
        self.to.write_all(&[0])?;
        self.to.write_all(&self.size.to_be_bytes())?;
        self.to.write_all(&root)?;
        self.to.flush()?;
        Ok((self.size, root))
    }
}

/// What comes next in a bundle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// An event.
    Event {
        /// As it stands there.
        event: LogEvent,
        /// Whether its mark is its own: it is as it was written.
        whole: bool,
    },
    /// The end.
    End {
        /// How many events there were, as it says.
        size: u64,
        /// The root over them, as it says.
        root: Hash,
        /// Whether more bytes follow.
        surplus: bool,
    },
}

/// Reads a bundle.
#[derive(Debug)]
pub struct BundleReader<R> {
    from: R,
    site: SiteId,
    /// The position of the next event.
    next: u64,
}

impl<R: Read> BundleReader<R> {
    /// Reads the head.
    pub fn new(mut from: R) -> Result<Self, BundleError> {
        let mut magic = [0; 19];
        let begins = from.read_exact(&mut magic);
        if begins.is_err() || !magic.starts_with(NAME) {
            return Err(BundleError::NotABundle);
        }
        if magic != *MAGIC {
            return Err(BundleError::OtherVersion);
        }
        let mut length = [0; 1];
        from.read_exact(&mut length).map_err(|_| BundleError::Site)?;
        let mut id = vec![0; usize::from(length[0])];
        from.read_exact(&mut id).map_err(|_| BundleError::Site)?;
        let site = std::str::from_utf8(&id).ok().and_then(SiteId::try_new).ok_or(BundleError::Site)?;
        Ok(Self { from, site, next: 1 })
    }

    /// The site.
    pub fn site(&self) -> &SiteId {
        &self.site
    }

    fn bytes<const N: usize>(&mut self) -> Result<[u8; N], BundleError> {
        let mut bytes = [0; N];
        self.from.read_exact(&mut bytes).map_err(|error| self.cut(error))?;
        Ok(bytes)
    }

    fn cut(&self, error: io::Error) -> BundleError {
        if error.kind() == io::ErrorKind::UnexpectedEof {
            BundleError::Cut { event: self.next }
        } else {
            BundleError::File(error)
        }
    }

    /// The next event, or the end.
    pub fn part(&mut self) -> Result<Part, BundleError> {
        let [code] = self.bytes()?;
        if code == 0 {
            let (size, root) = (u64::from_be_bytes(self.bytes()?), self.bytes()?);
            let surplus = self.from.read(&mut [0; 1])? > 0;
            return Ok(Part::End { size, root, surplus });
        }
        let position = self.next;
        let kind = kind_of(code).ok_or(BundleError::Head { event: position })?;
        let id = EventId::new(self.bytes()?);
        let length = usize::try_from(u32::from_be_bytes(self.bytes()?)).unwrap_or(usize::MAX);
        if length > LONGEST {
            return Err(BundleError::Long { event: position });
        }
        let written: [u8; 8] = self.bytes()?;
        let mut bytes = vec![0; length];
        self.from.read_exact(&mut bytes).map_err(|error| self.cut(error))?;
        let whole = mark(position, code, id, &bytes) == written;
        self.next = position.saturating_add(1);
        let event = LogEvent { site: self.site.clone(), position, id, kind, bytes };
        Ok(Part::Event { event, whole })
    }
}

type FileReader = BundleReader<BufReader<File>>;

/// A bundle as a log: it is read from the first event on, and nothing can be appended.
#[derive(Debug)]
pub struct BundleLog {
    path: PathBuf,
    /// The reader, none at the end, and the last event that it gave.
    at: RefCell<Option<(Option<FileReader>, u64)>>,
}

impl BundleLog {
    /// Opens one.
    pub fn open(path: &Path) -> Result<Self, LogError> {
        let log = Self { path: path.to_owned(), at: RefCell::new(None) };
        log.reader()?;
        Ok(log)
    }

    /// Whether a file begins as a bundle.
    pub fn is_one(path: &Path) -> bool {
        let mut head = [0; NAME.len()];
        File::open(path).and_then(|mut file| file.read_exact(&mut head)).is_ok() && head == NAME
    }

    fn reader(&self) -> Result<FileReader, LogError> {
        let file = File::open(&self.path).map_err(BundleError::File)?;
        Ok(BundleReader::new(BufReader::new(file))?)
    }
}

impl EventLog for BundleLog {
    fn append(&mut self, _: Sequence, _: &[LogEvent]) -> Result<Vec<Sequence>, LogError> {
        Err(LogError::ReadOnly)
    }

    fn read(&self, after: Sequence, filter: &Filter, limit: usize) -> Result<Vec<Stored>, LogError> {
        let kept = self.at.take().filter(|(_, last)| *last <= after.0);
        let mut page = Vec::new();
        let (mut reader, mut last) = match kept {
            Some((Some(reader), last)) => (reader, last),
            Some((None, last)) => {
                self.at.replace(Some((None, last)));
                return Ok(page);
            }
            None => (self.reader()?, 0),
        };
        while page.len() < limit {
            let Part::Event { event, whole } = reader.part()? else {
                self.at.replace(Some((None, last)));
                return Ok(page);
            };
            last = event.position;
            let sequence = Sequence(last);
            if !whole {
                return Err(LogError::Damaged(sequence));
            }
            if sequence > after && filter.admits(&event) {
                page.push(Stored { sequence, event });
            }
        }
        self.at.replace(Some((Some(reader), last)));
        Ok(page)
    }

    fn head(&self) -> Result<Sequence, LogError> {
        let mut file = File::open(&self.path).map_err(BundleError::File)?;
        let back = i64::try_from(TAIL)?.saturating_neg();
        let mut tail = [0; TAIL];
        let read = file.seek(SeekFrom::End(back)).and_then(|_| file.read_exact(&mut tail));
        read.map_err(BundleError::File)?;
        let size = tail.get(1..9).and_then(|bytes| bytes.try_into().ok()).map_or(0, u64::from_be_bytes);
        Ok(Sequence(size))
    }

    fn follow(&self, _: Sequence, _: Filter) -> Result<Box<dyn Follow>, LogError> {
        Err(LogError::ReadOnly)
    }
}
