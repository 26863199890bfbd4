//! One meter: its tables, its readings as they came, and what is accepted.
//!
//! The state is a function of the facts received by now, whatever the order
//! and the steps in which they were recorded: a fact that comes after others
//! that should be judged after it makes the meter be judged from its beginning.

mod acts;
mod bulk;
mod excerpt;
mod judge;
mod points;
mod sealed;

use std::sync::Arc;

pub(in crate::metering) use bulk::Stretch;
use sealed::Sealed;

use super::error::{MeteringError, Reason, TableReading};
use super::gate::{Accepted, Installation};
use crate::event::{MeterId, RowView, kwh_text, register_mwh};
use crate::quantity::Instant;

/// The event that a reading came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::metering) struct Source {
    pub(in crate::metering) position: u64,
    pub(in crate::metering) received: i64,
}

/// What became of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::metering) enum Status {
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

/// A reading that is not in a block yet, in 40 bytes.
#[derive(Debug, Clone, Copy)]
pub(in crate::metering) struct Row {
    pub(in crate::metering) time: i64,
    value: i64,
    pub(in crate::metering) source: u32,
    pub(in crate::metering) place: u32,
    wraps: i32,
    serial: u16,
    decimals: u8,
    pub(in crate::metering) status: Status,
}

/// What a person did to a reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::metering) enum Act {
    Withdraw,
    Release,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::metering) struct Action {
    pub(in crate::metering) received: i64,
    pub(in crate::metering) act: Act,
    pub(in crate::metering) time: i64,
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
pub(in crate::metering) struct Meter {
    pub(in crate::metering) id: MeterId,
    tables: Vec<Installation>,
    tabled: usize,
    /// What was judged long ago, in few bytes a reading.
    sealed: Sealed,
    /// The rows after those of `sealed`, in the order in which they are judged.
    rows: Vec<Row>,
    /// How many rows are judged, those of `sealed` among them.
    judged: usize,
    judged_to: i64,
    /// The last judged row's received, time, place and position.
    judged_key: (i64, i64, u32, u64),
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
    pub(in crate::metering) changed: Option<Instant>,
    pub(in crate::metering) queued: bool,
}

impl Meter {
    pub(in crate::metering) const fn new(id: MeterId) -> Self {
        Self {
            id,
            tables: Vec::new(),
            tabled: 0,
            sealed: Sealed::new(),
            rows: Vec::new(),
            judged: 0,
            judged_to: i64::MIN,
            judged_key: (i64::MIN, i64::MIN, 0, 0),
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
    pub(in crate::metering) fn table(&self) -> Option<&Installation> {
        self.tables.get(self.tabled.checked_sub(1)?)
    }

    /// Whether a reading of its table would be quarantined.
    pub(in crate::metering) const fn is_faulty(&self) -> bool {
        self.fault.is_some()
    }

    pub(in crate::metering) fn first_table(&self) -> Option<&Installation> {
        self.tables.first()
    }

    /// Adds a table; of two received at once the later added one counts.
    pub(in crate::metering) fn install(&mut self, table: Installation) {
        let at = table.received;
        self.precede((at.get(), TABLE));
        let index = self.tables.partition_point(|other| other.received <= at);
        self.tables.insert(index, table);
    }

    pub(in crate::metering) fn act(&mut self, action: Action) {
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
    pub(in crate::metering) fn push(&mut self, view: &RowView<'_>, source: u32, of: Source) {
        let (value, decimals) = match (view.mwh, view.text) {
            (Some(mwh), None) => (mwh, view.decimals),
            (_, text) => {
                let index = self.texts.len();
                self.texts.push(text.map_or_else(|| Arc::from(""), Arc::clone));
                (i64::try_from(index).expect("an index fits i64"), TEXT)
            }
        };
        let serial = self.serial(view.serial);
        let row = Row {
            time: view.time.get(),
            value,
            source,
            place: view.place,
            wraps: 0,
            serial,
            decimals,
            status: Status::Pending,
        };
        self.keep(row, of);
    }

    /// As `push`, for a row of a batch whose rows are even: decimals and place are given.
    pub(in crate::metering) fn push_even(
        &mut self,
        time: i64,
        value: i64,
        (decimals, place): (u8, u32),
        serial: u16,
        source: u32,
        of: Source,
    ) {
        self.keep(Row { time, value, source, place, wraps: 0, serial, decimals, status: Status::Pending }, of);
    }

    fn keep(&mut self, row: Row, of: Source) {
        let key = (of.received, row.time, row.place, of.position);
        if key < self.tail {
            self.sorted = false;
        } else {
            self.tail = key;
        }
        self.precede((of.received, ROW));
        self.rows.push(row);
    }

    pub(in crate::metering) fn serial(&mut self, serial: Option<&Arc<str>>) -> u16 {
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
    pub(in crate::metering) fn waits(&self) -> bool {
        self.judged < self.total()
            || self.acted < self.actions.len()
            || self.tabled < self.tables.len()
            || self.due < i64::MAX
    }

    fn total(&self) -> usize {
        self.sealed.rows().saturating_add(self.rows.len())
    }

    /// The judged rows that are in no block.
    fn loose(&self) -> &[Row] {
        let judged = self.judged.saturating_sub(self.sealed.rows());
        self.rows.get(..judged).unwrap_or_default()
    }

    /// The rows to judge.
    fn pending(&self) -> &[Row] {
        self.rows.get(self.judged.saturating_sub(self.sealed.rows())..).unwrap_or_default()
    }

    /// The quarantined rows.
    pub(in crate::metering) fn quarantined(&self) -> impl Iterator<Item = (&Row, Reason)> {
        self.sealed.odd().chain(self.loose()).filter_map(reason_of)
    }

    /// Of the last judged rows, those that are in no block.
    pub(in crate::metering) fn quarantined_lately(&self) -> impl Iterator<Item = (&Row, Reason)> {
        self.loose().iter().filter_map(reason_of)
    }

    /// Takes up every fact received by `now`. The first one that is an error
    /// is returned; it and others like it are left without effect.
    pub(in crate::metering) fn advance(&mut self, now: i64, sources: &[Source]) -> Result<(), MeteringError> {
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
        self.seal();
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
            let newest = (self.judged > 0).then_some(self.judged_key);
            self.rewind |= self.pending().iter().map(key).min() < newest;
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
            let judged = self.judged.saturating_sub(self.sealed.rows());
            self.rows.get_mut(judged..).unwrap_or_default().sort_by_key(key);
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

    /// The register as sent, in mWh; `None` where the text is no number.
    fn number(&self, row: &Row) -> Option<i64> {
        if row.decimals == TEXT { register_mwh(self.text_at(row)?) } else { Some(row.value) }
    }

    fn text_at(&self, row: &Row) -> Option<&Arc<str>> {
        self.texts.get(usize::try_from(row.value).ok()?)
    }

    /// The register's text as it was sent.
    pub(in crate::metering) fn text(&self, row: &Row) -> Arc<str> {
        if row.decimals != TEXT {
            return kwh_text(row.value, row.decimals).into();
        }
        self.text_at(row).cloned().expect("texts are kept for ever")
    }
}

fn source_of(row: &Row, sources: &[Source]) -> Source {
    usize::try_from(row.source).ok().and_then(|index| sources.get(index)).copied().expect("a row's event was recorded")
}

fn reason_of(row: &Row) -> Option<(&Row, Reason)> {
    match row.status {
        Status::Quarantined(reason) => Some((row, reason)),
        Status::Pending | Status::Accepted | Status::Duplicate | Status::Withdrawn => None,
    }
}
