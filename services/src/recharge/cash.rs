//! `tallywatt recharge cash`: what a manager took over the counter.

use clap::Args as ClapArgs;
use domain::event::PaymentKind;
use domain::recharge::{Command, GatewayMessage, PaymentKey, receipt};

use super::{account, amount, known, payments, plan};
use crate::change::{Book, Target, carry_out, said};
use crate::console::Console;
use crate::exit::{Exit, Failure};

/// Credit cash that a manager took; a receipt counts once, for ever. Where the site asks for two
/// persons, it waits for `tallywatt approve` by someone else.
#[derive(Debug, ClapArgs)]
#[command(after_help = "Example:
  tallywatt recharge cash target/hand-late --account A-1 --amount 50.00 --receipt 2026-117 --by j.moore --yes")]
pub(super) struct Args {
    #[command(flatten)]
    target: Target,
    /// Whose account.
    #[arg(long, value_name = "ACCOUNT")]
    account: String,
    /// How much, in the site's currency.
    #[arg(long, value_name = "AMOUNT")]
    amount: String,
    /// The receipt's number.
    #[arg(long, value_name = "RECEIPT")]
    receipt: String,
    /// Who took it.
    #[arg(long, value_name = "NAME")]
    by: String,
}

/// Runs the command.
pub(super) fn run(args: Args, console: &mut Console) -> Result<Exit, Failure> {
    let by = said("--by", &args.by)?;
    let PaymentKey { gateway, payment: receipt } = receipt(&said("--receipt", &args.receipt)?);
    let mut book = Book::open(&args.target)?;
    let account = account(&book, &args.account)?;
    let message = GatewayMessage {
        gateway,
        kind: PaymentKind::Captured,
        payment: receipt.clone(),
        movement: receipt.clone(),
        account: account.to_string(),
        amount_minor: amount(&book, &args.amount)?.get(),
        currency: book.site().premises().site().currency.clone(),
        time: book.at(),
    };
    let reason = format!("cash, receipt {receipt}");
    match plan(&book, &payments(&book), Command::Message(&message), &by, reason)? {
        None => Ok(known(&format!("receipt {receipt}"), args.target.json, console)),
        Some(plan) => carry_out(&mut book, &plan, &args.target, None, console),
    }
}
