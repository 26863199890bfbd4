//! The same facts give the same files and the same root, in whatever order their
//! rows stand in the file and in whatever commits they are appended.

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    time::{SystemTime, UNIX_EPOCH},
};

use anyhow::{Context, ensure};
use domain::quantity::Instant;
use serde_json::Value;
use tests::{
    cases::{self, Case},
    random::Random,
    run::{files, run},
};

/// Commits of one event, of some, and of as many as there may be.
const COMMITS: [&str; 3] = ["1", "7", "500"];

/// Runs a site folder; gives its files, less its log, and the summary.
fn left(site: &Path, case: &Case, more: &[&str]) -> anyhow::Result<(BTreeMap<String, Value>, Value)> {
    let folder = tempfile::tempdir()?;
    let out = folder.path().join("out");
    let summary = run(site, &case.until, &out, more)?;
    let mut left = BTreeMap::new();
    for (path, bytes) in files(&out)? {
        left.insert(path.display().to_string(), serde_json::from_slice(&bytes)?);
    }
    ensure!(!left.is_empty(), "no files");
    Ok((left, summary))
}

/// Fails with the first file that differs.
fn same(of: &str, one: &BTreeMap<String, Value>, other: &BTreeMap<String, Value>) -> anyhow::Result<()> {
    ensure!(one.keys().eq(other.keys()), "{of}: other files: {:?} and {:?}", one.keys(), other.keys());
    for (path, value) in one {
        ensure!(other.get(path) == Some(value), "{of}: {path} differs:\n{value}\n{}", other[path]);
    }
    Ok(())
}

#[test]
fn commits_of_any_size_give_the_same_files_and_root() -> anyhow::Result<()> {
    // A commit of one event waits for the disk each time: the small cases and one with everything.
    let mut small = cases::all()?;
    small.retain(|case| case.name.starts_with("hand-") || case.name == "everything-1");
    assert_eq!(small.len(), 13);
    cases::check_each(&small, |case| {
        let runs = COMMITS.map(|commit| left(&case.path, case, &["--commit", commit]).context(commit));
        let [one, some, most] = runs;
        let (one, some, most) = (one?, some?, most?);
        ensure!(one.1["root"].as_str().is_some_and(|root| root.len() == 64), "no root in {}", one.1);
        ensure!(one.1 == some.1 && one.1 == most.1, "summaries differ: {} {} {}", one.1, some.1, most.1);
        same("--commit 1 and 7", &one.0, &some.0)?;
        same("--commit 1 and 500", &one.0, &most.0)
    });
    Ok(())
}

/// What rows must share to keep their order: their meter, and when they were received.
fn kept(header: &[&str], row: &str) -> anyhow::Result<(String, i64)> {
    ensure!(!row.contains('"'), "quoted fields: {row}");
    let fields: Vec<&str> = row.split(',').collect();
    let field = |name: &str| header.iter().position(|column| *column == name).and_then(|at| fields.get(at).copied());
    let received = field("received").filter(|text| !text.is_empty()).or(field("time")).context("no time")?;
    Ok((field("meter").context("no meter")?.to_owned(), Instant::parse(received)?.get()))
}

/// The rows of readings.csv in another order.
fn shuffled(text: &str, random: &mut Random) -> anyhow::Result<String> {
    let (header, rows) = text.split_once('\n').context("no header")?;
    let columns: Vec<&str> = header.trim_end().split(',').collect();
    let mut rows: Vec<&str> = rows.lines().collect();
    let mut groups: BTreeMap<(String, i64), Vec<&str>> = BTreeMap::new();
    for row in &rows {
        groups.entry(kept(&columns, row)?).or_default().push(row);
    }
    for last in (1..rows.len()).rev() {
        rows.swap(last, random.index(last + 1));
    }
    let mut groups: BTreeMap<_, _> = groups.into_iter().map(|(key, rows)| (key, rows.into_iter())).collect();
    let mut shuffled = format!("{header}\n");
    for row in rows {
        let first = groups.get_mut(&kept(&columns, row)?).and_then(Iterator::next).context("a row of its group")?;
        shuffled.push_str(first);
        shuffled.push('\n');
    }
    Ok(shuffled)
}

/// quarantine.json without its lines, in an order of its own.
fn without_lines(files: &mut BTreeMap<String, Value>) {
    let rows = files.get_mut("quarantine.json").and_then(Value::as_array_mut).expect("quarantine.json is an array");
    for row in rows.iter_mut() {
        row.as_object_mut().and_then(|row| row.remove("line")).expect("a quarantined row has its line");
    }
    rows.sort_by_key(ToString::to_string);
}

#[test]
fn rows_in_any_order_give_the_same_files() -> anyhow::Result<()> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let seed = std::env::var("TALLYWATT_SEED").map_or(Ok(now), |text| text.parse())?;
    println!("TALLYWATT_SEED={seed}");
    cases::check_each(&cases::all()?, |case| {
        let mut random =
            Random(case.name.bytes().fold(seed | 1, |sum, byte| sum.rotate_left(5) ^ u64::from(byte)).max(1));
        let folder = tempfile::tempdir()?;
        for name in ["site.toml", "recharges.csv"] {
            fs::copy(case.path.join(name), folder.path().join(name))?;
        }
        let text = fs::read_to_string(case.path.join("readings.csv"))?;
        let other = shuffled(&text, &mut random)?;
        ensure!(other.lines().count() == text.lines().count(), "rows are lost");
        ensure!(other != text || text.lines().count() < 20, "seed {seed}: nothing was moved");
        fs::write(folder.path().join("readings.csv"), other)?;
        let (mut one, _) = left(&case.path, case, &[])?;
        let (mut moved, _) = left(folder.path(), case, &[])?;
        without_lines(&mut one);
        without_lines(&mut moved);
        same(&format!("seed {seed}"), &one, &moved)
    });
    Ok(())
}
