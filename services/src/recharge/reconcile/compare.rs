//! Statements against the log.

use std::collections::BTreeSet;

use domain::billing::Site;
use domain::quantity::{Date, Instant, Money};
use domain::recharge::{CASH, Payments};

use super::statement::{Entry, Statement};

/// Money that the log says moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ours {
    /// As it is shown.
    pub(super) reference: String,
    /// When.
    pub(super) date: Date,
    /// With sign: positive in.
    pub(super) amount: Money,
    /// What a bank may call it by.
    names: Vec<String>,
}

/// What a row of a statement is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The log has it.
    Matched(String),
    /// The log has it with another amount.
    OtherAmount(String),
    /// The log has nothing of it.
    Unmatched,
    /// Another row was it already.
    Duplicate(String),
}

impl Verdict {
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Matched(_) => "matched",
            Self::OtherAmount(_) => "other_amount",
            Self::Unmatched => "unmatched",
            Self::Duplicate(_) => "duplicate",
        }
    }

    /// What of ours it is about.
    pub(super) fn ours(&self) -> Option<&str> {
        match self {
            Self::Matched(ours) | Self::OtherAmount(ours) | Self::Duplicate(ours) => Some(ours),
            Self::Unmatched => None,
        }
    }
}

/// A comparison.
#[derive(Debug, Clone)]
pub(super) struct Compared {
    /// The rows of the statements, each with what it is.
    pub(super) rows: Vec<(Entry, Verdict)>,
    /// Of ours, what is in no row of the time that the statements cover.
    pub(super) missing: Vec<Ours>,
}

impl Compared {
    /// Whether nothing differs.
    pub(super) fn agrees(&self) -> bool {
        self.missing.is_empty() && self.rows.iter().all(|(_, verdict)| matches!(verdict, Verdict::Matched(_)))
    }

    /// Whether nothing differs but for credits that nobody knows.
    pub(super) fn agrees_but_for_credits(&self) -> bool {
        let fine = |(entry, verdict): &(Entry, Verdict)| match verdict {
            Verdict::Matched(_) => true,
            Verdict::Unmatched => entry.amount > Money::ZERO,
            Verdict::OtherAmount(_) | Verdict::Duplicate(_) => false,
        };
        self.missing.is_empty() && self.rows.iter().all(fine)
    }

    /// Control totals: how many of each, and their sum.
    pub(super) fn totals(&self) -> [(&'static str, usize, Money); 5] {
        let of = |name: &'static str| {
            let rows = self.rows.iter().filter(|(_, verdict)| verdict.name() == name).map(|(entry, _)| entry.amount);
            (name, rows.clone().count(), rows.sum())
        };
        let missing = self.missing.iter().map(|one| one.amount);
        [
            of("matched"),
            of("other_amount"),
            of("unmatched"),
            of("duplicate"),
            ("missing", self.missing.len(), missing.sum()),
        ]
    }
}

/// What of the log a statement may show: payments and what moved of them, and the ledger's other recharges.
pub(super) fn ours(site: &Site, payments: &Payments, only: &[String]) -> Vec<Ours> {
    let calendar = &site.premises().calendar;
    let mut all = Vec::new();
    for (key, payment) in payments.all() {
        let Some(captured) = &payment.captured else { continue };
        let looked_for = if only.is_empty() { key.gateway != CASH } else { only.contains(&key.gateway) };
        if !looked_for {
            continue;
        }
        let reference = key.to_string();
        let names = vec![reference.clone(), key.payment.clone()];
        let date = calendar.day_of(captured.time);
        all.push(Ours { reference: reference.clone(), date, amount: captured.amount, names });
        for movement in &payment.movements {
            let (date, amount) = (calendar.day_of(movement.time), movement.signed());
            let shown = format!("{reference} {} {}", movement.kind.name(), movement.id);
            // A bank that takes a payment back names the payment; the sign tells them apart.
            let names = vec![movement.id.clone(), reference.clone(), key.payment.clone()];
            all.push(Ours { reference: shown, date, amount, names });
        }
        if let Some(returned) = &payment.returned {
            let amount = -Money::new(returned.amount_minor);
            let names = vec![reference.clone(), key.payment.clone()];
            all.push(Ours { reference: format!("{reference} returned"), date, amount, names });
        }
    }
    if only.is_empty() {
        let ever = (Instant::new(i64::MIN), Instant::new(i64::MAX));
        let accounts = site.premises().accounts.keys();
        let moved = accounts.flat_map(|account| site.ledger().recharges(account, ever.0, ever.1));
        let mut others: Vec<_> = moved.filter(|one| !payments.has_reference(&one.reference)).collect();
        others.sort_by_key(|one| one.time);
        all.extend(others.into_iter().map(|one| Ours {
            reference: one.reference.clone(),
            date: calendar.day_of(one.time),
            amount: one.amount,
            names: vec![one.reference.clone()],
        }));
    }
    all
}

/// Whether a row may speak of ours: by a reference, or by a word of the text.
fn names(entry: &Entry, ours: &Ours) -> bool {
    let is_it = |text: &str| ours.names.iter().any(|name| name == text);
    let words = entry.text.split(|c: char| c.is_whitespace() || ",;()".contains(c)).filter(|word| word.len() >= 4);
    is_it(&entry.id) || entry.references.iter().any(|one| is_it(one)) || words.into_iter().any(is_it)
}

/// Compares the rows of a time with what is ours.
pub(super) fn compare(
    statements: &[Statement],
    ours: Vec<Ours>,
    bank: &str,
    within: impl Fn(Date) -> bool,
) -> Compared {
    let rows: Vec<&Entry> = statements.iter().flat_map(|one| &one.entries).filter(|entry| within(entry.date)).collect();
    let dates = || rows.iter().map(|entry| entry.date);
    let span = dates().min().zip(dates().max());
    let mut ours: Vec<(Ours, bool)> = ours.into_iter().map(|one| (one, false)).collect();
    let mut ids = BTreeSet::new();
    let mut judged = Vec::new();
    for entry in rows {
        if entry.banks_own && !ids.insert(&entry.id) {
            judged.push((entry.clone(), Verdict::Duplicate(format!("{bank}:{}", entry.id))));
            continue;
        }
        let same = |(one, _): &(Ours, bool)| names(entry, one) && one.amount == entry.amount;
        let verdict = if let Some((one, used)) = ours.iter_mut().find(|one| same(one) && !one.1) {
            *used = true;
            Verdict::Matched(one.reference.clone())
        } else if let Some((one, _)) = ours.iter().find(|one| same(one)) {
            Verdict::Duplicate(one.reference.clone())
        } else {
            let sign = |amount: Money| amount > Money::ZERO;
            let other = |(one, _): &&(Ours, bool)| names(entry, one) && sign(one.amount) == sign(entry.amount);
            let found = ours.iter().find(other).map(|(one, _)| one.reference.clone());
            found.map_or(Verdict::Unmatched, Verdict::OtherAmount)
        };
        judged.push((entry.clone(), verdict));
    }
    let covered = |date: Date| span.is_some_and(|(from, to)| from <= date && date <= to);
    let missing = ours.into_iter().filter(|(one, used)| !used && covered(one.date)).map(|(one, _)| one);
    Compared { rows: judged, missing: missing.collect() }
}
