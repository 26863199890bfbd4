//! ISO 20022 bank-to-customer statements, camt.053.001.02 to .08.
//!
//! Amounts are decimal text. `CdtDbtInd` says which way a row moved our account,
//! also where `RvslInd` says that it takes another row back. An entry with several
//! details whose amounts add up to it is a row for each.

use domain::premises::Calendar;
use domain::quantity::{Date, Instant, Money};

use super::statement::{Entry, Statement, StatementError, amount};
use super::xml::{self, Element};

/// What a statement is read by.
struct Camt<'a> {
    file: &'a str,
    currency: &'a str,
    decimals: u8,
    calendar: &'a Calendar,
}

/// What a bank writes where it was given no reference.
const NOT_PROVIDED: &str = "NOTPROVIDED";

/// Reads all statements of a document, and checks their control totals.
pub(super) fn read(
    file: &str,
    text: &str,
    currency: &str,
    decimals: u8,
    calendar: &Calendar,
) -> Result<Vec<Statement>, StatementError> {
    let camt = Camt { file, currency, decimals, calendar };
    let root = xml::parse(text).map_err(|(line, problem)| {
        camt.error(line, "the document", &format!("is no XML: {problem}"), "fetch the statement anew")
    })?;
    let Some(body) = root.at(&["BkToCstmrStmt"]) else {
        return Err(camt.error(root.line, &root.name, "has no BkToCstmrStmt", "give a camt.053 statement"));
    };
    body.all("Stmt").map(|statement| camt.statement(statement)).collect()
}

impl Camt<'_> {
    fn error(&self, line: usize, field: &str, problem: &str, mend: &str) -> StatementError {
        let [file, field, problem, mend] = [self.file, field, problem, mend].map(str::to_owned);
        StatementError { file, line, field, problem, mend }
    }

    fn need<'e>(&self, of: &'e Element, path: &[&str]) -> Result<&'e Element, StatementError> {
        let field = format!("{}/{}", of.name, path.join("/"));
        of.at(path).ok_or_else(|| self.error(of.line, &field, "is missing", "fetch the statement anew"))
    }

    /// An `Amt` of the site's currency, with the sign of a `CdtDbtInd` beside it.
    fn signed(&self, amt: &Element, of: &Element) -> Result<Money, StatementError> {
        let currency = amt.attribute("Ccy").unwrap_or_default();
        if currency != self.currency {
            let problem = format!("is in '{currency}', and the site is in {}", self.currency);
            return Err(self.error(amt.line, "Amt", &problem, "give the statement of the account of that currency"));
        }
        let sum = amount(&amt.text, self.decimals).filter(|sum| *sum >= Money::ZERO);
        let sum = sum.ok_or_else(|| {
            let problem = format!("is '{}'", amt.text.trim());
            self.error(amt.line, "Amt", &problem, "an amount is decimal text without a sign")
        })?;
        match of.text_at(&["CdtDbtInd"]) {
            Some("CRDT") => Ok(sum),
            Some("DBIT") => Ok(-sum),
            other => {
                let problem = format!("is '{}'", other.unwrap_or_default());
                Err(self.error(of.line, "CdtDbtInd", &problem, "it is CRDT or DBIT"))
            }
        }
    }

    /// A date, or the local date of an instant.
    fn date(&self, of: &Element) -> Result<Date, StatementError> {
        if let Some(date) = of.text_at(&["Dt"]).and_then(|text| Date::parse(text.get(..10)?)) {
            return Ok(date);
        }
        // An instant without an offset is the bank's wall clock: its date stands.
        let text = of.text_at(&["DtTm"]).unwrap_or_default();
        let zoned = Instant::parse(text).ok().map(|at| self.calendar.day_of(at));
        zoned
            .or_else(|| Date::parse(text.get(..10)?))
            .ok_or_else(|| self.error(of.line, &of.name, "has no date", "it has a Dt such as 2026-03-05, or a DtTm"))
    }

    fn balance(&self, statement: &Element, codes: [&str; 2]) -> Result<Option<Money>, StatementError> {
        let code = |of: &&Element| of.text_at(&["Tp", "CdOrPrtry", "Cd"]).is_some_and(|code| codes.contains(&code));
        let Some(found) = statement.all("Bal").find(code) else { return Ok(None) };
        self.signed(self.need(found, &["Amt"])?, found).map(Some)
    }

    fn statement(&self, of: &Element) -> Result<Statement, StatementError> {
        let id = of.text_at(&["Id"]).unwrap_or("?").to_owned();
        let (opening, closing) = (self.balance(of, ["OPBD", "PRCD"])?, self.balance(of, ["CLBD", "CLBD"])?);
        let mut entries = Vec::new();
        for entry in of.all("Ntry") {
            // Version 02 has the status as text, later ones as a code.
            let status = entry.text_at(&["Sts", "Cd"]).or(entry.text_at(&["Sts"])).unwrap_or("BOOK");
            if status == "BOOK" {
                entries.extend(self.rows(entry)?);
            }
        }
        let mut statement = Statement { id, opening, closing, entries };
        let sum = statement.credits() + statement.debits();
        if let (Some(opening), Some(closing)) = (opening, closing)
            && opening + sum != closing
        {
            let money = |amount: Money| amount.major(self.decimals);
            let problem = format!(
                "does not add up: opening {} and entries of {} are {}, not the closing {}",
                money(opening),
                money(sum),
                money(opening + sum),
                money(closing)
            );
            return Err(self.error(of.line, "Stmt", &problem, "fetch the statement anew, whole"));
        }
        statement.name_rows();
        Ok(statement)
    }

    fn rows(&self, entry: &Element) -> Result<Vec<Entry>, StatementError> {
        let whole = self.signed(self.need(entry, &["Amt"])?, entry)?;
        let booked = entry.at(&["BookgDt"]).or(entry.at(&["ValDt"]));
        let booked = booked.ok_or_else(|| {
            self.error(entry.line, "Ntry/BookgDt", "is missing", "a booked entry has the date of its booking")
        })?;
        let date = self.date(booked)?;
        let details: Vec<&Element> = entry.all("NtryDtls").flat_map(|all| all.all("TxDtls")).collect();
        let reversal = matches!(entry.text_at(&["RvslInd"]), Some("true" | "1"));
        let mut parts = Vec::new();
        for detail in &details {
            let amt = detail.at(&["Amt"]).or(detail.at(&["AmtDtls", "TxAmt", "Amt"]));
            // A detail's own sign is optional; it is that of its entry then.
            let of = if detail.at(&["CdtDbtInd"]).is_some() { detail } else { entry };
            let foreign = amt.is_some_and(|amt| amt.attribute("Ccy") != Some(self.currency));
            parts.push(if foreign { None } else { amt.map(|amt| self.signed(amt, of)).transpose()? });
        }
        let sum: Option<Money> = parts.iter().copied().sum();
        let own = entry.text_at(&["AcctSvcrRef"]);
        if details.len() < 2 || sum != Some(whole) {
            let one = details.first().copied().filter(|_| details.len() == 1);
            return Ok(vec![row(entry, one, own, (date, whole, reversal))]);
        }
        let split = details.iter().zip(parts.into_iter().flatten()).zip(1usize..);
        Ok(split
            .map(|((detail, amount), nth)| {
                let own = own.map(|own| format!("{own}/{nth}"));
                row(entry, Some(detail), own.as_deref(), (date, amount, reversal))
            })
            .collect())
    }
}

/// A row of an entry, or of one of its details.
fn row(
    entry: &Element,
    detail: Option<&Element>,
    own: Option<&str>,
    (date, amount, reversal): (Date, Money, bool),
) -> Entry {
    let of_detail = |path: &[&str]| detail.and_then(|detail| detail.text_at(path)).map(str::to_owned);
    let id = of_detail(&["Refs", "AcctSvcrRef"]).or_else(|| own.map(str::to_owned));
    let references = [
        of_detail(&["Refs", "EndToEndId"]),
        of_detail(&["RmtInf", "Strd", "CdtrRefInf", "Ref"]),
        entry.text_at(&["NtryRef"]).map(str::to_owned),
    ];
    let free = detail.and_then(|detail| detail.at(&["RmtInf"]));
    let words = free.into_iter().flat_map(|all| all.all("Ustrd")).map(|one| one.text.trim());
    let text = words.collect::<Vec<_>>().join(" ");
    let text = if text.is_empty() { entry.text_at(&["AddtlNtryInf"]).unwrap_or_default().to_owned() } else { text };
    Entry {
        line: detail.map_or(entry.line, |detail| detail.line),
        date,
        amount,
        banks_own: id.is_some(),
        id: id.unwrap_or_default(),
        references: references.into_iter().flatten().filter(|one| one != NOT_PROVIDED).collect(),
        text,
        reversal,
    }
}
