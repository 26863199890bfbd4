//! `tallywatt supply`: who may be cut off, and by which rules. Nothing here moves a relay.

mod plan;
mod policy;

use clap::Subcommand;

use crate::console::Console;
use crate::exit::{Exit, Failure};

/// `tallywatt supply COMMAND …`
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List the presets of rules about cutting and restoring supply, with their sources.
    Policy(policy::Args),
    /// Say for each point of a log whether it would be cut or restored now: a dry run.
    Plan(plan::Args),
}

/// Runs the command.
pub fn run(args: &Args, console: &mut Console) -> Result<Exit, Failure> {
    match &args.command {
        Command::Policy(args) => policy::run(args, console),
        Command::Plan(args) => plan::run(args, console),
    }
}
