//! One meter: its tables, its readings as they came, and what is accepted.
//!
//! The state is a function of the facts received by now, whatever the order
//! and the steps in which they were recorded: a fact that comes after others
//! that should be judged after it makes the meter be judged from its beginning.

use std::sync::Arc;

use super::error::{MeteringError, Reason, TableReading};
use super::gate::{Accepted, Installation, Near, Verdict, compare, decreases, misplaced, rewrap, unwrap};
use crate::event::{MeterId, RowView, kwh_text, register_mwh};
use crate::quantity::Instant;

/// The event that a reading came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Source {
    pub(super) position: u64,
    pub(super) received: i64,
}

/// What became of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    Pending,
    Accepted,
    Duplicate,
    Withdrawn,
    Quarantined(Reason),
}

/// `Row::decimals` of a text that is not plain: `Row::value` is its index among the texts.
const TEXT: u8 = 7;
/// `Row::serial` of a reading without one.
const NO_SERIAL: u16 = u16::MAX;
/// `Row::serial` beyond the serials kept: it is nobody's.
const STRANGE_SERIAL: u16 = u16::MAX - 1;

/// A reading, in 32 bytes: a meter-year by the minute is 17 MB, its curve 2 MB.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row {
    pub(super) time: i64,
    value: i64,
    pub(super) source: u32,
    pub(super) place: u32,
    wraps: i32,
    serial: u16,
    decimals: u8,
    pub(super) status: Status,
}

/// What a person did to a reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Act {
    Withdraw,
    Release,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Action {
    pub(super) received: i64,
    pub(super) act: Act,
    pub(super) time: i64,
}

/// A reading that the meter's table states.
#[derive(Debug, Clone, Copy)]
struct Stated {
    which: TableReading,
    time: i64,
    sent: i64,
    wraps: i32,
}

/// References into the curve: a row's index, or one of the table's readings.
const FINAL: u32 = u32::MAX;
const START: u32 = u32::MAX - 1;

/// The curve as it was when it last was handed out, to find what changed.
#[derive(Debug, Clone)]
struct Before {
    points: Vec<(i64, i64)>,
    bounds: Option<(Instant, Option<Instant>)>,
}

/// Facts of one `received` count in this order.
const TABLE: u8 = 0;
const STATED: u8 = 1;
const ROW: u8 = 2;
const ACTION: u8 = 3;

/// A meter.
#[derive(Debug, Clone)]
pub(super) struct Meter {
    pub(super) id: MeterId,
    tables: Vec<Installation>,
    tabled: usize,
    pub(super) rows: Vec<Row>,
    pub(super) judged: usize,
    judged_to: i64,
    tail: (i64, i64, u32, u64),
    sorted: bool,
    actions: Vec<Action>,
    acted: usize,
    texts: Vec<Arc<str>>,
    serials: Vec<Arc<str>>,
    own_serial: Option<u16>,
    withdrawn: Vec<(i64, i64)>,
    released: Vec<u32>,
    stated: [Option<Stated>; 2],
    next_stated: usize,
    due: i64,
    curve: Vec<u32>,
    last: Option<Accepted>,
    done: (i64, u8),
    rewind: bool,
    fault: Option<MeteringError>,
    reported: Option<MeteringError>,
    before: Option<Before>,
    pub(super) changed: Option<Instant>,
    pub(super) queued: bool,
}

impl Meter {
    pub(super) const fn new(id: MeterId) -> Self {
        Self {
            id,
            tables: Vec::new(),
            tabled: 0,
            rows: Vec::new(),
            judged: 0,
            judged_to: i64::MIN,
            tail: (i64::MIN, i64::MIN, 0, 0),
            sorted: true,
            actions: Vec::new(),
            acted: 0,
            texts: Vec::new(),
            serials: Vec::new(),
            own_serial: None,
            withdrawn: Vec::new(),
            released: Vec::new(),
            stated: [None, None],
            next_stated: 0,
            due: i64::MAX,
            curve: Vec::new(),
            last: None,
            done: (i64::MIN, 0),
            rewind: false,
            fault: None,
            reported: None,
            before: None,
            changed: None,
            queued: false,
        }
    }

    /// The table in force.
    pub(super) fn table(&self) -> Option<&Installation> {
        self.tables.get(self.tabled.checked_sub(1)?)
    }

    pub(super) fn first_table(&self) -> Option<&Installation> {
        self.tables.first()
    }

    /// Adds a table; of two received at once the later added one counts.
    pub(super) fn install(&mut self, table: Installation) {
        let at = table.received;
        self.precede((at.get(), TABLE));
        let index = self.tables.partition_point(|other| other.received <= at);
        self.tables.insert(index, table);
    }

    pub(super) fn act(&mut self, action: Action) {
        self.precede((action.received, ACTION));
        let index = self.actions.partition_point(|other| (other.received, other.act) <= (action.received, action.act));
        self.rewind |= index < self.acted || action.received < self.judged_to;
        self.actions.insert(index, action);
    }

    /// A fact of this key came: whether something after it was already taken up.
    fn precede(&mut self, key: (i64, u8)) {
        self.rewind |= key < self.done;
    }

    /// Keeps a row until it is judged.
    pub(super) fn push(&mut self, view: &RowView<'_>, source: u32, of: Source) {
        let (value, decimals) = match (view.mwh, view.text) {
            (Some(mwh), None) => (mwh, view.decimals),
            (_, text) => {
                let index = self.texts.len();
                self.texts.push(text.map_or_else(|| Arc::from(""), Arc::clone));
                (i64::try_from(index).expect("an index fits i64"), TEXT)
            }
        };
        let serial = self.serial(view.serial);
        let row =
            Row { time: view.time.get(), value, source, place: view.place, wraps: 0, serial, decimals, status: Status::Pending };
        let key = (of.received, row.time, row.place, of.position);
        if key < self.tail {
            self.sorted = false;
        } else {
            self.tail = key;
        }
        self.precede((of.received, ROW));
        self.rows.push(row);
    }

    fn serial(&mut self, serial: Option<&Arc<str>>) -> u16 {
        let Some(serial) = serial else { return NO_SERIAL };
        let index = self.serials.iter().position(|known| known == serial).unwrap_or_else(|| {
            if self.serials.len() < usize::from(STRANGE_SERIAL) {
                self.serials.push(serial.clone());
                self.serials.len().saturating_sub(1)
            } else {
                usize::from(STRANGE_SERIAL)
            }
        });
        u16::try_from(index).unwrap_or(STRANGE_SERIAL)
    }

    /// Whether something is left that will count later.
    pub(super) fn waits(&self) -> bool {
        self.judged < self.rows.len() || self.acted < self.actions.len() || self.tabled < self.tables.len() || self.due < i64::MAX
    }

    /// Takes up every fact received by `now`. The first one that is an error
    /// is returned; it and others like it are left without effect.
    pub(super) fn advance(&mut self, now: i64, sources: &[Source]) -> Result<(), MeteringError> {
        self.settle_order(sources);
        let mut result = Ok(());
        loop {
            let table = self.tables.get(self.tabled).map(|table| table.received.get()).filter(|at| *at <= now);
            let action = self.actions.get(self.acted).copied().filter(|action| action.received <= now);
            match (table, action) {
                (Some(at), action) if action.is_none_or(|action| at <= action.received) => {
                    self.judge_until(at.saturating_sub(1), sources);
                    self.take_table((at, TABLE));
                }
                (_, Some(action)) => {
                    self.judge_until(action.received, sources);
                    result = result.and(self.take_action(action, sources));
                }
                _ => {
                    self.judge_until(now, sources);
                    break;
                }
            }
        }
        self.compare_with_before();
        if self.fault != self.reported {
            self.reported.clone_from(&self.fault);
            result = result.and(self.fault.clone().map_or(Ok(()), Err));
        }
        result
    }

    /// Puts rows in the order in which they are judged; starts anew where judged ones are concerned.
    fn settle_order(&mut self, sources: &[Source]) {
        let key = |row: &Row| {
            let of = source_of(row, sources);
            (of.received, row.time, row.place, of.position)
        };
        if !self.sorted {
            let newest = self.judged.checked_sub(1).and_then(|last| self.rows.get(last)).map(key);
            let pending = self.rows.get(self.judged..).unwrap_or_default();
            self.rewind |= pending.iter().map(key).min() < newest;
        }
        if self.rewind {
            self.keep_before();
            (self.tabled, self.acted, self.own_serial) = (0, 0, None);
            self.restart();
            self.withdrawn.clear();
            self.released.clear();
            self.done = (i64::MIN, 0);
            self.rewind = false;
        }
        if !self.sorted {
            self.rows.get_mut(self.judged..).unwrap_or_default().sort_by_key(key);
            self.sorted = true;
        }
    }

    fn take_table(&mut self, key: (i64, u8)) {
        self.keep_before();
        self.tabled = self.tabled.saturating_add(1);
        self.own_serial = self.table().and_then(|table| table.serial.clone()).map(|serial| self.serial(Some(&serial)));
        self.done = self.done.max(key);
        self.restart();
    }

    /// All rows are to be judged anew, by the table in force.
    fn restart(&mut self) {
        self.curve.clear();
        self.last = None;
        self.judged = 0;
        self.fault = None;
        self.judged_to = i64::MIN;
        let stated = |which| {
            let (time, sent) = self.table()?.reading(which)?;
            Some(Stated { which, time: time.get(), sent, wraps: 0 })
        };
        self.stated = [stated(TableReading::Start), stated(TableReading::Final)];
        self.next_stated = 0;
        self.find_due();
    }

    /// Judges what is received by `limit`: rows in their order, before those of an instant what the table states for it.
    fn judge_until(&mut self, limit: i64, sources: &[Source]) {
        if self.tabled == 0 {
            return;
        }
        loop {
            let row = self.rows.get(self.judged).copied();
            let received = row.as_ref().map_or(i64::MAX, |row| source_of(row, sources).received);
            if self.due <= received.min(limit) {
                self.judge_stated();
            } else if let Some(row) = row.filter(|_| received <= limit) {
                self.judge_row(row, received);
            } else {
                return;
            }
        }
    }

    fn judge_stated(&mut self) {
        let Some(stated) = self.stated.get(self.next_stated).copied().flatten() else { return };
        let reference = if stated.which == TableReading::Start { START } else { FINAL };
        self.done = self.done.max((stated.time, STATED));
        self.next_stated = self.next_stated.saturating_add(1);
        self.find_due();
        let near = self.near(stated.time);
        let Some(table) = self.table() else { return };
        match compare(table, stated.time, stated.sent, &near) {
            Verdict::Accepted { wraps } => {
                if let Some(kept) = self.stated.iter_mut().flatten().find(|kept| kept.which == stated.which) {
                    kept.wraps = wraps;
                }
                self.insert(reference, near.index, stated.time);
            }
            Verdict::Duplicate => {}
            Verdict::Quarantined(reason) => {
                let fault = table.quarantined(&self.id, stated.which, Instant::new(stated.time), reason);
                self.fault.get_or_insert(fault);
            }
        }
    }

    /// When the next reading that the table states is to be judged.
    fn find_due(&mut self) {
        if self.next_stated == 0 && self.stated.first().copied().flatten().is_none() {
            self.next_stated = 1;
        }
        self.due = self.stated.get(self.next_stated).copied().flatten().map_or(i64::MAX, |stated| stated.time);
    }

    fn judge_row(&mut self, row: Row, received: i64) {
        let index = self.judged;
        let reference = u32::try_from(index).expect("fewer than 2^32 readings of a meter");
        self.judged = index.saturating_add(1);
        self.judged_to = received;
        let (status, wraps) = self.assess(&row, reference, received);
        if let Some(kept) = self.rows.get_mut(index) {
            (kept.status, kept.wraps) = (status, wraps);
        }
        if status == Status::Accepted {
            let place = if self.last.is_none_or(|last| last.time < row.time) { self.curve.len() } else { self.near(row.time).index };
            self.insert(reference, place, row.time);
        }
    }

    fn assess(&mut self, row: &Row, reference: u32, received: i64) -> (Status, i32) {
        let quarantined = |reason| (Status::Quarantined(reason), 0);
        let Some(sent) = self.number(row) else { return quarantined(Reason::NotANumber) };
        if self.withdrawn.contains(&(row.time, sent)) {
            return (Status::Withdrawn, 0);
        }
        let Some(table) = self.table() else { return (Status::Pending, 0) };
        if !self.released.is_empty() && self.released.contains(&reference) {
            let near = self.near(row.time);
            return match unwrap(table.modulus_mwh, sent, &near) {
                Some((wraps, register)) if near.at.is_none() && !decreases(register, &near) => (Status::Accepted, wraps),
                _ if near.at.is_some_and(|at| at.sent == sent) => (Status::Duplicate, 0),
                _ => {
                    let fault = MeteringError::WouldDecrease { meter: self.id.clone(), time: Instant::new(row.time) };
                    self.fault.get_or_insert(fault);
                    quarantined(Reason::Backwards)
                }
            };
        }
        if row.serial != NO_SERIAL && self.own_serial.is_some_and(|own| own != row.serial || own == STRANGE_SERIAL) {
            return quarantined(Reason::SerialMismatch);
        }
        if let Some(reason) = misplaced(table, row.time, received) {
            return quarantined(reason);
        }
        match compare(table, row.time, sent, &self.near(row.time)) {
            Verdict::Accepted { wraps } => (Status::Accepted, wraps),
            Verdict::Duplicate => (Status::Duplicate, 0),
            Verdict::Quarantined(reason) => quarantined(reason),
        }
    }

    /// A person's act: finds what it names as things stand, and judges anew with it.
    fn take_action(&mut self, action: Action, sources: &[Source]) -> Result<(), MeteringError> {
        self.acted = self.acted.saturating_add(1);
        self.done = self.done.max((action.received, ACTION));
        let (known, withdrawn, released) = (self.fault.clone(), self.withdrawn.clone(), self.released.clone());
        match action.act {
            Act::Withdraw => self.resolve_withdrawal(action.time)?,
            Act::Release => self.resolve_release(action.time)?,
        }
        self.keep_before();
        self.restart();
        self.judge_until(action.received, sources);
        let Some(fault) = self.fault.clone().filter(|fault| known.as_ref() != Some(fault)) else { return Ok(()) };
        (self.withdrawn, self.released) = (withdrawn, released);
        self.restart();
        self.judge_until(action.received, sources);
        Err(fault)
    }

    fn resolve_withdrawal(&mut self, time: i64) -> Result<(), MeteringError> {
        let (meter, at) = (self.id.clone(), Instant::new(time));
        if self.tabled == 0 {
            return Err(MeteringError::UnknownMeter { meter });
        }
        let near = self.near(time);
        let Some(accepted) = near.at else { return Err(MeteringError::NothingAccepted { meter, time: at }) };
        let stated = match self.curve.get(near.index) {
            Some(&START) => Some(TableReading::Start),
            Some(&FINAL) => Some(TableReading::Final),
            _ => None,
        };
        if let Some(which) = stated {
            return Err(MeteringError::OfTheTable { meter, time: at, which });
        }
        let mut released = std::mem::take(&mut self.released);
        let named = |row: &Row| row.time == time && self.number(row) == Some(accepted.sent);
        released.retain(|reference| !self.row(*reference).is_some_and(named));
        self.released = released;
        self.withdrawn.push((time, accepted.sent));
        Ok(())
    }

    fn resolve_release(&mut self, time: i64) -> Result<(), MeteringError> {
        let (meter, at) = (self.id.clone(), Instant::new(time));
        if self.tabled == 0 {
            return Err(MeteringError::UnknownMeter { meter });
        }
        if self.near(time).at.is_some() {
            return Err(MeteringError::AlreadyAccepted { meter, time: at });
        }
        let judged = self.rows.get(..self.judged).unwrap_or_default();
        let first = judged.iter().enumerate().find_map(|(index, row)| Some((index, self.number(row)?)).filter(|_| row.time == time));
        let (index, sent) = first.ok_or(MeteringError::NothingQuarantined { meter, time: at })?;
        self.withdrawn.retain(|withdrawn| *withdrawn != (time, sent));
        self.released.push(u32::try_from(index).expect("fewer than 2^32 readings of a meter"));
        Ok(())
    }

    /// The register as sent, in mWh; `None` where the text is no number.
    fn number(&self, row: &Row) -> Option<i64> {
        if row.decimals == TEXT { register_mwh(self.text_at(row)?) } else { Some(row.value) }
    }

    fn text_at(&self, row: &Row) -> Option<&Arc<str>> {
        self.texts.get(usize::try_from(row.value).ok()?)
    }

    /// The register's text as it was sent.
    pub(super) fn text(&self, row: &Row) -> Arc<str> {
        if row.decimals != TEXT {
            return kwh_text(row.value, row.decimals).into();
        }
        self.text_at(row).cloned().expect("texts are kept for ever")
    }
}

/// The curve: the accepted readings in the order of time.
impl Meter {
    pub(super) const fn last(&self) -> Option<Accepted> {
        self.last
    }

    pub(super) fn points(&self) -> usize {
        self.curve.len()
    }

    /// An accepted reading by its number in the order of time.
    pub(super) fn point(&self, index: usize) -> Option<Accepted> {
        self.accepted(*self.curve.get(index)?)
    }

    /// The event of an accepted reading; none for one that the table states.
    pub(super) fn source(&self, index: usize) -> Option<u32> {
        self.row(*self.curve.get(index)?).map(|row| row.source)
    }

    /// How many accepted readings are at or before an instant.
    pub(super) fn until(&self, time: i64) -> usize {
        match self.last {
            Some(last) if last.time <= time => self.curve.len(),
            _ => self.curve.partition_point(|reference| self.time_of(*reference) <= time),
        }
    }

    fn row(&self, reference: u32) -> Option<&Row> {
        self.rows.get(usize::try_from(reference).ok()?)
    }

    fn stated_of(&self, reference: u32) -> Option<&Stated> {
        let which = if reference == START { TableReading::Start } else { TableReading::Final };
        self.stated.iter().flatten().find(|stated| stated.which == which)
    }

    fn time_of(&self, reference: u32) -> i64 {
        self.row(reference).map(|row| row.time).or_else(|| self.stated_of(reference).map(|stated| stated.time)).unwrap_or(i64::MAX)
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
    fn near(&self, time: i64) -> Near {
        if let Some(last) = self.last.filter(|last| last.time < time) {
            return Near { before: Some(last), at: None, after: None, index: self.curve.len() };
        }
        let index = self.curve.partition_point(|reference| self.time_of(*reference) < time);
        let here = self.point(index);
        let at = here.filter(|here| here.time == time);
        let after = if at.is_some() { self.point(index.saturating_add(1)) } else { here };
        Near { before: index.checked_sub(1).and_then(|before| self.point(before)), at, after, index }
    }

    fn insert(&mut self, reference: u32, index: usize, time: i64) {
        if index == self.curve.len() {
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
            self.curve.insert(index, reference);
        }
    }

    /// Notes that the register may differ after an accepted reading, or from the beginning.
    fn change(&mut self, after: Option<i64>, time: i64) {
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

    fn keep_before(&mut self) {
        if self.before.is_none() {
            self.before = Some(Before { points: self.resolved().collect(), bounds: self.bounds() });
        }
    }

    /// After readings were judged anew: from when on the curve is another.
    fn compare_with_before(&mut self) {
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

fn source_of(row: &Row, sources: &[Source]) -> Source {
    usize::try_from(row.source).ok().and_then(|index| sources.get(index)).copied().expect("a row's event was recorded")
}
