//! The product beside `tests/oracle`, a second reading of the billing rules in Python that shares no code with it, on random site folders and on
//! the folders kept in `tests/oracle/cases`.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use anyhow::{Context, ensure};
use serde_json::Value;
use tests::{
    cases::{Case, check_each},
    run::run,
};

fn oracle(arguments: &[&str]) -> anyhow::Result<Output> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("oracle/fuzz.py");
    Command::new("python3").arg("-B").arg(script).args(arguments).output().context("python3")
}

/// Whether the oracle can run; says so loudly where it cannot.
fn python() -> bool {
    let there = Command::new("python3").arg("--version").output().is_ok();
    if !there {
        eprintln!("SKIPPED: python3 is not there, so nothing was compared with the second reading of the rules");
    }
    there
}

/// The folders that the oracle made and calculated.
fn prepared(folder: &Path, first: &str, count: &str) -> anyhow::Result<Vec<Case>> {
    let to = folder.display().to_string();
    let made = oracle(&["--prepare", &to, "--first", first, "--count", count])?;
    ensure!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path().join("site");
        let case: Value = serde_json::from_slice(&fs::read(path.join("case.json"))?)?;
        let until = case["until"].as_str().context("case.json has no `until`")?.to_owned();
        found.push(Case { name: path.display().to_string(), path, until });
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(found)
}

/// Leaves what the product makes of a folder beside what the oracle made of it.
fn calculate(case: &Case) -> anyhow::Result<()> {
    let beside = case.path.parent().context("a site is in a folder")?;
    if let Err(refused) = run(&case.path, &case.until, &beside.join("product"), &[]) {
        fs::write(beside.join("product.refused"), format!("{refused:#}"))?;
    }
    Ok(())
}

/// Compares them all; what differs names its kind and seed.
fn judge(folder: &Path) -> anyhow::Result<()> {
    let judged = oracle(&["--judge", &folder.display().to_string()])?;
    let said = String::from_utf8_lossy(&judged.stdout).into_owned() + &String::from_utf8_lossy(&judged.stderr);
    ensure!(judged.status.success(), "{said}tests/oracle/generate.py --kind KIND --seed SEED --out DIR makes it again");
    Ok(())
}

fn compare(first: &str, count: &str) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    check_each(&prepared(folder.path(), first, count)?, calculate);
    judge(folder.path())
}

#[test]
fn random_sites_are_billed_as_by_the_second_reading() -> anyhow::Result<()> {
    if !python() {
        return Ok(());
    }
    let long = std::env::var_os("TALLYWATT_SOAK").is_some();
    compare("0", if long { "200" } else { "3" })
}

#[test]
fn a_cent_or_a_refusal_too_many_is_seen() -> anyhow::Result<()> {
    if !python() {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let beside: PathBuf = folder.path().join("plain-0");
    for side in ["reference", "product"] {
        fs::create_dir_all(beside.join(side))?;
        fs::write(beside.join(side).join("balances.json"), r#"{"accounts":[{"account":"A-1","balance":"1.00"}]}"#)?;
    }
    judge(folder.path())?;
    fs::write(beside.join("product/balances.json"), r#"{"accounts":[{"account":"A-1","balance":"1.01"}]}"#)?;
    let said = judge(folder.path()).expect_err("a cent is seen").to_string();
    ensure!(said.contains("plain-0"), "the seed is named: {said}");
    fs::write(beside.join("product.refused"), "no")?;
    let said = judge(folder.path()).expect_err("a refusal is seen").to_string();
    ensure!(said.contains("reference: accepts"), "{said}");
    Ok(())
}
