//! Interval readings: each meter's register curve in equal steps, with the
//! energy of each, as bills reckon it. It holds the site's accepted readings,
//! one to some bytes each, and one row at a time.

use std::io::Write;

use domain::event::{Body, Decoder, MeterId, hex};
use domain::metering::{MeterRegister, Metering};
use domain::premises::Premises;
use domain::quantity::{Date, Energy, Instant};
use serde_json::{Value, json};

use super::Days;
use super::scan::{Extent, ScanError, Source};
use super::table::{Cell, Column, Kind, Sheet};
use crate::exit::{Failure, bad};
use crate::history::HistoryError;

/// Registers and energies have the places of kWh in mWh.
const KWH: Kind = Kind::Decimal(6);

const COLUMNS: [Column; 10] = [
    Column::of("meter", Kind::Text),
    Column::of("point", Kind::Text),
    Column::of("start_local", Kind::Wall),
    Column::of("start_utc", Kind::Utc),
    Column::of("utc_offset_s", Kind::Whole),
    Column::of("end_utc", Kind::Utc),
    Column::of("register_kwh", KWH),
    Column::of("energy_kwh", KWH),
    Column::of("interpolated", Kind::Flag),
    Column::maybe("event", Kind::Whole),
];

/// All meters of a site as an event left them.
pub(super) struct Curve {
    premises: Premises,
    metering: Metering,
    tz_version: String,
    extent: Extent,
    days: (Date, Date),
    step_s: i64,
}

impl Source<'_> {
    /// The meters after the events up to the extent's last.
    fn meters(&self, extent: &Extent) -> Result<(Premises, Metering, String), HistoryError> {
        let (mut premises, mut metering) = (Premises::default(), Metering::new());
        let (mut decoder, mut last, mut tz_version) = (Decoder::default(), Instant::default(), String::new());
        self.events(extent.last, |stored| {
            let position = stored.event.position;
            let event = decoder.decode(&stored.event.bytes).map_err(|error| HistoryError::Event { position, error })?;
            last = last.max(event.received);
            if let Body::ReadingsRecorded(batch) = &event.body {
                metering.record(position, event.received, batch);
            } else if let Body::ReadingWithdrawn(data) = &event.body {
                metering.withdraw(&data.meter, data.reading_time, event.received);
            } else if let Body::ReadingReleased(data) = &event.body {
                metering.release(&data.meter, data.reading_time, event.received);
            } else {
                if let Body::MeterInstalled(data) = &event.body {
                    let judged = metering.install(data, event.received);
                    judged.map_err(|error| HistoryError::Billing { position, error: error.into() })?;
                } else if let Body::CalendarPublished(data) = &event.body {
                    tz_version.clone_from(&data.tz_version);
                }
                premises.apply(&event.body);
            }
            Ok::<(), HistoryError>(())
        })?;
        let position = extent.last;
        metering.advance(last).map_err(|error| HistoryError::Billing { position, error: error.into() })?;
        Ok((premises, metering, tz_version))
    }
}

impl Curve {
    /// Reads the log. Without days, from the first accepted reading's day to the last's.
    pub(super) fn read(source: &Source<'_>, extent: Extent, days: Days, step_s: i64) -> Result<Self, Failure> {
        let (premises, metering, tz_version) = source.meters(&extent).map_err(crate::replay::failed)?;
        let first = metering.registers().filter_map(|register| register.first_accepted()).min();
        let last = metering.registers().filter_map(|register| register.last_accepted()).max();
        let Some((first, last)) = first.zip(last) else {
            return Err(bad("no reading was accepted", "let the meters be read first"));
        };
        let day = |at| premises.calendar.day_of(at);
        let days = (days.from.unwrap_or_else(|| day(first)), days.to.unwrap_or_else(|| day(last)));
        let curve = Self { premises, metering, tz_version, extent, days, step_s };
        if curve.spans().next().is_none() {
            let mend = format!("the meters have readings from {first} to {last}: name days of these");
            return Err(bad("no meter was read on the days that are asked for", &mend));
        }
        Ok(curve)
    }

    /// Each meter with readings in the range, and from when to when.
    fn spans(&self) -> impl Iterator<Item = (MeterRegister<'_>, Instant, Instant)> {
        let calendar = &self.premises.calendar;
        let (from, before) = (calendar.start_of(self.days.0), calendar.end_of(self.days.1));
        let mut registers: Vec<_> = self.metering.registers().collect();
        registers.sort_by_key(MeterRegister::id);
        registers.into_iter().filter_map(move |register| {
            let table = register.installation();
            let start = from.max(register.first_accepted()?).max(table.installed);
            let end = before.min(register.last_accepted()?);
            let end = table.removed.map_or(end, |removed| end.min(removed));
            (start < end).then_some((register, start, end))
        })
    }

    fn point(&self, meter: &MeterId) -> String {
        self.premises.meters.get(meter).map(|table| table.point.to_string()).unwrap_or_default()
    }

    /// The control totals.
    pub(super) fn document(&self, format: &str) -> Value {
        let calendar = &self.premises.calendar;
        let meters: Vec<Value> = self
            .spans()
            .map(|(register, start, end)| {
                json!({
                    "meter": register.id(), "point": self.point(register.id()), "from": start, "before": end,
                    "register_from_kwh": register.energy_at(start).kwh(),
                    "register_before_kwh": register.energy_at(end).kwh(),
                    "energy_kwh": register.energy(start, end).kwh(),
                })
            })
            .collect();
        let (first, last) = self.days;
        json!({
            "format": format, "format_version": super::totals::FORMAT_VERSION, "table": "readings",
            "site": self.premises.site().id, "time_zone": self.premises.site().time_zone,
            "tz_version": self.tz_version, "step_s": self.step_s,
            "days": {"first": first, "last": last},
            "instants": {"from": calendar.start_of(first), "before": calendar.end_of(last)},
            "log": {"events": self.extent.last, "root": hex(&self.extent.root), "first_event": 1, "last_event": self.extent.last},
            "meters": meters,
        })
    }

    /// Writes the curve. An interval begins at a multiple of the step, but for a
    /// meter's first and last, so that its energies add up to the register's growth.
    pub(super) fn write(&self, sheet: &mut dyn Sheet, to: &mut dyn Write, format: &str) -> Result<(), ScanError> {
        sheet.begin(to, &COLUMNS, &self.document(format))?;
        for (register, start, end) in self.spans() {
            let point = self.point(register.id());
            let mut at = start;
            while at < end {
                let past = at.get().checked_rem_euclid(self.step_s).unwrap_or(0);
                let next = at.plus(self.step_s.saturating_sub(past)).min(end);
                sheet.row(to, self.row(&register, &point, at, next))?;
                at = next;
            }
        }
        Ok(sheet.end(to)?)
    }

    fn row(&self, register: &MeterRegister<'_>, point: &str, at: Instant, next: Instant) -> Vec<Cell> {
        let kwh = |energy: Energy| Cell::Decimal(energy.get().into());
        let calendar = &self.premises.calendar;
        let offset = calendar.offset_at(at);
        let max_gap_s = self.premises.max_gap_on(calendar.day_of(at));
        vec![
            Cell::Text(register.id().to_string()),
            Cell::Text(point.to_owned()),
            Cell::Wall(at.plus(offset).get()),
            Cell::Utc(at),
            Cell::Whole(offset),
            Cell::Utc(next),
            kwh(register.energy_at(next)),
            kwh(register.energy(at, next)),
            Cell::Flag(register.interpolated(at, next, max_gap_s)),
            register.sources(next).next().map_or(Cell::None, Cell::position),
        ]
    }

    /// The control totals in a few lines.
    pub(super) fn lines(&self) -> Vec<String> {
        let (first, last) = self.days;
        let mut lines = vec![format!("readings of {}, days {first} to {last}", self.premises.site().id)];
        lines.extend(self.spans().map(|(register, start, end)| {
            format!("{}: {} kWh from {start} to {end}", register.id(), register.energy(start, end).kwh())
        }));
        lines
    }

    /// How many rows there are.
    pub(super) fn rows(&self) -> u64 {
        let of = |(_, start, end): (MeterRegister<'_>, Instant, Instant)| {
            let (first, last) = (start.get().div_euclid(self.step_s), end.plus(-1).get().div_euclid(self.step_s));
            u64::try_from(last.saturating_sub(first).saturating_add(1)).unwrap_or(0)
        };
        self.spans().map(of).sum()
    }
}
