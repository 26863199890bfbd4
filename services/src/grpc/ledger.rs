//! Commands: what they say in protobuf, as the commands of `command`.

use proto::v1::{Command, Done, Money, PostRequest, RechargeRequest, RefundRequest};

use super::access::Call;
use super::refusal::Refusal;
use crate::command::{self, Amount, Asked, CommandError, Key, Made};
use crate::serve::App;

fn asked(call: &Call, command: Option<&Command>) -> Result<(Asked, String), Refusal> {
    let command = command.ok_or_else(|| Refusal::field("command", "is missing"))?;
    let key = Key::try_new(&command.idempotency_key)?;
    Ok((Asked { key, actor: call.actor.as_ref().clone() }, command.site.clone()))
}

fn amount(money: Option<Money>) -> Result<Amount, Refusal> {
    let money = money.ok_or_else(|| Refusal::field("amount", "is missing"))?;
    Ok(Amount { minor: money.minor, currency: money.currency })
}

fn done(made: Result<Made, CommandError>) -> Result<Done, Refusal> {
    let made = made?;
    Ok(Done {
        event: made.events.last().map(ToString::to_string).unwrap_or_default(),
        position: made.position,
        received_s: made.received.get(),
        proposed: made.proposed,
        repeated: made.repeated,
    })
}

/// Money in.
pub(super) async fn recharge(app: &App, call: &Call, request: RechargeRequest) -> Result<Done, Refusal> {
    let (asked, site) = asked(call, request.command.as_ref())?;
    let (served, account) = call.account(app, &site, &request.account)?;
    let order = command::Recharge { account, amount: amount(request.amount)?, reference: request.reference };
    done(command::recharge(&served.desk, asked, order).await)
}

/// Money back.
pub(super) async fn refund(app: &App, call: &Call, request: RefundRequest) -> Result<Done, Refusal> {
    let (asked, site) = asked(call, request.command.as_ref())?;
    let (served, account) = call.account(app, &site, &request.account)?;
    let (amount, reference, reason) = (amount(request.amount)?, request.reference, request.reason);
    done(command::refund(&served.desk, asked, command::Refund { account, amount, reference, reason }).await)
}

/// An amount by hand.
pub(super) async fn post(app: &App, call: &Call, request: PostRequest) -> Result<Done, Refusal> {
    let (asked, site) = asked(call, request.command.as_ref())?;
    let (served, account) = call.account(app, &site, &request.account)?;
    let (amount, reference, reason) = (amount(request.amount)?, request.reference, request.reason);
    done(command::post(&served.desk, asked, command::Post { account, amount, reference, reason }).await)
}
