//! Money in: what gateways report and what people take in cash becomes events
//! (`domain/src/recharge`), and a bank's statement is held against them.

mod cash;
mod config;
mod hooks;
mod list;
mod poll;
mod receive;
mod reconcile;
mod refund;
mod suspense;

use clap::Subcommand;
use domain::event::AccountId;
use domain::quantity::Money;
use domain::recharge::{Command as Ask, Decision, Outcome, Payments};
use rust_decimal::Decimal;

use crate::change::{Book, Plan};
use crate::console::Console;
use crate::exit::{Exit, Failure, bad};

pub use config::{Gateway, GatewayConfig, GatewayError};
pub use hooks::routes;
pub use poll::{PollFailure, poll, poll_once};
pub(crate) use receive::decide;
pub use receive::{RechargeError, receive, resolve};
pub(crate) use reconcile::{Paper, PaperError, PostError, Reconciled, Row, Sums, look, post};
pub use refund::RefundRefusal;
pub(crate) use refund::{fits, refundable};

/// `tallywatt recharge COMMAND …`
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Credit cash that a manager took.
    Cash(cash::Args),
    /// Pay a balance back, at a move-out or before.
    Refund(refund::Args),
    /// Money that nobody knows the account of: list, match, return.
    Suspense(suspense::Args),
    /// List what was paid, and where each payment stands.
    List(list::Args),
    /// Hold a bank's statement against the log.
    Reconcile(reconcile::Args),
}

/// Runs the command.
pub fn run(args: Args, console: &mut Console) -> Result<Exit, Failure> {
    match args.command {
        Command::Cash(args) => cash::run(args, console),
        Command::Refund(args) => refund::run(args, console),
        Command::Suspense(args) => suspense::run(args, console),
        Command::List(args) => list::run(args, console),
        Command::Reconcile(args) => reconcile::run(args, console),
    }
}

/// The payments of a log.
fn payments(book: &Book) -> Payments {
    let mut payments = Payments::default();
    book.events().iter().for_each(|event| payments.apply(event));
    payments
}

/// An account of the site.
fn account(book: &Book, text: &str) -> Result<AccountId, Failure> {
    let known = AccountId::try_new(text).filter(|id| book.site().premises().accounts.contains_key(id));
    known.ok_or_else(|| bad(format!("account '{text}' is unknown"), "name an account of the site's tables"))
}

/// An amount of the site's currency, positive.
fn amount(book: &Book, text: &str) -> Result<Money, Failure> {
    let site = book.site().premises().site();
    let amount = Decimal::from_str_exact(text).ok().and_then(|one| Money::from_major(one, site.currency_decimals));
    amount.filter(|amount| *amount > Money::ZERO).ok_or_else(|| {
        let text = format!("'{text}' is no amount of {}", site.currency);
        bad(text, &format!("write it positive, with at most {} decimals", site.currency_decimals))
    })
}

/// What follows from a command by the log, as a plan of a person's; none where all of it is in the log.
fn plan(book: &Book, payments: &Payments, ask: Ask<'_>, by: &str, reason: String) -> Result<Option<Plan>, Failure> {
    let decided = decide(book.site(), payments, book.at(), ask);
    let Decision { facts, outcome } = decided.map_err(|error| bad(error, "nothing was appended"))?;
    match outcome {
        Outcome::Known(_) if facts.is_empty() => return Ok(None),
        Outcome::Refused(why) => {
            let text = format!("the same reference is in the log with another content ({why:?})");
            return Err(bad(text, "see `tallywatt recharge list`; another payment has another receipt"));
        }
        Outcome::Known(_) | Outcome::Done { .. } => {}
    }
    let facts = facts.into_iter().map(|fact| (fact.time, fact.body)).collect();
    Ok(Some(Plan::correction(by, reason, facts)))
}

/// Says that there is nothing to do.
fn known(what: &str, json: bool, console: &mut Console) -> Exit {
    if json {
        console.line(serde_json::json!({"known": true, "appended": false}).to_string());
    } else {
        console.line(format!("{what}: it is in the log already; nothing is written"));
    }
    Exit::Done
}
