//! `/api/v1`: the same reads and commands as every other surface, as JSON. One table has all operations; routes, access and the
//! `OpenAPI` document are made of it, so that none is without the others.
//!
//! Reading order: `table` (what there is), `ask` (what a request says), `account`, `site`, `live`;
//! `order` (what a write says), `write`; `openapi`.

mod account;
mod ask;
mod live;
mod openapi;
mod order;
mod site;
mod table;
mod write;

use std::sync::Arc;

use axum::Router;
use axum::middleware;

pub use openapi::document;
pub use table::{Method, OPERATIONS, Operation, Parameter};

use crate::serve::App;
use crate::serve::access::{Problem, admit};

/// All operations, each behind its own guard.
pub(crate) fn routes(app: &Arc<App>) -> Router<Arc<App>> {
    let add = |router: Router<Arc<App>>, operation: &Operation| {
        let guard = middleware::from_fn_with_state((Arc::clone(app), operation.access), admit);
        router.route(operation.path, (operation.handler)().route_layer(guard))
    };
    let router = OPERATIONS.iter().fold(Router::new(), add);
    router.route("/api/{*rest}", axum::routing::any(|| async { Problem::not_found() }))
}
