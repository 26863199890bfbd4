//! The month before anybody looks on, as fast as it goes: readings, payments and
//! faults of it are appended to the log, and its days are settled.

use adapters::event_log::EventLog;
use adapters::site_folder::SiteFolder;
use domain::event::{AccountId, Body, EventId, ReadingRow, RechargeKind, RechargeReceived};
use domain::quantity::Instant;

use super::building::{self, Building, FORGETFUL, POLL_S, UNITS, below, seed};
use crate::owner::{COMMIT, Draft, Owner, OwnerError};

/// What the forgetful tenant brings the balance to in the morning, in pence: about what a day takes.
const A_DAY_PENCE: i64 = 660;

/// Plays the building up to an instant; calls `told` after each day.
pub(super) fn play(
    log: &mut dyn EventLog,
    folder: SiteFolder,
    building: &mut Building,
    until: Instant,
    mut told: impl FnMut(&Owner<'_>),
) -> Result<(), OwnerError> {
    let mut owner = Owner::open(log, folder.site.clone(), COMMIT)?;
    let mut now = folder.facts.first().map_or_else(Instant::default, |fact| fact.received);
    for fact in folder.facts {
        let id = EventId::derive(&[b"fact", fact.key.as_bytes()]);
        let (time, received) = (fact.time, fact.received);
        owner.append(Draft { id, time, received, actor: fact.actor, body: fact.body })?;
    }
    let mut month = Month { owner, polls: 0, recharges: 0, late: Vec::new() };
    while now < until {
        now = now.plus(POLL_S);
        let days = month.owner.runs();
        month.owner.settle_before(now)?;
        if month.owner.runs() > days {
            told(&month.owner);
        }
        let offset_s = month.owner.site().premises().calendar.offset_at(now);
        building.pass(now, POLL_S, offset_s, |_| true);
        month.poll(building.rows(now), now)?;
        month.pay(now, now.plus(offset_s).get().rem_euclid(86_400))?;
    }
    month.owner.flush()
}

struct Month<'a> {
    owner: Owner<'a>,
    polls: u64,
    recharges: u64,
    /// Readings that come later than their poll.
    late: Vec<(Instant, ReadingRow)>,
}

impl Month<'_> {
    fn poll(&mut self, mut rows: Vec<ReadingRow>, now: Instant) -> Result<(), OwnerError> {
        self.polls = self.polls.saturating_add(1);
        self.lose_one(&mut rows, now);
        self.haunt(&mut rows);
        self.owner.append_readings(now, "collector", rows)?;
        let due: Vec<_> = self.late.extract_if(.., |(at, _)| *at <= now).collect();
        for (_, row) in due {
            self.owner.append_readings(now, "collector", vec![row])?;
        }
        Ok(())
    }

    /// Now and then a reading comes late, some of them after their day was settled.
    fn lose_one(&mut self, rows: &mut Vec<ReadingRow>, now: Instant) {
        if self.polls.checked_rem(110) != Some(70) {
            return;
        }
        let index = usize::try_from(below(seed(UNITS), self.polls, 5)).unwrap_or(0);
        if index < rows.len() {
            let polls =
                if self.polls.checked_rem(3) == Some(0) { 90 } else { below(10, self.polls, 6).saturating_add(3) };
            let wait = i64::try_from(polls).unwrap_or(3).saturating_mul(POLL_S);
            self.late.push((now.plus(wait), rows.remove(index)));
        }
    }

    /// Now and then a frame of zeros stands in for a reading.
    fn haunt(&self, rows: &mut [ReadingRow]) {
        let index = usize::try_from(below(seed(UNITS), self.polls, 7)).unwrap_or(0);
        if self.polls.checked_rem(150) == Some(40)
            && let Some(row) = rows.get_mut(index)
        {
            row.kwh = "0.000".into();
        }
    }

    /// In the daytime, on the hour, some of those with little left pay; one of them only just enough.
    fn pay(&mut self, now: Instant, wall_s: i64) -> Result<(), OwnerError> {
        let hour = wall_s.div_euclid(3600);
        if wall_s.rem_euclid(3600) != 0 || !(8..=21).contains(&hour) {
            return Ok(());
        }
        for unit in 1..=UNITS {
            let Some(account) = building::account(unit) else { continue };
            let live = |site: &mut domain::billing::Site| domain::prepayment::live(site, now);
            if unit == FORGETFUL {
                if hour == 8 {
                    let live = live(self.owner.site_mut())?;
                    let balance = live.get(&account).map_or(0, |live| live.balance.get());
                    self.recharge(account, A_DAY_PENCE.saturating_sub(balance), now)?;
                }
                continue;
            }
            let at = seed(now.get());
            let balance = self.owner.site().balance(&account, now);
            if balance.get() < building::enough(unit) && below(3, seed(unit), at) == 0 {
                let tens = below(10, at, seed(unit)).saturating_add(3);
                self.recharge(account, i64::try_from(tens).unwrap_or(3).saturating_mul(1000), now)?;
            }
        }
        Ok(())
    }

    fn recharge(&mut self, account: AccountId, amount_minor: i64, now: Instant) -> Result<(), OwnerError> {
        if amount_minor <= 0 {
            return Ok(());
        }
        self.recharges = self.recharges.saturating_add(1);
        let reference = format!("PAY-{:05}", self.recharges);
        let id = EventId::derive(&[b"fact", format!("recharge/recharge/{reference}").as_bytes()]);
        let kind = RechargeKind::Recharge;
        let body = Body::RechargeReceived(RechargeReceived { account, amount_minor, kind, reference });
        self.owner.append(Draft { id, time: now, received: now, actor: "terminal".to_owned(), body })?;
        Ok(())
    }
}
