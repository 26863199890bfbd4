//! The older part of a meter's curve in blocks of few bytes a reading. A block
//! holds the rows that were judged one after another, and is opened again
//! where one of them is to be judged anew or another comes between them.

use std::sync::Arc;

use super::{Row, Status, TEXT};
use crate::event::mwh_per_unit;
use crate::metering::gate::{Accepted, rewrap};
use crate::metering::packed::Column;

/// Rows in the order of judging, of which the accepted ones follow each other in the curve.
#[derive(Debug, Clone)]
pub(in crate::metering) struct Block {
    /// How many rows and accepted readings are in the blocks before it.
    first_row: usize,
    first_point: usize,
    rows: usize,
    pub(super) times: Arc<Column>,
    pub(super) sources: Arc<Column>,
    pub(super) places: Column,
    /// As sent, in mWh.
    pub(super) sent: Column,
    /// Of all its accepted readings, but for those of `odd`.
    pub(super) look: Look,
    /// What is not regular.
    odd: Option<Box<Odd>>,
}

/// Wraps of a register, the number of the serial that came with it, and its decimals as sent.
pub(super) type Look = (i32, u16, u8);

/// Accepted readings that were judged in another order than time's, and rows that were not accepted.
#[derive(Debug, Clone)]
struct Odd {
    order: Column,
    /// All accepted readings', or empty.
    looks: Box<[Look]>,
    rows: Box<[(u32, Row)]>,
}

/// The blocks of a meter.
#[derive(Debug, Clone)]
pub(in crate::metering) struct Sealed {
    blocks: Vec<Block>,
    rows: usize,
    points: usize,
    /// Whether the reading that the table states for the installation stands before them.
    started: bool,
}

impl Block {
    /// Of accepted rows without anything odd, as columns of one length.
    pub(super) fn regular(times: Arc<Column>, sources: Arc<Column>, places: Column, sent: Column, look: Look) -> Self {
        let rows = sent.len();
        Self { first_row: 0, first_point: 0, rows, times, sources, places, sent, look, odd: None }
    }

    /// Of rows and the order of the accepted ones in time, by their numbers
    /// among the rows; `None` where none is accepted, or one has a text that is not plain.
    pub(super) fn of(rows: &[Row], order: &[usize]) -> Option<Self> {
        let accepted: Vec<&Row> = order.iter().filter_map(|number| rows.get(*number)).collect();
        let look = |row: &&Row| (row.wraps, row.serial, row.decimals);
        let first = accepted.first().map(look)?;
        let finest = accepted.iter().map(|row| row.decimals).max()?;
        if finest == TEXT {
            return None;
        }
        let column = |value: fn(&Row) -> i64, unit| {
            Column::new(&accepted.iter().map(|row| value(row)).collect::<Vec<_>>(), unit)
        };
        let times = Arc::new(column(|row| row.time, 1));
        let sources = Arc::new(column(|row| row.source.into(), 1));
        let sent = column(|row| row.value, mwh_per_unit(finest));
        let mut block = Self::regular(times, sources, column(|row| row.place.into(), 1), sent, first);
        block.rows = rows.len();
        let numbers: Option<Vec<i64>> = order.iter().map(|number| i64::try_from(*number).ok()).collect();
        let odd = rows.iter().enumerate().filter(|(_, row)| row.status != Status::Accepted);
        let odd: Option<Vec<(u32, Row)>> = odd.map(|(number, row)| Some((u32::try_from(number).ok()?, *row))).collect();
        let (numbers, odd) = (numbers?, odd?);
        let in_order = numbers.iter().zip(0i64..).all(|(number, index)| *number == index);
        let alike = accepted.iter().all(|row| look(row) == first);
        if !in_order || !alike || !odd.is_empty() {
            let looks = if alike { Box::default() } else { accepted.iter().map(look).collect() };
            block.odd = Some(Box::new(Odd { order: Column::new(&numbers, 1), looks, rows: odd.into() }));
        }
        Some(block)
    }

    fn look(&self, index: usize) -> Look {
        self.odd.as_ref().and_then(|odd| odd.looks.get(index)).copied().unwrap_or(self.look)
    }

    fn points(&self) -> usize {
        self.sent.len()
    }

    /// Its rows in the order of judging, and the accepted ones' numbers in that of time.
    fn open(&self) -> (Vec<Row>, Vec<usize>) {
        let order: Vec<usize> = match &self.odd {
            Some(odd) => odd.order.iter().filter_map(|number| usize::try_from(number).ok()).collect(),
            None => (0..self.rows).collect(),
        };
        let (wraps, serial, decimals) = self.look;
        let status = Status::Accepted;
        let blank = Row { time: 0, value: 0, source: 0, place: 0, wraps, serial, decimals, status };
        let mut rows = vec![blank; self.rows];
        let columns = self.times.iter().zip(self.sent.iter()).zip(self.sources.iter().zip(self.places.iter()));
        for ((index, number), ((time, value), (source, place))) in order.iter().enumerate().zip(columns) {
            if let Some(row) = rows.get_mut(*number) {
                let (wraps, serial, decimals) = self.look(index);
                let (source, place) = (number_of(source), number_of(place));
                *row = Row { time, value, source, place, wraps, serial, decimals, status };
            }
        }
        for (number, odd) in self.odd.iter().flat_map(|odd| &odd.rows) {
            if let Some(row) = usize::try_from(*number).ok().and_then(|number| rows.get_mut(number)) {
                *row = *odd;
            }
        }
        (rows, order)
    }
}

fn number_of(value: i64) -> u32 {
    u32::try_from(value).expect("it was a number of 32 bits")
}

impl Sealed {
    /// Without a block.
    pub(super) const fn new() -> Self {
        Self { blocks: Vec::new(), rows: 0, points: 0, started: false }
    }

    /// How many rows are in blocks.
    pub(super) const fn rows(&self) -> usize {
        self.rows
    }

    /// How many accepted readings are in blocks.
    pub(super) const fn points(&self) -> usize {
        self.points
    }

    /// Whether the reading that the table states for the installation is its first.
    pub(super) const fn started(&self) -> bool {
        self.started
    }

    /// Puts the reading that the table states for the installation before all others, or takes it out again.
    pub(super) fn set_started(&mut self, started: bool) {
        self.started = started;
        self.points = usize::from(started);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.blocks.is_empty()
    }

    pub(super) fn push(&mut self, mut block: Block) {
        (block.first_row, block.first_point) = (self.rows, self.points);
        self.rows = self.rows.saturating_add(block.rows);
        self.points = self.points.saturating_add(block.points());
        self.blocks.push(block);
    }

    /// Takes the last block out: its rows, and the accepted ones' numbers in the order of time.
    pub(super) fn pop(&mut self) -> Option<(Vec<Row>, Vec<usize>)> {
        let block = self.blocks.pop()?;
        (self.rows, self.points) = (block.first_row, block.first_point);
        Some(block.open())
    }

    fn block_of(&self, point: usize) -> Option<(&Block, usize)> {
        let after = self.blocks.partition_point(|block| block.first_point <= point);
        let block = self.blocks.get(after.checked_sub(1)?)?;
        let index = point.checked_sub(block.first_point)?;
        (index < block.points()).then_some((block, index))
    }

    /// An accepted reading by its number in the order of time.
    pub(super) fn point(&self, point: usize, modulus: Option<i64>) -> Option<Accepted> {
        let (block, index) = self.block_of(point)?;
        let sent = block.sent.get(index);
        Some(Accepted { time: block.times.get(index), sent, register: rewrap(modulus, sent, block.look(index).0) })
    }

    pub(super) fn source(&self, point: usize) -> Option<u32> {
        let (block, index) = self.block_of(point)?;
        Some(number_of(block.sources.get(index)))
    }

    /// How many of its accepted readings are at or before an instant.
    pub(super) fn until(&self, time: i64) -> usize {
        let after = self.blocks.partition_point(|block| block.times.first() <= time);
        let Some(block) = after.checked_sub(1).and_then(|last| self.blocks.get(last)) else { return 0 };
        block.first_point.saturating_add(block.times.until(time))
    }

    /// The rows that are not accepted, in the order of judging.
    pub(super) fn odd(&self) -> impl Iterator<Item = &Row> {
        self.blocks.iter().filter_map(|block| block.odd.as_ref()).flat_map(|odd| &odd.rows).map(|(_, row)| row)
    }
}
