//! The programs that judge exports: hledger and ledger of Debian, beancount,
//! DuckDB and openpyxl of PyPI. One that is missing fails the test that asks for it.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, ensure};
use serde_json::Value;

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

/// Runs Python with a package of `.tools` on a script and an argument; what it printed as JSON.
fn python(package: &str, script: &str, argument: &str) -> anyhow::Result<Value> {
    let packages = tools().join(package);
    ensure!(packages.is_dir(), "no {package}: run `sh tests/tools.sh`");
    let mut command = Command::new("python3");
    command.env("PYTHONPATH", packages).args(["-c", script, argument]);
    let output = command.output().with_context(|| format!("python3 with {package}"))?;
    ensure!(output.status.success(), "{argument}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// What `DuckDB` answers: rows of texts, decimals with all their places.
pub fn duckdb(sql: &str) -> anyhow::Result<Vec<Vec<String>>> {
    const SCRIPT: &str = "import duckdb, json, sys
duckdb.execute(\"SET TimeZone='UTC'\")
print(json.dumps([['' if v is None else str(v) for v in row] for row in duckdb.sql(sys.argv[1]).fetchall()]))";
    Ok(serde_json::from_value(python("duckdb", SCRIPT, sql)?)?)
}

/// What openpyxl reads of a workbook: by sheet, rows of texts, numbers as their shortest decimal.
pub fn openpyxl(file: &Path) -> anyhow::Result<BTreeMap<String, Vec<Vec<String>>>> {
    const SCRIPT: &str = "import openpyxl, json, sys
from decimal import Decimal
book = openpyxl.load_workbook(sys.argv[1], read_only=True)
show = lambda v: '' if v is None else str(v.date()) if hasattr(v, 'date') else format(Decimal(repr(v)), 'f') if isinstance(v, float) else str(v)
print(json.dumps({s.title: [[show(v) for v in row] for row in s.iter_rows(values_only=True)] for s in book}))";
    Ok(serde_json::from_value(python("openpyxl", SCRIPT, &file.display().to_string())?)?)
}
