//! What an auditor reads.

use domain::event::hex;
use domain::quantity::Instant;
use proto::v1::{AsOf, RootReply, RootRequest};

use super::access::Call;
use super::refusal::Refusal;
use crate::serve::App;

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
