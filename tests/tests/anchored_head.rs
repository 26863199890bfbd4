//! A log that lost events is not gone on with (PAINS 11, nats-io/nats-server#6888).

use std::fs;
use std::path::Path;

use anyhow::{Result, ensure};
use serde_json::json;
use services::identity::Role;
use tests::http;
use tests::served::{SITE, Served};

const START: &str = "2026-03-10T12:00:00Z";

fn pay(served: &Served, token: &str, receipt: &str) -> Result<()> {
    let body = json!({"amount": {"minor": 1000, "currency": "EUR"}, "reference": receipt});
    let path = format!("/api/v1/sites/{SITE}/accounts/A-1/recharges");
    let answer = http::post(served.server().http, &path, token, receipt, &body)?;
    ensure!(answer.status == 200, "{}", answer.body);
    Ok(())
}

/// The log's file with what stands beside it.
fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for file in ["log.db", "log.db-wal", "log.db-shm"] {
        match fs::copy(from.join(file), to.join(file)) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                fs::remove_file(to.join(file)).or_else(|error| match error.kind() {
                    std::io::ErrorKind::NotFound => Ok(()),
                    _ => Err(error),
                })?;
            }
            copied => drop(copied?),
        }
    }
    Ok(())
}

fn refusal(served: &mut Served) -> Result<String> {
    match served.try_open() {
        Ok(()) => anyhow::bail!("it starts"),
        Err(error) => Ok(error.to_string()),
    }
}

#[test]
fn a_log_that_lost_events_or_is_another_is_refused_and_a_copy_of_it_is_not() -> Result<()> {
    let mut served = Served::start("", START);
    let token = served.token("mia", Role::Manager, "");
    pay(&served, &token, "R-1")?;
    let position = |served: &Served| served.server().app.site(SITE).map_or(0, |site| site.desk.moment().position);
    let few = position(&served);
    served.stop();
    let (data, kept) = (served.data(), tempfile::tempdir()?);
    let (early, late) = (kept.path().join("early"), kept.path().join("late"));
    copy(&data, &early)?;
    served.try_open()?;
    pay(&served, &token, "R-2")?;
    let events = position(&served);
    served.stop();
    copy(&data, &late)?;

    // Rolled back to an earlier copy.
    copy(&early, &data)?;
    let said = refusal(&mut served)?;
    let head = data.join("head.json");
    ensure!(said.contains(&format!("log is shorter than anchored head {events}: it has {few} events")), "{said}");
    ensure!(said.contains("Bring back a copy") && said.contains(&head.display().to_string()), "{said}");

    // Deleted.
    for file in ["log.db", "log.db-wal", "log.db-shm"] {
        fs::remove_file(data.join(file)).ok();
    }
    let said = refusal(&mut served)?;
    ensure!(said.contains(&format!("anchored head {events}: it has 0 events")), "{said}");

    // As long, and another.
    copy(&early, &data)?;
    let anchored = fs::read(&head)?;
    fs::remove_file(&head)?;
    served.try_open()?;
    pay(&served, &token, "R-3")?;
    served.stop();
    fs::write(&head, &anchored)?;
    let said = refusal(&mut served)?;
    ensure!(said.contains(&format!("its first {events} events are not those that it had")), "{said}");

    // A head that nobody can read stands for events all the same.
    copy(&late, &data)?;
    fs::write(&head, b"{\"position\": 7")?;
    let said = refusal(&mut served)?;
    ensure!(said.contains("the anchored head cannot be read"), "{said}");

    // The second copy has all of them.
    fs::write(&head, &anchored)?;
    served.try_open()?;
    let back = position(&served);
    ensure!(back == events, "{back} of {events}");
    Ok(())
}
