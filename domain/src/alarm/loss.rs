//! The energy balance of a site: main meters = tenants + common + loss.

use super::View;
use super::look::{Found, figures};
use crate::event::{AlarmKind, AlarmSubject, PointKind};
use crate::quantity::{Energy, Instant};
use crate::rating::{Carry, Facts};

/// All points must have readings that are no older.
const READ_S: i64 = 6 * 3600;
/// Below this, a share says nothing.
const LEAST_MWH: i64 = 1_000_000;

/// Energy of a stretch, by the kinds of points.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct EnergyBalance {
    /// What the main meters measured.
    pub main: Energy,
    /// What the units' did.
    pub tenants: Energy,
    /// What the common ones did.
    pub common: Energy,
}

impl EnergyBalance {
    /// Over `[from, until)`.
    pub fn over(facts: &Facts<'_>, from: Instant, until: Instant) -> Self {
        let mut balance = Self::default();
        balance.add(facts, from, until);
        balance
    }

    /// Adds `[from, until)`.
    pub fn add(&mut self, facts: &Facts<'_>, from: Instant, until: Instant) {
        for point in facts.premises.points.values() {
            let (energy, _) = facts.slice(&point.id, from, until, i64::MAX, &mut Carry::new());
            match point.kind {
                PointKind::Main => self.main += energy,
                PointKind::Unit => self.tenants += energy,
                PointKind::Common => self.common += energy,
                PointKind::Virtual => {}
            }
        }
    }

    /// What no other meter shows of the main meters' energy; below 0 where they show more.
    pub fn loss(&self) -> Energy {
        self.main - self.tenants - self.common
    }
}

/// The last whole hour up to which every meter was read; none where one is silent, or was not there for all of the window.
fn window(view: &View<'_>, window_s: i64) -> Option<(Instant, Instant)> {
    let mut until = view.now;
    let mut first = Instant::new(i64::MIN);
    for meter in view.site.metering().registers().filter(|meter| meter.installed_at(view.now)) {
        until = until.min(meter.last_accepted()?);
        first = first.max(meter.first_accepted()?);
    }
    let until = until.plus(until.get().rem_euclid(3600).saturating_neg());
    let from = until.plus(window_s.saturating_neg());
    (view.now.since(until) <= READ_S && first <= from).then_some((from, until))
}

pub(super) fn level(view: &View<'_>, found: &mut Found<'_>) {
    let premises = view.site.premises();
    let has_main = premises.points.values().any(|point| point.kind == PointKind::Main);
    if !has_main || !found.wants(AlarmKind::Loss) {
        return;
    }
    let Some((from, until)) = window(view, found.policy.loss_window_s) else { return };
    let balance = EnergyBalance::over(&Facts::new(premises, view.site.metering()), from, until);
    let (main, loss) = (balance.main.get(), balance.loss().get());
    if main < LEAST_MWH {
        return;
    }
    let share = i128::from(loss).saturating_abs().saturating_mul(100).checked_div(main.into()).unwrap_or(0);
    let said = figures([
        ("common_wh", balance.common.get().div_euclid(1000)),
        ("loss_wh", loss.div_euclid(1000)),
        ("main_wh", main.div_euclid(1000)),
        ("tenants_wh", balance.tenants.get().div_euclid(1000)),
        ("until_s", until.get()),
    ]);
    found.say(AlarmKind::Loss, &AlarmSubject::Site, i64::try_from(share).unwrap_or(i64::MAX), said);
}
