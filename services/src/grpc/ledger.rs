//! Commands: what they say in protobuf, as the commands of `command`.

use domain::event::{AccountId, EventId, MeterId, UnitId};
use domain::quantity::Instant;
use proto::v1::{
    ApproveRequest, AsOf, Command, Done, Money, PostRequest, PublishRequest, Published, ReadingRequest,
    RechargeRequest, RecordLeaseRequest, RefundRequest,
};

use super::access::Call;
use super::refusal::Refusal;
use crate::command::{self, Amount, Asked, Change, CommandError, Key, Made};
use crate::serve::App;

pub(super) fn asked(call: &Call, command: Option<&Command>) -> Result<(Asked, String), Refusal> {
    let command = command.ok_or_else(|| Refusal::field("command", "is missing"))?;
    let key = Key::try_new(&command.idempotency_key)?;
    Ok((Asked { key, actor: call.actor.as_ref().clone(), dry_run: false }, command.site.clone()))
}

fn amount(money: Option<Money>) -> Result<Amount, Refusal> {
    let money = money.ok_or_else(|| Refusal::field("amount", "is missing"))?;
    Ok(Amount { minor: money.minor, currency: money.currency })
}

pub(super) fn done(made: Result<Made, CommandError>) -> Result<Done, Refusal> {
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

/// A change: what, why, and whether it is only rehearsed.
type Wanted = (Change, String, bool);

async fn change(app: &App, call: &Call, command: Option<&Command>, wanted: Wanted) -> Result<Published, Refusal> {
    let (asked, site) = asked(call, command)?;
    let served = call.site(app, &site)?;
    let (change, reason, dry_run) = wanted;
    let changed = command::change(&served.desk, Asked { dry_run, ..asked }, change, reason).await?;
    let mut events = changed.made.iter().flat_map(|made| &made.events).map(ToString::to_string);
    Ok(Published {
        change: events.next().unwrap_or_default(),
        facts: events.collect(),
        proposed: changed.proposed,
        repeated: changed.made.as_ref().is_some_and(|made| made.repeated),
        effect_json: changed.effect.map(|effect| effect.to_string()).unwrap_or_default(),
        as_of: Some(AsOf { position: changed.position, at_s: changed.at.get() }),
    })
}

fn meter(request: &ReadingRequest) -> Result<(MeterId, Instant), Refusal> {
    let meter = MeterId::try_new(&request.meter).ok_or_else(|| Refusal::field("meter", "is no id"))?;
    Ok((meter, Instant::new(request.time_s)))
}

/// A tariff version.
pub(super) async fn publish_tariff(app: &App, call: &Call, request: PublishRequest) -> Result<Published, Refusal> {
    let wanted = (Change::Tariff(request.tables), request.reason, request.dry_run);
    change(app, call, request.command.as_ref(), wanted).await
}

/// A rule's version.
pub(super) async fn publish_rule(app: &App, call: &Call, request: PublishRequest) -> Result<Published, Refusal> {
    let wanted = (Change::Rule(request.tables), request.reason, request.dry_run);
    change(app, call, request.command.as_ref(), wanted).await
}

/// Tables anew.
pub(super) async fn correct(app: &App, call: &Call, request: PublishRequest) -> Result<Published, Refusal> {
    let wanted = (Change::Correct(request.tables), request.reason, request.dry_run);
    change(app, call, request.command.as_ref(), wanted).await
}

/// Moving in or out.
pub(super) async fn record_lease(app: &App, call: &Call, request: RecordLeaseRequest) -> Result<Published, Refusal> {
    let account = AccountId::try_new(&request.account).ok_or_else(|| Refusal::field("account", "is no id"))?;
    let unit = UnitId::try_new(&request.unit).ok_or_else(|| Refusal::field("unit", "is no id"))?;
    let (from, until) = (Instant::new(request.from_s), request.until_s.map(Instant::new));
    let wanted = (Change::Lease { account, unit, from, until }, request.reason, request.dry_run);
    change(app, call, request.command.as_ref(), wanted).await
}

/// A reading out.
pub(super) async fn withdraw_reading(app: &App, call: &Call, request: ReadingRequest) -> Result<Published, Refusal> {
    let (meter, time) = meter(&request)?;
    let wanted = (Change::Withdraw(meter, time), request.reason, request.dry_run);
    change(app, call, request.command.as_ref(), wanted).await
}

/// A reading in.
pub(super) async fn release_reading(app: &App, call: &Call, request: ReadingRequest) -> Result<Published, Refusal> {
    let (meter, time) = meter(&request)?;
    let wanted = (Change::Release(meter, time), request.reason, request.dry_run);
    change(app, call, request.command.as_ref(), wanted).await
}

/// The second person.
pub(super) async fn approve(app: &App, call: &Call, request: ApproveRequest) -> Result<Published, Refusal> {
    let proposal = EventId::parse(&request.proposal).ok_or_else(|| Refusal::field("proposal", "is no event's id"))?;
    change(app, call, request.command.as_ref(), (Change::Approve(proposal), String::new(), false)).await
}
