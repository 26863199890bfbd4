//! The programs that judge exports: hledger and ledger of Debian, beancount of
//! PyPI. One that is missing fails the test that asks for it.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, ensure};

fn tools() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../.tools")
}

/// Judges a journal: whether it is accepted, and what was said.
pub type Judge = fn(&Path) -> anyhow::Result<(bool, String)>;

/// Runs a program; what it said, and whether it accepts.
fn verdict(command: &mut Command) -> anyhow::Result<(bool, String)> {
    let output = command.output().with_context(|| format!("{command:?}: run `sh tests/tools.sh`"))?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.code().is_some_and(|code| code < 126), "{command:?} cannot run: {said}");
    Ok((output.status.success(), said))
}

fn debian(name: &str) -> anyhow::Result<Command> {
    let root = tools().join("journals/usr");
    let program = root.join("bin").join(name);
    ensure!(program.exists(), "no {name}: run `sh tests/tools.sh`");
    let mut command = Command::new(program);
    let lib = root.join("lib");
    command.env("LD_LIBRARY_PATH", format!("{0}/ledger:{0}/x86_64-linux-gnu", lib.display()));
    command.env("LC_ALL", "C.UTF-8");
    Ok(command)
}

/// `hledger --strict check`, and with it its balance assertions.
pub fn hledger(journal: &Path) -> anyhow::Result<(bool, String)> {
    verdict(debian("hledger")?.args(["--strict", "-f"]).arg(journal).arg("check"))
}

/// `ledger --pedantic balance`.
pub fn ledger(journal: &Path) -> anyhow::Result<(bool, String)> {
    verdict(debian("ledger")?.args(["--pedantic", "-f"]).arg(journal).arg("balance"))
}

/// `bean-check`.
pub fn beancount(journal: &Path) -> anyhow::Result<(bool, String)> {
    let packages = tools().join("beancount");
    ensure!(packages.is_dir(), "no beancount: run `sh tests/tools.sh`");
    verdict(
        Command::new("python3")
            .env("PYTHONPATH", packages)
            .args(["-m", "beancount.scripts.check", "--no-cache"])
            .arg(journal),
    )
}

/// Checks that a journal of a format is accepted by all who read it.
pub fn accept(format: &str, journal: &Path) -> anyhow::Result<()> {
    let judges: &[(&str, Judge)] = match format {
        "hledger" => &[("hledger", hledger), ("ledger", ledger)],
        _ => &[("beancount", beancount)],
    };
    for (name, judge) in judges {
        let (accepts, said) = judge(journal)?;
        ensure!(accepts, "{name} refuses {}: {said}", journal.display());
    }
    Ok(())
}
