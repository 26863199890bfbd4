//! A bank's statement beside the log: `tallywatt recharge reconcile`, and for a site at work.
//!
//! `statement` is what both formats become, `camt` and `csv` read them, `compare` holds them against the log; `live` is
//! for pages.

mod camt;
mod compare;
mod csv;
mod live;
mod statement;
mod xml;

use std::path::PathBuf;

use clap::{Args as ClapArgs, ValueEnum};
use domain::billing::Site;
use domain::event::PaymentKind;
use domain::quantity::{Date, Instant, Money, Month};
use domain::recharge::{Command, GatewayMessage};
use serde_json::{Value, json};

use self::compare::{Compared, Verdict};
use self::statement::{Entry, Statement, StatementError};
use super::{payments, plan};
use crate::change::{Book, Plan, Target, carry_out, said};
use crate::console::Console;
use crate::exit::{Exit, Failure, bad};
use crate::table;

pub(crate) use live::{Paper, PostError, Reconciled, Row, Sums, look, post};
pub(crate) use statement::StatementError as PaperError;

/// What a bank's account is called here, where nothing is said.
const BANK: &str = "bank";

/// Hold a bank's statement against the log: each row is matched, unmatched or a duplicate, and what of ours is not in
/// it is missing. The same statement twice changes nothing.
#[derive(Debug, ClapArgs)]
#[command(after_help = "Examples:
  tallywatt recharge reconcile target/hand-late --statement march.xml
  tallywatt recharge reconcile target/hand-late --statement march.csv --format csv --columns date=Booked,amount=Amount
  tallywatt recharge reconcile target/hand-late --statement march.xml --post-unmatched --by j.moore --yes

Columns of CSV: date (2026-03-05), amount (-12.50), and, where there are any, reference, bank and text.

Exit codes: 0 all agrees, 1 differences, 2 bad input, 3 log or disk failure.")]
pub(super) struct Args {
    #[command(flatten)]
    target: Target,
    /// The statement.
    #[arg(long, value_name = "FILE")]
    statement: PathBuf,
    /// What it is; by default CAMT.053 where the file ends in .xml, else CSV.
    #[arg(long)]
    format: Option<Format>,
    /// The names of CSV columns, as date=Booked,amount=Amount,reference=Ref,bank=Id,text=Purpose.
    #[arg(long, value_name = "MAP", default_value = "")]
    columns: String,
    /// Only what was booked in this month, such as 2026-03.
    #[arg(long, value_name = "MONTH")]
    month: Option<String>,
    /// Of ours, only these gateways are looked for on the statement; by default all but cash.
    #[arg(long, value_name = "GATEWAY")]
    only: Vec<String>,
    /// Put unmatched credits into suspense; a dry run without --yes.
    #[arg(long, requires = "by")]
    post_unmatched: bool,
    /// The name of the bank account here.
    #[arg(long, value_name = "GATEWAY", default_value = BANK)]
    bank: String,
    /// Who.
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Rows with a header.
    Csv,
    /// ISO 20022 camt.053, versions 02 to 08.
    Camt053,
}

fn failure(error: StatementError) -> Failure {
    let mend = error.mend.clone();
    bad(error, &mend)
}

fn read(args: &Args, book: &Book) -> Result<Vec<Statement>, Failure> {
    let path = args.statement.display().to_string();
    let text = std::fs::read_to_string(&args.statement)
        .map_err(|error| bad(format!("{path}: {error}"), "name a statement's file, in UTF-8"))?;
    let is_xml = args.statement.extension().is_some_and(|end| end.eq_ignore_ascii_case("xml"));
    let format = args.format.unwrap_or(if is_xml { Format::Camt053 } else { Format::Csv });
    parse(&path, &text, (format, &args.columns), book.site()).map_err(failure)
}

/// The statements of a text, by the site's currency and calendar.
fn parse(
    name: &str,
    text: &str,
    (format, columns): (Format, &str),
    site: &Site,
) -> Result<Vec<Statement>, StatementError> {
    let (facts, calendar) = (site.premises().site(), &site.premises().calendar);
    let (currency, decimals) = (facts.currency.as_str(), facts.currency_decimals);
    let text = text.trim_start_matches('\u{feff}');
    match format {
        Format::Csv => csv::read(name, text, columns, decimals).map(|one| vec![one]),
        Format::Camt053 => camt::read(name, text, currency, decimals, calendar),
    }
}

/// The unmatched credits as messages of the bank; none is of later than now.
fn unknown(compared: &Compared, bank: &str, site: &Site, now: Instant) -> Vec<GatewayMessage> {
    let credits = compared.rows.iter().filter(|(_, verdict)| *verdict == Verdict::Unmatched);
    let currency = &site.premises().site().currency;
    let message = |entry: &Entry| GatewayMessage {
        gateway: bank.to_owned(),
        kind: PaymentKind::Captured,
        payment: entry.id.clone(),
        movement: entry.id.clone(),
        // Never an account's id: what a payer wrote is for a person to judge.
        account: format!("statement: {}", entry.text.chars().take(100).collect::<String>()),
        amount_minor: entry.amount.get(),
        currency: currency.clone(),
        time: site.premises().calendar.start_of(entry.date).min(now),
    };
    credits.map(|(entry, _)| entry).filter(|entry| entry.amount > Money::ZERO).map(message).collect()
}

/// All that puts the unmatched credits into suspense.
fn posting(compared: &Compared, args: &Args, book: &Book) -> Result<Option<Plan>, Failure> {
    let by = said("--by", args.by.as_deref().unwrap_or_default())?;
    let (payments, reason) = (payments(book), format!("statement {}", args.statement.display()));
    let mut facts = Vec::new();
    for message in unknown(compared, &args.bank, book.site(), book.at()) {
        if let Some(plan) = plan(book, &payments, Command::Message(&message), &by, reason.clone())? {
            facts.extend(plan.facts);
        }
    }
    Ok((!facts.is_empty()).then(|| Plan::correction(&by, reason, facts)))
}

/// Runs the command.
pub(super) fn run(args: Args, console: &mut Console) -> Result<Exit, Failure> {
    let mut book = Book::open(&args.target)?;
    let month = args
        .month
        .as_deref()
        .map(|text| Month::parse(text).ok_or_else(|| bad(format!("'{text}' is no month"), "write it as 2026-03")));
    let month = month.transpose()?;
    let statements = read(&args, &book)?;
    let within = |date: Date| month.is_none_or(|month| date.month() == month);
    let ours = compare::ours(book.site(), &payments(&book), &args.only);
    let compared = compare::compare(&statements, ours, &args.bank, within);
    let decimals = book.site().premises().site().currency_decimals;
    let plan = if args.post_unmatched { posting(&compared, &args, &book)? } else { None };
    let shown = document(&statements, &compared, decimals);
    if !args.target.json {
        write(&statements, &compared, decimals, console);
    }
    let Some(plan) = plan else {
        if args.target.json {
            console.line(shown.to_string());
        } else if args.post_unmatched {
            console.line("nothing is to be put into suspense");
        }
        return Ok(if compared.agrees() { Exit::Done } else { Exit::Differences });
    };
    let done = carry_out(&mut book, &plan, &args.target, Some(shown), console)?;
    Ok(if compared.agrees_but_for_credits() { done } else { Exit::Differences })
}

fn document(statements: &[Statement], compared: &Compared, decimals: u8) -> Value {
    let money = |amount: Money| amount.major(decimals);
    let statement = |one: &Statement| {
        json!({"id": one.id, "opening": one.opening.map(money), "closing": one.closing.map(money),
            "credits": money(one.credits()), "debits": money(one.debits()), "entries": one.entries.len()})
    };
    let row = |(entry, verdict): &(Entry, Verdict)| {
        json!({"line": entry.line, "date": entry.date, "amount": money(entry.amount), "id": entry.id,
            "text": entry.text, "reversal": entry.reversal, "verdict": verdict.name(), "ours": verdict.ours()})
    };
    let missing =
        |one: &compare::Ours| json!({"reference": one.reference, "date": one.date, "amount": money(one.amount)});
    json!({"statements": statements.iter().map(statement).collect::<Vec<_>>(),
        "rows": compared.rows.iter().map(row).collect::<Vec<_>>(),
        "missing": compared.missing.iter().map(missing).collect::<Vec<_>>(),
        "totals": compared.totals().map(|(name, count, sum)| json!({"what": name, "count": count, "sum": money(sum)}))})
}

fn write(statements: &[Statement], compared: &Compared, decimals: u8, console: &mut Console) {
    let money = |amount: Money| amount.major(decimals);
    for one in statements {
        let balance = |of: Option<Money>| of.map_or_else(|| "not said".to_owned(), money);
        console.line(format!(
            "statement {}: opening {}, credits {}, debits {}, closing {}",
            one.id,
            balance(one.opening),
            money(one.credits()),
            money(one.debits()),
            balance(one.closing)
        ));
    }
    let row = |(entry, verdict): &(Entry, Verdict)| {
        let ours = verdict.ours().map(|ours| format!(" {ours}")).unwrap_or_default();
        let (line, verdict) = (entry.line.to_string(), format!("{}{ours}", verdict.name()));
        [line, entry.date.to_string(), money(entry.amount), entry.id.clone(), verdict]
    };
    let missing = |one: &compare::Ours| {
        let verdict = format!("missing {}", one.reference);
        ["-".to_owned(), one.date.to_string(), money(one.amount), String::new(), verdict]
    };
    let cells: Vec<[String; 5]> = compared.rows.iter().map(row).chain(compared.missing.iter().map(missing)).collect();
    table::write(["line", "date", "amount", "bank's id", "verdict"], &cells, console);
    for (name, count, sum) in compared.totals() {
        console.line(format!("{name}: {count}, {}", money(sum)));
    }
}
