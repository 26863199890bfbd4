//! What every request passes: limits, then its route's own access; and the headers of every answer.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{ConnectInfo, RawPathParams, Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HeaderName, IF_NONE_MATCH, REFERRER_POLICY, VARY,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::{HeaderValue, Method, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use axum::{RequestExt as _, Router};
use domain::event::{AccountId, SiteId};
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::timeout::TimeoutLayer;

use super::{Access, Caller, Code, Problem, Subject};
use crate::desk::Moment;
use crate::serve::App;

/// A body has at most so many bytes.
const BODY: usize = 262_144;
/// A request is answered, or its answer has begun, within this.
const PATIENCE: Duration = Duration::from_secs(60);

/// The headers of every answer, where it does not bring its own: no script but the service's own files, no frame.
const HEADERS: [(HeaderName, HeaderValue); 5] = [
    (
        CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(
            "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; object-src 'none'; \
             base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
        ),
    ),
    (X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin")),
];

/// Puts limits before all routes, and headers on all answers.
pub fn guard(routes: Router, app: &Arc<App>) -> Router {
    routes
        .layer(RequestBodyLimitLayer::new(BODY))
        .layer(TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, PATIENCE))
        .layer(middleware::from_fn_with_state(Arc::clone(app), outermost))
}

async fn outermost(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let address = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(address)| address.ip());
    let taken = address.map_or(Ok(()), |address| app.limits.take(format!("address {address}")));
    let mut response = match taken {
        Ok(()) => next.run(request).await,
        Err(seconds) => too_many(seconds).into_response(),
    };
    for (name, value) in HEADERS {
        response.headers_mut().entry(name).or_insert(value);
    }
    response
}

fn too_many(seconds: u64) -> Problem {
    Problem { retry_s: Some(seconds), ..Problem::new(Code::TooManyRequests, "ask less often") }
}

/// What an answer about a site is as of: it is another as soon as anything of the site is.
fn tag(moment: &Moment) -> String {
    let (position, at) = moment.live_at;
    format!("W/\"{}-{position}-{}\"", moment.position, at.get())
}

/// A route's own guard: lets a request in by its [`Access`], and answers what the caller has already with 304.
pub async fn admit(State((app, access)): State<(Arc<App>, Access)>, mut request: Request, next: Next) -> Response {
    let caller = match caller(&app, access, &mut request).await {
        Ok(caller) => caller,
        Err(problem) => return problem.into_response(),
    };
    let site = caller.as_ref().and_then(|caller| caller.site.clone());
    let reads = *request.method() == Method::GET;
    let tag = site.filter(|_| reads).and_then(|site| HeaderValue::from_str(&tag(&site.desk.moment())).ok());
    let held = request.headers().get(IF_NONE_MATCH);
    if let (Some(tag), Some(held)) = (&tag, held)
        && held.to_str().is_ok_and(|held| held.split(',').any(|one| one.trim().as_bytes() == tag.as_bytes()))
    {
        return with_tag(StatusCode::NOT_MODIFIED.into_response(), Some(tag.clone()));
    }
    if let Some(caller) = caller {
        request.extensions_mut().insert(caller);
    }
    let response = next.run(request).await;
    let json = response.headers().get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes() == b"application/json");
    let tag = tag.filter(|_| json && response.status() == StatusCode::OK);
    with_tag(response, tag)
}

/// What is about somebody is kept by nobody but the caller, who asks again before showing it.
fn with_tag(mut response: Response, tag: Option<HeaderValue>) -> Response {
    let headers = response.headers_mut();
    if let Some(tag) = tag {
        headers.insert(ETAG, tag);
    }
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("private, no-cache"));
    headers.append(VARY, HeaderValue::from_static("authorization, cookie"));
    response
}

async fn caller(app: &Arc<App>, access: Access, request: &mut Request) -> Result<Option<Caller>, Problem> {
    if access == Access::Public {
        return Ok(None);
    }
    let (actor, pass) = app.gate.caller(request.method(), request.headers()).await?;
    app.limits.take(format!("user {}", actor.user)).map_err(too_many)?;
    let subject = subject(request).await;
    access.check(&actor, &subject)?;
    let site = subject.site.as_ref().map(|site| app.sites.get(site).cloned().ok_or_else(Problem::not_found));
    Ok(Some(Caller { actor, site: site.transpose()?, account: subject.account, pass }))
}

/// The site and the account of a path. A text that is no id is one that nobody has.
async fn subject(request: &mut Request) -> Subject {
    let mut subject = Subject::default();
    let Ok(params) = request.extract_parts::<RawPathParams>().await else { return subject };
    for (name, value) in &params {
        match name {
            "site" => subject.site = SiteId::try_new(value),
            "account" => subject.account = AccountId::try_new(value),
            _ => {}
        }
    }
    subject
}
