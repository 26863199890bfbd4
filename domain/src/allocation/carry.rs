//! What a virtual point brings along when it changes its pool (BILLING §3).

use crate::event::{PointId, PointKind, PoolId};
use crate::premises::Subject;
use crate::quantity::{Date, Energy};
use crate::rating::{Carry, Facts};
use crate::tariff::{PeriodCut, period_cuts};

/// Puts what virtual points carry into a day on which they come to the pool; `first` is the first rated day of its month.
pub(super) fn arrive(facts: &Facts<'_>, pool: &PoolId, day: Date, first: Date, carry: &mut Carry) {
    let premises = facts.premises;
    if day <= first {
        return;
    }
    let was = premises.pool_points(pool, day.previous());
    for point in premises.pool_points(pool, day).iter().filter(|point| !was.contains(point)) {
        if premises.points.get(point).is_some_and(|one| one.kind == PointKind::Virtual) {
            carry.insert(point.clone(), carried(facts, point, first, day));
        }
    }
}

/// What is left of the days before, cut by the periods of the pool that had the point then; a day in no pool is one slice.
fn carried(facts: &Facts<'_>, point: &PointId, first: Date, until: Date) -> Energy {
    let premises = facts.premises;
    let mut carry = Carry::new();
    let mut day = first;
    while day < until {
        let (start, end) = (premises.calendar.start_of(day), premises.calendar.end_of(day));
        let pool = premises.pools.keys().find(|pool| premises.pool_points(pool, day).contains(point));
        let tariff = pool.and_then(|pool| premises.tariff_on(&Subject::Pool(pool.clone()), day));
        let cuts = match tariff {
            Some(tariff) => period_cuts(tariff, &premises.calendar, &premises.holidays, start, end),
            None => vec![PeriodCut { from: start, until: end, period: 0 }],
        };
        for cut in cuts {
            facts.slice(point, cut.from, cut.until, i64::MAX, &mut carry);
        }
        day = day.next();
    }
    carry.get(point).copied().unwrap_or_default()
}
