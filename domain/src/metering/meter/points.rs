//! A meter's curve: the accepted readings in the order of time, and from
//! when on it is another than before.

use super::{Before, Meter, Row, START, Stated};
use crate::metering::error::TableReading;
use crate::metering::gate::{Accepted, Near, rewrap};
use crate::quantity::Instant;

impl Meter {
    pub(in crate::metering) const fn last(&self) -> Option<Accepted> {
        self.last
    }

    pub(in crate::metering) fn points(&self) -> usize {
        self.sealed.points().saturating_add(self.curve.len())
    }

    /// An accepted reading by its number in the order of time.
    pub(in crate::metering) fn point(&self, index: usize) -> Option<Accepted> {
        match index.checked_sub(self.sealed.points()) {
            Some(loose) => self.accepted(*self.curve.get(loose)?),
            None if index == 0 && self.sealed.started() => self.accepted(START),
            None => self.sealed.point(index, self.table().and_then(|table| table.modulus_mwh)),
        }
    }

    /// The event of an accepted reading; none for one that the table states.
    pub(in crate::metering) fn source(&self, index: usize) -> Option<u32> {
        match index.checked_sub(self.sealed.points()) {
            Some(loose) => self.row(*self.curve.get(loose)?).map(|row| row.source),
            None => self.sealed.source(index),
        }
    }

    /// Whether an accepted reading is the one that the table states for the installation.
    pub(super) fn is_start(&self, index: usize) -> bool {
        match index.checked_sub(self.sealed.points()) {
            Some(loose) => self.curve.get(loose) == Some(&START),
            None => index == 0 && self.sealed.started(),
        }
    }

    /// How many accepted readings are at or before an instant.
    pub(in crate::metering) fn until(&self, time: i64) -> usize {
        let at_or_before = |reference: &u32| self.time_of(*reference) <= time;
        match self.last {
            Some(last) if last.time <= time => self.points(),
            _ if self.sealed.points() == 0 || self.curve.first().is_some_and(at_or_before) => {
                self.sealed.points().saturating_add(self.curve.partition_point(at_or_before))
            }
            _ => {
                let started = self.sealed.started() && self.time_of(START) <= time;
                self.sealed.until(time).max(usize::from(started))
            }
        }
    }

    /// A row that is in no block, by its number in the order of judging.
    pub(super) fn row(&self, reference: u32) -> Option<&Row> {
        self.rows.get(usize::try_from(reference).ok()?.checked_sub(self.sealed.rows())?)
    }

    fn stated_of(&self, reference: u32) -> Option<&Stated> {
        let which = if reference == START { TableReading::Start } else { TableReading::Final };
        self.stated.iter().flatten().find(|stated| stated.which == which)
    }

    fn time_of(&self, reference: u32) -> i64 {
        self.row(reference)
            .map(|row| row.time)
            .or_else(|| self.stated_of(reference).map(|stated| stated.time))
            .unwrap_or(i64::MAX)
    }

    fn accepted(&self, reference: u32) -> Option<Accepted> {
        let modulus = self.table().and_then(|table| table.modulus_mwh);
        let (time, sent, wraps) = match self.row(reference) {
            Some(row) => (row.time, self.number(row)?, row.wraps),
            None => self.stated_of(reference).map(|stated| (stated.time, stated.sent, stated.wraps))?,
        };
        Some(Accepted { time, sent, register: rewrap(modulus, sent, wraps) })
    }

    /// The accepted neighbours of an instant.
    pub(super) fn near(&self, time: i64) -> Near {
        if let Some(last) = self.last.filter(|last| last.time < time) {
            return Near { before: Some(last), at: None, after: None, index: self.points() };
        }
        let index = self.until(time.saturating_sub(1));
        let here = self.point(index);
        let at = here.filter(|here| here.time == time);
        let after = if at.is_some() { self.point(index.saturating_add(1)) } else { here };
        Near { before: index.checked_sub(1).and_then(|before| self.point(before)), at, after, index }
    }

    pub(super) fn insert(&mut self, reference: u32, index: usize, time: i64) {
        if index == self.points() {
            self.curve.push(reference);
            if self.before.is_none() {
                self.change(self.last.map(|last| last.time), time);
            }
            self.last = self.accepted(reference);
        } else {
            if self.before.is_none() {
                let before = index.checked_sub(1).and_then(|before| self.point(before));
                self.change(before.map(|before| before.time), time);
            }
            while index < self.sealed.points() {
                self.open_last();
            }
            self.curve.insert(index.saturating_sub(self.sealed.points()), reference);
        }
    }

    /// Notes that the register may differ after an accepted reading, or from the beginning.
    pub(super) fn change(&mut self, after: Option<i64>, time: i64) {
        let begin = || self.table().map_or(time, |table| table.installed.get().min(time));
        let from = Instant::new(after.map_or_else(begin, |after| after.saturating_add(1)));
        self.changed = Some(self.changed.map_or(from, |known| known.min(from)));
    }

    fn bounds(&self) -> Option<(Instant, Option<Instant>)> {
        self.table().map(|table| (table.installed, table.removed))
    }

    fn resolved(&self) -> impl Iterator<Item = (i64, i64)> {
        self.curve.iter().filter_map(|reference| self.accepted(*reference)).map(|point| (point.time, point.register))
    }

    pub(super) fn keep_before(&mut self) {
        self.open_all();
        if self.before.is_none() {
            self.before = Some(Before { points: self.resolved().collect(), bounds: self.bounds() });
        }
    }

    /// After readings were judged anew: from when on the curve is another.
    pub(super) fn compare_with_before(&mut self) {
        let Some(before) = self.before.take() else { return };
        let mut last = None;
        let mut old = before.points.iter().copied();
        let mut new = self.resolved();
        let differs = loop {
            match (old.next(), new.next()) {
                (None, None) => break None,
                (one, other) if one == other => last = one.map(|(time, _)| time),
                (one, other) => break one.or(other),
            }
        };
        drop(new);
        if let Some((time, _)) = differs {
            self.change(last, time);
        }
        if let (Some((installed, removed)), Some((old_installed, old_removed))) = (self.bounds(), before.bounds) {
            if installed != old_installed {
                self.change(None, installed.min(old_installed).get());
            } else if removed != old_removed {
                let earliest = [removed, old_removed].into_iter().flatten().min();
                self.change(earliest.map(Instant::get), installed.get());
            }
        } else if let Some((installed, _)) = self.bounds() {
            self.change(None, installed.get());
        }
    }
}
