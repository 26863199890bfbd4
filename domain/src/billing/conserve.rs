//! Conservation: what a month's target must add up to, whatever the rules.

use std::collections::BTreeMap;

use super::target::MonthTarget;
use crate::event::{Component, PointId, PoolId};
use crate::quantity::{Date, Energy, Money};

/// A sum that is not its whole.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Imbalance {
    /// The accounts' shares of a pool are not its cost.
    #[error("shares of pool {pool} are {shares:?} minor units together, its cost is {cost:?}")]
    Shares {
        /// The pool.
        pool: PoolId,
        /// What the accounts bear together.
        shares: Money,
        /// What it cost.
        cost: Money,
    },
    /// The parts of a pool's day are not the day.
    #[error("parts of pool {pool} on {day} are {parts:?} together, the day has {whole:?}")]
    Parts {
        /// The pool.
        pool: PoolId,
        /// The day.
        day: Date,
        /// Energy and nano-units of the parts with what is left over.
        parts: (Energy, i128),
        /// Energy and nano-units of the day.
        whole: (Energy, i128),
    },
    /// The energy lines of a point are not the energy of its slices.
    #[error("energy lines of point {point} are {lines:?} together, its slices {slices:?}")]
    Lines {
        /// The point.
        point: PointId,
        /// By the lines of all accounts.
        lines: Energy,
        /// By its slices with a tariff.
        slices: Energy,
    },
}

impl MonthTarget {
    /// What of the month does not add up: nothing, or the rules are broken.
    pub fn imbalances(&self) -> Vec<Imbalance> {
        let mut found = Vec::new();
        for (pool, month) in &self.pools {
            let shares: Money =
                self.accounts.values().filter_map(|of| of.shared.get(pool)).map(|share| share.amount).sum();
            let cost = month.amount();
            if shares != cost {
                found.push(Imbalance::Shares { pool: pool.clone(), shares, cost });
            }
            for day in &month.days {
                let nano = i128::from(day.amount.get()).saturating_mul(1_000_000_000);
                let mut parts = (day.split.rest_energy, day.split.rest_nano);
                for part in &day.split.parts {
                    parts.0 += part.rest_energy + part.shares.iter().map(|share| share.energy).sum();
                    let shared: i128 = part.shares.iter().map(|share| share.nano).sum();
                    parts.1 = parts.1.saturating_add(part.rest_nano).saturating_add(shared);
                }
                let whole = (day.energy, nano);
                if parts != whole {
                    found.push(Imbalance::Parts { pool: pool.clone(), day: day.day, parts, whole });
                }
            }
        }
        found.extend(self.lines_by_point());
        found
    }

    fn lines_by_point(&self) -> Vec<Imbalance> {
        let mut sums: BTreeMap<&PointId, (Energy, Energy)> = BTreeMap::new();
        for (point, charged) in self.charged() {
            sums.entry(point).or_default().1 += charged;
        }
        let lines = self.accounts.values().flat_map(|of| &of.lines);
        for (key, line) in lines.filter(|(key, _)| key.component == Component::Energy) {
            sums.entry(&key.point).or_default().0 += Energy::new(line.quantity);
        }
        let wrong = sums.into_iter().filter(|(_, (lines, slices))| lines != slices);
        wrong.map(|(point, (lines, slices))| Imbalance::Lines { point: point.clone(), lines, slices }).collect()
    }
}
