//! The command line: which commands there are, and which module runs each.

use crate::{
    audit, bench, bundle, change, close_check, collect, console::Console, demo, doctor, exit::Exit, exit::Failure,
    explain, import, replay, rules, run, what_if,
};
use clap::{Parser, Subcommand};

/// An event-sourced billing ledger for prepaid electricity in shared buildings.
#[derive(Debug, Parser)]
#[command(
    name = "tallywatt",
    version,
    after_help = "Exit codes: 0 done, 1 differences found, 2 bad input, 3 log or disk failure."
)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

/// A command, in the order of a kilowatt-hour's way.
#[derive(Debug, Subcommand)]
enum Command {
    /// Turn a foreign file into the tables of a site folder.
    Import(import::Args),
    /// Poll meters on Modbus buses into the intake.
    Collect(collect::Args),
    /// Write commented settings and a small site to begin with.
    Init(crate::init::Args),
    /// Serve sites: portal, JSON, collectors and settlement in one process.
    Serve(crate::serve::Args),
    /// Run a site folder through the whole pipeline.
    Run(run::Args),
    /// What a load curve costs by a tariff, exact, without a site.
    Rate(crate::rate::Args),
    /// Turn a tariff of others into a native one.
    Tariff(crate::tariff::Args),
    /// Recompute every decision of a log, and name each difference.
    Replay(replay::Args),
    /// Show how a line of a bill came about, down to its readings.
    Explain(explain::Args),
    /// Check that a log is whole.
    Doctor(doctor::Args),
    /// List the law's rules that a site can choose.
    Rules(rules::Args),
    /// Show all about an account, a pool's day, a bill or the changes people made.
    Audit(audit::Args),
    /// Write all events of a site as one file, for whoever checks it elsewhere.
    Bundle(bundle::Args),
    /// Check a bundle offline: marks, bytes, numbers, chains, root, and every decision.
    Verify(bundle::VerifyArgs),
    /// Write the books for other programs: journals and CSV.
    Export(crate::export::Args),
    /// Check whether a month can be closed.
    CloseCheck(close_check::Args),
    /// Money in: cash, refunds, suspense, and the bank's statement.
    Recharge(crate::recharge::Args),
    /// Show by which rules supply is cut and restored.
    Supply(crate::supply::Args),
    /// Show what was alarmed and by which bounds, and see to it.
    Alarms(crate::alarm::Args),
    /// Show readings that are held, and let them in or leave them out.
    Quarantine(crate::quarantine::Args),
    /// Show what a tariff or rule would have made of a month.
    WhatIf(what_if::Args),
    /// Publish a tariff or a rule, after a dry run.
    Publish(change::publish::Args),
    /// Correct tables, readings and balances.
    Correct(change::correct::Args),
    /// Take a change back.
    Undo(change::undo::Args),
    /// Approve what another person proposed.
    Approve(change::approve::Args),
    /// Go on with a log: settle and bill what is due.
    Settle(change::settle::Args),
    /// Say who may sign in, and what they may do.
    User(crate::identity::Args),
    /// Measure rating, replay and append, each beside its raw limit.
    Bench(bench::Args),
    /// Watch a simulated building of 40 units, fast-forward.
    Demo(demo::Args),
}

impl Cli {
    /// Reads a command line without ending the process.
    pub fn try_from_args<'a>(args: impl IntoIterator<Item = &'a str>) -> Result<Self, clap::Error> {
        Self::try_parse_from(args)
    }

    /// Runs the command that was asked for.
    pub fn run(self, console: &mut Console) -> Result<Exit, Failure> {
        match self.command {
            Command::Import(args) => import::run(args, console).map_err(Failure::from),
            Command::Collect(args) => collect::run(args, console),
            Command::Init(args) => crate::init::run(&args, console),
            Command::Serve(args) => crate::serve::run(args, console),
            Command::Run(args) => run::run(args, console),
            Command::Rate(args) => crate::rate::run(&args, console),
            Command::Tariff(args) => crate::tariff::run(&args, console),
            Command::Replay(args) => replay::run(args, console),
            Command::Explain(args) => explain::run(args, console),
            Command::Doctor(args) => doctor::run(args, console),
            Command::Rules(args) => rules::run(args, console),
            Command::Audit(args) => audit::run(args, console),
            Command::Bundle(args) => bundle::run(args, console),
            Command::Verify(args) => bundle::verify(args, console),
            Command::Export(args) => crate::export::run(args, console),
            Command::CloseCheck(args) => close_check::run(args, console),
            Command::Publish(args) => change::publish::run(args, console),
            Command::Correct(args) => change::correct::run(args, console),
            Command::Undo(args) => change::undo::run(args, console),
            Command::Approve(args) => change::approve::run(args, console),
            Command::Settle(args) => change::settle::run(args, console),
            Command::Recharge(args) => crate::recharge::run(args, console),
            Command::Supply(args) => crate::supply::run(&args, console),
            Command::Alarms(args) => crate::alarm::run(&args, console),
            Command::Quarantine(args) => crate::quarantine::run(args, console),
            Command::WhatIf(args) => what_if::run(args, console),
            Command::User(args) => crate::identity::run(args, console),
            Command::Bench(args) => bench::run(args, console),
            Command::Demo(args) => demo::run(args, console),
        }
    }
}
