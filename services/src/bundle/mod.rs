//! A site's evidence as one file: `tallywatt bundle` takes it out of a log, `tallywatt verify` checks it anywhere.
//!
//! Reading order: `mod` (the file, for commands and surfaces), `check` (what is looked at, event by event), `verify`.

mod check;
mod verify;

use std::io::Write;
use std::path::PathBuf;

use adapters::event_log::BundleWriter;
use clap::Args as ClapArgs;
use domain::event::{SiteId, hex};
use domain::proof::Hash;
use serde_json::json;

use crate::console::Console;
use crate::exit::{Exit, Failure, bad};
use crate::export::{Pieces, Place, ScanError, Source, of_scan, stream};
use crate::history;
use crate::replay::failed;

pub use verify::{Args as VerifyArgs, run as verify};

/// Write all events of a site as one file, with the root over them: whoever has it checks and replays it by `verify`.
#[derive(Debug, ClapArgs)]
#[command(after_help = "Example:
  tallywatt bundle target/hand-late --out target/hand-late.bundle
  tallywatt verify target/hand-late.bundle
  tallywatt audit account target/hand-late A-1 --log target/hand-late.bundle   # every command that reads a log reads it

The same events are the same bytes; --through gives what an earlier bundle gave.")]
pub struct Args {
    /// The output folder of a run, with its log.db.
    dir: PathBuf,
    /// Another log: a file, or nats://HOST:PORT/STREAM.
    #[arg(long, value_name = "LOG")]
    log: Option<String>,
    /// The site, where the log has several.
    #[arg(long, value_name = "SITE", value_parser = history::site_id)]
    site: Option<SiteId>,
    /// The events up to this position of the log; all of them otherwise.
    #[arg(long, value_name = "POSITION")]
    through: Option<u64>,
    /// The file, which must not be there yet.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Write the result as JSON.
    #[arg(long)]
    json: bool,
}

/// Writes the events of a site up to a position, as they come; how many there are, and their root.
fn write(source: Source<'_>, site: &SiteId, through: u64, to: &mut dyn Write) -> Result<(u64, Hash), ScanError> {
    let mut bundle = BundleWriter::new(to, site)?;
    source.events(through, |stored| Ok::<(), ScanError>(bundle.push(&stored.event)?))?;
    Ok(bundle.finish()?)
}

/// The site of a log that has one, or the one that is named.
fn site_of(source: Source<'_>) -> Result<SiteId, Failure> {
    if let Some(site) = source.site {
        return Ok(site.clone());
    }
    let log = history::open(source.dir, source.log).map_err(failed)?;
    let first = history::first(log.as_ref()).map_err(failed)?;
    Ok(first.event.site)
}

/// Runs `tallywatt bundle`.
pub fn run(args: Args, console: &mut Console) -> Result<Exit, Failure> {
    let place = Place::of(Some(&args.out), false)?.ok_or_else(|| bad("there is no file", "name it with --out"))?;
    let source = Source { dir: &args.dir, log: args.log.as_deref(), site: args.site.as_ref() };
    let site = site_of(source)?;
    if args.through == Some(0) {
        return Err(bad("there is no event 0", "give --through as a position, from 1"));
    }
    let (mut size, mut root) = (0, Hash::default());
    let mut fill = |to: &mut dyn Write| {
        (size, root) = write(source, &site, args.through.unwrap_or(u64::MAX), to)?;
        Ok(())
    };
    place.write(&mut fill, &json!(null)).map_err(of_scan)?;
    let root = hex(&root);
    if args.json {
        console.line(json!({"site": site, "size": size, "root": root, "file": args.out}).to_string());
    } else {
        console.line(format!("{size} events of site {site}, root {root}"));
    }
    Ok(Exit::Done)
}

/// Begins a bundle for whoever is elsewhere.
pub async fn download(log: String, site: SiteId, through: u64) -> Result<Pieces, Failure> {
    stream(move |begin, to| {
        let source = Source { dir: &PathBuf::new(), log: Some(&log), site: Some(&site) };
        if !begin(Ok(())) {
            return Ok(());
        }
        write(source, &site, through, to).map(drop)
    })
    .await
}

/// The name of a file of a site up to a position: of characters that no file system minds.
pub(crate) fn file_name(site: &str, through: u64) -> String {
    let plain = |one: char| if one.is_ascii_alphanumeric() || "-_".contains(one) { one } else { '_' };
    let site: String = site.chars().map(plain).collect();
    format!("{site}-{through}.bundle")
}
