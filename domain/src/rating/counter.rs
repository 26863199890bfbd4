//! Tier counters: the energy under a tariff since its window began (BILLING §5).

use std::collections::BTreeMap;

use crate::event::{AccountId, TariffId, TierBasis, TierWindow};
use crate::premises::Holder;
use crate::quantity::{Date, Energy, Instant};
use crate::tariff::Tariff;

const WINDOWS: [TierWindow; 4] = [TierWindow::Day, TierWindow::Month, TierWindow::Year, TierWindow::None];

#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Window {
    began: i32,
    total: Energy,
    by_period: BTreeMap<String, Energy>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Counter {
    holder: Option<(AccountId, bool, Instant)>,
    windows: [Window; 4],
}

/// The counters of a point or a pool, by tariff. Every window is kept, because
/// versions of one tariff may differ in theirs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Counters(BTreeMap<TariffId, Counter>);

fn window_start(window: TierWindow, day: Date) -> i32 {
    match window {
        TierWindow::Day => day.get(),
        TierWindow::Month => day.month().get(),
        TierWindow::Year => day.year(),
        TierWindow::None => 0,
    }
}

impl Counters {
    fn counter(&mut self, tariff: &TariffId, holder: Option<&Holder>, day: Date) -> &mut Counter {
        let holder = holder.map(|h| (h.account.clone(), h.leased, h.since));
        let fresh = || Counter { holder: holder.clone(), windows: Default::default() };
        let counter = self.0.entry(tariff.clone()).or_insert_with(fresh);
        if counter.holder != holder {
            *counter = fresh();
        }
        for (window, kind) in counter.windows.iter_mut().zip(WINDOWS) {
            let began = window_start(kind, day);
            if window.began != began {
                *window = Window { began, ..Window::default() };
            }
        }
        counter
    }

    /// What the counter of a period stands at on a day.
    pub fn at(&mut self, tariff: &Tariff, period: usize, holder: Option<&Holder>, day: Date) -> Energy {
        let counter = self.counter(&tariff.id, holder, day);
        let window = counter.windows.iter().zip(WINDOWS).find(|(_, kind)| *kind == tariff.tier_window);
        let window = window.map(|(window, _)| window).expect("all four windows are kept");
        match tariff.tier_basis {
            TierBasis::Total => window.total,
            TierBasis::Period => window.by_period.get(tariff.period_name(period)).copied().unwrap_or_default(),
        }
    }

    /// Counts a slice.
    pub fn add(&mut self, tariff: &Tariff, period: usize, holder: Option<&Holder>, day: Date, energy: Energy) {
        let counter = self.counter(&tariff.id, holder, day);
        for window in &mut counter.windows {
            window.total += energy;
            *window.by_period.entry(tariff.period_name(period).to_owned()).or_default() += energy;
        }
    }
}
