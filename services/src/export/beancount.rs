//! A journal for beancount, with a balance directive for each account of the books.

use std::io::{self, Write};

use domain::ledger::{Detail, JournalEntry, LedgerAccount};
use domain::quantity::Money;

use super::scan::Books;
use super::text;
use super::totals::Totals;
use super::{Postings, shown};

/// The format.
pub(super) struct Beancount {
    currency: String,
    decimals: u8,
    tolerance: String,
}

impl Beancount {
    pub(super) fn new(totals: &Totals, tolerance: String) -> Self {
        Self { currency: totals.currency().to_owned(), decimals: totals.decimals(), tolerance }
    }
}

/// A string of beancount.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for one in text.chars() {
        match one {
            '"' | '\\' => out.extend(['\\', one]),
            _ if one.is_control() => out.push(' '),
            _ => out.push(one),
        }
    }
    out.push('"');
    out
}

impl Postings for Beancount {
    fn posting(&self, to: &mut dyn Write, account: &LedgerAccount, amount: Money, of: &str) -> io::Result<()> {
        writeln!(to, "  {account}  {} {}", amount.major(self.decimals), self.currency)?;
        if of.is_empty() { Ok(()) } else { writeln!(to, "    of: {}", quoted(of)) }
    }

    fn detail(&self, of: Detail<'_>) -> String {
        text::detail(of, self.decimals)
    }
}

impl super::Writer for Beancount {
    fn head(&mut self, to: &mut dyn Write, totals: &Totals) -> io::Result<()> {
        for line in totals.lines() {
            writeln!(to, "; {line}")?;
        }
        for (name, about) in totals.chart() {
            writeln!(to, "; {name} - {about}")?;
        }
        writeln!(to, "\noption \"operating_currency\" \"{}\"", self.currency)?;
        let first = totals.range().0;
        for account in totals.closing().keys() {
            writeln!(to, "{first} open {account} {}", self.currency)?;
        }
        if totals.brought().next().is_some() {
            writeln!(to, "\n{first} * \"balances brought\"")?;
            self.brought(to, totals)?;
        }
        Ok(())
    }

    fn entry(&mut self, to: &mut dyn Write, _books: &Books, entry: &JournalEntry<'_>) -> io::Result<()> {
        if shown(entry).next().is_none() {
            return Ok(());
        }
        writeln!(to, "\n{} * {}", entry.day, quoted(&text::cause(entry)))?;
        for (name, fact) in text::facts(entry) {
            writeln!(to, "  {name}: {}", quoted(&fact))?;
        }
        self.posted(to, entry)
    }

    fn end(&mut self, to: &mut dyn Write, totals: &Totals) -> io::Result<()> {
        // A balance directive is judged at the beginning of its day.
        let after = totals.range().1.next();
        writeln!(to)?;
        for (account, amount) in totals.closing() {
            let (amount, tolerance) = (amount.major(self.decimals), &self.tolerance);
            writeln!(to, "{after} balance {account} {amount} ~ {tolerance} {}", self.currency)?;
        }
        Ok(())
    }
}
