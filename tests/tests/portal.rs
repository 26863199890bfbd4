//! The portal in a real browser, on a real service.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{IpAddr, Ipv4Addr, TcpStream};
use std::time::{Duration, Instant};

use domain::event::{AccountId, Body, EventId, RechargeKind, RechargeReceived};
use domain::quantity::Money;
use services::owner::{Draft, OwnerError};
use tests::portal_site::{self, PASSWORD, SITE};

#[test]
fn a_tenant_finds_everything_in_a_browser() {
    let portal = portal_site::start().expect("the service starts");
    portal_site::browse(portal.server.http, "tenant.mjs", &[SITE, PASSWORD]).expect("the browser finds nothing wrong");
}

#[test]
fn a_payment_is_in_the_balance_that_is_watched() {
    let portal = portal_site::start().expect("the service starts");
    let app = &portal.server.app;
    let entered = app.identity.sign_in("ada", PASSWORD, IpAddr::V4(Ipv4Addr::LOCALHOST)).expect("a session");
    let mut stream = TcpStream::connect(portal.server.http).expect("the service listens");
    let path = format!("/site/{SITE}/account/A-101/live");
    let cookie = entered.cookie.expose();
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nhost: x\r\naccept: text/event-stream\r\ncookie: tw_session={cookie}\r\n\r\n"
    )
    .expect("it reads");
    stream.set_read_timeout(Some(Duration::from_secs(60))).expect("a deadline");
    // What keeps the stream alive comes for ever, so the lines end by themselves.
    let began = Instant::now();
    let lines = BufReader::new(stream).lines().take_while(|_| began.elapsed() < Duration::from_secs(60));
    let mut lines = lines.map(|line| line.expect("the stream goes on"));
    assert!(lines.any(|line| line.contains("text/event-stream")), "the stream has begun");
    let account = AccountId::try_new("A-101").expect("an id");
    let desk = app.site(SITE).expect("the site").desk.clone();
    let before = desk.moment().live.get(&account).expect("a balance").balance;
    let paid: Result<bool, services::desk::ChangeError<OwnerError>> = desk.change_blocking(move |turn| {
        let (kind, reference) = (RechargeKind::Recharge, "card-1".to_owned());
        let data = RechargeReceived { account, amount_minor: 10_000, kind, reference };
        let (time, received, id) = (turn.now, turn.now, EventId::derive(&[b"pay", b"card-1"]));
        turn.owner.append(Draft { id, time, received, actor: "test".to_owned(), body: Body::RechargeReceived(data) })
    });
    assert!(paid.expect("it is durable"));
    let after = (before + Money::new(10_000)).major(2);
    assert!(lines.any(|line| line.contains(&format!("£{after}"))), "the new balance is sent");
}

#[test]
fn a_bill_prints_without_the_screen_around_it() {
    let portal = portal_site::start().expect("the service starts");
    portal_site::browse(portal.server.http, "print.mjs", &[SITE, PASSWORD]).expect("the browser finds nothing wrong");
}
