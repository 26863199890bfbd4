//! Files beside their place, which get their name when they are whole.

use std::io;
use std::path::Path;

use tempfile::NamedTempFile;

/// A temporary file is private by default; an output is as open as the umask allows.
pub(crate) fn draft_in(folder: &Path) -> io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder.tempfile_in(folder)
}
