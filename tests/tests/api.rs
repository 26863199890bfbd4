//! `/api/v1` as a client sees it: journeys by role over one service with three zones and currencies.

use std::io::{BufRead as _, BufReader};

use anyhow::{Context as _, Result, ensure};
use domain::quantity::Instant;
use serde_json::Value;
use services::api::OPERATIONS;
use services::identity::Role;
use tests::http;
use tests::instance::{Instance, SITES, id};

fn text<'v>(value: &'v Value, pointer: &str) -> Result<&'v str> {
    value.pointer(pointer).and_then(Value::as_str).with_context(|| format!("{pointer} of {value}"))
}

fn number(value: &Value, pointer: &str) -> Result<i64> {
    value.pointer(pointer).and_then(Value::as_i64).with_context(|| format!("{pointer} of {value}"))
}

fn items(value: &Value) -> Result<&Vec<Value>> {
    value.get("items").and_then(Value::as_array).with_context(|| format!("items of {value}"))
}

/// SparkMeter has one key for all sites (PAINS 25).
#[test]
fn a_tenant_reads_what_he_owes_in_his_own_zone_and_currency() -> Result<()> {
    let instance = Instance::start();
    let at = instance.server.http;
    let offsets = ["+02:00", "+09:00", "+03:00"];
    for ((site, _, currency), offset) in SITES.into_iter().zip(offsets) {
        let token = instance.token(Role::Tenant, site, false);
        let get = |path: &str| -> Result<Value> {
            let answer = http::get(at, &format!("/api/v1/sites/{site}/accounts/{}{path}", id(site, "A-1")), &token)?;
            ensure!(answer.status == 200, "{path}: {}", answer.body);
            answer.json()
        };
        let balance = get("/balance")?;
        assert_eq!(text(&balance, "/balance/currency")?, currency);
        ensure!(text(&balance, "/as_of/local")?.ends_with(offset), "{balance}");
        let ledger = get("/ledger")?;
        assert_eq!(number(&ledger, "/closing_balance/minor")?, number(&balance, "/balance/minor")?);
        let bills = get("/bills")?;
        ensure!(items(&bills)?.iter().any(|bill| bill["month"] == "2026-03" && bill["number"].is_i64()), "{bills}");
        let bill = get("/bills/2026-03")?;
        let days = get("/months/2026-03/days")?;
        assert_eq!(number(&days, "/charges/minor")?, number(&bill, "/charges/minor")?);
        let curve = get("/curve?from=2026-03-01&until=2026-04-01&step=day")?;
        assert_eq!(number(&curve, "/total/mwh")?, number(&bill, "/indoor_kwh/mwh")?);
        let lines = bill["indoor"].as_array().context("lines")?;
        ensure!(lines.len() >= 3, "two tiers by day and one by night: {bill}");
        let explained = get("/bills/2026-03/lines/1")?;
        ensure!(explained["lines"].as_array().is_some_and(|lines| lines.len() > 10), "{explained}");
        ensure!(!items(&get("/tiers")?)?.is_empty());
    }
    Ok(())
}

#[test]
fn a_manager_and_an_auditor_look_at_their_site() -> Result<()> {
    let instance = Instance::start();
    let at = instance.server.http;
    let auditor = instance.token(Role::Auditor, "berlin", false);
    let get = |path: &str| -> Result<Value> {
        let answer = http::get(at, &format!("/api/v1/sites/berlin{path}"), &auditor)?;
        ensure!(answer.status == 200, "{path}: {}", answer.body);
        answer.json()
    };
    assert_eq!(items(&get("/units")?)?.len(), 2);
    let split = get("/pools/berlin-L-1/days/2026-03-05")?;
    ensure!(split["adds_up"] == true && split["rule"] == 1, "{split}");
    let replay = get("/replay")?;
    ensure!(replay["differences"] == 0 && number(&replay, "/runs")? > 30, "{replay}");
    let changes = get("/changes?limit=3")?;
    assert_eq!(items(&changes)?.len(), 3);
    let next = text(&changes, "/next")?;
    let more = get(&format!("/changes?limit=3&cursor={next}"))?;
    assert!(number(&more, "/items/0/position")? < number(&changes, "/items/2/position")?);
    assert_eq!(items(&get("/recharges")?)?.len(), 2);
    assert_eq!(get("/close-check/2026-03")?["month"], "2026-03");
    ensure!(get("/holds")?["bills"].as_array().is_some_and(Vec::is_empty));
    Ok(())
}

#[test]
fn pages_follow_each_other_and_nonsense_is_refused() -> Result<()> {
    let instance = Instance::start();
    let at = instance.server.http;
    let manager = instance.token(Role::Manager, "berlin", true);
    let get = |path: &str| http::get(at, &format!("/api/v1/sites/berlin{path}"), &manager);
    let (mut seen, mut path) = (Vec::new(), "/accounts?limit=1".to_owned());
    loop {
        let page = get(&path)?.json()?;
        seen.extend(items(&page)?.iter().map(|one| one["account"].to_string()));
        let Some(next) = page["next"].as_str() else { break };
        path = format!("/accounts?limit=1&cursor={next}");
    }
    assert_eq!(seen, ["\"berlin-A-0\"", "\"berlin-A-1\"", "\"berlin-A-2\""]);
    for bad in [
        "/accounts?limit=0",
        "/accounts?cursor=!",
        "/accounts?step=day",
        "/accounts?what=1",
        "/points/berlin-P-1/curve?step=week",
        "/points/berlin-P-1/curve?from=yesterday",
        "/points/berlin-P-1/curve?from=2026-03-02&until=2026-03-01",
        "/points/berlin-P-1/curve?from=2026-03-01&step=minute",
    ] {
        let answer = get(bad)?;
        ensure!(answer.status == 400 && answer.code() == "bad_request", "{bad}: {} {}", answer.status, answer.body);
    }
    Ok(())
}

#[test]
fn what_the_caller_has_already_is_not_sent_again() -> Result<()> {
    let instance = Instance::start();
    let at = instance.server.http;
    let token = format!("Bearer {}", instance.token(Role::Tenant, "berlin", false));
    let path = "/api/v1/sites/berlin/accounts/berlin-A-1/balance";
    let first = http::ask(at, "GET", path, &[("authorization", &token)])?;
    let tag = first.headers.get("etag").context("a tag")?;
    let again = http::ask(at, "GET", path, &[("authorization", &token), ("if-none-match", tag)])?;
    assert_eq!((again.status, again.body.as_str()), (304, ""));
    let nobody = http::ask(at, "GET", path, &[("if-none-match", tag)])?;
    assert_eq!(nobody.status, 401, "a tag is no key");
    instance.clock.set(Instant::parse("2026-04-10T09:30:00Z")?);
    let until = std::time::Instant::now() + std::time::Duration::from_secs(30);
    loop {
        let later = http::ask(at, "GET", path, &[("authorization", &token), ("if-none-match", tag)])?;
        if later.status == 200 {
            break;
        }
        ensure!(std::time::Instant::now() < until, "the balance is as old as before");
    }
    Ok(())
}

/// The next event of a stream: its id and its data.
fn event(lines: &mut impl Iterator<Item = std::io::Result<String>>) -> Result<(String, Value)> {
    let (mut id, mut data) = (None, None);
    for line in lines {
        let line = line?;
        if let Some(text) = line.strip_prefix("id: ") {
            id = Some(text.to_owned());
        } else if let Some(text) = line.strip_prefix("data: ") {
            data = Some(serde_json::from_str(text)?);
        }
        if id.is_some() && data.is_some() {
            break;
        }
    }
    id.zip(data).context("an event has an id and data")
}

#[test]
fn a_balance_is_followed_and_taken_up_again() -> Result<()> {
    let instance = Instance::start();
    let at = instance.server.http;
    let token = format!("Bearer {}", instance.token(Role::Tenant, "berlin", false));
    let path = "/api/v1/sites/berlin/accounts/berlin-A-1/live";
    let listen = |last: &str| -> Result<_> {
        let headers = [("authorization", token.as_str()), ("last-event-id", last)];
        Ok(BufReader::new(http::send(at, "GET", path, &headers)?).lines())
    };
    let mut lines = listen("0")?;
    let (first, balance) = event(&mut lines)?;
    assert_eq!(text(&balance, "/account")?, "berlin-A-1");
    instance.clock.set(Instant::parse("2026-04-10T10:00:00Z")?);
    let (second, _) = event(&mut lines)?;
    assert_ne!(first, second);
    drop(lines);
    // Whoever has the present one gets the next one, and not the same again.
    let mut lines = listen(&second)?;
    instance.clock.set(Instant::parse("2026-04-10T11:00:00Z")?);
    let (third, _) = event(&mut lines)?;
    assert!(third != second && third != first);
    Ok(())
}

#[test]
fn the_description_has_every_operation_and_every_schema_that_it_names() -> Result<()> {
    let instance = Instance::start();
    let document = http::ask(instance.server.http, "GET", "/api/v1/openapi.json", &[])?.json()?;
    let paths = document["paths"].as_object().context("paths")?;
    assert_eq!(paths.len(), OPERATIONS.len());
    for operation in OPERATIONS {
        ensure!(paths.contains_key(operation.path), "{}", operation.path);
    }
    let text = document.to_string();
    for name in text.split("#/components/schemas/").skip(1).filter_map(|rest| rest.split('"').next()) {
        ensure!(document["components"]["schemas"].get(name).is_some(), "{name} is not described");
    }
    Ok(())
}
