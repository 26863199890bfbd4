//! `tallywatt approve`: the second person, where a site requires one.

use clap::Args as ClapArgs;
use domain::event::{Body, CanonicalError, ChangeProposed, EventError, EventId, ProposedFact, decode_canonical};
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

/// Why a proposal is not approved.
#[derive(Debug, thiserror::Error)]
pub enum ApproveError {
    /// No such proposal.
    #[error("no proposal {0} is in the log")]
    None(EventId),
    /// It was approved before.
    #[error("proposal {0} was approved before")]
    Approved(EventId),
    /// Nobody approves what they proposed.
    #[error("{0} proposed it")]
    OwnProposal(String),
    /// What it holds is no fact of this version.
    #[error(transparent)]
    Bytes(#[from] EventError),
    /// It holds no canonical bytes.
    #[error(transparent)]
    Canonical(#[from] CanonicalError),
}

impl ApproveError {
    /// What to do about it.
    pub const fn mend(&self) -> &'static str {
        match self {
            Self::None(_) => "`tallywatt publish --yes` says the id",
            Self::Approved(_) => "nothing is left to do",
            Self::OwnProposal(_) => "someone else approves a proposal",
            Self::Bytes(_) | Self::Canonical(_) => "propose it anew",
        }
    }
}

impl From<ApproveError> for Failure {
    fn from(error: ApproveError) -> Self {
        let mend = error.mend();
        bad(error, mend)
    }
}

fn proposal(book: &Rehearsal, id: EventId) -> Result<ChangeProposed, ApproveError> {
    let Some(Body::ChangeProposed(proposed)) = book.event(id).map(|event| &event.body) else {
        return Err(ApproveError::None(id));
    };
    let approves = |body: &Body| matches!(body, Body::ChangeRecorded(change) if change.proposal == Some(id));
    if book.events().iter().any(|event| approves(&event.body)) {
        return Err(ApproveError::Approved(id));
    }
    Ok(proposed.clone())
}

/// The plan that carries a proposal out, approved by someone else.
pub fn plan(book: &Rehearsal, id: EventId, by: String) -> Result<Plan, ApproveError> {
    let proposed = proposal(book, id)?;
    if proposed.author.to_lowercase() == by.to_lowercase() {
        return Err(ApproveError::OwnProposal(by));
    }
    let at = book.at();
    let fact = |fact: &ProposedFact| -> Result<(Instant, Body), ApproveError> {
        Ok((at, Body::from_parts(&fact.r#type, decode_canonical(fact.data.as_bytes())?)?))
    };
    let facts = proposed.facts.iter().map(fact).collect::<Result<Vec<_>, _>>()?;
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
