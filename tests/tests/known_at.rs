//! What was known at an instant: the same reads over HTTP and on the page, and what changed between two of them.

use std::net::{IpAddr, Ipv4Addr};

use anyhow::{Context as _, Result, ensure};
use domain::event::{AccountId, PoolId, SiteId};
use domain::quantity::{Date, Instant};
use proto::v1::AllocationRequest;
use proto::v1::audit_client::AuditClient;
use serde_json::{Value, json};
use services::identity::{Grant, Role};
use services::query::{About, KnownAt, compare};
use tests::http;
use tests::instance::{Instance, NOW};
use tests::run::command;

const REASON: &str = "the second flat has no lift";
const DAY: &str = "2026-03-05";

/// A rule of an earlier day, published now: the first flat bears the whole pool.
fn publish(instance: &Instance) -> Result<()> {
    let manager = instance.token(Role::Manager, "berlin", false);
    let tables = "[[rule]]\npool = \"berlin-L-1\"\nversion = 2\nfrom = 2026-03-01\nunits = [\"berlin-U-1\"]\n\
                  vacant = \"landlord\"\nparts = [ { percent = \"100\", basis = \"equal\", zero = \"equal\" } ]\n";
    let body = json!({"tables": tables, "reason": REASON});
    let answer = http::post(instance.server.http, "/api/v1/sites/berlin/rules", &manager, "k", &body)?;
    ensure!(answer.status == 200, "{}", answer.body);
    Ok(())
}

fn later(seconds: i64) -> Instant {
    Instant::parse(NOW).expect("an instant").plus(seconds)
}

#[test]
fn what_was_known_then_is_read_as_it_was_shown_then() -> Result<()> {
    let instance = Instance::start();
    let at = instance.server.http;
    let auditor = instance.token(Role::Auditor, "berlin", true);
    let get = |path: &str| -> Result<Value> {
        let answer = http::get(at, &format!("/api/v1/sites/berlin{path}"), &auditor)?;
        ensure!(answer.status == 200, "{path}: {} {}", answer.status, answer.body);
        answer.json()
    };
    let reads = [
        format!("/pools/berlin-L-1/days/{DAY}"),
        format!("/in-force/{DAY}"),
        "/accounts/berlin-A-1/bills/2026-03".to_owned(),
        "/accounts/berlin-A-1/bills/2026-04".to_owned(),
        "/accounts/berlin-A-2/ledger?until=2026-04-10".to_owned(),
        "/accounts/berlin-A-1/months/2026-04/days".to_owned(),
        "/accounts/berlin-A-1/bills".to_owned(),
    ];
    let read = |more: &str| -> Result<Vec<Value>> {
        let with = |path: &String| {
            let mark = if path.contains('?') { '&' } else { '?' };
            if more.is_empty() { path.clone() } else { format!("{path}{mark}known_at={more}") }
        };
        reads.iter().map(|path| get(&with(path))).collect()
    };
    let position = instance.server.app.site("berlin").context("the site")?.desk.moment().position;
    let before = read("")?;
    instance.clock.set(later(3600));
    publish(&instance)?;
    instance.clock.set(later(7200));
    let after = read("")?;
    for (path, (before, after)) in reads.iter().zip(before.iter().zip(&after)) {
        ensure!((before == after) == path.ends_with("bills/2026-03"), "an issued bill alone stays: {path}");
    }
    assert_eq!((&before[1]["pools"][0]["rule"], &after[1]["pools"][0]["rule"]), (&json!(1), &json!(2)));
    // By a time of the site's zone, an instant, and a position.
    for then in ["2026-04-10T11:00", NOW, &position.to_string()] {
        for (path, (found, shown)) in reads.iter().zip(read(then)?.iter().zip(&before)) {
            assert_eq!(found, shown, "{path} as known at {then}");
        }
    }
    for (path, (found, shown)) in reads.iter().zip(read("2026-04-10T13:00")?.iter().zip(&after)) {
        assert_eq!(found, shown, "{path} as known now");
    }
    // What is known since yesterday is less than what is known now, and the day was not settled in March.
    let early = get(&format!("/pools/berlin-L-1/days/{DAY}?known_at=2026-03-05"))?;
    assert_eq!((&early["settled"], &before[0]["settled"]), (&json!(false), &json!(true)));

    let status =
        |path: &str| -> Result<u16> { Ok(http::get(at, &format!("/api/v1/sites/berlin{path}"), &auditor)?.status) };
    assert_eq!(status(&format!("/in-force/{DAY}?known_at=yesterday"))?, 400);
    assert_eq!(status(&format!("/in-force/{DAY}?known_at=0"))?, 400);
    assert_eq!(status(&format!("/in-force/{DAY}?known_at=1999-01-01"))?, 404);
    assert_eq!(status("/accounts/berlin-A-1/bills/2026-03?known_at=2026-03-20")?, 200, "as it stood then");
    assert_eq!(status("/accounts/berlin-A-1/balance?known_at=2026-03-20")?, 400, "a live balance is of now");
    Ok(())
}

#[test]
fn the_command_says_the_same() -> Result<()> {
    let instance = Instance::start();
    let at = instance.server.http;
    let auditor = instance.token(Role::Auditor, "berlin", true);
    instance.clock.set(later(3600));
    publish(&instance)?;
    let log = instance.server.app.site("berlin").context("the site")?.log.clone();
    for known in [NOW, "2026-04-10T10:00:00Z", "2026-03-20T12:00:00Z"] {
        let path = format!("/api/v1/sites/berlin/pools/berlin-L-1/days/{DAY}?known_at={known}");
        let read = http::get(at, &path, &auditor)?.json()?;
        let axes = ["--known-at", known, "--effective", DAY, "--log", &log, "--json"];
        let (code, said) = command(&[&["audit", "pool", ".", "berlin-L-1"], &axes[..]].concat())?;
        ensure!(code == 0, "{said}");
        let said: Value = serde_json::from_str(&said)?;
        assert_eq!(said["day"]["kwh"], read["kwh"]["text"], "{known}");
        assert_eq!(said["day"]["rule"], read["rule"], "{known}");
        let units = |shares: &Value| -> Vec<String> {
            shares.as_array().into_iter().flatten().map(|one| format!("{} {}", one["unit"], one["account"])).collect()
        };
        assert_eq!(units(&said["day"]["parts"][0]["shares"]), units(&read["parts"][0]["shares"]), "{known}");
    }
    Ok(())
}

#[test]
fn programs_read_it_as_pages_do() -> Result<()> {
    let instance = Instance::start_with("grpc = \"127.0.0.1:0\"");
    let (at, auditor) = (instance.server.http, instance.token(Role::Auditor, "berlin", true));
    let address = format!("http://{}", instance.server.grpc.as_ref().context("gRPC is served")?.address);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    instance.clock.set(later(3600));
    publish(&instance)?;
    let known = &later(0).to_string();
    let document = |known_at: &str| -> Result<Value> {
        let (site, pool, day) = ("berlin".to_owned(), "berlin-L-1".to_owned(), DAY.to_owned());
        let mut ask = tonic::Request::new(AllocationRequest { site, pool, day, known_at: known_at.to_owned() });
        ask.metadata_mut().insert("authorization", format!("Bearer {auditor}").parse()?);
        let reply = runtime.block_on(async {
            AuditClient::connect(address.clone()).await?.allocation(ask).await.map_err(anyhow::Error::from)
        })?;
        Ok(serde_json::from_str(&reply.into_inner().json)?)
    };
    let path = format!("/api/v1/sites/berlin/pools/berlin-L-1/days/{DAY}");
    assert_eq!(document(known)?, http::get(at, &format!("{path}?known_at={known}"), &auditor)?.json()?);
    assert_eq!(document("")?, http::get(at, &path, &auditor)?.json()?);
    ensure!(document(known)? != document("")?, "the rule of then is another");
    let refused = document("soon").expect_err("it is no time").to_string();
    ensure!(refused.contains("known_at"), "{refused}");
    Ok(())
}

#[test]
fn two_instants_are_compared_with_who_changed_what_and_why() -> Result<()> {
    let instance = Instance::start();
    instance.clock.set(later(3600));
    publish(&instance)?;
    let site = instance.server.app.site("berlin").context("the site")?;
    let pool = About::Pool(PoolId::try_new("berlin-L-1").context("an id")?);
    let day = Date::parse(DAY).context("a day")?;
    let (first, second) = (KnownAt::Instant(later(0)), KnownAt::Instant(later(3600)));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let found = runtime.block_on(compare(site, &pool, day, (second, first)))?;
    ensure!(found.before.position < found.after.position, "the earlier one comes first");
    let differing = |what: &str| found.differing.iter().find(|one| one.what == what);
    let rule = differing("rule").context("the rule")?;
    assert_eq!((rule.before.as_deref(), rule.after.as_deref()), (Some("1"), Some("2")));
    let gone = differing("parts 1 shares berlin-U-2 kwh").with_context(|| format!("{:?}", found.differing))?;
    ensure!(gone.before.is_some() && gone.after.is_none(), "{gone:?}");
    let published = found.events.iter().find(|one| one.r#type == "change.recorded.v1").context("the change")?;
    assert_eq!((published.author.as_str(), published.reason.as_deref()), ("manager-berlin-false", Some(REASON)));
    ensure!(found.events.iter().any(|one| one.r#type.starts_with("rule.published")), "{:?}", found.events);
    assert_eq!(found.readings, 0);
    // The balance of who bears more now; of another account's events none is shown.
    let account = AccountId::try_new("berlin-A-1").context("an id")?;
    let found = runtime.block_on(compare(site, &About::Balance(account), day, (first, second)))?;
    let closing = found.differing.iter().find(|one| one.what == "closing_balance").context("the balance")?;
    ensure!(closing.before > closing.after, "{closing:?}");
    ensure!(found.events.iter().all(|one| !one.about.iter().any(|key| key == "account/berlin-A-2")));

    // The page shows it to an auditor.
    let identity = &instance.server.app.identity;
    let grant = Grant { site: SiteId::try_new("berlin").context("an id")?, account: None };
    identity.user_add("aud", Role::Auditor, &[grant], "test")?;
    identity.password_set("aud", "correct horse battery", "test")?;
    let cookie = identity.sign_in("aud", "correct horse battery", IpAddr::V4(Ipv4Addr::LOCALHOST))?;
    let page = |query: &str| {
        http::page(instance.server.http, &format!("/site/berlin/audit/known{query}"), cookie.cookie.expose())
    };
    let asked = format!("?about=pool&pool=berlin-L-1&day={DAY}&known=2026-04-10T11:00&other=2026-04-10+12:00");
    let answer = page(&asked)?;
    for text in [REASON, "manager-berlin-false", "parts 1 shares berlin-U-2 kwh", "2026-04-10 11:00"] {
        ensure!(answer.body.contains(text), "{text}: {}", answer.body);
    }
    ensure!(page("?about=pool&day=2026-03-05&known=soon")?.body.contains("no time, day or event number"));
    ensure!(page("?about=rules&day=2026-03-05&known=1999-01-01")?.body.contains("Nothing was known"));
    Ok(())
}
