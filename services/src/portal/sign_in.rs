//! Signing in by password or link, and out.

use std::sync::Arc;

use askama::Template;
use axum::Form;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::Deserialize;

use super::error::Fault;
use super::page::{Frame, page};
use super::visit::{LANGUAGE, Marked, Reader, Visit, cookie, see_other, set_cookie};
use super::words::Language;
use crate::identity::{SignInError, SignedIn};
use crate::serve::App;
use crate::serve::access::SESSION;

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignInPage {
    frame: Frame,
    to: String,
    user: String,
    fault: Option<String>,
}

#[derive(Template)]
#[template(path = "link.html")]
struct LinkPage {
    frame: Frame,
    fault: Option<String>,
}

/// Where to go afterwards.
#[derive(Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    to: String,
}

/// `GET /sign-in`
pub(super) async fn form(reader: Reader, Query(asked): Query<Asked>) -> Response {
    let frame = Frame::outside(reader.language, "sign-in-title", "/sign-in");
    page(StatusCode::OK, &SignInPage { frame, to: asked.to, user: String::new(), fault: None })
}

/// What the form sends.
#[derive(Deserialize)]
pub(super) struct Given {
    #[serde(default)]
    to: String,
    user: String,
    password: String,
}

/// `POST /sign-in`
pub(super) async fn sign_in(State(app): State<Arc<App>>, reader: Reader, Form(given): Form<Given>) -> Response {
    let (user, address) = (given.user.clone(), reader.address);
    let outcome = blocking(move || app.identity.sign_in(&given.user, &given.password, address)).await;
    match outcome {
        Some(Ok(signed_in)) => enter(&signed_in, &reader, inside(&given.to)),
        Some(Err(error)) => {
            let fault = Some(fault_of(&reader, &error, "sign-in-refused"));
            let frame = Frame::outside(reader.language, "sign-in-title", "/sign-in");
            page(StatusCode::UNAUTHORIZED, &SignInPage { frame, to: given.to, user, fault })
        }
        None => Fault::Unready.page(&reader),
    }
}

/// `GET /link/{secret}`: a preview of a mail program uses nothing up.
pub(super) async fn link(reader: Reader) -> Response {
    let frame = Frame::outside(reader.language, "link-title", &reader.here);
    page(StatusCode::OK, &LinkPage { frame, fault: None })
}

/// `POST /link/{secret}`
pub(super) async fn redeem(State(app): State<Arc<App>>, reader: Reader, Path(secret): Path<String>) -> Response {
    let address = reader.address;
    match blocking(move || app.identity.link_redeem(&secret, address)).await {
        Some(Ok(signed_in)) => enter(&signed_in, &reader, "/"),
        Some(Err(error)) => {
            let fault = Some(fault_of(&reader, &error, "link-refused"));
            let frame = Frame::outside(reader.language, "link-title", "/sign-in");
            page(StatusCode::UNAUTHORIZED, &LinkPage { frame, fault })
        }
        None => Fault::Unready.page(&reader),
    }
}

/// `POST /sign-out`
pub(super) async fn sign_out(visit: Visit, headers: HeaderMap, Form(form): Form<Marked>) -> Response {
    if !visit.session.accepts(&form.csrf) {
        return visit.fault(Fault::Stale);
    }
    let Some(secret) = cookie(&headers, SESSION).map(ToOwned::to_owned) else { return see_other("/sign-in") };
    let app = Arc::clone(&visit.app);
    match blocking(move || app.identity.sign_out(&secret)).await {
        Some(Ok(())) => {
            let mut response = see_other("/sign-in");
            set_cookie(&mut response, &format!("{SESSION}=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax"));
            response
        }
        Some(Err(_)) | None => visit.fault(Fault::Unready),
    }
}

/// Identity waits for the disk, and hashes passwords for a tenth of a second.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    tokio::task::spawn_blocking(work).await.ok()
}

fn enter(signed_in: &SignedIn, reader: &Reader, to: &str) -> Response {
    let mut response = see_other(to);
    let secret = signed_in.cookie.expose();
    let secure = if reader.secure { "; Secure" } else { "" };
    set_cookie(&mut response, &format!("{SESSION}={secret}; Path=/; HttpOnly; SameSite=Lax{secure}"));
    set_cookie(&mut response, &language_cookie(reader.language));
    response
}

/// Keeps a language for a year.
pub(super) fn language_cookie(language: Language) -> String {
    format!("{LANGUAGE}={}; Path=/; Max-Age=31536000; HttpOnly; SameSite=Lax", language.tag())
}

/// A place of this service; anything else is its start.
fn inside(to: &str) -> &str {
    let ours = to.starts_with('/') && !to.starts_with("//") && !to.contains(['\\', '\r', '\n']);
    if ours { to } else { "/" }
}

fn fault_of(reader: &Reader, error: &SignInError, refused: &str) -> String {
    match error {
        SignInError::Refused => reader.language.say(refused),
        SignInError::LockedOut { until } => {
            reader.language.say_with("sign-in-locked", &[("until", &until.to_string())])
        }
        SignInError::Failed(error) => {
            tracing::error!(%error, "nobody can sign in");
            reader.language.say("error-unready")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::inside;

    #[test]
    fn a_sign_in_leads_nowhere_else() {
        for elsewhere in ["", "https://evil.example", "//evil.example", "/\\evil.example", "/a\r\nset-cookie: x"] {
            assert_eq!(inside(elsewhere), "/", "{elsewhere:?}");
        }
        assert_eq!(inside("/site/a/account/b"), "/site/a/account/b");
    }
}
