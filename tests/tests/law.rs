//! The law's rules: one passing and one failing fixture for each rule of each
//! preset (`tests/law`), through the real pipeline. To be confirmed by counsel.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use domain::compliance::PRESETS;
use domain::event::{Body, FindingRaised, Severity};
use services::history;
use tests::run::{bills, run};

const UNTIL: &str = "2026-03-07T00:00:00Z";

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("law")
}

/// What a run of a fixture left.
#[derive(Default)]
struct Outcome {
    refused: Option<String>,
    warnings: Vec<String>,
    raised: Vec<FindingRaised>,
    held: BTreeSet<(String, String)>,
    billed: BTreeSet<String>,
}

fn play(fixture: &str) -> anyhow::Result<Outcome> {
    let temp = tempfile::tempdir()?;
    let (site, out) = (temp.path().join("site"), temp.path().join("out"));
    fs::create_dir(&site)?;
    for name in ["readings.csv", "recharges.csv"] {
        fs::copy(folder().join("base").join(name), site.join(name))?;
    }
    let base = fs::read_to_string(folder().join("base/site.toml"))?;
    fs::write(site.join("site.toml"), base + "\n" + fixture)?;
    let summary = match run(&site, UNTIL, &out, &[]) {
        Ok(summary) => summary,
        Err(error) => {
            ensure!(!out.exists(), "a refused run leaves nothing");
            let refused = Some(error.to_string());
            return Ok(Outcome { refused, ..Outcome::default() });
        }
    };
    let warnings = summary["warnings"].as_array().context("warnings")?.iter();
    let warnings =
        warnings.map(|one| one.as_str().map(str::to_owned).context("a text")).collect::<anyhow::Result<_>>()?;
    let entries = history::read(&out, None)?;
    let (_, replayed) = history::replay(&entries, None)?;
    ensure!(replayed.differences.is_empty(), "a replay differs: {:?}", replayed.differences);
    let (mut raised, mut held) = (Vec::new(), BTreeSet::new());
    for entry in entries {
        match entry.event.body {
            Body::FindingRaised(finding) => raised.push(finding),
            Body::BillHeld(one) => {
                held.extend(one.reasons.into_iter().map(|reason| (one.account.to_string(), reason.code)));
            }
            _ => {}
        }
    }
    let billed = bills(&out)?.into_keys().map(|(account, _)| account).collect();
    Ok(Outcome { refused: None, warnings, raised, held, billed })
}

fn check_pass(code: &str, text: &str) -> anyhow::Result<()> {
    let outcome = play(text)?;
    ensure!(outcome.refused.is_none(), "refused: {:?}", outcome.refused);
    ensure!(outcome.warnings.is_empty(), "warned: {:?}", outcome.warnings);
    ensure!(outcome.raised.is_empty(), "{code} raised: {:?}", outcome.raised);
    let all: BTreeSet<String> = ["A-1", "A-2"].map(str::to_owned).into();
    ensure!(all.is_subset(&outcome.billed), "both tenants are billed: {:?}", outcome.billed);
    Ok(())
}

fn check_fail(code: &str, text: &str) -> anyhow::Result<()> {
    let wanted = text.lines().next().and_then(|line| line.strip_prefix("# ")).context("a first line")?;
    let outcome = play(text)?;
    if let Some(wanted) = wanted.strip_prefix("refused: ") {
        let refused = outcome.refused.context("it was not refused")?;
        ensure!(refused.contains("exit 2"), "exit code: {refused}");
        ensure!(refused.contains(&format!("{code} (")) && refused.contains(wanted), "{refused}");
        return Ok(());
    }
    ensure!(outcome.refused.is_none(), "refused: {:?}", outcome.refused);
    if let Some(wanted) = wanted.strip_prefix("warned: ") {
        let [warning] = outcome.warnings.as_slice() else { anyhow::bail!("warned: {:?}", outcome.warnings) };
        ensure!(warning.starts_with(code) && warning.contains(wanted), "{warning}");
        return Ok(());
    }
    let wanted = wanted.strip_prefix("raised: ").context("refused, warned or raised")?;
    let (severity, wanted) = wanted.split_once(": ").context("a severity")?;
    let (place, wanted) = wanted.split_once(": ").context("a place")?;
    let rules: BTreeSet<&str> = outcome.raised.iter().map(|one| one.rule.as_str()).collect();
    ensure!(rules == [code].into(), "found: {:?}", outcome.raised);
    let finding = outcome.raised.first().context("a finding")?;
    ensure!(finding.place == place && finding.text.contains(wanted), "{finding:?}");
    let blocks = finding.severity == Severity::Block;
    ensure!(blocks == (severity == "block"), "{finding:?}");
    ensure!(outcome.billed.contains("A-1") != blocks, "what blocks holds the bill: {:?}", outcome.billed);
    ensure!(outcome.held.contains(&("A-1".to_owned(), code.to_owned())) == blocks, "held: {:?}", outcome.held);
    ensure!(outcome.billed.contains("A-0"), "the landlord's bill is never held: {:?}", outcome.billed);
    Ok(())
}

#[test]
fn each_rule_of_each_preset_has_a_fixture_that_passes_and_one_that_fails() -> anyhow::Result<()> {
    let mut codes = BTreeMap::new();
    for rule in PRESETS.iter().flat_map(|preset| preset.rules) {
        codes.insert(rule.code.to_owned(), (0, 0));
    }
    let mut wrong = Vec::new();
    for entry in fs::read_dir(folder())? {
        let path = entry?.path();
        let code = path.file_name().context("a name")?.to_string_lossy().into_owned();
        if !path.is_dir() || code == "base" {
            continue;
        }
        let counts = codes.get_mut(&code).with_context(|| format!("{code} is no rule"))?;
        for fixture in fs::read_dir(&path)? {
            let fixture = fixture?.path();
            let text = fs::read_to_string(&fixture)?;
            let passes = fixture.ends_with("pass.toml");
            if passes {
                counts.0 += 1
            } else {
                counts.1 += 1
            }
            let outcome = if passes { check_pass(&code, &text) } else { check_fail(&code, &text) };
            if let Err(error) = outcome {
                wrong.push(format!("{}: {error:#}", fixture.display()));
            }
        }
    }
    let lacking: Vec<_> = codes.iter().filter(|(_, (passes, fails))| *passes == 0 || *fails == 0).collect();
    assert!(lacking.is_empty(), "rules without fixtures: {lacking:?}");
    assert!(wrong.is_empty(), "{} fixtures:\n{}", wrong.len(), wrong.join("\n"));
    Ok(())
}

#[test]
fn a_site_without_a_preset_is_not_checked() -> anyhow::Result<()> {
    let outcome = play("[[supplier_bill]]\nmonth = \"2026-02\"\nkwh = \"1\"\namount = \"0.01\"\nreference = \"SB\"\n")?;
    assert!(outcome.refused.is_none() && outcome.raised.is_empty() && outcome.warnings.is_empty());
    assert!(outcome.billed.contains("A-1"));
    Ok(())
}

#[test]
fn an_override_with_a_reason_lets_a_publication_through_and_says_so() -> anyhow::Result<()> {
    let text = fs::read_to_string(folder().join("minnesota.retention/fail.toml"))?;
    let lenient = "by = \"J. Doe\"\noverrides = [ { rule = \"minnesota.retention\", severity = \"warn\", reason = \"kept by the agent\" } ]";
    let outcome = play(&text.replace("by = \"J. Doe\"", lenient))?;
    assert_eq!(outcome.refused, None);
    assert_eq!(outcome.warnings.len(), 1, "{:?}", outcome.warnings);
    assert!(outcome.billed.contains("A-1"));
    Ok(())
}

#[test]
fn a_held_bill_is_issued_by_the_first_run_after_the_supplier_s_bill_came() -> anyhow::Result<()> {
    let text = fs::read_to_string(folder().join("hk.source-bill/pass.toml"))?;
    let late =
        text.replace("reference = \"SB-2026-02\"", "reference = \"SB-2026-02\"\nreceived = 2026-03-05T12:00:00Z");
    assert_ne!(late, text);
    let outcome = play(&late)?;
    let held: Vec<&str> = outcome.held.iter().map(|(account, _)| account.as_str()).collect();
    assert_eq!(held, ["A-1", "A-2"], "held on 1 March");
    assert!(
        outcome.billed.contains("A-1") && outcome.billed.contains("A-2"),
        "issued on 6 March: {:?}",
        outcome.billed
    );
    Ok(())
}

/// Runs the base with what is added, and with readings of March, until 7 April; the output folder.
fn play_two_months(added: &str) -> anyhow::Result<tempfile::TempDir> {
    let readings = "2026-04-01T00:00:00Z,M-1,150\n2026-04-01T00:00:00Z,M-2,150\n2026-04-01T00:00:00Z,M-C,60\n";
    let temp = tempfile::tempdir()?;
    let (site, out) = (temp.path().join("site"), temp.path().join("out"));
    fs::create_dir(&site)?;
    let base = |name: &str| fs::read_to_string(folder().join("base").join(name));
    fs::write(site.join("site.toml"), base("site.toml")? + "\n" + added)?;
    fs::write(site.join("readings.csv"), base("readings.csv")? + readings)?;
    fs::write(site.join("recharges.csv"), base("recharges.csv")?)?;
    run(&site, "2026-04-07T00:00:00Z", &out, &[])?;
    Ok(temp)
}

#[test]
fn an_account_s_bills_stay_in_order_while_one_is_held() -> anyhow::Result<()> {
    let text = fs::read_to_string(folder().join("hk.source-bill/fail.toml"))?;
    let bill = |month: &str, received: &str| {
        format!(
            "[[supplier_bill]]\nmonth = \"{month}\"\nkwh = \"250\"\namount = \"60.00\"\nreference = \"{month}\"\n{received}"
        )
    };
    // March's bill is there in time, February's only on 5 April.
    let text = text + &bill("2026-03", "") + &bill("2026-02", "received = 2026-04-05T12:00:00Z\n");
    let temp = play_two_months(&text)?;
    let out = temp.path().join("out");
    let bills = bills(&out)?;
    let of = |month: &str| bills.get(&("A-1".to_owned(), month.to_owned())).with_context(|| month.to_owned());
    let (february, march) = (of("2026-02")?, of("2026-03")?);
    assert_eq!(february["issued"], march["issued"], "both by the run of 6 April");
    assert!(february["number"].as_i64() < march["number"].as_i64());
    assert_eq!(february["opening_balance"], "0.00");
    assert_eq!(march["opening_balance"], february["closing_balance"]);
    assert_eq!(march["adjustments"], serde_json::json!([]));
    Ok(())
}

#[test]
fn what_a_correction_adds_to_an_earlier_month_counts_as_recovered() -> anyhow::Result<()> {
    let text = fs::read_to_string(folder().join("hk.recovered-within-bill/pass.toml"))?;
    let march = "[[supplier_bill]]\nmonth = \"2026-03\"\nkwh = \"250\"\namount = \"90.00\"\nreference = \"SB-3\"\n";
    let dearer = "[[tariff]]\nid = \"home\"\nversion = 2\nfrom = 2026-02-01\nreceived = 2026-03-10T00:00:00Z\n\
                  default_period = \"all\"\nenergy = [ { period = \"all\", tiers = [ { price = \"0.21\" } ] } ]\n";
    let temp = play_two_months(&(text + march + dearer))?;
    let raised =
        history::read(&temp.path().join("out"), None)?.into_iter().filter_map(|entry| match entry.event.body {
            Body::FindingRaised(finding) => Some((finding.rule, finding.place, finding.run)),
            _ => None,
        });
    let of = |text: &str| text.to_owned();
    assert_eq!(raised.collect::<Vec<_>>(), [(of("hk.recovered-within-bill"), of("site 2026-02"), of("bill/2026-03"))]);
    let bills = bills(&temp.path().join("out"))?;
    assert!(bills.contains_key(&(of("A-1"), of("2026-02"))), "issued before the correction");
    assert!(!bills.contains_key(&(of("A-1"), of("2026-03"))), "held: its adjustment recovers too much of February");
    Ok(())
}
