//! From a payment to the relay: 32 meters on a line of 9600 baud that is polled meanwhile, each cut off for
//! its balance and paid for, one after the other, through a desk as `serve` has it.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant as Clock};

use adapters::clock::{Clock as _, SystemClock};
use adapters::intake::{Arrival, Fact, Intake, MemoryIntake};
use adapters::site_folder::SiteFolder;
use adapters::supply_switch::{Pace as Settling, Switchboard};
use domain::event::{AccountId, Body, EventId, OutputState, PointId, RechargeKind, RechargeReceived, SiteId};
use domain::quantity::Instant;
use tokio::runtime::Builder;

use super::Figure;
use crate::collect::{Collector, Config};
use crate::desk::{Desk, Duty, Setup};
use crate::owner::HeadFile;
use crate::simulator::{Gateway, KpmMeter, Pace};
use crate::supply::{SharedSwitch, SupplyControl};

type Failed = Box<dyn Error + Send + Sync>;

const METERS: u8 = 32;
const PATIENCE: Duration = Duration::from_secs(120);

/// How long a payment takes to bring supply back, in microseconds.
pub(super) fn measure(dir: &Path) -> Result<Vec<Figure>, Failed> {
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let meter = |unit: u8| KpmMeter {
        serial: format!("33B12259{unit:05}"),
        import_mwh: 10_000_000,
        load_mw: 750_000,
        relay_on: true,
        clock: chrono::DateTime::UNIX_EPOCH.naive_utc(),
    };
    let meters: BTreeMap<u8, KpmMeter> = (1..=METERS).map(|unit| (unit, meter(unit))).collect();
    let gateway = runtime.block_on(Gateway::open(meters, Pace::Baud(9600)))?;
    std::fs::create_dir_all(dir)?;
    let folder = tempfile::tempdir_in(dir)?;
    let now = SystemClock.now();
    std::fs::write(folder.path().join("site.toml"), site_toml(now)?)?;
    std::fs::write(folder.path().join("readings.csv"), "time,meter,kwh\n")?;
    std::fs::write(folder.path().join("recharges.csv"), "time,account,amount,reference\n")?;
    let site = SiteFolder::open(folder.path())?;
    let config = Config::parse(&folder.path().join("collector.toml"), &collector_toml(&gateway)?)?;
    let intake = MemoryIntake::new();
    let kept = std::sync::Mutex::new(intake.reopen());
    let mut paid = intake.reopen();
    let open = move || -> Result<Box<dyn Intake>, _> {
        Ok(Box::new(kept.lock().unwrap_or_else(std::sync::PoisonError::into_inner).reopen()))
    };
    let collector = Collector::start(&config, &open, SystemClock, Settling::default(), |_| ())?;
    let switch: SharedSwitch = Arc::<Switchboard<SystemClock>>::clone(&collector.switchboard);
    let duty: Box<dyn Duty> = Box::new(SupplyControl::new(switch));
    let (desk, worker) = Desk::start(Setup {
        site: site.site.clone(),
        log: folder.path().join("log.db").display().to_string(),
        head: HeadFile::new(folder.path().join("head.json")),
        intake: Box::new(intake),
        patience_s: 1,
        clock: Box::new(SystemClock),
        facts: site.facts,
        refused: folder.path().join("refused.jsonl"),
        duties: vec![duty],
    })?;
    let mut took: Vec<u128> = Vec::new();
    for unit in 1..=METERS {
        wait(&desk, unit, OutputState::Disconnected)?;
    }
    for unit in 1..=METERS {
        let began = Clock::now();
        let (id, bytes) = recharge(&site.site, unit)?;
        paid.offer(id, &bytes)?;
        wait(&desk, unit, OutputState::Connected)?;
        took.push(began.elapsed().as_micros());
    }
    drop(worker);
    collector.stop();
    took.sort_unstable();
    let last = took.len().saturating_sub(1);
    let at = |percent: usize| took.get(last.saturating_mul(percent).checked_div(100).unwrap_or(0)).copied();
    let figure = |what, ours: Option<u128>| Figure {
        what,
        unit: "us",
        ours: ours.unwrap_or_default(),
        limit: Some((10_000_000, "the 10 s that are promised")),
        least: None,
    };
    Ok(vec![
        figure("recharge to restored, read back, median of 32", at(50)),
        figure("recharge to restored, read back, slowest of 32", at(100)),
    ])
}

/// Waits until the relay of a unit was read so.
fn wait(desk: &Desk, unit: u8, output: OutputState) -> Result<(), Failed> {
    let point = PointId::try_new(&format!("P-{unit}")).ok_or("an id")?;
    let began = Clock::now();
    while desk.moment().supply.points.get(&point).and_then(|point| point.control.output()) != Some(output) {
        if began.elapsed() > PATIENCE {
            return Err(format!("{point} is not {output:?} within two minutes").into());
        }
        std::thread::sleep(Duration::from_micros(200));
    }
    Ok(())
}

fn recharge(site: &SiteId, unit: u8) -> Result<(EventId, Vec<u8>), Failed> {
    let reference = format!("R-{unit}");
    let account = AccountId::try_new(&format!("A-{unit}")).ok_or("an id")?;
    let data = RechargeReceived { account, amount_minor: 10_000, kind: RechargeKind::Recharge, reference };
    let fact = Fact {
        id: EventId::derive(&[b"bench/recharge", &[unit]]),
        site: site.clone(),
        time: SystemClock.now(),
        actor: "bench".to_owned(),
        body: Body::RechargeReceived(data),
    };
    Ok(Arrival::Fact(Box::new(fact)).encode()?)
}

fn collector_toml(gateway: &Gateway) -> Result<String, Failed> {
    let mut text = format!(
        "site = \"bench\"\ncollector = \"bench\"\n[intake]\nspool = \"unused.db\"\n[[bus]]\nname = \"line\"\ntcp = \"{}\"\n",
        gateway.address()
    );
    for unit in 1..=METERS {
        write!(
            text,
            "[[bus.meter]]\nmeter = \"M-{unit}\"\nunit = {unit}\nprofile = \"kpm33b\"\nserial = \"33B12259{unit:05}\"\n"
        )?;
    }
    Ok(text)
}

fn site_toml(now: Instant) -> Result<String, Failed> {
    let installed = now.plus(-3600);
    let mut text = "format = 1\n[site]\nid = \"bench\"\nname = \"Bench\"\ntime_zone = \"UTC\"\ncurrency = \"EUR\"\n\
        landlord = \"A-0\"\nsettle_after = \"00:15\"\nbill_after = \"03:00\"\nmax_gap = \"02:00\"\n\
        [[account]]\nid = \"A-0\"\n\
        [[supply_policy]]\nversion = 1\npreset = \"none\"\nby = \"bench\"\ncuts = true\nnotice = \"00:00\"\n\
        for_charges = [\"energy\"]\nno_cut = []\nrestore_spacing_s = 0\nblast_least = 1000\nconfirm_restore = false\n\
        [[tariff]]\nid = \"home\"\nversion = 1\nfrom = 2020-01-01\ndefault_period = \"all\"\n\
        energy = [ { period = \"all\", tiers = [ { price = \"0.30\" } ] } ]\n"
        .to_owned();
    for unit in 1..=METERS {
        write!(
            text,
            "[[unit]]\nid = \"U-{unit}\"\narea_m2 = \"50\"\n\
             [[point]]\nid = \"P-{unit}\"\nkind = \"unit\"\nunit = \"U-{unit}\"\n\
             [[meter]]\nid = \"M-{unit}\"\npoint = \"P-{unit}\"\ninstalled = {installed}\nstart_kwh = \"0\"\n\
             [[account]]\nid = \"A-{unit}\"\n\
             [[lease]]\naccount = \"A-{unit}\"\nunit = \"U-{unit}\"\nfrom = {installed}\n\
             [[assign]]\npoint = \"P-{unit}\"\ntariff = \"home\"\nfrom = 2020-01-01\n"
        )?;
    }
    Ok(text)
}
