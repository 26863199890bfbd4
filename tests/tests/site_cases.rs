//! Every site case from its folder to its files, on the embedded log and on `JetStream`.

use anyhow::ensure;
use tests::{
    cases::{self, Case},
    nats::{ALWAYS, Server},
    run::run,
};

/// Runs a case and compares what it leaves.
fn check(case: &Case, log: &[&str]) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let out = folder.path().join("out");
    run(&case.path, &case.until, &out, log)?;
    let (same, said) = cases::compare(case, &out)?;
    ensure!(same, "differs:\n{said}");
    Ok(())
}

#[test]
fn every_case_on_the_embedded_log() -> anyhow::Result<()> {
    let all = cases::all()?;
    assert_eq!(all.len(), 39);
    cases::check_each(&all, |case| check(case, &[]));
    Ok(())
}

#[test]
fn every_case_on_jetstream() -> anyhow::Result<()> {
    let all = cases::all()?;
    assert_eq!(all.len(), 39);
    cases::check_each(&all, |case| {
        let server = Server::start(ALWAYS);
        check(case, &["--log", &server.url()])
    });
    Ok(())
}
