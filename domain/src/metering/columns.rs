//! Kernels over columns of registers, for rating in bulk: every register is
//! checked, in blocks that the compiler can run in vectors. Whoever calls them
//! judges a block one by one where its check fails.
#![expect(
    clippy::arithmetic_side_effects,
    reason = "a hot kernel: registers are within 2^53, and the block check finds what is not"
)]

/// What a block of registers showed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockCheck {
    /// No register is below the one before it, and all are within 0 and 2^53 − 1.
    pub sound: bool,
    /// The largest step between neighbours, where it is sound.
    pub max_step: i64,
}

/// Nothing but these bits may be set in a register.
const BEYOND: i64 = !((1 << 53) - 1);
/// How many rows run in one vector loop.
const LANES: usize = 8;

/// Checks one meter's registers in the order of time.
pub fn check_block(registers: &[i64]) -> BlockCheck {
    let later = registers.get(1..).unwrap_or_default();
    let mut check = check_step(registers, later);
    check.sound &= registers.first().is_none_or(|first| first & BEYOND == 0);
    check
}

/// Checks the registers of many meters at one instant against those at the instant before.
pub fn check_step(before: &[i64], after: &[i64]) -> BlockCheck {
    // Differences of registers within 2^53 cannot overflow; of others the wrong
    // bits are seen in `bits`. The top bit of `bits` is any difference's sign.
    let (mut bits, mut steps) = ([0i64; LANES], [0i64; LANES]);
    let (ones, rest_ones) = before.as_chunks::<LANES>();
    let (others, rest_others) = after.as_chunks::<LANES>();
    let whole = ones.len().min(others.len());
    for (one, other) in ones.iter().zip(others) {
        for (((bits, step), low), high) in bits.iter_mut().zip(&mut steps).zip(one).zip(other) {
            let difference = high.wrapping_sub(*low);
            *bits |= (*high & BEYOND) | (difference & i64::MIN);
            *step = (*step).max(difference);
        }
    }
    let rest = before.iter().zip(after).skip(whole * LANES);
    debug_assert!(rest.len() >= rest_ones.len().min(rest_others.len()));
    let (mut seen, mut max_step) =
        bits.iter().zip(&steps).fold((0, 0i64), |(seen, most), (bits, step)| (seen | bits, most.max(*step)));
    for (low, high) in rest {
        let difference = high.wrapping_sub(*low);
        seen |= (*high & BEYOND) | (difference & i64::MIN);
        max_step = max_step.max(difference);
    }
    BlockCheck { sound: seen == 0, max_step }
}

/// Where a boundary stands among the instants of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cut {
    /// The last reading at or before the boundary, or the first of all.
    pub index: usize,
    /// Seconds from it to the boundary: 0 at a reading and outside the column.
    pub passed_s: i64,
    /// Seconds from it to the next reading, 0 where there is none.
    pub whole_s: i64,
}

/// The places of rising boundaries among rising instants: computed once for all meters of a site that are read together.
pub fn cuts(times: &[i64], boundaries: &[i64]) -> Vec<Cut> {
    let mut from = 0usize;
    let cut = |boundary: &i64| {
        let ahead = times.get(from..).unwrap_or_default();
        from += ahead.partition_point(|time| time <= boundary);
        let index = from.saturating_sub(1);
        match (times.get(index), times.get(index + 1)) {
            (Some(time), Some(next)) if time < boundary => {
                Cut { index, passed_s: boundary - time, whole_s: next - time }
            }
            _ => Cut { index, passed_s: 0, whole_s: 0 },
        }
    };
    boundaries.iter().map(cut).collect()
}

/// The registers of one meter at the cuts, rounded down between two readings;
/// `None` where the column is shorter than the cuts say.
pub fn slice_registers(registers: &[i64], cuts: &[Cut]) -> Option<Vec<i64>> {
    let at = |cut: &Cut| {
        let low = *registers.get(cut.index)?;
        if cut.passed_s == 0 {
            return Some(low);
        }
        let step = i128::from(registers.get(cut.index + 1)?.checked_sub(low)?);
        let grown = (step * i128::from(cut.passed_s)).div_euclid(cut.whole_s.into());
        low.checked_add(i64::try_from(grown).ok()?)
    };
    cuts.iter().map(at).collect()
}
