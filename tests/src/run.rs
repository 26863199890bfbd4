//! `tallywatt run` in-process, and what it leaves in its output folder.

use std::{
    collections::BTreeMap,
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use anyhow::{Context, ensure};
use serde_json::Value;
use services::{cli::Cli, console::Console};

/// What a command wrote to its console.
#[derive(Debug, Clone, Default)]
struct Said(Arc<Mutex<Vec<u8>>>);

impl Write for Said {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().map_err(|_| io::ErrorKind::Other)?.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Runs a site folder until an instant into `out`, with any further arguments; gives the summary.
pub fn run(site: &Path, until: &str, out: &Path, more: &[&str]) -> anyhow::Result<Value> {
    let (site, out) = (site.display().to_string(), out.display().to_string());
    let line = ["tallywatt", "run", &site, "--until", until, "--out", &out, "--json"];
    json(line.into_iter().chain(more.iter().copied()))
}

/// Runs a command line; gives what it wrote as JSON.
pub fn json<'a>(line: impl IntoIterator<Item = &'a str>) -> anyhow::Result<Value> {
    let line: Vec<&str> = line.into_iter().collect();
    let cli = Cli::try_from_args(line.iter().copied())?;
    let line = line.join(" ");
    let said = Said::default();
    let exit = cli.run(&mut Console::to(said.clone())).map_err(|failure| {
        anyhow::anyhow!("{line}: exit {}: {}; mend: {}", failure.exit.code(), failure.error, failure.mend)
    })?;
    ensure!(exit.code() == 0, "{line}: exit {}", exit.code());
    let said = said.0.lock().map_err(|_| anyhow::anyhow!("the console is lost"))?;
    Ok(serde_json::from_slice(&said)?)
}

/// Runs any command in-process: its exit code, and what it said.
pub fn command(line: &[&str]) -> anyhow::Result<(u8, String)> {
    let cli = Cli::try_from_args(["tallywatt"].into_iter().chain(line.iter().copied()))?;
    listen(|console| match cli.run(console) {
        Ok(exit) => exit.code(),
        Err(failure) => {
            console.failure(&failure);
            failure.exit.code()
        }
    })
}

/// Calls something with a console: what it gave, and what it said there.
pub fn listen<T>(call: impl FnOnce(&mut Console) -> T) -> anyhow::Result<(T, String)> {
    let said = Said::default();
    let given = call(&mut Console::to(said.clone()));
    let said = said.0.lock().map_err(|_| anyhow::anyhow!("the console is lost"))?;
    Ok((given, String::from_utf8(said.clone())?))
}

/// Every JSON file below a folder, by its path there.
pub fn files(out: &Path) -> anyhow::Result<BTreeMap<PathBuf, Vec<u8>>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![out.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "json") {
                found.insert(path.strip_prefix(out)?.to_owned(), fs::read(&path)?);
            }
        }
    }
    Ok(found)
}

/// Every bill below a folder, by account and month.
pub fn bills(out: &Path) -> anyhow::Result<BTreeMap<(String, String), Value>> {
    let bills = files(&out.join("bills"))?;
    bills
        .values()
        .map(|bytes| {
            let bill: Value = serde_json::from_slice(bytes)?;
            Ok(((text(&bill["account"])?, text(&bill["month"])?), bill))
        })
        .collect()
}

fn text(value: &Value) -> anyhow::Result<String> {
    Ok(value.as_str().with_context(|| format!("{value} is no text"))?.to_owned())
}

/// A decimal's text as thousandths: kWh as Wh. More decimals than three must be 0.
pub fn thousandths(value: &Value) -> anyhow::Result<i64> {
    let text = value.as_str().with_context(|| format!("{value} is no text"))?;
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let fraction = fraction.trim_end_matches('0');
    ensure!(fraction.len() <= 3, "{text} has more than three decimals");
    Ok(format!("{whole}{fraction:0<3}").parse()?)
}
