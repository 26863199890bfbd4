//! Energy in milliwatt-hours and power in milliwatts.

use rust_decimal::Decimal;

use super::show_scaled;

/// Energy in mWh (1 kWh = 1,000,000 mWh).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Energy(i64);

impl Energy {
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

impl std::ops::Add for Energy {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.checked_add(other.0).expect("quantities in the log are bounded to 2^53"))
    }
}

impl std::ops::Sub for Energy {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0.checked_sub(other.0).expect("quantities in the log are bounded to 2^53"))
    }
}

impl std::ops::Neg for Energy {
    type Output = Self;
    fn neg(self) -> Self {
        Self(self.0.checked_neg().expect("quantities in the log are bounded to 2^53"))
    }
}

impl std::ops::AddAssign for Energy {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl std::ops::SubAssign for Energy {
    fn sub_assign(&mut self, other: Self) {
        *self = *self - other;
    }
}

impl std::iter::Sum for Energy {
    fn sum<I: Iterator<Item = Self>>(iter: I) -> Self {
        iter.fold(Self::ZERO, |total, one| total + one)
    }
}

impl Energy {
    /// The energy of a decimal of kWh; `None` with more than 6 decimals or out of bounds.
    pub fn from_kwh(kwh: Decimal) -> Option<Self> {
        micro(kwh).map(Self)
    }

    /// As BILLING §1 shows it: kWh with 2 to 6 decimals.
    pub fn kwh(self) -> String {
        show_scaled(i128::from(self.0), 6, 2)
    }
}

/// Power in mW.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Power(i64);

impl Power {
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

impl std::ops::Add for Power {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.checked_add(other.0).expect("quantities in the log are bounded to 2^53"))
    }
}

impl std::ops::Sub for Power {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0.checked_sub(other.0).expect("quantities in the log are bounded to 2^53"))
    }
}

impl std::ops::Neg for Power {
    type Output = Self;
    fn neg(self) -> Self {
        Self(self.0.checked_neg().expect("quantities in the log are bounded to 2^53"))
    }
}

impl std::ops::AddAssign for Power {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl std::ops::SubAssign for Power {
    fn sub_assign(&mut self, other: Self) {
        *self = *self - other;
    }
}

impl std::iter::Sum for Power {
    fn sum<I: Iterator<Item = Self>>(iter: I) -> Self {
        iter.fold(Self::ZERO, |total, one| total + one)
    }
}

impl Power {
    /// The power of a decimal of kW; `None` with more than 6 decimals or out of bounds.
    pub fn from_kw(kw: Decimal) -> Option<Self> {
        micro(kw).map(Self)
    }

    /// As BILLING §1 shows it: kW with 2 to 6 decimals.
    pub fn kw(self) -> String {
        show_scaled(i128::from(self.0), 6, 2)
    }
}

fn micro(value: Decimal) -> Option<i64> {
    let value = value.normalize();
    let factor = 10i128.checked_pow(6u32.checked_sub(value.scale())?)?;
    let micro = value.mantissa().checked_mul(factor)?;
    i64::try_from(micro).ok().filter(|m| m.unsigned_abs() < 1 << 53)
}
