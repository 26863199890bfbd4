//! `tallywatt supply plan`: who would be cut or restored, over a log. Nothing is appended, nothing is switched.

use std::path::PathBuf;

use domain::billing::{BillingError, Site};
use domain::event::{AccountId, OutputState, PointId, SiteId, SupplyCheck, SupplyEvent, SupplyPolicyPublished};
use domain::prepayment::settled;
use domain::quantity::Instant;
use domain::supply::{Due, Dues, PRESETS, Supply, due, dues, preset};
use serde_json::{Value, json};

use super::scene::Scene;
use crate::console::Console;
use crate::exit::{Exit, Failure};
use crate::history::{self, HistoryError};
use crate::replay::failed;

/// Say for each point whether it would be cut or restored now, with every check: a dry run over a log.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  tallywatt supply plan target/hand-late --preset texas-prepaid
  tallywatt supply plan target/hand-late --preset uk-prepay --at 2026-03-04T12:00:00Z --json

Without --preset, the policy of the log counts. A meter counts as answering where its newest reading is fresh.")]
pub(super) struct Args {
    /// The output folder of a run, with its log.db.
    dir: PathBuf,
    /// Another log: a file, or nats://HOST:PORT/STREAM.
    #[arg(long, value_name = "LOG")]
    log: Option<String>,
    /// The site, where the log has several.
    #[arg(long, value_name = "SITE", value_parser = history::site_id)]
    site: Option<SiteId>,
    /// By the facts received up to this instant; without it, by all.
    #[arg(long, value_name = "INSTANT", value_parser = Instant::parse)]
    at: Option<Instant>,
    /// As if this preset were published.
    #[arg(long, value_name = "PRESET")]
    preset: Option<String>,
    /// Write the plan as JSON.
    #[arg(long)]
    json: bool,
}

/// One point's line of the plan.
struct Row {
    point: PointId,
    account: Option<AccountId>,
    dues: Option<Dues>,
    due: Option<Due>,
}

/// Runs the command.
pub(super) fn run(args: &Args, console: &mut Console) -> Result<Exit, Failure> {
    let mut entries = history::read_site(&args.dir, args.log.as_deref(), args.site.as_ref()).map_err(failed)?;
    if let Some(at) = args.at {
        entries.truncate(entries.partition_point(|entry| entry.event.received <= at));
        entries.truncate(history::ended(&entries));
    }
    let last = entries.last().map(|entry| entry.event.received).ok_or_else(|| failed(HistoryError::Empty))?;
    let now = args.at.unwrap_or(last);
    let mut supply = Supply::default();
    for entry in &entries {
        supply.apply(&entry.event);
    }
    try_preset(args, &mut supply, now)?;
    let (mut site, _) = history::replay(&entries, None).map_err(failed)?;
    let position = entries.last().map_or(0, |entry| entry.event.position);
    let rows = plan(&mut site, &supply, now).map_err(|error| failed(HistoryError::Billing { position, error }))?;
    if args.json {
        let rows: Vec<Value> = rows.iter().map(document).collect();
        console.line(json!({"at": now, "note": NOTE, "points": rows}).to_string());
        return Ok(Exit::Done);
    }
    let decimals = site.premises().site().currency_decimals;
    for row in &rows {
        show(row, &supply, decimals, console);
    }
    console.line(format!("at {now}: {NOTE}"));
    Ok(Exit::Done)
}

const NOTE: &str =
    "a dry run: nothing was appended, nothing was switched; whether meters answer is taken from their readings";

/// Lets a preset count in place of the log's policy; without one, the log must have its own.
fn try_preset(args: &Args, supply: &mut Supply, now: Instant) -> Result<(), Failure> {
    let names = || PRESETS.iter().map(|preset| preset.name).collect::<Vec<_>>().join(", ");
    if let Some(name) = &args.preset {
        let policy = preset(name).map(domain::supply::Preset::policy).ok_or_else(|| Failure {
            exit: Exit::BadInput,
            error: format!("no preset is called '{name}'").into(),
            mend: format!("name one of {}", names()),
        })?;
        let version = supply.policy.as_ref().map_or(0, |(version, _)| *version).saturating_add(1);
        let published = SupplyPolicyPublished { by: "plan".to_owned(), policy, preset: Some(name.clone()), version };
        supply.take(&SupplyEvent::SupplyPolicyPublished(published), now);
    }
    if supply.policy.is_none() {
        return Err(Failure {
            exit: Exit::BadInput,
            error: "the log has no supply policy, so nobody is cut or restored".into(),
            mend: format!("try one with --preset: {}", names()),
        });
    }
    Ok(())
}

/// Every unit's point, in the order of their ids.
fn plan(site: &mut Site, supply: &Supply, now: Instant) -> Result<Vec<Row>, BillingError> {
    let spent = settled(site)?;
    let all_dues = dues(site, now)?;
    let scene = Scene::of(site, &spent, &all_dues, now);
    let stale_after_s = supply.policy.as_ref().map_or(0, |(_, policy)| policy.stale_after_s);
    let rows = scene.places.iter().map(|place| {
        let situation = scene.situation(place, site.premises(), now, |place| place.is_fresh(now, stale_after_s));
        let due = due(supply, situation);
        Row { point: place.point.clone(), account: place.account.clone(), dues: place.dues, due }
    });
    Ok(rows.collect())
}

/// What would happen, in one word.
fn outcome(row: &Row) -> &'static str {
    match &row.due {
        None => "stays",
        Some(due) => match (due.to, due.checks.iter().all(|check| check.passed)) {
            (OutputState::Disconnected, true) => "cut",
            (OutputState::Disconnected, false) => "cut held",
            (OutputState::Connected, true) => "restored",
            (OutputState::Connected, false) => "restore held",
        },
    }
}

fn show(row: &Row, supply: &Supply, decimals: u8, console: &mut Console) {
    let account = row.account.as_ref().map_or("vacant", AccountId::as_str);
    let balance = row.dues.zip(supply.policy.as_ref()).map(|(dues, (_, policy))| dues.electricity(policy));
    let balance = balance.map_or_else(|| "unknown".to_owned(), |balance| balance.major(decimals));
    console.line(format!("{} of {account}: {}, electricity balance {balance}", row.point, outcome(row)));
    for check in row.due.iter().flat_map(|due| &due.checks) {
        console.line(format!(
            "  {} {}: {}",
            if check.passed { "passes" } else { "holds " },
            code(check),
            check.figures
        ));
    }
}

fn code(check: &SupplyCheck) -> String {
    json!(check.code).as_str().unwrap_or_default().to_owned()
}

fn document(row: &Row) -> Value {
    let dues = row.dues.map(|dues| {
        json!({
            "credit_minor": dues.credit_minor, "energy_minor": dues.energy_minor, "shared_minor": dues.shared_minor,
            "other_minor": dues.other_minor,
        })
    });
    let checks: Vec<&SupplyCheck> = row.due.iter().flat_map(|due| &due.checks).collect();
    json!({
        "account": row.account, "checks": checks, "dues": dues, "outcome": outcome(row), "point": row.point,
    })
}
