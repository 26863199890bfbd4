//! Who is asking: the user of a bearer token, or of a session's cookie.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant as Clock};

use axum::http::header::{AUTHORIZATION, COOKIE, HOST, ORIGIN};
use axum::http::{HeaderMap, Method};
use domain::event::sha256;

use super::{Code, Pass, Problem};
use crate::identity::{Actor, Identity, Session};

/// The cookie of a session.
pub const SESSION: &str = "tw_session";
/// What a script of a session's own pages has to send with a write.
const CSRF: &str = "x-csrf-token";
/// A token's actor is asked for again after this: so long a revoked token may still be good.
const FRESH: Duration = Duration::from_secs(1);
/// So many tokens are remembered.
const MOST: usize = 10_000;

/// Actors by the hashes of their tokens, and when each was asked for.
type Known = HashMap<[u8; 32], (Clock, Arc<Actor>)>;

/// Finds who asks.
#[derive(Debug)]
pub struct Gate {
    identity: Arc<Identity>,
    known: Mutex<Known>,
}

fn unauthenticated() -> Problem {
    Problem::new(Code::Unauthenticated, "send Authorization: Bearer with a token, or sign in")
}

/// The value of a cookie.
fn cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let lines = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    lines.flat_map(|line| line.split(';')).find_map(|pair| {
        let (key, value) = pair.trim().split_once('=')?;
        (key == name).then_some(value)
    })
}

/// Whether a browser says that a page of this origin asks.
fn is_same_origin(headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(site) = text("sec-fetch-site") {
        return site == "same-origin";
    }
    let origin = text(ORIGIN.as_str()).and_then(|origin| origin.split_once("://")).map(|(_, host)| host);
    origin.is_some() && origin == text(HOST.as_str())
}

impl Gate {
    /// By these identities.
    pub fn new(identity: Arc<Identity>) -> Self {
        Self { identity, known: Mutex::default() }
    }

    /// Who asks. A token comes first; a session that writes has to do so from its own pages.
    pub(crate) async fn caller(&self, method: &Method, headers: &HeaderMap) -> Result<(Arc<Actor>, Pass), Problem> {
        if let Some(value) = headers.get(AUTHORIZATION) {
            let text = value.to_str().ok().and_then(|text| text.split_once(' '));
            let bearer =
                text.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")).map(|(_, token)| token.trim());
            let pass = Pass::Bearer(bearer.ok_or_else(unauthenticated)?.into());
            return Ok((self.actor(&pass).await?, pass));
        }
        let cookie: Arc<str> = cookie(headers, SESSION).ok_or_else(unauthenticated)?.into();
        let session = self.session(&cookie).await?;
        if !method.is_safe() {
            let sent = headers.get(CSRF).and_then(|value| value.to_str().ok());
            if !is_same_origin(headers) || !sent.is_some_and(|sent| session.accepts(sent)) {
                return Err(Problem::new(Code::CrossSite, format!("send {CSRF} from a page of this service")));
            }
        }
        Ok((Arc::new(session.actor), Pass::Cookie(cookie)))
    }

    /// Who has a pass now.
    pub(crate) async fn actor(&self, pass: &Pass) -> Result<Arc<Actor>, Problem> {
        let bearer = match pass {
            Pass::Bearer(bearer) => bearer,
            Pass::Cookie(cookie) => return Ok(Arc::new(self.session(cookie).await?.actor)),
        };
        let key = sha256(&[bearer.as_bytes()]);
        if let Some((asked, actor)) = self.known().get_mut(&key) {
            if asked.elapsed() < FRESH {
                return Ok(Arc::clone(actor));
            }
            // One asks again; the others go by what is known until it has an answer.
            *asked = Clock::now();
        }
        let (identity, bearer) = (Arc::clone(&self.identity), Arc::clone(bearer));
        let found = tokio::task::spawn_blocking(move || identity.token(&bearer)).await;
        let found = found.map_err(|error| Problem::internal(&error))??;
        let mut known = self.known();
        let Some(actor) = found else {
            known.remove(&key);
            return Err(unauthenticated());
        };
        if known.len() >= MOST {
            known.retain(|_, (asked, _)| asked.elapsed() < FRESH);
        }
        let actor = Arc::new(actor);
        known.insert(key, (Clock::now(), Arc::clone(&actor)));
        Ok(actor)
    }

    /// Asks about every token anew: what was changed of users here works at once.
    pub(crate) fn forget(&self) {
        self.known().clear();
    }

    async fn session(&self, cookie: &Arc<str>) -> Result<Session, Problem> {
        let (identity, cookie) = (Arc::clone(&self.identity), Arc::clone(cookie));
        let found = tokio::task::spawn_blocking(move || identity.session(&cookie)).await;
        let found = found.map_err(|error| Problem::internal(&error))??;
        found.ok_or_else(unauthenticated)
    }

    fn known(&self) -> std::sync::MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
