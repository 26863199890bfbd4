//! `tallywatt collect`: polls the meters of a collector's file into the intake.
//!
//! Reading order: `config` (the file), `collector` (what runs), `bus` (the task
//! of one bus), `row` (a round as an item), `source` with `csv_folder` and
//! `mqtt` (what comes by itself), `uplink` (from spool to server), `commission`
//! (relays before they are relied on).

mod bus;
mod collector;
mod commission;
mod config;
mod csv_folder;
mod mqtt;
mod row;
mod source;
mod uplink;

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use adapters::clock::SystemClock;
use adapters::intake::{Intake, Spool};
use adapters::meter_bus::Round;
use adapters::supply_switch::Pace;

pub use bus::next_round;
pub use chrono_tz::Tz;
pub use collector::{CollectError, Collector, Heard};
pub use config::{Bus, Config, ConfigError, EXAMPLE, METERS_A_BUS};
pub use csv_folder::{CsvFolder, FolderError, Taken};
pub use mqtt::{FrameError, Frames, Turn};
pub use row::{Source, arrival};
pub use uplink::{Passed, Uplink, forward};

use crate::console::Console;
use crate::exit::{Exit, Failure, bad};

/// `tallywatt collect`
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
#[command(after_help = "Examples:
  tallywatt collect --example > collector.toml
  tallywatt collect --config collector.toml --check
  tallywatt collect --config collector.toml

Polls wait in the spool on this machine's disk until the server has them: an uplink
that is down loses nothing. Ctrl-C ends after the rounds that have begun.

Exit codes: 0 done, 2 bad input, 3 spool or disk failure.")]
pub struct Args {
    #[command(subcommand)]
    step: Option<Step>,
    /// The collector's file
    #[arg(long, required_unless_present = "example")]
    config: Option<PathBuf>,
    /// Read the file and say what would be polled; touch nothing
    #[arg(long)]
    check: bool,
    /// Print a commented file to begin with
    #[arg(long)]
    example: bool,
    /// Print what --check says as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Subcommand)]
enum Step {
    /// Read serial, mode and relay of every meter that has a relay; let relays obey.
    Commission(commission::Args),
}

static STOP: AtomicBool = AtomicBool::new(false);

/// Runs the command.
pub fn run(args: Args, console: &mut Console) -> Result<Exit, Failure> {
    if let Some(Step::Commission(args)) = &args.step {
        return commission::run(args, console);
    }
    let Some(path) = args.config.filter(|_| !args.example) else {
        EXAMPLE.lines().for_each(|line| console.line(line));
        return Ok(Exit::Done);
    };
    let config =
        Config::read(&path).map_err(|error| bad(error, "mend the file; --example prints one that is right"))?;
    if args.check {
        check(&config, args.json, console);
        return Ok(Exit::Done);
    }
    STOP.store(false, Ordering::SeqCst);
    match ctrlc::set_handler(|| STOP.store(true, Ordering::SeqCst)) {
        Ok(()) | Err(ctrlc::Error::MultipleHandlers) => {}
        Err(error) => return Err(Failure::new(Exit::Storage, error, "start it from a terminal or a service manager")),
    }
    let (send, lines) = channel();
    let open = || -> Result<Box<dyn Intake>, _> { Ok(Box::new(Spool::open(&config.spool)?)) };
    let heard = move |heard: Heard<'_>| send.send(line(&heard)).unwrap_or_default();
    let collector = Collector::start(&config, &open, SystemClock, Pace::default(), heard).map_err(|error| {
        Failure::new(Exit::Storage, error, "name a spool file that may be written, and free some space")
    })?;
    while !STOP.load(Ordering::SeqCst) {
        match lines.recv_timeout(Duration::from_millis(200)) {
            Ok(line) => console.line(line),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    collector.stop();
    for line in lines.try_iter() {
        console.line(line);
    }
    Ok(Exit::Done)
}

fn line(heard: &Heard<'_>) -> String {
    match heard {
        Heard::Round { bus, round } => format!("{} {bus}: {}", round.began, summary(round)),
        Heard::NotKept(error) => format!("poll not kept, tried again: {}", chain(error)),
        Heard::Taken { source, readings, refused } => format!("{source}: {readings} readings, {refused} refused"),
        Heard::Failed { source, error } => format!("{source}: tried again: {}", chain(*error)),
        Heard::NotWritten(error) => format!("poll left out: {error}"),
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    error.source().map_or_else(|| error.to_string(), |source| format!("{error}: {}", chain(source)))
}

fn summary(round: &Round) -> String {
    let mut text = format!("{} meters", round.answers.len());
    let silent: Vec<String> = round.silent.iter().map(|(meter, error)| format!("{meter} ({})", chain(error))).collect();
    if !silent.is_empty() {
        text = format!("{text}; silent: {}", silent.join(", "));
    }
    if round.left_out > 0 {
        text = format!("{text}; {} dead ones left out", round.left_out);
    }
    text
}

fn check(config: &Config, json: bool, console: &mut Console) {
    let reads = |bus: &Bus| bus.stations.iter().map(|station| station.profile.poll_blocks().len()).sum::<usize>();
    if json {
        let buses: Vec<_> = config
            .buses
            .iter()
            .map(|bus| {
                serde_json::json!({
                    "bus": bus.name, "endpoint": bus.endpoint.to_string(), "meters": bus.stations.len(),
                    "reads_a_round": reads(bus),
                })
            })
            .collect();
        let all = serde_json::json!({"buses": buses, "period_s": config.period_s, "site": config.site});
        console.line(all.to_string());
        return;
    }
    console.line(format!("site {}, collector {}, every {} s", config.site, config.collector, config.period_s));
    for bus in &config.buses {
        let (meters, reads) = (bus.stations.len(), reads(bus));
        console.line(format!("{}: {}, {meters} meters, {reads} reads a round", bus.name, bus.endpoint));
        if meters > METERS_A_BUS && config.period_s <= 60 {
            console.line(format!("  more than {METERS_A_BUS} meters: too many for 9600 baud and one-minute reads"));
        }
        for station in bus.stations.iter().filter(|station| station.profile.relay_block().is_some()) {
            if station.serial.is_none() {
                console.line(format!("  {}: no serial, so its relay is never moved", station.meter));
            }
        }
    }
}
