//! InvoiceShelf/InvoiceShelf#762, akaunting/akaunting#1987 (PAINS 19): every operation × role × foreign site or
//! account, from the one table: no foreign byte, and nothing that is open by mistake.

use std::net::SocketAddr;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use services::api::{Method, OPERATIONS, Operation};
use services::identity::Role;
use services::serve::access::Access;
use tests::http::{self, Answer};
use tests::instance::{Instance, SITES, id};

const FROM: &str = "2026-03-01T00:00:00Z";

/// The path of an operation at a site and an account.
fn path(operation: &Operation, site: &str, account: &str) -> String {
    let parts = [
        ("{site}", site.to_owned()),
        ("{account}", account.to_owned()),
        ("{point}", id(site, "P-1")),
        ("{pool}", id(site, "L-1")),
        ("{day}", "2026-03-05".to_owned()),
        ("{month}", "2026-03".to_owned()),
        ("{line}", "1".to_owned()),
        ("{format}", "charges".to_owned()),
        ("{proposal}", "0".repeat(32)),
    ];
    parts.iter().fold(operation.path.to_owned(), |path, (name, value)| path.replace(name, value))
}

/// The operations that read, and those that write.
fn operations(method: Method) -> impl Iterator<Item = &'static Operation> {
    OPERATIONS.iter().filter(move |one| one.method == method)
}

/// Whether a role may ask for what is its own.
fn may(role: Role, access: Access) -> bool {
    match access {
        Access::Public | Access::Known | Access::Enters => true,
        Access::Site(permission) => role != Role::Tenant && role.has(permission),
        Access::Account(permission) => role.has(permission),
    }
}

fn asked(at: SocketAddr, path: &str, token: &str) -> Result<Answer> {
    // A stream of events does not end: its head says enough.
    if path.ends_with("/live") {
        return http::head(at, path, token);
    }
    http::get(at, path, token)
}

#[test]
fn no_role_sees_a_foreign_byte() -> Result<()> {
    let instance = Instance::start();
    let at = instance.server.http;
    for role in Role::ALL {
        let token = instance.token(role, "berlin", false);
        let own = id("berlin", "A-1");
        for operation in operations(Method::Get) {
            let here = path(operation, "berlin", &own);
            let answer = asked(at, &here, &token)?;
            let wanted = if may(role, operation.access) {
                200
            } else if role == Role::Tenant {
                404
            } else {
                403
            };
            ensure!(answer.status == wanted, "{role} {here}: {} is not {wanted}: {}", answer.status, answer.body);
            let mut foreign = vec![("tokyo", id("tokyo", "A-1")), ("nowhere", id("nowhere", "A-1"))];
            if role == Role::Tenant {
                foreign.push(("berlin", id("berlin", "A-2")));
            }
            for (site, account) in foreign.iter().filter(|_| role != Role::Operator) {
                let there = path(operation, site, account);
                let answer = asked(at, &there, &token)?;
                if there == here {
                    continue;
                }
                let entered = operation.access == Access::Enters && *site == "berlin";
                ensure!(entered || answer.status == 404, "{role} {there}: {}: {}", answer.status, answer.body);
            }
            // Whatever is answered, it is of this site, and a tenant's own.
            let body = asked(at, &here, &token)?.body;
            let strange = ["tokyo", "kuwait", "JPY", "KWD"].into_iter().find(|text| body.contains(text));
            ensure!(role == Role::Operator || strange.is_none(), "{role} {here} has {strange:?}: {body}");
            ensure!(role != Role::Tenant || !body.contains("berlin-A-2"), "{role} {here}: {body}");
        }
    }
    Ok(())
}

#[test]
fn what_is_not_there_looks_like_what_may_not_be_seen() -> Result<()> {
    let instance = Instance::start();
    let at = instance.server.http;
    let token = instance.token(Role::Tenant, "berlin", false);
    let balance = |account: &str| http::get(at, &format!("/api/v1/sites/berlin/accounts/{account}/balance"), &token);
    let (foreign, missing) = (balance("berlin-A-2")?, balance("no-such")?);
    assert_eq!((foreign.status, &foreign.body), (missing.status, &missing.body));
    assert_eq!((foreign.status, foreign.code().as_str()), (404, "not_found"));
    Ok(())
}

#[test]
fn nobody_asks_without_a_token_and_nobody_writes_by_accident() -> Result<()> {
    let instance = Instance::start();
    let at = instance.server.http;
    for operation in operations(Method::Get).filter(|one| one.access != Access::Public) {
        let path = path(operation, "berlin", &id("berlin", "A-1"));
        for headers in [vec![], vec![("authorization", "Bearer twt_no")], vec![("cookie", "tw_session=no")]] {
            let answer = http::ask(at, "GET", &path, &headers)?;
            ensure!(answer.status == 401 && answer.code() == "unauthenticated", "{path}: {}", answer.body);
            ensure!(!answer.body.contains("berlin"), "{path}: {}", answer.body);
        }
        let token = instance.server.app.identity.users()?.is_empty();
        ensure!(token, "no user was made");
        let answer = http::ask(at, "POST", &path, &[])?;
        ensure!(matches!(answer.status, 401 | 405), "{path}: {}", answer.status);
    }
    for operation in operations(Method::Post) {
        let path = path(operation, "berlin", &id("berlin", "A-1"));
        for (name, value) in [("x-none", ""), ("authorization", "Bearer twt_no"), ("cookie", "tw_session=no")] {
            let answer = http::write(at, &path, &[(name, value), ("idempotency-key", "k")], &json!({}))?;
            ensure!(answer.status == 401 && answer.code() == "unauthenticated", "{path}: {}", answer.body);
        }
    }
    Ok(())
}

/// A body that the operation would take at a site.
fn body(operation: &Operation, site: &str, account: &str, dry_run: bool) -> Value {
    let currency = SITES.iter().find(|(name, ..)| *name == site).map_or("EUR", |(_, _, currency)| currency);
    let amount = json!({"minor": 100, "currency": currency});
    let mut body = match operation.body {
        "RechargeOrder" => json!({"amount": amount}),
        "MoneyOrder" => json!({"amount": amount, "reason": "test"}),
        "TablesOrder" => json!({"tables": "", "reason": "test"}),
        "LeaseOrder" => json!({"account": account, "unit": id(site, "U-1"), "from": FROM, "reason": "test"}),
        "ReadingOrder" => json!({"meter": id(site, "M-1"), "time": FROM, "reason": "test"}),
        "PlainOrder" => json!({}),
        "ReasonOrder" => json!({"reason": "test"}),
        "SwitchOrder" => json!({"to": "disconnected", "reason": "test"}),
        "WeatherOrder" => json!({"until": "2026-04-11T00:00:00Z", "reason": "test"}),
        "AlarmOrder" => json!({"kind": "silent_meter", "about": format!("meter/{}", id(site, "M-1"))}),
        "MatchOrder" => json!({"payment": "stripe:pi_1", "account": account, "reason": "test"}),
        "ReturnOrder" => json!({"payment": "stripe:pi_1", "reason": "test"}),
        other => unreachable!("{other} has no example here"),
    };
    body["dry_run"] = json!(dry_run);
    body
}

/// Events of all sites that are of one of the users.
fn said_by(instance: &Instance, users: &[String]) -> Result<usize> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut found = 0;
    for site in instance.server.app.sites.values() {
        let users = users.to_vec();
        let count = site
            .desk
            .read(move |turn| turn.owner.facts().all().iter().filter(|event| users.contains(&event.actor)).count());
        found += runtime.block_on(count)?;
    }
    Ok(found)
}

/// Every write × role × foreign site or account; a token that only reads; an auditor's token (PAINS 19, 25).
#[test]
fn no_role_writes_what_it_may_not() -> Result<()> {
    let instance = Instance::start();
    let at = instance.server.http;
    let (mut users, mut key) = (Vec::new(), 0);
    ensure!(operations(Method::Post).count() > 20, "the table has the writes");
    for (role, read_only) in Role::ALL.into_iter().flat_map(|role| [(role, false), (role, true)]) {
        let token = instance.token(role, "berlin", read_only);
        users.push(format!("{role}-berlin-{read_only}"));
        for operation in operations(Method::Post) {
            let mut ask = |site: &str, account: &str, dry_run: bool| {
                key += 1;
                let body = body(operation, site, account, dry_run);
                http::post(at, &path(operation, site, account), &token, &format!("key-{key}"), &body)
            };
            let (own, told) = (id("berlin", "A-1"), format!("{role} (reads only: {read_only}) {}", operation.path));
            let allowed = may(role, operation.access) && !read_only;
            ensure!(!allowed || matches!(role, Role::Manager | Role::Operator), "{told}: nobody else writes");
            if allowed {
                let answer = ask("berlin", &own, true)?;
                let code = answer.code();
                ensure!(!matches!(answer.status, 400 | 401 | 403 | 405 | 500..), "{told}: {}", answer.body);
                ensure!(code != "not_found", "{told}: {}", answer.body);
            } else {
                let answer = ask("berlin", &own, false)?;
                ensure!(matches!(answer.status, 403 | 404), "{told}: {} {}", answer.status, answer.body);
                ensure!(matches!(answer.code().as_str(), "forbidden" | "not_found"), "{told}: {}", answer.body);
            }
            for (site, account) in [("tokyo", id("tokyo", "A-1")), ("nowhere", id("nowhere", "A-1"))] {
                if role == Role::Operator && site == "tokyo" {
                    continue;
                }
                let answer = ask(site, &account, false)?;
                let hidden = answer.status == 404 || (role == Role::Operator && read_only && answer.status == 403);
                ensure!(hidden, "{told} at {site}: {} {}", answer.status, answer.body);
            }
            if role == Role::Tenant {
                let answer = ask("berlin", &id("berlin", "A-2"), false)?;
                ensure!(answer.status == 404, "{told} for a neighbour: {} {}", answer.status, answer.body);
            }
        }
    }
    assert_eq!(said_by(&instance, &users)?, 0, "nothing was appended");
    Ok(())
}

#[test]
fn a_revoked_token_is_no_token_within_a_second_and_more() -> Result<()> {
    let instance = Instance::start();
    let (at, identity) = (instance.server.http, &instance.server.app.identity);
    let token = instance.token(Role::Manager, "berlin", true);
    assert_eq!(http::get(at, "/api/v1/sites/berlin", &token)?.status, 200);
    identity.token_revoke("manager-berlin-true", "t", "test")?;
    let until = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while http::get(at, "/api/v1/sites/berlin", &token)?.status != 401 {
        ensure!(std::time::Instant::now() < until, "the token still works");
    }
    Ok(())
}

#[test]
fn every_answer_has_the_headers_of_safety() -> Result<()> {
    let instance = Instance::start();
    let at = instance.server.http;
    for path in ["/healthz", "/api/v1/me", "/api/v1/openapi.json", "/nowhere"] {
        let answer = http::ask(at, "GET", path, &[])?;
        let header = |name: &str| answer.headers.get(name).map(String::as_str).context(name.to_owned());
        let policy = header("content-security-policy")?;
        ensure!(policy.contains("script-src 'self'") && policy.contains("frame-ancestors 'none'"), "{path}: {policy}");
        assert_eq!(header("x-content-type-options")?, "nosniff");
        // The portal's own pages say to themselves where a form comes from.
        let referrer = header("referrer-policy")?;
        ensure!(referrer == "no-referrer" || (path == "/nowhere" && referrer == "same-origin"), "{path}: {referrer}");
    }
    Ok(())
}

#[test]
fn who_asks_too_often_is_told_when_to_ask_again() -> Result<()> {
    let instance = Instance::start_with("requests_per_s = 1");
    let at = instance.server.http;
    let mut refused = None;
    for _ in 0..2000 {
        let answer = http::ask(at, "GET", "/healthz", &[])?;
        if answer.status == 429 {
            refused = Some(answer);
            break;
        }
    }
    let refused = refused.context("somebody is refused")?;
    assert_eq!(refused.code(), "too_many_requests");
    assert!(refused.headers.get("retry-after").is_some_and(|text| text.parse::<u64>().is_ok_and(|s| s >= 1)));
    Ok(())
}
