//! The portal: pages for tenants, managers and auditors, written by the server, that
//! work without script and are live with it.
//!
//! Reading order: `words` (what is said, in which language), `show` (how quantities
//! look), `page` (the frame), `visit` (who asks), `error`, `sign_in`, `start`, `chart`, `assets`,
//! then a folder for each audience: `tenant` (one account), `site` (all of a site), and beside it
//! `manager`, `auditor` and `clerk`, whose pages are cards of `sheet` with the forms of `act`.
//!
//! # How a page is made
//!
//! 1. A handler takes a `Visit`, and asks it for what it may see:
//!    `visit.account(site, account, permission)` or `visit.site(site, permission)`. What may
//!    not be seen is answered as what is not there.
//! 2. It reads by `services/src/query/`, so that every surface shows the same numbers:
//!    of the desk's moment without waiting, or in a turn by `query::read`.
//! 3. It fills a template of `services/templates/AUDIENCE/` that extends `layout.html` and has a
//!    `frame`; parts that are sent alone (by SSE) are templates with a `language`.
//! 4. `page(status, &template)` answers, with the headers that all pages have.
//!
//! Routes are literals (a path, with its `get` and `post`): `tests/tests/portal_access.rs` finds them in the source and
//! walks them with every role and what is foreign; a new `{name}` of a path needs a value there.
//!
//! Words go to `services/locales/LANGUAGE/AUDIENCE.ftl`, in every language; a test finds what is
//! missing. There is no script or style in a page: `portal.js` and `portal.css` hold all of it.
//! An audience has a module with `routes()`, merged below, and its places in the navigation; a
//! page for managers, auditors or finance is a sibling of `site` that takes `site::frame`.

mod act;
mod assets;
mod auditor;
mod chart;
mod clerk;
mod error;
mod manager;
mod page;
mod sheet;
mod show;
mod sign_in;
mod site;
mod start;
mod tenant;
mod visit;
mod words;

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::{get, post};
use tower_http::compression::CompressionLayer;

use crate::serve::App;
use error::Fault;
use visit::{Reader, set_cookie, switched};

/// All pages, and what they load.
pub fn routes() -> Router<Arc<App>> {
    let pages = Router::new()
        .route("/", get(start::start))
        .route("/sign-in", get(sign_in::form).post(sign_in::sign_in))
        .route("/link/{secret}", get(sign_in::link).post(sign_in::redeem))
        .route("/sign-out", post(sign_in::sign_out))
        .merge(tenant::routes())
        .merge(site::routes())
        .merge(manager::routes())
        .merge(auditor::routes())
        .merge(clerk::routes())
        .fallback(not_found)
        .layer(CompressionLayer::new())
        .layer(middleware::from_fn(keep_language));
    pages.route("/assets/{hash}/{name}", get(assets::serve))
}

async fn not_found(reader: Reader) -> Response {
    Fault::NotFound.page(&reader)
}

/// `?lang=zh` on any page changes the language from there on.
async fn keep_language(request: Request, next: Next) -> Response {
    let language = switched(request.uri().query());
    let mut response = next.run(request).await;
    if let Some(language) = language {
        set_cookie(&mut response, &sign_in::language_cookie(language));
    }
    response
}
