//! The cash desk's list: every payment is found, a page at a time.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};

use anyhow::{Result, ensure};
use domain::quantity::Instant;
use serde_json::json;
use services::identity::Role;
use tests::http;
use tests::served::{SITE, Served};

const PASSWORD: &str = "correct horse battery";

/// The receipts that a page lists, and where older ones are.
fn listed(body: &str) -> (Vec<String>, Option<String>) {
    let of_table = body.split("id=\"payments\"").nth(1).and_then(|rest| rest.split("</section>").next()).unwrap_or("");
    let receipts = of_table.match_indices("R-").map(|(at, _)| of_table[at..].chars().take(5).collect()).collect();
    let older = of_table.split("href=\"").nth(1).and_then(|rest| rest.split('"').next());
    (receipts, older.map(|href| href.replace("&#38;", "&")))
}

#[test]
fn every_payment_is_on_one_page_of_the_list() -> Result<()> {
    let served = Served::start("", "2026-03-10T12:00:00Z");
    let server = served.server();
    let token = served.token("mia", Role::Manager, "");
    server.app.identity.password_set("mia", PASSWORD, "test")?;
    let mut made = BTreeSet::new();
    let start = Instant::parse("2026-03-10T12:00:00Z")?;
    for number in 100..230 {
        // Some at the same instant, across a page's end too; some so long ago that a window has none.
        let days = i64::from(number) / 60 * 40;
        served.clock.set(start.plus(days * 86_400 + i64::from(number) / 7 * 60));
        let receipt = format!("R-{number}");
        let body = json!({"amount": {"minor": 1000, "currency": "EUR"}, "reference": receipt});
        let path = format!("/api/v1/sites/{SITE}/accounts/A-1/recharges");
        let answer = http::post(server.http, &path, &token, &receipt, &body)?;
        ensure!(answer.status == 200, "{}", answer.body);
        made.insert(receipt);
    }
    let entered = server.app.identity.sign_in("mia", PASSWORD, IpAddr::V4(Ipv4Addr::LOCALHOST))?;
    let (mut seen, mut pages) = (BTreeSet::new(), 0);
    let mut next = Some(format!("/site/{SITE}/cash"));
    while let Some(path) = next {
        let page = http::page(server.http, &path, entered.cookie.expose())?;
        ensure!(page.status == 200, "{}", page.body);
        let (receipts, older) = listed(&page.body);
        ensure!(receipts.len() <= 50, "{} payments on {path}", receipts.len());
        for receipt in receipts {
            ensure!(seen.insert(receipt.clone()), "{receipt} is on {path} and on a page before");
        }
        next = older;
        pages += 1;
    }
    ensure!(seen == made, "{:?} are on no page", made.difference(&seen));
    ensure!(pages >= 4, "{pages} pages");
    Ok(())
}
