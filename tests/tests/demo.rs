//! The demo as a whole: what it says, what it leaves behind, and that its log replays.

use std::{
    fs,
    io::{self, Write},
    path::Path,
    sync::{Arc, Mutex},
};

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

fn demo(dir: &Path) -> anyhow::Result<String> {
    let dir = dir.to_str().expect("a path in UTF-8");
    let (exit, text) =
        tallywatt(&["demo", "--days", "1", "--day-seconds", "20", "--http", "127.0.0.1:0", "--dir", dir])?;
    assert_eq!(exit, Exit::Done);
    Ok(text)
}

fn assert_says(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "'{part}' is missing in:\n{text}");
    }
}

#[test]
fn a_day_of_the_service_leaves_a_log_that_replays() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    fs::create_dir(folder.path().join("1"))?;
    let text = demo(folder.path())?;
    let run = folder.path().join("2");
    assert_says(&text, &["/2; 1 earlier ones are kept", "the building is at http://127.0.0.1:", " pays £"]);
    assert_says(&text, &["A-12 is warned", "  auditor  password ", "P-12: CUT", "P-12: RESTORED"]);
    assert_says(&text, &["2026-03-31 is settled", "shared on 2026-03-31: ", "39 bills for 2026-03, £"]);
    assert_says(&text, &[&format!(" replay {}", run.display())]);
    assert!(!text.contains('\u{1b}'), "no terminal, no escapes");
    let (exit, replayed) = tallywatt(&["replay", run.to_str().expect("a path in UTF-8")])?;
    assert_eq!(exit, Exit::Done, "{replayed}");
    assert!(!run.join("data/riverside-mall/refused.jsonl").exists(), "every poll was taken");
    Ok(())
}
