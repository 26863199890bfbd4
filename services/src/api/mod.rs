//! `/api/v1`: the same reads and commands as every other surface, as JSON. One table has all operations; routes, access and the
//! `OpenAPI` document are made of it, so that none is without the others.
//!
//! Reading order: `table` (what there is), `ask` (what a request says), `account`, `site`, `live`, `export`;
//! `order` (what a write says), `write`; `openapi`.

mod account;
mod ask;
mod export;
mod live;
mod openapi;
mod order;
mod site;
mod table;
mod write;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::header::{
    AUTHORIZATION, CONTENT_DISPOSITION, CONTENT_TYPE, ETAG, HeaderName, HeaderValue, IF_NONE_MATCH, RETRY_AFTER,
};
use axum::middleware;
use tower_http::cors::CorsLayer;

pub use openapi::document;
pub use table::{Method, OPERATIONS, Operation, Parameter};

use crate::serve::App;
use crate::serve::access::{Problem, admit};

/// All operations, each behind its own guard.
pub(crate) fn routes(app: &Arc<App>, origins: &[HeaderValue]) -> Router<Arc<App>> {
    let add = |router: Router<Arc<App>>, operation: &Operation| {
        let guard = middleware::from_fn_with_state((Arc::clone(app), operation.access), admit);
        router.route(operation.path, (operation.handler)().route_layer(guard))
    };
    let router = OPERATIONS.iter().fold(Router::new(), add);
    let router = router.route("/api/{*rest}", axum::routing::any(|| async { Problem::not_found() }));
    if origins.is_empty() { router } else { router.layer(cors(origins)) }
}

/// Pages of these origins may ask with a token; a cookie never comes along.
fn cors(origins: &[HeaderValue]) -> CorsLayer {
    CorsLayer::new()
        .allow_origin(origins.to_vec())
        .allow_methods([axum::http::Method::GET, axum::http::Method::POST])
        .allow_headers([AUTHORIZATION, CONTENT_TYPE, IF_NONE_MATCH, HeaderName::from_static(order::KEY)])
        .expose_headers([ETAG, CONTENT_DISPOSITION, RETRY_AFTER, HeaderName::from_static(order::REPLAYED)])
        .max_age(Duration::from_secs(600))
}
