//! What is one command stays one, by whatever surface it comes: a key, and what is said of supply.

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use services::identity::Role;
use tests::http::{self, Answer};
use tests::run::command;
use tests::served::{SITE, Served};

const AT: &str = "2026-03-05T12:00:00Z";

fn euros(minor: i64) -> Value {
    json!({"minor": minor, "currency": "EUR"})
}

fn post(served: &Served, token: &str, key: &str, path: &str, body: &Value) -> Result<Answer> {
    http::post(served.server().http, &format!("/api/v1/sites/{SITE}{path}"), token, key, body)
}

fn balance(served: &Served, token: &str) -> Result<i64> {
    let path = format!("/api/v1/sites/{SITE}/accounts/A-1/balance");
    let answer = http::get(served.server().http, &path, token)?.json()?;
    answer["balance"]["minor"].as_i64().with_context(|| answer.to_string())
}

/// A console over the log of a service that does not run.
struct Console {
    folder: tempfile::TempDir,
    log: String,
}

impl Console {
    fn at(served: &mut Served) -> Result<Self> {
        served.stop();
        Ok(Self { folder: tempfile::tempdir()?, log: served.data().join("log.db").display().to_string() })
    }

    fn ask(&self, words: &[&str], more: &[&str]) -> Result<(u8, String)> {
        let dir = self.folder.path().display().to_string();
        command(&[words, &[&dir, "--log", &self.log, "--at", AT, "--by", "m.roe", "--json", "--yes"], more].concat())
    }

    fn post(&self, key: &str, amount: &str, reference: &str) -> Result<(u8, String)> {
        let posting = format!("A-1={amount}");
        let words = ["--post", &posting, "--reference", reference, "--reason", "goodwill", "--key", key];
        self.ask(&["correct"], &words)
    }
}

#[test]
fn a_key_is_one_change_over_http_and_at_the_console() -> Result<()> {
    let mut served = Served::start("", AT);
    let clerk = served.token("m.roe", Role::Manager, "");
    let credit = |minor, reference: &str| json!({"amount": euros(minor), "reference": reference, "reason": "goodwill"});
    let path = "/accounts/A-1/postings";
    let first = post(&served, &clerk, "k-1", path, &credit(250, "P-7"))?.json()?;

    let console = Console::at(&mut served)?;
    let (code, said) = console.post("k-1", "2.50", "P-7")?;
    ensure!(code == 0, "{said}");
    let again: Value = serde_json::from_str(&said)?;
    assert_eq!((&again["repeated"], &again["change"]), (&json!(true), &first["events"][0]), "{again}");
    assert_eq!(again["events"][0], first["events"][1]);
    let (code, said) = console.post("k-1", "2.60", "P-7")?;
    ensure!(code == 2 && said.contains("was used for another command"), "{code}: {said}");
    let (code, said) = console.post("k-2", "1.00", "P-8")?;
    ensure!(code == 0, "{said}");
    let second: Value = serde_json::from_str(&said)?;
    assert_eq!(second["repeated"], json!(false));

    served.again();
    let again = post(&served, &clerk, "k-2", path, &credit(100, "P-8"))?;
    ensure!(again.headers.contains_key("idempotent-replayed"), "{}", again.body);
    assert_eq!(again.json()?["events"][0], second["change"]);
    let other = post(&served, &clerk, "k-2", path, &credit(101, "P-8"))?;
    assert_eq!((other.status, other.code().as_str()), (409, "key_reused"));
    assert_eq!(balance(&served, &clerk)?, 350, "each was made once");

    // The same of tables, which are rehearsed: once each, in either order.
    let lease = json!({"account": "A-2", "unit": "U-2", "from": "2026-03-01T00:00:00Z",
        "until": "2026-03-20T00:00:00Z", "reason": "moves out"});
    let made = post(&served, &clerk, "k-3", "/leases", &lease)?.json()?;
    let console = Console::at(&mut served)?;
    let file = console.folder.path().join("lease.toml");
    let table =
        "[[lease]]\naccount = \"A-2\"\nunit = \"U-2\"\nfrom = 2026-03-01T00:00:00Z\nuntil = 2026-03-20T00:00:00Z\n";
    std::fs::write(&file, table)?;
    let file = file.display().to_string();
    let words = ["--file", &file, "--reason", "moves out", "--key", "k-3"];
    let (code, said) = console.ask(&["correct"], &words)?;
    ensure!(code == 0, "{said}");
    let again: Value = serde_json::from_str(&said)?;
    assert_eq!((&again["repeated"], &again["change"]), (&json!(true), &made["events"][0]), "{again}");
    Ok(())
}

#[test]
fn what_is_said_of_supply_under_a_used_key_is_a_conflict() -> Result<()> {
    let mut served = Served::start("", AT);
    let clerk = served.token("m.roe", Role::Manager, "");
    let protect = json!({"reason": "a medical need"});
    let first = post(&served, &clerk, "k-1", "/points/P-1/protect", &protect)?.json()?;
    let console = Console::at(&mut served)?;
    let say =
        |point: &str, reason: &str| console.ask(&["supply", "protect"], &[point, "--reason", reason, "--key", "k-1"]);
    let (code, said) = say("P-1", "a medical need")?;
    ensure!(code == 0 && said.contains(first["events"][0].as_str().context("an id")?), "{said}");
    for (point, reason) in [("P-2", "a medical need"), ("P-1", "a lift")] {
        let (code, said) = say(point, reason)?;
        ensure!(code == 2 && said.contains("was used for another command"), "{point}, {reason}: {code}: {said}");
    }
    Ok(())
}
