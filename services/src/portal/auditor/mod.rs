//! What an auditor looks at: how a day was split, how a line came about, whether the log still says what was
//! decided, and who changed what and why. Nothing here writes.

mod audit;
mod bundle;
mod changes;
mod known;

use std::sync::Arc;

use axum::Router;
use axum::routing::get;

use crate::serve::App;

/// The pages of an auditor.
pub(super) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/site/{site}/audit", get(audit::page).post(audit::replay))
        .route("/site/{site}/audit/bundle", get(bundle::download))
        .route("/site/{site}/audit/known", get(known::page))
        .route("/site/{site}/audit/changes", get(changes::page))
}
