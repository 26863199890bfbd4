//! A meter as it was: by the facts received up to an instant, and with some of its readings alone.

use std::collections::BTreeSet;

use super::{FINAL, Meter, NO_SERIAL, Row, START, Source, Status, source_of};

impl Meter {
    /// Whether no table and no act of a person came after an instant: what was judged then, is judged so now.
    pub(in crate::metering) fn is_as_of(&self, received: i64) -> bool {
        let tables = self.tables.iter().all(|table| table.received.get() <= received);
        tables && self.actions.iter().all(|action| action.received <= received)
    }

    /// The meter as it was judged by the facts received up to an instant: all of them are judged anew.
    pub(in crate::metering) fn as_of(&self, received: i64, sources: &[Source]) -> Self {
        let mut whole = self.clone();
        whole.open_all();
        let mut then = Self::new(self.id.clone());
        (then.texts, then.serials) = (whole.texts, whole.serials);
        then.tables = whole.tables.into_iter().filter(|table| table.received.get() <= received).collect();
        then.actions = whole.actions.into_iter().filter(|action| action.received <= received).collect();
        let known = |row: &Row| source_of(row, sources).received <= received;
        let fresh = |row: Row| Row { status: Status::Pending, wraps: 0, ..row };
        then.rows = whole.rows.into_iter().filter(known).map(fresh).collect();
        then.sorted = false;
        // A fact that was an error then, was left without effect then.
        then.advance(received, sources).unwrap_or_default();
        then
    }

    /// Whether an accepted reading was one by the facts received up to an instant, where `is_as_of`.
    pub(in crate::metering) fn is_known(&self, index: usize, received: i64, sources: &[Source]) -> bool {
        match self.source(index).and_then(|number| sources.get(usize::try_from(number).ok()?)) {
            Some(source) => source.received <= received,
            None => self.point(index).is_some_and(|stated| stated.time <= received),
        }
    }

    /// A meter with some of the accepted readings, whose sources are numbered anew.
    pub(in crate::metering) fn of_points(
        &self,
        points: &BTreeSet<usize>,
        of: &[Source],
        sources: &mut Vec<Source>,
    ) -> Self {
        let mut some = Self::new(self.id.clone());
        some.tables.extend(self.table().cloned());
        some.tabled = some.tables.len();
        some.stated = self.stated;
        for index in points {
            let Some(point) = self.point(*index) else { continue };
            let source = self.source(*index).and_then(|number| of.get(usize::try_from(number).ok()?));
            let reference = if let Some(source) = source {
                let number = u32::try_from(sources.len()).expect("fewer than 2^32 events of readings");
                sources.push(*source);
                some.rows.push(Row {
                    time: point.time,
                    // Unwrapped, so that it has no wraps.
                    value: point.register,
                    source: number,
                    place: 0,
                    wraps: 0,
                    serial: NO_SERIAL,
                    decimals: 0,
                    status: Status::Accepted,
                });
                u32::try_from(some.rows.len().saturating_sub(1)).expect("fewer than 2^32 readings of a meter")
            } else if self.is_start(*index) {
                START
            } else {
                FINAL
            };
            some.curve.push(reference);
            some.last = Some(point);
        }
        some.judged = some.rows.len();
        some
    }
}
