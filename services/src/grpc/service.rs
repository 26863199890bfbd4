//! The services as tonic sees them: each method takes its call, and answers.

use std::sync::Arc;

use proto::v1::audit_server::Audit;
use proto::v1::balance_server::Balance;
use proto::v1::bills_server::Bills;
use proto::v1::consumption_server::Consumption;
use proto::v1::export_server::Export;
use proto::v1::ledger_server::Ledger;
use proto::v1::{
    AccountBalance, AllocationRequest, ApproveRequest, Bill, ChangesRequest, Chunk, CurveReply, CurveRequest, Document,
    Done, ExplainRequest, ExportRequest, GetBalanceRequest, GetBillRequest, ListBillsReply, ListBillsRequest,
    PostRequest, PublishRequest, Published, ReadingRequest, RechargeRequest, RecordLeaseRequest, RefundRequest,
    ReplayReply, ReplayRequest, RootReply, RootRequest, WatchBalanceRequest, WatchConsumptionRequest,
};
use tokio::sync::watch;
use tonic::{Request, Response, Status};

use super::access::{Call, Gate};
use super::refusal::{Kind, Refusal};
use super::stream::{Answers, Follow, deadline, follow};
use super::{audit, balance, ledger};
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

fn not_yet<T>() -> Result<Response<T>, Status> {
    Err(Refusal::new(Kind::Unserved, "METHOD_UNKNOWN", "not served by this version").into())
}

/// An answer that is found without waiting.
macro_rules! answer {
    ($self:ident, $request:ident, $function:path) => {{
        let call = call(&$request)?;
        Ok(Response::new($function(&$self.app, &call, $request.get_ref())?))
    }};
}

/// A command.
macro_rules! command {
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
        let call = call(&request)?;
        let (served, account) = call.account(&self.app, &request.get_ref().site, &request.get_ref().account)?;
        let (desk, gate, stopping) = (served.desk.clone(), Arc::clone(&self.gate), self.stopping.clone());
        let site = desk.site().clone();
        let of = account.clone();
        let deadline = deadline(request.metadata());
        let shown = |one: &AccountBalance| (one.balance.clone(), one.remaining_mwh, one.days_left_tenths);
        let answers = follow(Follow { gate, call, desk, account, stopping, deadline }, move |moment, last| {
            let now = balance::of(&site, &of, moment)?;
            Ok(last.is_none_or(|last: &AccountBalance| shown(last) != shown(&now)).then_some(now))
        });
        Ok(Response::new(answers))
    }
}

#[tonic::async_trait]
impl Ledger for Service {
    async fn recharge(&self, request: Request<RechargeRequest>) -> Result<Response<Done>, Status> {
        command!(self, request, ledger::recharge)
    }

    async fn refund(&self, request: Request<RefundRequest>) -> Result<Response<Done>, Status> {
        command!(self, request, ledger::refund)
    }

    async fn post(&self, request: Request<PostRequest>) -> Result<Response<Done>, Status> {
        command!(self, request, ledger::post)
    }

    async fn publish_tariff(&self, _: Request<PublishRequest>) -> Result<Response<Published>, Status> {
        not_yet()
    }

    async fn publish_rule(&self, _: Request<PublishRequest>) -> Result<Response<Published>, Status> {
        not_yet()
    }

    async fn record_lease(&self, _: Request<RecordLeaseRequest>) -> Result<Response<Published>, Status> {
        not_yet()
    }

    async fn correct(&self, _: Request<PublishRequest>) -> Result<Response<Published>, Status> {
        not_yet()
    }

    async fn withdraw_reading(&self, _: Request<ReadingRequest>) -> Result<Response<Published>, Status> {
        not_yet()
    }

    async fn release_reading(&self, _: Request<ReadingRequest>) -> Result<Response<Published>, Status> {
        not_yet()
    }

    async fn approve(&self, _: Request<ApproveRequest>) -> Result<Response<Published>, Status> {
        not_yet()
    }
}

#[tonic::async_trait]
impl Audit for Service {
    async fn root(&self, request: Request<RootRequest>) -> Result<Response<RootReply>, Status> {
        answer!(self, request, audit::root)
    }

    async fn allocation(&self, _: Request<AllocationRequest>) -> Result<Response<Document>, Status> {
        not_yet()
    }

    async fn changes(&self, _: Request<ChangesRequest>) -> Result<Response<Document>, Status> {
        not_yet()
    }

    async fn replay(&self, _: Request<ReplayRequest>) -> Result<Response<ReplayReply>, Status> {
        not_yet()
    }
}

#[tonic::async_trait]
impl Bills for Service {
    async fn list(&self, _: Request<ListBillsRequest>) -> Result<Response<ListBillsReply>, Status> {
        not_yet()
    }

    async fn get(&self, _: Request<GetBillRequest>) -> Result<Response<Bill>, Status> {
        not_yet()
    }

    async fn explain(&self, _: Request<ExplainRequest>) -> Result<Response<Document>, Status> {
        not_yet()
    }
}

#[tonic::async_trait]
impl Consumption for Service {
    async fn curve(&self, _: Request<CurveRequest>) -> Result<Response<CurveReply>, Status> {
        not_yet()
    }

    type WatchStream = Answers<CurveReply>;

    async fn watch(&self, _: Request<WatchConsumptionRequest>) -> Result<Response<Self::WatchStream>, Status> {
        not_yet()
    }
}

#[tonic::async_trait]
impl Export for Service {
    type GetStream = Answers<Chunk>;

    async fn get(&self, _: Request<ExportRequest>) -> Result<Response<Self::GetStream>, Status> {
        not_yet()
    }
}
