//! `tallywatt tariff`: tariffs of others become native ones.

mod import_urdb;

use clap::Subcommand;

use crate::console::Console;
use crate::exit::{Exit, Failure};

/// `tallywatt tariff COMMAND …`
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  tallywatt tariff import-urdb tests/tariff-cases/004/tariff.urdb.json --out target/tariff.toml")]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Write a record of the U.S. Utility Rate Database as a native tariff.
    ImportUrdb(import_urdb::Args),
}

/// Runs the command.
pub fn run(args: &Args, console: &mut Console) -> Result<Exit, Failure> {
    match &args.command {
        Command::ImportUrdb(args) => import_urdb::run(args, console),
    }
}
