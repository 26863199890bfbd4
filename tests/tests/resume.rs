//! `tallywatt run` killed in the middle goes on where it stopped: the same
//! bytes, root and files as a run that was not.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use adapters::event_log::{self, Filter, Sequence};
use anyhow::{Context as _, ensure};
use serde_json::Value;
use tests::cases::{self, Case};
use tests::nats::{ALWAYS, Server};
use tests::random::xorshift;
use tests::run::{files, run};

fn seed() -> anyhow::Result<u64> {
    let now = u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_micros())?;
    let seed = std::env::var("TALLYWATT_SEED").map_or(Ok(now), |text| text.parse())?;
    println!("TALLYWATT_SEED={seed}");
    Ok(seed | 1)
}

fn start(case: &Case, out: &Path, more: &[String]) -> anyhow::Result<Child> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tallywatt_killed"));
    command.arg("run").arg(&case.path).args(["--until", &case.until, "--json", "--out"]).arg(out).args(more);
    Ok(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?)
}

/// All events of a log, as they are stored.
fn bytes(location: &str) -> anyhow::Result<Vec<Vec<u8>>> {
    let log = event_log::open(location)?;
    let stored = log.read(Sequence(0), &Filter::default(), usize::MAX >> 1)?;
    Ok(stored.into_iter().map(|stored| stored.event.bytes).collect())
}

/// How long a run takes, so that kills land within it.
fn duration(case: &Case, more: &[String]) -> anyhow::Result<Duration> {
    let folder = tempfile::tempdir()?;
    let began = Instant::now();
    ensure!(start(case, &folder.path().join("out"), more)?.wait()?.success());
    Ok(began.elapsed())
}

/// Kills a run a few times, lets it end, and compares it with one that was not killed; how often it was in the middle.
fn killed_run(case: &Case, random: &mut u64, takes: Duration, log: Option<&str>) -> anyhow::Result<u32> {
    let folder = tempfile::tempdir()?;
    let (whole, out) = (folder.path().join("whole"), folder.path().join("out"));
    let wanted = run(&case.path, &case.until, &whole, &[])?;
    let commit = [1, 7, 500][usize::try_from(*random % 3)?];
    let mut more = vec!["--commit".to_owned(), commit.to_string()];
    more.extend(log.into_iter().flat_map(|log| ["--log".to_owned(), log.to_owned()]));
    let mut within = 0;
    for _ in 0..4 {
        let mut child = start(case, &out, &more)?;
        *random = xorshift(*random);
        // Not to wait for anything: the kill is to land anywhere.
        std::thread::sleep(takes.mul_f64((*random % 1000) as f64 / 1000.0));
        child.kill()?;
        child.wait()?;
        if out.exists() {
            break;
        }
        within += 1;
    }
    if !out.exists() {
        let ended = start(case, &out, &more)?.wait_with_output()?;
        ensure!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
        let summary: Value = serde_json::from_slice(&ended.stdout)?;
        for key in ["events", "runs", "bills", "root"] {
            ensure!(summary[key] == wanted[key], "commit {commit}: {key}: {} is not {}", summary[key], wanted[key]);
        }
    }
    ensure!(files(&out)? == files(&whole)?, "commit {commit}: files differ");
    let log = log.map_or_else(|| out.join("log.db").display().to_string(), str::to_owned);
    let (is, was) = (bytes(&log)?, bytes(&whole.join("log.db").display().to_string())?);
    ensure!(is == was, "commit {commit}: {} events, not the same {}", is.len(), was.len());
    ensure!(!folder.path().join("out.partial").exists(), "something is left behind");
    Ok(within)
}

fn rounds() -> u32 {
    if std::env::var_os("TALLYWATT_SOAK").is_some() { 60 } else { 6 }
}

#[test]
fn a_killed_run_goes_on_in_its_file() -> anyhow::Result<()> {
    let mut random = seed()?;
    let case = cases::named("everything-1")?;
    let takes = duration(&case, &["--commit".to_owned(), "7".to_owned()])?;
    let mut within = 0;
    for round in 0..rounds() {
        within += killed_run(&case, &mut random, takes, None).with_context(|| format!("round {round}"))?;
    }
    println!("{within} kills in the middle");
    ensure!(within > 0, "no kill was in the middle");
    Ok(())
}

#[test]
fn a_killed_run_goes_on_in_its_stream() -> anyhow::Result<()> {
    let mut random = seed()?;
    let case = cases::named("hand-late")?;
    let server = Server::start(ALWAYS);
    let place = |stream: &str| format!("nats://{}/{stream}", server.options.server);
    let takes = duration(&case, &["--log".to_owned(), place("timed")])?;
    let mut within = 0;
    for round in 0..rounds() {
        let log = place(&format!("round-{round}"));
        within += killed_run(&case, &mut random, takes, Some(&log)).with_context(|| format!("round {round}"))?;
    }
    println!("{within} kills in the middle");
    ensure!(within > 0, "no kill was in the middle");
    Ok(())
}

#[test]
fn a_log_goes_on_with_a_later_until_and_refuses_an_earlier_one() -> anyhow::Result<()> {
    let case = cases::named("everything-1")?;
    let folder = tempfile::tempdir()?;
    let place = |name: &str| folder.path().join(name);
    let log = place("log.db").display().to_string();
    let wanted = run(&case.path, &case.until, &place("whole"), &[])?;
    let middle = "2026-03-20T00:00:00Z";
    run(&case.path, middle, &place("first"), &["--log", &log])?;
    let summary = run(&case.path, &case.until, &place("second"), &["--log", &log])?;
    assert!(summary["found"].as_u64().is_some_and(|found| found > 0), "{summary}");
    assert_eq!(summary["root"], wanted["root"]);
    assert_eq!(files(&place("second"))?, files(&place("whole"))?);
    let early = run(&case.path, "2020-01-01T00:00:00Z", &place("early"), &[]).expect_err("too early").to_string();
    assert!(early.contains("nothing of the site is known"), "{early}");
    // Once more, with nothing to append.
    run(&case.path, &case.until, &place("third"), &["--log", &log])?;
    assert_eq!(files(&place("third"))?, files(&place("whole"))?);
    let error = run(&case.path, middle, &place("fourth"), &["--log", &log]).expect_err("it is past").to_string();
    assert!(error.contains("past --until"), "{error}");
    assert!(!place("fourth").exists() && !place("fourth.partial").exists());
    Ok(())
}

#[test]
fn a_folder_that_was_changed_in_the_past_is_refused() -> anyhow::Result<()> {
    let case = cases::named("hand-late")?;
    let folder = tempfile::tempdir()?;
    let site = folder.path().join("site");
    std::fs::create_dir(&site)?;
    for name in ["site.toml", "readings.csv", "recharges.csv"] {
        std::fs::copy(case.path.join(name), site.join(name))?;
    }
    let log = folder.path().join("log.db").display().to_string();
    run(&site, &case.until, &folder.path().join("first"), &["--log", &log])?;
    let text = std::fs::read_to_string(site.join("readings.csv"))?;
    let (mut lines, second): (Vec<&str>, _) = (text.lines().collect(), folder.path().join("second"));
    lines.remove(1);
    std::fs::write(site.join("readings.csv"), lines.join("\n"))?;
    let error = run(&site, &case.until, &second, &["--log", &log]).expect_err("a row is gone").to_string();
    assert!(error.contains("readings.csv:") && error.contains("only grows forward"), "{error}");
    std::fs::write(site.join("readings.csv"), &text)?;
    let toml = std::fs::read_to_string(site.join("site.toml"))?;
    std::fs::write(site.join("site.toml"), toml.replacen("area_m2 = \"50\"", "area_m2 = \"51\"", 1))?;
    let error = run(&site, &case.until, &second, &["--log", &log]).expect_err("another content").to_string();
    assert!(error.contains("site.toml:13: [[unit]]: ") && error.contains("another content"), "{error}");
    Ok(())
}
