//! `tallywatt serve` as a process of its own, so that its memory is its own.

use std::error::Error;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant as Clock};

type Failed = Box<dyn Error + Send + Sync>;

/// A service at work; it is ended when this is dropped.
#[derive(Debug)]
pub(super) struct Service {
    process: Child,
    /// Kept, so that it can go on writing.
    _said: BufReader<ChildStdout>,
    /// Where HTTP is.
    pub(super) http: SocketAddr,
    /// Where gRPC is.
    pub(super) grpc: SocketAddr,
    /// How long it took until it served.
    pub(super) took: Duration,
}

impl Service {
    /// Starts it by a configuration and waits until it serves.
    pub(super) fn start(config: &Path) -> Result<Self, Failed> {
        let began = Clock::now();
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("serve").arg("--config").arg(config).env("RUST_LOG", "error");
        let mut process = command.stdout(Stdio::piped()).stdin(Stdio::null()).spawn()?;
        let mut said = BufReader::new(process.stdout.take().ok_or("no output")?);
        let mut address = |name: &str| -> Result<SocketAddr, Failed> {
            let mut line = String::new();
            said.read_line(&mut line)?;
            let url = line.trim_end().strip_prefix(name).ok_or_else(|| format!("it says {line:?}, not {name}"))?;
            Ok(url.strip_prefix("http://").ok_or("not in plain")?.parse()?)
        };
        let found = address("portal and JSON: ").and_then(|http| Ok((http, address("gRPC: ")?)));
        match found {
            Ok((http, grpc)) => Ok(Self { process, _said: said, http, grpc, took: began.elapsed() }),
            Err(error) => {
                process.kill()?;
                process.wait()?;
                Err(error)
            }
        }
    }

    /// Its resident memory in kB, where the system says.
    pub(super) fn memory(&self) -> Result<u128, Failed> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
        Ok(line.trim().trim_end_matches("kB").trim().parse()?)
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // It may have ended by itself.
        self.process.kill().unwrap_or_default();
        self.process.wait().map(drop).unwrap_or_default();
    }
}
