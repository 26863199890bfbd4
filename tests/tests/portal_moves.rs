//! Moving in and out on the pages: tried first, exact to the mWh and the cent, and then as it was tried (PAINS 20).

use adapters::clock::{Clock as _, SystemClock};
use anyhow::{Context as _, Result, ensure};
use domain::event::SiteId;
use domain::quantity::Instant;
use serde_json::Value;
use services::desk::Desk;
use services::identity::{Grant, Identity, NewToken, Role, SignedIn};
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use tests::http::{self, Answer};
use tests::instance::Instance as Service;
use tests::portal_site::{self, PASSWORD, Portal, SITE};

/// Somebody at a site's pages, with a token to hold the pages against the JSON.
struct Visitor {
    at: SocketAddr,
    site: String,
    entered: SignedIn,
    token: String,
}

impl Visitor {
    fn new(at: SocketAddr, identity: &Identity, user: &str, site: &str) -> Result<Self> {
        let entered = identity.sign_in(user, PASSWORD, IpAddr::V4(Ipv4Addr::LOCALHOST))?;
        let (role, expires) = (identity.user(user)?.role, SystemClock.now().plus(3600));
        let new = NewToken { name: "compare".to_owned(), role, within: None, read_only: true, expires };
        let token = identity.token_create(user, &new, "test")?.expose().to_owned();
        Ok(Self { at, site: site.to_owned(), entered, token })
    }

    fn of(portal: &Portal, user: &str) -> Result<Self> {
        Self::new(portal.server.http, &portal.server.app.identity, user, SITE)
    }

    /// A manager of berlin.
    fn at_berlin(service: &Service) -> Result<Self> {
        let identity = &service.server.app.identity;
        let grant = Grant { site: SiteId::try_new("berlin").context("an id")?, account: None };
        identity.user_add("mia", Role::Manager, &[grant], "test")?;
        identity.password_set("mia", PASSWORD, "test")?;
        Self::new(service.server.http, identity, "mia", "berlin")
    }

    fn read(&self, path: &str) -> Result<Answer> {
        http::page(self.at, &format!("/site/{}{path}", self.site), self.entered.cookie.expose())
    }

    fn send(&self, path: &str, fields: &[(&str, &str)]) -> Result<Answer> {
        let csrf = self.entered.session.csrf();
        let all = [&[("csrf", csrf.as_str())], fields].concat();
        http::submit(self.at, &format!("/site/{}{path}", self.site), self.entered.cookie.expose(), &all)
    }

    fn json(&self, path: &str) -> Result<Value> {
        let answer = http::get(self.at, &format!("/api/v1/sites/{}{path}", self.site), &self.token)?;
        ensure!(answer.status == 200, "{path}: {}", answer.body);
        answer.json()
    }

    /// Own energy of a month by the JSON, in mWh.
    fn indoor(&self, account: &str, month: &str) -> Result<i64> {
        let bill = self.json(&format!("/accounts/{account}/bills/{month}"))?;
        bill["indoor_kwh"]["mwh"].as_i64().context("a number")
    }

    /// Tries a move, and confirms what was tried.
    fn confirm(&self, tried: &Answer) -> Result<Answer> {
        let form = form(&tried.body, "publish")?;
        let fields: Vec<(&str, &str)> = form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        self.send("/leases", &fields)
    }
}

/// As it stands in an address.
fn coded(text: &str) -> String {
    let byte = |byte: u8| {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            char::from(byte).to_string()
        } else {
            format!("%{byte:02X}")
        }
    };
    text.bytes().map(byte).collect()
}

/// The fields of the form that does something, but for the session's mark.
fn form(body: &str, act: &str) -> Result<BTreeMap<String, String>> {
    let wanted = format!("name=\"act\" value=\"{act}\"");
    let form = body.split("<form").find(|form| form.contains(&wanted)).context("no such form")?;
    let form = form.split("</form>").next().context("an end")?;
    let part = |text: &str, from: &str| Some(text.split_once(from)?.1.split_once('"')?.0.to_owned());
    let plain = |text: String| text.replace("&#38;", "&").replace("&#34;", "\"").replace("&#39;", "'");
    let inputs = form.split("<input").filter_map(|one| Some((part(one, "name=\"")?, plain(part(one, "value=\"")?))));
    Ok(inputs.filter(|(name, _)| name != "csrf").collect())
}

/// The text between two others.
fn between<'t>(text: &'t str, from: &str, to: &str) -> Result<&'t str> {
    let (_, rest) = text.split_once(from).with_context(|| format!("{from} in {text}"))?;
    Ok(rest.split_once(to).context("an end")?.0)
}

/// A card of a page.
fn card<'t>(body: &'t str, id: &str) -> Result<&'t str> {
    between(body, &format!("aria-labelledby=\"{id}\">"), "</section>")
}

/// The cells of the rows of a card's table.
fn cells(body: &str, id: &str) -> Result<Vec<Vec<String>>> {
    let rows = between(card(body, id)?, "<tbody>", "</tbody>")?;
    let text = |cell: &str| Some(cell.split_once('>')?.1.split('<').next()?.to_owned());
    let of = |row: &str| row.replace("<th", "<td").split("<td").skip(1).filter_map(text).collect::<Vec<String>>();
    Ok(rows.split("</tr>").map(of).filter(|row| !row.is_empty()).collect())
}

fn said(answer: &Answer) -> String {
    between(&answer.body, "id=\"said\">", "</p>").map_or_else(|_| answer.status.to_string(), str::to_owned)
}

/// What a meter of the portal's building reads at an instant, in mWh.
fn register(portal: &Portal, meter: &str, at: &str) -> Result<i64> {
    let text = std::fs::read_to_string(portal.folder.path().join("site/readings.csv"))?;
    let start = format!("{at},{meter},");
    let kwh = text.lines().find_map(|line| line.strip_prefix(&start)).context("it is read then")?;
    Ok(kwh.replace('.', "").parse()?)
}

const OUT: [(&str, &str); 4] =
    [("act", "try"), ("what", "move-out"), ("lease", "A-103/2026-03-01T00:00:00Z/Flat 103"), ("reason", "notice")];

fn with<'a>(fields: &[(&'a str, &'a str)], more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    [fields, more].concat()
}

#[test]
fn a_hand_over_is_shown_as_it_is_then_billed_and_both_add_up_to_the_meter() -> Result<()> {
    let portal = portal_site::start()?;
    let mia = Visitor::of(&portal, "mia")?;
    let whole = mia.indoor("A-103", "2026-04")?;
    let desk = &portal.server.app.site(SITE).context("served")?.desk;
    let before = desk.moment().position;

    // 13:37 on the wall clock of London's summer, of the running day.
    let when = [("day", "2026-04-09"), ("time", "13:37"), ("key", "out-1")];
    let tried = mia.send("/leases", &with(&OUT, &when))?;
    ensure!(said(&tried).contains("nothing is changed yet"), "{}", said(&tried));
    ensure!(desk.moment().position == before, "a dry run appends nothing");
    let reading = cells(&tried.body, "reading")?;
    let (from, until) =
        (register(&portal, "M-103", "2026-03-31T23:00:00Z")?, register(&portal, "M-103", "2026-04-09T12:37:00Z")?);
    let text = domain::quantity::Energy::new(until).kwh();
    assert_eq!(reading, [["M-103", &text, "read at that time"].map(str::to_owned)]);
    let bill = cells(&tried.body, "final")?;
    let row: Vec<String> = bill.iter().map(|row| row[1].clone()).collect();
    assert_eq!(row[2], domain::quantity::Energy::new(until - from).kwh(), "own use up to the hand-over");
    let to_come = card(&tried.body, "final")?;
    for text in [
        "Provisional",
        "Thu 9 April are settled at 2026-04-10 00:15",
        "bill of April 2026 is issued at 2026-05-01 03:00",
    ] {
        ensure!(to_come.contains(text), "{text}: {to_come}");
    }

    // Confirmed, the account's bill and balance are what was shown.
    let done = mia.confirm(&tried)?;
    ensure!(said(&done).contains("It is recorded"), "{}", said(&done));
    assert_eq!(cells(&done.body, "final")?, bill, "what was confirmed is what was tried");
    let json = mia.json("/accounts/A-103/bills/2026-04")?;
    let amount = |value: &Value| format!("£{}", value["text"].as_str().unwrap_or_default());
    let shown = [
        amount(&json["opening_balance"]).replace("£-", "\u{2212}£"),
        "£0.00".to_owned(),
        json["indoor_kwh"]["text"].as_str().unwrap_or_default().to_owned(),
        amount(&json["indoor_amount"]),
        json["shared_kwh"]["text"].as_str().unwrap_or_default().to_owned(),
        amount(&json["shared_amount"]),
        amount(&json["tax"]["amount"]),
        amount(&json["charges"]),
        amount(&json["closing_balance"]).replace("£-", "\u{2212}£"),
    ];
    assert_eq!(row, shown);
    let balance = mia.json("/accounts/A-103/balance")?["balance"].clone();
    assert_eq!(json["closing_balance"], balance, "the balance left is the bill's");

    // The next one moves in at that instant, with an account of their own.
    let next = [
        ("act", "try"),
        ("what", "move-in"),
        ("unit", "Flat 103"),
        ("account", "/"),
        ("new_account", "A-104"),
        ("holder", "Lee & \"Co\""),
        ("reason", "let again"),
    ];
    let tried = mia.send("/leases", &with(&next, &[("day", "2026-04-09"), ("time", "13:37"), ("key", "in-1")]))?;
    assert_eq!(cells(&tried.body, "reading")?, reading, "the opening reading is the closing one");
    let done = mia.confirm(&tried)?;
    ensure!(said(&done).contains("It is recorded"), "{}", said(&done));
    let (left, came) = (mia.indoor("A-103", "2026-04")?, mia.indoor("A-104", "2026-04")?);
    assert_eq!(left + came, whole, "both add up to the meter's");
    ensure!(came > 0);

    // A second account of that id, a second lease of the unit and an unknown one are refused, and nothing is appended.
    let before = desk.moment().position;
    let again = mia.send("/leases", &with(&next, &[("day", "2026-04-20"), ("time", "10:00"), ("key", "in-2")]))?;
    ensure!(again.body.contains("there is an account A-104 already"), "{}", again.body);
    let taken = with(
        &[("act", "try"), ("what", "move-in"), ("unit", "Flat 103"), ("reason", "x")],
        &[("account", "A-103"), ("day", "2026-04-09"), ("time", "13:50"), ("key", "in-3")],
    );
    ensure!(mia.send("/leases", &taken)?.body.contains("two leases"));
    let skipped = with(&OUT, &[("day", "2026-03-29"), ("time", "01:30"), ("key", "out-2")]);
    ensure!(said(&mia.send("/leases", &skipped)?).contains("clock shows"), "01:30 was skipped that day");
    let untried = with(&OUT, &[("act", "publish"), ("day", "2026-04-09"), ("time", "13:40"), ("key", "out-3")]);
    let untried: Vec<_> = untried.into_iter().skip(1).collect();
    ensure!(said(&mia.send("/leases", &untried)?).contains("was not tried"));
    assert_eq!(desk.moment().position, before);

    // Who left is listed with the final bill, and still sees the past in the own sign-in.
    let lately = mia.read("/leases")?;
    ensure!(card(&lately.body, "lately")?.contains("Flat 103 · A-103"), "{}", lately.body);
    let link = coded("A-103/2026-03-01T00:00:00Z/Flat 103");
    let left = mia.read(&format!("/leases?left={link}"))?;
    assert_eq!(cells(&left.body, "final")?, bill);
    ensure!(mia.read("/leases?left=A-103%2Fx")?.status == 404);
    let eve = Visitor::of(&portal, "eve")?;
    for path in
        ["", "/bills", "/bills/2026-03", "/bills/2026-04", "/payments", "/usage", "/day/2026-04-08", "/day/2026-04-09"]
    {
        let page = eve.read(&format!("/account/A-103{path}"))?;
        ensure!(page.status == 200, "{path}: {}", page.status);
        ensure!(!page.body.contains("A-104"), "{path} names the next tenant");
    }
    ensure!(eve.read("/account/A-104")?.status == 404, "and nothing of who came after");
    Ok(())
}

#[test]
fn what_is_left_is_paid_back_at_the_desk() -> Result<()> {
    let portal = portal_site::start()?;
    let mia = Visitor::of(&portal, "mia")?;
    let out =
        OUT.map(|(name, value)| (name, if name == "lease" { "A-101/2026-03-01T00:00:00Z/Flat 101" } else { value }));
    let when = [("day", "2026-04-09"), ("time", "13:37"), ("key", "out-1")];
    let tried = mia.send("/leases", &with(&out, &when))?;
    let done = mia.confirm(&tried)?;
    let next = card(&done.body, "next")?;
    let balance = mia.json("/accounts/A-101/balance")?["balance"]["text"].as_str().unwrap_or_default().to_owned();
    ensure!(!balance.starts_with('-') && balance != "0.00", "there is something to pay back: {balance}");
    let value = format!("name=\"amount\" value=\"{balance}\"");
    ensure!(next.contains(&value), "{next}");
    let desk = mia.read(&format!("/cash?account=A-101&amount={balance}&reason=Moved+out+of+Flat+101"))?;
    let give = card(&desk.body, "give")?;
    ensure!(give.contains(&format!("value=\"{balance}\"")) && give.contains("value=\"A-101\" selected"), "{give}");
    let mut form = form(&desk.body, "refund")?;
    form.insert("account".to_owned(), "A-101".to_owned());
    let fields: Vec<(&str, &str)> = form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let paid = mia.send("/cash", &fields)?;
    ensure!(said(&paid).contains("refunded to A-101. The new balance is £0.00"), "{}", said(&paid));
    Ok(())
}

/// Answers after whole turns, until the figures are of an instant.
fn wait_until(desk: &Desk, at: Instant) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    runtime.block_on(async { desk.watch().wait_for(|moment| moment.live_at.1 >= at).await.map(|_| ()) })?;
    Ok(())
}

#[test]
fn a_final_bill_says_what_is_to_come_until_nothing_is() -> Result<()> {
    let service = Service::start_with("requests_per_s = 1000000");
    let mia = Visitor::at_berlin(&service)?;
    let desk = &service.server.app.site("berlin").context("served")?.desk;
    let out = [
        ("act", "try"),
        ("what", "move-out"),
        ("lease", "berlin-A-1/2026-03-01T00:00:00Z/berlin-U-1"),
        ("reason", "notice"),
    ];
    // Ahead: what is used until then is to come.
    let ahead = mia.send("/leases", &with(&out, &[("day", "2026-04-20"), ("time", "14:37"), ("key", "a")]))?;
    ensure!(card(&ahead.body, "final")?.contains("What is used until the hand-over"), "{}", said(&ahead));
    // On a settled day: the charges that are taken back are posted with the next run, and not paid back before.
    let tried = mia.send("/leases", &with(&out, &[("day", "2026-04-09"), ("time", "14:37"), ("key", "b")]))?;
    let reading = cells(&tried.body, "reading")?;
    ensure!(reading[0][2].contains("between the readings of 2026-04-09 14:00 and 2026-04-09 15:00"), "{reading:?}");
    // 700 W for 948 h and 37 min since 1 March in UTC, cut to the mWh.
    assert_eq!(reading[0][1], "664.031666", "the register lies on the line between two readings");
    let facts = |body: &str| -> Result<(String, String)> {
        let pairs = between(card(body, "final")?, "<dl", "</dl>")?;
        let mut values = pairs.split("<dd>").skip(1).map(|one| one.split('<').next().unwrap_or_default().to_owned());
        Ok((values.next().context("a balance")?, values.next().context("a refund")?))
    };
    let (balance, refund) = facts(&tried.body)?;
    ensure!(balance != refund, "{balance} is left, {refund} is settled");
    mia.confirm(&tried)?;
    let link = format!("/leases?left={}", coded("berlin-A-1/2026-03-01T00:00:00Z/berlin-U-1"));
    ensure!(card(&mia.read(&link)?.body, "final")?.contains("are settled at"), "the run is still ahead");

    // The next settlement posts it: all of it can be paid back, and the bill's number is to come.
    let later = Instant::parse("2026-04-11T06:00:00Z")?;
    service.clock.set(later);
    wait_until(desk, later)?;
    let page = mia.read(&link)?.body;
    let settled = card(&page, "final")?.to_owned();
    ensure!(!settled.contains("are settled at") && settled.contains("is issued at 2026-05-01 03:00"), "{settled}");
    assert_eq!(facts(&page)?, (balance.clone(), balance.clone()));
    let before = cells(&page, "final")?;

    let may = Instant::parse("2026-05-02T06:00:00Z")?;
    service.clock.set(may);
    wait_until(desk, may)?;
    let page = mia.read(&link)?.body;
    ensure!(card(&page, "final")?.contains("Final: only a correction"), "{}", card(&page, "final")?);
    assert_eq!(cells(&page, "final")?, before, "the issued bill is what was shown");
    assert_eq!(facts(&page)?, (balance.clone(), balance));
    Ok(())
}

#[test]
fn a_change_is_tried_on_the_last_settled_month_and_on_others_when_asked() -> Result<()> {
    let service = Service::start_with("requests_per_s = 1000000");
    let mia = Visitor::at_berlin(&service)?;
    let text = "[[tariff]]\nid = \"t\"\nversion = 2\nfrom = 2026-03-15\ndefault_period = \"all\"\n\
                energy = [ { period = \"all\", tiers = [ { price = \"9\" } ] } ]\n";
    let fields = [("act", "try"), ("what", "tariff"), ("reason", "dearer"), ("key", "k"), ("text", text)];
    let tried = mia.send("/rules", &fields)?;
    let months =
        |body: &str| -> Result<Vec<String>> { Ok(cells(body, "effect")?.iter().map(|row| row[1].clone()).collect()) };
    ensure!(card(&tried.body, "effect")?.contains("change in March 2026"), "{}", said(&tried));
    let march = months(&tried.body)?;
    ensure!(march.len() >= 2 && march.iter().all(|month| month == "2026-03"), "{march:?}");
    ensure!(card(&tried.body, "effect")?.contains("April 2026: "), "the other month is offered");
    let other = mia.send("/rules", &with(&fields, &[("show", "2026-04")]))?;
    let april = months(&other.body)?;
    ensure!(april.len() >= 2 && april.iter().all(|month| month == "2026-04"), "{april:?}");
    ensure!(card(&other.body, "effect")?.contains("March 2026: "), "and the way back");
    Ok(())
}

#[test]
fn a_manager_moves_a_tenant_out_and_the_next_one_in_in_a_browser() {
    let portal = portal_site::start().expect("the service starts");
    portal_site::browse(portal.server.http, "moves.mjs", &[SITE, PASSWORD]).expect("the browser finds nothing wrong");
}
