//! `tallywatt alarms policy`: the bounds in force, and other ones.

use std::path::{Path, PathBuf};

use domain::alarm::in_force;
use domain::event::AlarmPolicy;
use domain::quantity::Instant;
use serde_json::{Value, json};

use super::acknowledge::failure;
use super::command::publish;
use super::{Place, read, with_owner};
use crate::console::Console;
use crate::exit::{Exit, Failure, bad};

/// Show the bounds in force; with --publish, replace them. A file says only what differs:
/// `[bounds.low_balance]` with `raise = 48`, or `[[accounts]]` with `account` and `raise_hours`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  tallywatt alarms policy DIR
  tallywatt alarms policy DIR --publish bounds.toml --by 'J. Doe' --reason 'winter' --yes")]
pub(super) struct Args {
    #[command(flatten)]
    place: Place,
    /// A TOML file with what is to be other than now.
    #[arg(long, value_name = "FILE", requires = "by", requires = "reason")]
    publish: Option<PathBuf>,
    /// Who.
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
    /// Why.
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// When it becomes known (RFC 3339): now, or as late as the log's last event.
    #[arg(long, value_name = "INSTANT", value_parser = Instant::parse)]
    at: Option<Instant>,
    /// Append it; without this nothing is written.
    #[arg(long)]
    yes: bool,
    /// Write the bounds as JSON.
    #[arg(long)]
    json: bool,
}

/// Lays what a file says over what is there.
fn lay_over(base: &mut Value, over: Value) {
    match (base, over) {
        (Value::Object(base), Value::Object(over)) => {
            for (key, value) in over {
                lay_over(base.entry(key).or_insert(Value::Null), value);
            }
        }
        (base, over) => *base = over,
    }
}

/// The bounds of now with what a file says over them.
fn changed(now: &AlarmPolicy, path: &Path) -> Result<AlarmPolicy, Failure> {
    let shown = path.display();
    let text = std::fs::read_to_string(path).map_err(|error| bad(format!("{shown}: {error}"), "name a TOML file"))?;
    let wrong = |error: String| bad(format!("{shown}: {error}"), "write the keys that `alarms policy --json` shows");
    let over: Value = toml_edit::de::from_str(&text).map_err(|error| wrong(error.to_string()))?;
    let mut policy = json!(now);
    lay_over(&mut policy, over);
    serde_json::from_value(policy).map_err(|error| wrong(error.to_string()))
}

fn show(version: i64, policy: &AlarmPolicy, console: &mut Console) {
    let of =
        if version == 0 { "the defaults, no policy was published".to_owned() } else { format!("version {version}") };
    console.line(format!("bounds of alarms: {of}"));
    for (kind, bound) in &policy.bounds {
        if bound.on {
            console.line(format!(
                "  {kind}: raised at {} after {} s, cleared at {} after {} s",
                bound.raise, bound.raise_for_s, bound.clear, bound.clear_for_s
            ));
        } else {
            console.line(format!("  {kind}: off"));
        }
    }
    if let Value::Object(fields) = json!(policy) {
        for (name, value) in fields.iter().filter(|(name, _)| *name != "bounds") {
            console.line(format!("  {name} = {value}"));
        }
    }
}

/// Runs the command.
pub(super) fn run(args: &Args, console: &mut Console) -> Result<Exit, Failure> {
    let (site, alarms, _) = read(&args.place)?;
    let (version, mut policy) = in_force(&alarms);
    let mut appended = None;
    if let (Some(path), Some(by), Some(reason)) = (&args.publish, &args.by, &args.reason) {
        policy = changed(&policy, path)?;
        domain::alarm::publish(&alarms, policy.clone(), by, reason).map_err(|refused| failure(refused.into()))?;
        if args.yes {
            let Place { dir, log, .. } = &args.place;
            let id = with_owner(dir, log.as_deref(), site, args.at, |owner, now| {
                publish(owner, now, policy.clone(), by, reason).map_err(failure)
            })?;
            appended = Some(id);
        }
    }
    let version = if args.publish.is_some() { version.saturating_add(1) } else { version };
    if args.json {
        console.line(json!({"appended": appended.is_some(), "policy": policy, "version": version}).to_string());
        return Ok(Exit::Done);
    }
    show(version, &policy, console);
    match (appended, &args.publish) {
        (Some(id), _) => console.line(format!("event {id}: they count from now on")),
        (None, Some(_)) => console.line("nothing is written; add --yes to publish them"),
        (None, None) => {}
    }
    Ok(Exit::Done)
}
