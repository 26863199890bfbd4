//! `tallywatt init`: a folder to begin with, and what to do next.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::console::Console;
use crate::exit::{Exit, Failure, bad};
use crate::{collect, serve};

/// The commented structure of a small site.
pub const SITE: &str = include_str!("site.toml");

/// Write commented settings and a small site into a folder, ready to be served.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  tallywatt init riverside
  tallywatt serve --config riverside/tallywatt.toml")]
pub struct Args {
    /// The folder; it is made. A file that is there already is left as it is, and nothing is written.
    dir: PathBuf,
}

/// Runs the command.
pub fn run(args: &Args, console: &mut Console) -> Result<Exit, Failure> {
    let dir = &args.dir;
    let files = [
        (dir.join("tallywatt.toml"), serve::EXAMPLE.to_owned()),
        (dir.join("site/site.toml"), SITE.to_owned()),
        (dir.join("collector.toml"), collect::EXAMPLE.to_owned()),
    ];
    if let Some((there, _)) = files.iter().find(|(path, _)| path.exists()) {
        return Err(bad(
            format!("{} is there already", there.display()),
            "name another folder, or move that file away",
        ));
    }
    for (path, text) in &files {
        write(path, text).map_err(|error| {
            Failure::new(Exit::Storage, format!("{}: {error}", path.display()), "make room or give rights there")
        })?;
        console.line(format!("wrote {}", path.display()));
    }
    let config = dir.join("tallywatt.toml");
    let config = config.display();
    for line in [
        "next:".to_owned(),
        format!("  describe your building in {}", dir.join("site/site.toml").display()),
        format!("  and your meters in {}, then name it in {config}", dir.join("collector.toml").display()),
        format!("  tallywatt serve --config {config} --check"),
        format!("  tallywatt user add YOU --role operator --config {config}"),
        format!("  tallywatt user link YOU --config {config}     # a link to sign in with"),
        format!("  tallywatt serve --config {config}"),
    ] {
        console.line(line);
    }
    Ok(Exit::Done)
}

/// Writes a file that is not there.
fn write(path: &Path, text: &str) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    OpenOptions::new().write(true).create_new(true).open(path)?.write_all(text.as_bytes())
}
