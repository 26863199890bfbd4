//! Rounding to a multiple of a unit, in the way that a tariff states.

use crate::event::{Rounding, RoundingMode};
use crate::quantity::{UNITS_PER_ONE, ceil_div, div_round, floor_div, to_units};

/// `numerator ÷ denominator` in the given way; the denominator is positive.
pub fn div_by(mode: RoundingMode, numerator: i128, denominator: i128) -> i128 {
    let towards_zero = if numerator < 0 { ceil_div } else { floor_div };
    match mode {
        RoundingMode::HalfUp => div_round(numerator, denominator),
        RoundingMode::HalfEven => {
            let cut = towards_zero(numerator, denominator);
            let rest = numerator.checked_sub(cut.checked_mul(denominator).expect("no more than the numerator"));
            let twice = rest.and_then(|rest| rest.checked_mul(2)).expect("less than the denominator, twice");
            let even = cut.rem_euclid(2) == 0;
            if twice.unsigned_abs() == denominator.unsigned_abs() && even {
                cut
            } else {
                div_round(numerator, denominator)
            }
        }
        RoundingMode::Down => towards_zero(numerator, denominator),
        RoundingMode::Up => {
            let away = if numerator < 0 { floor_div } else { ceil_div };
            away(numerator, denominator)
        }
    }
}

/// `numerator ÷ denominator` to the multiple of its unit, in parts of which one has `10^decimals`; half up to one part
/// where no rounding is stated.
pub fn round_to(round: Option<&Rounding>, decimals: u8, numerator: i128, denominator: i128) -> i128 {
    let Some(round) = round else { return div_round(numerator, denominator) };
    let unit = unit_parts(round, decimals).expect("checked before it was appended");
    let steps = div_by(round.mode, numerator, denominator.checked_mul(unit).expect("units are bounded"));
    steps.checked_mul(unit).expect("about the quotient")
}

/// A rounding's unit in parts of which one has `10^decimals`; none where it is not a positive whole number of them.
pub fn unit_parts(round: &Rounding, decimals: u8) -> Option<i128> {
    let parts = to_units(round.to)?.checked_mul(10i128.checked_pow(decimals.into())?)?;
    let whole = parts.checked_rem(UNITS_PER_ONE)? == 0;
    Some(floor_div(parts, UNITS_PER_ONE)).filter(|unit| whole && *unit > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_mode_rounds_its_way() {
        use RoundingMode::{Down, HalfEven, HalfUp, Up};
        let by = |mode| [-35, -25, -21, 0, 21, 25, 29, 35].map(|n| div_by(mode, n, 10));
        assert_eq!(by(HalfUp), [-4, -3, -2, 0, 2, 3, 3, 4]);
        assert_eq!(by(HalfEven), [-4, -2, -2, 0, 2, 2, 3, 4]);
        assert_eq!(by(Down), [-3, -2, -2, 0, 2, 2, 2, 3]);
        assert_eq!(by(Up), [-4, -3, -3, 0, 3, 3, 3, 4]);
    }

    #[test]
    fn a_unit_is_a_whole_number_of_parts() {
        let unit = |to: &str, decimals| {
            unit_parts(&Rounding { mode: RoundingMode::Down, to: to.parse().expect("a decimal") }, decimals)
        };
        assert_eq!(unit("10", 0), Some(10));
        assert_eq!(unit("0.05", 2), Some(5));
        assert_eq!(unit("0.005", 2), None);
        assert_eq!(unit("0", 2), None);
        assert_eq!(unit("-1", 2), None);
        let tens = Rounding { mode: RoundingMode::Down, to: "10".parse().expect("a decimal") };
        assert_eq!(round_to(Some(&tens), 0, 8584, 10), 850);
        assert_eq!(round_to(None, 0, 8585, 10), 859);
    }
}
