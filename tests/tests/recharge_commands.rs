//! `tallywatt recharge`: cash, refunds, suspense and the bank's statement, on the log of a run.

use std::{fs, path::Path};

use anyhow::ensure;
use serde_json::Value;
use tests::run::command;
use tests::site;

const AT: &str = "2026-04-03T09:00:00Z";

/// A run of two flats to the end of March: A-1 has moved out on 25 March, A-2 stays; with further tables and recharges.
fn played(folder: &Path, tables: &str, recharges: &str) -> anyhow::Result<String> {
    let site = folder.join("site");
    fs::create_dir(&site)?;
    let flats = [1, 2].map(|number| site::flat(number, "2026-03-01T00:00:00Z", "t")).concat();
    let lease = "account = \"A-1\"\nunit = \"U-1\"\nfrom = 2026-03-01T00:00:00Z\n";
    let flats = flats.replace(lease, &format!("{lease}until = 2026-03-25T00:00:00Z\n"));
    let toml = [site::head("UTC", "EUR"), site::one_price("t", "0.30"), flats, tables.to_owned()].concat();
    fs::write(site.join("site.toml"), toml)?;
    let readings = "time,meter,kwh\n2026-03-25T00:00:00Z,M-1,100\n2026-04-01T00:00:00Z,M-1,100\n\
                    2026-04-01T00:00:00Z,M-2,50\n";
    fs::write(site.join("readings.csv"), readings)?;
    fs::write(site.join("recharges.csv"), format!("time,account,amount,reference,kind\n{recharges}"))?;
    let out = folder.join("out");
    tests::run::run(&site, "2026-04-02T00:00:00Z", &out, &[])?;
    Ok(out.display().to_string())
}

/// Runs a command that ends with a code, with `--json`; what it says.
fn said(code: u8, args: &[&str]) -> anyhow::Result<Value> {
    let (got, said) = command(&[&["recharge"], args, &["--json"]].concat())?;
    ensure!(got == code, "{args:?}: exit {got}: {said}");
    Ok(serde_json::from_str(&said)?)
}

/// Runs a command that is refused as bad input; why.
fn refused(args: &[&str]) -> anyhow::Result<String> {
    let (code, said) = command(&[&["recharge"], args].concat())?;
    ensure!(code == 2, "{args:?}: exit {code}: {said}");
    Ok(said)
}

/// The rows of `recharge list`: reference, account, amount, state.
fn list(dir: &str) -> anyhow::Result<Vec<[String; 4]>> {
    let list = said(0, &["list", dir])?;
    let rows = list["recharges"].as_array().cloned().unwrap_or_default();
    let text = |row: &Value, key: &str| row[key].as_str().unwrap_or_default().to_owned();
    Ok(rows.iter().map(|row| ["reference", "account", "amount", "state"].map(|key| text(row, key))).collect())
}

fn cash<'a>(dir: &'a str, amount: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let args = ["cash", dir, "--account", "A-2", "--amount", amount, "--receipt", "117", "--by", "j.moore", "--at", AT];
    [&args[..], more].concat()
}

#[test]
fn cash_is_credited_once_for_each_receipt() -> anyhow::Result<()> {
    let temp = tempfile::tempdir()?;
    let dir = played(temp.path(), "", "")?;
    let dry = said(0, &cash(&dir, "50.00", &[]))?;
    assert_eq!((&dry["appended"], &dry["postings"][0]["amount"]), (&Value::Bool(false), &"50.00".into()));
    assert_eq!(list(&dir)?, Vec::<[String; 4]>::new());
    said(0, &cash(&dir, "50.00", &["--yes"]))?;
    let again = said(0, &cash(&dir, "50.00", &["--yes"]))?;
    assert_eq!(again["known"], true);
    let other = refused(&cash(&dir, "60.00", &["--yes"]))?;
    assert!(other.contains("OtherAmount"), "{other}");
    assert_eq!(list(&dir)?, [["cash:117", "A-2", "50.00", "credited"].map(str::to_owned)]);
    for bad in ["0", "-5", "1.005", "1e3", "many"] {
        let why = refused(&["cash", &dir, "--account", "A-2", "--amount", bad, "--receipt", "9", "--by", "j"]);
        assert!(why.is_ok() || bad.starts_with('-'), "{bad}");
    }
    assert!(
        refused(&["cash", &dir, "--account", "A-9", "--amount", "1", "--receipt", "9", "--by", "j"])?.contains("A-9")
    );
    Ok(())
}

/// PAINS 25: a clerk cannot approve his own credit.
#[test]
fn pain_25_a_clerk_cannot_approve_his_own_credit() -> anyhow::Result<()> {
    let temp = tempfile::tempdir()?;
    let site = temp.path().join("site");
    let dir = played(temp.path(), "", "")?;
    let toml = fs::read_to_string(site.join("site.toml"))?.replacen("[site]\n", "[site]\napprovals = 2\n", 1);
    fs::write(site.join("site.toml"), toml)?;
    fs::remove_dir_all(&dir)?;
    tests::run::run(&site, "2026-04-02T00:00:00Z", Path::new(&dir), &[])?;
    let proposed = said(0, &cash(&dir, "50.00", &["--yes"]))?;
    assert_eq!(proposed["proposed"], true);
    assert_eq!(list(&dir)?, Vec::<[String; 4]>::new());
    let id = proposed["change"].as_str().unwrap_or_default().to_owned();
    let approve = |by: &str| command(&["approve", &dir, "--proposal", &id, "--by", by, "--at", AT, "--yes"]);
    let (code, own) = approve("J.Moore")?;
    assert!(code == 2 && own.contains("someone else"), "{own}");
    assert_eq!(approve("m.roe")?.0, 0);
    assert_eq!(list(&dir)?, [["cash:117", "A-2", "50.00", "credited"].map(str::to_owned)]);
    Ok(())
}

#[test]
fn a_refund_is_of_the_settled_balance_at_most() -> anyhow::Result<()> {
    let temp = tempfile::tempdir()?;
    let paid = "2026-03-02T00:00:00Z,A-1,40.00,R-1,recharge\n2026-03-02T00:00:00Z,A-2,20.00,R-2,recharge\n";
    let dir = played(temp.path(), "", paid)?;
    let by = ["--by", "j.moore", "--reason", "moved out", "--at", AT];
    let refund = |account: &'static str, more: &[&'static str]| {
        [&["refund", &dir, "--account", account][..], &by, more]
            .concat()
            .into_iter()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let texts = |args: &[String]| args.iter().map(String::as_str).map(str::to_owned).collect::<Vec<_>>();
    let ok = |args: Vec<String>| said(0, &texts(&args).iter().map(String::as_str).collect::<Vec<_>>());
    let no = |args: Vec<String>| refused(&args.iter().map(String::as_str).collect::<Vec<_>>());
    let dry = ok(refund("A-1", &[]))?;
    assert_eq!((&dry["what_if"]["balance"], &dry["what_if"]["after"]), (&"10.00".into(), &"0.00".into()));
    assert!(no(refund("A-1", &["--amount", "10.01"]))?.contains("10.00"));
    assert!(no(refund("A-2", &[]))?.contains("still leases"));
    ok(refund("A-2", &["--amount", "5.00", "--yes"]))?;
    ok(refund("A-1", &["--yes"]))?;
    assert!(no(refund("A-1", &["--yes"]))?.contains("0.00"), "all is paid back");
    assert_eq!(list(&dir)?.iter().filter(|row| row[3] == "refund").count(), 2);
    Ok(())
}

/// The recharges that the statements name, but for R-1004, which came back.
const PAID: &str = "2026-03-03T10:00:00Z,A-1,50.00,R-1001,recharge\n2026-03-05T10:00:00Z,A-2,30.00,R-1002,recharge\n\
                    2026-03-16T08:00:00Z,A-1,60.00,R-1003,recharge\n2026-03-16T08:00:00Z,A-2,50.00,R-1004,recharge\n\
                    2026-03-20T08:00:00Z,A-2,50.00,R-1004,reversal\n";

fn statement(version: &str) -> String {
    format!("{}/statements/march.{version}.xml", env!("CARGO_MANIFEST_DIR"))
}

fn verdicts(said: &Value) -> Vec<String> {
    let rows = said["rows"].as_array().cloned().unwrap_or_default();
    rows.iter().map(|row| row["verdict"].as_str().unwrap_or_default().to_owned()).collect()
}

#[test]
fn a_statement_is_reconciled_and_the_second_time_changes_nothing() -> anyhow::Result<()> {
    for version in ["02", "08"] {
        let temp = tempfile::tempdir()?;
        let dir = played(temp.path(), "", PAID)?;
        let file = statement(version);
        let found = said(1, &["reconcile", &dir, "--statement", &file])?;
        let wanted = ["matched", "matched", "unmatched", "matched", "matched", "matched"];
        assert_eq!(verdicts(&found), wanted, "{version}: {found}");
        let one = &found["statements"][0];
        assert_eq!((&one["opening"], &one["closing"]), (&"1000.00".into(), &"1210.50".into()));
        assert_eq!((&one["credits"], &one["debits"]), (&"260.50".into(), &"-50.00".into()));
        assert_eq!(found["missing"].as_array().map(Vec::len), Some(0));
        let post = ["reconcile", &dir, "--statement", &file, "--post-unmatched", "--by", "j.moore", "--at", AT];
        let dry = said(0, &post)?;
        assert_eq!(dry["appended"], false);
        said(0, &[&post[..], &["--yes"]].concat())?;
        let events = fs::read(Path::new(&dir).join("log.db"))?;
        let there = said(0, &["suspense", "list", &dir])?;
        assert_eq!(there["suspense"][0]["payment"], "bank:2026030900003");
        assert_eq!(there["suspense"][0]["said"], "statement: Strom <Wohnung hinten>");
        let again = said(0, &[&post[..], &["--yes"]].concat())?;
        assert_eq!(verdicts(&again), ["matched"; 6]);
        assert_eq!(fs::read(Path::new(&dir).join("log.db"))?, events, "the second time changes nothing");
        let resolve = ["suspense", "match", &dir, "--payment", "bank:2026030900003", "--account", "A-2"];
        let by = ["--by", "j.moore", "--reason", "the payer rang up", "--at", AT, "--yes"];
        said(0, &[&resolve[..], &by].concat())?;
        assert_eq!(said(0, &["suspense", "list", &dir])?["suspense"], Value::Array(Vec::new()));
        let back = ["suspense", "return", &dir, "--payment", "bank:2026030900003"];
        assert!(refused(&[&back[..], &by].concat())?.contains("not in suspense"));
        assert!(list(&dir)?.contains(&["bank:2026030900003", "A-2", "70.50", "credited"].map(str::to_owned)));
    }
    Ok(())
}

#[test]
fn what_is_missing_and_what_comes_twice_is_named() -> anyhow::Result<()> {
    let temp = tempfile::tempdir()?;
    let dir = played(temp.path(), "", &format!("{PAID}2026-03-10T00:00:00Z,A-1,7.00,R-1005,recharge\n"))?;
    let file = temp.path().join("rows.csv");
    let rows = "Booked,Amount,Ref,Purpose\n2026-03-03,50.00,R-1001,\n2026-03-04,50.00,R-1001,again\n\
                2026-03-05,31.00,R-1002,\n2026-03-16,60.00,,for R-1003\n2026-03-16,50.00,R-1004,\n2026-03-20,-50,R-1004,\n";
    fs::write(&file, rows)?;
    let path = file.display().to_string();
    let map = "date=Booked,amount=Amount,reference=Ref,text=Purpose";
    let found = said(1, &["reconcile", &dir, "--statement", &path, "--columns", map])?;
    let wanted = ["matched", "duplicate", "other_amount", "matched", "matched", "matched"];
    assert_eq!(verdicts(&found), wanted, "{found}");
    let missing: Vec<_> = found["missing"].as_array().into_iter().flatten().map(|one| &one["reference"]).collect();
    assert_eq!(missing, ["R-1002", "R-1005"]);
    let only = said(0, &["reconcile", &dir, "--statement", &path, "--columns", map, "--month", "2026-04"])?;
    assert!(verdicts(&only).is_empty());
    Ok(())
}

#[test]
fn a_statement_that_cannot_be_read_names_file_line_and_field() -> anyhow::Result<()> {
    let temp = tempfile::tempdir()?;
    let dir = played(temp.path(), "", "")?;
    let good = fs::read_to_string(statement("02"))?;
    let wrong = |name: &str, text: &str, args: &[&str]| -> anyhow::Result<String> {
        let path = temp.path().join(name);
        fs::write(&path, text)?;
        let path = path.display().to_string();
        refused(&[&["reconcile", &dir, "--statement", &path], args].concat())
    };
    for (from, to, said) in [
        ("\"EUR\">70.50", "\"EUR\">70.51", "does not add up"),
        ("\"EUR\">70.50", "\"EUR\">70,50", "line 59: Amt is '70,50'"),
        ("\"EUR\">70.50", "\"USD\">70.50", "'USD'"),
        ("<Amt Ccy=\"EUR\">70.50</Amt>\n", "", "Ntry/Amt is missing"),
        ("<BookgDt><Dt>2026-03-09", "<BookgDt><Dt>9 March", "BookgDt has no date"),
        ("</Document>", "", "line"),
    ] {
        let why = wrong("bad.xml", &good.replacen(from, to, 1), &[])?;
        assert!(why.contains(said) && why.contains("bad.xml"), "{said}: {why}");
    }
    let why = wrong("bad.csv", "date,amount\n2026-03-01,1.00\n2026-03-02,1.005\n", &[])?;
    assert!(why.contains("bad.csv: line 3: amount is '1.005'"), "{why}");
    let why = wrong("bad.csv", "day,amount\n", &[])?;
    assert!(why.contains("line 1: date is in no column 'date'"), "{why}");
    Ok(())
}
