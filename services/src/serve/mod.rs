//! `tallywatt serve`: sites, collectors and everything that answers, in one process.
//!
//! Reading order: `config` (the file), `server` (what runs), `app` (what requests
//! can reach), then one file or folder for each surface.

pub mod access;
mod app;
mod config;
mod health;
mod server;
mod tls;

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use adapters::clock::{SharedClock, SystemClock};
use tracing_subscriber::EnvFilter;

pub use app::{App, ServedSite};
pub use config::{Config, EXAMPLE, SiteConfig};
pub use server::{ServeError, Server};
pub use tls::Certificate;

use crate::console::Console;
use crate::exit::{Exit, Failure, bad};

/// `tallywatt serve`
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  tallywatt serve --example > tallywatt.toml
  tallywatt serve --config tallywatt.toml --check
  tallywatt serve --config tallywatt.toml

Ctrl-C ends after the requests, polls and commits that have begun. Set RUST_LOG for other levels of log lines.

Exit codes: 0 done, 2 bad input, 3 log, disk or network failure.")]
pub struct Args {
    /// The service's file
    #[arg(long, required_unless_present = "example")]
    config: Option<PathBuf>,
    /// Read the file and the folders that it names, and say what would be served; touch nothing
    #[arg(long)]
    check: bool,
    /// Print a commented file to begin with
    #[arg(long)]
    example: bool,
    /// Write log lines as JSON
    #[arg(long)]
    json: bool,
}

static STOP: AtomicBool = AtomicBool::new(false);

/// Runs the command.
pub fn run(args: Args, console: &mut Console) -> Result<Exit, Failure> {
    let Some(path) = args.config.filter(|_| !args.example) else {
        EXAMPLE.lines().for_each(|line| console.line(line));
        return Ok(Exit::Done);
    };
    let config =
        Config::read(&path).map_err(|error| bad(error, "mend the file; --example prints one that is right"))?;
    if args.check {
        return check(&config, console);
    }
    STOP.store(false, Ordering::SeqCst);
    match ctrlc::set_handler(|| STOP.store(true, Ordering::SeqCst)) {
        Ok(()) | Err(ctrlc::Error::MultipleHandlers) => {}
        Err(error) => return Err(Failure::new(Exit::Storage, error, "start it from a terminal or a service manager")),
    }
    log_lines(args.json);
    let server = Server::start(&config, SharedClock::new(SystemClock)).map_err(failure)?;
    console.line(format!("portal and JSON: {}", server.url()));
    if let Some(grpc) = &server.grpc {
        console.line(format!("gRPC: {}", grpc.url()));
    }
    for (site, served) in &server.app.sites {
        console.line(format!("site {site}: {} events in {}", served.desk.moment().position, served.log));
    }
    while !STOP.load(Ordering::SeqCst) {
        std::thread::sleep(Duration::from_millis(100));
    }
    drop(server);
    console.line("stopped");
    Ok(Exit::Done)
}

/// Log lines go to the standard error stream; results to the other.
fn log_lines(json: bool) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // A second start in one process keeps the first one's lines.
    if json { lines.json().try_init().unwrap_or_default() } else { lines.try_init().unwrap_or_default() }
}

fn failure(error: ServeError) -> Failure {
    match error {
        ServeError::Folder(error) => error.into(),
        ServeError::Listen { .. } => bad(error, "stop the other program, or name another address in [serve]"),
        error => Failure::new(Exit::Storage, error, "mend what the message says, and start again: nothing is lost"),
    }
}

fn check(config: &Config, console: &mut Console) -> Result<Exit, Failure> {
    console.line(format!("data in {}, HTTP on {}", config.data.display(), config.http));
    for site in &config.sites {
        let folder = adapters::site_folder::SiteFolder::open_structure(&site.folder)?;
        let meters = site.collector.as_ref().map_or(0, |one| one.buses.iter().map(|bus| bus.stations.len()).sum());
        let log = site.log.as_deref().unwrap_or("a file in the data folder");
        console.line(format!(
            "site {}: {} facts, {meters} meters polled here, log {log}",
            folder.site,
            folder.facts.len()
        ));
    }
    Ok(Exit::Done)
}
