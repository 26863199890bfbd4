//! A vertical axis from 0 to a round number above the highest value.

use domain::quantity::Energy;

/// The steps of an axis that people read easily.
const STEPS: [i64; 3] = [1, 2, 5];

/// An axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Scale {
    step: i64,
    count: i64,
}

impl Scale {
    /// An axis of two to five steps that holds the highest value.
    pub(super) fn over(highest: i64) -> Self {
        let highest = highest.max(1);
        let mut power = 1i64;
        loop {
            for step in STEPS {
                let step = step.saturating_mul(power);
                let count = highest.saturating_add(step).saturating_sub(1).checked_div(step).unwrap_or(1);
                if count <= 4 {
                    return Self { step, count };
                }
            }
            power = power.saturating_mul(10);
        }
    }

    fn top(self) -> i64 {
        self.step.saturating_mul(self.count).max(1)
    }

    /// A value as hundredths of a per cent of the axis.
    pub(super) fn share(self, value: i64) -> i64 {
        share(value, self.top())
    }

    /// The marks of the axis: place from the top, and the value.
    pub(super) fn marks(self) -> Vec<(String, Energy)> {
        let marks = 0..=self.count;
        let marks = marks.map(|n| self.step.saturating_mul(n));
        marks.map(|value| (percent(HUNDRED.saturating_sub(self.share(value))), Energy::new(value))).collect()
    }
}

/// A hundred per cent in hundredths of one.
pub(super) const HUNDRED: i64 = 10_000;

/// A part of a whole in hundredths of a per cent.
pub(super) fn share(part: i64, whole: i64) -> i64 {
    let parts = i128::from(part.max(0)).checked_mul(HUNDRED.into());
    let share = parts.and_then(|parts| parts.checked_div(whole.max(1).into())).unwrap_or(0);
    i64::try_from(share).unwrap_or(HUNDRED).min(HUNDRED)
}

/// Hundredths of a per cent as SVG writes them.
pub(super) fn percent(hundredths: i64) -> String {
    format!("{}.{:02}%", hundredths.div_euclid(100), hundredths.rem_euclid(100))
}

/// A part of a whole, as the width of a bar.
pub(in crate::portal) fn part_of(part: i64, whole: i64) -> String {
    percent(share(part, whole))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_axis_holds_its_highest_value_in_few_round_steps() {
        for highest in [1, 9, 10, 11, 999, 4_000_001, 12_345_678] {
            let scale = Scale::over(highest);
            assert!(scale.top() >= highest && scale.count <= 4, "{highest}: {scale:?}");
            assert!(scale.top() <= highest * 2 + 1, "{highest}: {scale:?}");
        }
        assert_eq!(Scale::over(9_300_000), Scale { step: 5_000_000, count: 2 });
    }

    #[test]
    fn shares_are_cut_and_within_the_picture() {
        assert_eq!((share(1, 3), share(5, 3), share(-1, 3), share(3, 0)), (3333, 10_000, 0, 10_000));
        assert_eq!(percent(3333), "33.33%");
    }
}
