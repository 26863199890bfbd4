//! Asking a gateway what was paid: a webhook that never came is found all the same.

use std::time::Duration;

use adapters::clock::{Clock as _, SharedClock};
use adapters::payment_gateway::{PaymentGateway, PollError};
use domain::quantity::Instant;
use domain::recharge::Outcome;

use super::config::Gateway;
use super::hooks::actor;
use super::{RechargeError, receive};
use crate::desk::{ChangeError, Desk};

/// How far back a gateway is asked: captures may come days after their intents.
const BACK_S: i64 = 7 * 86_400;

/// Why what a gateway knows is not taken.
#[derive(Debug, thiserror::Error)]
pub enum PollFailure {
    /// It does not answer.
    #[error(transparent)]
    Gateway(#[from] PollError),
    /// It is no input, or is not durable.
    #[error(transparent)]
    Change(#[from] ChangeError<RechargeError>),
}

/// Asks once, and takes what is new; how many messages changed something.
pub fn poll_once(
    desk: &Desk,
    gateway: &dyn PaymentGateway,
    since: Instant,
    now: Instant,
) -> Result<usize, PollFailure> {
    let name = gateway.name().to_owned();
    let asked = desk.change_blocking(move |turn| {
        let of = turn.owner.payments().all().filter(|(key, one)| key.gateway == name && one.captured.is_none());
        Ok::<_, RechargeError>(of.map(|(key, _)| key.payment.clone()).collect::<Vec<String>>())
    })?;
    let messages = gateway.poll(since, now, &asked)?;
    let actor = actor(gateway.name());
    let mut new = 0usize;
    for message in messages {
        let actor = actor.clone();
        match desk.change_blocking(move |turn| receive(turn.owner, turn.now, &actor, &message)) {
            Ok(Outcome::Known(_)) => {}
            Ok(Outcome::Done { .. } | Outcome::Refused(_)) => new = new.saturating_add(1),
            Err(ChangeError::Refused(RechargeError::Refused(error))) => {
                tracing::warn!(gateway = gateway.name(), %error, "what a gateway said is no input");
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(new)
}

/// Asks a gateway for as long as the service runs.
pub async fn poll(desk: Desk, gateway: Gateway, clock: SharedClock) {
    let Some(seconds) = gateway.poll_s else { return };
    loop {
        let (desk, port, now) = (desk.clone(), gateway.port.clone(), clock.now());
        let asked = tokio::task::spawn_blocking(move || poll_once(&desk, port.as_ref(), now.plus(-BACK_S), now)).await;
        let name = gateway.port.name();
        match asked {
            Ok(Ok(0)) => {}
            Ok(Ok(new)) => tracing::info!(gateway = name, new, "payments were found by asking"),
            Ok(Err(error)) => tracing::warn!(gateway = name, %error, "a gateway could not be asked"),
            Err(error) => tracing::error!(gateway = name, %error, "asking a gateway has failed"),
        }
        tokio::time::sleep(Duration::from_secs(seconds.into())).await;
    }
}
