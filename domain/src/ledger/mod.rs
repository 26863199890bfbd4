//! Money in and out of accounts: recharges, refunds, reversals and manual
//! postings (BILLING §7). Charges are the targets of `billing`. `journal` has
//! all of them in double entry, on the accounts of `chart`.

mod chart;
mod journal;

use std::collections::BTreeMap;

use crate::event::{AccountId, PostingMade, RechargeKind, RechargeReceived, RechargeSuspended};
use crate::quantity::{Instant, Money};

pub use chart::LedgerAccount;
pub use journal::{Cause, Detail, Journal, JournalEntry, Posting};

/// Money in or back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recharge {
    /// When.
    pub time: Instant,
    /// Which way.
    pub kind: RechargeKind,
    /// With the kind: once, for ever.
    pub reference: String,
    /// With sign.
    pub amount: Money,
}

/// A manual posting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManualPosting {
    /// As given.
    pub time: Instant,
    /// The later of `time` and `received`: from when it counts.
    pub counts: Instant,
    /// Once, for ever.
    pub reference: String,
    /// With sign.
    pub amount: Money,
}

/// The cash side of a site's accounts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ledger {
    recharges: BTreeMap<AccountId, Vec<Recharge>>,
    postings: BTreeMap<AccountId, Vec<ManualPosting>>,
    known: BTreeMap<(String, RechargeKind), (AccountId, i64)>,
    known_postings: BTreeMap<String, (AccountId, i64)>,
    suspended: Vec<(Instant, RechargeSuspended)>,
}

impl Ledger {
    /// Takes up money in or back; a (reference, kind) that is known has no effect.
    pub fn recharge(&mut self, time: Instant, data: &RechargeReceived) {
        let key = (data.reference.clone(), data.kind);
        if self.known.insert(key, (data.account.clone(), data.amount_minor)).is_some() {
            return;
        }
        let amount = Money::new(data.amount_minor);
        let amount = match data.kind {
            RechargeKind::Recharge => amount,
            RechargeKind::Refund | RechargeKind::Reversal => -amount,
        };
        let recharge = Recharge { time, kind: data.kind, reference: data.reference.clone(), amount };
        self.recharges.entry(data.account.clone()).or_default().push(recharge);
    }

    /// Takes up money that names no known account.
    pub fn suspend(&mut self, time: Instant, data: &RechargeSuspended) {
        self.suspended.push((time, data.clone()));
    }

    /// Money in suspense: no recharge with its reference and kind has come.
    pub fn unmatched(&self) -> impl Iterator<Item = &(Instant, RechargeSuspended)> {
        self.suspended.iter().filter(|(_, data)| !self.known.contains_key(&(data.reference.clone(), data.kind)))
    }

    /// Takes up a manual posting; a reference that is known has no effect.
    pub fn post(&mut self, time: Instant, received: Instant, data: &PostingMade) {
        let known = (data.account.clone(), data.amount_minor);
        if self.known_postings.insert(data.reference.clone(), known).is_some() {
            return;
        }
        let amount = Money::new(data.amount_minor);
        let posting = ManualPosting { time, counts: time.max(received), reference: data.reference.clone(), amount };
        self.postings.entry(data.account.clone()).or_default().push(posting);
    }

    /// Whether a recharge, refund or reversal has this reference.
    pub fn knows(&self, reference: &str, kind: RechargeKind) -> bool {
        self.known.contains_key(&(reference.to_owned(), kind))
    }

    /// Whether a manual posting has this reference.
    pub fn knows_posting(&self, reference: &str) -> bool {
        self.known_postings.contains_key(reference)
    }

    /// Money in or back of an account within `from <= t < until`.
    pub fn recharges(&self, account: &AccountId, from: Instant, until: Instant) -> impl Iterator<Item = &Recharge> {
        let all = self.recharges.get(account).into_iter().flatten();
        all.filter(move |one| from <= one.time && one.time < until)
    }

    /// Manual postings of an account that count from within `from <= t < until`.
    pub fn postings(&self, account: &AccountId, from: Instant, until: Instant) -> impl Iterator<Item = &ManualPosting> {
        let all = self.postings.get(account).into_iter().flatten();
        all.filter(move |one| from <= one.counts && one.counts < until)
    }

    /// All money in less out of an account up to and with an instant.
    pub fn cash(&self, account: &AccountId, at: Instant) -> Money {
        let (from, until) = (Instant::new(i64::MIN), at.plus(1));
        let recharged: Money = self.recharges(account, from, until).map(|one| one.amount).sum();
        let posted: Money = self.postings(account, from, until).map(|one| one.amount).sum();
        recharged + posted
    }

    /// The first instant of any recharge or posting.
    pub fn first(&self) -> Option<Instant> {
        let recharges = self.recharges.values().flatten().map(|one| one.time);
        recharges.chain(self.postings.values().flatten().map(|one| one.counts)).min()
    }
}
