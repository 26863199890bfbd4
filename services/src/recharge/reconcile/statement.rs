//! A bank's statement, in one form for all formats.

use domain::event::{hex, sha256};
use domain::quantity::{Date, Money};
use rust_decimal::Decimal;

/// Where a statement cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}: line {line}: {field} {problem}")]
pub(crate) struct StatementError {
    pub(crate) file: String,
    pub(crate) line: usize,
    pub(crate) field: String,
    pub(crate) problem: String,
    pub(crate) mend: String,
}

/// A row of a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    /// Where it stands in the file.
    pub(super) line: usize,
    /// When it was booked.
    pub(super) date: Date,
    /// With sign: positive into our account.
    pub(super) amount: Money,
    /// The bank's own id, or one made of the row's content.
    pub(super) id: String,
    /// Whether the bank gave the id.
    pub(super) banks_own: bool,
    /// References that payer or payee gave.
    pub(super) references: Vec<String>,
    /// What the payer wrote.
    pub(super) text: String,
    /// Whether it takes another row back.
    pub(super) reversal: bool,
}

/// A statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Statement {
    pub(super) id: String,
    pub(super) opening: Option<Money>,
    pub(super) closing: Option<Money>,
    pub(super) entries: Vec<Entry>,
}

impl Statement {
    pub(super) fn credits(&self) -> Money {
        self.entries.iter().map(|one| one.amount).filter(|amount| *amount > Money::ZERO).sum()
    }

    pub(super) fn debits(&self) -> Money {
        self.entries.iter().map(|one| one.amount).filter(|amount| *amount < Money::ZERO).sum()
    }

    /// Gives rows without an id of the bank one made of their content: the same row is the same id in any file, and
    /// rows of the same content are counted.
    pub(super) fn name_rows(&mut self) {
        let mut seen: Vec<String> = Vec::new();
        for entry in self.entries.iter_mut().filter(|entry| !entry.banks_own) {
            let content =
                format!("{}|{}|{}|{}", entry.date, entry.amount.get(), entry.references.join("|"), entry.text);
            let nth = seen.iter().filter(|one| **one == content).count();
            let digest = hex(&sha256(&[content.as_bytes(), b"|", nth.to_string().as_bytes()]));
            entry.id = format!("row-{}", digest.chars().take(20).collect::<String>());
            seen.push(content);
        }
    }
}

/// An amount of decimal text.
pub(super) fn amount(text: &str, decimals: u8) -> Option<Money> {
    let text = text.trim();
    let text = text.strip_prefix('+').unwrap_or(text);
    Money::from_major(Decimal::from_str_exact(text).ok()?, decimals)
}
