//! What a person changes of the readings: withdrawals and releases.

use super::{ACTION, Act, Action, FINAL, Meter, Row, START, Source};
use crate::metering::error::{MeteringError, TableReading};
use crate::quantity::Instant;

impl Meter {
    /// A person's act: finds what it names as things stand, and judges anew with it.
    pub(super) fn take_action(&mut self, action: Action, sources: &[Source]) -> Result<(), MeteringError> {
        self.open_all();
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
        let first = judged
            .iter()
            .enumerate()
            .find_map(|(index, row)| Some((index, self.number(row)?)).filter(|_| row.time == time));
        let (index, sent) = first.ok_or(MeteringError::NothingQuarantined { meter, time: at })?;
        self.withdrawn.retain(|withdrawn| *withdrawn != (time, sent));
        self.released.push(u32::try_from(index).expect("fewer than 2^32 readings of a meter"));
        Ok(())
    }
}
