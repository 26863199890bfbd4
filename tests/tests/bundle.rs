//! The evidence of a site as a file: the same bytes everywhere, read by what reads a log, and a flipped bit found.

use std::fs;
use std::path::{Path, PathBuf};

use adapters::event_log::{BundleLog, EmbeddedLog, EventLog, Filter, Kind, LogError, Sequence};
use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use services::identity::Role;
use tests::cases;
use tests::http;
use tests::instance::Instance;
use tests::run::{command, json, run};

/// A case's log, and the bundle of it.
fn bundled(case: &str, folder: &Path) -> Result<(PathBuf, PathBuf, Value)> {
    let case = cases::named(case)?;
    let (out, file) = (folder.join("out"), folder.join("site.bundle"));
    run(&case.path, &case.until, &out, &[])?;
    let made = json(["tallywatt", "bundle", &text(&out), "--out", &text(&file), "--json"])?;
    Ok((out, file, made))
}

fn text(path: &Path) -> String {
    path.display().to_string()
}

/// What `verify` says of a file.
fn verify(file: &Path, more: &[&str]) -> Result<(u8, Value)> {
    let path = text(file);
    let line = [&["verify", &path, "--json"], more].concat();
    let (code, said) = command(&line)?;
    let document = if code < 2 { serde_json::from_str(&said)? } else { Value::String(said) };
    Ok((code, document))
}

/// All problems that it names.
fn problems(document: &Value) -> Vec<String> {
    let checks = document["checks"].as_array().into_iter().flatten();
    let texts = checks.flat_map(|one| one["problems"].as_array().into_iter().flatten());
    texts.filter_map(|text| Some(text.as_str()?.to_owned())).collect()
}

#[test]
fn a_bundle_is_whole_and_every_command_reads_it_as_the_log() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (out, file, made) = bundled("hand-late", folder.path())?;
    let (code, found) = verify(&file, &[])?;
    ensure!(code == 0 && found["whole"] == true, "{found}");
    ensure!(found["root"] == made["root"] && found["size"] == made["size"], "{found} {made}");
    let names: Vec<&str> =
        found["checks"].as_array().context("checks")?.iter().filter_map(|one| one["check"].as_str()).collect();
    assert_eq!(names, ["file", "bytes", "chains", "root", "replay"]);

    let root = made["root"].as_str().context("a root")?;
    assert_eq!(verify(&file, &["--root", root])?.0, 0);
    let other = root.replace(|c: char| c == root.chars().next().unwrap_or('0'), "0");
    let (code, found) = verify(&file, &["--root", &format!("{other}1")])?;
    ensure!(code == 1 && problems(&found).iter().any(|one| one.contains("not")), "{found}");

    // What is taken out of the bundle is the bundle; a part of it is what was there then.
    let again = folder.path().join("again.bundle");
    json(["tallywatt", "bundle", &text(&out), "--log", &text(&file), "--out", &text(&again), "--json"])?;
    ensure!(fs::read(&again)? == fs::read(&file)?, "a bundle of a bundle is the same bytes");
    let (dir, log) = (text(&out), text(&file));
    for line in [
        vec!["audit", "account", &dir, "A-1", "--json"],
        vec!["replay", &dir, "--json"],
        vec!["doctor", &dir, "--json"],
        vec!["audit", "changes", &dir, "--json"],
        vec!["export", "hledger", &dir],
    ] {
        let of_bundle = command(&[line.as_slice(), &["--log", &log]].concat())?;
        assert_eq!(command(&line)?, of_bundle, "{line:?}");
    }
    let taken = command(&["bundle", &dir, "--out", &log])?;
    ensure!(taken.0 == 2, "a file that is there is not written over: {taken:?}");
    Ok(())
}

#[test]
fn an_earlier_part_is_the_same_bytes_and_verified_alone() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (out, file, made) = bundled("hand-late", folder.path())?;
    let whole = fs::read(&file)?;
    let size = made["size"].as_u64().context("a size")?;
    for through in [1, size / 2, size - 1, size] {
        let part = folder.path().join(format!("{through}.bundle"));
        let at = through.to_string();
        json(["tallywatt", "bundle", &text(&out), "--through", &at, "--out", &text(&part), "--json"])?;
        let bytes = fs::read(&part)?;
        let events = bytes.get(..bytes.len() - 41).context("an end")?;
        ensure!(whole.starts_with(events), "the first {through} events are the same bytes");
        let (code, found) = verify(&part, &[])?;
        ensure!(code == 0 && found["size"] == through, "{found}");
    }
    Ok(())
}

/// Every event's first byte in a bundle.
fn starts(bytes: &[u8]) -> Result<Vec<usize>> {
    let mut at = 20 + usize::from(*bytes.get(19).context("a length")?);
    let mut all = Vec::new();
    while bytes.get(at).is_some_and(|kind| *kind != 0) {
        all.push(at);
        let length: [u8; 4] = bytes.get(at + 17..at + 21).context("a length")?.try_into()?;
        at += 29 + usize::try_from(u32::from_be_bytes(length))?;
    }
    Ok(all)
}

#[test]
fn a_flipped_bit_is_found_and_the_event_named() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (_, file, _) = bundled("hand-area", folder.path())?;
    let bytes = fs::read(&file)?;
    let starts = starts(&bytes)?;
    ensure!(starts.len() > 20);
    // Every byte of the first, of one in the middle and of the last event, and places all over the file.
    let event = |number: usize| {
        *starts.get(number).unwrap_or(&bytes.len())..*starts.get(number + 1).unwrap_or(&(bytes.len() - 41))
    };
    let mut places: Vec<usize> = [0, starts.len() / 2, starts.len() - 1].into_iter().flat_map(event).collect();
    places.extend(0..starts[0]);
    places.extend((0..bytes.len()).step_by(97));
    places.extend(bytes.len() - 41..bytes.len());
    let flipped = folder.path().join("flipped.bundle");
    for (turn, at) in places.into_iter().enumerate() {
        let mut other = bytes.clone();
        other[at] ^= 1 << (turn % 8);
        fs::write(&flipped, &other)?;
        let (code, found) = verify(&flipped, &[])?;
        ensure!(matches!(code, 1 | 2), "byte {at}: exit {code}");
        let within = starts.iter().filter(|start| **start <= at).count();
        let is_end = at >= bytes.len() - 41;
        ensure!(code == 1 || within == 0, "byte {at} is not of the head: {found}");
        if within > 0 && !is_end {
            let named = problems(&found);
            let name = format!("event {within}");
            let is_named = |text: &String| text.split(':').next().is_some_and(|head| head.contains(&name));
            ensure!(named.iter().any(|text| is_named(text) || text.contains(&name)), "byte {at}: {named:?}");
        }
    }
    Ok(())
}

#[test]
fn who_writes_events_anew_is_found_by_replay_or_by_the_root() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (out, file, made) = bundled("hand-late", folder.path())?;
    // A bundle of the log without its last event is whole, and is not the log.
    let size = made["size"].as_u64().context("a size")? - 1;
    let short = folder.path().join("short.bundle");
    let at = size.to_string();
    json(["tallywatt", "bundle", &text(&out), "--through", &at, "--out", &text(&short), "--json"])?;
    let root = made["root"].as_str().context("a root")?;
    assert_eq!(verify(&short, &[])?.0, 0);
    assert_eq!(verify(&short, &["--root", root])?.0, 1);
    for wrong in ["missing.bundle", "out/log.db"] {
        let (code, said) = verify(&folder.path().join(wrong), &[])?;
        ensure!(code == 2, "{wrong}: {code} {said}");
    }
    // Cut at any place it is not whole.
    let bytes = fs::read(&file)?;
    let cut = folder.path().join("cut.bundle");
    for length in (20..bytes.len()).step_by(211) {
        fs::write(&cut, bytes.get(..length).context("a length")?)?;
        let (code, found) = verify(&cut, &[])?;
        ensure!(code == 1 || length < 40, "{length} bytes: {code} {found}");
    }
    Ok(())
}

#[test]
fn as_a_log_it_is_read_by_pages_of_any_size_and_never_written() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (out, file, _) = bundled("hand-area", folder.path())?;
    let log = EmbeddedLog::open_read_only(&out.join("log.db"))?;
    let all = log.read(Sequence(0), &Filter::default(), 100_000)?;
    let mut bundle = BundleLog::open(&file)?;
    assert_eq!(bundle.head()?, log.head()?);
    for limit in [1, 7, 256, 100_000] {
        let (mut after, mut read) = (Sequence(0), Vec::new());
        loop {
            let page = bundle.read(after, &Filter::default(), limit)?;
            let Some(last) = page.last() else { break };
            after = last.sequence;
            read.extend(page);
        }
        ensure!(read == all, "pages of {limit}");
    }
    let facts = Filter { site: None, kind: Some(Kind::Fact) };
    ensure!(bundle.read(Sequence(3), &facts, 9)? == log.read(Sequence(3), &facts, 9)?);
    ensure!(bundle.read(Sequence(1), &facts, 9)? == log.read(Sequence(1), &facts, 9)?, "it goes back, too");
    ensure!(matches!(bundle.append(Sequence(0), &[]), Err(LogError::ReadOnly)));
    Ok(())
}

#[test]
fn over_http_an_auditor_gets_the_file_of_the_command() -> Result<()> {
    let instance = Instance::start();
    let at = instance.server.http;
    let auditor = instance.token(Role::Auditor, "berlin", true);
    let log = instance.server.app.site("berlin").context("the site")?.log.clone();
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("berlin.bundle");
    json(["tallywatt", "bundle", ".", "--log", &log, "--through", "500", "--out", &text(&file), "--json"])?;
    let path = "/api/v1/sites/berlin/bundle?through=500";
    let answer = http::get(at, path, &auditor)?;
    ensure!(answer.bytes == fs::read(&file)?, "the same range is the same bytes: {}", answer.status);
    assert_eq!(http::get(at, "/api/v1/sites/berlin/bundle?through=0", &auditor)?.status, 400);
    for (role, status) in [(Role::Finance, 403), (Role::Tenant, 404)] {
        let token = instance.token(role, "berlin", true);
        assert_eq!(http::get(at, path, &token)?.status, status, "{role}");
    }
    Ok(())
}
