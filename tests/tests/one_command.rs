//! What is one command stays one, by whatever surface it comes: a key, a receipt, a refund's rules, what is said of supply.

use adapters::intake::{Arrival, Intake as _, Poll, PolledMeter, Spool};
use anyhow::{Context as _, Result, ensure};
use domain::event::{MeterId, PaymentKind, SiteId};
use domain::quantity::Instant;
use domain::recharge::GatewayMessage;
use serde_json::{Value, json};
use services::identity::Role;
use services::recharge::{RechargeError, receive};
use tests::http::{self, Answer};
use tests::run::command;
use tests::served::{SITE, Served};
use tests::site;

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

/// Money in cash as the command line gives it.
fn cash(receipt: &str) -> Result<GatewayMessage> {
    Ok(GatewayMessage {
        gateway: "cash".to_owned(),
        kind: PaymentKind::Captured,
        payment: receipt.to_owned(),
        movement: receipt.to_owned(),
        account: "A-1".to_owned(),
        amount_minor: 5000,
        currency: "EUR".to_owned(),
        time: Instant::parse(AT)?,
    })
}

#[test]
fn a_receipt_that_many_take_at_once_is_credited_once() -> Result<()> {
    let mut served = Served::start("", AT);
    let clerk = served.token("m.roe", Role::Manager, "");
    let path = "/accounts/A-1/recharges";
    let take = |key: &str, receipt: &str| {
        Ok(post(&served, &clerk, key, path, &json!({"amount": euros(5000), "reference": receipt}))?.status == 200)
    };
    let desk = served.server().app.site(SITE).context("the site")?.desk.clone();
    let hear = || -> Result<bool> {
        let message = cash("117")?;
        let heard = desk.change_blocking(move |turn| {
            let before = turn.owner.events();
            receive(turn.owner, turn.now, "m.roe", &message)?;
            let (balance, account) = (turn.owner.site().ledger(), "cash:117");
            let credited = balance.knows(account, domain::event::RechargeKind::Recharge);
            Ok::<_, RechargeError>(credited && turn.owner.events() > before.saturating_add(1))
        });
        Ok(heard?)
    };
    let taken = std::thread::scope(|scope| {
        let receipts = [("k-1", "117"), ("k-2", "cash:117"), ("k-3", " 117 "), ("k-4", "cash: 117")];
        let asked = receipts.map(|(key, receipt)| scope.spawn(move || take(key, receipt)));
        let heard = scope.spawn(hear);
        let all = asked.into_iter().chain([heard]);
        all.map(|one| one.join().expect("it answers")).collect::<Result<Vec<bool>>>()
    })?;
    assert_eq!(taken.iter().filter(|taken| **taken).count(), 1, "{taken:?}");
    post(&served, &clerk, "k-9", "/accounts/A-1/postings", &json!({"amount": euros(1), "reason": "to see it all"}))?;
    assert_eq!(balance(&served, &clerk)?, 5001);

    let console = Console::at(&mut served)?;
    let again = ["cash", "--account", "A-1", "--amount", "60.00", "--receipt", "117"];
    let (code, said) = console.ask(&["recharge", again[0]], &again[1..])?;
    ensure!(code == 2, "{said}");
    Ok(())
}

/// Logs have receipts by their bare number, from before cash was a payment for every surface.
#[test]
fn a_receipt_of_an_old_log_is_known_and_so_is_its_key() -> Result<()> {
    use domain::event::{AccountId, Body, RechargeKind, RechargeReceived};
    use services::command::Key;
    use services::owner::{Draft, OwnerError};
    let served = Served::start("", AT);
    let clerk = served.token("m.roe", Role::Manager, "");
    let desk = served.server().app.site(SITE).context("the site")?.desk.clone();
    let then = RechargeReceived {
        account: AccountId::try_new("A-1").context("an id")?,
        amount_minor: 5000,
        kind: RechargeKind::Recharge,
        reference: "117".to_owned(),
    };
    desk.change_blocking(move |turn| {
        let id = Key::try_new("k-1").expect("a key").id(turn.owner.site_id(), 0);
        let body = Body::RechargeReceived(then);
        turn.owner.append(Draft { id, time: turn.now, received: turn.now, actor: "m.roe".to_owned(), body })?;
        Ok::<_, OwnerError>(())
    })?;
    let path = "/accounts/A-1/recharges";
    let order = json!({"amount": euros(5000), "reference": "117"});
    let again = post(&served, &clerk, "k-1", path, &order)?;
    ensure!(again.status == 200 && again.headers.contains_key("idempotent-replayed"), "{}", again.body);
    let other = post(&served, &clerk, "k-2", path, &order)?;
    assert_eq!((other.status, other.code().as_str()), (409, "reference_taken"));
    let heard = cash("117")?;
    desk.change_blocking(move |turn| receive(turn.owner, turn.now, "m.roe", &heard).map(|_| ()))?;
    assert_eq!(balance(&served, &clerk)?, 5000);
    Ok(())
}

#[test]
fn a_refund_waits_for_complaints_and_held_bills_on_every_surface() -> Result<()> {
    // From 10 March on there is a price; what was used before it has none, and its bill is held.
    let flat = site::flat(1, "2026-03-01T00:00:00Z", "t");
    let flat = flat.replace("tariff = \"t\"\nfrom = 2026-01-01", "tariff = \"t\"\nfrom = 2026-03-10");
    let toml = [site::head("UTC", "EUR"), site::one_price("t", "0.30"), flat].concat();
    let mut served = Served::start_on(&toml, AT);
    let clerk = served.token("m.roe", Role::Manager, "");
    let refund = |served: &Served, key: &str| {
        let answer =
            post(served, &clerk, key, "/accounts/A-1/refunds", &json!({"amount": euros(100), "reason": "asked"}))?;
        Ok::<_, anyhow::Error>((answer.status, answer.code()))
    };
    let taken = post(&served, &clerk, "k-1", "/accounts/A-1/recharges", &json!({"amount": euros(50_000)}))?;
    ensure!(taken.status == 200, "{}", taken.body);
    let complaint = json!({"reason": "the bill"});
    let opened = post(&served, &clerk, "k-2", "/accounts/A-1/dispute/open", &complaint)?;
    ensure!(opened.status == 200, "{}", opened.body);
    assert_eq!(refund(&served, "k-3")?, (409, "complaint_open".to_owned()));
    let console = Console::at(&mut served)?;
    let words = ["--account", "A-1", "--amount", "1.00", "--reason", "asked"];
    let (code, said) = console.ask(&["recharge", "refund"], &words)?;
    ensure!(code == 2 && said.contains("open complaint"), "{said}");
    served.again();
    post(&served, &clerk, "k-4", "/accounts/A-1/dispute/close", &complaint)?;
    assert_eq!(refund(&served, "k-5")?, (200, String::new()));

    let mut spool = Spool::open(&served.spool())?;
    for (at, kwh) in [("2026-03-02T00:00:00Z", "10"), ("2026-03-05T11:59:00Z", "40")] {
        let meter = PolledMeter::new(MeterId::try_new("M-1").context("an id")?, kwh);
        let poll = Poll::new(SiteId::try_new(SITE).context("an id")?, "c", "b", Instant::parse(at)?, vec![meter]);
        let (id, bytes) = Arrival::Poll(poll).encode()?;
        spool.offer(id, &bytes)?;
    }
    // They are in before March is billed.
    served.again();
    served.clock.set(Instant::parse("2026-04-01T04:00:00Z")?);
    served.again();
    assert_eq!(refund(&served, "k-6")?, (409, "bill_held".to_owned()));
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
