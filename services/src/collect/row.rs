//! A round as an item of the intake.

use adapters::intake::{Arrival, Poll, PolledMeter};
use adapters::meter_bus::{Answer, Reading, Round, Station};
use chrono_tz::Tz;
use domain::event::{OutputState, SiteId};
use domain::quantity::Instant;

use crate::import::instant_of;

/// What still counts as no power, mW: three phases of 50 mA.
const NO_POWER_MW: i64 = 35_000;

/// Where a round comes from.
#[derive(Debug, Clone)]
pub struct Source {
    /// The site.
    pub site: SiteId,
    /// The collector.
    pub collector: String,
    /// The bus.
    pub bus: String,
    /// The zone of the meters' clocks.
    pub zone: Tz,
}

/// The poll of a round; none where no meter answered.
pub fn arrival(source: &Source, stations: &[Station], round: &Round) -> Option<Arrival> {
    let meters: Vec<PolledMeter> = round
        .answers
        .iter()
        .filter_map(|answer| {
            let station = stations.iter().find(|station| station.meter == answer.meter)?;
            polled(station, answer, round.began, source.zone)
        })
        .collect();
    let poll = || Poll::new(source.site.clone(), &source.collector, &source.bus, round.began, meters);
    (!round.answers.is_empty()).then(poll).filter(|poll| !poll.meters.is_empty()).map(Arrival::Poll)
}

fn polled(station: &Station, answer: &Answer, began: Instant, zone: Tz) -> Option<PolledMeter> {
    let reading = station.profile.reading(&answer.words)?;
    Some(PolledMeter {
        device_time: reading.clock.map(|clock| Instant::new(instant_of(zone, clock).timestamp())),
        profile: Some(format!("{}/{}", station.profile.id, station.profile.version)),
        power_mw: reading.power_mw,
        relay: relay(&reading),
        remote: reading.relay_is_remote,
        rates_kwh: reading.rates_kwh,
        serial: reading.serial,
        time: (answer.time != began).then_some(answer.time),
        words: Some(answer.words.iter().map(|word| format!("{word:04x}")).collect::<Vec<_>>().concat()),
        ..PolledMeter::new(station.meter.clone(), &reading.kwh)
    })
}

/// Where the relay is. One that reads off while power flows is welded, and says nothing.
fn relay(reading: &Reading) -> Option<OutputState> {
    let flows = || reading.power_mw.is_some_and(|power| power.saturating_abs() > NO_POWER_MW);
    match reading.relay_is_on? {
        true => Some(OutputState::Connected),
        false if flows() => None,
        false => Some(OutputState::Disconnected),
    }
}
