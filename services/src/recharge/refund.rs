//! `tallywatt recharge refund`: a balance is paid back.

use clap::Args as ClapArgs;
use domain::billing::Site;
use domain::event::{AccountId, Body, RechargeKind, RechargeReceived};
use domain::quantity::{Instant, Money};
use domain::supply::Supply;
use serde_json::json;

use super::{account, amount};
use crate::change::{Book, Plan, Target, carry_out, said};
use crate::console::Console;
use crate::exit::{Exit, Failure, bad};

/// Pay a balance back: all of it when the last lease has ended and is settled, or less with --amount.
/// Never above the settled balance, nor while a bill is held or a complaint is open.
#[derive(Debug, ClapArgs)]
#[command(after_help = "Example:
  tallywatt recharge refund target/hand-late --account A-1 --by j.moore --reason 'moved out'")]
pub(super) struct Args {
    #[command(flatten)]
    target: Target,
    /// Whose account.
    #[arg(long, value_name = "ACCOUNT")]
    account: String,
    /// How much, in the site's currency; by default all that is left after a move-out.
    #[arg(long, value_name = "AMOUNT")]
    amount: Option<String>,
    /// Its reference, once, for ever; by default made of the account and the instant.
    #[arg(long, value_name = "REFERENCE")]
    reference: Option<String>,
    /// Who.
    #[arg(long, value_name = "NAME")]
    by: String,
    /// Why.
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

/// A copy of the site, with what is due before an instant settled.
fn settled(book: &Book) -> Result<Site, Failure> {
    let mut site = book.site().clone();
    while let Some(due) = site.next_due().filter(|due| due.at < book.at()) {
        site.decide(due).map_err(|error| bad(error, "mend the fact that the message names, then refund"))?;
    }
    Ok(site)
}

/// Whether the last lease of an account has ended, and its last day is settled.
fn moved_out(site: &Site, account: &AccountId, at: Instant) -> bool {
    let premises = site.premises();
    let leases: Vec<_> = premises.units.keys().flat_map(|unit| premises.leases_of(unit)).collect();
    let mut ends = leases.iter().filter(|lease| lease.account == *account).map(|lease| lease.until);
    let ended = |until: Option<Instant>| {
        let last = until.filter(|until| *until <= at).map(|until| premises.calendar.day_of(until.plus(-1)));
        last.is_some_and(|day| site.settled_to().is_some_and(|settled| day <= settled))
    };
    ends.all(ended)
}

/// What forbids any refund now.
fn forbid(book: &Book, site: &Site, account: &AccountId) -> Result<(), Failure> {
    if let Some((month, _)) = site.held().keys().find(|(_, of)| of == account) {
        let text = format!("the bill of {account} for {month} is held, so that its balance is not final");
        return Err(bad(text, "mend the data that `tallywatt close-check` names, then refund"));
    }
    let mut supply = Supply::default();
    book.events().iter().for_each(|event| supply.apply(event));
    if supply.disputes.contains(account) {
        let text = format!("{account} has an open complaint about its charges");
        return Err(bad(text, "close the complaint first: what it changes is refunded with the rest"));
    }
    Ok(())
}

/// Runs the command.
pub(super) fn run(args: Args, console: &mut Console) -> Result<Exit, Failure> {
    let (by, reason) = (said("--by", &args.by)?, said("--reason", &args.reason)?);
    let mut book = Book::open(&args.target)?;
    let account = account(&book, &args.account)?;
    let site = settled(&book)?;
    forbid(&book, &site, &account)?;
    let decimals = site.premises().site().currency_decimals;
    let (balance, last) = (site.balance(&account, book.at()), moved_out(&site, &account, book.at()));
    let amount = match &args.amount {
        Some(text) => amount(&book, text)?,
        None if last => balance,
        None => {
            let text = format!("{account} still leases a unit, or its last day is not settled");
            return Err(bad(text, "refund after the move-out is settled, or a part of it with --amount"));
        }
    };
    if amount > balance || amount <= Money::ZERO {
        let text = format!(
            "the settled balance of {account} at {} is {}; a refund is above zero and not above it",
            book.at(),
            balance.major(decimals)
        );
        return Err(bad(text, "refund no more than the balance"));
    }
    let reference = args.reference.clone().unwrap_or_else(|| format!("refund:{account}:{}", book.at()));
    let (amount_minor, kind) = (amount.get(), RechargeKind::Refund);
    let received = RechargeReceived { account: account.clone(), amount_minor, kind, reference };
    let plan = Plan::correction(&by, reason, vec![(book.at(), Body::RechargeReceived(received))]);
    let left = balance - amount;
    if !args.target.json {
        console.line(format!(
            "{account}: balance {} with all settled before {}, refund {}, then {}{}",
            balance.major(decimals),
            book.at(),
            amount.major(decimals),
            left.major(decimals),
            if last { "; moved out and settled" } else { "" }
        ));
    }
    let shown = json!({"balance": balance.major(decimals), "refund": amount.major(decimals),
        "after": left.major(decimals), "moved_out": last});
    carry_out(&mut book, &plan, &args.target, Some(shown), console)
}
