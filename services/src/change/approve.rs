//! `tallywatt approve`: the second person, where a site requires one.

use clap::Args as ClapArgs;
use domain::event::{Body, ChangeProposed, EventId, decode_canonical};
use domain::quantity::Instant;

use super::undo::id_of;
use super::{Book, Plan, Rehearsal, Target, carry_out, said};
use crate::console::Console;
use crate::exit::{Exit, Failure, bad};

/// Approve what another person proposed: only then it takes effect.
#[derive(Debug, ClapArgs)]
#[command(after_help = "Example:
  tallywatt approve target/hand-area --proposal 0253294046425dce0253294046425dce --by m.roe --yes")]
pub struct Args {
    #[command(flatten)]
    target: Target,
    /// The proposal's event.
    #[arg(long, value_name = "ID")]
    proposal: String,
    /// Who approves it: not its author.
    #[arg(long, value_name = "NAME")]
    by: String,
}

fn proposal(book: &Rehearsal, id: EventId) -> Result<ChangeProposed, Failure> {
    let none = || bad(format!("no proposal {id} is in the log"), "`tallywatt publish --yes` says the id");
    let Some(Body::ChangeProposed(proposed)) = book.event(id).map(|event| &event.body) else { return Err(none()) };
    let approves = |body: &Body| matches!(body, Body::ChangeRecorded(change) if change.proposal == Some(id));
    if book.entries().iter().any(|entry| approves(&entry.event.body)) {
        return Err(bad(format!("proposal {id} was approved before"), "nothing is left to do"));
    }
    Ok(proposed.clone())
}

/// The plan that carries a proposal out, approved by someone else.
pub fn plan(book: &Rehearsal, id: EventId, by: String) -> Result<Plan, Failure> {
    let proposed = proposal(book, id)?;
    if proposed.author.to_lowercase() == by.to_lowercase() {
        return Err(bad(format!("{by} proposed it"), "someone else approves a proposal"));
    }
    let at = book.at();
    let fact = |fact: &domain::event::ProposedFact| -> Result<(Instant, Body), Failure> {
        let data = decode_canonical(fact.data.as_bytes()).map_err(|error| bad(error, "propose it anew"))?;
        Ok((at, Body::from_parts(&fact.r#type, data).map_err(|error| bad(error, "propose it anew"))?))
    };
    let facts = proposed.facts.iter().map(fact).collect::<Result<Vec<_>, Failure>>()?;
    let ChangeProposed { author, kind, reason, reverses, .. } = proposed;
    Ok(Plan { kind, author, reason, reverses, approved: Some((id, by)), facts })
}

/// Runs the command.
pub fn run(args: Args, console: &mut Console) -> Result<Exit, Failure> {
    let by = said("--by", &args.by)?;
    let id = id_of(&args.proposal)?;
    let mut book = Book::open(&args.target)?;
    let plan = plan(&book.rehearsal, id, by)?;
    carry_out(&mut book, &plan, &args.target, None, console)
}
