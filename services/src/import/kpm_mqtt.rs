//! `tallywatt import kpm-mqtt`: a log of KPM33B meters that publish over MQTT.

use super::{Accepted, Gate, ImportError, Refused, Registry, Report, burst, burst::Bursts, frame::Frame, write::Draft};
use crate::{console::Console, exit::Exit};
use chrono_tz::Tz;
use std::{
    fs,
    path::{Path, PathBuf},
};

const EXAMPLES: &str = "Examples:
  tallywatt import kpm-mqtt meters.log --meters 33B1225950027,33B1225950028 --zone Europe/Vienna --out readings.csv
  tallywatt import kpm-mqtt meters.log --site site/site.toml --zone Europe/Vienna --out site/readings.csv --refused refused.csv
  tallywatt import kpm-mqtt meters.log --site site/site.toml --zone Europe/Vienna --dry-run --json

The log has no arrival times: the newest plausible clock of each publication stands for it, and each
meter's own clock is kept beside it as device_time. Refused frames do not fail the import; they are
counted, and listed with their reason in --refused.

Exit codes: 0 done, 2 bad input (nothing written), 3 disk failure.";

/// The command line of `tallywatt import kpm-mqtt`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Lines `<topic> <json>`, in the order of arrival
    log: PathBuf,
    /// Serials of the meters to import, which are their ids too
    #[arg(long, value_delimiter = ',', required_unless_present = "site", conflicts_with = "site")]
    meters: Vec<String>,
    /// The site.toml whose [[meter]] tables name the serials and ids
    #[arg(long)]
    site: Option<PathBuf>,
    /// Time zone of the meters' clocks
    #[arg(long)]
    zone: String,
    /// The readings.csv to write
    #[arg(long, required_unless_present = "dry_run")]
    out: Option<PathBuf>,
    /// Lists each refused line with its reason
    #[arg(long)]
    refused: Option<PathBuf>,
    /// Only count: write no file
    #[arg(long)]
    dry_run: bool,
    /// Print the counts as JSON
    #[arg(long)]
    json: bool,
}

/// Every line of a log, judged.
#[derive(Debug)]
pub struct Imported {
    /// The readings, in order of arrival.
    pub accepted: Vec<Accepted>,
    /// The other lines, in order of arrival.
    pub refused: Vec<Refused>,
    /// The counts of both.
    pub report: Report,
}

/// Runs the command. On an error no file was written.
pub fn run(args: &Args, console: &mut Console) -> Result<Exit, ImportError> {
    check_names(args)?;
    let zone = burst::zone(&args.zone)?;
    let registry = match &args.site {
        Some(path) => Registry::of_site(path)?,
        None => Registry::of_serials(&args.meters)?,
    };
    let imported = read(&args.log, &registry, zone)?;
    if !args.dry_run {
        write(&imported, zone, args.out.as_deref(), args.refused.as_deref())?;
    }
    if args.json {
        console.line(serde_json::to_string_pretty(&imported.report).expect("a report has only text keys"));
    } else {
        imported.report.lines().iter().for_each(|line| console.line(line));
    }
    Ok(Exit::Done)
}

/// Reads and judges a log.
pub fn read(path: &Path, registry: &Registry, zone: Tz) -> Result<Imported, ImportError> {
    let bytes = fs::read(path).map_err(|source| ImportError::Unreadable { path: path.to_owned(), source })?;
    let lines = bytes.strip_suffix(b"\n").unwrap_or(&bytes).split(|byte| *byte == b'\n');
    let mut bursts = Bursts::new(zone);
    let mut frames = Vec::new();
    for (line, text) in (1..).zip(lines) {
        let frame = Frame::parse(text);
        if let Ok(frame) = &frame {
            bursts.push(line, frame);
        }
        frames.push((line, frame));
    }
    let (times, count) = bursts.finish();
    check_frames(path, &frames)?;
    let mut gate = Gate::default();
    let mut imported = Imported { accepted: Vec::new(), refused: Vec::new(), report: Report::default() };
    imported.report.frames = frames.len();
    imported.report.bursts = count;
    for (line, frame) in frames {
        let judged = match frame {
            Ok(frame) => {
                let meter = registry.id(&frame.serial);
                gate.judge(line, frame, meter, times.get(&line).copied().flatten())
            }
            Err(fault) => Err(Refused::malformed(line, fault)),
        };
        match judged {
            Ok(row) => {
                imported.report.add_accepted(&row, zone);
                imported.accepted.push(row);
            }
            Err(row) => {
                imported.report.add_refused(&row);
                imported.refused.push(row);
            }
        }
    }
    Ok(imported)
}

/// Writes the tables that were asked for: all of them, or none.
pub fn write(imported: &Imported, zone: Tz, out: Option<&Path>, refused: Option<&Path>) -> Result<(), ImportError> {
    let readings = out.map(|path| Draft::readings(path, &imported.accepted, zone)).transpose()?;
    let refused = refused.map(|path| Draft::refused(path, &imported.refused, zone)).transpose()?;
    readings.into_iter().chain(refused).try_for_each(Draft::publish)
}

fn check_names(args: &Args) -> Result<(), ImportError> {
    let mut names: Vec<&PathBuf> =
        [Some(&args.log), args.site.as_ref(), args.out.as_ref(), args.refused.as_ref()].into_iter().flatten().collect();
    names.sort();
    match names.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(ImportError::SameFile { path: pair[0].clone() }),
        None => Ok(()),
    }
}

/// A file of another kind is an error as a whole, at its first line.
fn check_frames(path: &Path, frames: &[(usize, Result<Frame, super::frame::Malformed>)]) -> Result<(), ImportError> {
    let mut clocks =
        frames.iter().filter_map(|(line, frame)| frame.as_ref().ok().map(|frame| (*line, frame.clock))).peekable();
    match (clocks.peek().copied(), frames.first()) {
        (None, Some((line, Err(fault)))) => {
            Err(ImportError::NoFrame { path: path.to_owned(), line: *line, field: fault.field })
        }
        (None, _) => Err(ImportError::NoFrame { path: path.to_owned(), line: 1, field: "line" }),
        (Some((line, _)), _) if !clocks.any(|(_, clock)| burst::is_plausible(clock)) => {
            Err(ImportError::NoClock { path: path.to_owned(), line })
        }
        _ => Ok(()),
    }
}
