//! Streams that follow a site's moments.

use std::future::pending;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use domain::event::AccountId;
use futures_util::{Stream, stream};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};
use tonic::Status;
use tonic::metadata::MetadataMap;

use super::access::{Call, Gate};
use super::refusal::{Kind, Refusal};
use crate::desk::{Desk, Moment};

/// A stream of answers.
pub(super) type Answers<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

/// What a stream needs while it lasts.
pub(super) struct Follow {
    pub(super) gate: Arc<Gate>,
    pub(super) call: Call,
    pub(super) desk: Desk,
    pub(super) account: AccountId,
    /// Changes, or is closed, when the service stops.
    pub(super) stopping: watch::Receiver<bool>,
    /// How long the caller waits.
    pub(super) deadline: Option<Instant>,
}

/// The deadline of `grpc-timeout`: at most 8 digits and a unit.
pub(super) fn deadline(metadata: &MetadataMap) -> Option<Instant> {
    let text = metadata.get("grpc-timeout")?.to_str().ok()?;
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let count = digits.parse::<u32>().ok().filter(|_| digits.len() <= 8)?;
    let unit = match unit {
        "H" => Duration::from_secs(3600),
        "M" => Duration::from_secs(60),
        "S" => Duration::from_secs(1),
        "m" => Duration::from_millis(1),
        "u" => Duration::from_micros(1),
        "n" => Duration::from_nanos(1),
        _ => return None,
    };
    Instant::now().checked_add(unit.checked_mul(count)?)
}

/// Waits until a deadline, for ever where there is none.
async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline).await,
        None => pending().await,
    }
}

struct State<T, F> {
    follow: Follow,
    moments: watch::Receiver<Arc<Moment>>,
    last: Option<T>,
    answer: F,
    ended: bool,
}

/// The answer at each moment that gives another one, the first at once. It ends when the
/// caller may no longer see it, and when the service stops.
pub(super) fn followed<T, F>(follow: Follow, answer: F) -> Answers<T>
where
    T: Clone + Send + Sync + 'static,
    F: Fn(&Moment, Option<&T>) -> Result<Option<T>, Refusal> + Send + 'static,
{
    let mut moments = follow.desk.watch();
    moments.mark_changed();
    let state = State { follow, moments, last: None, answer, ended: false };
    Box::pin(stream::unfold(state, |mut state| async {
        if state.ended {
            return None;
        }
        match next(&mut state).await {
            Ok(item) => Some((Ok(item), state)),
            Err(refusal) => {
                state.ended = true;
                Some((Err(Status::from(refusal)), state))
            }
        }
    }))
}

async fn next<T, F>(state: &mut State<T, F>) -> Result<T, Refusal>
where
    T: Clone,
    F: Fn(&Moment, Option<&T>) -> Result<Option<T>, Refusal>,
{
    let stopped = || Refusal::new(Kind::Unavailable, "SITE_UNAVAILABLE", "the service stops: call again");
    let late = || Refusal::new(Kind::Late, "DEADLINE", "the caller's deadline has passed");
    loop {
        tokio::select! {
            changed = state.moments.changed() => changed.map_err(|_| stopped())?,
            _ = state.follow.stopping.changed() => return Err(stopped()),
            () = until(state.follow.deadline) => return Err(late()),
        }
        let moment = Arc::clone(&state.moments.borrow_and_update());
        let Some(found) = (state.answer)(&moment, state.last.as_ref())? else { continue };
        let Follow { gate, call, desk, account, .. } = &state.follow;
        gate.still(call, desk.site(), Some(account)).await?;
        state.last = Some(found.clone());
        return Ok(found);
    }
}
