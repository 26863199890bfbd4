//! A head of the log that was seen durable, kept beside it: a log that lost events since is not gone on with
//! (nats-io/nats-server#6888: a stream that is deleted, rolled back or cut short).

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use domain::event::{hex, parse_hex};
use serde::{Deserialize, Serialize};

use super::OwnerError;

/// How far a log went, and what it said up to there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Head {
    /// Events of the site.
    pub position: u64,
    /// The Merkle root over them.
    #[serde(with = "as_hex")]
    pub root: [u8; 32],
}

/// Where a head is kept.
#[derive(Debug, Clone)]
pub struct HeadFile(PathBuf);

impl HeadFile {
    /// A file; it need not be there yet.
    pub fn new(path: PathBuf) -> Self {
        Self(path)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// The head that was kept; none before the first. A file that cannot be read is an error: it stands for events.
    pub fn read(&self) -> Result<Option<Head>, OwnerError> {
        let bytes = match fs::read(&self.0) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(self.unreadable(error)),
        };
        let head = serde_json::from_slice(&bytes).map_err(|error| self.unreadable(error.into()))?;
        Ok(Some(head))
    }

    fn unreadable(&self, source: io::Error) -> OwnerError {
        OwnerError::Head { file: self.0.clone(), source }
    }

    /// Keeps a head. After a loss of power the file has the one or the other.
    pub fn keep(&self, head: Head) -> io::Result<()> {
        let next = self.0.with_extension("new");
        let mut file = File::create(&next)?;
        file.write_all(&serde_json::to_vec(&head)?)?;
        file.sync_all()?;
        fs::rename(&next, &self.0)?;
        match self.0.parent() {
            Some(folder) => File::open(folder)?.sync_all(),
            None => Ok(()),
        }
    }
}

mod as_hex {
    use serde::de::Error as _;
    use serde::{Deserialize as _, Deserializer, Serializer};

    use super::{hex, parse_hex};

    pub(super) fn serialize<S: Serializer>(root: &[u8; 32], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&hex(root))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<[u8; 32], D::Error> {
        let text = String::deserialize(from)?;
        parse_hex(&text).ok_or_else(|| D::Error::custom("a root is 64 hexadecimal digits"))
    }
}
