//! What an auditor reads.

use domain::event::{PoolId, hex};
use domain::quantity::{Date, Instant};
use proto::v1::{
    AllocationRequest, AsOf, ChangesRequest, Difference, Document, ReplayReply, ReplayRequest, RootReply, RootRequest,
};

use super::access::Call;
use super::bills::{as_of, json};
use super::refusal::Refusal;
use crate::query;
use crate::serve::App;

/// Changes of one answer, where the caller does not say.
const SOME: usize = 100;
/// The most.
const MOST: usize = 1_000;

/// Position and root.
pub(crate) fn root(app: &App, call: &Call, request: &RootRequest) -> Result<RootReply, Refusal> {
    let served = call.site(app, &request.site)?;
    let moment = served.desk.moment();
    Ok(RootReply {
        site: served.desk.site().to_string(),
        root: hex(&moment.root),
        as_of: Some(AsOf { position: moment.position, at_s: moment.at.get() }),
        received_s: moment.received.map(Instant::get),
    })
}

/// A pool's day, with every weight.
pub(crate) async fn allocation(app: &App, call: &Call, request: AllocationRequest) -> Result<Document, Refusal> {
    let served = call.site(app, &request.site)?;
    let pool = PoolId::try_new(&request.pool).ok_or_else(|| Refusal::field("pool", "is no id"))?;
    let day = Date::parse(&request.day).ok_or_else(|| Refusal::field("day", "is none: write it as 2026-03-29"))?;
    let found = query::read(&served.desk, move |view| Ok((query::allocation(&view, &pool, day)?, as_of(&view)))).await;
    let (allocation, as_of) = found?;
    Ok(Document { as_of: Some(as_of), json: json(&allocation)? })
}

/// Who changed what.
pub(crate) async fn changes(app: &App, call: &Call, request: ChangesRequest) -> Result<Document, Refusal> {
    let served = call.site(app, &request.site)?;
    let moment = served.desk.moment();
    let most = usize::try_from(request.limit).ok().filter(|limit| *limit > 0).unwrap_or(SOME).min(MOST);
    let before = Some(request.before).filter(|before| *before > 0);
    let rows = query::changes(served, before, most).await?;
    let as_of = AsOf { position: moment.position, at_s: moment.at.get() };
    Ok(Document { as_of: Some(as_of), json: json(&rows)? })
}

/// Every decision derived anew and compared.
pub(crate) async fn replay(app: &App, call: &Call, request: ReplayRequest) -> Result<ReplayReply, Refusal> {
    let served = call.site(app, &request.site)?;
    let found = query::replay(served).await?;
    let differences = found.shown.into_iter().map(|one| Difference {
        position: one.position,
        run: one.run,
        what: one.what,
        recorded: one.recorded,
        recomputed: one.recomputed,
    });
    Ok(ReplayReply {
        facts: found.facts,
        decisions: found.decisions,
        runs: found.runs,
        differing: u64::try_from(found.differences).unwrap_or(u64::MAX),
        differences: differences.collect(),
    })
}
