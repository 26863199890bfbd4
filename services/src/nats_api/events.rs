//! What is published of a site's log: every event but readings on a subject of the site, and
//! what is one account's alone on a subject of the account. Nobody waits for it and nothing
//! is kept: who needs every event reads the log.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use adapters::event_log::{self, Filter, Kind, LogError};
use async_nats::Client;
use domain::event::{AccountId, Body, Event, SiteId};
use serde_json::json;
use tokio::runtime::Handle;

use super::subject::{EVENTS, token};

/// Between two looks whether the service stops.
const LOOK: Duration = Duration::from_millis(200);
/// After a log that could not be read.
const AGAIN: Duration = Duration::from_secs(2);

/// The account whose event it is, and nobody's else: none where it says anything of another one.
fn account_of(body: &Body) -> Option<&AccountId> {
    match body {
        Body::AccountOpened(data) => Some(&data.id),
        Body::LeaseRecorded(data) => Some(&data.account),
        Body::RechargeReceived(data) => Some(&data.account),
        Body::PostingMade(data) => Some(&data.account),
        Body::AccountSettled(data) => Some(&data.account),
        Body::BillIssued(data) => Some(&data.account),
        Body::BillHeld(data) => Some(&data.account),
        Body::ConsentGiven(data) => Some(&data.account),
        Body::Supply(event) => event.about().0,
        _ => None,
    }
}

/// The subjects of an event, and its text for each; none of readings.
fn messages(event: &Event) -> Vec<(String, String)> {
    let Some(data) = event.body.to_value() else { return Vec::new() };
    let (site, kind) = (token(event.site.as_str()), event.body.type_name());
    let mut message = json!({"position": event.position, "id": event.id, "site": event.site, "type": kind,
        "time": event.time, "received": event.received, "data": data});
    let of_account = account_of(&event.body)
        .map(|account| (format!("{EVENTS}.{site}.account.{}.{kind}", token(account.as_str())), message.to_string()));
    if let Some(members) = message.as_object_mut() {
        members.insert("actor".to_owned(), json!(event.actor));
        members.insert("cause".to_owned(), json!(event.cause));
    }
    [(format!("{EVENTS}.{site}.{kind}"), message.to_string())].into_iter().chain(of_account).collect()
}

/// Publishes what is appended from now on, in a thread of its own.
pub(super) fn publish(
    site: SiteId,
    log: String,
    client: Client,
    runtime: Handle,
    stop: Arc<AtomicBool>,
) -> std::io::Result<JoinHandle<()>> {
    std::thread::Builder::new().name(format!("events {site}")).spawn(move || {
        while !stop.load(Ordering::Relaxed) {
            if let Err(error) = follow(&site, &log, &client, &runtime, &stop) {
                tracing::warn!(%site, %error, "events are not published at present");
                std::thread::sleep(AGAIN);
            }
        }
    })
}

fn follow(site: &SiteId, log: &str, client: &Client, runtime: &Handle, stop: &AtomicBool) -> Result<(), LogError> {
    let log = event_log::open(log)?;
    let filter = Filter { site: Some(site.clone()), kind: None };
    let mut follow = log.follow(log.head()?, filter)?;
    while !stop.load(Ordering::Relaxed) {
        let Some(stored) = follow.next(LOOK)? else { continue };
        if stored.event.kind == Kind::Readings {
            continue;
        }
        let event = match Event::decode(&stored.event.bytes) {
            Ok(event) => event,
            Err(error) => {
                tracing::error!(%site, position = stored.event.position, %error, "an event is left out");
                continue;
            }
        };
        for (subject, text) in messages(&event) {
            if let Err(error) = runtime.block_on(client.publish(subject, text.into())) {
                tracing::warn!(%site, position = event.position, %error, "an event is not published");
            }
        }
    }
    Ok(())
}
