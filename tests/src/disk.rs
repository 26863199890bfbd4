//! A small disk that loses its power: a file, mounted by a loop device.

use std::path::{Path, PathBuf};
use std::process::Command;

/// A mounted disk, unmounted with the test.
pub struct Disk {
    image: PathBuf,
    mounted: PathBuf,
    folder: tempfile::TempDir,
}

fn run(program: &str, arguments: &[&Path]) -> Result<(), String> {
    let done = Command::new(program).args(arguments).output().map_err(|error| format!("{program}: {error}"))?;
    if done.status.success() {
        return Ok(());
    }
    Err(format!("{program}: {}", String::from_utf8_lossy(&done.stderr).trim()))
}

impl Disk {
    /// An empty disk; the error says why this machine does not permit one.
    pub fn new() -> Result<Self, String> {
        let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
        let image = folder.path().join("disk");
        let file = std::fs::File::create(&image).map_err(|error| error.to_string())?;
        file.set_len(128 << 20).map_err(|error| error.to_string())?;
        run("mkfs.ext4", &[Path::new("-q"), Path::new("-F"), &image])?;
        Self::mount(folder, image)
    }

    fn mount(folder: tempfile::TempDir, image: PathBuf) -> Result<Self, String> {
        let mounted = folder.path().join("mounted");
        std::fs::create_dir(&mounted).map_err(|error| error.to_string())?;
        // The file system shall not sync by itself while the test runs.
        run("mount", &[Path::new("-o"), Path::new("loop,commit=900"), &image, &mounted])?;
        Ok(Self { image, mounted, folder })
    }

    /// Where its files are.
    pub fn path(&self) -> &Path {
        &self.mounted
    }

    /// The disk as it is found after the power was lost just now: what the
    /// file system holds in memory and was not told to sync is not on it.
    pub fn after_power_loss(&self) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let image = folder.path().join("disk");
        std::fs::copy(&self.image, &image).expect("copies");
        Self::mount(folder, image).expect("mounts, as the first did")
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Lazily: a server of a test that failed may still have files open.
        if let Err(error) = run("umount", &[Path::new("-l"), &self.mounted]) {
            eprintln!("{} stays mounted: {error}", self.folder.path().display());
        }
    }
}
