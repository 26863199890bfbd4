//! The simulated days: what happens in the building goes to the site's owner
//! as facts and readings, and what the owner decides becomes news.

use std::collections::VecDeque;

use adapters::site_folder::SiteFolder;
use domain::billing::{Due, RunKind};
use domain::event::{AccountId, Body, EventId, ReadingRow, RechargeKind, RechargeReceived};
use domain::prepayment::{self, Settled};
use domain::quantity::{Date, Energy, Instant, Money, Month};

use super::building::{self, Building, POLL_S, UNITS, below, seed};
use super::view;
use crate::owner::{Draft, Owner, OwnerError};

/// As many as the view shows.
const LAST: usize = 6;

/// The last events, and those that nobody has read yet.
#[derive(Default)]
pub(super) struct News {
    last: VecDeque<String>,
    unread: Vec<String>,
}

impl News {
    fn add(&mut self, line: String) {
        self.unread.push(line.clone());
        self.last.push_back(line);
        if self.last.len() > LAST {
            self.last.pop_front();
        }
    }

    /// The last events, the oldest first.
    pub(super) fn last(&self) -> impl Iterator<Item = &String> {
        self.last.iter()
    }

    /// What was added since the last call.
    pub(super) fn take_unread(&mut self) -> Vec<String> {
        std::mem::take(&mut self.unread)
    }
}

/// The building in its time.
pub(super) struct Simulation<'a> {
    pub(super) owner: Owner<'a>,
    pub(super) now: Instant,
    pub(super) news: News,
    /// What the last run saw.
    pub(super) settled: Settled,
    building: Building,
    polls: u64,
    recharges: u64,
    late: Vec<(Instant, ReadingRow)>,
}

impl<'a> Simulation<'a> {
    /// The building at its start, its structure appended.
    pub(super) fn start(mut owner: Owner<'a>, folder: SiteFolder, building: Building) -> Result<Self, OwnerError> {
        let now = folder.facts.first().map_or_else(Instant::default, |fact| fact.received);
        let facts = folder.facts.len();
        for fact in folder.facts {
            let id = EventId::derive(&[b"fact", fact.key.as_bytes()]);
            let (time, received) = (fact.time, fact.received);
            owner.append(Draft { id, time, received, actor: fact.actor, body: fact.body })?;
        }
        owner.flush()?;
        let (news, settled) = (News::default(), Settled::default());
        let mut all = Self { owner, now, news, settled, building, polls: 0, recharges: 0, late: Vec::new() };
        all.tell(format!("building set up: {facts} facts, {UNITS} units, a tariff, a shared pool and its rule"));
        Ok(all)
    }

    fn tell(&mut self, text: String) {
        let line = format!("{}  {text}", self.wall());
        self.news.add(line);
    }

    fn offset_s(&self) -> i64 {
        self.owner.site().premises().calendar.offset_at(self.now)
    }

    /// The wall clock of the building.
    pub(super) fn wall(&self) -> String {
        let text = self.now.plus(self.offset_s()).to_string();
        let minute = text.get(..16).unwrap_or(&text);
        minute.replace('T', " ")
    }

    /// The building's day now.
    pub(super) fn today(&self) -> Date {
        self.owner.site().premises().calendar.day_of(self.now)
    }

    /// Lets time pass to the next poll: runs that fall due, readings, people.
    pub(super) fn step(&mut self) -> Result<(), OwnerError> {
        let next = self.now.plus(POLL_S);
        while let Some(due) = self.owner.site().next_due().filter(|due| due.at < next) {
            self.settle(due)?;
        }
        self.now = next;
        self.polls = self.polls.saturating_add(1);
        let mut rows = self.building.poll(self.now, self.offset_s());
        let lost = self.lose_one(&mut rows);
        let ghost = self.haunt(&mut rows);
        self.owner.append_readings(self.now, "collector", rows)?;
        self.deliver()?;
        if self.now.plus(self.offset_s()).get().rem_euclid(3600) == 0 {
            self.pay()?;
        }
        if let Some(row) = lost {
            self.tell(format!("no answer from {}; its collector will send the reading later", row.meter));
        }
        if ghost {
            self.find_ghost()?;
        }
        Ok(())
    }

    /// Now and then a reading comes late, some of them after their day was settled.
    fn lose_one(&mut self, rows: &mut Vec<ReadingRow>) -> Option<ReadingRow> {
        if self.polls.checked_rem(110) != Some(70) {
            return None;
        }
        let index = usize::try_from(below(seed(UNITS), self.polls, 5)).ok()?;
        let row = (index < rows.len()).then(|| rows.remove(index))?;
        let long = self.polls.checked_rem(3) == Some(0);
        let polls = if long { 130 } else { below(10, self.polls, 6).saturating_add(3) };
        let wait = i64::try_from(polls).ok()?.saturating_mul(POLL_S);
        self.late.push((self.now.plus(wait), row.clone()));
        Some(row)
    }

    /// Now and then a frame of zeros stands in for a reading.
    fn haunt(&self, rows: &mut [ReadingRow]) -> bool {
        if self.polls.checked_rem(150) != Some(40) {
            return false;
        }
        let index = usize::try_from(below(seed(UNITS), self.polls, 7)).unwrap_or(0);
        rows.get_mut(index).map(|row| row.kwh = "0.000".into()).is_some()
    }

    fn find_ghost(&mut self) -> Result<(), OwnerError> {
        let now = self.now;
        self.owner.site_mut().advance(now)?;
        let found = self.owner.site().metering().quarantine();
        for row in found.into_iter().filter(|row| row.received == now) {
            self.tell(format!("{} sent {} kWh: quarantined as {}, not booked", row.meter, row.kwh, row.reason));
        }
        Ok(())
    }

    fn deliver(&mut self) -> Result<(), OwnerError> {
        let now = self.now;
        let due: Vec<(Instant, ReadingRow)> = self.late.extract_if(.., |(at, _)| *at <= now).collect();
        for (_, row) in due {
            let (meter, minutes) = (row.meter.clone(), now.since(row.time).div_euclid(60));
            self.owner.append_readings(now, "collector", vec![row])?;
            self.tell(format!("reading of {meter} arrived {minutes} min late"));
        }
        Ok(())
    }

    /// In the daytime, some of those with little left pay.
    fn pay(&mut self) -> Result<(), OwnerError> {
        let hour = self.now.plus(self.offset_s()).get().rem_euclid(86_400).div_euclid(3600);
        if !(8..=21).contains(&hour) {
            return Ok(());
        }
        for unit in 1..=UNITS {
            let Some(account) = building::account(unit) else { continue };
            let balance = self.owner.site().balance(&account, self.now);
            let hour = seed(self.now.get());
            if balance.get() < building::enough(unit) && below(3, seed(unit), hour) == 0 {
                let tens = below(10, hour, seed(unit)).saturating_add(3);
                self.recharge(account, i64::try_from(tens).unwrap_or(3).saturating_mul(1000))?;
            }
        }
        Ok(())
    }

    fn recharge(&mut self, account: AccountId, amount_minor: i64) -> Result<(), OwnerError> {
        self.recharges = self.recharges.saturating_add(1);
        let reference = format!("PAY-{:05}", self.recharges);
        let id = EventId::derive(&[b"fact", format!("recharge/recharge/{reference}").as_bytes()]);
        let kind = RechargeKind::Recharge;
        let body = Body::RechargeReceived(RechargeReceived { account: account.clone(), amount_minor, kind, reference });
        self.owner.append(Draft { id, time: self.now, received: self.now, actor: "terminal".to_owned(), body })?;
        let balance = self.owner.site().balance(&account, self.now);
        self.tell(format!(
            "{account} pays {}, settled balance {}",
            view::pounds(Money::new(amount_minor)),
            view::pounds(balance)
        ));
        Ok(())
    }

    /// Decides the runs due up to now.
    pub(super) fn settle_due(&mut self) -> Result<(), OwnerError> {
        while let Some(due) = self.owner.site().next_due().filter(|due| due.at <= self.now) {
            self.settle(due)?;
        }
        Ok(())
    }

    fn settle(&mut self, due: Due) -> Result<(), OwnerError> {
        self.owner.settle(due)?;
        self.settled = prepayment::settled(self.owner.site())?;
        self.now = due.at.max(self.now);
        match due.kind {
            RunKind::Settlement(day) => self.tell_day(day),
            RunKind::Bill(month) => self.tell_bills(month),
        }
        Ok(())
    }

    fn tell_day(&mut self, day: Date) {
        let Some(target) = self.owner.site().targets().get(&day.month()) else { return };
        let indoor: Energy = target.slices().filter(|slice| slice.day == day).map(|slice| slice.energy).sum();
        let pools = target.pools.values().flat_map(|pool| &pool.days).filter(|of| of.day == day);
        let (energy, amount) = pools.fold((Energy::ZERO, Money::ZERO), |(e, a), of| (e + of.energy, a + of.amount));
        self.tell(format!(
            "{day} settled: units {} kWh, shared {} kWh {}",
            view::tenths(indoor),
            view::tenths(energy),
            view::pounds(amount)
        ));
    }

    fn tell_bills(&mut self, month: Month) {
        let site = self.owner.site();
        let bills = site.issued().values().filter_map(|parts| parts.first()).filter(|bill| bill.month == month);
        let mut lines = Vec::new();
        let mut sum = Money::ZERO;
        for bill in bills {
            sum += bill.totals.charges_minor;
            lines.push(format!(
                "bill {} for {month} to {}: {} kWh, {}; balance {}",
                bill.number,
                bill.account,
                view::tenths(bill.totals.indoor_mwh + bill.totals.shared_mwh),
                view::pounds(bill.totals.charges_minor),
                view::pounds(bill.closing_balance_minor)
            ));
        }
        let count = lines.len();
        lines.push(format!("{count} bills issued for {month}, {} together", view::pounds(sum)));
        for line in lines {
            self.tell(line);
        }
    }
}
