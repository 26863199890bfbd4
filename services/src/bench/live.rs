//! Live balances over gRPC while readings come in: the service in this process, its clock
//! faster than the day, asked at a steady rate, then as fast as it answers.

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
use proto::v1::GetBalanceRequest;
use proto::v1::balance_client::BalanceClient;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;
use tonic::Request;
use tonic::transport::Channel;

use super::data::{BEGIN, Polls, building_toml};
use super::{Figure, per_second};
use crate::identity::{NewToken, Role};
use crate::serve::access::Rate;
use crate::serve::{Config, Server, SiteConfig};

type Failed = Box<dyn Error + Send + Sync>;

/// Queries a second of the goal (DESIGN §9), and how long they are asked.
const RATE: usize = 5_000;
const SECONDS: usize = 8;
/// Queries that are sent together, each so many milliseconds.
const TOGETHER: usize = 10;
const BEAT: Duration = Duration::from_millis(2);
/// Calls at a time, where they go as fast as they are answered.
const AT_ONCE: usize = 64;
/// A minute of the site passes in this time: every meter is read once in it.
const MINUTE: Duration = Duration::from_millis(250);
const CONNECTIONS: usize = 4;
const SITE: &str = "bench";

/// Measures with a building of so many units.
pub(super) fn measure(units: usize, dir: &Path) -> Result<Vec<Figure>, Failed> {
    let dir = dir.join("live");
    if dir.exists() {
        fs::remove_dir_all(&dir)?;
    }
    let folder = dir.join("site");
    fs::create_dir_all(&folder)?;
    fs::write(folder.join("site.toml"), building_toml(units)?)?;
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
    let figures = ask(&server, &config, clock, units)?;
    drop(server);
    fs::remove_dir_all(&dir)?;
    Ok(figures)
}

fn ask(server: &Server, config: &Config, clock: GivenClock, units: usize) -> Result<Vec<Figure>, Failed> {
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
    let runtime = Runtime::new()?;
    let asked = runtime.block_on(async {
        let mut clients = Vec::new();
        for _ in 0..CONNECTIONS {
            let channel = Channel::from_shared(format!("http://{address}"))?.connect().await?;
            clients.push(BalanceClient::new(channel));
        }
        let load = Load { clients, token: format!("Bearer {token}").parse()?, units };
        load.steady(1).await?;
        let before = server.app.site(SITE).ok_or("no site")?.desk.moment().position;
        let steady = load.steady(SECONDS).await?;
        let after = server.app.site(SITE).ok_or("no site")?.desk.moment().position;
        if after <= before {
            return Err("no reading came in meanwhile".into());
        }
        Ok::<_, Failed>((steady, load.flat_out().await?))
    });
    stop.store(true, Ordering::Relaxed);
    feed.join().map_err(|_| "the feed panicked")??;
    let (steady, most) = asked?;
    let goal = Some((5_000, "the goal; ours is to be below"));
    let at = |permille: usize| steady.get(steady.len().saturating_mul(permille).div_euclid(1000)).copied();
    let micros = |found: Option<Duration>| found.map_or(u128::MAX, |took| took.as_micros());
    Ok(vec![
        Figure {
            what: "live balance, 5,000/s while ingesting, p50",
            unit: "µs",
            ours: micros(at(500)),
            limit: None,
            least: None,
        },
        Figure {
            what: "live balance, 5,000/s while ingesting, p99",
            unit: "µs",
            ours: micros(at(990)),
            limit: goal,
            least: None,
        },
        Figure { what: "live balance, as fast as answered", unit: "queries/s", ours: most, limit: None, least: None },
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

struct Load {
    clients: Vec<BalanceClient<Channel>>,
    token: tonic::metadata::MetadataValue<tonic::metadata::Ascii>,
    units: usize,
}

impl Load {
    /// Asks once; how long that took since it was due.
    fn call(&self, number: usize, due: Clock) -> impl Future<Output = Result<Duration, Failed>> + Send + use<> {
        let client = self.clients.get(number.checked_rem(self.clients.len()).unwrap_or_default()).cloned();
        let unit = number.wrapping_mul(7919).checked_rem(self.units).unwrap_or_default();
        let mut request = Request::new(GetBalanceRequest { site: SITE.to_owned(), account: format!("A-{unit:06}") });
        request.metadata_mut().insert("authorization", self.token.clone());
        async move {
            let reply = client.ok_or("no client")?.get(request).await?;
            reply.get_ref().balance.as_ref().ok_or("no balance")?;
            Ok(due.elapsed())
        }
    }

    /// Asks at the goal's rate, whether or not answers come; how long each took, sorted.
    async fn steady(&self, seconds: usize) -> Result<Vec<Duration>, Failed> {
        let mut beat = tokio::time::interval(BEAT);
        beat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Burst);
        let mut calls = JoinSet::new();
        let mut took = Vec::new();
        let count = RATE.saturating_mul(seconds);
        for first in (0..count).step_by(TOGETHER) {
            let due = beat.tick().await.into_std();
            for number in first..first.saturating_add(TOGETHER) {
                calls.spawn(self.call(number, due));
            }
            while let Some(done) = calls.try_join_next() {
                took.push(done??);
            }
        }
        while let Some(done) = calls.join_next().await {
            took.push(done??);
        }
        took.sort();
        Ok(took)
    }

    /// Asks as fast as it is answered; how many a second.
    async fn flat_out(&self) -> Result<u128, Failed> {
        let began = Clock::now();
        let mut calls = JoinSet::new();
        let mut count = 0usize;
        let until = began.checked_add(Duration::from_secs(5)).ok_or("a clock that ends")?;
        while Clock::now() < until {
            while calls.len() < AT_ONCE {
                calls.spawn(self.call(count, Clock::now()));
                count = count.saturating_add(1);
            }
            if let Some(done) = calls.join_next().await {
                done??;
            }
        }
        while let Some(done) = calls.join_next().await {
            done??;
        }
        Ok(per_second(count, began))
    }
}
