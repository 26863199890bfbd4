//! Energy, power, money, prices, instants and dates: each has its type, and
//! every operation is checked (BILLING §1).

mod date;
mod decimal;
mod energy;
mod exact;
mod instant;
mod money;

pub use date::{Date, Month, Weekday};
pub use decimal::{UNITS_PER_ONE, ceil_div, div_round, floor_div, to_units};
pub use energy::{Energy, Power};
pub use exact::Exact;
pub use instant::{Instant, InstantError};
pub use money::Money;

/// Writes `value ÷ 10^scale` as a plain decimal with at least `least` decimals
/// and no further trailing zeros.
pub fn show_scaled(value: i128, scale: usize, least: usize) -> String {
    let digits = value.unsigned_abs().to_string();
    let padded = format!("{digits:0>width$}", width = scale.saturating_add(1));
    let split = padded.len().saturating_sub(scale);
    let (whole, fraction) = padded.split_at(split);
    let mut fraction = fraction.to_owned();
    while fraction.len() > least && fraction.ends_with('0') {
        fraction.pop();
    }
    while fraction.len() < least {
        fraction.push('0');
    }
    let sign = if value < 0 { "-" } else { "" };
    if fraction.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
}
