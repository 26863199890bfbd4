//! Where gateways deliver: `POST /hooks/SITE/GATEWAY`.
//!
//! 200 is answered when what was said is durable, also where it was known or is
//! refused for its content, which another delivery would not mend; 400 where the
//! signature or the payload is not the gateway's; 503 where nothing can be appended at
//! present, so that the gateway delivers it again.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use domain::recharge::{GatewayMessage, Outcome};
use metrics::counter;
use serde_json::json;

use super::{RechargeError, receive};
use crate::desk::{ChangeError, Desk};
use crate::serve::App;

/// The longest delivery, in bytes.
const LONGEST: usize = 256 << 10;

/// The routes of deliveries.
pub fn routes() -> Router<Arc<App>> {
    Router::new().route("/hooks/{site}/{gateway}", post(hook)).layer(DefaultBodyLimit::max(LONGEST))
}

/// Why a delivery is not taken.
enum Refused {
    Nobody,
    NotTheGateways(String),
    NoInput(String),
    NotNow(String),
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let (code, what, text) = match self {
            Self::Nobody => (StatusCode::NOT_FOUND, "nobody", "no such gateway".to_owned()),
            Self::NotTheGateways(text) => (StatusCode::BAD_REQUEST, "forged", text),
            Self::NoInput(text) => (StatusCode::UNPROCESSABLE_ENTITY, "no_input", text),
            Self::NotNow(text) => (StatusCode::SERVICE_UNAVAILABLE, "not_now", text),
        };
        counter!("tallywatt_hooks_total", "outcome" => what).increment(1);
        tracing::warn!(what, text, "a delivery was not taken");
        // What the log says is not for whoever delivers.
        let shown = if code == StatusCode::SERVICE_UNAVAILABLE { "not now; deliver it again".to_owned() } else { text };
        let body = Json(json!({"error": shown}));
        if code == StatusCode::SERVICE_UNAVAILABLE {
            return (code, [(header::RETRY_AFTER, "30")], body).into_response();
        }
        (code, body).into_response()
    }
}

async fn hook(
    State(app): State<Arc<App>>,
    Path((site, gateway)): Path<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Refused> {
    let site = app.site(&site).ok_or(Refused::Nobody)?;
    let gateway = site.gateways.iter().find(|one| one.port.name() == gateway).ok_or(Refused::Nobody)?;
    let texts = headers.iter().filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
    let heard = gateway.port.hear(&texts.collect(), &body, app.now());
    let messages = heard.map_err(|error| Refused::NotTheGateways(error.to_string()))?;
    let outcomes = take(&site.desk, gateway.port.name(), messages).await?;
    for outcome in &outcomes {
        counter!("tallywatt_hooks_total", "outcome" => name(outcome)).increment(1);
    }
    let outcomes: Vec<_> = outcomes.iter().map(name).collect();
    Ok(Json(json!({"outcomes": outcomes})).into_response())
}

async fn take(desk: &Desk, gateway: &str, messages: Vec<GatewayMessage>) -> Result<Vec<Outcome>, Refused> {
    if messages.is_empty() {
        return Ok(Vec::new());
    }
    // A refusal must come before the first append.
    for message in &messages {
        message.check().map_err(|error| Refused::NoInput(error.to_string()))?;
    }
    let actor = actor(gateway);
    let change = desk.change(move |turn| {
        messages.iter().map(|message| receive(turn.owner, turn.now, &actor, message)).collect::<Result<Vec<_>, _>>()
    });
    change.await.map_err(|error| match error {
        ChangeError::Refused(RechargeError::Refused(error)) => Refused::NoInput(error.to_string()),
        ChangeError::Refused(RechargeError::Owner(error)) => Refused::NotNow(error.to_string()),
        ChangeError::Desk(error) => Refused::NotNow(error.to_string()),
    })
}

/// The actor of what a gateway says.
pub(super) fn actor(gateway: &str) -> String {
    format!("gateway/{gateway}")
}

const fn name(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Known(_) => "known",
        Outcome::Done { .. } => "done",
        Outcome::Refused(_) => "refused",
    }
}
