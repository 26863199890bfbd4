//! `tallywatt serve` as a process of its own on a log of ten million readings: memory, pages, streams, explained lines
//! and balances. Whoever asks are other processes on the same machine.

use std::error::Error;
use std::fs;
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::time::{Duration, Instant as Clock};

use adapters::clock::{Clock as _, SystemClock};
use adapters::event_log::{Durability, EmbeddedLog};
use adapters::intake::{Arrival, Intake as _, Poll, Spool};
use adapters::site_folder::{Fact, SiteFolder};
use domain::event::{EventId, SiteId};
use domain::quantity::{Instant, Month};
use proto::v1::bills_client::BillsClient;
use proto::v1::{ExplainRequest, GetBillRequest};
use serde_json::Value;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;
use tonic::Request;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::Channel;

use super::child::Service;
use super::data::{Polls, SITE, building_toml};
use super::http::Line;
use super::{Figure, ask, per_second};
use crate::identity::{self, Identity, NewToken, Role};
use crate::owner::{COMMIT, Draft, Owner};

type Failed = Box<dyn Error + Send + Sync>;

/// Polls of the history: with 1,000 meters and a common one, ten million readings.
const POLLS: i64 = 10_000;
/// Pages are asked for by so many at once, for so long.
const LINES: usize = 8;
const LONG: Duration = Duration::from_secs(4);
/// Streams that are held, if the system lets a process have so many.
const STREAMS: usize = 2_000;
/// Readings that are waited for on all streams.
const ROUNDS: i64 = 5;
/// Between two of them: no round begins while the balances of the one before are computed.
const BETWEEN: Duration = Duration::from_secs(3);
/// Nobody waits longer for an event.
const PATIENCE: Duration = Duration::from_secs(30);
/// Accounts whose bills are explained, every line of each.
const EXPLAINED: usize = 25;

/// Measures with a building of so many units.
pub(super) fn measure(units: usize, dir: &Path) -> Result<Vec<Figure>, Failed> {
    let dir = std::path::absolute(dir.join("serve"))?;
    if dir.exists() {
        fs::remove_dir_all(&dir)?;
    }
    let mut figures = vec![idle(&dir.join("idle"))?];
    let place = dir.join("month");
    let (begin, month) = months_before(SystemClock.now()).ok_or("a clock that is set")?;
    configure(&place, units, begin)?;
    let polls = history(&place, units, begin)?;
    let service = Service::start(&place.join("tallywatt.toml"))?;
    let cookie = pass(&place)?;
    figures.push(plain("service: start on ten million readings", "ms", service.took.as_millis()));
    figures.push(plain("service: memory, 1,000 meters, a month behind", "kB", service.memory()?));
    let client = Client { service: &service, place: &place, cookie, units, month };
    let runtime = Runtime::new()?;
    runtime.block_on(client.pages(&mut figures))?;
    runtime.block_on(client.explain(&mut figures))?;
    client.balances(&mut figures)?;
    runtime.block_on(client.streams(polls, &mut figures))?;
    drop(service);
    fs::remove_dir_all(&dir)?;
    Ok(figures)
}

const fn plain(what: &'static str, unit: &'static str, ours: u128) -> Figure {
    Figure { what, unit, ours, limit: None, least: None }
}

const fn below(what: &'static str, unit: &'static str, ours: u128, goal: u128) -> Figure {
    Figure { what, unit, ours, limit: Some((goal, "the goal; ours is to be below")), least: None }
}

/// The first instant of the month before an instant's, in UTC, and that month.
fn months_before(now: Instant) -> Option<(Instant, Month)> {
    let today = domain::premises::wall_date(now, 0);
    let month = today.month().plus(-1);
    Some((Instant::new(domain::premises::wall_midnight(month.first())), month)).filter(|_| now.get() > 0)
}

/// A service of one flat, that nothing has happened at.
fn idle(place: &Path) -> Result<Figure, Failed> {
    configure(place, 1, SystemClock.now())?;
    let service = Service::start(&place.join("tallywatt.toml"))?;
    Ok(plain("service: memory at idle", "kB", service.memory()?))
}

/// Writes a site under a policy of supply, and the service's file.
fn configure(place: &Path, units: usize, begin: Instant) -> Result<(), Failed> {
    let folder = place.join("site");
    fs::create_dir_all(&folder)?;
    let policy = "[[supply_policy]]\nversion = 1\npreset = \"uk-prepay\"\nby = \"bench\"\n";
    fs::write(folder.join("site.toml"), building_toml(units, begin)? + policy)?;
    let most = u32::MAX;
    let file = format!(
        "[serve]\ndata = \"data\"\nhttp = \"127.0.0.1:0\"\ngrpc = \"127.0.0.1:0\"\nrequests_per_s = {most}\n\
         [[site]]\nfolder = \"site\"\npatience_s = 0\n"
    );
    fs::write(place.join("tallywatt.toml"), file)?;
    fs::create_dir_all(place.join("data").join(SITE))?;
    Ok(())
}

/// Writes the log of the polls from the month's begin until now, settled and billed; what comes after them.
fn history(place: &Path, units: usize, begin: Instant) -> Result<Polls, Failed> {
    let until = SystemClock.now().plus(-60);
    let step = until.since(begin).div_euclid(POLLS).max(1);
    let mut log = EmbeddedLog::open_with(&place.join("data").join(SITE).join("log.db"), Durability::Off)?;
    let folder = SiteFolder::open_structure(&place.join("site"))?;
    let mut owner = Owner::open(&mut log, folder.site.clone(), COMMIT)?;
    for Fact { key, time, received, actor, body, .. } in folder.facts {
        let id = EventId::derive(&[b"fact", key.as_bytes()]);
        owner.append(Draft { id, time, received: received.min(begin), actor, body })?;
    }
    let mut polls = Polls::new(units, u64::try_from(step)?.max(2));
    for number in 0..POLLS {
        let time = begin.plus(number.saturating_mul(step));
        owner.settle_before(time)?;
        owner.append_readings(time, "bench", polls.at(time))?;
    }
    owner.flush()?;
    Ok(polls)
}

/// Makes a user who may see everything; the cookie of a session of hers.
fn pass(place: &Path) -> Result<String, Failed> {
    let identity = Identity::open(&place.join("data").join(identity::FILE), SystemClock)?;
    identity.user_add("bench", Role::Operator, &[], "bench")?;
    let link = identity.link_create("bench", 600, "bench")?;
    let signed_in = identity.link_redeem(link.expose(), IpAddr::V4(Ipv4Addr::LOCALHOST))?;
    Ok(format!("tw_session={}", signed_in.cookie.expose()))
}

/// Who asks.
struct Client<'a> {
    service: &'a Service,
    place: &'a Path,
    cookie: String,
    units: usize,
    month: Month,
}

impl Client<'_> {
    fn token(&self) -> Result<String, Failed> {
        let identity = Identity::open(&self.place.join("data").join(identity::FILE), SystemClock)?;
        let expires = SystemClock.now().plus(3_600);
        let name = format!("bench-{}", identity.tokens("bench")?.len());
        let new = NewToken { name, role: Role::Operator, within: None, read_only: true, expires };
        Ok(identity.token_create("bench", &new, "bench")?.expose().to_owned())
    }

    /// Pages a second, each beside the plainest answer of the same service.
    async fn pages(&self, figures: &mut Vec<Figure>) -> Result<(), Failed> {
        let account = format!("/site/{SITE}/account/A-000007");
        let limit = self.rate("/healthz").await?;
        let pages = [
            ("portal: an account's first page", account.clone()),
            ("portal: a bill", format!("{account}/bills/{}", self.month)),
            ("portal: the rooms of a site", format!("/site/{SITE}")),
        ];
        for (what, path) in pages {
            let ours = self.rate(&path).await?;
            let limit = Some((limit, "/healthz of the same service"));
            figures.push(Figure { what, unit: "pages/s", ours, limit, least: None });
        }
        Ok(())
    }

    /// How often a path is answered a second.
    async fn rate(&self, path: &str) -> Result<u128, Failed> {
        let began = Clock::now();
        let mut asking: JoinSet<Result<usize, Failed>> = JoinSet::new();
        for _ in 0..LINES {
            let (address, cookie, path) = (self.service.http, self.cookie.clone(), path.to_owned());
            asking.spawn(async move {
                let mut line = Line::open(address, &cookie).await?;
                let mut count = 0usize;
                while began.elapsed() < LONG {
                    line.get(&path).await?;
                    count = count.saturating_add(1);
                }
                Ok(count)
            });
        }
        let mut all = 0usize;
        while let Some(count) = asking.join_next().await {
            all = all.saturating_add(count??);
        }
        Ok(per_second(all, began))
    }

    /// Every line of some accounts' bills, explained one after another.
    async fn explain(&self, figures: &mut Vec<Figure>) -> Result<(), Failed> {
        let channel = Channel::from_shared(format!("http://{}", self.service.grpc))?.connect().await?;
        let mut bills = BillsClient::new(channel);
        let token: MetadataValue<Ascii> = format!("Bearer {}", self.token()?).parse()?;
        let mut took = Vec::new();
        for unit in 0..EXPLAINED.min(self.units) {
            let (site, account, month) = (SITE.to_owned(), format!("A-{unit:06}"), self.month.to_string());
            let mut bill = Request::new(GetBillRequest {
                site: site.clone(),
                account: account.clone(),
                month: month.clone(),
                ..Default::default()
            });
            bill.metadata_mut().insert("authorization", token.clone());
            let bill: Value = serde_json::from_str(&bills.get(bill).await?.into_inner().json)?;
            let count = |key: &str| bill[key].as_array().map_or(0, Vec::len);
            let lines = u32::try_from(count("indoor").saturating_add(count("shared")))?;
            for line in 1..=lines {
                let (site, account, month) = (site.clone(), account.clone(), month.clone());
                let mut asked = Request::new(ExplainRequest { site, account, month, line });
                asked.metadata_mut().insert("authorization", token.clone());
                let began = Clock::now();
                bills.explain(asked).await?;
                took.push(began.elapsed().as_micros());
            }
        }
        took.sort_unstable();
        let at = |permille: usize| took.get(took.len().saturating_mul(permille).div_euclid(1000)).copied();
        figures.push(plain("a bill's line explained, p50", "µs", at(500).ok_or("no line")?));
        figures.push(below("a bill's line explained, p99", "µs", at(990).ok_or("no line")?, 200_000));
        Ok(())
    }

    /// Balances, with the month behind.
    fn balances(&self, figures: &mut Vec<Figure>) -> Result<(), Failed> {
        let asked = ask::by_process(self.service.grpc, &self.token()?, self.units)?;
        figures.push(below("live balance, 5,000/s, a month behind, p99", "µs", asked.due.p99, 10_000));
        Ok(())
    }

    /// Holds streams, and sends readings: who gets an event, and when.
    async fn streams(&self, mut polls: Polls, figures: &mut Vec<Figure>) -> Result<(), Failed> {
        let before = self.service.memory()?;
        let mut lines = Vec::new();
        for number in 0..STREAMS.min(open_files()?.div_euclid(2)) {
            let mut line = Line::open(self.service.http, &self.cookie).await?;
            let unit = number.checked_rem(self.units).unwrap_or_default();
            line.listen(&format!("/site/{SITE}/account/A-{unit:06}/live")).await?;
            lines.push(line);
        }
        let held = lines.len();
        let after = self.service.memory()?;
        let mut spool = Spool::open(&self.place.join("data").join(SITE).join("intake.db"))?;
        let site = SiteId::try_new(SITE).ok_or("a good id")?;
        let mut took = Vec::new();
        let mut told = held;
        for _ in 0..ROUNDS {
            tokio::time::sleep(BETWEEN).await;
            polls.add(500);
            let rows = polls.at(SystemClock.now());
            let mut waiting = JoinSet::new();
            for mut line in lines.drain(..) {
                waiting.spawn(async move {
                    let event = tokio::time::timeout(PATIENCE, line.event()).await;
                    (event.is_ok_and(|event| event.is_ok()).then(Clock::now), line)
                });
            }
            for poll in Poll::of_rows(&site, "bench", "bus", &rows) {
                let (id, bytes) = Arrival::Poll(poll).encode()?;
                spool.offer(id, &bytes)?;
            }
            let offered = Clock::now();
            let mut got = 0usize;
            while let Some(done) = waiting.join_next().await {
                let (at, line) = done?;
                lines.push(line);
                if let Some(at) = at {
                    got = got.saturating_add(1);
                    took.push(at.saturating_duration_since(offered).as_millis());
                }
            }
            told = told.min(got);
        }
        took.sort_unstable();
        let at = |permille: usize| took.get(took.len().saturating_mul(permille).div_euclid(1000)).copied();
        let each = after.saturating_sub(before).saturating_mul(1024).checked_div(u128::try_from(held)?);
        let of = Some((u128::try_from(held)?, "held"));
        let (what, unit) = ("live streams that got every reading", "streams");
        figures.push(Figure { what, unit, ours: u128::try_from(told)?, limit: of, least: None });
        figures.push(plain("memory of the service for a stream", "bytes", each.unwrap_or_default()));
        figures.push(plain("from a reading's arrival to its event, p50", "ms", at(500).ok_or("no event")?));
        figures.push(below("from a reading's arrival to the last event", "ms", *took.last().ok_or("no event")?, 2_000));
        Ok(())
    }
}

/// How many files this process may have open.
fn open_files() -> Result<usize, Failed> {
    let limits = fs::read_to_string("/proc/self/limits")?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files")).ok_or("no limit of open files")?;
    Ok(line.split_whitespace().next().and_then(|text| text.parse().ok()).unwrap_or(usize::MAX))
}
