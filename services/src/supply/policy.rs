//! `tallywatt supply policy`: the presets as data, each rule with its source.

use domain::supply::{COUNSEL, PRESETS, Preset, preset};
use serde_json::{Value, json};

use crate::console::Console;
use crate::exit::{Exit, Failure};
use crate::presets::chosen;

/// List the presets of rules about cutting and restoring supply, or one with its figures.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  tallywatt supply policy
  tallywatt supply policy --preset uk-prepay
  tallywatt supply policy --preset uk-prepay --json   # with the policy as an event holds it")]
pub(super) struct Args {
    /// Only this preset, with the sources of its rules and its figures.
    #[arg(long, value_name = "PRESET")]
    preset: Option<String>,
    /// Write the list as JSON.
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub(super) fn run(args: &Args, console: &mut Console) -> Result<Exit, Failure> {
    let chosen = chosen(args.preset.as_deref(), &PRESETS, preset, |preset| preset.name)?;
    if args.json {
        let presets: Vec<Value> = chosen.iter().map(|preset| document(preset)).collect();
        console.line(json!({"note": COUNSEL, "presets": presets}).to_string());
        return Ok(Exit::Done);
    }
    for preset in chosen {
        console.line(format!("{}: {}", preset.name, preset.title));
        for rule in preset.rules() {
            console.line(format!("  {}: {}", rule.kind.name(), rule.text));
            if args.preset.is_some() {
                console.line(format!("    source: {}", rule.source));
            }
        }
        if args.preset.is_some() {
            figures(preset, console);
        }
    }
    console.line(COUNSEL);
    Ok(Exit::Done)
}

/// What the rules come to, field by field of the policy.
fn figures(preset: &Preset, console: &mut Console) {
    console.line("  as a policy, sums in minor units:");
    if let Value::Object(fields) = json!(preset.policy()) {
        for (name, value) in fields {
            console.line(format!("    {name} = {value}"));
        }
    }
}

fn document(preset: &Preset) -> Value {
    let rules = preset.rules().map(|rule| json!({"rule": rule.kind.name(), "text": rule.text, "source": rule.source}));
    json!({
        "name": preset.name, "title": preset.title, "rules": rules.collect::<Vec<_>>(), "policy": preset.policy(),
    })
}
