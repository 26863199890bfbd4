//! Supply control at work, and `tallywatt supply`: who may be cut off, by which rules, and what people say about it.
//!
//! Reading order: `scene` (what is known of every point), `control` (the duty that decides and hands orders
//! over), `links` (which relays it reaches), `evidence` and `append` (what was seen, as events), `ask` (what
//! people say), `status` (what is shown); the others are commands.

mod append;
mod ask;
mod control;
mod evidence;
mod links;
mod people;
mod plan;
mod policy;
mod scene;
mod status;
mod words;

use clap::Subcommand;
use domain::event::OutputState;

pub(crate) use ask::says;
pub use ask::{Ask, AskError, Asked, answer, ask};
pub use control::SupplyControl;
pub use links::{Links, SILENT_AFTER_S, SharedSwitch};
pub use status::{Asking, DueNow, PointStatus, Waiting, name, status, status_for, status_of};
pub use words::{check, happened};

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
    /// Show supply of every point of a log: where its relay was read, what is pending, what holds it.
    Status(people::StatusArgs),
    /// Ask for a cut: the relay is opened as soon as every check of the policy passes.
    #[command(visible_alias = "open")]
    Cut(people::SwitchArgs),
    /// Ask for supply to come back: the relay is closed.
    #[command(visible_alias = "close")]
    Restore(people::SwitchArgs),
    /// Approve what another person asked for.
    Approve(people::PointsArgs),
    /// Confirm that supply may come back.
    Confirm(people::PointsArgs),
    /// Never cut points from now on: a medical need, a lift.
    Protect(people::ReasonArgs),
    /// Take a protection back.
    Unprotect(people::ReasonArgs),
    /// Write down that an account complains, or that its complaint is settled.
    Dispute(people::DisputeArgs),
    /// Hold cuts in extreme weather.
    Weather(people::WeatherArgs),
    /// Publish a preset as the site's policy.
    Publish(people::PublishArgs),
}

/// Runs the command.
pub fn run(args: &Args, console: &mut Console) -> Result<Exit, Failure> {
    match &args.command {
        Command::Policy(args) => policy::run(args, console),
        Command::Plan(args) => plan::run(args, console),
        Command::Status(args) => people::status(args, console),
        Command::Cut(args) => people::switch(args, OutputState::Disconnected, console),
        Command::Restore(args) => people::switch(args, OutputState::Connected, console),
        Command::Approve(args) => people::approve(args, console),
        Command::Confirm(args) => people::confirm(args, console),
        Command::Protect(args) => people::protect(args, true, console),
        Command::Unprotect(args) => people::protect(args, false, console),
        Command::Dispute(args) => people::dispute(args, console),
        Command::Weather(args) => people::weather(args, console),
        Command::Publish(args) => people::publish(args, console),
    }
}
