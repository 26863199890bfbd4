//! Money in the minor units of its currency.

use rust_decimal::Decimal;

use super::show_scaled;

/// Money in minor units of the site's currency (JPY 0, EUR 2, KWD 3 decimals).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Money(i64);

impl Money {
    /// Nothing of it.
    pub const ZERO: Self = Self(0);

    /// From the integer of its unit.
    pub const fn new(value: i64) -> Self {
        Self(value)
    }

    /// The integer of its unit.
    pub const fn get(self) -> i64 {
        self.0
    }

    /// Whether there is none of it.
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }
}

impl std::ops::Add for Money {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.checked_add(other.0).expect("quantities in the log are bounded to 2^53"))
    }
}

impl std::ops::Sub for Money {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0.checked_sub(other.0).expect("quantities in the log are bounded to 2^53"))
    }
}

impl std::ops::Neg for Money {
    type Output = Self;
    fn neg(self) -> Self {
        Self(self.0.checked_neg().expect("quantities in the log are bounded to 2^53"))
    }
}

impl std::ops::AddAssign for Money {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl std::ops::SubAssign for Money {
    fn sub_assign(&mut self, other: Self) {
        *self = *self - other;
    }
}

impl std::iter::Sum for Money {
    fn sum<I: Iterator<Item = Self>>(iter: I) -> Self {
        iter.fold(Self::ZERO, |total, one| total + one)
    }
}

impl Money {
    /// The amount of a decimal of major units; `None` with more decimals than the currency or out of bounds.
    pub fn from_major(amount: Decimal, decimals: u8) -> Option<Self> {
        let amount = amount.normalize();
        let factor = 10i128.checked_pow(u32::from(decimals).checked_sub(amount.scale())?)?;
        let minor = amount.mantissa().checked_mul(factor)?;
        i64::try_from(minor).ok().filter(|m| m.unsigned_abs() < 1 << 53).map(Self)
    }

    /// In major units with the currency's own decimals.
    pub fn major(self, decimals: u8) -> String {
        show_scaled(i128::from(self.0), decimals.into(), decimals.into())
    }
}
