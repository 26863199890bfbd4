//! A relay before it is relied on: the device shows its serial, and its relay is let obey.

use super::modbus::{shown_serial, try_read};
use crate::meter_bus::{Block, BusError, Contact, MeterBus, Order, Quantity, Station};

/// What a meter showed.
#[derive(Debug, Default)]
pub struct Commissioned {
    /// The serial that the device showed.
    pub serial: Option<String>,
    /// Whether it is the registered one; none where no serial is registered, or none was shown.
    pub is_registered: Option<bool>,
    /// Whether its relay obeyed before; none where the model has no mode, or it could not be read.
    pub was_remote: Option<bool>,
    /// Whether its mode was written.
    pub written: bool,
    /// Whether its relay obeys, as it was read back.
    pub is_remote: Option<bool>,
    /// Where its relay was read.
    pub relay: Option<Contact>,
    /// What kept it from being read or written.
    pub error: Option<BusError>,
}

impl Commissioned {
    /// Whether orders to this relay will be carried out.
    pub fn is_ready(&self) -> bool {
        self.is_registered == Some(true)
            && self.is_remote != Some(false)
            && self.relay.is_some()
            && self.error.is_none()
    }
}

/// Reads serial, mode and relay of a station that has one; with `write`, sets the mode of the registered
/// device to remote where it is not, and reads it back. Nothing else is written.
pub async fn commission<B: MeterBus>(bus: &mut B, station: &Station, write: bool) -> Commissioned {
    let mut found = Commissioned::default();
    found.error = run(bus, station, write, &mut found).await.err();
    found
}

async fn run<B: MeterBus>(
    bus: &mut B,
    station: &Station,
    write: bool,
    found: &mut Commissioned,
) -> Result<(), BusError> {
    let profile = &station.profile;
    if profile.whole(Quantity::Serial).is_some() {
        let shown = shown_serial(bus, station).await?;
        found.is_registered = station.serial.as_ref().map(|wanted| *wanted == shown);
        found.serial = Some(shown);
    }
    found.was_remote = mode(bus, station).await?;
    found.is_remote = found.was_remote;
    // In the conversation in which the device showed its serial, or not at all.
    let conversation = bus.conversation();
    if write && found.was_remote == Some(false) && found.is_registered == Some(true) {
        let again = shown_serial(bus, station).await?;
        let same = found.serial.as_ref() == Some(&again) && bus.conversation() == conversation;
        if let Some(remote) = profile.write(Order::RemoteMode).filter(|_| same) {
            found.written = true;
            let written = bus.write(station.unit, &remote).await;
            found.is_remote = None;
            // Whatever came of it: only the register says what the mode is.
            found.is_remote = mode(bus, station).await?;
            if found.is_remote != Some(true) {
                written?;
            }
        }
    }
    if let Some(relay) = profile.relay_block() {
        let words = try_read(bus, station.unit, relay).await?;
        let on = words.first().and_then(|word| profile.relay_is_on(*word));
        found.relay = on.map(|on| if on { Contact::On } else { Contact::Off });
    }
    Ok(())
}

async fn mode<B: MeterBus>(bus: &mut B, station: &Station) -> Result<Option<bool>, BusError> {
    let known = station.profile.remote_mode().zip(station.profile.whole(Quantity::RelayMode));
    let Some((remote, register)) = known else { return Ok(None) };
    let words = try_read(bus, station.unit, Block::of(register)).await?;
    Ok(words.first().map(|word| *word == remote))
}
