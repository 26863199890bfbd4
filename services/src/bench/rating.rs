//! Rating in memory: every register checked, slice registers at the changes
//! of four periods a day, three tiers a month.

use std::hint::black_box;
use std::time::Instant as Clock;

use domain::metering::columns::{check_block, cuts, slice_registers};

use super::data::Registers;
use super::{Figure, best, per_second};

/// Minutes of the day at which the period changes.
const CHANGES: [usize; 4] = [0, 420, 1020, 1260];
/// Bounds in Wh and prices in units of 10⁻⁸ of each period's tiers.
const TIERS: [(i64, i64); 3] = [(200_000, 24_500_000), (400_000, 27_100_000), (i64::MAX, 31_000_000)];

/// Rating beside a plain sum over the same memory.
pub(super) fn measure(data: &Registers) -> Vec<Figure> {
    let times: Vec<i64> = (0..=data.minutes).filter_map(|minute| i64::try_from(minute).ok()?.checked_mul(60)).collect();
    let days = (0..=data.minutes).step_by(1440);
    let boundaries: Vec<i64> = days
        .flat_map(|day| CHANGES.map(|minute| day.saturating_add(minute)))
        .filter(|minute| *minute <= data.minutes)
        .filter_map(|minute| i64::try_from(minute).ok()?.checked_mul(60))
        .collect();
    let ours = best(|| {
        let began = Clock::now();
        let at = cuts(&times, &boundaries);
        let total: i128 = data.columns.iter().map(|column| rate(column, &at)).sum();
        black_box(total);
        per_second(data.readings(), began)
    });
    let limit = best(|| {
        let began = Clock::now();
        let total: i64 =
            data.columns.iter().map(|column| column.iter().fold(0i64, |sum, one| sum.wrapping_add(*one))).sum();
        black_box(total);
        per_second(data.readings(), began)
    });
    let limit = Some((limit, "a plain sum over the same memory"));
    vec![Figure { what: "rating in memory, every register checked", unit: "readings/s", ours, limit, least: None }]
}

fn rate(column: &[i64], at: &[domain::metering::columns::Cut]) -> i128 {
    if !check_block(column).sound {
        return 0;
    }
    let registers = slice_registers(column, at).unwrap_or_default();
    let mut counter = 0i64;
    let mut cost = 0i128;
    for (from, until) in registers.iter().zip(registers.iter().skip(1)) {
        let mut left = until.saturating_sub(*from);
        for (bound, price) in TIERS {
            let part = left.min(bound.saturating_sub(counter).max(0));
            cost = cost.saturating_add(i128::from(part).saturating_mul(price.into()));
            counter = counter.saturating_add(part);
            left = left.saturating_sub(part);
        }
    }
    cost
}
