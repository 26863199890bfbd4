//! Exit codes: published, stable, never reused.

use adapters::site_folder::FolderError;
use std::{error::Error, process::ExitCode};

/// How a command ended, for the caller's script.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Code 0: done. Refused readings are a result and not an error.
    Done,
    /// Code 1: done, and a comparison found differences.
    Differences,
    /// Code 2: an input is wrong; nothing was written. Also a wrong command line.
    BadInput,
    /// Code 3: the log or the disk failed.
    Storage,
}

impl Exit {
    /// The number that the process ends with.
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Differences => 1,
            Self::BadInput => 2,
            Self::Storage => 3,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// A command that did not do its work: why, how to mend it, and the code.
#[derive(Debug)]
pub struct Failure {
    /// The code that the process ends with.
    pub exit: Exit,
    /// What is wrong; its sources say more.
    pub error: Box<dyn Error + Send + Sync>,
    /// What to do about it.
    pub mend: String,
}

impl Failure {
    /// A failure with its code, and what mends it.
    pub fn new(exit: Exit, error: impl Into<Box<dyn Error + Send + Sync>>, mend: &str) -> Self {
        Self { exit, error: error.into(), mend: mend.to_owned() }
    }
}

/// An input is wrong.
pub(crate) fn bad(error: impl Into<Box<dyn Error + Send + Sync>>, mend: &str) -> Failure {
    Failure::new(Exit::BadInput, error, mend)
}

impl From<FolderError> for Failure {
    fn from(error: FolderError) -> Self {
        let mend = error.mend.clone();
        bad(error, &mend)
    }
}
