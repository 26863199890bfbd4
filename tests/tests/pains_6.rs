//! Corrections have a way back (killbill/killbill#1949, #154, GaloyMoney/cala#744):
//! correct, undo, correct by the commands gives the bills of the hand-made case,
//! and the trail shows all three, each with reason and author.

use std::{fs, path::Path};

use anyhow::{Context, ensure};
use serde_json::Value;
use tests::run::{bills, command};

/// Runs a command that must be done, with `--json`; what it says.
fn done(args: &[&str]) -> anyhow::Result<Value> {
    let (code, said) = command(&[args, &["--json"]].concat())?;
    ensure!(code == 0, "{args:?}: exit {code}: {said}");
    Ok(serde_json::from_str(&said)?)
}

/// Runs a command that must be refused as bad input; what it says.
fn refused(args: &[&str]) -> anyhow::Result<String> {
    let (code, said) = command(args)?;
    ensure!(code == 2, "{args:?}: exit {code}: {said}");
    Ok(said)
}

/// The hand-made case without what was corrected later.
fn uncorrected(folder: &Path) -> anyhow::Result<()> {
    let case = tests::cases::named("hand-correct-undo-correct")?;
    let toml = fs::read_to_string(case.path.join("site.toml"))?;
    let kept = toml.split("\n[[").filter(|table| !table.contains("\nreceived = ") && !table.starts_with("posting"));
    fs::write(folder.join("site.toml"), kept.collect::<Vec<_>>().join("\n[["))?;
    for file in ["readings.csv", "recharges.csv"] {
        fs::copy(case.path.join(file), folder.join(file))?;
    }
    Ok(())
}

fn tariff(folder: &Path, price: &str) -> anyhow::Result<String> {
    version(folder, price, 1)
}

fn version(folder: &Path, price: &str, version: i64) -> anyhow::Result<String> {
    let path = folder.join(format!("{price}.toml"));
    let text = format!(
        "[[tariff]]\nid = \"t\"\nversion = {version}\nfrom = 2026-02-01\ndefault_period = \"all\"\n\
         energy = [ {{ period = \"all\", tiers = [ {{ price = \"{price}\" }} ] }} ]\n"
    );
    fs::write(&path, text)?;
    Ok(path.display().to_string())
}

fn change_of(said: &Value) -> anyhow::Result<String> {
    Ok(said["change"].as_str().with_context(|| said.to_string())?.to_owned())
}

#[test]
fn correct_undo_correct_ends_at_the_last_and_keeps_all_three() -> anyhow::Result<()> {
    let temp = tempfile::tempdir()?;
    let (site, out, oracle) = (temp.path().join("site"), temp.path().join("out"), temp.path().join("oracle"));
    fs::create_dir(&site)?;
    uncorrected(&site)?;
    tests::run::run(&site, "2026-03-02T00:00:00Z", &out, &[])?;
    let dir = out.display().to_string();
    let first_bill = fs::read(out.join("bills/A-1/2026-02.json"))?;
    let (a, b) = (tariff(temp.path(), "0.25")?, tariff(temp.path(), "0.22")?);
    let reading = "M-2@2026-02-04T00:00:00Z";
    let by = |at: &'static str, reason: &'static str| ["--by", "j.moore", "--reason", reason, "--at", at, "--yes"];

    let march = "2026-03-05T09:00:00Z";
    let dear = done(&[&["correct", &dir, "--file", &a][..], &by(march, "the notice said 0.25")].concat())?;
    assert_eq!(dear["charges"][0]["difference"], "0.50", "{dear}");
    let spike = done(&[&["correct", &dir, "--withdraw", reading][..], &by(march, "looks like a spike")].concat())?;
    assert_eq!(spike["charges"][0]["difference"], "-2.00", "{spike}");
    let post = ["correct", &dir, "--post", "A-2=1.50", "--reference", "P1"];
    done(&[&post[..], &by("2026-03-10T09:00:00Z", "goodwill")].concat())?;
    let again = refused(&[&post[..], &by("2026-03-11T09:00:00Z", "goodwill")].concat())?;
    assert!(again.contains("P1"), "{again}");

    let april = "2026-04-05T09:00:00Z";
    let (dear, spike) = (change_of(&dear)?, change_of(&spike)?);
    done(&[&["undo", &dir, "--event", &dear][..], &by(april, "the notice was void")].concat())?;
    done(&[&["undo", &dir, "--event", &spike][..], &by(april, "the tenant says it is right")].concat())?;
    let twice = refused(&[&["undo", &dir, "--event", &dear][..], &by(april, "again")].concat())?;
    assert!(twice.contains("said anew by event"), "{twice}");

    let may = "2026-05-05T09:00:00Z";
    done(&[&["correct", &dir, "--file", &b][..], &by(may, "the court said 0.22")].concat())?;
    done(&[&["correct", &dir, "--withdraw", reading][..], &by(may, "the meter was tested")].concat())?;
    done(&["settle", &dir, "--until", "2026-06-02T00:00:00Z"])?;

    let case = tests::cases::named("hand-correct-undo-correct")?;
    tests::run::run(&case.path, &case.until, &oracle, &[])?;
    assert_eq!(bills(&out)?, bills(&oracle)?, "the commands give what the folder gives");
    assert_eq!(fs::read(out.join("bills/A-1/2026-02.json"))?, first_bill, "an issued bill never changes");

    for (chain, reasons) in [
        ("tariff/t", ["the notice said 0.25", "the notice was void", "the court said 0.22"]),
        ("meter/M-2", ["looks like a spike", "the tenant says it is right", "the meter was tested"]),
    ] {
        let trail = done(&["audit", "changes", &dir, chain])?;
        let changes = trail["changes"].as_array().context("a list")?;
        let of = |name: &str| changes.iter().filter_map(|one| one[name].as_str()).collect::<Vec<_>>();
        assert_eq!(of("reason"), reasons, "{chain}");
        assert_eq!(of("by"), ["j.moore"; 3], "{chain}");
        assert_eq!(of("kind"), ["correct", "undo", "correct"], "{chain}");
        assert_eq!(changes[1]["reverses"], changes[0]["id"], "{chain}: the undo names what it reverses");
    }
    let replay = done(&["replay", &dir])?;
    assert_eq!(replay["differences"], 0);
    Ok(())
}

#[test]
fn a_new_version_that_is_undone_never_comes_into_force() -> anyhow::Result<()> {
    let temp = tempfile::tempdir()?;
    let (site, out, without) = (temp.path().join("site"), temp.path().join("out"), temp.path().join("without"));
    fs::create_dir(&site)?;
    uncorrected(&site)?;
    tests::run::run(&site, "2026-05-02T00:00:00Z", &without, &[])?;
    tests::run::run(&site, "2026-03-02T00:00:00Z", &out, &[])?;
    let dir = out.display().to_string();
    let second = version(temp.path(), "0.30", 2)?;
    let by = |at: &'static str, reason: &'static str| ["--by", "j.moore", "--reason", reason, "--at", at, "--yes"];
    let publish = ["publish", &dir, "--tariff", &second, "--month", "2026-02"];
    let march = by("2026-03-05T09:00:00Z", "new prices");
    let published = done(&[&publish[..], &march].concat())?;
    assert_ne!(published["what_if"]["totals"]["difference"], "0.00", "{published}");
    let change = change_of(&published)?;
    done(&[&["undo", &dir, "--event", &change][..], &by("2026-03-25T09:00:00Z", "never agreed")].concat())?;
    done(&["settle", &dir, "--until", "2026-05-02T00:00:00Z"])?;
    assert_eq!(bills(&out)?, bills(&without)?, "as if it had never been published");
    assert_eq!(done(&["replay", &dir])?["differences"], 0);
    Ok(())
}

#[test]
fn a_dry_run_and_a_refusal_write_nothing() -> anyhow::Result<()> {
    let temp = tempfile::tempdir()?;
    let (site, out) = (temp.path().join("site"), temp.path().join("out"));
    fs::create_dir(&site)?;
    uncorrected(&site)?;
    tests::run::run(&site, "2026-03-02T00:00:00Z", &out, &[])?;
    let dir = out.display().to_string();
    let before = fs::read(out.join("log.db"))?;
    let a = tariff(temp.path(), "0.25")?;
    let at = ["--by", "j.moore", "--reason", "a try", "--at", "2026-03-05T09:00:00Z"];
    let dry = done(&[&["correct", &dir, "--file", &a][..], &at].concat())?;
    assert_eq!(dry["appended"], false);
    let lease = temp.path().join("lease.toml");
    fs::write(&lease, "[[lease]]\naccount = \"A-2\"\nunit = \"U-1\"\nfrom = 2026-02-20T00:00:00Z\n")?;
    let overlap = refused(&[&["correct", &dir, "--file", &lease.display().to_string(), "--yes"][..], &at].concat())?;
    assert!(overlap.contains("two leases") && overlap.contains("lease.toml:1"), "{overlap}");
    let nothing = ["correct", &dir, "--withdraw", "M-2@2026-02-05T00:00:00Z", "--yes"];
    let nothing = refused(&[&nothing[..], &at].concat())?;
    assert!(nothing.contains("no accepted reading"), "{nothing}");
    let early =
        ["correct", &dir, "--file", &a, "--yes", "--by", "j.moore", "--reason", "r", "--at", "2026-02-05T09:00:00Z"];
    let early = refused(&early)?;
    assert!(early.contains("later --at"), "{early}");
    assert_eq!(fs::read(out.join("log.db"))?, before, "not one byte of the log");
    Ok(())
}

#[test]
fn a_second_person_approves_and_the_first_cannot() -> anyhow::Result<()> {
    let temp = tempfile::tempdir()?;
    let (site, out) = (temp.path().join("site"), temp.path().join("out"));
    fs::create_dir(&site)?;
    uncorrected(&site)?;
    let toml = fs::read_to_string(site.join("site.toml"))?;
    fs::write(site.join("site.toml"), toml.replacen("id = \"hand\"", "id = \"hand\"\napprovals = 2", 1))?;
    tests::run::run(&site, "2026-03-02T00:00:00Z", &out, &[])?;
    let dir = out.display().to_string();
    let a = tariff(temp.path(), "0.25")?;
    let publish = ["publish", &dir, "--tariff", &a, "--by", "j.moore", "--reason", "new prices", "--month", "2026-02"];
    let dry = done(&[&publish[..], &["--at", "2026-03-05T09:00:00Z"]].concat())?;
    assert_eq!((&dry["appended"], &dry["proposed"]), (&Value::from(false), &Value::from(true)));
    assert_eq!(dry["what_if"]["totals"]["difference"], "0.50", "{dry}");
    let proposed = done(&[&publish[..], &["--at", "2026-03-05T09:00:00Z", "--yes"]].concat())?;
    let id = change_of(&proposed)?;
    done(&["settle", &dir, "--until", "2026-04-02T00:00:00Z"])?;
    let march = bills(&out)?.remove(&("A-1".to_owned(), "2026-03".to_owned())).context("a bill")?;
    assert_eq!(march["adjustments"], Value::Array(Vec::new()), "a proposal has no effect");

    let at = ["--at", "2026-04-05T09:00:00Z", "--yes"];
    let own = refused(&[&["approve", &dir, "--proposal", &id, "--by", "J.Moore"][..], &at].concat())?;
    assert!(own.contains("someone else"), "{own}");
    done(&[&["approve", &dir, "--proposal", &id, "--by", "m.roe"][..], &at].concat())?;
    let twice = refused(&[&["approve", &dir, "--proposal", &id, "--by", "m.roe"][..], &at].concat())?;
    assert!(twice.contains("approved before"), "{twice}");
    done(&["settle", &dir, "--until", "2026-05-02T00:00:00Z"])?;
    let april = bills(&out)?.remove(&("A-1".to_owned(), "2026-04".to_owned())).context("a bill")?;
    assert_eq!(april["adjustments"][0]["amount"], "0.50");
    let trail = done(&["audit", "changes", &dir, "tariff/t"])?;
    let last = trail["changes"].as_array().and_then(|all| all.last()).context("a change")?;
    assert_eq!((&last["by"], &last["approver"]), (&Value::from("j.moore"), &Value::from("m.roe")));
    Ok(())
}
