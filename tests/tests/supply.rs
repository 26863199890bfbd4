//! Events of supply in a log, and `tallywatt supply`.

use adapters::event_log::{EmbeddedLog, MemoryLog};
use adapters::intake::{Arrival, Fact};
use adapters::site_folder::SiteFolder;
use anyhow::{Context, ensure};
use domain::event::{Body, CATALOGUE, EventId};
use domain::quantity::Instant;
use domain::supply::{PRESETS, Supply};
use serde_json::Value;
use services::owner::{COMMIT, Owner};
use tests::shard::{events, offers, play};

#[test]
fn a_log_with_every_event_of_supply_is_replayed_and_billed_as_without() -> anyhow::Result<()> {
    let case = tests::cases::named("hand-late")?;
    let folder = SiteFolder::open(&case.path)?;
    let until = Instant::parse(&case.until)?;
    let mut offered = offers(&folder)?;
    let mut plain = MemoryLog::new();
    play(&mut plain, &folder.site, &offered, until)?;

    let instants: Vec<Instant> = offered.keys().copied().collect();
    let mut of_supply = 0;
    for name in CATALOGUE.iter().filter(|name| name.starts_with("supply.")) {
        let body = tests::samples::event(name)?.body;
        // Between the readings, so that runs are decided before and after.
        let time = *instants.iter().skip(1).cycle().nth(of_supply).context("more instants")?;
        let id = EventId::derive(&[b"supply", name.as_bytes()]);
        let fact = Fact { id, site: folder.site.clone(), time, actor: "core".to_owned(), body };
        offered.entry(time).or_default().push(Arrival::Fact(Box::new(fact)).encode()?);
        of_supply += 1;
    }
    ensure!(of_supply == 23, "{of_supply} types of supply");
    let out = tempfile::tempdir()?;
    let mut log = EmbeddedLog::open(&out.path().join("log.db"))?;
    play(&mut log, &folder.site, &offered, until)?;
    let before = events(&log)?;
    Owner::open(&mut log, folder.site.clone(), COMMIT)?;
    ensure!(events(&log)? == before, "an owner that takes the log up appends nothing");

    let entries = services::history::read(out.path(), None)?;
    let (_, found) = services::history::replay(&entries, None)?;
    assert_eq!(found.differences, []);
    let mut supply = Supply::default();
    let mut bills = Vec::new();
    for entry in &entries {
        supply.apply(&entry.event);
        if let Body::BillIssued(bill) = &entry.event.body {
            bills.push(bill.clone());
        }
    }
    ensure!(supply.policy.is_some() && supply.points.len() == 1, "{supply:?}");
    let mut without = Vec::new();
    let mut decoder = domain::event::Decoder::new();
    for event in events(&plain)? {
        if let Body::BillIssued(bill) = decoder.decode(&event.bytes)?.body {
            without.push(bill);
        }
    }
    ensure!(!bills.is_empty(), "no bill");
    assert_eq!(bills, without);
    Ok(())
}

#[test]
fn the_policy_command_lists_every_rule_with_its_source() -> anyhow::Result<()> {
    let all = tests::run::json(["tallywatt", "supply", "policy", "--json"])?;
    let presets = all["presets"].as_array().context("presets")?;
    ensure!(presets.len() == PRESETS.len(), "{all}");
    for preset in presets {
        let rules = preset["rules"].as_array().context("rules")?;
        let is_sourced = |rule: &Value| rule["source"].as_str().is_some_and(|source| !source.is_empty());
        ensure!(!rules.is_empty() && rules.iter().all(is_sourced), "{preset}");
        let name = preset["name"].as_str().context("a name")?;
        let (code, said) = tests::run::command(&["supply", "policy", "--preset", name])?;
        ensure!(code == 0 && said.contains("source: ") && said.contains("to be confirmed by counsel"), "{said}");
    }
    let (code, said) = tests::run::command(&["supply", "policy", "--preset", "atlantis"])?;
    ensure!(code == 2 && said.contains("uk-prepay"), "{code}: {said}");
    Ok(())
}

#[test]
fn credit_less_dues_is_the_live_balance() -> anyhow::Result<()> {
    let mut accounts = 0;
    let mut kinds = [false; 4];
    for case in tests::cases::first()? {
        let folder = SiteFolder::open(&case.path)?;
        let until = Instant::parse(&case.until)?;
        let out = tempfile::tempdir()?;
        let mut log = EmbeddedLog::open(&out.path().join("log.db"))?;
        play(&mut log, &folder.site, &offers(&folder)?, until)?;
        let (mut site, _) = services::history::replay(&services::history::read(out.path(), None)?, None)?;
        let live = domain::prepayment::live(&mut site, until)?;
        for (account, dues) in domain::supply::dues(&mut site, until)? {
            let sum = dues.credit_minor - dues.energy_minor - dues.shared_minor - dues.other_minor;
            ensure!(live.get(&account).map(|live| live.balance) == Some(sum), "{} {account}: {dues:?}", case.name);
            let each = [dues.credit_minor, dues.energy_minor, dues.shared_minor, dues.other_minor];
            for (kind, amount) in kinds.iter_mut().zip(each) {
                *kind |= !amount.is_zero();
            }
            accounts += 1;
        }
    }
    ensure!(accounts > 20 && kinds == [true; 4], "{accounts} accounts, {kinds:?}");
    Ok(())
}

#[test]
fn the_plan_names_who_would_be_cut_and_every_check() -> anyhow::Result<()> {
    let site = tests::site::head("UTC", "EUR")
        + &tests::site::one_price("home", "0.30")
        + &tests::site::flat(1, "2026-03-02T00:00:00Z", "home")
        + &tests::site::flat(2, "2026-03-02T00:00:00Z", "home");
    let readings = "time,meter,kwh\n2026-03-04T11:00:00Z,M-1,100\n2026-03-04T11:00:00Z,M-2,0\n";
    let played = tests::site::play(&site, readings, "2026-03-04T12:00:00Z")?;
    let dir = played.dir();
    let before = std::fs::read(played.out().join("log.db"))?;
    let (code, said) = tests::run::command(&["supply", "plan", &dir])?;
    ensure!(code == 2 && said.contains("no supply policy"), "{code}: {said}");
    let line =
        ["tallywatt", "supply", "plan", &dir, "--preset", "texas-prepaid", "--at", "2026-03-04T12:00:00Z", "--json"];
    let plan = tests::run::json(line)?;
    let outcomes: Vec<_> = plan["points"].as_array().context("points")?.iter().map(|point| &point["outcome"]).collect();
    ensure!(outcomes == ["cut held", "stays"], "{plan}");
    let held = &plan["points"][0];
    ensure!(held["dues"]["energy_minor"] == 3000, "{held}");
    let checks = held["checks"].as_array().context("checks")?;
    let holding: Vec<_> = checks.iter().filter(|check| check["passed"] == false).map(|check| &check["code"]).collect();
    ensure!(checks.len() == 12 && holding == ["notice"], "{held}");
    let (_, said) = tests::run::command(&["supply", "plan", &dir, "--preset", "none"])?;
    ensure!(said.contains("P-1 of A-1: stays, electricity balance -30.00"), "{said}");
    ensure!(before == std::fs::read(played.out().join("log.db"))?, "the log was changed");
    Ok(())
}
