//! Exact amounts: rational numbers of any size, for what is not rounded.
#![expect(clippy::arithmetic_side_effects, reason = "rationals of big integers do not overflow")]

use std::fmt;
use std::ops::{Add, AddAssign, Mul, Sub};

use num_bigint::BigInt;
use num_rational::BigRational;
use rust_decimal::Decimal;

/// A rational number in lowest terms. Shares of shares have denominators of
/// hundreds of bits when the months of a year are added, so they are not bounded.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Exact(BigRational);

impl Exact {
    /// A whole number.
    pub fn of(whole: i128) -> Self {
        Self(BigRational::from_integer(whole.into()))
    }

    /// `value ÷ 10^places`.
    pub fn scaled(value: i128, places: u32) -> Self {
        Self(BigRational::new(value.into(), BigInt::from(10).pow(places)))
    }

    /// A decimal, unchanged.
    pub fn of_decimal(value: Decimal) -> Self {
        Self::scaled(value.mantissa(), value.scale())
    }

    /// Divided by another; `None` where that is 0.
    pub fn over(&self, divisor: &Self) -> Option<Self> {
        (!divisor.is_zero()).then(|| Self(&self.0 / &divisor.0))
    }

    /// Whether it is 0.
    pub fn is_zero(&self) -> bool {
        *self == Self::default()
    }

    /// Whether it is more than 0.
    pub fn is_positive(&self) -> bool {
        *self > Self::default()
    }

    /// Itself where it is positive, else 0.
    #[must_use]
    pub fn or_zero(self) -> Self {
        self.max(Self::default())
    }

    /// Rounded half away from zero, for a table that people read.
    pub fn rounded(&self, places: u32) -> String {
        let power = BigRational::from_integer(BigInt::from(10).pow(places));
        let text = Self((&self.0 * &power).round() / power).to_string();
        let shown = text.split_once('.').map_or(0, |(_, fraction)| fraction.len());
        let missing = usize::try_from(places).unwrap_or_default().saturating_sub(shown);
        let point = if shown == 0 && missing > 0 { "." } else { "" };
        format!("{text}{point}{}", "0".repeat(missing))
    }

    /// How many decimals it has; `None` where it does not end.
    pub fn places(&self) -> Option<u32> {
        let mut rest = self.0.denom().clone();
        let mut count = |factor: u32| {
            let mut times = 0u32;
            while (&rest % factor) == BigInt::ZERO {
                rest /= factor;
                times = times.saturating_add(1);
            }
            times
        };
        let places = count(2).max(count(5));
        (rest == BigInt::from(1)).then_some(places)
    }
}

impl Add for Exact {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

impl AddAssign for Exact {
    fn add_assign(&mut self, other: Self) {
        self.0 += other.0;
    }
}

impl Sub for Exact {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0 - other.0)
    }
}

impl<'a> Mul<&'a Exact> for &Exact {
    type Output = Exact;
    fn mul(self, other: &'a Exact) -> Exact {
        Exact(&self.0 * &other.0)
    }
}

impl std::iter::Sum for Exact {
    fn sum<I: Iterator<Item = Self>>(iter: I) -> Self {
        iter.fold(Self::default(), Add::add)
    }
}

/// A plain decimal, or `numerator/denominator` in lowest terms where it does not end.
impl fmt::Display for Exact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(places) = self.places() else {
            return write!(f, "{}/{}", self.0.numer(), self.0.denom());
        };
        let digits = (self.0.numer() * BigInt::from(10).pow(places) / self.0.denom()).to_string();
        let (sign, digits) = digits.strip_prefix('-').map_or(("", digits.as_str()), |rest| ("-", rest));
        let places = usize::try_from(places).map_err(|_| fmt::Error)?;
        let padded = format!("{digits:0>width$}", width = places.saturating_add(1));
        let (whole, fraction) = padded.split_at(padded.len().saturating_sub(places));
        if fraction.is_empty() { write!(f, "{sign}{whole}") } else { write!(f, "{sign}{whole}.{fraction}") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(numerator: i128, denominator: i128, text: &str) {
        let exact = Exact::of(numerator).over(&Exact::of(denominator)).expect("not by 0");
        assert_eq!(exact.to_string(), text);
    }

    #[test]
    fn what_ends_is_a_decimal_and_what_does_not_a_fraction() {
        check(0, 7, "0");
        check(10, 4, "2.5");
        check(-1, 8, "-0.125");
        check(-700, 7, "-100");
        check(1, 1_000_000, "0.000001");
        check(365, 12 * 73, "5/12");
        check(-10, 6, "-5/3");
        assert_eq!(Exact::of(1).over(&Exact::of(0)), None);
        let third = Exact::of(-1).over(&Exact::of(3)).expect("not by 0");
        assert_eq!(
            [third.rounded(2), Exact::scaled(25, 1).rounded(0), Exact::of(7).rounded(2)],
            ["-0.33", "3", "7.00"]
        );
        assert_eq!(Exact::scaled(i128::MAX, 20).to_string(), "1701411834604692317.31687303715884105727");
    }

    #[test]
    fn nothing_overflows() {
        let primes = [104_729, 104_723, 104_717, 104_711, 104_707, 104_701, 104_693, 104_683, 104_681, 104_677];
        let parts = || primes.iter().map(|p| Exact::of(1).over(&Exact::of(*p)).expect("not by 0"));
        let sum: Exact = parts().sum();
        let back = parts().fold(sum, |left, one| left - one);
        assert_eq!(back, Exact::default());
    }
}
