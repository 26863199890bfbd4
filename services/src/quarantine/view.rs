//! What is held, for a page or a list.

use domain::billing::Site;
use domain::event::{MeterId, PointId, kwh_text};
use domain::metering::{MeteringError, Quarantined, TableReading};
use domain::quantity::Instant;
use serde::Serialize;

use crate::alarm::held_as;
use crate::told::{Told, told};

/// An accepted reading beside one that is held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Neighbour {
    /// Its instant.
    pub time: Instant,
    /// The register in kWh, unwrapped.
    pub kwh: String,
}

/// A reading that is held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Row {
    /// The meter.
    pub meter: MeterId,
    /// Where it measures.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub point: Option<PointId>,
    /// The reading's instant.
    pub time: Instant,
    /// When it was received.
    pub received: Instant,
    /// The register as sent.
    pub kwh: String,
    /// Why it is held: the published code.
    pub reason: &'static str,
    /// The event that it came in.
    pub position: u64,
    /// The line of its file, or 0.
    pub place: u32,
    /// The accepted reading before it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Neighbour>,
    /// The accepted reading after it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<Neighbour>,
    /// Why it may not be released; none where it may.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refusal: Option<String>,
    /// The same before it has a language.
    #[serde(skip)]
    pub told: Option<Told>,
    /// Why it is held, before it has a language.
    #[serde(skip)]
    pub held: Told,
}

/// What is held, of a meter or of all, at an instant to which the site was advanced.
pub fn list(site: &Site, meter: Option<&MeterId>, now: Instant) -> Vec<Row> {
    let all = site.metering().quarantine().into_iter();
    all.filter(|one| meter.is_none_or(|meter| one.meter == *meter)).map(|one| row(site, one, now)).collect()
}

fn row(site: &Site, one: Quarantined, now: Instant) -> Row {
    let register = site.metering().register(&one.meter);
    let neighbour = |(time, mwh): (Instant, i64)| Neighbour { time, kwh: kwh_text(mwh, 3) };
    let [before, after] = register.map_or([None, None], |register| register.neighbours(one.time));
    let refusal = site.metering().check_release(&one.meter, one.time, now).err();
    Row {
        point: register.map(|register| register.installation().point.clone()),
        time: one.time,
        received: one.received,
        kwh: one.kwh.to_string(),
        reason: one.reason.code(),
        position: one.position,
        place: one.place,
        before: before.map(neighbour),
        after: after.map(neighbour),
        told: refusal.as_ref().map(refused),
        refusal: refusal.map(|error| error.to_string()),
        held: held_as(one.reason),
        meter: one.meter,
    }
}

/// Why a person's release or withdrawal is refused.
pub(crate) fn refused(error: &MeteringError) -> Told {
    let table = |which: &TableReading| match which {
        TableReading::Start => told("table-start"),
        TableReading::Final => told("table-final"),
    };
    match error {
        MeteringError::Table { meter, .. } => told("reading-table-wrong").with("meter", meter.as_str()),
        MeteringError::MultiplierChanged { meter } => told("reading-multiplier").with("meter", meter.as_str()),
        MeteringError::TableReadingQuarantined { meter, which, time, reason } => told("reading-table-held")
            .with("meter", meter.as_str())
            .with("which", table(which))
            .with("time", *time)
            .with("reason", held_as(*reason)),
        MeteringError::UnknownMeter { meter } => told("reading-no-meter").with("meter", meter.as_str()),
        MeteringError::NothingAccepted { meter, time } => {
            told("reading-none-accepted").with("meter", meter.as_str()).with("time", *time)
        }
        MeteringError::OfTheTable { meter, time, which } => {
            told("reading-of-table").with("meter", meter.as_str()).with("time", *time).with("which", table(which))
        }
        MeteringError::AlreadyAccepted { meter, time } => {
            told("reading-accepted").with("meter", meter.as_str()).with("time", *time)
        }
        MeteringError::NothingQuarantined { meter, time } => {
            told("reading-none-held").with("meter", meter.as_str()).with("time", *time)
        }
        MeteringError::WouldDecrease { meter, time } => {
            told("reading-would-decrease").with("meter", meter.as_str()).with("time", *time)
        }
    }
}
