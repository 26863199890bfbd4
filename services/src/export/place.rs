//! Where an export goes: a file that nobody ever sees half written, with its
//! manifest where the format has no place for a head; or the terminal.

use std::ffi::OsString;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::scan::ScanError;
use crate::console::Console;
use crate::draft::draft_in;
use crate::exit::{Failure, bad};

/// A file that is not there yet, and its manifest.
#[derive(Debug)]
pub(crate) struct Place {
    file: PathBuf,
    manifest: Option<PathBuf>,
}

impl Place {
    /// The place of a file's name; none for the terminal.
    pub(crate) fn of(file: Option<&Path>, has_manifest: bool) -> Result<Option<Self>, Failure> {
        let Some(file) = file else { return Ok(None) };
        let manifest = has_manifest.then(|| {
            let mut name = OsString::from(file);
            name.push(".manifest.json");
            PathBuf::from(name)
        });
        for path in [Some(file), manifest.as_deref()].into_iter().flatten() {
            if path.exists() {
                let text = format!("{} is there already", path.display());
                return Err(bad(text, "name another file for --out, or move that one away"));
            }
        }
        let folder = folder(file);
        if !folder.is_dir() {
            return Err(bad(format!("there is no folder {}", folder.display()), "make it, or name another --out"));
        }
        Ok(Some(Self { file: file.to_owned(), manifest }))
    }

    /// Writes both beside their places, and names them when they are whole.
    pub(crate) fn write(
        self,
        fill: &mut impl FnMut(&mut dyn Write) -> Result<(), ScanError>,
        document: &Value,
    ) -> Result<(), ScanError> {
        let mut draft = draft_in(folder(&self.file))?;
        let mut to = BufWriter::new(draft.as_file_mut());
        fill(&mut to)?;
        to.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
        if let Some(path) = &self.manifest {
            let mut head = draft_in(folder(path))?;
            serde_json::to_writer_pretty(&mut head, document).map_err(io::Error::from)?;
            head.write_all(b"\n")?;
            head.as_file_mut().sync_all()?;
            head.persist_noclobber(path).map_err(|error| error.error)?;
        }
        draft.persist_noclobber(&self.file).map_err(|error| error.error)?;
        Ok(())
    }
}

fn folder(file: &Path) -> &Path {
    file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// The console as a stream of text; each call has whole characters.
pub(super) struct Terminal<'a>(pub(super) &'a mut Console);

impl Write for Terminal<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.frame(std::str::from_utf8(bytes).map_err(io::Error::other)?);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
