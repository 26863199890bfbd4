//! Live balances over gRPC while readings come in: the service and its readings in this process, its clock
//! faster than the day, asked by another process at a steady rate, then as fast as it answers.

use std::error::Error;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant as Clock};

use adapters::clock::{Clock as _, GivenClock, SharedClock, SystemClock};
use adapters::intake::{Arrival, Intake as _, Poll, Spool};
use domain::event::SiteId;
use domain::quantity::Instant;

use super::data::{BEGIN, Polls, SITE, building_toml};
use super::{Figure, ask};
use crate::identity::{NewToken, Role};
use crate::serve::access::Rate;
use crate::serve::{Config, Server, SiteConfig};

type Failed = Box<dyn Error + Send + Sync>;

/// A minute of the site passes in this time: every meter is read once in it.
const MINUTE: Duration = Duration::from_millis(250);

/// Measures with a building of so many units.
pub(super) fn measure(units: usize, dir: &Path) -> Result<Vec<Figure>, Failed> {
    let dir = dir.join("live");
    if dir.exists() {
        fs::remove_dir_all(&dir)?;
    }
    let folder = dir.join("site");
    fs::create_dir_all(&folder)?;
    fs::write(folder.join("site.toml"), building_toml(units, BEGIN)?)?;
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    let (log, intake, collector, notify, gateways) = (None, None, None, Vec::new(), Vec::new());
    let site = SiteConfig { folder, log, intake, collector, patience_s: 0, silent_after_s: 180, notify, gateways };
    let config = Config {
        data: dir.join("data"),
        http: any,
        grpc: Some(any),
        nats: None,
        certificate: None,
        cors: Vec::new(),
        rate: Rate { per_s: u32::MAX, burst: u32::MAX },
        sites: vec![site],
    };
    let clock = GivenClock::new(BEGIN.plus(86_400));
    let server = Server::start(&config, SharedClock::new(clock.clone()))?;
    let figures = measured(&server, &config, clock, units)?;
    drop(server);
    fs::remove_dir_all(&dir)?;
    Ok(figures)
}

fn measured(server: &Server, config: &Config, clock: GivenClock, units: usize) -> Result<Vec<Figure>, Failed> {
    let identity = &server.app.identity;
    identity.user_add("bench", Role::Operator, &[], "bench")?;
    let expires = SystemClock.now().plus(3_600);
    let new = NewToken { name: "bench".to_owned(), role: Role::Operator, within: None, read_only: true, expires };
    let token = identity.token_create("bench", &new, "bench")?.expose().to_owned();
    let address = server.grpc.as_ref().ok_or("no gRPC")?.address;
    let spool = Spool::open(&config.data.join(SITE).join("intake.db"))?;
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = Arc::clone(&stop);
    let feed = std::thread::spawn(move || feed(spool, &clock, units, &stopped));
    let before = server.app.site(SITE).ok_or("no site")?.desk.moment().position;
    let asked = ask::by_process(address, &token, units);
    let after = server.app.site(SITE).ok_or("no site")?.desk.moment().position;
    stop.store(true, Ordering::Relaxed);
    feed.join().map_err(|_| "the feed panicked")??;
    let asked = asked?;
    if after <= before {
        return Err("no reading came in meanwhile".into());
    }
    let goal = Some((5_000, "the goal; ours is to be below"));
    let micros = |what, ours, limit| Figure { what, unit: "µs", ours, limit, least: None };
    Ok(vec![
        micros("live balance, 5,000/s while ingesting, p50", asked.due.p50, None),
        micros("live balance, 5,000/s while ingesting, p99", asked.due.p99, goal),
        micros("the same since it was sent, p50", asked.sent.p50, None),
        micros("the same since it was sent, p99", asked.sent.p99, goal),
        Figure {
            what: "live balance, as fast as answered",
            unit: "queries/s",
            ours: asked.most,
            limit: None,
            least: None,
        },
    ])
}

/// Offers a poll of every meter for each minute of the site, and lets the minute pass.
fn feed(mut spool: Spool, clock: &GivenClock, units: usize, stop: &AtomicBool) -> Result<(), Failed> {
    let site = SiteId::try_new(SITE).ok_or("a good id")?;
    let mut polls = Polls::new(units, 60);
    let mut next = Clock::now();
    let mut now: Instant = clock.now();
    while !stop.load(Ordering::Relaxed) {
        for poll in Poll::of_rows(&site, "bench", "bus", &polls.at(now)) {
            let (id, bytes) = Arrival::Poll(poll).encode()?;
            spool.offer(id, &bytes)?;
        }
        now = now.plus(60);
        clock.set(now);
        next = next.checked_add(MINUTE).ok_or("a clock that ends")?;
        std::thread::sleep(next.saturating_duration_since(Clock::now()));
    }
    Ok(())
}
