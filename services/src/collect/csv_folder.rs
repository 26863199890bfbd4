//! A watched folder: a CSV file that is put there becomes readings. A file
//! that is whole is moved to `done/`; its rows in error are listed, with line
//! and reason, in a file of the same name in `error/`.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use adapters::intake::{Arrival, ArrivalError, Intake, IntakeError, Poll};
use domain::event::SiteId;

use crate::import::csv::{Rows, rejected};

/// Why a file stays where it is; it is tried again.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// The disk.
    #[error("{}: cannot be read, written or moved", path.display())]
    Disk {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The intake.
    #[error(transparent)]
    Intake(#[from] IntakeError),
    /// A row that no intake holds.
    #[error(transparent)]
    Arrival(#[from] ArrivalError),
}

/// What became of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// Its name.
    pub name: String,
    /// Rows that became readings.
    pub readings: usize,
    /// Rows in error.
    pub rejected: usize,
}

/// A watched folder.
#[derive(Debug)]
pub struct CsvFolder {
    folder: PathBuf,
    site: SiteId,
    collector: String,
    /// Size and change of each file at the last look: one that still grows is left alone.
    seen: BTreeMap<PathBuf, (u64, SystemTime)>,
}

impl CsvFolder {
    /// A folder, which exists.
    pub fn new(folder: &Path, site: SiteId, collector: &str) -> Self {
        Self { folder: folder.to_owned(), site, collector: collector.to_owned(), seen: BTreeMap::new() }
    }

    /// Takes every file that has not changed since the last look.
    pub fn look(&mut self, intake: &mut dyn Intake) -> Result<Vec<Taken>, FolderError> {
        let disk = |path: &Path| {
            let path = path.to_owned();
            move |source| FolderError::Disk { path, source }
        };
        let mut now = BTreeMap::new();
        for entry in fs::read_dir(&self.folder).map_err(disk(&self.folder))? {
            let path = entry.map_err(disk(&self.folder))?.path();
            let about = fs::metadata(&path).map_err(disk(&path))?;
            if about.is_file() && path.extension().is_some_and(|end| end == "csv") {
                now.insert(path.clone(), (about.len(), about.modified().map_err(disk(&path))?));
            }
        }
        let whole: Vec<PathBuf> = now
            .iter()
            .filter(|(path, state)| self.seen.get(*path) == Some(state))
            .map(|(path, _)| path.clone())
            .collect();
        self.seen = now;
        let mut taken = Vec::new();
        for path in whole {
            taken.push(self.take(&path, intake)?);
            self.seen.remove(&path);
        }
        Ok(taken)
    }

    fn take(&self, path: &Path, intake: &mut dyn Intake) -> Result<Taken, FolderError> {
        let disk = |source| FolderError::Disk { path: path.to_owned(), source };
        let rows = Rows::read(&fs::read(path).map_err(disk)?, None);
        for poll in Poll::of_rows(&self.site, &self.collector, "csv", &rows.readings) {
            let (id, bytes) = Arrival::Poll(poll).encode()?;
            intake.offer(id, &bytes)?;
        }
        if !rows.errors.is_empty() {
            let list = self.place("error", path).map_err(disk)?;
            rejected(&list, &rows.errors).map_err(disk)?;
        }
        let done = self.place("done", path).map_err(disk)?;
        fs::rename(path, &done).map_err(disk)?;
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        Ok(Taken { name, readings: rows.readings.len(), rejected: rows.errors.len() })
    }

    /// A place in a folder beside, under a name that is not taken.
    fn place(&self, folder: &str, path: &Path) -> io::Result<PathBuf> {
        let folder = self.folder.join(folder);
        fs::create_dir_all(&folder)?;
        let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        let mut place = folder.join(format!("{stem}.csv"));
        let mut number = 2u32;
        while place.exists() {
            place = folder.join(format!("{stem}-{number}.csv"));
            number = number.saturating_add(1);
        }
        Ok(place)
    }
}
