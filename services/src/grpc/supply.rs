//! Supply, alarms and payments in suspense: what is said in protobuf, as the commands of `command`.

use domain::event::{AccountId, AlarmKind, AlarmSubject, OutputState, PointId};
use domain::quantity::Instant;
use domain::recharge::{Act, PaymentKey};
use proto::v1::{
    AlarmRequest, Command, DisputeRequest, Done, PaymentRequest, PointRequest, SupplyState, SwitchSupplyRequest,
    WeatherRequest,
};

use super::access::Call;
use super::ledger::{asked, done};
use super::refusal::Refusal;
use crate::command::{self, Acknowledge, Asked, Resolve};
use crate::serve::App;
use crate::supply::Ask;

fn point(text: &str) -> Result<PointId, Refusal> {
    PointId::try_new(text).ok_or_else(|| Refusal::field("point", "is no id"))
}

async fn say(app: &App, call: &Call, command: Option<&Command>, dry_run: bool, ask: Ask) -> Result<Done, Refusal> {
    let (asked, site) = asked(call, command)?;
    let served = call.site(app, &site)?;
    done(command::supply(&served.desk, Asked { dry_run, ..asked }, ask).await)
}

/// Supply is to go, or to come back.
pub(super) async fn switch(app: &App, call: &Call, request: SwitchSupplyRequest) -> Result<Done, Refusal> {
    let to = match request.to() {
        SupplyState::Connected => OutputState::Connected,
        SupplyState::Disconnected => OutputState::Disconnected,
        SupplyState::Unspecified => return Err(Refusal::field("to", "is missing")),
    };
    let ask = Ask::Switch { point: point(&request.point)?, to, reason: request.reason };
    say(app, call, request.command.as_ref(), request.dry_run, ask).await
}

/// The second person.
pub(super) async fn approve(app: &App, call: &Call, request: PointRequest) -> Result<Done, Refusal> {
    let ask = Ask::Approve { point: point(&request.point)? };
    say(app, call, request.command.as_ref(), request.dry_run, ask).await
}

/// Supply may come back.
pub(super) async fn confirm(app: &App, call: &Call, request: PointRequest) -> Result<Done, Refusal> {
    let ask = Ask::Confirm { point: point(&request.point)? };
    say(app, call, request.command.as_ref(), request.dry_run, ask).await
}

/// Never cut from now on.
pub(super) async fn protect(app: &App, call: &Call, request: PointRequest) -> Result<Done, Refusal> {
    let ask = Ask::Protect { point: point(&request.point)?, reason: request.reason };
    say(app, call, request.command.as_ref(), request.dry_run, ask).await
}

/// As others again.
pub(super) async fn unprotect(app: &App, call: &Call, request: PointRequest) -> Result<Done, Refusal> {
    let ask = Ask::Unprotect { point: point(&request.point)?, reason: request.reason };
    say(app, call, request.command.as_ref(), request.dry_run, ask).await
}

type Dispute = fn(AccountId, String) -> Ask;

async fn dispute(app: &App, call: &Call, request: DisputeRequest, ask: Dispute) -> Result<Done, Refusal> {
    let (asked, site) = asked(call, request.command.as_ref())?;
    let (served, account) = call.account(app, &site, &request.account)?;
    let asked = Asked { dry_run: request.dry_run, ..asked };
    done(command::supply(&served.desk, asked, ask(account, request.reason)).await)
}

/// An account complains.
pub(super) async fn open_dispute(app: &App, call: &Call, request: DisputeRequest) -> Result<Done, Refusal> {
    dispute(app, call, request, |account, reason| Ask::OpenDispute { account, reason }).await
}

/// Its complaint is settled.
pub(super) async fn close_dispute(app: &App, call: &Call, request: DisputeRequest) -> Result<Done, Refusal> {
    dispute(app, call, request, |account, reason| Ask::CloseDispute { account, reason }).await
}

/// Nobody is cut off in this weather.
pub(super) async fn weather(app: &App, call: &Call, request: WeatherRequest) -> Result<Done, Refusal> {
    let ask = Ask::Weather { until: Instant::new(request.until_s), reason: request.reason };
    say(app, call, request.command.as_ref(), request.dry_run, ask).await
}

/// Somebody sees to an alarm.
pub(super) async fn acknowledge(app: &App, call: &Call, request: AlarmRequest) -> Result<Done, Refusal> {
    let (asked, site) = asked(call, request.command.as_ref())?;
    let served = call.site(app, &site)?;
    let kind = AlarmKind::of_name(&request.kind).ok_or_else(|| Refusal::field("kind", "is no kind of alarm"))?;
    let about = AlarmSubject::try_from(request.about).map_err(|wanted| Refusal::field("about", wanted))?;
    let order = Acknowledge { kind, about, note: request.note };
    done(command::acknowledge(&served.desk, Asked { dry_run: request.dry_run, ..asked }, order).await)
}

async fn resolve(app: &App, call: &Call, request: PaymentRequest, act: Act) -> Result<Done, Refusal> {
    let (asked, site) = asked(call, request.command.as_ref())?;
    let served = call.site(app, &site)?;
    let payment = PaymentKey::parse(&request.payment);
    let payment = payment.ok_or_else(|| Refusal::field("payment", "is none: write gateway and id, as stripe:pi_1"))?;
    let order = Resolve { payment, act, reason: request.reason };
    done(command::resolve(&served.desk, Asked { dry_run: request.dry_run, ..asked }, order).await)
}

/// A payment in suspense is an account's.
pub(super) async fn match_payment(app: &App, call: &Call, request: PaymentRequest) -> Result<Done, Refusal> {
    let account = AccountId::try_new(&request.account).ok_or_else(|| Refusal::field("account", "is no id"))?;
    resolve(app, call, request, Act::Match(account)).await
}

/// A payment in suspense goes back.
pub(super) async fn return_payment(app: &App, call: &Call, request: PaymentRequest) -> Result<Done, Refusal> {
    resolve(app, call, request, Act::Return).await
}
