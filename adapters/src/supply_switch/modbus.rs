//! The sequence that moves a relay: read the serial and compare, write,
//! compare the echo, read the relay back, and off, see the current near 0.

use std::time::Duration;

use super::{Outcome, SwitchOrder, Verdict};
use crate::clock::Clock;
use crate::meter_bus::{Block, BusError, Contact, MeterBus, Order, Profile, Quantity, Station, Value, Write};

/// What still counts as no current, mA.
const NO_CURRENT_MA: i64 = 50;
/// The current is looked at so often before a relay counts as welded.
const LOOKS: u32 = 3;
/// What is read before and after is tried so often.
const TRIES: u32 = 3;

/// How long a meter takes to show what it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// Between two looks at the current, ms.
    pub settle_ms: u64,
}

impl Default for Pace {
    fn default() -> Self {
        Self { settle_ms: 1_000 }
    }
}

/// Moves the relay of a station, or says why not.
pub async fn switch<B: MeterBus, C: Clock + Sync>(
    bus: &mut B,
    station: &Station,
    order: SwitchOrder,
    clock: &C,
    pace: Pace,
) -> Outcome {
    let mut outcome = Outcome::of(order, clock);
    outcome.verdict = match run(bus, station, &mut outcome, clock, pace).await {
        Ok(verdict) | Err(verdict) => verdict,
    };
    outcome.at = clock.now();
    outcome
}

impl Outcome {
    pub(super) fn of(order: SwitchOrder, clock: &impl Clock) -> Self {
        let at = clock.now();
        Self {
            order,
            at,
            serial: None,
            sent: false,
            echoed: false,
            read_back: None,
            current_ma: None,
            verdict: Verdict::NoMeter,
        }
    }
}

async fn run<B: MeterBus, C: Clock + Sync>(
    bus: &mut B,
    station: &Station,
    outcome: &mut Outcome,
    clock: &C,
    pace: Pace,
) -> Result<Verdict, Verdict> {
    let is_over = |outcome: &Outcome| clock.now() >= outcome.order.valid_until;
    if is_over(outcome) {
        return Err(Verdict::Expired);
    }
    let to = outcome.order.to;
    let relay = station.profile.relay_block().ok_or(Verdict::NoRelay)?;
    let write = station.profile.write(Order::Relay(to)).ok_or(Verdict::NoRelay)?;
    prove(bus, station, outcome).await?;
    let conversation = bus.conversation();
    if is_over(outcome) {
        return Err(Verdict::Expired);
    }
    outcome.sent = true;
    let written = write_in(bus, station.unit, &write, conversation).await;
    // Whatever came of it, an exception too: only the relay says where it is.
    outcome.echoed = written.is_ok();
    let read = read_back(bus, station, relay, outcome, conversation).await?;
    outcome.read_back = Some(read);
    if read != to {
        return Ok(Verdict::NotMoved);
    }
    if to == Contact::On {
        return Ok(Verdict::Confirmed);
    }
    current(bus, station, outcome, pace).await
}

/// A write in the conversation in which the device showed its serial.
async fn write_in<B: MeterBus>(bus: &mut B, unit: u8, write: &Write, conversation: u64) -> Result<(), BusError> {
    let written = bus.write(unit, write).await;
    if bus.conversation() == conversation { written } else { Err(BusError::Echo) }
}

/// The device is the registered one, and obeys.
async fn prove<B: MeterBus>(bus: &mut B, station: &Station, outcome: &mut Outcome) -> Result<(), Verdict> {
    let wanted = station.serial.as_deref().ok_or(Verdict::NoSerial)?;
    let register = station.profile.whole(Quantity::Serial).ok_or(Verdict::NoSerial)?;
    let words = try_read(bus, station.unit, Block::of(register)).await.map_err(unreachable)?;
    let shown = station.profile.value(register, &words).text();
    outcome.serial = Some(shown.clone());
    if shown != wanted {
        return Err(Verdict::OtherDevice(shown));
    }
    if let (Some(remote), Some(mode)) = (station.profile.remote_mode(), station.profile.whole(Quantity::RelayMode)) {
        // In the same conversation as the serial, or the serial once more.
        let conversation = bus.conversation();
        let words = try_read(bus, station.unit, Block::of(mode)).await.map_err(unreachable)?;
        if words.first() != Some(&remote) {
            return Err(Verdict::NotRemote);
        }
        if bus.conversation() != conversation {
            let words = bus.read(station.unit, Block::of(register)).await.map_err(unreachable)?;
            let shown = station.profile.value(register, &words).text();
            if shown != wanted {
                return Err(Verdict::OtherDevice(shown));
            }
        }
    }
    Ok(())
}

/// The serial that the device shows; empty where its model has none.
pub(super) async fn shown_serial<B: MeterBus>(bus: &mut B, station: &Station) -> Result<String, BusError> {
    let Some(register) = station.profile.whole(Quantity::Serial) else { return Ok(String::new()) };
    let words = try_read(bus, station.unit, Block::of(register)).await?;
    Ok(station.profile.value(register, &words).text())
}

fn unreachable(error: BusError) -> Verdict {
    Verdict::Unreachable(error.to_string())
}

pub(super) async fn try_read<B: MeterBus>(bus: &mut B, unit: u8, block: Block) -> Result<Vec<u16>, BusError> {
    let mut tries = 1;
    loop {
        match bus.read(unit, block).await {
            Err(error) if tries < TRIES && !matches!(error, BusError::Exception(1..=3)) => {
                tries = tries.saturating_add(1);
            }
            done => return done,
        }
    }
}

/// Reads the relay; in a new conversation the device shows its serial again.
async fn read_back<B: MeterBus>(
    bus: &mut B,
    station: &Station,
    relay: Block,
    outcome: &mut Outcome,
    conversation: u64,
) -> Result<Contact, Verdict> {
    let unknown = |error: BusError| Verdict::Unknown(error.to_string());
    let mut tries = 1;
    let words = loop {
        let read = bus.read(station.unit, relay).await;
        let words = match read {
            Ok(words) => words,
            Err(_) if tries < TRIES => {
                tries = tries.saturating_add(1);
                continue;
            }
            Err(error) => return Err(unknown(error)),
        };
        if bus.conversation() == conversation {
            break words;
        }
        let register = station.profile.whole(Quantity::Serial).ok_or(Verdict::NoSerial)?;
        let again = bus.conversation();
        let shown = try_read(bus, station.unit, Block::of(register)).await.map_err(unknown)?;
        let shown = station.profile.value(register, &shown).text();
        if station.serial.as_deref() != Some(shown.as_str()) {
            outcome.serial = Some(shown);
            return Err(Verdict::Unknown("another device answers".to_owned()));
        }
        if bus.conversation() == again || tries >= TRIES {
            break words;
        }
        tries = tries.saturating_add(1);
    };
    let on = words.first().and_then(|word| station.profile.relay_is_on(*word));
    match on {
        Some(true) => Ok(Contact::On),
        Some(false) => Ok(Contact::Off),
        None => Err(Verdict::Unknown("relay shows neither on nor off".to_owned())),
    }
}

/// No current flows once the relay is off; a meter that shows none cannot say.
async fn current<B: MeterBus>(
    bus: &mut B,
    station: &Station,
    outcome: &mut Outcome,
    pace: Pace,
) -> Result<Verdict, Verdict> {
    let blocks = station.profile.current_blocks();
    if blocks.is_empty() {
        return Ok(Verdict::Confirmed);
    }
    for look in 1..=LOOKS {
        let mut most = None;
        for block in &blocks {
            let words = try_read(bus, station.unit, *block).await;
            let words = words.map_err(|error| Verdict::Unknown(error.to_string()))?;
            most = most.max(largest_ma(&station.profile, *block, &words));
        }
        outcome.current_ma = most;
        match most {
            None => return Err(Verdict::Unknown("current is not shown".to_owned())),
            Some(ma) if ma <= NO_CURRENT_MA => return Ok(Verdict::Confirmed),
            Some(ma) if look == LOOKS => return Ok(Verdict::Welded(ma)),
            Some(_) => tokio::time::sleep(Duration::from_millis(pace.settle_ms)).await,
        }
    }
    Err(Verdict::Unknown("current is not shown".to_owned()))
}

fn largest_ma(profile: &Profile, block: Block, words: &[u16]) -> Option<i64> {
    let of = |register| {
        let own = Block::of(register);
        let from = usize::from(own.address.checked_sub(block.address)?);
        let words = words.get(from..from.checked_add(own.count.into())?)?;
        match profile.value(register, words) {
            Value::None(_) => None,
            value => value.thousandths().and_then(i64::checked_abs),
        }
    };
    profile.currents().filter(|register| block.holds(Block::of(register))).filter_map(of).max()
}
