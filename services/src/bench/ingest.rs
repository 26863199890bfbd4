//! The embedded log: durable append, bytes a reading, and replay (read, hash,
//! decode, check every register against the one before, slice registers).

use std::error::Error;
use std::fs::{self, File};
use std::hint::black_box;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant as Clock;

use adapters::event_log::{EmbeddedLog, EventLog as _, Filter, Kind, LogEvent, Sequence};
use domain::event::{
    Body, Decoder, Event, EventId, MeterId, ReadingRow, ReadingsBatch, SiteId, kwh_text, leaf_hash, readings_id,
};
use domain::metering::columns::check_step;
use domain::quantity::Instant;

use super::data::Registers;
use super::{Figure, per_second};

type Failed = Box<dyn Error + Send + Sync>;

/// Meters of one event: so many fit its 65,535 bytes.
const METERS_A_PART: usize = 1000;
const COMMIT: usize = 500;
const SINGLES: usize = 500;

/// Appends the readings to a log below `dir`, and replays it.
pub(super) fn measure(data: &Registers, dir: &Path) -> Result<Vec<Figure>, Failed> {
    if dir.exists() {
        fs::remove_dir_all(dir)?;
    }
    fs::create_dir_all(dir)?;
    let path = dir.join("log.db");
    let events = events(data)?;
    let bytes: usize = events.iter().map(|event| event.bytes.len()).sum();
    let mut figures = vec![append_rate(&events, &path, bytes, dir)?, single_rate(&events, dir)?];
    let size = u128::from(fs::metadata(&path)?.len());
    let readings = u128::try_from(data.readings())?;
    let milli = size.saturating_mul(1000).checked_div(readings).unwrap_or_default();
    let raw = u128::try_from(bytes)?.saturating_mul(1000).checked_div(readings).unwrap_or_default();
    let limit = Some((raw, "the events' own bytes"));
    figures.push(Figure {
        what: "embedded log, file bytes a reading",
        unit: "thousandths of a byte",
        ours: milli,
        limit,
        least: None,
    });
    figures.push(replay(data, &path)?);
    fs::remove_dir_all(dir)?;
    Ok(figures)
}

fn events(data: &Registers) -> Result<Vec<LogEvent>, Failed> {
    let site = SiteId::try_new("bench").ok_or("a good id")?;
    let meters: Vec<MeterId> =
        (0..data.meters).filter_map(|meter| MeterId::try_new(&format!("M-{meter:06}"))).collect();
    let mut bases: Vec<Option<(u64, ReadingsBatch)>> = vec![None; data.meters.div_ceil(METERS_A_PART)];
    let mut all: Vec<LogEvent> = Vec::new();
    for minute in 0..=data.minutes {
        let time = Instant::new(1_767_225_600).plus(i64::try_from(minute)?.saturating_mul(60));
        for ((part, ids), base) in (0u32..).zip(meters.chunks(METERS_A_PART)).zip(&mut bases) {
            let first = usize::try_from(part)?.saturating_mul(METERS_A_PART);
            let rows: Vec<ReadingRow> = ids
                .iter()
                .zip(data.columns.iter().skip(first))
                .map(|(meter, column)| ReadingRow {
                    meter: meter.clone(),
                    time,
                    kwh: Arc::from(kwh_text(column.get(minute).copied().unwrap_or_default().saturating_mul(1000), 3)),
                    serial: None,
                    device_time: None,
                    place: 0,
                })
                .collect();
            let position = u64::try_from(all.len())?.saturating_add(1);
            let known = if minute % 60 == 0 { None } else { base.as_ref().map(|(at, batch)| (*at, batch)) };
            let batch = ReadingsBatch::try_new(part, time, &rows, known)?;
            if batch.base_position().is_none() {
                *base = Some((position, batch.clone()));
            }
            let event = Event {
                position,
                id: readings_id(&site, &batch),
                site: site.clone(),
                time,
                received: time,
                actor: "bench".to_owned(),
                cause: None,
                chains: Vec::new(),
                body: Body::ReadingsRecorded(batch),
            };
            all.push(LogEvent {
                site: site.clone(),
                position,
                id: event.id,
                kind: Kind::Readings,
                bytes: event.encode()?,
            });
        }
    }
    Ok(all)
}

fn append_rate(events: &[LogEvent], path: &Path, bytes: usize, dir: &Path) -> Result<Figure, Failed> {
    let mut log = EmbeddedLog::open(path)?;
    let began = Clock::now();
    let mut head = Sequence(0);
    for commit in events.chunks(COMMIT) {
        head = log.append(head, commit)?.last().copied().unwrap_or(head);
    }
    drop(log);
    let ours = per_second(bytes, began);
    let began = Clock::now();
    let mut raw = File::create(dir.join("raw"))?;
    for commit in events.chunks(COMMIT) {
        for event in commit {
            raw.write_all(&event.bytes)?;
        }
        raw.sync_data()?;
    }
    let limit = Some((per_second(bytes, began), "the same bytes to a file, synced as often"));
    fs::remove_file(dir.join("raw"))?;
    Ok(Figure { what: "durable append, 500 events a commit", unit: "bytes/s", ours, limit, least: None })
}

/// Small events, one commit each.
fn single_rate(events: &[LogEvent], dir: &Path) -> Result<Figure, Failed> {
    let mut log = EmbeddedLog::open(&dir.join("single.db"))?;
    let site = events.first().map(|event| event.site.clone()).ok_or("no event")?;
    let began = Clock::now();
    let mut head = Sequence(0);
    for position in (1u64..).take(SINGLES) {
        let id = EventId::derive(&[b"single", &position.to_be_bytes()]);
        let event = LogEvent { site: site.clone(), position, id, kind: Kind::Fact, bytes: vec![b' '; 300] };
        head = log.append(head, &[event])?.last().copied().unwrap_or(head);
    }
    let ours = per_second(SINGLES, began);
    let mut raw = File::create(dir.join("single"))?;
    let began = Clock::now();
    for _ in 0..SINGLES {
        raw.write_all(&[b' '; 300])?;
        raw.sync_data()?;
    }
    let limit = Some((per_second(SINGLES, began), "write and fdatasync of a file"));
    Ok(Figure { what: "durable append, one event of 300 B a commit", unit: "events/s", ours, limit, least: None })
}

fn replay(data: &Registers, path: &Path) -> Result<Figure, Failed> {
    let log = EmbeddedLog::open_read_only(path)?;
    let began = Clock::now();
    let mut decoder = Decoder::new();
    let mut before: Vec<Arc<[i64]>> = Vec::new();
    let mut slices: Vec<Arc<[i64]>> = Vec::new();
    let mut root = domain::proof::Frontier::default();
    let mut after = Sequence(0);
    let mut sound = true;
    loop {
        let page = log.read(after, &Filter::default(), COMMIT)?;
        let Some(last) = page.last() else { break };
        after = last.sequence;
        for stored in &page {
            root.push(leaf_hash(&stored.event.bytes));
            let event = decoder.decode(&stored.event.bytes)?;
            let Some(batch) = event.readings() else { continue };
            let part = usize::try_from(batch.part())?;
            let registers = batch.registers().clone();
            match before.get_mut(part) {
                Some(known) => {
                    sound &= check_step(known, &registers).sound;
                    *known = registers.clone();
                }
                None => before.push(registers.clone()),
            }
            if event.time.get().rem_euclid(3600) == 0 {
                slices.push(registers);
            }
        }
    }
    black_box((root.root(), &slices));
    if !sound {
        return Err("the bench's own registers went backwards".into());
    }
    let ours = per_second(data.readings(), began);
    let began = Clock::now();
    let mut after = Sequence(0);
    loop {
        let page = log.read(after, &Filter::default(), COMMIT)?;
        let Some(last) = page.last() else { break };
        after = last.sequence;
        black_box(&page);
    }
    let limit = Some((per_second(data.readings(), began), "reading the events alone"));
    Ok(Figure { what: "replay from the embedded log", unit: "readings/s", ours, limit, least: None })
}
