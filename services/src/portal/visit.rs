//! Who visits: the language and the session of a request.

use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::header::{ACCEPT, ACCEPT_LANGUAGE, COOKIE, LOCATION, SET_COOKIE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use domain::event::{AccountId, SiteId};
use serde::Deserialize;

use super::error::Fault;
use super::page::{Frame, Who};
use super::words::Language;
use crate::identity::{Actor, Identity, IdentityError, Permission, Session};
use crate::serve::access::SESSION;
use crate::serve::{App, ServedSite};

/// The cookie of a language.
pub(super) const LANGUAGE: &str = "tw_lang";

/// Anybody, signed in or not.
#[derive(Debug, Clone)]
pub(super) struct Reader {
    /// What is read.
    pub language: Language,
    /// The page's address, without a query.
    pub here: String,
    /// Where the request comes from.
    pub address: IpAddr,
    /// Whether the browser speaks TLS: with us, as all do who are not on this machine, or with a proxy on it.
    pub secure: bool,
}

impl Reader {
    fn of(parts: &Parts) -> Self {
        let chosen = cookie(&parts.headers, LANGUAGE).and_then(Language::of_tag);
        let asked = parts.headers.get(ACCEPT_LANGUAGE).and_then(|value| Language::accepted(value.to_str().ok()?));
        let language = switched(parts.uri.query()).or(chosen).or(asked).unwrap_or(Language::English);
        let address = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        let address = address.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |ConnectInfo(address)| address.ip());
        let forwarded = parts.headers.get("x-forwarded-proto").is_some_and(|value| value == "https");
        let secure = forwarded || !address.is_loopback();
        Self { language, here: parts.uri.path().to_owned(), address, secure }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Reader {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::of(parts))
    }
}

/// The language that a query switches to.
pub(super) fn switched(query: Option<&str>) -> Option<Language> {
    let tag = query?.split('&').find_map(|pair| pair.strip_prefix("lang="))?;
    Language::of_tag(tag)
}

/// The value of a cookie.
pub(super) fn cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let cookies = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    cookies.flat_map(|line| line.split(';')).find_map(|pair| {
        let (key, value) = pair.trim().split_once('=')?;
        (key == name).then_some(value)
    })
}

/// Somebody who is signed in. Who is not is sent to the sign-in page.
#[derive(Clone)]
pub(super) struct Visit {
    /// The service.
    pub app: Arc<App>,
    /// Who reads.
    pub reader: Reader,
    /// The session.
    pub session: Session,
}

impl FromRequestParts<Arc<App>> for Visit {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Response> {
        let reader = Reader::of(parts);
        let session = match cookie(&parts.headers, SESSION) {
            Some(cookie) => session(app, cookie.to_owned()).await,
            None => None,
        };
        match session {
            Some(session) => Ok(Self { app: Arc::clone(app), reader, session }),
            None if is_page(&parts.headers) => Err(see_other(&format!("/sign-in?to={}", reader.here))),
            // A script that is sent elsewhere would take that page for its data, and ask again at once.
            None => Err(StatusCode::UNAUTHORIZED.into_response()),
        }
    }
}

/// Whether a browser asks for a page of its own, and not a script for a part of one.
fn is_page(headers: &HeaderMap) -> bool {
    let accepts = headers.get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or("text/html");
    accepts.contains("text/html") && !accepts.contains("text/event-stream")
}

async fn session(app: &Arc<App>, cookie: String) -> Option<Session> {
    let app = Arc::clone(app);
    let found = tokio::task::spawn_blocking(move || app.identity.session(&cookie)).await;
    match found.ok()? {
        Ok(session) => session,
        Err(error) => {
            tracing::error!(%error, "sessions cannot be read");
            None
        }
    }
}

impl Visit {
    /// A frame with the navigation of nowhere yet.
    pub(super) fn frame(&self, title: String) -> Frame {
        let who = Who { user: self.session.actor.user.clone(), csrf: self.session.csrf() };
        Frame {
            language: self.reader.language,
            title,
            here: self.reader.here.clone(),
            who: Some(who),
            places: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// An error for this reader.
    pub(super) fn fault(&self, fault: Fault) -> Response {
        fault.page(&self.reader)
    }

    /// Asks about users, or changes them, as the visitor: identity waits for the disk.
    pub(super) async fn identity<T: Send + 'static>(
        &self,
        ask: impl FnOnce(&Identity, &Actor) -> Result<T, IdentityError> + Send + 'static,
    ) -> Result<Result<T, IdentityError>, Fault> {
        let (app, actor) = (Arc::clone(&self.app), self.session.actor.clone());
        tokio::task::spawn_blocking(move || ask(&app.identity, &actor)).await.map_err(|_| Fault::Unready)
    }

    /// A site that the visitor may use so. What is not there is answered like what may not be seen.
    pub(super) fn site(&self, site: &str, permission: Permission) -> Result<&ServedSite, Fault> {
        let id = SiteId::try_new(site).ok_or(Fault::NotFound)?;
        self.session.actor.may(permission, &id, None)?;
        self.app.sites.get(&id).ok_or(Fault::NotFound)
    }

    /// An account that the visitor may use so.
    pub(super) fn account(
        &self,
        site: &str,
        account: &str,
        permission: Permission,
    ) -> Result<(&ServedSite, AccountId), Fault> {
        let ids = SiteId::try_new(site).zip(AccountId::try_new(account));
        let (id, account) = ids.ok_or(Fault::NotFound)?;
        self.session.actor.may(permission, &id, Some(&account))?;
        let served = self.app.sites.get(&id).ok_or(Fault::NotFound)?;
        Ok((served, account))
    }
}

/// A form with nothing but its session's mark.
#[derive(Debug, Deserialize)]
pub(super) struct Marked {
    /// The mark.
    pub csrf: String,
}

/// Sends the browser elsewhere, by a request that reads.
pub(super) fn see_other(to: &str) -> Response {
    let to = HeaderValue::from_str(to).unwrap_or(HeaderValue::from_static("/"));
    (StatusCode::SEE_OTHER, [(LOCATION, to)]).into_response()
}

/// Adds a cookie to an answer.
pub(super) fn set_cookie(response: &mut Response, text: &str) {
    if let Ok(value) = HeaderValue::from_str(text) {
        response.headers_mut().append(SET_COOKIE, value);
    }
}
