//! The card of supply: a cut that is due, the rules, a restore that waits for the tenant, and the button.

use std::time::{Duration, Instant as Moment};

use adapters::intake::{Arrival, Intake as _, Poll, PolledMeter, Spool};
use anyhow::{Context as _, Result, ensure};
use domain::event::{
    AccountId, Body, Event, MeterId, OutputState, PointId, RechargeKind, RechargeReceived, SiteId,
    SupplyCommandOrdered, SupplyCommandSent, SupplyCutConfirmed, SupplyEvent, SupplyPolicy, SupplyPolicyPublished,
    SupplyReason, SwitchEvidence,
};
use domain::quantity::{Instant, Money};
use domain::supply::preset;
use services::query;
use tests::http::{self, Answer};
use tests::portal_site::{self, NOW, PASSWORD, Portal, SITE};

const HOME: &str = "/site/riverside/account/A-103";
const CONFIRM: &str = "/site/riverside/account/A-103/supply/P-103/confirm";
const BUTTON: &str = "Appliances are safe: restore";

/// A service that is looked at by people with cookies.
struct World(Portal);

impl World {
    /// The meter answers a poll: its relay is on.
    fn poll(&self) -> Result<()> {
        let meter = PolledMeter {
            relay: Some(OutputState::Connected),
            remote: Some(true),
            ..PolledMeter::new(MeterId::try_new("M-103").context("an id")?, "746.600000")
        };
        let site = SiteId::try_new(SITE).context("an id")?;
        let poll = Poll::new(site, "c", "b", Instant::parse(NOW)?, vec![meter]);
        let (id, bytes) = Arrival::Poll(poll).encode()?;
        Spool::open(&self.0.folder.path().join("data").join(SITE).join("intake.db"))?.offer(id, &bytes)?;
        Ok(())
    }

    /// The page, as soon as it says so.
    fn page_with(&self, cookie: &str, text: &str) -> Result<String> {
        let began = Moment::now();
        loop {
            let page = self.page(cookie, HOME)?.body;
            if page.contains(text) {
                return Ok(page);
            }
            ensure!(began.elapsed() < Duration::from_secs(30), "no {text:?} on {page}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn page(&self, cookie: &str, path: &str) -> Result<Answer> {
        http::page(self.0.server.http, path, cookie)
    }

    /// What was said of confirmations: by whom.
    fn confirmed(&self) -> Result<Vec<String>> {
        let of = |event: Event| match event.body {
            Body::Supply(SupplyEvent::ReconnectionConfirmed(data)) => Some(data.by),
            _ => None,
        };
        Ok(self.0.events()?.into_iter().filter_map(of).collect())
    }
}

fn published() -> Body {
    let policy = SupplyPolicy { notice_s: 7_200, no_cut: Vec::new(), ..preset("uk-prepay").expect("shipped").policy() };
    let data = SupplyPolicyPublished { by: "J. Doe".to_owned(), policy, preset: None, version: 1 };
    SupplyEvent::SupplyPolicyPublished(data).into()
}

/// An order to cut, carried out.
fn cut() -> Result<Vec<Body>> {
    let point = PointId::try_new("P-103").context("an id")?;
    let at = Instant::parse(NOW)?;
    let ordered = SupplyCommandOrdered {
        account: AccountId::try_new("A-103"),
        checks: Vec::new(),
        command: 1,
        meter: MeterId::try_new("M-103").context("an id")?,
        point: point.clone(),
        policy: 1,
        reason: SupplyReason::Balance,
        request: None,
        to: OutputState::Disconnected,
        valid_until: at.plus(300),
    };
    let evidence = SwitchEvidence {
        at,
        current_ma: Some(0),
        echoed: true,
        read_back: Some(OutputState::Disconnected),
        sent: true,
        serial: None,
    };
    Ok(vec![
        SupplyEvent::SupplyCommandOrdered(ordered).into(),
        SupplyEvent::SupplyCommandSent(SupplyCommandSent { command: 1, point: point.clone() }).into(),
        SupplyEvent::SupplyCutConfirmed(SupplyCutConfirmed { command: 1, evidence, point }).into(),
    ])
}

fn paid() -> Result<Body> {
    let account = AccountId::try_new("A-103").context("an id")?;
    let data = RechargeReceived {
        account,
        amount_minor: 50_000,
        kind: RechargeKind::Recharge,
        reference: "card-9".to_owned(),
    };
    Ok(Body::RechargeReceived(data))
}

#[test]
fn a_cut_is_announced_and_a_restore_waits_for_the_tenant() -> Result<()> {
    let world = World(portal_site::start_with_relay()?);
    let (eve, mark) = world.0.enter("eve")?;
    ensure!(!world.page(&eve, HOME)?.body.contains("The rules of this building"), "without a policy there is no rule");
    world.poll()?;
    world.0.say(vec![published()])?;

    // Two hours from the warning: 14:05 in London, and then.
    let page = world.page_with(&eve, "Earliest cut")?;
    let page = world.page_with(&eve, "Thu 9 April, 16:05").with_context(|| page)?;
    for said in [
        "A cut is due. Pay what is owed, and it does not happen.",
        "The warning was not long enough ago",
        "supply stays on until more than £5.00 is owed",
        "a cut comes 2 h later at the earliest",
        "No cut while a complaint of yours is open.",
        "you say here that appliances are safe",
    ] {
        ensure!(page.contains(said), "no {said:?} on {page}");
    }
    ensure!(!page.contains(BUTTON), "nothing is to be restored");
    let chinese = world.page(&eve, &format!("{HOME}?lang=zh"))?.body;
    ensure!(chinese.contains("最早断电时间") && chinese.contains("4月9日 周四, 16:05"), "{chinese}");

    // Pressed too early, it says nothing.
    let at = world.0.server.http;
    let early = http::submit(at, CONFIRM, &eve, &[("csrf", &mark)])?;
    assert_eq!((early.status, world.confirmed()?), (303, vec![]));

    world.0.say(cut()?)?;
    let off = world.page_with(&eve, "Supply is off.")?;
    ensure!(off.contains("The balance was used up") && !off.contains("Earliest cut") && !off.contains(BUTTON), "{off}");
    world.0.say(vec![paid()?])?;
    let ready = world.page_with(&eve, BUTTON)?;
    ensure!(ready.contains("Ready to switch on") && ready.contains("Waiting for your confirmation"), "{ready}");
    ensure!(ready.contains(&format!("action=\"{CONFIRM}\"")), "{ready}");

    // An auditor is shown no button; a neighbour, an auditor and a forged form confirm nothing.
    let (tom, toms) = world.0.enter("tom")?;
    let (bob, bobs) = world.0.enter("bob")?;
    ensure!(!world.page(&tom, HOME)?.body.contains(BUTTON), "an auditor writes nothing");
    for (cookie, csrf, status) in [(&tom, toms.as_str(), 403), (&bob, bobs.as_str(), 404), (&eve, bobs.as_str(), 403)] {
        assert_eq!(http::submit(at, CONFIRM, cookie, &[("csrf", csrf)])?.status, status);
    }
    assert_eq!(http::submit(at, &CONFIRM.replace("P-103", "P-102"), &eve, &[("csrf", &mark)])?.status, 404);
    assert_eq!(world.confirmed()?, Vec::<String>::new());

    // The tenant does, in a browser and twice over, and once it counts.
    portal_site::browse(at, "supply.mjs", &[SITE, PASSWORD])?;
    assert_eq!(world.confirmed()?, ["eve"]);
    for _ in 0..2 {
        let done = http::submit(at, CONFIRM, &eve, &[("csrf", &mark)])?;
        assert_eq!((done.status, done.headers.get("location").map(String::as_str)), (303, Some(HOME)));
    }
    assert_eq!(world.confirmed()?, ["eve"]);
    ensure!(!world.page(&eve, HOME)?.body.contains(BUTTON), "the button has done its work");
    Ok(())
}

/// Control moves no relay that its switch does not have: the card names no hour of a cut that never comes.
#[test]
fn a_meter_that_answers_without_a_relay_is_promised_no_cut() -> Result<()> {
    let world = World(portal_site::start()?);
    let (eve, _) = world.0.enter("eve")?;
    world.poll()?;
    world.0.say(vec![published()])?;
    let page = world.page_with(&eve, "Earliest cut")?;
    for said in ["Not as long as it is held", "switch cannot be reached", "Balance that counts here"] {
        ensure!(page.contains(said), "no {said:?} on {page}");
    }
    let desk = &world.0.server.app.site(SITE).context("the site")?.desk;
    let point = PointId::try_new("P-103").context("an id")?;
    let pending = || query::point(&desk.moment(), &point).and_then(|point| point.pending);
    assert_eq!(pending().and_then(|pending| pending.held_by).as_deref(), Some("link"));

    // What was held is not due any more: nobody is told that it is to happen.
    world.0.say(vec![paid()?])?;
    let page = world.page_with(&eve, "Nothing is due. Supply stays on.");
    let began = Moment::now();
    while let Some(pending) = pending() {
        ensure!(began.elapsed() < Duration::from_secs(30), "{pending:?} is shown of what is paid");
        std::thread::sleep(Duration::from_millis(20));
    }
    page.map(|_| ())
}

#[test]
fn the_bars_of_a_day_are_of_power() -> Result<()> {
    let world = World(portal_site::start()?);
    let (ada, _) = world.0.enter("ada")?;
    let page = world.page(&ada, "/site/riverside/account/A-101/day/2026-04-08")?.body;
    ensure!(page.contains("Mean power of quarter hours, in kW, Wed 8 April"), "{page}");
    ensure!(page.contains(">kW</text>"), "{page}");
    // Energy times four is power: 1,000,000 mWh in a quarter of an hour are 4 kW.
    let mut bars = 0;
    for bar in page.split("data-mwh=\"").skip(1) {
        let (mwh, rest) = bar.split_once('"').context("a value")?;
        let title = rest.split_once("<title>").and_then(|(_, rest)| rest.split_once(" kW<")).context("a title")?.0;
        let said = title.rsplit(' ').next().context("a figure")?;
        let watts10: i64 = mwh.parse::<i64>()?.saturating_mul(4).div_euclid(10_000);
        // A bar of two periods says their sum.
        if title.matches(',').count() == 0 {
            assert_eq!(said, Money::new(watts10).major(2), "{title}");
            bars += 1;
        }
    }
    ensure!(bars > 80, "{bars} bars");
    Ok(())
}
