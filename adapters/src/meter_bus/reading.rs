//! What the words of a poll mean, all of them together.

use chrono::NaiveDateTime;

use super::Block;
use super::decode::Value;
use super::profile::{Profile, Quantity, Register};

/// A poll's words, decoded: a function of the profile and the words alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// The register that bills, kWh; where it shows no number, a word that says why.
    pub kwh: String,
    /// The registers of the rates, in the order of the profile.
    pub rates_kwh: Vec<String>,
    /// The device's serial.
    pub serial: Option<String>,
    /// The device's clock, local and without a zone.
    pub clock: Option<NaiveDateTime>,
    /// Active power, mW; given back it is negative.
    pub power_mw: Option<i64>,
    /// Whether the relay says that the load is connected.
    pub relay_is_on: Option<bool>,
    /// Whether the relay obeys: its mode is remote.
    pub relay_is_remote: Option<bool>,
}

impl Profile {
    /// Decodes the words of [`poll_blocks`](Self::poll_blocks), one block after the other; none if they are not as many.
    pub fn reading(&self, words: &[u16]) -> Option<Reading> {
        let blocks = self.poll_blocks();
        let wanted: usize = blocks.iter().map(|block| usize::from(block.count)).sum();
        if wanted != words.len() {
            return None;
        }
        let at = |wanted: Block| {
            let mut start = 0usize;
            for block in &blocks {
                if block.holds(wanted) {
                    let from = start.checked_add(usize::from(wanted.address.checked_sub(block.address)?))?;
                    return words.get(from..from.checked_add(wanted.count.into())?);
                }
                start = start.checked_add(block.count.into())?;
            }
            None
        };
        let value = |register: &Register| at(Block::of(register)).map(|words| self.value(register, words));
        let whole = |quantity| self.whole(quantity).and_then(value);
        let serial = match whole(Quantity::Serial) {
            // A serial of zero is a ghost's.
            Some(Value::Number { units: 0, .. } | Value::None(_)) | None => None,
            Some(value) => Some(value.text()),
        };
        let clock = match whole(Quantity::Clock) {
            Some(Value::Clock(at)) => Some(at),
            _ => None,
        };
        let mode = whole(Quantity::RelayMode).zip(self.remote_mode());
        Some(Reading {
            kwh: value(self.energy()?)?.text(),
            rates_kwh: self.rates().filter_map(value).map(|value| value.text()).collect(),
            serial,
            clock,
            power_mw: whole(Quantity::PowerW).and_then(|value| value.thousandths()),
            relay_is_on: self.relay_block().and_then(at).and_then(|words| self.relay_is_on(*words.first()?)),
            relay_is_remote: mode.map(|(mode, remote)| mode.text() == remote.to_string()),
        })
    }
}
