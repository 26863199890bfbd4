//! Live balances as server-sent events: each event is a whole balance with an id, so that a client that comes back
//! with `Last-Event-ID` gets the present one at once, unless it is the one that it has.

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::IntoResponse;
use axum::response::sse::{Event, KeepAlive, Sse};
use domain::event::AccountId;
use futures_util::stream::{self, Stream};
use tokio::sync::watch;

use super::ask::Ask;
use crate::desk::Moment;
use crate::query;
use crate::serve::App;
use crate::serve::access::{Access, Caller, Problem, Subject};

/// A client that listens.
struct Listener {
    app: Arc<App>,
    caller: Caller,
    account: AccountId,
    moments: watch::Receiver<Arc<Moment>>,
    /// The id of the event that the client has.
    has: Option<String>,
}

fn id_of(moment: &Moment) -> String {
    let (position, at) = moment.live_at;
    format!("{}-{position}-{}", moment.position, at.get())
}

pub(super) async fn serve(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    ask: Ask,
) -> Result<impl IntoResponse, Problem> {
    let ask = ask.takes(&[])?;
    let (account, site) = (ask.account()?, ask.site()?);
    let mut moments = site.desk.watch();
    moments.mark_changed();
    query::balance(&site.desk.moment(), &account)?;
    let has = headers.get("last-event-id").and_then(|id| id.to_str().ok()).map(str::to_owned);
    let listener = Listener { app, caller: ask.caller, account, moments, has };
    Ok(Sse::new(events(listener)).keep_alive(KeepAlive::default()))
}

fn events(listener: Listener) -> impl Stream<Item = Result<Event, Infallible>> {
    stream::unfold(listener, |mut listener| async {
        let event = listener.next().await?;
        Some((Ok(event), listener))
    })
}

impl Listener {
    /// The next balance; nothing when the service ends, or the caller may no longer see it.
    async fn next(&mut self) -> Option<Event> {
        loop {
            self.moments.changed().await.ok()?;
            let moment = Arc::clone(&self.moments.borrow_and_update());
            let id = id_of(&moment);
            if self.has.as_ref() == Some(&id) {
                continue;
            }
            self.may_still().await?;
            let balance = query::balance(&moment, &self.account).ok()?;
            self.has = Some(id.clone());
            return Event::default().id(id).event("balance").json_data(balance).ok();
        }
    }

    async fn may_still(&self) -> Option<()> {
        let actor = self.app.gate.actor(&self.caller.pass).await.ok()?;
        let site = self.caller.site.as_ref().map(|site| site.desk.site().clone());
        let subject = Subject { site, account: Some(self.account.clone()) };
        Access::Account(crate::identity::Permission::ReadAccount).check(&actor, &subject).ok()
    }
}
