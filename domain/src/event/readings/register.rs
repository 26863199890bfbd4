//! Registers as text and as integers.

use crate::quantity::show_scaled;

/// Registers are less than this, in mWh: 2^53.
const MWH_BOUND: i64 = 1 << 53;

/// `10^(6 − decimals)`: mWh in a unit of a register with so many decimals, 0 to 6.
pub(crate) const fn mwh_per_unit(decimals: u8) -> i64 {
    match decimals {
        0 => 1_000_000,
        1 => 100_000,
        2 => 10_000,
        3 => 1_000,
        4 => 100,
        5 => 10,
        _ => 1,
    }
}

/// A register in units of 10^−decimals kWh.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Plain {
    pub(super) units: i64,
    pub(super) decimals: u8,
}

impl Plain {
    pub(super) fn mwh(self) -> Option<i64> {
        self.units.checked_mul(mwh_per_unit(self.decimals)).filter(|mwh| (0..MWH_BOUND).contains(mwh))
    }
}

/// Digits with at most one point and at most 6 decimals, below 2^53 mWh.
fn parse(text: &str) -> Option<Plain> {
    let (mut units, mut digits) = (0i64, 0usize);
    let mut decimals: Option<u8> = None;
    for byte in text.bytes() {
        match byte {
            b'0'..=b'9' => {
                units = units.checked_mul(10)?.checked_add(i64::from(byte.checked_sub(b'0')?))?;
                digits = digits.checked_add(1)?;
                decimals = decimals.map(|d| d.saturating_add(1));
            }
            b'.' if decimals.is_none() => decimals = Some(0),
            _ => return None,
        }
    }
    let plain = Plain { units, decimals: decimals.unwrap_or(0) };
    (digits > 0 && plain.decimals <= 6 && plain.mwh().is_some()).then_some(plain)
}

/// The integer of a plain text; its text can be written again from it.
pub(super) fn plain(text: &str) -> Option<Plain> {
    let whole = text.split('.').next().unwrap_or_default();
    let needless = whole.is_empty() || text.ends_with('.') || (whole.len() > 1 && whole.starts_with('0'));
    if needless { None } else { parse(text) }
}

/// The register of a text in mWh: digits with at most one point, at most 6
/// decimals, less than 2^53 mWh. `.5` and `5.` are numbers, `1e3` and `-1` are none.
pub fn register_mwh(text: &str) -> Option<i64> {
    parse(text)?.mwh()
}

/// The text of a register of mWh that was sent with so many decimals.
pub fn kwh_text(mwh: i64, decimals: u8) -> String {
    let units = mwh.checked_div(mwh_per_unit(decimals)).expect("a positive constant");
    units_text(units, decimals)
}

pub(super) fn units_text(units: i64, decimals: u8) -> String {
    show_scaled(i128::from(units), decimals.into(), decimals.into())
}
