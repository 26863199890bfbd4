//! Exact decimals as integers of 10⁻⁸, and the only divisions of the domain.

use rust_decimal::Decimal;

/// Prices, rates, percents, areas and multipliers are held in units of 10⁻⁸.
pub const UNITS_PER_ONE: i128 = 100_000_000;

/// The decimal in units of 10⁻⁸; `None` where it has more than 8 decimals or is too large.
pub fn to_units(value: Decimal) -> Option<i128> {
    let value = value.normalize();
    let missing = 8u32.checked_sub(value.scale())?;
    let factor = 10i128.checked_pow(missing)?;
    value.mantissa().checked_mul(factor).filter(|units| units.unsigned_abs() < 10u128.pow(20))
}

/// `numerator ÷ denominator`, half away from zero (BILLING §1).
pub fn div_round(numerator: i128, denominator: i128) -> i128 {
    let (n, d) = (numerator.unsigned_abs(), denominator.unsigned_abs());
    let twice = n.checked_mul(2).and_then(|n2| n2.checked_add(d)).expect("a product of bounded quantities fits i128");
    let magnitude = twice.checked_div(d.checked_mul(2).expect("bounded")).expect("denominators are positive");
    let magnitude = i128::try_from(magnitude).expect("smaller than the numerator");
    if (numerator < 0) == (denominator < 0) { magnitude } else { magnitude.checked_neg().expect("bounded") }
}

/// `numerator ÷ denominator`, towards negative infinity.
pub fn floor_div(numerator: i128, denominator: i128) -> i128 {
    let quotient = numerator.checked_div_euclid(denominator).expect("denominators are positive");
    debug_assert!(denominator > 0);
    quotient
}

/// `numerator ÷ denominator`, towards positive infinity.
pub fn ceil_div(numerator: i128, denominator: i128) -> i128 {
    floor_div(numerator.checked_neg().expect("bounded"), denominator).checked_neg().expect("bounded")
}
