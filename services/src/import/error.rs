//! What can be wrong with an import, and how to mend it.

use crate::exit::{Exit, Failure};
use std::{io, path::PathBuf};

/// An import that wrote nothing. Refused frames are not errors: they are
/// listed, and the import goes on.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The log or the site file cannot be read.
    #[error("{}: cannot be read", path.display())]
    Unreadable { path: PathBuf, source: io::Error },
    /// `--zone` is no zone of the tz database.
    #[error("--zone: there is no time zone `{zone}`")]
    UnknownZone { zone: String },
    /// An empty name in `--meters`, or a serial given twice.
    #[error("--meters: serial `{serial}` is empty or given twice")]
    BadSerial { serial: String },
    /// The site file is not TOML.
    #[error("{}: not TOML", path.display())]
    NotToml { path: PathBuf, source: Box<toml_edit::TomlError> },
    /// A meter table of the site file lacks a key, or names a serial again.
    #[error("{}: [[meter]] number {number}: `{key}` is missing, not a text, or used before", path.display())]
    BadMeter { path: PathBuf, number: usize, key: &'static str },
    /// The site file has no meter with a serial.
    #[error("{}: no [[meter]] has a `serial`", path.display())]
    NoMeter { path: PathBuf },
    /// Not one line of the log is a frame.
    #[error("{}: line {line}: `{field}` is missing or wrong, and no other line is a frame either", path.display())]
    NoFrame { path: PathBuf, line: usize, field: &'static str },
    /// No frame of the log has a clock that can stand for the time.
    #[error("{}: line {line}: `time` is before 2020, and so is that of every other frame", path.display())]
    NoClock { path: PathBuf, line: usize },
    /// An output would overwrite another file of the same command.
    #[error("{}: named for two files", path.display())]
    SameFile { path: PathBuf },
    /// Not one row of a CSV file is a reading.
    #[error("{}:{line}: {reason}, and no other row is a reading either", path.display())]
    NoReading { path: PathBuf, line: u64, reason: String },
    /// `--site-id` is no id.
    #[error("--site-id: `{site}` is not 1 to 64 bytes without a slash")]
    BadSite { site: String },
    /// The collector's spool could not be used.
    #[error("{}: spool could not be used", path.display())]
    Spool { path: PathBuf, source: Box<dyn std::error::Error + Send + Sync> },
    /// The disk refused an output; none is half written.
    #[error("{}: cannot be written", path.display())]
    Unwritable { path: PathBuf, source: io::Error },
}

impl ImportError {
    /// The published exit code.
    pub fn exit(&self) -> Exit {
        match self {
            Self::Unwritable { .. } | Self::Spool { .. } => Exit::Storage,
            _ => Exit::BadInput,
        }
    }

    /// What the caller can do.
    pub fn mend(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => "name an existing file that you may read",
            Self::UnknownZone { .. } => "give a name such as Europe/Vienna or Asia/Shanghai",
            Self::BadSerial { .. } => {
                "give each serial once, with a comma between: --meters 33B1225950027,33B1225950028"
            }
            Self::NotToml { .. } => "mend the file at the place named",
            Self::BadMeter { .. } => "give each [[meter]] an `id` and a `serial` of its own, both in quotes",
            Self::NoMeter { .. } => "add `serial = \"…\"` to the meters whose frames are in the log, or use --meters",
            Self::NoFrame { .. } => {
                "give a log with lines `MQTT_ENY_NOW {\"id\":…,\"zygsz\":…,\"time\":\"YYYYMMDDhhmmss\",\"isend\":\"1\"}`"
            }
            Self::NoClock { .. } => "give a log in which at least one meter's clock is set",
            Self::NoReading { .. } => "give a file whose first line is time,meter,kwh and whose rows are readings",
            Self::BadSite { .. } => "give the id of the site that the meters are in",
            Self::Spool { .. } => "name a spool that may be written, and free some space",
            Self::SameFile { .. } => "give --out, --refused and the log different names",
            Self::Unwritable { .. } => "make room, or name a folder that exists and that you may write to",
        }
    }
}

impl From<ImportError> for Failure {
    fn from(error: ImportError) -> Self {
        Self { exit: error.exit(), mend: error.mend().to_owned(), error: Box::new(error) }
    }
}
