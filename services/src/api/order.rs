//! What a write says: the `Idempotency-Key`, the body, and what is answered when it is durable.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use domain::event::OutputState;
use domain::quantity::Instant;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::ask::Ask;
use crate::command::{Amount, Asked, Changed, Key, Made};
use crate::serve::access::{Code, Problem};

/// The header with the key of a write.
pub(super) const KEY: &str = "idempotency-key";
/// The header of an answer that was given before.
pub(super) const REPLAYED: &str = "idempotent-replayed";

/// An amount of the site's currency.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OrderedAmount {
    /// In minor units.
    minor: i64,
    /// ISO 4217.
    currency: String,
}

impl From<OrderedAmount> for Amount {
    fn from(amount: OrderedAmount) -> Self {
        Self { minor: amount.minor, currency: amount.currency }
    }
}

/// Money that a person took.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RechargeOrder {
    /// Positive.
    pub(super) amount: OrderedAmount,
    /// The receipt's number, once for ever; the key where it is left out.
    #[serde(default)]
    pub(super) reference: String,
    /// Only rehearse it.
    #[serde(default)]
    dry_run: bool,
}

/// Money back, or an amount by hand.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct MoneyOrder {
    /// Of a refund positive; of a posting with sign, positive credits.
    pub(super) amount: OrderedAmount,
    /// Once for ever; the key where it is left out.
    #[serde(default)]
    pub(super) reference: String,
    /// Why.
    pub(super) reason: String,
    /// Only rehearse it.
    #[serde(default)]
    dry_run: bool,
}

/// Tables that are published or said anew.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TablesOrder {
    /// TOML tables as in a site folder, without received, by and reason.
    pub(super) tables: String,
    /// Why.
    pub(super) reason: String,
    /// Only rehearse it.
    #[serde(default)]
    dry_run: bool,
}

/// Moving in or out.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct LeaseOrder {
    /// Who.
    pub(super) account: String,
    /// Where.
    pub(super) unit: String,
    /// Moving in (RFC 3339).
    pub(super) from: String,
    /// Moving out; left out while it lasts.
    pub(super) until: Option<String>,
    /// Why.
    pub(super) reason: String,
    /// Only rehearse it.
    #[serde(default)]
    dry_run: bool,
}

/// A reading that is left out, or let in.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ReadingOrder {
    /// The meter.
    pub(super) meter: String,
    /// The reading's instant (RFC 3339).
    pub(super) time: String,
    /// Why.
    pub(super) reason: String,
    /// Only rehearse it.
    #[serde(default)]
    dry_run: bool,
}

/// What the path says in full.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PlainOrder {
    /// Only rehearse it.
    #[serde(default)]
    dry_run: bool,
}

/// What the path says, with the reason.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ReasonOrder {
    /// Why.
    pub(super) reason: String,
    /// Only rehearse it.
    #[serde(default)]
    dry_run: bool,
}

/// Supply that is to go, or to come back.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SwitchOrder {
    /// `connected` or `disconnected`.
    #[schema(value_type = String)]
    pub(super) to: OutputState,
    /// Why.
    pub(super) reason: String,
    /// Only rehearse it.
    #[serde(default)]
    dry_run: bool,
}

/// Extreme weather: nobody is cut off.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct WeatherOrder {
    /// Until when (RFC 3339); what is past ends it.
    pub(super) until: String,
    /// Which.
    pub(super) reason: String,
    /// Only rehearse it.
    #[serde(default)]
    dry_run: bool,
}

/// An alarm that somebody sees to.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AlarmOrder {
    /// The kind, such as `silent_meter`.
    pub(super) kind: String,
    /// About whom: account/ID, meter/ID, point/ID or site.
    pub(super) about: String,
    /// What is done about it.
    #[serde(default)]
    pub(super) note: String,
    /// Only rehearse it.
    #[serde(default)]
    dry_run: bool,
}

/// Whose a payment in suspense is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct MatchOrder {
    /// The payment: gateway and id, such as `stripe:pi_1`.
    pub(super) payment: String,
    /// The account.
    pub(super) account: String,
    /// Why.
    pub(super) reason: String,
    /// Only rehearse it.
    #[serde(default)]
    dry_run: bool,
}

/// A payment in suspense that goes back.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ReturnOrder {
    /// The payment: gateway and id, such as `stripe:pi_1`.
    pub(super) payment: String,
    /// Why.
    pub(super) reason: String,
    /// Only rehearse it.
    #[serde(default)]
    dry_run: bool,
}

/// Any order: whether it is only rehearsed.
pub(super) trait Rehearsed {
    /// Whether nothing is to be appended.
    fn dry_run(&self) -> bool;
}

macro_rules! rehearsed {
    ($($order:ident)*) => {$(impl Rehearsed for $order {
        fn dry_run(&self) -> bool {
            self.dry_run
        }
    })*};
}

rehearsed! {
    RechargeOrder MoneyOrder TablesOrder LeaseOrder ReadingOrder PlainOrder ReasonOrder SwitchOrder WeatherOrder
    AlarmOrder MatchOrder ReturnOrder
}

/// The key and the body of a write.
#[derive(Debug)]
pub(super) struct Order<T> {
    key: Key,
    pub(super) body: T,
}

impl<T: Rehearsed> Order<T> {
    /// Who asks for it, under which key.
    pub(super) fn asked(&self, ask: &Ask) -> Asked {
        let (key, actor) = (self.key.clone(), ask.caller.actor.as_ref().clone());
        Asked { key, actor, dry_run: self.body.dry_run() }
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Order<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let key = request.headers().get(KEY).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let key = Key::try_new(key)?;
        let bytes = Bytes::from_request(request, state).await.map_err(|error| {
            let too_large = error.status() == StatusCode::PAYLOAD_TOO_LARGE;
            Problem::new(if too_large { Code::TooLarge } else { Code::BadRequest }, error.body_text())
        })?;
        let text: &[u8] = if bytes.is_empty() { b"{}" } else { &bytes };
        let body = serde_json::from_slice(text);
        let body = body.map_err(|error| Problem::new(Code::BadRequest, format!("the body is not so: {error}")))?;
        Ok(Self { key, body })
    }
}

/// What was appended, or would be.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Written {
    /// The events: the first is the cause of the others. None of a dry run.
    events: Vec<String>,
    /// The position of the first; of a dry run, the state that it was rehearsed on.
    position: u64,
    /// When it was received.
    #[schema(value_type = String, format = DateTime)]
    received: Instant,
    /// Whether it waits for a second person: it has no effect before.
    proposed: bool,
    /// Of a dry run of a change: what it would change of settled days.
    #[schema(value_type = Option<Object>)]
    effect: Option<Value>,
}

/// A write's answer. The same key has the same one, and a header says that it came before.
pub(super) struct Answered {
    written: Written,
    repeated: bool,
}

impl From<Made> for Answered {
    fn from(made: Made) -> Self {
        let events = made.events.iter().map(ToString::to_string).collect();
        let (position, received, proposed) = (made.position, made.received, made.proposed);
        Self { written: Written { events, position, received, proposed, effect: None }, repeated: made.repeated }
    }
}

impl From<Changed> for Answered {
    fn from(changed: Changed) -> Self {
        let Changed { made, proposed, effect, position, at, moved: _ } = changed;
        made.map_or_else(
            || {
                let written = Written { events: Vec::new(), position, received: at, proposed, effect };
                Self { written, repeated: false }
            },
            Self::from,
        )
    }
}

impl IntoResponse for Answered {
    fn into_response(self) -> Response {
        let mut response = Json(self.written).into_response();
        if self.repeated {
            response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
        }
        response
    }
}
