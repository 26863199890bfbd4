//! Foreign files become the tables of a site folder: `tallywatt import`.
//!
//! Reading order: `kpm_mqtt` (the command), `frame` (one line), `burst` (its
//! time), `gate` (what is let in), `report` (the counts), `registry` (the
//! meters), `write` (the files), `error`.

mod burst;
pub mod csv;
mod error;
mod frame;
mod gate;
pub mod kpm_mqtt;
mod registry;
mod report;
mod write;

pub(crate) use burst::instant_of;
pub use burst::zone;
pub use error::ImportError;
pub(crate) use frame::MqttFrame;
pub use gate::{Accepted, Gate, Reason, Refused};
pub use registry::Registry;
pub use report::{MeterReport, Report};

use crate::{console::Console, exit::Exit};
use clap::Subcommand;

/// `tallywatt import FORMAT …`
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  tallywatt import kpm-mqtt meters.log --site site.toml --zone Europe/Vienna --out readings.csv")]
pub struct Args {
    #[command(subcommand)]
    format: Format,
}

#[derive(Debug, Subcommand)]
enum Format {
    /// A log of KPM33B meters that publish over MQTT: lines `<topic> <json>`.
    KpmMqtt(kpm_mqtt::Args),
    /// A CSV file of readings, into a collector's spool.
    Csv(csv::Args),
}

/// Runs the importer of the chosen format.
pub fn run(args: Args, console: &mut Console) -> Result<Exit, ImportError> {
    match args.format {
        Format::KpmMqtt(args) => kpm_mqtt::run(&args, console),
        Format::Csv(args) => csv::run(&args, console),
    }
}
