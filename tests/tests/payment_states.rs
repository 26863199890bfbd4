//! Where each payment stands is the same on every surface: in JSON, and in a tenant's words.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use anyhow::{Context as _, ensure};
use domain::event::PaymentKind;
use domain::recharge::GatewayMessage;
use services::desk::Desk;
use tests::gateways::{back, captured, hear};
use tests::http;
use tests::portal_site::{self, PASSWORD, Portal, SITE};

const ACCOUNT: &str = "A-101";

fn in_pounds(message: GatewayMessage) -> GatewayMessage {
    GatewayMessage { currency: "GBP".to_owned(), ..message }
}

/// One payment in each state.
fn say_all(desk: &Desk) -> anyhow::Result<()> {
    let paid = |id: &str| in_pounds(captured(id, ACCOUNT, 5000));
    let moved = |kind, id: &str, amount| in_pounds(back(kind, id, &format!("{id}-back"), amount));
    let messages = [
        GatewayMessage { kind: PaymentKind::Requested, ..paid("requested") },
        paid("credited"),
        GatewayMessage { amount_minor: 7000, ..paid("credited") },
        paid("refunded"),
        moved(PaymentKind::Refunded, "refunded", 5000),
        paid("in_part"),
        moved(PaymentKind::Refunded, "in_part", 1000),
        paid("reversed"),
        moved(PaymentKind::Reversed, "reversed", 5000),
        paid("charged_back"),
        moved(PaymentKind::ChargedBack, "charged_back", 5000),
        moved(PaymentKind::Reversed, "parked", 5000),
        in_pounds(captured("suspended", "A-999", 5000)),
        captured("refused", ACCOUNT, 5000),
    ];
    for message in messages {
        hear(desk, &message)?;
    }
    Ok(())
}

fn ask(portal: &Portal, user: &str, path: &str, language: &str) -> anyhow::Result<http::Answer> {
    let entered = portal.server.app.identity.sign_in(user, PASSWORD, IpAddr::V4(Ipv4Addr::LOCALHOST))?;
    let cookie = format!("tw_session={}", entered.cookie.expose());
    let headers = [("cookie", cookie.as_str()), ("accept-language", language)];
    let answer = http::ask(portal.server.http, "GET", path, &headers)?;
    ensure!(answer.status == 200, "{path}: {} {}", answer.status, answer.body);
    Ok(answer)
}

/// The state of each reference of the gateway.
fn states(portal: &Portal, user: &str, path: &str) -> anyhow::Result<BTreeMap<String, String>> {
    let page = ask(portal, user, &format!("/api/v1/sites/{SITE}{path}?limit=1000"), "en")?.json()?;
    let rows = page["items"].as_array().context("items")?;
    let text = |row: &serde_json::Value, key: &str| row[key].as_str().map(ToOwned::to_owned).context("a text");
    let of = rows.iter().map(|row| Ok((text(row, "reference")?, text(row, "state")?)));
    let all: Vec<(String, String)> = of.collect::<anyhow::Result<_>>()?;
    Ok(all.into_iter().filter_map(|(key, state)| Some((key.strip_prefix("stripe")?.to_owned(), state))).collect())
}

#[test]
fn where_each_payment_stands_is_seen() -> anyhow::Result<()> {
    let portal = portal_site::start()?;
    say_all(&portal.server.app.site(SITE).context("the site")?.desk)?;
    let own = [
        (":charged_back", "charged_back"),
        ("/charged_back/charged_back-back", "charged_back"),
        (":credited", "credited"),
        (":in_part", "credited"),
        ("/refunded/in_part-back", "refunded"),
        (":refunded", "refunded"),
        ("/refunded/refunded-back", "refunded"),
        (":refused", "refused"),
        (":requested", "requested"),
        (":reversed", "reversed"),
        ("/reversed/reversed-back", "reversed"),
    ];
    let of = |rows: &[(&str, &str)]| -> BTreeMap<String, String> {
        rows.iter().map(|(key, state)| ((*key).to_owned(), (*state).to_owned())).collect()
    };
    assert_eq!(states(&portal, "ada", &format!("/accounts/{ACCOUNT}/payments"))?, of(&own));
    let others = [(":parked", "parked"), (":suspended", "suspended")];
    let all: Vec<(&str, &str)> = own.into_iter().chain(others).collect();
    assert_eq!(states(&portal, "mia", "/recharges")?, of(&all));
    assert!(states(&portal, "bob", "/accounts/A-102/payments")?.is_empty(), "a neighbour has none of it");

    let path = format!("/site/{SITE}/account/{ACCOUNT}/payments");
    let english = ask(&portal, "ada", &path, "en")?.body;
    for word in ["Requested", "Credited", "Refunded", "Reversed", "Charged back", "Refused"] {
        assert!(english.contains(&format!("<td>{word}</td>")), "{word}: {english}");
    }
    let chinese = ask(&portal, "ada", &path, "zh")?.body;
    for word in ["已发起", "已到账", "已退款", "已冲正", "已拒付", "已拒绝"] {
        assert!(chinese.contains(&format!("<td>{word}</td>")), "{word}: {chinese}");
    }
    Ok(())
}
