//! Money in: a recharge credited and durable, one by one and many at once.

use std::error::Error;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;
use std::time::Instant as Clock;

use adapters::event_log::EmbeddedLog;
use domain::event::{EventId, PaymentKind};
use domain::quantity::Instant;
use domain::recharge::GatewayMessage;

use super::data::building;
use super::{Figure, per_second};
use crate::owner::{COMMIT, Draft, Owner};
use crate::recharge::receive;

type Failed = Box<dyn Error + Send + Sync>;

const SINGLES: usize = 500;
const AT_ONCE: usize = 1000;
const TIMES: usize = 3;

fn percentile(sorted: &[u128], percent: usize) -> u128 {
    let at = sorted.len().saturating_mul(percent).div_euclid(100).min(sorted.len().saturating_sub(1));
    sorted.get(at).copied().unwrap_or_default()
}

fn message(nth: usize, account: &str, currency: &str, time: Instant) -> GatewayMessage {
    let payment = format!("pi_{nth:08}");
    let [gateway, account, currency] = ["stripe", account, currency].map(str::to_owned);
    let (kind, movement, amount_minor) = (PaymentKind::Captured, payment.clone(), 5000);
    GatewayMessage { gateway, kind, payment, movement, account, amount_minor, currency, time }
}

/// Credits recharges in a log below `dir`.
pub(super) fn measure(dir: &Path) -> Result<Vec<Figure>, Failed> {
    fs::create_dir_all(dir)?;
    let folder = building(40, None)?;
    let mut log = EmbeddedLog::open(&dir.join("recharge.db"))?;
    let mut owner = Owner::open(&mut log, folder.site.clone(), COMMIT)?;
    for fact in folder.facts {
        let id = EventId::derive(&[b"fact", fact.key.as_bytes()]);
        owner.append(Draft { id, time: fact.time, received: fact.received, actor: fact.actor, body: fact.body })?;
    }
    owner.flush()?;
    let now = owner.received().unwrap_or_default();
    let premises = owner.site().premises();
    let currency = premises.site().currency.clone();
    let accounts: Vec<String> = premises.accounts.keys().map(ToString::to_string).collect();
    let mut messages = (0usize..).zip(accounts.iter().cycle()).map(|(nth, to)| message(nth, to, &currency, now));
    let mut times = Vec::new();
    for message in messages.by_ref().take(SINGLES) {
        let began = Clock::now();
        receive(&mut owner, now, "bench", &message)?;
        owner.flush()?;
        times.push(began.elapsed().as_micros());
    }
    let mut rate = 0;
    for _ in 0..TIMES {
        let many: Vec<GatewayMessage> = messages.by_ref().take(AT_ONCE).collect();
        let began = Clock::now();
        for message in &many {
            receive(&mut owner, now, "bench", message)?;
        }
        owner.flush()?;
        rate = rate.max(per_second(AT_ONCE, began));
    }
    let mut raw = File::create(dir.join("recharge.raw"))?;
    let mut syncs = Vec::new();
    for _ in 0..SINGLES {
        let began = Clock::now();
        raw.write_all(&[b' '; 600])?;
        raw.sync_data()?;
        syncs.push(began.elapsed().as_micros());
    }
    times.sort_unstable();
    syncs.sort_unstable();
    let one = |what, percent, is| {
        let limit = Some((percentile(&syncs, percent), is));
        Figure { what, unit: "us", ours: percentile(&times, percent), limit, least: times.first().copied() }
    };
    let figures = vec![
        one("recharge credited and durable, p50", 50, "write and fdatasync of 600 B, p50"),
        one("recharge credited and durable, p99", 99, "write and fdatasync of 600 B, p99"),
        Figure { what: "1,000 recharges at once, durable", unit: "recharges/s", ours: rate, limit: None, least: None },
    ];
    drop(owner);
    fs::remove_dir_all(dir)?;
    Ok(figures)
}
