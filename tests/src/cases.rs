//! The site cases: folders with what a run over them must leave.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::atomic::{AtomicUsize, Ordering},
};

use anyhow::Context;
use serde_json::Value;

/// A case of `tests/site-cases`.
#[derive(Debug, Clone)]
pub struct Case {
    /// Its folder's name.
    pub name: String,
    /// Its site folder.
    pub path: PathBuf,
    /// Until when it is run.
    pub until: String,
}

/// The folder of all cases.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("site-cases")
}

/// The case of a name.
pub fn named(name: &str) -> anyhow::Result<Case> {
    let path = folder().join(name);
    let text = fs::read_to_string(path.join("case.json")).with_context(|| format!("case {name}"))?;
    let case: Value = serde_json::from_str(&text)?;
    let until = case["until"].as_str().with_context(|| format!("case {name} has no `until`"))?.to_owned();
    Ok(Case { name: name.to_owned(), path, until })
}

/// All cases, by name.
pub fn all() -> anyhow::Result<Vec<Case>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder())? {
        let entry = entry?;
        if entry.path().is_dir() {
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    names.sort();
    names.iter().map(|name| named(name)).collect()
}

/// The cases that `first.txt` lists.
pub fn first() -> anyhow::Result<Vec<Case>> {
    fs::read_to_string(folder().join("first.txt"))?.split_whitespace().map(named).collect()
}

/// Compares an output folder with the expected one: what `compare.py` says, and whether they are the same.
pub fn compare(case: &Case, out: &Path) -> anyhow::Result<(bool, String)> {
    let output = Command::new("python3")
        .arg(folder().join("compare.py"))
        .arg(case.path.join("expected"))
        .arg(out)
        .output()
        .context("python3")?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    match output.status.code() {
        Some(0) => Ok((true, said)),
        Some(1) if said.contains("score: ") => Ok((false, said)),
        _ => anyhow::bail!("{}: compare.py failed: {said}", case.name),
    }
}

/// Checks every case in two threads and fails with all that was wrong.
pub fn check_each(cases: &[Case], check: impl Fn(&Case) -> anyhow::Result<()> + Sync) {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut wrong = Vec::new();
        while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
            if let Err(error) = check(case) {
                wrong.push(format!("{}: {error:#}", case.name));
            }
        }
        wrong
    };
    let wrong = std::thread::scope(|scope| {
        let threads = [scope.spawn(work), scope.spawn(work)];
        threads.into_iter().flat_map(|thread| thread.join().expect("a check does not panic")).collect::<Vec<_>>()
    });
    assert!(wrong.is_empty(), "{} of {} cases:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}
