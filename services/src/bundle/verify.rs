//! `tallywatt verify`: whether a bundle is whole, and whether every decision in it follows from its facts. It needs
//! nothing but the file.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use adapters::event_log::BundleError;
use clap::Args as ClapArgs;
use serde_json::json;

use super::check::{self, Check, Checked};
use crate::console::Console;
use crate::exit::{Exit, Failure, bad};
use crate::history;

/// Check a bundle offline: its marks, bytes, numbers, chains and root, and every decision derived again and compared.
#[derive(Debug, ClapArgs)]
#[command(after_help = "Example:
  tallywatt verify target/hand-late.bundle
  tallywatt verify target/hand-late.bundle --root 5f0c…   # the root that you noted, or got from somebody else

Without --root it shows that the file is whole, not that it is the log which others saw.

Exit code 0: it is whole and every decision follows; 1: findings, each named; 2: it is no bundle.")]
pub struct Args {
    /// The bundle.
    file: PathBuf,
    /// The root that it must have.
    #[arg(long, value_name = "HEX")]
    root: Option<String>,
    /// Write the result as JSON.
    #[arg(long)]
    json: bool,
}

const MEND: &str = "take the bundle again, from the log or its second copy";

/// Runs the command.
pub fn run(args: Args, console: &mut Console) -> Result<Exit, Failure> {
    let path = args.file.display();
    let file = File::open(&args.file).map_err(|error| bad(format!("{path}: {error}"), "name a bundle's file"))?;
    let checked = check::read(BufReader::new(file), args.root.as_deref());
    let mut checked = checked.map_err(|error| match error {
        BundleError::File(error) => Failure::new(Exit::Storage, error, "see that the disk can be read"),
        error => bad(format!("{path}: {error}"), MEND),
    })?;
    if checked.is_whole() {
        checked.checks.push(replayed(&args.file));
    }
    let whole = checked.is_whole();
    if args.json {
        console.line(document(&checked, whole).to_string());
    } else {
        tell(&checked, console);
    }
    Ok(if whole { Exit::Done } else { Exit::Differences })
}

/// Every decision derived again from the facts before it, and compared.
fn replayed(file: &Path) -> Check {
    let mut check = Check::new("replay", "");
    match history::replay_log(Path::new(""), file.to_str(), None) {
        Err(error) => check.note(error.to_string()),
        Ok(found) => {
            check.good =
                format!("{} decisions of {} runs follow from {} facts", found.decisions, found.runs, found.facts);
            for one in &found.differences {
                check.note(format!(
                    "event {} ({}) {}: recorded {}, recomputed {}",
                    one.position, one.run, one.what, one.recorded, one.recomputed
                ));
            }
        }
    }
    check
}

fn document(checked: &Checked, whole: bool) -> serde_json::Value {
    let check = |one: &Check| {
        json!({"check": one.name, "ok": one.is_whole(), "problems": one.problems, "more": one.more,
            "mend": (!one.is_whole()).then_some(MEND)})
    };
    json!({"whole": whole, "site": checked.site, "size": checked.size, "root": checked.root,
        "checks": checked.checks.iter().map(check).collect::<Vec<_>>()})
}

fn tell(checked: &Checked, console: &mut Console) {
    console.line(format!("site {}, {} events", checked.site, checked.size));
    for one in &checked.checks {
        if one.is_whole() {
            console.line(format!("ok      {}: {}", one.name, one.good));
        }
        for problem in one.problems.iter().take(10) {
            console.line(format!("FINDING {}: {problem}", one.name));
        }
        let left = u64::try_from(one.problems.len().saturating_sub(10)).unwrap_or(0).saturating_add(one.more);
        if left > 0 {
            console.line(format!("        and {left} more"));
        }
    }
    if !checked.is_whole() {
        console.line(format!("        mend: {MEND}"));
    }
}
