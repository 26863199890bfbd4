//! `tallywatt recharge refund`: a balance is paid back.

use clap::Args as ClapArgs;
use domain::billing::{BillingError, Site};
use domain::event::{AccountId, Body, RechargeKind, RechargeReceived};
use domain::prepayment;
use domain::quantity::{Instant, Money, Month};
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

/// Why nothing is refunded, or not so much; in order of precedence.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RefundRefusal {
    /// A bill of the account is held.
    #[error("the bill of {account} for {month} is held, so that its balance is not final")]
    BillHeld {
        /// Whose.
        account: AccountId,
        /// Of which month.
        month: Month,
    },
    /// A complaint is open.
    #[error("{0} has an open complaint about its charges")]
    ComplaintOpen(AccountId),
    /// More than there is, or nothing.
    #[error("{amount_minor} does not fit the balance of {balance_minor}: a refund is above zero and not above it",
        amount_minor = amount.get(), balance_minor = balance.get())]
    MoreThanBalance {
        /// What was asked for.
        amount: Money,
        /// What there is.
        balance: Money,
    },
}

impl RefundRefusal {
    /// What to do about it.
    pub const fn mend(&self) -> &'static str {
        match self {
            Self::BillHeld { .. } => "mend the data that `tallywatt close-check` names, then refund",
            Self::ComplaintOpen(_) => "close the complaint first: what it changes is refunded with the rest",
            Self::MoreThanBalance { .. } => "refund no more than the balance",
        }
    }
}

/// What of an account may be refunded at most, of a site with all that is due before settled: not above what
/// is settled (BILLING §7), nor above what is left when the energy of days that are not settled is paid for.
/// It is the one rule, for a person at a console and for every surface of a service.
pub(crate) fn refundable(
    site: &mut Site,
    supply: &Supply,
    account: &AccountId,
    at: Instant,
) -> Result<Result<Money, RefundRefusal>, BillingError> {
    if let Some((month, _)) = site.held().keys().find(|(_, of)| of == account) {
        return Ok(Err(RefundRefusal::BillHeld { account: account.clone(), month: *month }));
    }
    if supply.disputes.contains(account) {
        return Ok(Err(RefundRefusal::ComplaintOpen(account.clone())));
    }
    let settled = site.balance(account, at);
    let live = prepayment::live(site, at)?;
    Ok(Ok(live.get(account).map_or(settled, |live| live.balance.min(settled))))
}

/// Refuses a refund that does not fit.
pub(crate) fn fits(amount: Money, balance: Money) -> Result<(), RefundRefusal> {
    let is_fit = amount > Money::ZERO && amount <= balance;
    if is_fit { Ok(()) } else { Err(RefundRefusal::MoreThanBalance { amount, balance }) }
}

/// Runs the command.
pub(super) fn run(args: Args, console: &mut Console) -> Result<Exit, Failure> {
    let (by, reason) = (said("--by", &args.by)?, said("--reason", &args.reason)?);
    let mut book = Book::open(&args.target)?;
    let account = account(&book, &args.account)?;
    let mut site = settled(&book)?;
    let mut supply = Supply::default();
    book.events().iter().for_each(|event| supply.apply(event));
    let forbid = |refusal: RefundRefusal| {
        let mend = refusal.mend();
        bad(refusal, mend)
    };
    let balance = refundable(&mut site, &supply, &account, book.at());
    let balance = balance.map_err(|error| bad(error, "mend the fact that the message names"))?.map_err(forbid)?;
    let decimals = site.premises().site().currency_decimals;
    let last = moved_out(&site, &account, book.at());
    let amount = match &args.amount {
        Some(text) => amount(&book, text)?,
        None if last => balance,
        None => {
            let text = format!("{account} still leases a unit, or its last day is not settled");
            return Err(bad(text, "refund after the move-out is settled, or a part of it with --amount"));
        }
    };
    fits(amount, balance).map_err(|refusal| {
        let text = format!(
            "the balance of {account} at {} is {}; a refund is above zero and not above it",
            book.at(),
            balance.major(decimals)
        );
        bad(text, refusal.mend())
    })?;
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
