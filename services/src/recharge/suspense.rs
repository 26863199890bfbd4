//! `tallywatt recharge suspense`: money that names no known account.

use clap::{Args as ClapArgs, Subcommand};
use domain::quantity::{Instant, Money};
use domain::recharge::{Act, Command as Ask, PaymentKey};
use serde_json::json;

use super::{account, known, payments, plan};
use crate::change::{Book, Target, carry_out, said};
use crate::console::Console;
use crate::exit::{Exit, Failure, bad};
use crate::table;

/// Money that nobody knows the account of.
#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List what is there.
    List(Target),
    /// Credit a payment to its account.
    Match(MatchArgs),
    /// Send a payment back to whom it came from.
    Return(Which),
}

#[derive(Debug, ClapArgs)]
struct Which {
    #[command(flatten)]
    target: Target,
    /// The payment: gateway and id, as `suspense list` shows it.
    #[arg(long, value_name = "GATEWAY:ID")]
    payment: String,
    /// Who.
    #[arg(long, value_name = "NAME")]
    by: String,
    /// Why.
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

#[derive(Debug, ClapArgs)]
struct MatchArgs {
    #[command(flatten)]
    which: Which,
    /// Whose it is.
    #[arg(long, value_name = "ACCOUNT")]
    account: String,
}

/// Runs the command.
pub(super) fn run(args: Args, console: &mut Console) -> Result<Exit, Failure> {
    match args.command {
        Command::List(target) => list(&target, console),
        Command::Match(args) => resolve(&args.which, Some(&args.account), console),
        Command::Return(args) => resolve(&args, None, console),
    }
}

fn list(target: &Target, console: &mut Console) -> Result<Exit, Failure> {
    let book = Book::open(target)?;
    let payments = payments(&book);
    let decimals = book.site().premises().site().currency_decimals;
    let left = |(time, data): &(Instant, domain::event::RechargeSuspended)| {
        let left = payments.left_in_suspense(&data.reference).unwrap_or(Money::new(data.amount_minor));
        let row = [data.reference.clone(), time.to_string(), left.major(decimals), data.account.clone()];
        (left > Money::ZERO).then_some(row)
    };
    let rows: Vec<[String; 4]> = book.site().ledger().unmatched().filter_map(left).collect();
    if target.json {
        let one = |[payment, time, amount, said]: &[String; 4]| json!({"payment": payment, "time": time, "amount": amount, "said": said});
        console.line(json!({"suspense": rows.iter().map(one).collect::<Vec<_>>()}).to_string());
    } else if rows.is_empty() {
        console.line("nothing is in suspense");
    } else {
        table::write(["payment", "time", "amount", "account as written"], &rows, console);
    }
    Ok(Exit::Done)
}

fn resolve(args: &Which, to: Option<&str>, console: &mut Console) -> Result<Exit, Failure> {
    let (by, reason) = (said("--by", &args.by)?, said("--reason", &args.reason)?);
    let mut book = Book::open(&args.target)?;
    let key = PaymentKey::parse(&args.payment).ok_or_else(|| {
        bad(format!("'{}' names no payment", args.payment), "write it as `suspense list` does: stripe:pi_1")
    })?;
    let act = match to {
        None => Act::Return,
        Some(to) => Act::Match(account(&book, to)?),
    };
    let ask = Ask::Suspense { key: &key, act: &act, by: &by, reason: &reason };
    match plan(&book, &payments(&book), ask, &by, reason.clone())? {
        None => Ok(known(&key.to_string(), args.target.json, console)),
        Some(plan) => carry_out(&mut book, &plan, &args.target, None, console),
    }
}
