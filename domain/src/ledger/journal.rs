//! The journal: what a site's events are in double entry, each with the local
//! day that it is booked on. A fold over the log; nothing is booked that the log does not have.

use std::collections::{BTreeMap, BTreeSet};

use super::chart::LedgerAccount;
use crate::event::{
    AccountId, AccountSettled, Body, Event, PoolId, PostingMade, RechargeKind, RechargeReceived, SettledLine,
    SettledShare, SettledTax, SiteRegistered, sha256,
};
use crate::premises::Calendar;
use crate::quantity::{Date, Instant, Money, Month};

/// What an event is in the books.
#[derive(Debug, Clone)]
pub struct JournalEntry<'a> {
    /// The event.
    pub event: &'a Event,
    /// The local day that it is booked on.
    pub day: Date,
    /// Whose balance it moves.
    pub account: &'a AccountId,
    /// Why.
    pub cause: Cause<'a>,
    /// The sides against the account's balance; with it they add up to 0.
    pub against: Vec<Posting<'a>>,
}

/// Why a balance moves.
#[derive(Debug, Clone, Copy)]
pub enum Cause<'a> {
    /// It has an opening balance.
    Opening,
    /// Money in or back.
    Recharge(&'a RechargeReceived),
    /// A manual posting.
    Correction(&'a PostingMade),
    /// A run's differences.
    Settlement(&'a AccountSettled),
}

/// An amount on an account of the books.
#[derive(Debug, Clone)]
pub struct Posting<'a> {
    /// The account of the books.
    pub account: LedgerAccount,
    /// Debit; credit below 0.
    pub amount: Money,
    /// The settled line, share or tax that it is of.
    pub of: Detail<'a>,
}

/// What a posting is of.
#[derive(Debug, Clone, Copy)]
pub enum Detail<'a> {
    /// The whole entry.
    Whole,
    /// A line.
    Line(&'a SettledLine),
    /// A share of a pool, with the version of the rule that split its last day.
    Share(&'a SettledShare, Option<i64>),
    /// A tax.
    Tax(&'a SettledTax),
}

impl JournalEntry<'_> {
    /// By how much the account's balance grows: what the other sides are in debit.
    pub fn change(&self) -> Money {
        self.against.iter().map(|one| one.amount).sum()
    }
}

/// What the books must know of a site: as much as it has accounts, pools, months and references.
#[derive(Debug, Clone, Default)]
pub struct Journal {
    site: Option<SiteRegistered>,
    calendar: Calendar,
    tz_version: String,
    /// The first month without a bill run, once there was one.
    open: Option<Month>,
    opening: BTreeMap<AccountId, Money>,
    rules: BTreeMap<(PoolId, Month), Option<i64>>,
    /// Digests of the references that have been booked: each counts once, for ever.
    known: BTreeSet<[u8; 16]>,
}

impl Journal {
    /// Books without an event.
    pub fn new() -> Self {
        Self::default()
    }

    /// The site, once it is registered.
    pub fn site(&self) -> Option<&SiteRegistered> {
        self.site.as_ref()
    }

    /// The site's calendar.
    pub fn calendar(&self) -> &Calendar {
        &self.calendar
    }

    /// The version of the tz database that the calendar is of.
    pub fn tz_version(&self) -> &str {
        &self.tz_version
    }

    /// The entries of the next event of the log; decisions only of runs that ended.
    pub fn book<'a>(&mut self, event: &'a Event) -> Vec<JournalEntry<'a>> {
        if let Body::SiteRegistered(data) = &event.body {
            self.site = Some(data.clone());
        } else if let Body::CalendarPublished(data) = &event.body {
            self.calendar = Calendar::new(data);
            self.tz_version.clone_from(&data.tz_version);
        } else if let Body::PoolDayAllocated(data) = &event.body {
            self.rules.insert((data.pool.clone(), data.day.month()), data.rule);
        } else if let Body::DaySettled(data) = &event.body {
            self.open = bill_month(&data.run).map(Month::next).or(self.open);
        } else if let Body::AccountOpened(data) = &event.body {
            let now = Money::new(data.opening_balance_minor);
            let before = self.opening.insert(data.id.clone(), now).unwrap_or_default();
            return self.cash(event, &data.id, Cause::Opening, LedgerAccount::Opening, event.time, now - before);
        } else if let Body::RechargeReceived(data) = &event.body {
            let amount = Money::new(data.amount_minor);
            let (amount, kind) = match data.kind {
                RechargeKind::Recharge => (amount, "recharge"),
                RechargeKind::Refund => (-amount, "refund"),
                RechargeKind::Reversal => (-amount, "reversal"),
            };
            if self.is_new(kind, &data.reference) {
                let cause = Cause::Recharge(data);
                return self.cash(event, &data.account, cause, LedgerAccount::Recharges, event.time, amount);
            }
        } else if let Body::PostingMade(data) = &event.body {
            if self.is_new("posting", &data.reference) {
                let (at, amount) = (event.time.max(event.received), Money::new(data.amount_minor));
                let cause = Cause::Correction(data);
                return self.cash(event, &data.account, cause, LedgerAccount::Corrections, at, amount);
            }
        } else if let Body::AccountSettled(data) = &event.body {
            return self.settlement(event, data);
        }
        Vec::new()
    }

    fn is_new(&mut self, kind: &str, reference: &str) -> bool {
        let digest = sha256(&[kind.as_bytes(), b"/", reference.as_bytes()]);
        let mut short = [0; 16];
        for (to, from) in short.iter_mut().zip(digest) {
            *to = from;
        }
        self.known.insert(short)
    }

    fn cash<'a>(
        &self,
        event: &'a Event,
        account: &'a AccountId,
        cause: Cause<'a>,
        other: LedgerAccount,
        at: Instant,
        amount: Money,
    ) -> Vec<JournalEntry<'a>> {
        if amount.is_zero() {
            return Vec::new();
        }
        let against = vec![Posting { account: other, amount, of: Detail::Whole }];
        vec![JournalEntry { event, day: self.calendar.day_of(at), account, cause, against }]
    }

    /// The day that a run books a month's difference on. A month is open until
    /// its bill run: what is posted by then is of the month, at the latest on its
    /// last day. Later differences are booked when they are posted, in the month that is open then.
    fn booked_on(&self, run: &str, month: Month) -> Option<Date> {
        let posted = if let Some(of) = bill_month(run) {
            let after = self.site.as_ref().map_or(0, |site| site.bill_after_s);
            self.calendar.day_of(self.calendar.end_of(of.last()).plus(after))
        } else {
            Date::parse(run.strip_prefix("settlement/")?)?
        };
        let month = self.open.map_or(month, |open| open.max(month));
        Some(posted.min(month.last()))
    }

    fn settlement<'a>(&self, event: &'a Event, data: &'a AccountSettled) -> Vec<JournalEntry<'a>> {
        let lines = data.lines.iter().map(|line| {
            let account = LedgerAccount::Charges(line.key.component);
            (line.month, Posting { account, amount: -line.posted_minor, of: Detail::Line(line) })
        });
        let shared = data.shared.iter().map(|share| {
            let account = LedgerAccount::Shared(share.pool.clone());
            let rule = self.rules.get(&(share.pool.clone(), share.month)).copied().flatten();
            (share.month, Posting { account, amount: -share.posted_minor, of: Detail::Share(share, rule) })
        });
        let taxes = data.tax.iter().map(|tax| {
            let account = LedgerAccount::Tax(tax.name.clone());
            (tax.month, Posting { account, amount: -tax.posted_minor, of: Detail::Tax(tax) })
        });
        let mut days: BTreeMap<Date, Vec<Posting<'a>>> = BTreeMap::new();
        for (month, posting) in lines.chain(shared).chain(taxes) {
            let day = self.booked_on(&data.run, month).unwrap_or_else(|| self.calendar.day_of(event.time));
            days.entry(day).or_default().push(posting);
        }
        let entry = |(day, against)| JournalEntry {
            event,
            day,
            account: &data.account,
            cause: Cause::Settlement(data),
            against,
        };
        days.into_iter().map(entry).collect()
    }
}

/// The month of a bill run.
fn bill_month(run: &str) -> Option<Month> {
    Month::parse(run.strip_prefix("bill/")?)
}
