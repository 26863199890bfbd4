//! The `tallywatt` command: reads the command line, runs one command, and
//! turns its outcome into an exit code.

use clap::Parser;
use services::{cli::Cli, console::Console};
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let mut console = Console::stdout();
    match cli.run(&mut console) {
        Ok(exit) => exit.into(),
        Err(failure) => {
            Console::stderr().failure(&failure);
            failure.exit.into()
        }
    }
}
