//! `tallywatt what-if`: what billing makes of the same facts, beside what was
//! billed; nothing is appended, and what cannot be is refused with its place.

use std::{fs, path::Path};

use anyhow::ensure;
use serde_json::Value;
use tests::{
    cases,
    run::{bills, command, run},
};

const AREA: &str = "parts = [ { percent = \"100\", basis = \"area\" } ]";
const FIXED: &str = "parts = [ { percent = \"100\", basis = \"fixed\", fixed = { \"U-1\" = \"50\", \"U-2\" = \"30\", \"U-3\" = \"20\" } } ]";

/// A rule from May on, which the what-if takes as in force in February.
fn rule(folder: &Path, parts: &str) -> anyhow::Result<String> {
    let path = folder.join("rule.toml");
    let head = "[[rule]]\npool = \"pool\"\nversion = 2\nfrom = 2026-05-01\nunits = [\"U-1\", \"U-2\", \"U-3\"]\n";
    fs::write(&path, format!("{head}{parts}\n"))?;
    Ok(path.display().to_string())
}

#[test]
fn a_rule_shows_winners_and_losers_as_billing_would_make_them() -> anyhow::Result<()> {
    let temp = tempfile::tempdir()?;
    let case = cases::named("hand-area")?;
    let (out, site, other) = (temp.path().join("out"), temp.path().join("site"), temp.path().join("other"));
    run(&case.path, &case.until, &out, &[])?;
    let before = fs::read(out.join("log.db"))?;
    let (dir, file) = (out.display().to_string(), rule(temp.path(), FIXED)?);
    let (code, said) = command(&["what-if", &dir, "--month", "2026-02", "--rule", &file, "--json"])?;
    ensure!(code == 0, "exit {code}: {said}");
    let found: Value = serde_json::from_str(&said)?;
    // 3.00 over three days: 50, 30 and 20 % of it.
    let rows: Vec<String> = found["accounts"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|row| ["account", "billed", "what_if", "difference"].map(|key| row[key].as_str().unwrap_or("-")).join(" "))
        .collect();
    assert_eq!(rows, ["A-0 0.00 0.00 0.00", "A-1 1.00 1.50 0.50", "A-2 1.00 0.90 -0.10", "A-3 1.00 0.60 -0.40"]);
    let counts = ["winners", "losers", "unchanged"].map(|key| found[key].as_i64());
    assert_eq!(counts, [Some(2), Some(1), Some(1)]);
    assert_eq!((&found["totals"]["billed"], &found["totals"]["what_if"]), (&"3.00".into(), &"3.00".into()));
    assert_eq!((&found["conserved"], &found["from_moved_to_month"]), (&true.into(), &true.into()));
    assert_eq!(fs::read(out.join("log.db"))?, before, "nothing is appended");

    fs::create_dir(&site)?;
    for file in ["readings.csv", "recharges.csv"] {
        fs::copy(case.path.join(file), site.join(file))?;
    }
    let toml = fs::read_to_string(case.path.join("site.toml"))?;
    assert!(toml.contains(AREA));
    fs::write(site.join("site.toml"), toml.replace(AREA, FIXED))?;
    run(&site, &case.until, &other, &[])?;
    for ((account, _), bill) in bills(&other)? {
        let row = found["accounts"].as_array().into_iter().flatten().find(|row| row["account"] == account.as_str());
        assert_eq!(
            row.map(|row| &row["what_if"]),
            Some(&bill["totals"]["charges"]),
            "{account}: as billed by that rule"
        );
    }
    Ok(())
}

#[test]
fn what_cannot_be_is_refused_with_its_place() -> anyhow::Result<()> {
    let temp = tempfile::tempdir()?;
    let case = cases::named("hand-area")?;
    let out = temp.path().join("out");
    run(&case.path, &case.until, &out, &[])?;
    let (dir, file) = (out.display().to_string(), rule(temp.path(), &AREA.replace("100", "101"))?);
    let (code, said) = command(&["what-if", &dir, "--month", "2026-02", "--rule", &file])?;
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("rule.toml:6") && said.contains("more than 100 percent"), "{said}");
    fs::write(
        temp.path().join("tariff.toml"),
        "[[tariff]]\nid = \"t\"\nversion = 1\nfrom = 2026-02-01\ndefault_period = \"all\"\n\
         energy = [ { period = \"all\", tiers = [ { price = \"0.123456789\" } ] } ]\n",
    )?;
    let file = temp.path().join("tariff.toml").display().to_string();
    let (code, said) = command(&["what-if", &dir, "--month", "2026-02", "--tariff", &file])?;
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("tariff.toml:6") && said.contains("more than 8 decimals"), "{said}");
    let (code, said) = command(&["what-if", &dir, "--month", "2027-02", "--tariff", &file])?;
    assert_eq!(code, 2, "{said}");
    Ok(())
}
