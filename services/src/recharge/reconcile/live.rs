//! A statement against a site at work: looked at first; its unmatched credits then go into suspense, each once.

use domain::billing::Site;
use domain::quantity::{Date, Instant, Money};
use domain::recharge::{Command, Outcome, Payments};

use super::statement::StatementError;
use super::{BANK, Format, compare, parse, unknown};
use crate::owner::Owner;
use crate::recharge::{RechargeError, decide, receive};

/// A statement as somebody brings it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Paper {
    /// How faults call it.
    pub(crate) name: String,
    /// All of it: CAMT.053 where it begins as XML, else CSV.
    pub(crate) text: String,
    /// The names of CSV columns, as `date=Booked,amount=Amount`; their own names otherwise.
    pub(crate) columns: String,
}

/// A statement's sums.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sums {
    pub(crate) id: String,
    pub(crate) opening: Option<Money>,
    pub(crate) closing: Option<Money>,
    pub(crate) credits: Money,
    pub(crate) debits: Money,
}

/// A row of a statement, and what it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) line: usize,
    pub(crate) date: Date,
    pub(crate) amount: Money,
    pub(crate) text: String,
    /// `matched`, `other_amount`, `unmatched` or `duplicate`.
    pub(crate) verdict: &'static str,
    /// What of ours it is about.
    pub(crate) ours: Option<String>,
}

/// A statement beside the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reconciled {
    pub(crate) statements: Vec<Sums>,
    pub(crate) rows: Vec<Row>,
    /// Ours that the statement should have and has not: date, reference, amount.
    pub(crate) missing: Vec<(Date, String, Money)>,
    /// How many of each there are, and their sums.
    pub(crate) totals: [(&'static str, usize, Money); 5],
    /// Whether nothing differs.
    pub(crate) agrees: bool,
    /// How many credits would go into suspense, and their sum.
    pub(crate) to_suspense: (usize, Money),
}

/// Why nothing was put into suspense.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PostError {
    /// The statement cannot be read.
    #[error(transparent)]
    Statement(#[from] StatementError),
    /// A credit cannot be taken.
    #[error(transparent)]
    Recharge(#[from] RechargeError),
}

fn compared(
    site: &Site,
    payments: &Payments,
    paper: &Paper,
) -> Result<(Vec<super::Statement>, compare::Compared), StatementError> {
    let is_xml = paper.text.trim_start_matches('\u{feff}').trim_start().starts_with('<');
    let format = if is_xml { Format::Camt053 } else { Format::Csv };
    let statements = parse(&paper.name, &paper.text, (format, &paper.columns), site)?;
    let compared = compare::compare(&statements, compare::ours(site, payments, &[]), BANK, |_| true);
    Ok((statements, compared))
}

/// Holds a statement against the log; nothing is appended.
pub(crate) fn look(site: &Site, payments: &Payments, paper: &Paper) -> Result<Reconciled, StatementError> {
    let (statements, compared) = compared(site, payments, paper)?;
    let sums = statements.iter().map(|one| Sums {
        id: one.id.clone(),
        opening: one.opening,
        closing: one.closing,
        credits: one.credits(),
        debits: one.debits(),
    });
    let rows = compared.rows.iter().map(|(entry, verdict)| Row {
        line: entry.line,
        date: entry.date,
        amount: entry.amount,
        text: entry.text.clone(),
        verdict: verdict.name(),
        ours: verdict.ours().map(str::to_owned),
    });
    let new = unknown(&compared, BANK, site, Instant::new(i64::MAX));
    let to_suspense = (new.len(), new.iter().map(|one| Money::new(one.amount_minor)).sum());
    Ok(Reconciled {
        statements: sums.collect(),
        rows: rows.collect(),
        missing: compared.missing.iter().map(|one| (one.date, one.reference.clone(), one.amount)).collect(),
        totals: compared.totals(),
        agrees: compared.agrees(),
        to_suspense,
    })
}

/// Puts a statement's unmatched credits into suspense; how many of them are new. The same statement again adds nothing.
pub(crate) fn post(owner: &mut Owner<'_>, now: Instant, by: &str, paper: &Paper) -> Result<usize, PostError> {
    let (_, compared) = compared(owner.site(), owner.payments(), paper)?;
    let messages = unknown(&compared, BANK, owner.site(), now);
    // A refusal comes before the first append.
    for message in &messages {
        decide(owner.site(), owner.payments(), now, Command::Message(message)).map_err(RechargeError::from)?;
    }
    let mut new = 0usize;
    for message in &messages {
        let outcome = receive(owner, now, by, message)?;
        new = new.saturating_add(usize::from(matches!(outcome, Outcome::Done { .. })));
    }
    Ok(new)
}
