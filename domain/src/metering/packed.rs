//! Columns of integers in few bytes: what is kept of readings that were judged long ago.
#![expect(
    clippy::arithmetic_side_effects,
    reason = "a hot kernel: a column gives back the values it was made of, which are within 2^53"
)]

/// A column of integers, all within ±2^53.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Column {
    first: i64,
    /// What a difference is counted in.
    unit: i64,
    values: Values,
}

/// How the values after the first are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Values {
    /// Each so many units above the one before.
    Even {
        step: i64,
        len: usize,
    },
    /// Differences to the value before, in units.
    Bytes(Box<[u8]>),
    Words(Box<[u16]>),
    Longs(Box<[u32]>),
    /// The values themselves.
    Whole(Box<[i64]>),
}

impl Column {
    /// Of values whose differences are multiples of `unit`.
    pub(super) fn new(values: &[i64], unit: i64) -> Self {
        let first = values.first().copied().unwrap_or(0);
        let of = |values| Self { first, unit, values };
        let pairs = || values.iter().zip(values.iter().skip(1));
        let step = values.get(1).map_or(0, |second| second - first);
        if pairs().all(|(one, other)| other - one == step) {
            return Self { first, unit: 1, values: Values::Even { step, len: values.len() } };
        }
        let least = pairs().map(|(one, other)| other - one).min().unwrap_or(0);
        let most = pairs().map(|(one, other)| other - one).max().unwrap_or(0);
        let exact = unit == 1 || pairs().all(|(one, other)| (other - one).checked_rem(unit) == Some(0));
        let width = most.checked_div(unit).filter(|_| least >= 0 && exact).unwrap_or(i64::MAX);
        let units = |(one, other): (&i64, &i64)| {
            if unit == 1 { other - one } else { (other - one).checked_div(unit).unwrap_or(0) }
        };
        // The widths were checked: the low bytes are all of it.
        if width <= 0xff {
            of(Values::Bytes(pairs().map(units).map(|units| units.to_le_bytes()[0]).collect()))
        } else if width <= 0xffff {
            let low = |units: i64| units.to_le_bytes().first_chunk().map_or(0, |low| u16::from_le_bytes(*low));
            of(Values::Words(pairs().map(units).map(low).collect()))
        } else if width <= 0xffff_ffff {
            let low = |units: i64| units.to_le_bytes().first_chunk().map_or(0, |low| u32::from_le_bytes(*low));
            of(Values::Longs(pairs().map(units).map(low).collect()))
        } else {
            Self { first, unit: 1, values: Values::Whole(values.into()) }
        }
    }

    /// Each value so many times as large.
    pub(super) fn times(mut self, factor: i64) -> Self {
        self.first *= factor;
        match &mut self.values {
            Values::Even { step, .. } => *step *= factor,
            Values::Whole(all) => all.iter_mut().for_each(|one| *one *= factor),
            Values::Bytes(_) | Values::Words(_) | Values::Longs(_) => self.unit *= factor,
        }
        self
    }

    pub(super) fn len(&self) -> usize {
        match &self.values {
            Values::Even { len, .. } => *len,
            Values::Bytes(rest) => rest.len() + 1,
            Values::Words(rest) => rest.len() + 1,
            Values::Longs(rest) => rest.len() + 1,
            Values::Whole(all) => all.len(),
        }
    }

    pub(super) const fn first(&self) -> i64 {
        self.first
    }

    /// The value of an index within it.
    pub(super) fn get(&self, index: usize) -> i64 {
        fn sum<T: Copy + Into<u64>>(rest: &[T], index: usize) -> i64 {
            let before = rest.get(..index).unwrap_or(rest);
            before.iter().map(|one| (*one).into()).fold(0u64, u64::wrapping_add).cast_signed()
        }
        let units = match &self.values {
            Values::Even { step, .. } => i64::try_from(index).unwrap_or(i64::MAX).saturating_mul(*step),
            Values::Bytes(rest) => sum(rest, index),
            Values::Words(rest) => sum(rest, index),
            Values::Longs(rest) => sum(rest, index),
            Values::Whole(all) => return all.get(index).copied().unwrap_or(self.first),
        };
        self.first + self.unit * units
    }

    /// How many values of a rising column are at or below a bound.
    pub(super) fn until(&self, bound: i64) -> usize {
        fn count<T: Copy + Into<u64>>(rest: &[T], unit: i64, mut left: i64) -> usize {
            let within = |one: &&T| {
                let one: u64 = (**one).into();
                left -= one.cast_signed() * unit;
                left >= 0
            };
            rest.iter().take_while(within).count()
        }
        let left = bound - self.first;
        if left < 0 || self.len() == 0 {
            return 0;
        }
        match &self.values {
            Values::Even { step, len } => {
                let steps = left.checked_div(*step).and_then(|steps| usize::try_from(steps).ok());
                steps.map_or(*len, |steps| (steps + 1).min(*len))
            }
            Values::Bytes(rest) => 1 + count(rest, self.unit, left),
            Values::Words(rest) => 1 + count(rest, self.unit, left),
            Values::Longs(rest) => 1 + count(rest, self.unit, left),
            Values::Whole(all) => all.partition_point(|one| *one <= bound),
        }
    }

    /// All values, in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = i64> {
        let mut at = self.first;
        (0..self.len()).map(move |index| {
            let difference = match &self.values {
                Values::Whole(all) => return all.get(index).copied().unwrap_or(self.first),
                Values::Even { step, .. } => Some(*step),
                Values::Bytes(rest) => index.checked_sub(1).and_then(|i| rest.get(i)).map(|one| i64::from(*one)),
                Values::Words(rest) => index.checked_sub(1).and_then(|i| rest.get(i)).map(|one| i64::from(*one)),
                Values::Longs(rest) => index.checked_sub(1).and_then(|i| rest.get(i)).map(|one| i64::from(*one)),
            };
            if index > 0 {
                at += self.unit * difference.unwrap_or(0);
            }
            at
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Column;
    use proptest::prelude::*;

    fn check(values: &[i64], unit: i64) {
        let column = Column::new(values, unit);
        assert_eq!(column.len(), values.len());
        assert_eq!(column.iter().collect::<Vec<_>>(), values);
        let gotten: Vec<i64> = (0..values.len()).map(|index| column.get(index)).collect();
        assert_eq!(gotten, values);
        if values.windows(2).all(|two| two.first() < two.last()) {
            for bound in values.iter().flat_map(|value| [value - 1, *value, value + 1]) {
                assert_eq!(column.until(bound), values.iter().filter(|value| **value <= bound).count());
            }
        }
    }

    proptest! {
        #[test]
        fn a_column_gives_back_its_values(
            first in 0i64..1 << 52, steps in prop::collection::vec(0i64..70_000, 0..50),
            unit in prop::sample::select(vec![1i64, 10, 1000]), narrow in any::<bool>(), falls in any::<bool>(),
        ) {
            let mut values = vec![first - first % unit];
            for (index, step) in steps.iter().enumerate() {
                let step = if narrow { step % 256 } else { *step } * unit;
                let last = values.last().copied().unwrap_or(0);
                values.push(if falls && index % 7 == 3 { last - step } else { last + step });
            }
            check(&values, unit);
            let times: Vec<i64> = values.iter().map(|value| value.rem_euclid(1 << 30) * 7).collect();
            let small: Vec<i64> = values.iter().map(|value| value.rem_euclid(1 << 30)).collect();
            assert_eq!(Column::new(&small, 1).times(7).iter().collect::<Vec<_>>(), times);
        }
    }

    #[test]
    fn even_and_wide_columns() {
        check(&[5], 1);
        check(&[60, 120, 180], 1);
        check(&[7, 7, 7, 7], 1);
        check(&[0, 1 << 40, (1 << 40) + 3], 1);
        check(&[0, 3_000_000, 3_000_500, 900_000_000], 1000);
    }
}
