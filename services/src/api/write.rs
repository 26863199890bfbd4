//! What can be commanded: each is a command of `command`, with the caller as its actor.

use domain::event::{AccountId, AlarmKind, AlarmSubject, EventId, MeterId, PointId, UnitId};
use domain::quantity::Instant;
use domain::recharge::{Act, PaymentKey};

use super::ask::Ask;
use super::order::{
    AlarmOrder, Answered, LeaseOrder, MatchOrder, MoneyOrder, Order, PlainOrder, ReadingOrder, ReasonOrder,
    RechargeOrder, Rehearsed, ReturnOrder, SwitchOrder, TablesOrder, WeatherOrder,
};
use crate::command::{self, Acknowledge, Change, Post, Recharge, Refund, Resolve};
use crate::serve::access::Problem;
use crate::supply::Ask as Supply;

type Outcome = Result<Answered, Problem>;

fn named<T>(name: &str, text: &str, parse: impl Fn(&str) -> Option<T>) -> Result<T, Problem> {
    parse(text).ok_or_else(|| Problem::parameter(name, "an id of this site"))
}

fn instant(name: &str, text: &str) -> Result<Instant, Problem> {
    Instant::parse(text).map_err(|_| Problem::parameter(name, "an instant such as 2026-03-01T00:00:00Z"))
}

pub(super) async fn recharge(ask: Ask, order: Order<RechargeOrder>) -> Outcome {
    let ask = ask.takes(&[])?;
    let (asked, account, body) = (order.asked(&ask), ask.account()?, order.body);
    let order = Recharge { account, amount: body.amount.into(), reference: body.reference };
    Ok(command::recharge(&ask.site()?.desk, asked, order).await?.into())
}

pub(super) async fn refund(ask: Ask, order: Order<MoneyOrder>) -> Outcome {
    let ask = ask.takes(&[])?;
    let (asked, account, body) = (order.asked(&ask), ask.account()?, order.body);
    let order = Refund { account, amount: body.amount.into(), reference: body.reference, reason: body.reason };
    Ok(command::refund(&ask.site()?.desk, asked, order).await?.into())
}

pub(super) async fn post(ask: Ask, order: Order<MoneyOrder>) -> Outcome {
    let ask = ask.takes(&[])?;
    let (asked, account, body) = (order.asked(&ask), ask.account()?, order.body);
    let order = Post { account, amount: body.amount.into(), reference: body.reference, reason: body.reason };
    Ok(command::post(&ask.site()?.desk, asked, order).await?.into())
}

async fn change<T: Rehearsed>(ask: Ask, order: &Order<T>, change: Change, reason: &str) -> Outcome {
    let ask = ask.takes(&[])?;
    Ok(command::change(&ask.site()?.desk, order.asked(&ask), change, reason.to_owned()).await?.into())
}

pub(super) async fn tariff(ask: Ask, order: Order<TablesOrder>) -> Outcome {
    change(ask, &order, Change::Tariff(order.body.tables.clone()), &order.body.reason).await
}

pub(super) async fn rule(ask: Ask, order: Order<TablesOrder>) -> Outcome {
    change(ask, &order, Change::Rule(order.body.tables.clone()), &order.body.reason).await
}

pub(super) async fn correct(ask: Ask, order: Order<TablesOrder>) -> Outcome {
    change(ask, &order, Change::Correct(order.body.tables.clone()), &order.body.reason).await
}

pub(super) async fn lease(ask: Ask, order: Order<LeaseOrder>) -> Outcome {
    let body = &order.body;
    let lease = Change::Lease {
        account: named("account", &body.account, AccountId::try_new)?,
        unit: named("unit", &body.unit, UnitId::try_new)?,
        from: instant("from", &body.from)?,
        until: body.until.as_deref().map(|text| instant("until", text)).transpose()?,
    };
    change(ask, &order, lease, &body.reason).await
}

fn reading(body: &ReadingOrder) -> Result<(MeterId, Instant), Problem> {
    Ok((named("meter", &body.meter, MeterId::try_new)?, instant("time", &body.time)?))
}

pub(super) async fn withdraw(ask: Ask, order: Order<ReadingOrder>) -> Outcome {
    let (meter, time) = reading(&order.body)?;
    change(ask, &order, Change::Withdraw(meter, time), &order.body.reason).await
}

pub(super) async fn release(ask: Ask, order: Order<ReadingOrder>) -> Outcome {
    let (meter, time) = reading(&order.body)?;
    change(ask, &order, Change::Release(meter, time), &order.body.reason).await
}

pub(super) async fn approve(ask: Ask, order: Order<PlainOrder>) -> Outcome {
    let proposal = ask.part("proposal", EventId::parse)?;
    change(ask, &order, Change::Approve(proposal), "").await
}

async fn supply<T: Rehearsed>(ask: Ask, order: &Order<T>, said: Supply) -> Outcome {
    let ask = ask.takes(&[])?;
    Ok(command::supply(&ask.site()?.desk, order.asked(&ask), said).await?.into())
}

pub(super) async fn switch(ask: Ask, order: Order<SwitchOrder>) -> Outcome {
    let (point, to, reason) = (ask.part("point", PointId::try_new)?, order.body.to, order.body.reason.clone());
    supply(ask, &order, Supply::Switch { point, to, reason }).await
}

pub(super) async fn approve_switch(ask: Ask, order: Order<PlainOrder>) -> Outcome {
    let point = ask.part("point", PointId::try_new)?;
    supply(ask, &order, Supply::Approve { point }).await
}

pub(super) async fn confirm(ask: Ask, order: Order<PlainOrder>) -> Outcome {
    let point = ask.part("point", PointId::try_new)?;
    supply(ask, &order, Supply::Confirm { point }).await
}

pub(super) async fn protect(ask: Ask, order: Order<ReasonOrder>) -> Outcome {
    let (point, reason) = (ask.part("point", PointId::try_new)?, order.body.reason.clone());
    supply(ask, &order, Supply::Protect { point, reason }).await
}

pub(super) async fn unprotect(ask: Ask, order: Order<ReasonOrder>) -> Outcome {
    let (point, reason) = (ask.part("point", PointId::try_new)?, order.body.reason.clone());
    supply(ask, &order, Supply::Unprotect { point, reason }).await
}

pub(super) async fn open_dispute(ask: Ask, order: Order<ReasonOrder>) -> Outcome {
    let (account, reason) = (ask.account()?, order.body.reason.clone());
    supply(ask, &order, Supply::OpenDispute { account, reason }).await
}

pub(super) async fn close_dispute(ask: Ask, order: Order<ReasonOrder>) -> Outcome {
    let (account, reason) = (ask.account()?, order.body.reason.clone());
    supply(ask, &order, Supply::CloseDispute { account, reason }).await
}

pub(super) async fn weather(ask: Ask, order: Order<WeatherOrder>) -> Outcome {
    let (until, reason) = (instant("until", &order.body.until)?, order.body.reason.clone());
    supply(ask, &order, Supply::Weather { until, reason }).await
}

pub(super) async fn acknowledge(ask: Ask, order: Order<AlarmOrder>) -> Outcome {
    let ask = ask.takes(&[])?;
    let asked = order.asked(&ask);
    let AlarmOrder { kind, about, note, .. } = order.body;
    let kind = AlarmKind::of_name(&kind).ok_or_else(|| Problem::parameter("kind", "a kind of alarm"))?;
    let about = AlarmSubject::try_from(about).map_err(|wanted| Problem::parameter("about", wanted))?;
    Ok(command::acknowledge(&ask.site()?.desk, asked, Acknowledge { kind, about, note }).await?.into())
}

fn payment(text: &str) -> Result<PaymentKey, Problem> {
    PaymentKey::parse(text).ok_or_else(|| Problem::parameter("payment", "gateway and id, such as stripe:pi_1"))
}

pub(super) async fn match_payment(ask: Ask, order: Order<MatchOrder>) -> Outcome {
    let ask = ask.takes(&[])?;
    let (asked, body) = (order.asked(&ask), order.body);
    let act = Act::Match(named("account", &body.account, AccountId::try_new)?);
    let order = Resolve { payment: payment(&body.payment)?, act, reason: body.reason };
    Ok(command::resolve(&ask.site()?.desk, asked, order).await?.into())
}

pub(super) async fn return_payment(ask: Ask, order: Order<ReturnOrder>) -> Outcome {
    let ask = ask.takes(&[])?;
    let (asked, body) = (order.asked(&ask), order.body);
    let order = Resolve { payment: payment(&body.payment)?, act: Act::Return, reason: body.reason };
    Ok(command::resolve(&ask.site()?.desk, asked, order).await?.into())
}
