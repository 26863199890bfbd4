//! The reads of the service: what they say of a site must be what its bills say.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use adapters::intake::{Arrival, Intake as _, Poll, PolledMeter, Spool};
use anyhow::{Context as _, Result};
use domain::billing::Site;
use domain::event::{AccountId, Component, MeterId, PointId, SiteId};
use domain::prepayment;
use domain::quantity::{Instant, Month};
use domain::recharge::Payments;
use services::desk::Moment;
use services::history;
use services::query::{self, Step, View, Whose};
use tests::cases;
use tests::served::{SITE, Served};

/// A site of a log, as a desk sees it at an instant.
fn seen(out: &Path, at: Instant) -> Result<(Site, Moment)> {
    let entries = history::read(out, None)?;
    let (mut site, _) = history::replay(&entries, None)?;
    let (live, targets) = prepayment::live_by(&mut site, at)?;
    let premises = Arc::new(site.premises().clone());
    let (live, targets) = (Arc::new(live), Arc::new(targets));
    let moment = Moment { at, live, targets, premises, live_at: (0, at), ..Moment::default() };
    Ok((site, moment))
}

/// Energy by point, period, tier and price.
type Parts = BTreeMap<(String, String, i64, String), i64>;

/// The energy lines of an account's month.
fn energy_lines(view: &View<'_>, account: &AccountId, month: Month) -> Parts {
    let mut parts = Parts::new();
    let of = view.target(month).and_then(|target| target.accounts.get(account));
    for (key, line) in of.into_iter().flat_map(|of| &of.lines).filter(|(key, _)| key.component == Component::Energy) {
        let (period, tier) = (key.period.clone().unwrap_or_default(), key.tier.unwrap_or_default());
        *parts.entry((key.point.to_string(), period, tier, line.price.to_string())).or_default() += line.quantity;
    }
    parts
}

/// The bars of an account's month that have a tariff.
fn bars(view: &View<'_>, account: &AccountId, month: Month, step: Step) -> Result<Parts> {
    let calendar = &view.premises().calendar;
    let (from, until) = (calendar.start_of(month.first()), calendar.end_of(month.last()));
    let curve = query::curve(view, &Whose::Account(account.clone()), from, until, step)?;
    anyhow::ensure!(curve.total.mwh == curve.bars.iter().map(|bar| bar.kwh.mwh).sum::<i64>());
    let mut parts = Parts::new();
    for bar in curve.bars.iter().filter(|bar| bar.kwh.mwh != 0) {
        let (Some(period), Some(tier), Some(price)) = (&bar.period, bar.tier, &bar.price) else { continue };
        *parts.entry((bar.point.clone(), period.clone(), tier, price.clone())).or_default() += bar.kwh.mwh;
    }
    Ok(parts)
}

/// emoncms/emoncms#1805: plots that disagree with the bill (PAINS 24).
#[test]
fn the_bars_of_a_month_add_up_to_the_bills_kwh_by_period_and_tier() {
    let compared = AtomicUsize::new(0);
    cases::check_each(&cases::all().expect("the cases"), |case| {
        let out = tempfile::tempdir()?;
        let out = out.path().join("out");
        tests::run::run(&case.path, &case.until, &out, &[])?;
        let (site, moment) = seen(&out, Instant::parse(&case.until)?)?;
        let view = View { site: &site, moment: &moment, payments: &Payments::default() };
        let mut lines = 0;
        for account in view.premises().accounts.keys() {
            for month in view.months() {
                let billed = energy_lines(&view, account, month);
                for step in [Step::Hour, Step::Day] {
                    let shown = bars(&view, account, month, step)?;
                    anyhow::ensure!(shown == billed, "{account} {month} {step:?}: {shown:?} is not {billed:?}");
                }
                lines += billed.len();
            }
        }
        compared.fetch_add(lines, Ordering::Relaxed);
        Ok(())
    });
    assert!(compared.into_inner() > 500, "too little was compared");
}

/// What is shown of an account's money, in whatever view, is its live balance.
fn money(view: &View<'_>, account: &AccountId) -> Result<()> {
    let live = view.moment.live.get(account).context("a live balance")?.balance.get();
    let ledger = query::ledger(view, account, Instant::new(-2_000_000_000), view.until().plus(1))?;
    anyhow::ensure!(
        ledger.closing_balance.minor == live,
        "ledger of {account}: {} is not {live}",
        ledger.closing_balance.minor
    );
    for month in query::months(view, account)? {
        let days = query::days(view, account, Month::parse(&month.month).context("a month")?)?;
        let charges: i64 = days.days.iter().map(|day| day.charges.minor).sum();
        anyhow::ensure!(
            charges == month.charges.minor,
            "{account} {}: {charges} is not {:?}",
            month.month,
            month.charges
        );
    }
    for row in query::bills(view, account)? {
        let bill = query::bill(view, account, Month::parse(&row.month).context("a month")?)?;
        let own: i64 = bill.indoor.iter().map(|line| line.amount.minor).sum();
        let shared: i64 = bill.shared.iter().map(|line| line.amount.minor).sum();
        anyhow::ensure!(
            own == bill.indoor_amount.minor && shared == bill.shared_amount.minor,
            "{account} {}",
            row.month
        );
        anyhow::ensure!(
            bill.charges == row.charges && bill.closing_balance == row.closing_balance,
            "{account} {}",
            row.month
        );
    }
    Ok(())
}

#[test]
fn days_bills_and_ledger_say_what_the_balance_says() {
    cases::check_each(&cases::all().expect("the cases"), |case| {
        let out = tempfile::tempdir()?;
        let out = out.path().join("out");
        tests::run::run(&case.path, &case.until, &out, &[])?;
        let (site, moment) = seen(&out, Instant::parse(&case.until)?)?;
        let view = View { site: &site, moment: &moment, payments: &Payments::default() };
        for account in view.premises().accounts.keys() {
            money(&view, account)?;
        }
        for pool in view.premises().pools.keys() {
            for month in view.months() {
                let days = view.target(month).and_then(|target| target.pools.get(pool)).map(|pool| &pool.days);
                for day in days.into_iter().flatten() {
                    let allocation = query::allocation(&view, pool, day.day)?;
                    anyhow::ensure!(allocation.adds_up, "{pool} {}", day.day);
                }
            }
        }
        Ok(())
    });
}

#[test]
fn a_days_minutes_are_its_hours() -> Result<()> {
    let case = cases::named("hand-tou")?;
    let out = tempfile::tempdir()?;
    let out = out.path().join("out");
    tests::run::run(&case.path, &case.until, &out, &[])?;
    let (site, moment) = seen(&out, Instant::parse(&case.until)?)?;
    let view = View { site: &site, moment: &moment, payments: &Payments::default() };
    let point = view.premises().points.keys().next().context("a point")?.clone();
    let day = site.settled_to().context("a settled day")?;
    let calendar = &view.premises().calendar;
    let (from, until) = (calendar.start_of(day), calendar.end_of(day));
    let of = |step| query::curve(&view, &Whose::Point(PointId::clone(&point)), from, until, step);
    let (minutes, hours) = (of(Step::Minute)?, of(Step::Hour)?);
    assert_eq!(minutes.parts, hours.parts);
    assert!(minutes.bars.len() >= 1440 && (24..48).contains(&hours.bars.len()), "{}", hours.bars.len());
    Ok(())
}

/// What a page shows in one turn is of the same readings, however short a time ago they came (PAINS 24).
#[test]
fn what_is_read_in_one_turn_is_of_the_same_readings() {
    let served = Served::start("", "2026-03-10T12:00:00Z");
    let site = SiteId::try_new(SITE).expect("an id");
    let desk = served.server().app.sites[&site].desk.clone();
    let account = AccountId::try_new("A-1").expect("an id");
    let month = Month::parse("2026-03").expect("a month");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let mut spool = Spool::open(&served.spool()).expect("opens");
    let mut offer = |time: &str, kwh: &str| {
        let meter = PolledMeter::new(MeterId::try_new("M-1").expect("an id"), kwh);
        let poll = Poll::new(site.clone(), "c", "b", Instant::parse(time).expect("an instant"), vec![meter]);
        let (id, bytes) = Arrival::Poll(poll).encode().expect("a poll");
        spool.offer(id, &bytes).expect("spooled");
    };
    // The first poll of a bus waits for others; those of a bus that is known are taken at once.
    offer("2026-03-10T10:00:00Z", "10.0");
    let mut now = Instant::parse("2026-03-10T12:00:00Z").expect("an instant");
    while runtime.block_on(desk.read(|turn| turn.owner.newest_reading())).expect("answers").is_none() {
        now = now.plus(60);
        served.clock.set(now);
    }
    for (time, kwh) in [("2026-03-10T11:00:00Z", "12.5"), ("2026-03-10T12:00:00Z", "16.0")] {
        // The desk is kept until the reading and the question both wait for it.
        let (release, held) = std::sync::mpsc::channel::<()>();
        let (enters, entered) = tokio::sync::oneshot::channel();
        let busy = desk.clone();
        let keeps = runtime.spawn(async move {
            busy.read(move |_| {
                enters.send(()).expect("somebody waits");
                held.recv().expect("released");
            })
            .await
        });
        runtime.block_on(entered).expect("entered");
        offer(time, kwh);
        let of = account.clone();
        let asked = query::read(&desk, move |view| {
            let used = query::days(&view, &of, month)?;
            Ok((used, query::bill(&view, &of, month)?, query::balance(view.moment, &of)?))
        });
        let released = async move { release.send(()).expect("it waits") };
        // In the order in which they are written: it is asked before the desk is free.
        let (asked, ()) = runtime.block_on(async { tokio::join!(biased; asked, released) });
        runtime.block_on(keeps).expect("no panic").expect("answers");
        let (days, bill, balance) = asked.expect("answers");
        assert_eq!((&days.charges, days.charges.minor > 300), (&bill.charges, true), "{time}");
        assert_eq!(bill.closing_balance, balance.balance, "{time}");
    }
}
