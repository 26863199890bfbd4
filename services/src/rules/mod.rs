//! `tallywatt rules`: the law's rules as data, with their sources.

use clap::Args as ClapArgs;
use domain::compliance::{Act, COUNSEL, Check, Field, PRESETS, Preset, PriceCap, Rule, latest};
use serde_json::{Value, json};

use crate::console::Console;
use crate::exit::{Exit, Failure};
use crate::presets::chosen;

/// List the presets of the law's rules, or the rules of one.
#[derive(Debug, ClapArgs)]
#[command(after_help = "Example:
  tallywatt rules
  tallywatt rules --preset hk

A site chooses a preset in its site.toml:
  [[compliance]]
  preset = \"hk\"
  from = 2026-01-01
  by = \"J. Doe\"
  statements = { payer = \"Riverside Ltd\" }
  # version = 1, price_cap = \"0.25\", retention_years = 7, cuts = { hold_on_dispute = true, other_dues = false }
  # overrides = [ { rule = \"hk.source-bill\", severity = \"warn\", reason = \"bills are handed over on paper\" } ]

  [[supplier_bill]]             # of the site, or of a pool with pool = …
  month = \"2026-03\"
  kwh = \"5000\"
  amount = \"1200.00\"            # with taxes
  reference = \"SB-3\"
  # unit_price = \"0.2245\"       # its highest price per kWh, without tax

  [[consent]]
  account = \"A-101\"
  to = \"time_of_use\"
  from = 2026-01-01
  reference = \"lease, annex 2\"")]
pub struct Args {
    /// Only this preset, with all that is known of its rules.
    #[arg(long, value_name = "PRESET")]
    preset: Option<String>,
    /// Write the list as JSON.
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub fn run(args: Args, console: &mut Console) -> Result<Exit, Failure> {
    let chosen = chosen(args.preset.as_deref(), PRESETS, latest, |preset| preset.name)?;
    if args.json {
        let presets: Vec<Value> = chosen.iter().map(|preset| document(preset)).collect();
        console.line(json!({"note": COUNSEL, "presets": presets}).to_string());
        return Ok(Exit::Done);
    }
    for preset in chosen {
        console.line(format!("{} version {}: {}", preset.name, preset.version, preset.title));
        console.line(format!("  for {}", preset.scope));
        for rule in preset.rules {
            console.line(format!("  {} ({}): {}", rule.code, severity(rule), rule.text));
            if args.preset.is_some() {
                details(rule, console);
            }
        }
    }
    console.line(COUNSEL);
    Ok(Exit::Done)
}

fn details(rule: &Rule, console: &mut Console) {
    console.line(format!("    check:  {}, at {}", rule.check.kind(), acts(rule).join(" and ")));
    for detail in parameters(rule.check) {
        console.line(format!("            {detail}"));
    }
    console.line(format!("    mend:   {}", rule.mend));
    console.line(format!("    source: {}", rule.source));
}

fn severity(rule: &Rule) -> &'static str {
    match rule.severity {
        domain::event::Severity::Off => "off",
        domain::event::Severity::Warn => "warn",
        domain::event::Severity::Block => "block",
    }
}

fn acts(rule: &Rule) -> Vec<&'static str> {
    rule.check.acts().iter().copied().map(Act::name).collect()
}

/// What a check is told by its rule.
fn parameters(check: Check) -> Vec<String> {
    match check {
        Check::PriceCap(PriceCap::PricePaid) => vec!["by the supplier's bills".to_owned()],
        Check::PriceCap(PriceCap::Stated) => vec!["by price_cap of [[compliance]]".to_owned()],
        Check::FeesApart(names) => vec![format!("charges that may stand beside energy: {}", names.join(", "))],
        Check::Retention(years) => vec![format!("{years} years")],
        Check::BillFields(fields) => fields.iter().map(|field| of_field(*field)).collect(),
        _ => Vec::new(),
    }
}

fn of_field(field: Field) -> String {
    match field {
        Field::Always(what) => format!("{what} (on every bill)"),
        Field::PricePaid => "the price paid (by the supplier's bill of the month)".to_owned(),
        Field::Stated(name, what) => format!("{what} (statements.{name})"),
    }
}

fn document(preset: &Preset) -> Value {
    let rules = preset.rules.iter().map(|rule| {
        json!({
            "code": rule.code, "check": rule.check.kind(), "parameters": parameters(rule.check), "acts": acts(rule),
            "severity": severity(rule), "text": rule.text, "mend": rule.mend, "source": rule.source,
        })
    });
    json!({
        "name": preset.name, "version": preset.version, "title": preset.title, "scope": preset.scope,
        "rules": rules.collect::<Vec<_>>(),
    })
}
