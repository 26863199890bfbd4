//! `tallywatt` itself, under a name of the tests' own: to be killed in the middle.

use clap::Parser as _;
use services::{cli::Cli, console::Console};

fn main() -> std::process::ExitCode {
    match Cli::parse().run(&mut Console::stdout()) {
        Ok(exit) => exit.into(),
        Err(failure) => {
            Console::stderr().failure(&failure);
            failure.exit.into()
        }
    }
}
