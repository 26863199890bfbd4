//! `tallywatt tariff import-urdb`, and `tallywatt rate` by native tariffs.

use std::{fs, path::Path};

use anyhow::{Context, ensure};
use serde_json::Value;
use tests::{
    run::json,
    tariff_cases::{TariffCase, all},
};

/// Imports a case's tariff; gives what was not carried over.
fn import(case: &TariffCase, out: &Path) -> anyhow::Result<Vec<String>> {
    let (record, out) = (case.tariff.display().to_string(), out.display().to_string());
    let interval = case.expected["interval_minutes"].to_string();
    let line =
        ["tallywatt", "tariff", "import-urdb", &record, "--interval-minutes", &interval, "--out", &out, "--json"];
    let said = json(line)?;
    let lines = said["not_carried_over"].as_array().context("a list")?.iter().filter_map(Value::as_str);
    Ok(lines.map(str::to_owned).collect())
}

fn rate(tariff: &Path, load: &Path, more: &[&str]) -> anyhow::Result<Value> {
    let (tariff, load) = (tariff.display().to_string(), load.display().to_string());
    json(["tallywatt", "rate", "--tariff", &tariff, "--load", &load, "--json"].into_iter().chain(more.iter().copied()))
}

/// What must be equal. Demand is in the total: flat demand by month becomes demand by period.
const NUMBERS: [&str; 6] = ["kwh", "energy_charge", "fixed_charge", "minimum_topup", "total", "prorata_total"];

#[test]
fn what_is_carried_over_whole_costs_the_same_to_the_last_digit() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let tariff = folder.path().join("tariff.toml");
    let mut whole = 0;
    for case in all()? {
        let lost = import(&case, &tariff).with_context(|| case.name.clone())?;
        for tiers in ["chronological", "prorata"] {
            let native = rate(&tariff, &case.load, &["--tiers", tiers]).with_context(|| case.name.clone())?;
            if lost.iter().any(|line| !line.contains("amounts are the same")) {
                continue;
            }
            let urdb = rate(&case.tariff, &case.load, &["--tiers", tiers])?;
            for month in 0..12 {
                for name in NUMBERS {
                    let (ours, theirs) = (&native["months"][month][name], &urdb["months"][month][name]);
                    ensure!(ours == theirs, "{} {tiers} month {month} {name}: {ours}, not {theirs}", case.name);
                }
            }
            for name in NUMBERS {
                let (ours, theirs) = (&native["annual"][name], &urdb["annual"][name]);
                ensure!(ours == theirs, "{} {tiers} annual {name}: {ours}, not {theirs}", case.name);
            }
            whole += 1;
        }
    }
    assert_eq!(whole, 2 * WHOLE);
    Ok(())
}

/// Cases whose tariff is carried over whole.
const WHOLE: usize = 42;

#[test]
fn what_is_not_carried_over_is_said() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let check = |record: &str, wanted: &[&str]| -> anyhow::Result<()> {
        let path = folder.path().join("record.json");
        fs::write(&path, record)?;
        let case = TariffCase {
            name: String::new(),
            tariff: path,
            load: Path::new("").to_owned(),
            expected: serde_json::json!({"interval_minutes": 15}),
        };
        let out = folder.path().join("out.toml");
        let lost = import(&case, &out)?;
        ensure!(lost.len() == wanted.len(), "{record}: {lost:?}");
        for (line, wanted) in lost.iter().zip(wanted) {
            ensure!(line.contains(wanted), "{record}: {line}");
            ensure!(fs::read_to_string(&out)?.contains(&format!("# not carried over: {line}\n")), "{line}");
        }
        Ok(())
    };
    let with = |more: &str| format!(r#"{{"energyratestructure":[[{{"rate":0.1}}]],{more}}}"#);
    check(&with(r#""fixedchargefirstmeter":5,"fixedchargeunits":"$/month""#), &[])?;
    check(&with(r#""fixedchargefirstmeter":5,"fixedchargeunits":"$/day""#), &["365/12"])?;
    check(&with(r#""fixedchargefirstmeter":5,"fixedchargeunits":"$/year""#), &["5/12 is rounded to 0.41666667"])?;
    check(&with(r#""mincharge":5,"minchargeunits":"$/year""#), &["mincharge: a minimum of the year"])?;
    check(&with(r#""coincidentratestructure":[]"#), &["coincidentratestructure: not charged"])?;
    check(r#"{"energyratestructure":[[{"rate":0.123456789}]]}"#, &["0.123456789 is rounded to 0.12345679"])?;
    check(r#"{"energyratestructure":[[{"rate":1,"max":10,"unit":"kWh daily"},{}]]}"#, &["28 days"])?;
    let hours = format!("[{}]", vec![format!("[{}]", ["0,1"; 12].join(",")); 12].join(","));
    let demand = format!(
        r#"{{"energyratestructure":[[{{}}],[{{}}]],"energyweekdayschedule":{hours},"demandratestructure":[[{{"rate":1}}]]}}"#
    );
    check(&demand, &["demandratestructure: period 0 spans several energy periods"])
}

const TARIFF: &str = "[[tariff]]
id = \"home\"
version = 1
from = 2018-01-01
default_period = \"all\"
energy = [ { period = \"all\", tiers = [ { up_to_kwh = \"1\", price = \"0.2\" }, { price = \"0.3\" } ] } ]
";

/// Rates two hours of 1.5 kWh by a native tariff as written, in a zone.
fn hours(tariff: &str, more: &[&str]) -> anyhow::Result<Value> {
    let folder = tempfile::tempdir()?;
    let (path, load) = (folder.path().join("tariff.toml"), folder.path().join("load.csv"));
    fs::write(&path, tariff)?;
    fs::write(&load, "start_local,kwh\n2018-01-31T22:00,1.5\n2018-01-31T23:00,1.5\n")?;
    rate(&path, &load, more)
}

#[test]
fn a_native_tariff_is_refused_with_its_line_and_the_mend() {
    let check = |tariff: &str, more: &[&str], wanted: &str| {
        let error = hours(tariff, more).expect_err(wanted).to_string();
        assert!(error.contains(wanted) && error.contains("exit 2") && error.contains("mend: "), "{error}");
    };
    let edit = |from: &str, to: &str| TARIFF.replace(from, to);
    check(&edit("\"1\"", "\"0\""), &[], "tariff.toml: line 6: [[tariff]] energy");
    check(&edit("0.3", "0.333333333"), &[], "more than 8 decimals");
    check(&edit("0.3", "-0.3"), &[], "negative");
    check(&edit("{ period = \"all\"", "{ period = \"al\""), &[], "line 6");
    check(&format!("{TARIFF}{TARIFF}"), &[], "line 9: [[tariff]] version: version 1 of 'home' is there twice");
    check(&format!("{TARIFF}{}", edit("home", "shop")), &[], "has the tariffs 'home', 'shop'");
    check(TARIFF, &["--id", "hom"], "has no tariff 'hom'");
    check(&edit("2018-01-01", "2018-02-01"), &[], "in force from 2018-02-01");
    check("", &[], "there is none");
    check("a b", &[], "line 1");
}

#[test]
fn a_native_tariff_rates_without_rounding() -> anyhow::Result<()> {
    let bill = hours(TARIFF, &["--zone", "Asia/Shanghai"])?;
    assert_eq!(bill["months"][0]["total"], "0.8");
    assert_eq!(bill["months"][0]["use_kwh"]["all"], serde_json::json!(["1", "2"]));
    let two = format!("{TARIFF}{}", TARIFF.replace("home", "shop").replace("0.3", "0.12345678"));
    assert_eq!(hours(&two, &["--id", "shop"])?["annual"]["total"], "0.44691356");
    Ok(())
}
