//! Supply control in a site folder, and what people say about it on the command line.

use adapters::site_folder::SiteFolder;
use anyhow::{Context as _, ensure};
use domain::event::{Body, SupplyEvent};
use domain::supply::preset;
use serde_json::{Value, json};
use tests::site::{flat, head, one_price, play};

const INSTALLED: &str = "2026-03-02T00:00:00Z";

fn site(tables: &str) -> String {
    let flats = flat(1, INSTALLED, "home") + &flat(2, INSTALLED, "home");
    head("UTC", "EUR") + &one_price("home", "0.30") + &flats + tables
}

fn open(toml: &str) -> anyhow::Result<SiteFolder> {
    let folder = tempfile::tempdir()?;
    std::fs::write(folder.path().join("site.toml"), toml)?;
    std::fs::write(folder.path().join("readings.csv"), "time,meter,kwh\n")?;
    std::fs::write(folder.path().join("recharges.csv"), "time,account,amount,reference\n")?;
    Ok(SiteFolder::open(folder.path())?)
}

/// The example of the reference.
fn example() -> anyhow::Result<String> {
    let page = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../adapters/src/site_folder/SUPPLY.md");
    let page = std::fs::read_to_string(page)?;
    let (_, rest) = page.split_once("```toml\n").context("an example")?;
    Ok(rest.split_once("```").context("its end")?.0.to_owned())
}

#[test]
fn the_example_of_the_reference_is_read() -> anyhow::Result<()> {
    let folder = open(&site(&example()?))?;
    let of_supply: Vec<&SupplyEvent> = folder
        .facts
        .iter()
        .filter_map(|fact| if let Body::Supply(event) = &fact.body { Some(event) } else { None })
        .collect();
    let [SupplyEvent::SupplyPolicyPublished(published), SupplyEvent::PointProtected(protected)] = of_supply.as_slice()
    else {
        anyhow::bail!("{of_supply:?}")
    };
    let of_preset = preset("uk-prepay").context("shipped")?.policy();
    let policy = &published.policy;
    ensure!((published.version, published.preset.as_deref()) == (1, Some("uk-prepay")));
    ensure!(policy.emergency_credit_minor.get() == 1_000 && policy.warn_tenths == [50, 15, 0], "{policy:?}");
    ensure!(policy.no_cut.len() == 2 && policy.no_cut[1].to_minute == 1440, "{policy:?}");
    ensure!(policy.notice_s == of_preset.notice_s && policy.confirm_restore == of_preset.confirm_restore);
    ensure!(protected.point.as_str() == "P-1" && protected.reason == "dialysis at home");
    Ok(())
}

#[test]
fn what_cannot_be_a_policy_is_refused_with_its_line() -> anyhow::Result<()> {
    let with = |keys: &str| {
        site(&format!("[[supply_policy]]\nversion = 1\npreset = \"uk-prepay\"\nby = \"J. Doe\"\n{keys}\n"))
    };
    for (keys, wanted) in [
        ("persons = 3", "persons is 3"),
        ("warn_days = [\"1\", \"3\", \"0\"]", "warn_tenths must fall"),
        ("warn_days = [\"1.55\", \"0\"]", "more than 1 decimals"),
        ("emergency = \"5\"", "unknown key"),
        ("for_charges = [\"rent\"]", "'rent' is not a choice"),
        ("no_cut = [{ days = [\"mon\"], from = \"20:00\", to = \"08:00\" }]", "window 0"),
    ] {
        let error = open(&with(keys)).err().with_context(|| keys.to_owned())?;
        ensure!(error.to_string().contains(wanted), "{keys}: {error}");
        ensure!(error.to_string().starts_with("site.toml:"), "{keys}: {error}");
    }
    let named = site("[[supply_policy]]\nversion = 1\npreset = \"uk-prepaid\"\nby = \"J. Doe\"\n");
    let error = open(&named).err().context("no such preset")?;
    ensure!(error.to_string().contains("'uk-prepay'"), "{error}");
    Ok(())
}

/// Says something, and gives what was answered as JSON.
fn say(dir: &str, words: &[&str]) -> anyhow::Result<Value> {
    let mut line = vec!["tallywatt", "supply", words[0], dir];
    line.extend(&words[1..]);
    line.extend(["--at", "2026-03-04T12:00:00Z", "--json"]);
    tests::run::json(line)
}

#[test]
fn people_ask_on_the_command_line_and_a_dry_run_writes_nothing() -> anyhow::Result<()> {
    let policy = "[[supply_policy]]\nversion = 1\npreset = \"uk-prepay\"\nby = \"J. Doe\"\npersons = 2\n";
    let readings = "time,meter,kwh\n2026-03-04T11:00:00Z,M-1,100\n2026-03-04T11:00:00Z,M-2,0\n";
    let played = play(&site(policy), readings, "2026-03-04T12:00:00Z")?;
    let (dir, log) = (played.dir(), played.out().join("log.db"));
    let before = std::fs::read(&log)?;
    let cut = ["cut", "P-1", "P-2", "P-9", "--by", "J. Doe", "--reason", "empty flats"];
    let dry = say(&dir, &cut)?;
    ensure!(dry["appended"] == false && dry["asked"][0]["type"] == "supply.requested.v1", "{dry}");
    ensure!(dry["asked"][2]["refused"] == "the site has no unit's point P-9", "{dry}");
    ensure!(before == std::fs::read(&log)?, "a dry run writes nothing");
    let wet = say(&dir, &[&cut[..], &["--yes"]].concat())?;
    ensure!(wet["appended"] == true && wet["asked"][1]["event"].is_string(), "{wet}");
    let (code, said) = tests::run::command(&["supply", "approve", &dir, "P-1", "--by", "J. Doe"])?;
    ensure!(code == 2 && said.contains("somebody else approves it"), "{said}");
    say(&dir, &["approve", "P-1", "--by", "M. Roe", "--yes"])?;
    // Of all, only who owes.
    let owing = ["protect", "--all", "--balance-below", "0", "--by", "M. Roe", "--reason", "a mistake", "--yes"];
    let owing = say(&dir, &owing)?;
    ensure!(owing["asked"].as_array().is_some_and(|all| all.len() == 1 && all[0]["about"] == "P-1"), "{owing}");
    let status = say(&dir, &["status"])?;
    let first = &status["points"][0];
    ensure!(first["protected"] == true && first["request"]["approver"] == "M. Roe", "{first}");
    ensure!(first["due"]["held_by"] == "protected" && first["earliest_cut"].is_null(), "{first}");
    let second = &status["points"][1];
    ensure!(second["due"]["held_by"] == json!("persons") && second["control"] == "unknown", "{second}");
    let dispute = ["tallywatt", "supply", "dispute", "open", &dir, "A-1", "--by", "M. Roe", "--reason", "the bill"];
    let opened = tests::run::json(dispute.into_iter().chain(["--at", "2026-03-04T12:00:00Z", "--yes", "--json"]))?;
    ensure!(opened["asked"][0]["type"] == "supply.dispute.opened.v1", "{opened}");
    say(&dir, &["weather", "--until", "2026-03-05T00:00:00Z", "--reason", "frost", "--by", "M. Roe", "--yes"])?;
    say(&dir, &["publish", "--preset", "none", "--by", "M. Roe", "--yes"])?;
    let differences = tests::run::json(["tallywatt", "replay", &dir, "--json"])?;
    ensure!(differences["differences"] == 0, "{differences}");
    Ok(())
}
