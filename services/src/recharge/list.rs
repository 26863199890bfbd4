//! `tallywatt recharge list`: what was paid, and where each payment stands.

use clap::Args as ClapArgs;
use domain::event::{Body, RechargeKind, RechargeRefused};
use domain::quantity::{Instant, Money};
use domain::recharge::{Payment, PaymentKey};
use serde_json::{Value, json};

use super::{account, payments};
use crate::change::{Book, Target};
use crate::console::Console;
use crate::exit::{Exit, Failure};
use crate::table;

/// List what was paid: gateways, cash and the folder's recharges, with what was refused.
#[derive(Debug, ClapArgs)]
#[command(after_help = "Example:
  tallywatt recharge list target/hand-late --account A-1 --json")]
pub(super) struct Args {
    #[command(flatten)]
    target: Target,
    /// Of this account alone.
    #[arg(long, value_name = "ACCOUNT")]
    account: Option<String>,
}

struct Row {
    time: Instant,
    reference: String,
    account: String,
    amount: Money,
    left: Money,
    state: Value,
    refused: Vec<RechargeRefused>,
}

fn of_payment((key, payment): (&PaymentKey, &Payment)) -> Row {
    Row {
        time: payment.time(),
        reference: key.to_string(),
        account: payment.account().to_owned(),
        amount: payment.amount(),
        left: payment.left(),
        state: json!(payment.state()),
        refused: payment.refused.clone(),
    }
}

/// What the ledger has that is no payment of a gateway.
fn others(book: &Book, known: impl Fn(&str) -> bool) -> Vec<Row> {
    let row = |event: &domain::event::Event| {
        let Body::RechargeReceived(data) = &event.body else { return None };
        let (amount, state) = match data.kind {
            RechargeKind::Recharge => (Money::new(data.amount_minor), "credited"),
            RechargeKind::Refund => (-Money::new(data.amount_minor), "refund"),
            RechargeKind::Reversal => (-Money::new(data.amount_minor), "reversal"),
        };
        let (reference, account) = (data.reference.clone(), data.account.to_string());
        let (time, left, state) = (event.time, amount, json!(state));
        (!known(&reference)).then_some(Row { time, reference, account, amount, left, state, refused: Vec::new() })
    };
    book.events().iter().filter_map(row).collect()
}

/// Runs the command.
pub(super) fn run(args: Args, console: &mut Console) -> Result<Exit, Failure> {
    let book = Book::open(&args.target)?;
    let of = args.account.as_deref().map(|text| account(&book, text)).transpose()?;
    let payments = payments(&book);
    let mut rows: Vec<Row> = payments.all().map(of_payment).collect();
    rows.extend(others(&book, |reference| payments.has_reference(reference)));
    rows.retain(|row| of.as_ref().is_none_or(|of| row.account == of.as_str()));
    rows.sort_by(|a, b| (a.time, &a.reference).cmp(&(b.time, &b.reference)));
    let decimals = book.site().premises().site().currency_decimals;
    if args.target.json {
        let one = |row: &Row| {
            json!({"reference": row.reference, "time": row.time, "account": row.account, "state": row.state,
                "amount": row.amount.major(decimals), "left": row.left.major(decimals), "refused": row.refused})
        };
        console.line(json!({"recharges": rows.iter().map(one).collect::<Vec<_>>()}).to_string());
        return Ok(Exit::Done);
    }
    let cells = |row: &Row| {
        let state = row.state.as_str().unwrap_or_default();
        let note = if row.refused.is_empty() { String::new() } else { format!(", {} refused", row.refused.len()) };
        let (amount, left) = (row.amount.major(decimals), row.left.major(decimals));
        [row.reference.clone(), row.time.to_string(), row.account.clone(), amount, left, format!("{state}{note}")]
    };
    let cells: Vec<[String; 6]> = rows.iter().map(cells).collect();
    table::write(["reference", "time", "account", "amount", "left", "state"], &cells, console);
    Ok(Exit::Done)
}
