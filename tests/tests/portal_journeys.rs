//! Whole journeys of those who run a site, in a real browser on a real service: what they see, and what the log has
//! of it with their names.

use anyhow::{Context as _, Result, ensure};
use domain::event::{AlarmEvent, Body, Event, PaymentEvent, RechargeKind, SupplyEvent};
use tests::portal_site::{self, PASSWORD, Plan, Portal, SITE};
use tests::portal_world::World;

fn browse(portal: &Portal, script: &str, more: &[&str]) -> Result<()> {
    portal_site::browse(portal.server.http, script, &[&[SITE, PASSWORD], more].concat())
}

/// What a person did, in a word.
fn deed(event: &Event) -> Option<String> {
    let money = |kind: RechargeKind| if kind == RechargeKind::Refund { "refunds" } else { "takes" };
    Some(match &event.body {
        Body::Alarm(AlarmEvent::AlarmAcknowledged(data)) => format!("sees to {}", data.subject),
        Body::ReadingReleased(data) => format!("books {}", data.meter),
        Body::ReadingWithdrawn(data) => format!("leaves out {}", data.meter),
        Body::Supply(SupplyEvent::DisputeOpened(data)) => format!("records a complaint of {}", data.account),
        Body::Supply(SupplyEvent::DisputeClosed(data)) => format!("settles the complaint of {}", data.account),
        Body::Supply(SupplyEvent::SupplyRequested(data)) => format!("asks {} to be {:?}", data.point, data.to),
        Body::Supply(SupplyEvent::SupplyApproved(data)) => format!("approves {}", data.point),
        Body::Supply(SupplyEvent::SupplyCutConfirmed(data)) => format!("reads {} as off", data.point),
        Body::Supply(SupplyEvent::SupplyRestoredConfirmed(data)) => format!("reads {} as on", data.point),
        Body::Supply(SupplyEvent::PointProtected(data)) => format!("protects {}", data.point),
        Body::Supply(SupplyEvent::PointUnprotected(data)) => format!("ends the protection of {}", data.point),
        Body::RechargeReceived(data) => format!("{} {} {}", money(data.kind), data.amount_minor, data.reference),
        Body::PostingMade(data) => format!("posts {}", data.amount_minor),
        Body::Payment(PaymentEvent::RechargeMatched(data)) => format!("matches {} to {}", data.payment, data.account),
        Body::TariffPublished(data) => format!("publishes {} {}", data.id, data.version),
        Body::UnitRegistered(data) => format!("corrects {}", data.id),
        _ => return None,
    })
}

/// What was done after an event, each with who did it.
fn deeds(portal: &Portal, after: usize) -> Result<Vec<(String, String)>> {
    let events = portal.events()?;
    let new = events.get(after..).context("a log only grows")?;
    Ok(new.iter().filter_map(|event| Some((event.actor.clone(), deed(event)?))).collect())
}

#[test]
fn managers_auditors_and_finance_run_a_building() -> Result<()> {
    let world = World::start()?;
    let before = world.portal.events()?.len();
    let admin = world.sim.ready["admin"].as_str().context("an address")?.to_owned();
    browse(&world.portal, "journeys.mjs", &[&admin, "phone"])?;
    // Tables that are corrected twice become known one after the other.
    world.minute();
    browse(&world.portal, "journeys.mjs", &[&admin, "desk"])?;
    browse(&world.portal, "journeys.mjs", &[&admin, "readers"])?;
    let all = deeds(&world.portal, before)?;
    let count = |who: &str, what: &str| all.iter().filter(|(by, did)| by == who && did.starts_with(what)).count();
    let mut expected = vec![("mia", "sees to ".to_owned(), 2), ("mia", "leaves out M-101".to_owned(), 2)];
    for meter in ["M-102", "M-LIFT"] {
        expected.push(("mia", format!("books {meter}"), 1));
    }
    for (number, point, account) in [(1, "P-103", "A-103"), (2, "P-101", "A-101")] {
        expected.extend([
            ("mia", format!("records a complaint of {account}"), 1),
            ("mia", format!("settles the complaint of {account}"), 1),
            ("mia", format!("asks {point} to be Disconnected"), 1),
            ("max", format!("approves {point}"), 1),
            ("supply-control", format!("reads {point} as off"), 1),
            ("mia", format!("asks {point} to be Connected"), 1),
            ("supply-control", format!("reads {point} as on"), 1),
            ("mia", format!("takes 2000 cash:till-{number}"), 1),
            ("mia", format!("refunds 500 back-{number}"), 1),
            ("mia", format!("matches pi_{number} to A-101"), 1),
            ("mia", format!("publishes home {}", number + 1), 1),
        ]);
    }
    for point in ["P-101", "P-102"] {
        expected.push(("mia", format!("protects {point}"), 2));
        expected.push(("mia", format!("ends the protection of {point}"), 2));
    }
    expected.push(("mia", "posts -150".to_owned(), 2));
    expected.push(("mia", "corrects Flat 10".to_owned(), 6));
    for (who, what, times) in expected {
        ensure!(count(who, &what) == times, "{who} {what}: {} and not {times} times in {all:#?}", count(who, &what));
    }
    let relays = world.sim.get("/writes");
    ensure!(relays.as_array().is_some_and(|writes| writes.len() == 4), "two cuts and two restores: {relays}");
    Ok(())
}

#[test]
fn money_that_is_given_away_waits_for_a_second_person() -> Result<()> {
    let plain = Plan::default();
    let site = plain.site.replacen("max_gap", "approvals = 2\nmax_gap", 1);
    let portal = Plan { site, ..plain }.start()?;
    let before = portal.events()?.len();
    browse(&portal, "second.mjs", &[])?;
    let mut refunds = deeds(&portal, before)?;
    refunds.retain(|(_, did)| did.starts_with("refunds"));
    ensure!(
        refunds.len() == 2 && refunds.iter().all(|(by, did)| by == "mia" && did.starts_with("refunds 500 ")),
        "{refunds:?}"
    );
    let events = portal.events()?;
    let approved = events.iter().skip(before).filter_map(|event| match &event.body {
        Body::ChangeRecorded(change) => Some((change.author.as_str(), change.approver.as_deref())),
        _ => None,
    });
    assert_eq!(approved.collect::<Vec<_>>(), [("mia", Some("max")); 2]);
    Ok(())
}
