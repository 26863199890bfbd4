//! The task of one bus: rounds aligned to the clock, orders in between.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;
use std::time::{Duration, Instant as Moment};

use adapters::clock::Clock;
use adapters::meter_bus::{Between as _, MeterBus, Poller, Round};
use adapters::supply_switch::Orders;
use domain::quantity::Instant;

/// How long the task waits before it looks at the clock and at `stop` again.
const LOOK: Duration = Duration::from_millis(100);

/// A clock of whole seconds says that none is left a little early.
const LEAST: Duration = Duration::from_millis(5);

/// The first instant after `now` at which a round of this period begins.
pub fn next_round(now: Instant, period_s: u32) -> Instant {
    let period = i64::from(period_s.max(1));
    now.plus(period.saturating_sub(now.get().rem_euclid(period)))
}

/// When a bus has its rounds, and where they go.
pub(super) struct Rounds {
    pub(super) period_s: u32,
    pub(super) first: Instant,
    pub(super) bus: usize,
    pub(super) to: Sender<(usize, Round)>,
}

/// Polls until it is told to stop. An order is never broken off.
pub(super) async fn run<B: MeterBus, C: Clock + Sync>(
    mut poller: Poller<B>,
    mut orders: Orders<C>,
    clock: C,
    rounds: Rounds,
    stop: Arc<AtomicBool>,
) {
    let (stopwatch, period_s) = (Moment::now(), rounds.period_s);
    let mut due = rounds.first;
    while !stop.load(Ordering::SeqCst) {
        if orders.wait(clock.until(due).clamp(LEAST, LOOK)).await {
            orders.between(poller.bus()).await;
        }
        let now = clock.now();
        // A clock that was put back begins again at the next whole period.
        due = due.min(next_round(now, period_s));
        if now < due {
            continue;
        }
        let round = poller.round(&clock, &stopwatch, &mut orders).await;
        // Whoever hears of a round may count on the next one.
        due = next_round(clock.now(), period_s);
        if rounds.to.send((rounds.bus, round)).is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_are_aligned_to_the_clock() {
        for (now, period, next) in [(0, 60, 60), (59, 60, 60), (60, 60, 120), (-1, 60, 0), (3599, 900, 3600)] {
            assert_eq!(next_round(Instant::new(now), period), Instant::new(next), "{now} {period}");
        }
    }
}
