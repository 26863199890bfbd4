//! The services as tonic sees them: each method takes its call, and answers.

use std::sync::Arc;

use domain::quantity::Instant;
use futures_util::StreamExt as _;
use proto::v1::audit_server::Audit;
use proto::v1::balance_server::Balance;
use proto::v1::bills_server::Bills;
use proto::v1::consumption_server::Consumption;
use proto::v1::export_server::Export;
use proto::v1::ledger_server::Ledger;
use proto::v1::{
    AccountBalance, AlarmRequest, AllocationRequest, ApproveRequest, Bill, ChangesRequest, Chunk, CurveReply,
    CurveRequest, DisputeRequest, Document, Done, ExplainRequest, ExportRequest, GetBalanceRequest, GetBillRequest,
    ListBillsReply, ListBillsRequest, PaymentRequest, PaymentsRequest, PointRequest, PostRequest, ProofReply,
    ProofRequest, PublishRequest, Published, ReadingRequest, RechargeRequest, RecordLeaseRequest, RefundRequest,
    ReplayReply, ReplayRequest, RootReply, RootRequest, SwitchSupplyRequest, WatchBalanceRequest,
    WatchConsumptionRequest, WeatherRequest,
};
use tokio::sync::watch;
use tonic::{Request, Response, Status};

use super::access::{Call, Gate};
use super::refusal::Refusal;
use super::stream::{Answers, Follow, deadline, followed};
use super::{audit, balance, bills, consumption, export, ledger, supply};
use crate::query::QueryError;
use crate::serve::App;

/// What every service has.
#[derive(Clone)]
pub(super) struct Service {
    pub(super) app: Arc<App>,
    pub(super) gate: Arc<Gate>,
    pub(super) stopping: watch::Receiver<bool>,
}

/// The call that was let in. Without one nothing is answered.
fn call<T>(request: &Request<T>) -> Result<Call, Refusal> {
    request.extensions().get::<Call>().cloned().ok_or_else(Refusal::no_token)
}

impl Service {
    /// What a stream needs, if its caller may.
    fn follow<T>(&self, request: &Request<T>, of: fn(&T) -> (&String, &String)) -> Result<Follow, Refusal> {
        let call = call(request)?;
        let (site, account) = of(request.get_ref());
        let (served, account) = call.account(&self.app, site, account)?;
        let (desk, gate, stopping) = (served.desk.clone(), Arc::clone(&self.gate), self.stopping.clone());
        Ok(Follow { gate, call, desk, account, stopping, deadline: deadline(request.metadata()) })
    }
}

/// An answer that is found without waiting.
macro_rules! answer {
    ($self:ident, $request:ident, $function:path) => {{
        let call = call(&$request)?;
        Ok(Response::new($function(&$self.app, &call, $request.get_ref())?))
    }};
}

/// An answer that is waited for.
macro_rules! waited {
    ($self:ident, $request:ident, $function:path) => {{
        let call = call(&$request)?;
        Ok(Response::new($function(&$self.app, &call, $request.into_inner()).await?))
    }};
}

#[tonic::async_trait]
impl Balance for Service {
    async fn get(&self, request: Request<GetBalanceRequest>) -> Result<Response<AccountBalance>, Status> {
        answer!(self, request, balance::get)
    }

    type WatchStream = Answers<AccountBalance>;

    async fn watch(&self, request: Request<WatchBalanceRequest>) -> Result<Response<Self::WatchStream>, Status> {
        let follow = self.follow(&request, |request| (&request.site, &request.account))?;
        let of = follow.account.clone();
        let shown = |one: &AccountBalance| (one.balance.clone(), one.remaining_mwh, one.days_left_tenths);
        let answers = followed(follow, move |moment, last| {
            let now = balance::of(&of, moment)?;
            Ok(last.is_none_or(|last: &AccountBalance| shown(last) != shown(&now)).then_some(now))
        });
        Ok(Response::new(answers))
    }
}

#[tonic::async_trait]
impl Ledger for Service {
    async fn recharge(&self, request: Request<RechargeRequest>) -> Result<Response<Done>, Status> {
        waited!(self, request, ledger::recharge)
    }

    async fn refund(&self, request: Request<RefundRequest>) -> Result<Response<Done>, Status> {
        waited!(self, request, ledger::refund)
    }

    async fn post(&self, request: Request<PostRequest>) -> Result<Response<Done>, Status> {
        waited!(self, request, ledger::post)
    }

    async fn publish_tariff(&self, request: Request<PublishRequest>) -> Result<Response<Published>, Status> {
        waited!(self, request, ledger::publish_tariff)
    }

    async fn publish_rule(&self, request: Request<PublishRequest>) -> Result<Response<Published>, Status> {
        waited!(self, request, ledger::publish_rule)
    }

    async fn record_lease(&self, request: Request<RecordLeaseRequest>) -> Result<Response<Published>, Status> {
        waited!(self, request, ledger::record_lease)
    }

    async fn correct(&self, request: Request<PublishRequest>) -> Result<Response<Published>, Status> {
        waited!(self, request, ledger::correct)
    }

    async fn withdraw_reading(&self, request: Request<ReadingRequest>) -> Result<Response<Published>, Status> {
        waited!(self, request, ledger::withdraw_reading)
    }

    async fn release_reading(&self, request: Request<ReadingRequest>) -> Result<Response<Published>, Status> {
        waited!(self, request, ledger::release_reading)
    }

    async fn approve(&self, request: Request<ApproveRequest>) -> Result<Response<Published>, Status> {
        waited!(self, request, ledger::approve)
    }

    async fn switch_supply(&self, request: Request<SwitchSupplyRequest>) -> Result<Response<Done>, Status> {
        waited!(self, request, supply::switch)
    }

    async fn approve_supply(&self, request: Request<PointRequest>) -> Result<Response<Done>, Status> {
        waited!(self, request, supply::approve)
    }

    async fn confirm_supply(&self, request: Request<PointRequest>) -> Result<Response<Done>, Status> {
        waited!(self, request, supply::confirm)
    }

    async fn protect_point(&self, request: Request<PointRequest>) -> Result<Response<Done>, Status> {
        waited!(self, request, supply::protect)
    }

    async fn unprotect_point(&self, request: Request<PointRequest>) -> Result<Response<Done>, Status> {
        waited!(self, request, supply::unprotect)
    }

    async fn open_dispute(&self, request: Request<DisputeRequest>) -> Result<Response<Done>, Status> {
        waited!(self, request, supply::open_dispute)
    }

    async fn close_dispute(&self, request: Request<DisputeRequest>) -> Result<Response<Done>, Status> {
        waited!(self, request, supply::close_dispute)
    }

    async fn hold_weather(&self, request: Request<WeatherRequest>) -> Result<Response<Done>, Status> {
        waited!(self, request, supply::weather)
    }

    async fn acknowledge_alarm(&self, request: Request<AlarmRequest>) -> Result<Response<Done>, Status> {
        waited!(self, request, supply::acknowledge)
    }

    async fn match_payment(&self, request: Request<PaymentRequest>) -> Result<Response<Done>, Status> {
        waited!(self, request, supply::match_payment)
    }

    async fn return_payment(&self, request: Request<PaymentRequest>) -> Result<Response<Done>, Status> {
        waited!(self, request, supply::return_payment)
    }
}

#[tonic::async_trait]
impl Audit for Service {
    async fn root(&self, request: Request<RootRequest>) -> Result<Response<RootReply>, Status> {
        answer!(self, request, audit::root)
    }

    async fn allocation(&self, request: Request<AllocationRequest>) -> Result<Response<Document>, Status> {
        waited!(self, request, audit::allocation)
    }

    async fn changes(&self, request: Request<ChangesRequest>) -> Result<Response<Document>, Status> {
        waited!(self, request, audit::changes)
    }

    async fn replay(&self, request: Request<ReplayRequest>) -> Result<Response<ReplayReply>, Status> {
        waited!(self, request, audit::replay)
    }

    async fn proof(&self, request: Request<ProofRequest>) -> Result<Response<ProofReply>, Status> {
        waited!(self, request, audit::proof)
    }
}

#[tonic::async_trait]
impl Bills for Service {
    async fn list(&self, request: Request<ListBillsRequest>) -> Result<Response<ListBillsReply>, Status> {
        waited!(self, request, bills::list)
    }

    async fn get(&self, request: Request<GetBillRequest>) -> Result<Response<Bill>, Status> {
        waited!(self, request, bills::get)
    }

    async fn explain(&self, request: Request<ExplainRequest>) -> Result<Response<Document>, Status> {
        waited!(self, request, bills::explain)
    }

    async fn payments(&self, request: Request<PaymentsRequest>) -> Result<Response<Document>, Status> {
        waited!(self, request, bills::payments)
    }

    async fn proof(&self, request: Request<ProofRequest>) -> Result<Response<ProofReply>, Status> {
        waited!(self, request, bills::proof)
    }
}

#[tonic::async_trait]
impl Consumption for Service {
    async fn curve(&self, request: Request<CurveRequest>) -> Result<Response<CurveReply>, Status> {
        waited!(self, request, consumption::curve)
    }

    type WatchStream = Answers<CurveReply>;

    async fn watch(&self, request: Request<WatchConsumptionRequest>) -> Result<Response<Self::WatchStream>, Status> {
        let follow = self.follow(&request, |request| (&request.site, &request.account))?;
        let (desk, account) = (follow.desk.clone(), follow.account.clone());
        let known = desk.moment().premises.accounts.contains_key(&account);
        if !known {
            return Err(Refusal::from(QueryError::UnknownAccount(account)).into());
        }
        let readings = followed(follow, |moment, last: Option<&Option<Instant>>| {
            let newest = moment.newest_reading;
            Ok(last.is_none_or(|last| *last != newest).then_some(newest))
        });
        let answers = readings.then(move |reading| {
            let (desk, account) = (desk.clone(), account.clone());
            async move {
                reading?;
                Ok(consumption::last_hour(&desk, account).await?)
            }
        });
        Ok(Response::new(Box::pin(answers)))
    }
}

#[tonic::async_trait]
impl Export for Service {
    type GetStream = Answers<Chunk>;

    async fn get(&self, request: Request<ExportRequest>) -> Result<Response<Self::GetStream>, Status> {
        waited!(self, request, export::get)
    }
}
