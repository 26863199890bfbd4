//! A KPM33B: what its registers show of its state.

use chrono::{Datelike as _, NaiveDateTime, Timelike as _};

/// The registers that are shown; those between them read as zero.
const SERIAL: u16 = 0x12;
const MODE: u16 = 0x1E;
const CLOCK: u16 = 0x23;
const CURRENT: u16 = 0x36;
const POWER: u16 = 0x48;
const TOTAL: u16 = 0x80;
const IMPORT: u16 = 0x82;
const REMOTE: u16 = 0xDD22;

/// A meter's state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KpmMeter {
    /// 13 characters.
    pub serial: String,
    /// Energy drawn, mWh.
    pub import_mwh: i64,
    /// Power that the load would draw, mW.
    pub load_mw: i64,
    /// Whether the relay connects the load.
    pub relay_on: bool,
    /// Its clock, local.
    pub clock: NaiveDateTime,
}

impl KpmMeter {
    /// So many words from an address on; none where nothing is mapped.
    pub fn words(&self, address: u16, count: u16) -> Option<Vec<u16>> {
        let end = address.checked_add(count)?;
        (end <= 0x94).then(|| (address..end).map(|word| self.word(word)).collect())
    }

    fn word(&self, at: u16) -> u16 {
        let power_mw = if self.relay_on { self.load_mw } else { 0 };
        match at {
            SERIAL..=0x18 => {
                let index = usize::from(at.saturating_sub(SERIAL)).saturating_mul(2);
                let byte = |index: usize| u16::from(self.serial.as_bytes().get(index).copied().unwrap_or(0));
                byte(index).wrapping_shl(8) | byte(index.saturating_add(1))
            }
            MODE => REMOTE,
            CLOCK..=0x25 => clock_word(self.clock, at.saturating_sub(CLOCK)),
            // Three phases at 230 V, in A.
            CURRENT..=0x3B => half(f32_bits(power_mw, 690_000), at.saturating_sub(CURRENT)),
            POWER | 0x49 => half(f32_bits(power_mw, 1_000), at.saturating_sub(POWER)),
            // Shown in whole Wh, the rest is cut.
            TOTAL..=0x83 => half(f32_bits(self.import_mwh.div_euclid(1_000), 1_000), at.saturating_sub(TOTAL)),
            // All of it in rate 4, valley.
            0x92 | 0x93 => half(f32_bits(self.import_mwh.div_euclid(1_000), 1_000), at.saturating_sub(IMPORT)),
            _ => 0,
        }
    }
}

fn clock_word(at: NaiveDateTime, index: u16) -> u16 {
    let (high, low) = match index {
        0 => (u32::try_from(at.year().rem_euclid(100)).unwrap_or(0), at.month()),
        1 => (at.day(), at.hour()),
        _ => (at.minute(), at.second()),
    };
    let byte = |number: u32| u16::try_from(number).unwrap_or(0);
    byte(high).wrapping_shl(8) | byte(low)
}

/// The high word of a pair at even distance, else the low one.
fn half(bits: u32, distance: u16) -> u16 {
    let [a, b, c, d] = bits.to_be_bytes();
    u16::from_be_bytes(if distance.is_multiple_of(2) { [a, b] } else { [c, d] })
}

/// The f32 nearest to `value ÷ divisor`, by its bits; a tie goes up.
fn f32_bits(value: i64, divisor: u64) -> u32 {
    let (size, divisor) = (u128::from(value.unsigned_abs()), u128::from(divisor.max(1)));
    if size == 0 {
        return 0;
    }
    // The power of two that brings the quotient to 24 bits.
    for exponent in -60i32..=60 {
        let shift = exponent.unsigned_abs();
        let (top, bottom) =
            if exponent < 0 { (size.wrapping_shl(shift), divisor) } else { (size, divisor.wrapping_shl(shift)) };
        let twice = top.saturating_mul(2).saturating_add(bottom);
        let mantissa = twice.checked_div(bottom.saturating_mul(2)).unwrap_or(0);
        if mantissa < 1 << 24 {
            let biased = u32::try_from(exponent.saturating_add(150)).unwrap_or(0);
            let sign = if value < 0 { 1u32 << 31 } else { 0 };
            let fraction = u32::try_from(mantissa).unwrap_or(0) & 0x7F_FFFF;
            return sign | biased.wrapping_shl(23) | fraction;
        }
    }
    0
}

#[cfg(test)]
mod tests {
    use super::*;
    use adapters::meter_bus::Profiles;

    #[test]
    fn what_it_shows_is_read_again() {
        let profiles = Profiles::shipped().expect("the shipped profiles");
        let kpm = profiles.get("kpm33b").expect("shipped");
        for (import_mwh, kwh) in [(0, "0.000"), (56_331_999, "56.331"), (1_000, "0.001"), (16_383_999_000, "16383.999")]
        {
            let meter = KpmMeter {
                serial: "33B1225950027".to_owned(),
                import_mwh,
                load_mw: 1_234_500,
                relay_on: true,
                clock: "2026-03-01T12:34:56".parse().expect("a clock"),
            };
            let mut words = Vec::new();
            for block in kpm.poll_blocks() {
                match block.fc {
                    1 => words.push(1),
                    _ => words.extend(meter.words(block.address, block.count).expect("mapped")),
                }
            }
            let reading = kpm.reading(&words).expect("as many as the plan");
            assert_eq!((reading.kwh.as_str(), reading.serial.as_deref()), (kwh, Some("33B1225950027")));
            assert_eq!((reading.clock, reading.power_mw), (Some(meter.clock), Some(1_234_500)));
            assert_eq!((reading.relay_is_on, reading.relay_is_remote), (Some(true), Some(true)));
        }
    }
}
