//! `tallywatt publish`: a tariff or rule comes into force, after a dry run.

use clap::Args as ClapArgs;
use domain::event::{Body, ChangeKind};
use domain::quantity::Month;

use super::{Book, Plan, Target, carry_out, said};
use crate::console::Console;
use crate::exit::{Exit, Failure};
use crate::what_if::{ChangeFile, month_of, report};

/// Publish a tariff or a rule: a dry run first, with `--yes` an event with author and reason.
#[derive(Debug, ClapArgs)]
#[command(after_help = "Example:
  tallywatt publish target/hand-area --rule new-rule.toml --by j.moore --reason 'by the meeting of 2 May'
  tallywatt publish target/hand-area --rule new-rule.toml --by j.moore --reason 'by the meeting of 2 May' --yes

Shows what it would have made of --month, and what it changes of settled days where it is back-dated.
Where [site] approvals = 2, --yes proposes it, and another person approves.")]
pub struct Args {
    #[command(flatten)]
    target: Target,
    #[command(flatten)]
    file: ChangeFile,
    /// Who publishes it.
    #[arg(long, value_name = "NAME")]
    by: String,
    /// Why.
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// The month of the what-if: the last billed one, or else the last settled one.
    #[arg(long, value_name = "YYYY-MM")]
    month: Option<String>,
}

/// Runs the command.
pub fn run(args: Args, console: &mut Console) -> Result<Exit, Failure> {
    let (author, reason) = (said("--by", &args.by)?, said("--reason", &args.reason)?);
    let mut book = Book::open(&args.target)?;
    let facts = args.file.read(book.rehearsal.known(), &author, &reason, book.rehearsal.at())?;
    let bodies: Vec<Body> = facts.iter().map(|fact| fact.body.clone()).collect();
    let billed = book.rehearsal.site().issued().values().filter_map(|parts| parts.first()).map(|bill| bill.month).max();
    let month: Option<Month> = match &args.month {
        Some(text) => Some(month_of(text)?),
        None => billed.or_else(|| book.rehearsal.site().settled_to().map(domain::quantity::Date::month)),
    };
    let report = month.map(|month| report(book.rehearsal.site(), &bodies, month)).transpose()?;
    let facts = facts.into_iter().map(|fact| (fact.time, fact.body)).collect();
    let plan = Plan { kind: ChangeKind::Publish, author, reason, reverses: None, approved: None, facts };
    if let Some(report) = report.as_ref().filter(|_| !args.target.json) {
        report.write(console);
    }
    let what_if = report.map(|report| report.document());
    carry_out(&mut book, &plan, &args.target, what_if, console)
}
