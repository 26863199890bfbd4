//! A journal that hledger (`--strict`) and ledger (`--pedantic`) both read.

use std::io::{self, Write};

use domain::ledger::{Detail, JournalEntry, LedgerAccount};
use domain::quantity::{Date, Money};

use super::scan::Books;
use super::text;
use super::totals::Totals;
use super::{Postings, shown};

/// The format.
pub(super) struct PlainText {
    currency: String,
    decimals: u8,
}

impl PlainText {
    pub(super) fn new(totals: &Totals) -> Self {
        Self { currency: totals.currency().to_owned(), decimals: totals.decimals() }
    }

    fn amount(&self, amount: Money) -> String {
        format!("{} {}", amount.major(self.decimals), self.currency)
    }

    fn title(to: &mut dyn Write, day: Date, words: &str) -> io::Result<()> {
        writeln!(to, "\n{day} * {words}")
    }
}

impl Postings for PlainText {
    fn posting(&self, to: &mut dyn Write, account: &LedgerAccount, amount: Money, of: &str) -> io::Result<()> {
        write!(to, "    {account}  {}", self.amount(amount))?;
        if of.is_empty() { writeln!(to) } else { writeln!(to, "  ; {}", text::plain(of)) }
    }

    fn detail(&self, of: Detail<'_>) -> String {
        text::detail(of, self.decimals)
    }
}

impl super::Writer for PlainText {
    fn head(&mut self, to: &mut dyn Write, totals: &Totals) -> io::Result<()> {
        for line in totals.lines() {
            writeln!(to, "; {line}")?;
        }
        for (name, about) in totals.chart() {
            writeln!(to, "; {name} - {about}")?;
        }
        writeln!(to, "\ncommodity {}", self.currency)?;
        for tag in text::TAGS {
            writeln!(to, "tag {tag}")?;
        }
        for account in totals.closing().keys() {
            writeln!(to, "account {account}")?;
        }
        if totals.brought().next().is_some() {
            Self::title(to, totals.range().0, "balances brought")?;
            self.brought(to, totals)?;
        }
        Ok(())
    }

    fn entry(&mut self, to: &mut dyn Write, _books: &Books, entry: &JournalEntry<'_>) -> io::Result<()> {
        if shown(entry).next().is_none() {
            return Ok(());
        }
        Self::title(to, entry.day, &text::cause(entry))?;
        for (name, fact) in text::facts(entry) {
            let fact = if name == "time" { fact } else { text::plain(&fact) };
            writeln!(to, "    ; {name}: {fact}")?;
        }
        self.posted(to, entry)
    }

    fn end(&mut self, to: &mut dyn Write, totals: &Totals) -> io::Result<()> {
        Self::title(to, totals.range().1, "closing balances")?;
        for (account, amount) in totals.closing() {
            writeln!(to, "    {account}  {} = {}", self.amount(Money::ZERO), self.amount(amount))?;
        }
        Ok(())
    }
}
