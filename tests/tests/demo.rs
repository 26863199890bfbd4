//! The demo as a whole: what it says, what it leaves behind, and that its log replays.

use std::{
    fs,
    io::{self, Write},
    path::Path,
    sync::{Arc, Mutex},
};

use serde_json::Value;
use services::{cli::Cli, console::Console, exit::Exit};

/// What a console wrote.
#[derive(Clone, Default)]
struct Page(Arc<Mutex<Vec<u8>>>);

impl Write for Page {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("one writer").write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn tallywatt(args: &[&str]) -> anyhow::Result<(Exit, String)> {
    let page = Page::default();
    let cli = Cli::try_from_args(["tallywatt"].into_iter().chain(args.iter().copied()))?;
    let exit = cli.run(&mut Console::to(page.clone())).map_err(|failure| anyhow::anyhow!("{failure:?}"))?;
    let text = page.0.lock().expect("one writer").clone();
    Ok((exit, String::from_utf8(text)?))
}

fn demo(dir: &Path, days: &str) -> anyhow::Result<String> {
    let dir = dir.to_str().expect("a path in UTF-8");
    let (exit, text) = tallywatt(&["demo", "--days", days, "--day-seconds", "0", "--plain", "--dir", dir])?;
    assert_eq!(exit, Exit::Done);
    Ok(text)
}

fn json(path: &Path) -> anyhow::Result<Value> {
    Ok(serde_json::from_slice(&fs::read(path)?)?)
}

fn assert_says(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "'{part}' is missing in:\n{text}");
    }
}

#[test]
fn two_days_leave_a_log_that_replays_and_the_files() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let text = demo(folder.path(), "2")?;
    let run = folder.path().join("1");
    let events = ["40 units", "2026-03-27 settled: units", "2026-03-28 settled: units", "pays £", "min late"];
    assert_says(&text, &events);
    assert_says(&text, &["sent 0.000 kWh: quarantined as ghost_zero", &format!(" replay {}", run.display())]);
    assert!(!text.contains('\u{1b}'), "no terminal, no escapes");
    assert!(run.join("log.db").is_file());
    assert_eq!(json(&run.join("balances.json"))?["accounts"].as_array().map(Vec::len), Some(39));
    assert!(json(&run.join("quarantine.json"))?.to_string().contains("ghost_zero"));
    assert!(run.join("allocations/shared/2026-03.json").is_file());
    let (exit, replayed) = tallywatt(&["replay", run.to_str().expect("a path in UTF-8")])?;
    assert_eq!(exit, Exit::Done, "{replayed}");
    Ok(())
}

#[test]
fn the_fifth_night_brings_the_bills() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let text = demo(folder.path(), "5")?;
    assert_says(&text, &["bill 1 for 2026-03 to A-00", "39 bills issued for 2026-03"]);
    assert_eq!(json(&folder.path().join("1/bills/A-01/2026-03.json"))?["account"], "A-01");
    Ok(())
}

#[test]
fn each_start_keeps_the_earlier_log_and_shows_the_same_days() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let (first, second) = (demo(folder.path(), "1")?, demo(folder.path(), "1")?);
    assert_says(&second, &["2; 1 earlier ones are kept"]);
    let stopped = |text: &str| text.lines().find(|line| line.starts_with("stopped")).map(str::to_owned);
    assert_eq!(stopped(&first), stopped(&second), "the same events have the same root");
    assert!(stopped(&first).is_some());
    assert!(folder.path().join("1/log.db").is_file() && folder.path().join("2/log.db").is_file());
    Ok(())
}
