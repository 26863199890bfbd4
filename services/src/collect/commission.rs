//! `tallywatt collect commission`: every meter with a relay shows its serial and the relay's mode; with `--yes` the mode of
//! a registered device becomes remote. Nothing else is ever written here.

use std::path::PathBuf;

use adapters::meter_bus::{BusError, Contact, MeterBus as _, Modbus, Station};
use adapters::supply_switch::{Commissioned, commission};
use serde_json::{Value, json};
use tokio::runtime::Builder;

use super::Config;
use crate::console::Console;
use crate::exit::{Exit, Failure, bad};
use crate::table;

/// Read serial, mode and relay of every meter that has a relay; let relays obey.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  tallywatt collect commission --config collector.toml         # reads only
  tallywatt collect commission --config collector.toml --yes   # sets the mode to remote where it is not, and reads it back

Stop the collector first: a serial line and most gateways serve one at a time.
Exit codes: 0 every relay obeys, 1 some do not, 2 bad input, 3 no threads.")]
pub(super) struct Args {
    /// The collector's file
    #[arg(long)]
    config: PathBuf,
    /// Set the mode to remote where a registered device is not
    #[arg(long)]
    yes: bool,
    /// Print the table as JSON
    #[arg(long)]
    json: bool,
}

struct Row<'a> {
    bus: &'a str,
    station: &'a Station,
    found: Commissioned,
}

/// Runs the command.
pub(super) fn run(args: &Args, console: &mut Console) -> Result<Exit, Failure> {
    let config = Config::read(&args.config)
        .map_err(|error| bad(error, "mend the file; `tallywatt collect --example` is right"))?;
    let runtime = Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::new(Exit::Storage, error, "free some memory"))?;
    let mut rows = Vec::new();
    for bus in &config.buses {
        let mut modbus = Modbus::new(bus.endpoint.clone(), bus.patience);
        for station in bus.stations.iter().filter(|station| station.profile.relay_block().is_some()) {
            let found = runtime.block_on(commission(&mut modbus, station, args.yes));
            if found.error.is_some() {
                modbus.hang_up();
            }
            rows.push(Row { bus: &bus.name, station, found });
        }
    }
    let ready = rows.iter().all(|row| row.found.is_ready());
    if args.json {
        let all: Vec<Value> = rows.iter().map(Row::document).collect();
        console.line(json!({"meters": all, "ready": ready, "site": config.site, "wrote": args.yes}).to_string());
    } else {
        show(&rows, args.yes, console);
    }
    Ok(if ready { Exit::Done } else { Exit::Differences })
}

fn show(rows: &[Row<'_>], wrote: bool, console: &mut Console) {
    if rows.is_empty() {
        console.line("no meter of this file has a relay");
        return;
    }
    let line = |row: &Row<'_>| {
        let found = &row.found;
        [
            row.bus.to_owned(),
            row.station.meter.to_string(),
            row.station.unit.to_string(),
            found.serial.clone().unwrap_or_else(|| "?".to_owned()),
            mode(found.is_remote).to_owned(),
            relay(found.relay).unwrap_or("?").to_owned(),
            row.what(),
        ]
    };
    let lines: Vec<[String; 7]> = rows.iter().map(line).collect();
    table::write(["bus", "meter", "unit", "serial", "mode", "relay", "what"], &lines, console);
    if !wrote && rows.iter().any(|row| row.found.is_remote == Some(false)) {
        console.line("nothing was written; add --yes to set the mode of registered devices to remote");
    }
}

const fn mode(is_remote: Option<bool>) -> &'static str {
    match is_remote {
        Some(true) => "remote",
        Some(false) => "local",
        None => "-",
    }
}

const fn relay(contact: Option<Contact>) -> Option<&'static str> {
    match contact {
        Some(Contact::On) => Some("on"),
        Some(Contact::Off) => Some("off"),
        None => None,
    }
}

impl Row<'_> {
    /// What is to be known of it, in a few words.
    fn what(&self) -> String {
        let found = &self.found;
        match (&found.error, found.is_registered) {
            (Some(error), _) => chain(error),
            (None, None) => "no serial is registered: its relay is never moved".to_owned(),
            (None, Some(false)) => {
                let wanted = self.station.serial.as_deref().unwrap_or_default();
                format!("another device: {wanted} is registered; nothing is written to it")
            }
            (None, Some(true)) if found.written && found.is_remote == Some(true) => "set to remote".to_owned(),
            (None, Some(true)) if found.written => "was written, and is not remote".to_owned(),
            (None, Some(true)) if found.is_remote == Some(false) => "does not obey".to_owned(),
            (None, Some(true)) if found.relay.is_none() => "relay shows neither on nor off".to_owned(),
            (None, Some(true)) => "ready".to_owned(),
        }
    }

    fn document(&self) -> Value {
        let found = &self.found;
        json!({
            "bus": self.bus, "error": found.error.as_ref().map(chain), "meter": self.station.meter,
            "ready": found.is_ready(), "registered": found.is_registered, "relay": relay(found.relay),
            "remote": found.is_remote, "serial": found.serial, "unit": self.station.unit,
            "was_remote": found.was_remote, "what": self.what(), "written": found.written,
        })
    }
}

fn chain(error: &BusError) -> String {
    super::chain(error)
}
