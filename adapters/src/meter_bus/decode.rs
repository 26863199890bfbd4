//! Raw words as exact decimals: floating point is read by its bits, as
//! integers, and nothing passes through a float.

use chrono::{NaiveDate, NaiveDateTime};
use domain::quantity::{div_round, show_scaled};

use super::profile::{Profile, Register, Scale, Type};

/// The step of a counter whose profile states none, where its type has none of its own: 1 Wh.
const DEFAULT_STEP: Scale = Scale { mantissa: 1, decimals: 3 };
/// A float above this many bits is no register.
const MOST_BITS: u32 = 100;

/// What words mean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// `units × 10^−decimals`, in the quantity's unit.
    Number {
        /// Signed.
        units: i128,
        /// Decimals of the register's scale, or of the resolution.
        decimals: u8,
    },
    /// Characters.
    Text(String),
    /// A clock, local and without a zone.
    Clock(NaiveDateTime),
    /// No value: the words the profile calls invalid, no number, infinite, no date.
    None(Missing),
}

/// Why there is no value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Missing {
    /// The profile's `invalid`.
    Invalid,
    /// An IEEE 754 NaN.
    Nan,
    /// An infinity, or more than any register.
    Infinite,
    /// Not printable, empty, or no date.
    Unreadable,
}

impl Missing {
    /// What stands in the log in place of a number.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Invalid => "invalid",
            Self::Nan => "nan",
            Self::Infinite => "inf",
            Self::Unreadable => "unreadable",
        }
    }
}

impl Value {
    /// As text: of a number the plain decimal with its decimals, and of what
    /// is none the word that says why.
    pub fn text(&self) -> String {
        match self {
            Self::Number { units, decimals } => show_scaled(*units, (*decimals).into(), (*decimals).into()),
            Self::Text(text) => text.clone(),
            Self::Clock(at) => at.format("%Y-%m-%dT%H:%M:%S").to_string(),
            Self::None(missing) => missing.word().to_owned(),
        }
    }

    /// A number in thousandths of its unit, rounded; `None` where it is none.
    pub fn thousandths(&self) -> Option<i64> {
        let Self::Number { units, decimals } = self else { return None };
        let up = units.checked_mul(1000)?;
        i64::try_from(div_round(up, 10i128.checked_pow((*decimals).into())?)).ok()
    }
}

impl Profile {
    /// The value of a register of this profile, from as many words as it has.
    pub fn value(&self, register: &Register, words: &[u16]) -> Value {
        let step = self.resolution.unwrap_or(DEFAULT_STEP);
        // A counter's resolution is one of energy; the rest keeps thousandths.
        let step =
            if Some(register.quantity) == self.energy().map(|energy| energy.quantity) { step } else { DEFAULT_STEP };
        value(register, words, step)
    }
}

fn value(register: &Register, words: &[u16], step: Scale) -> Value {
    let mut words = words.to_vec();
    if words.len() != usize::from(register.words) {
        return Value::None(Missing::Unreadable);
    }
    if register.little {
        words.reverse();
    }
    match register.kind {
        Type::Ascii => return text(&words, register.length),
        Type::Ymdhms6 => return clock(&words),
        _ => {}
    }
    let raw = words.iter().fold(0u64, |raw, word| raw.wrapping_shl(16) | u64::from(*word));
    if register.invalid == Some(raw) {
        return Value::None(Missing::Invalid);
    }
    let bits = u32::from(register.words).saturating_mul(16);
    match register.kind {
        Type::F32 => float(raw, bits, 23, register.scale, step),
        Type::F64 => float(raw, bits, 52, register.scale, step),
        Type::I16 | Type::I32 | Type::I64 => integer(signed(raw, bits), register.scale),
        Type::U16 | Type::U32 | Type::U64 | Type::Ascii | Type::Ymdhms6 => integer(raw.into(), register.scale),
    }
}

/// Two's complement of so many bits.
fn signed(raw: u64, bits: u32) -> i128 {
    let raw = i128::from(raw);
    let half = 1i128.wrapping_shl(bits.saturating_sub(1));
    if raw < half { raw } else { raw.saturating_sub(half.wrapping_shl(1)) }
}

fn integer(raw: i128, scale: Scale) -> Value {
    let units = raw.saturating_mul(scale.mantissa.into());
    Value::Number { units, decimals: scale.decimals }
}

/// Sign, exponent and fraction of IEEE 754, to the nearest step, a tie away from zero.
fn float(raw: u64, bits: u32, fraction_bits: u32, scale: Scale, step: Scale) -> Value {
    let exponent_bits = bits.saturating_sub(1).saturating_sub(fraction_bits);
    let low = |count: u32| 1u64.wrapping_shl(count).wrapping_sub(1);
    let fraction = raw & low(fraction_bits);
    let exponent = raw.wrapping_shr(fraction_bits) & low(exponent_bits);
    if exponent == low(exponent_bits) {
        return Value::None(if fraction == 0 { Missing::Infinite } else { Missing::Nan });
    }
    // A number with exponent 0 has no hidden bit, and the exponent of 1.
    let mantissa = if exponent == 0 { fraction } else { fraction | 1u64.wrapping_shl(fraction_bits) };
    let bias = low(exponent_bits.saturating_sub(1));
    let above = i64::try_from(exponent.max(1)).unwrap_or(0);
    let below = i64::try_from(bias.saturating_add(fraction_bits.into())).unwrap_or(0);
    match quantise(mantissa, above.saturating_sub(below), scale, step) {
        None => Value::None(Missing::Infinite),
        Some(units) => {
            let negative = raw.wrapping_shr(bits.saturating_sub(1)) & 1 == 1;
            let units = if negative { units.saturating_neg() } else { units };
            Value::Number { units, decimals: step.decimals }
        }
    }
}

/// `mantissa × 2^exponent × scale` in units of the step's last decimal, at a
/// multiple of the step; `None` for more than any register.
fn quantise(mantissa: u64, exponent: i64, scale: Scale, step: Scale) -> Option<i128> {
    let power = |decimals: u8| 10i128.checked_pow(decimals.into());
    let top = i128::from(mantissa).checked_mul(scale.mantissa.into())?.checked_mul(power(step.decimals)?)?;
    let bottom = i128::from(step.mantissa).checked_mul(power(scale.decimals)?)?;
    if top == 0 {
        return Some(0);
    }
    let steps = if exponent >= 0 {
        let factor = u32::try_from(exponent).ok().filter(|bits| *bits < MOST_BITS)?;
        let top = top.checked_mul(1i128.checked_shl(factor)?)?;
        if top.unsigned_abs().leading_zeros() < i128::BITS.saturating_sub(MOST_BITS) {
            return None;
        }
        div_round(top, bottom)
    } else {
        let factor = u32::try_from(exponent.unsigned_abs()).ok()?;
        // Beyond these bits the quotient is less than half a step.
        let bottom = if factor < 126 { bottom.checked_mul(1i128.checked_shl(factor)?) } else { None };
        bottom.map_or(0, |bottom| div_round(top, bottom))
    };
    steps.checked_mul(step.mantissa.into())
}

fn text(words: &[u16], length: Option<usize>) -> Value {
    let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_be_bytes()).take(length.unwrap_or(usize::MAX)).collect();
    let text = String::from_utf8(bytes).unwrap_or_default();
    let text = text.trim_matches(['\0', ' ']);
    let printable = !text.is_empty() && text.chars().all(|c| c.is_ascii_graphic() || c == ' ');
    if printable { Value::Text(text.to_owned()) } else { Value::None(Missing::Unreadable) }
}

fn clock(words: &[u16]) -> Value {
    let bytes: Vec<u32> = words.iter().flat_map(|word| word.to_be_bytes()).map(u32::from).collect();
    let at = match bytes.as_slice() {
        [year, month, day, hour, minute, second] => i32::try_from(*year)
            .ok()
            .and_then(|year| NaiveDate::from_ymd_opt(year.saturating_add(2000), *month, *day))
            .and_then(|day| day.and_hms_opt(*hour, *minute, *second)),
        _ => None,
    };
    at.map_or(Value::None(Missing::Unreadable), Value::Clock)
}
