//! What is owed to tenants at a date: the page, the read and the journal export give the same.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use anyhow::{Context as _, Result, ensure};
use domain::event::SiteId;
use domain::quantity::Instant;
use serde_json::{Value, json};
use services::identity::{Grant, Role};
use tests::http;
use tests::instance::{Instance, NOW};
use tests::run;

/// The closing balances of a journal to a day.
fn exported(log: &str, day: &str, folder: &std::path::Path) -> Result<BTreeMap<String, String>> {
    let file = folder.join(format!("{day}.journal")).display().to_string();
    let line = ["tallywatt", "export", "hledger", ".", "--log", log, "--to", day, "--out", &file, "--json"];
    let summary = run::json(line)?;
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let accounts = summary["accounts"].as_array().context("accounts")?;
    accounts
        .iter()
        .map(|one| Some((text(&one["account"])?, text(&one["closing"])?)))
        .collect::<Option<_>>()
        .context("texts")
}

/// Of a month that was settled before and of one under way, and after money was posted and a rule was dated back.
#[test]
fn what_is_owed_at_a_date_is_what_the_journal_export_has() -> Result<()> {
    let instance = Instance::start();
    let (at, folder) = (instance.server.http, tempfile::tempdir()?);
    let log = instance.server.app.site("berlin").context("the site")?.log.clone();
    let manager = instance.token(Role::Manager, "berlin", false);
    let finance = instance.token(Role::Finance, "berlin", true);
    let identity = &instance.server.app.identity;
    let grant = Grant { site: SiteId::try_new("berlin").context("an id")?, account: None };
    identity.user_add("fin", Role::Finance, &[grant], "test")?;
    identity.password_set("fin", "correct horse battery", "test")?;
    let entered = identity.sign_in("fin", "correct horse battery", IpAddr::V4(Ipv4Addr::LOCALHOST))?;
    let mut seen = Vec::new();
    for round in 0..2 {
        for day in ["2026-03-01", "2026-03-17", "2026-03-31", "2026-04-08", "2026-04-09"] {
            let journal = exported(&log, day, folder.path())?;
            std::fs::remove_file(folder.path().join(format!("{day}.journal")))?;
            let owed = http::get(at, &format!("/api/v1/sites/berlin/liability/{day}"), &finance)?.json()?;
            let rows = owed["accounts"].as_array().context("accounts")?;
            assert_eq!(rows.len(), 2, "the landlord's own is not owed: {owed}");
            let page = http::page(at, &format!("/site/berlin/books?day={day}"), entered.cookie.expose())?;
            for row in rows {
                let account = row["account"].as_str().context("an account")?;
                let balance = row["balance"]["text"].as_str().context("a balance")?;
                assert_eq!(journal.get(account).map_or("0.00", String::as_str), balance, "{account} on {day}");
                seen.push(balance.to_owned());
            }
            let minor = |value: &Value| value["minor"].as_i64().context("an amount");
            let sums = minor(&owed["prepaid"])? + minor(&owed["overdrawn"])?;
            assert_eq!(sums, minor(&owed["net"])?);
            let card = page.body.split("id=\"liability\"").nth(1).context("the card")?;
            let card = card.split("</section>").next().unwrap_or_default().replace(',', "");
            let net = owed["net"]["text"].as_str().context("a net")?;
            ensure!(card.contains(net.trim_start_matches('-')), "{net} on {day}: {card}");
        }
        if round == 0 {
            let body = json!({"amount": {"minor": 250, "currency": "EUR"}, "reason": "goodwill"});
            let path = "/api/v1/sites/berlin/accounts/berlin-A-1/postings";
            ensure!(http::post(at, path, &manager, "k-1", &body)?.status == 200);
            let tables = "[[rule]]\npool = \"berlin-L-1\"\nversion = 2\nfrom = 2026-03-01\nunits = [\"berlin-U-1\"]\n\
                          vacant = \"landlord\"\nparts = [ { percent = \"100\", basis = \"equal\", zero = \"equal\" } ]\n";
            let body = json!({"tables": tables, "reason": "no lift there"});
            let answer = http::post(at, "/api/v1/sites/berlin/rules", &manager, "k-2", &body)?;
            ensure!(answer.status == 200, "{}", answer.body);
            // The night's run posts the difference, in the month that is open.
            instance.clock.set(Instant::parse(NOW)?.plus(86_400));
            let site = instance.server.app.site("berlin").context("the site")?;
            site.desk.change_blocking(|turn| Ok::<_, ()>(turn.owner.events())).ok().context("a turn")?;
        }
    }
    seen.dedup();
    ensure!(seen.len() > 12, "balances move from day to day: {seen:?}");
    Ok(())
}
