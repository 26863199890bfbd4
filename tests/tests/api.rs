//! `/api/v1` as a client sees it: journeys by role over one service with three zones and currencies.

use std::io::{BufRead as _, BufReader};
use std::time::{Duration, Instant as Clock};

use anyhow::{Context as _, Result, ensure};
use domain::quantity::Instant;
use serde_json::{Value, json};
use services::api::OPERATIONS;
use services::identity::Role;
use tests::http;
use tests::instance::{Instance, SITES, id};
use tests::served::{SITE, Served};

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

/// A clerk takes cash, gives credit that another one has to approve, and sees to supply: each once under its key.
/// On a slow machine balances follow what was answered a moment later.
fn becomes(wanted: i64, read: &dyn Fn() -> Result<i64>) -> Result<()> {
    let deadline = Clock::now() + Duration::from_secs(20);
    while read()? != wanted {
        ensure!(Clock::now() < deadline, "the balance is {}, not {wanted}", read()?);
    }
    Ok(())
}

#[test]
fn a_clerk_writes_once_and_never_approves_his_own() -> Result<()> {
    let served = Served::start_with_approvals("", "2026-03-05T12:00:00Z");
    let at = served.server().http;
    let (clerk, second) = (served.token("m.roe", Role::Manager, ""), served.token("j.moore", Role::Manager, ""));
    let auditor = served.token("a.udit", Role::Auditor, "");
    let post = |token: &str, key: &str, path: &str, body: Value| {
        http::post(at, &format!("/api/v1/sites/{SITE}{path}"), token, key, &body)
    };
    let balance = || -> Result<i64> {
        let answer = http::get(at, &format!("/api/v1/sites/{SITE}/accounts/A-1/balance"), &clerk)?;
        number(&answer.json()?, "/balance/minor")
    };
    let euros = |minor: i64| json!({"minor": minor, "currency": "EUR"});
    let (cash, credit) = ("/accounts/A-1/recharges", "/accounts/A-1/postings");
    let rehearsed = post(&clerk, "k-1", cash, json!({"amount": euros(5000), "dry_run": true}))?;
    ensure!(rehearsed.status == 200 && rehearsed.json()?["events"] == json!([]), "{}", rehearsed.body);
    assert_eq!(balance()?, 0, "a dry run appends nothing");
    let first = post(&clerk, "k-1", cash, json!({"amount": euros(5000)}))?;
    ensure!(first.status == 200 && !first.headers.contains_key("idempotent-replayed"), "{}", first.body);
    let again = post(&clerk, "k-1", cash, json!({"amount": euros(5000)}))?;
    assert_eq!((again.status, &again.body), (200, &first.body));
    assert_eq!(again.headers.get("idempotent-replayed").map(String::as_str), Some("true"));
    let other = post(&clerk, "k-1", cash, json!({"amount": euros(5001)}))?;
    assert_eq!((other.status, other.code().as_str()), (409, "key_reused"));
    assert_eq!(other.headers.get("content-type").map(String::as_str), Some("application/problem+json"));
    becomes(5000, &balance)?;

    let given = post(&clerk, "k-2", credit, json!({"amount": euros(250), "reason": "goodwill"}))?.json()?;
    ensure!(given["proposed"] == true, "{given}");
    let approve = format!("/proposals/{}/approve", text(&given, "/events/0")?);
    let own = post(&clerk, "k-3", &approve, json!({}))?;
    assert_eq!((own.status, own.code().as_str()), (403, "own_proposal"));
    let auditors = post(&auditor, "k-4", &approve, json!({}))?;
    assert_eq!((auditors.status, auditors.code().as_str()), (403, "forbidden"));
    assert_eq!(balance()?, 5000);
    let done = post(&second, "k-5", &approve, json!({}))?;
    ensure!(done.status == 200, "{}", done.body);
    becomes(5250, &balance)?;

    for (key, path, body, status, code) in [
        ("", cash, json!({"amount": euros(1)}), 400, "key_invalid"),
        ("k-6", cash, json!({"amount": euros(0)}), 422, "amount_invalid"),
        ("k-6", cash, json!({"amount": euros(1), "what": 1}), 400, "bad_request"),
        ("k-6", "/accounts/A-9/recharges", json!({"amount": euros(1)}), 404, "account_unknown"),
        ("k-6", "/accounts/A-1/refunds", json!({"amount": euros(6000), "reason": "moved"}), 409, "balance_too_low"),
        ("k-6", "/points/P-9/protect", json!({"reason": "lift"}), 404, "point_unknown"),
        ("k-6", "/points/P-1/supply/confirm", json!({}), 409, "supply_refused"),
        ("k-6", "/alarms/acknowledge", json!({"kind": "silent_meter", "about": "meter/M-1"}), 409, "alarm_refused"),
        ("k-6", "/suspense/return", json!({"payment": "stripe:pi_1", "reason": "unknown"}), 404, "payment_unknown"),
    ] {
        let answer = post(&clerk, key, path, body)?;
        assert_eq!((answer.status, answer.code().as_str()), (status, code), "{path}: {}", answer.body);
    }

    let protect = json!({"reason": "a medical need"});
    let first = post(&clerk, "k-7", "/points/P-1/protect", protect.clone())?;
    let again = post(&clerk, "k-7", "/points/P-1/protect", protect.clone())?;
    assert_eq!((first.status, &again.body), (200, &first.body));
    ensure!(again.headers.contains_key("idempotent-replayed"), "it was made before");
    let others = post(&second, "k-7", "/points/P-1/protect", protect.clone())?;
    assert_eq!((others.status, others.code().as_str()), (409, "key_reused"), "the key is another person's");
    let twice = post(&clerk, "k-8", "/points/P-1/protect", protect)?;
    assert_eq!((twice.status, twice.code().as_str()), (409, "already_so"));

    let lease = json!({"account": "A-2", "unit": "U-2", "from": "2026-03-01T00:00:00Z",
        "until": "2026-03-20T00:00:00Z", "reason": "moves out", "dry_run": true});
    let rehearsed = post(&clerk, "k-9", "/leases", lease)?.json()?;
    ensure!(rehearsed["effect"].is_object() && rehearsed["proposed"] == true, "{rehearsed}");
    Ok(())
}

/// A page of another origin cannot write in the name of a session; a token has no such page.
#[test]
fn a_session_writes_only_from_its_own_pages() -> Result<()> {
    let served = Served::start("", "2026-03-05T12:00:00Z");
    let at = served.server().http;
    served.token("m.roe", Role::Manager, "");
    let identity = &served.server().app.identity;
    identity.password_set("m.roe", "correct horse battery", "test")?;
    let signed_in = identity.sign_in("m.roe", "correct horse battery", at.ip())?;
    let (cookie, csrf) = (format!("tw_session={}", signed_in.cookie.expose()), signed_in.session.csrf());
    let path = format!("/api/v1/sites/{SITE}/accounts/A-1/recharges");
    let body = json!({"amount": {"minor": 100, "currency": "EUR"}});
    let own = [("cookie", cookie.as_str()), ("idempotency-key", "k"), ("sec-fetch-site", "same-origin")];
    let foreign = [("cookie", cookie.as_str()), ("idempotency-key", "k"), ("sec-fetch-site", "cross-site")];
    let sent = ("x-csrf-token", csrf.as_str());
    for headers in [own.to_vec(), foreign.to_vec(), [foreign.to_vec(), vec![sent]].concat()] {
        let answer = http::write(at, &path, &headers, &body)?;
        assert_eq!((answer.status, answer.code().as_str()), (403, "cross_site"));
    }
    let answer = http::write(at, &path, &[own.to_vec(), vec![sent]].concat(), &body)?;
    ensure!(answer.status == 200, "{}", answer.body);
    Ok(())
}

#[test]
fn two_refunds_at_once_give_back_no_more_than_there_is() -> Result<()> {
    let served = Served::start("", "2026-03-05T12:00:00Z");
    let (at, clerk) = (served.server().http, served.token("m.roe", Role::Manager, ""));
    let post = |key: &str, path: &str, body: Value| {
        http::post(at, &format!("/api/v1/sites/{SITE}/accounts/A-1/{path}"), &clerk, key, &body)
    };
    let euros = |minor: i64| json!({"minor": minor, "currency": "EUR"});
    ensure!(post("k-1", "recharges", json!({"amount": euros(5000)}))?.status == 200);
    let refund = |key: &str| post(key, "refunds", json!({"amount": euros(4000), "reason": "moved"}));
    let statuses = std::thread::scope(|scope| {
        let all: Vec<_> = ["r-1", "r-2", "r-3"].map(|key| scope.spawn(move || refund(key))).into_iter().collect();
        all.into_iter().map(|one| Ok(one.join().expect("it answers")?.status)).collect::<Result<Vec<_>>>()
    })?;
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
    Ok(())
}
