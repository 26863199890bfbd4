//! The readings of the bench: deterministic, by the minute.

/// Registers in Wh of many meters, meter by meter.
#[derive(Debug)]
pub(crate) struct Registers {
    /// How many meters.
    pub(crate) meters: usize,
    /// How many minutes.
    pub(crate) minutes: usize,
    /// By meter.
    pub(crate) columns: Vec<Vec<i64>>,
}

impl Registers {
    /// So many meters over so many days.
    pub(crate) fn new(meters: usize, days: usize) -> Self {
        let minutes = days.saturating_mul(1440);
        let mut state = 7u64;
        let mut next = |bound: u64| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            i64::try_from(state % bound).unwrap_or_default()
        };
        let columns = (0..meters)
            .map(|_| {
                let mut register = next(100_000_000);
                (0..=minutes)
                    .map(|_| {
                        register = register.saturating_add(next(60));
                        register
                    })
                    .collect()
            })
            .collect();
        Self { meters, minutes, columns }
    }

    /// How many readings.
    pub(crate) fn readings(&self) -> usize {
        self.columns.iter().map(Vec::len).sum()
    }
}
