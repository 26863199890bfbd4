//! What an auditor reads.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use domain::event::{AccountId, EventId, PoolId, hex};
use domain::quantity::{Date, Instant};
use proto::v1::{
    AllocationRequest, AsOf, ChangesRequest, ConsistencyProof, Difference, Document, InclusionProof, ProofReply,
    ProofRequest, ReplayReply, ReplayRequest, RootReply, RootRequest,
};

use super::access::Call;
use super::bills::{as_of, json, read};
use super::refusal::Refusal;
use crate::query::{self, ProofAsk, Which};
use crate::serve::{App, ServedSite};

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
    let asked = move |view: query::View<'_>| Ok((query::allocation(&view, &pool, day)?, as_of(&view)));
    let (allocation, as_of) = read(served, &request.known_at, asked).await?;
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

/// That an event is in the tree, and that the tree grew out of an older one.
pub(crate) async fn proof(app: &App, call: &Call, request: ProofRequest) -> Result<ProofReply, Refusal> {
    let served = call.site(app, &request.site)?;
    let account = Some(request.account.as_str()).filter(|text| !text.is_empty());
    let account = account.map(|text| AccountId::try_new(text).ok_or_else(|| Refusal::field("account", "is no id")));
    proven(served, &request, account.transpose()?).await
}

/// A proof of an event; with an account, of one of its own.
pub(super) async fn proven(
    served: &ServedSite,
    request: &ProofRequest,
    account: Option<AccountId>,
) -> Result<ProofReply, Refusal> {
    let by_id = Some(request.event.as_str()).filter(|text| !text.is_empty());
    let by_id = by_id.map(|text| EventId::parse(text).ok_or_else(|| Refusal::field("event", "is no event's id")));
    let by_position = Some(request.position).filter(|position| *position > 0).map(Which::Position);
    let event = match (by_id.transpose()?, by_position) {
        (Some(_), Some(_)) => return Err(Refusal::field("event", "is named twice: leave position or event out")),
        (Some(id), None) => Some(Which::Id(id)),
        (None, position) => position,
    };
    let size = Some(request.size).filter(|size| *size > 0);
    let found = query::proof(served, ProofAsk { event, size, since: request.since_size, account }).await?;
    let inclusion = found.event.map(|one| InclusionProof {
        position: one.position,
        event: one.id,
        kind: one.kind,
        leaf: one.leaf,
        content: one.bytes.and_then(|text| BASE64_STANDARD.decode(text).ok()),
        path: one.path,
    });
    let older = |one: query::Growth| ConsistencyProof { size: one.size, root: one.root, path: one.path };
    let consistency = found.growth.map(older);
    Ok(ProofReply { site: found.site, size: found.size, root: found.root, inclusion, consistency })
}
