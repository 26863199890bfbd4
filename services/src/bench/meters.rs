//! Meters a minute: on a serial line's pace, on a hundred of them, and what
//! ten thousand meters cost of a core.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant as Clock};

use adapters::clock::SystemClock;
use adapters::intake::{Intake as _, Spool};
use adapters::meter_bus::{Block, Endpoint, Modbus, Nothing, Patience, Poller, Profile, Profiles, Round, Station};
use domain::event::{MeterId, SiteId};
use tokio::runtime::{Builder, Runtime};

use super::Figure;
use crate::collect::{Source, arrival};
use crate::simulator::{Gateway, KpmMeter, Pace};

type Failed = Box<dyn Error + Send + Sync>;

/// The line of a KPM33B.
const BAUD: u32 = 9_600;
/// Meters on the measured line: a part of a full bus, to be done in seconds.
const ON_A_LINE: u8 = 8;
const LINES: usize = 100;
/// Ten thousand meters on fifty gateways.
const GATEWAYS: usize = 50;
const A_GATEWAY: u8 = 200;

pub(super) fn measure(dir: &Path) -> Result<Vec<Figure>, Failed> {
    let profiles = Profiles::shipped()?;
    let profile = profiles.get("kpm33b").ok_or("no profile kpm33b")?;
    let gateways = Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let collector = Builder::new_current_thread().enable_all().build()?;
    let wire = wire_meters_a_minute(profile);
    let one = paced(&gateways, &collector, profile, 1)?;
    let hundred = paced(&gateways, &collector, profile, LINES)?;
    let mut figures = vec![
        figure("one 9600-baud bus: KPM33B meters", "/min", one, Some((wire, "the wire"))),
        figure("100 such buses: meters", "/min", hundred, Some((wire.saturating_mul(100), "their wires"))),
    ];
    let cpu = ten_thousand(&gateways, &collector, profile, dir)?;
    figures.extend(cpu.map(|ms| figure("CPU for 10,000 meters, kept in the spool", "ms of each min", ms, None)));
    Ok(figures)
}

const fn figure(what: &'static str, unit: &'static str, ours: u128, limit: Option<(u128, &'static str)>) -> Figure {
    Figure { what, unit, ours, limit, least: None }
}

/// Bytes of an answer to a block, as an RTU frame.
fn answer_bytes(block: Block) -> usize {
    let count = usize::from(block.count);
    5usize.saturating_add(if block.fc == 1 { count.div_ceil(8) } else { count.saturating_mul(2) })
}

/// What a line carries that never rests.
fn wire_meters_a_minute(profile: &Profile) -> u128 {
    let holds = |block: Block| Pace::Baud(BAUD).holds(8, answer_bytes(block)).as_nanos();
    let a_meter: u128 = profile.poll_blocks().into_iter().map(holds).sum();
    Duration::from_secs(60).as_nanos().checked_div(a_meter).unwrap_or(0)
}

fn meters(count: u8) -> BTreeMap<u8, KpmMeter> {
    let meter = |unit: u8| KpmMeter {
        serial: format!("33B12259{unit:05}"),
        import_mwh: i64::from(unit).saturating_mul(1_234_567),
        load_mw: 750_000,
        relay_on: true,
        clock: chrono::DateTime::UNIX_EPOCH.naive_utc(),
    };
    (1..=count).map(|unit| (unit, meter(unit))).collect()
}

fn poller(gateway: &Gateway, index: usize, count: u8, profile: &Arc<Profile>) -> Option<Poller<Modbus>> {
    let station = |unit: u8| {
        let meter = MeterId::try_new(&format!("M-{index}-{unit}"))?;
        Some(Station { meter, unit, profile: Arc::clone(profile), serial: None })
    };
    let stations: Vec<Station> = (1..=count).map(station).collect::<Option<_>>()?;
    let patience = Patience { answer: Duration::from_secs(5), ..Patience::default() };
    let modbus = Modbus::new(Endpoint::Tcp(gateway.address().to_string()), patience);
    Some(Poller::new(modbus, stations.into(), Duration::from_secs(60), patience.worst()))
}

fn open(
    gateways: &Runtime,
    profile: &Arc<Profile>,
    buses: usize,
    count: u8,
    pace: Pace,
) -> Result<Vec<Poller<Modbus>>, Failed> {
    let mut pollers = Vec::with_capacity(buses);
    for index in 0..buses {
        let gateway = gateways.block_on(Gateway::open(meters(count), pace))?;
        pollers.push(poller(&gateway, index, count, profile).ok_or("an id is malformed")?);
    }
    Ok(pollers)
}

/// A round of every bus, all at once; an answer is missing only where something is wrong.
fn rounds(collector: &Runtime, pollers: &mut [Poller<Modbus>], wanted: u8) -> Result<Vec<Round>, Failed> {
    let watch = Clock::now();
    let watch = &watch;
    let all = pollers.iter_mut().map(|poller| async move { poller.round(&SystemClock, watch, &mut Nothing).await });
    let rounds = collector.block_on(futures_util::future::join_all(all));
    match rounds.iter().find(|round| round.answers.len() != usize::from(wanted)) {
        Some(round) => Err(format!("{} of {wanted} meters answered", round.answers.len()).into()),
        None => Ok(rounds),
    }
}

fn paced(gateways: &Runtime, collector: &Runtime, profile: &Arc<Profile>, buses: usize) -> Result<u128, Failed> {
    let mut pollers = open(gateways, profile, buses, ON_A_LINE, Pace::Baud(BAUD))?;
    let began = Clock::now();
    rounds(collector, &mut pollers, ON_A_LINE)?;
    let count = u128::from(ON_A_LINE).saturating_mul(u128::try_from(buses)?);
    let minute = Duration::from_secs(60).as_nanos();
    Ok(count.saturating_mul(minute).checked_div(began.elapsed().as_nanos().max(1)).unwrap_or(0))
}

/// Milliseconds of CPU of the collector's thread: questions, answers, decoding, the spool.
fn ten_thousand(
    gateways: &Runtime,
    collector: &Runtime,
    profile: &Arc<Profile>,
    dir: &Path,
) -> Result<Option<u128>, Failed> {
    let mut pollers = open(gateways, profile, GATEWAYS, A_GATEWAY, Pace::Free)?;
    std::fs::create_dir_all(dir)?;
    let folder = tempfile::tempdir_in(dir)?;
    let mut spool = Spool::open(&folder.path().join("spool.db"))?;
    let site = SiteId::try_new("bench").ok_or("an id is malformed")?;
    let before = cpu();
    let rounds = rounds(collector, &mut pollers, A_GATEWAY)?;
    for (index, (round, poller)) in rounds.iter().zip(&pollers).enumerate() {
        let (bus, collector) = (format!("bus-{index}"), "bench".to_owned());
        let source = Source { site: site.clone(), collector, bus, zone: chrono_tz::UTC };
        if let Some(arrival) = arrival(&source, poller.stations(), round) {
            let (id, bytes) = arrival.encode()?;
            spool.offer(id, &bytes)?;
        }
    }
    Ok(before.zip(cpu()).map(|(before, after)| after.saturating_sub(before).div_ceil(1_000_000)))
}

/// Nanoseconds that this thread has been on a processor; only Linux tells.
fn cpu() -> Option<u128> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    text.split_whitespace().next()?.parse().ok()
}
