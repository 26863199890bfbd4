//! What-if of the settled part of a month, with every meter read by the minute.

use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant as Clock;

use adapters::site_folder::SiteFolder;
use domain::billing::Site;
use domain::event::{Body, Event, EventId, MeterId, ReadingRow, ReadingsBatch, kwh_text};
use domain::quantity::{Instant, Month};

use super::Figure;
use super::data::Registers;

type Failed = Box<dyn Error + Send + Sync>;

/// 1 January 2026, when the readings begin.
const START: Instant = Instant::new(1_767_225_600);

const HEAD: &str = "format = 1
[site]
id = \"bench\"
name = \"Bench\"
time_zone = \"Etc/UTC\"
currency = \"EUR\"
landlord = \"A\"
settle_after = \"00:15\"
bill_after = \"03:00\"
[[account]]
id = \"A\"
name = \"Landlord\"
[[tariff]]
id = \"home\"
version = 1
from = 2026-01-01
default_period = \"day\"
schedule = [ { period = \"night\", from = \"00:00\", to = \"07:00\" }, { period = \"peak\", from = \"17:00\", to = \"21:00\" } ]
energy = [ { period = \"day\", tiers = [ { up_to_kwh = \"200\", price = \"0.30\" }, { price = \"0.35\" } ] },
           { period = \"night\", tiers = [ { up_to_kwh = \"200\", price = \"0.20\" }, { price = \"0.25\" } ] },
           { period = \"peak\", tiers = [ { up_to_kwh = \"200\", price = \"0.40\" }, { price = \"0.45\" } ] } ]
";

fn tables(meters: usize) -> Result<String, Failed> {
    let mut toml = HEAD.to_owned();
    for n in 0..meters {
        write!(
            toml,
            "[[unit]]\nid = \"U-{n:06}\"\n[[point]]\nid = \"P-{n:06}\"\nkind = \"unit\"\nunit = \"U-{n:06}\"\n\
             [[account]]\nid = \"A-{n:06}\"\nname = \"A\"\n[[lease]]\naccount = \"A-{n:06}\"\nunit = \"U-{n:06}\"\n\
             from = 2026-01-01T00:00:00Z\n[[meter]]\nid = \"M-{n:06}\"\npoint = \"P-{n:06}\"\n\
             installed = 2026-01-01T00:00:00Z\n[[assign]]\npoint = \"P-{n:06}\"\ntariff = \"home\"\nfrom = 2026-01-01\n"
        )?;
    }
    Ok(toml)
}

/// The site with all its days settled, and its tariff.
fn settled(data: &Registers, dir: &Path) -> Result<(Site, Body), Failed> {
    let folder = dir.join("what-if");
    fs::create_dir_all(&folder)?;
    fs::write(folder.join("site.toml"), tables(data.meters)?)?;
    fs::write(folder.join("readings.csv"), "time,meter,kwh\n")?;
    fs::write(folder.join("recharges.csv"), "time,account,amount,reference\n")?;
    let folder = SiteFolder::open(&folder)?;
    let mut site = Site::new();
    let mut event = Event {
        position: 0,
        id: EventId::default(),
        site: folder.site,
        time: START,
        received: START,
        actor: "bench".to_owned(),
        cause: None,
        chains: Vec::new(),
        body: Body::ApprovalsSet(domain::event::ApprovalsSet { persons: 1 }),
    };
    let take = |event: &mut Event, site: &mut Site, at: Instant, body: Body| {
        event.position = event.position.saturating_add(1);
        (event.time, event.received, event.body) = (at, at, body);
        site.apply(event, &[0; 32])
    };
    let mut tariff = None;
    for fact in folder.facts {
        tariff = Some(&fact.body).filter(|body| matches!(body, Body::TariffPublished(_))).cloned().or(tariff);
        take(&mut event, &mut site, START, fact.body)?;
    }
    let meters: Vec<MeterId> = (0..data.meters).filter_map(|n| MeterId::try_new(&format!("M-{n:06}"))).collect();
    for minute in 0..=data.minutes {
        let time = START.plus(i64::try_from(minute)?.saturating_mul(60));
        while let Some(due) = site.next_due().filter(|due| due.at < time) {
            site.decide(due)?;
        }
        let row = |(meter, column): (&MeterId, &Vec<i64>)| ReadingRow {
            meter: meter.clone(),
            time,
            kwh: Arc::from(kwh_text(column.get(minute).copied().unwrap_or_default().saturating_mul(1000), 3)),
            serial: None,
            device_time: None,
            place: 0,
        };
        let rows: Vec<ReadingRow> = meters.iter().zip(&data.columns).map(row).collect();
        for (part, rows) in (0u32..).zip(ReadingsBatch::split(rows)) {
            let batch = ReadingsBatch::try_new(part, time, &rows, None)?;
            take(&mut event, &mut site, time, Body::ReadingsRecorded(batch))?;
        }
    }
    let end = START.plus(i64::try_from(data.minutes)?.saturating_mul(60)).plus(900);
    while let Some(due) = site.next_due().filter(|due| due.at <= end) {
        site.decide(due)?;
    }
    Ok((site, tariff.ok_or("the site has a tariff")?))
}

/// How long the comparison of a month takes.
pub(super) fn measure(data: &Registers, dir: &Path) -> Result<Vec<Figure>, Failed> {
    let (site, tariff) = settled(data, dir)?;
    fs::remove_dir_all(dir)?;
    let Body::TariffPublished(mut tariff) = tariff else { return Err("the site has a tariff".into()) };
    tariff.version = 2;
    for tier in tariff.energy.iter_mut().flat_map(|row| &mut row.tiers) {
        tier.price = tier.price.saturating_mul(2.into());
    }
    let facts = [Body::TariffPublished(tariff)];
    let mut fastest = u128::MAX;
    for _ in 0..3 {
        let began = Clock::now();
        black_box(site.what_if(&facts, Month::of(2026, 1))?);
        fastest = fastest.min(began.elapsed().as_micros());
    }
    Ok(vec![Figure {
        what: "what-if of the month, readings by the minute",
        unit: "microseconds",
        ours: fastest,
        limit: None,
        least: None,
    }])
}
