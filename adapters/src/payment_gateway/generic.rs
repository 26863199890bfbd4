//! A gateway of one's own: deliveries signed as Standard Webhooks
//! (<https://www.standardwebhooks.com>), with a payload that says what this program needs:
//!
//! ```json
//! {"type": "recharge.captured", "timestamp": "2026-03-01T12:00:00Z",
//!  "data": {"payment": "P-17", "account": "A-101", "amount_minor": 5000, "currency": "EUR"}}
//! ```
//!
//! Types are `recharge.requested`, `.captured`, `.refunded`, `.reversed`, `.charged_back` and `.reinstated`; all but
//! the first two also name their own `movement`. Other types are accepted and have no effect.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::event::PaymentKind;
use domain::quantity::Instant;
use domain::recharge::GatewayMessage;
use ring::hmac;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Headers, HookError, PaymentGateway, PollError, json, near};

/// A gateway of one's own.
pub struct Generic {
    name: String,
    keys: Vec<hmac::Key>,
}

/// Why a secret is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the secret of a generic gateway is whsec_ and base64, as Standard Webhooks writes it")]
pub struct SecretError;

impl Generic {
    /// With the secrets that sign: more than one while they are changed.
    pub fn try_new(name: &str, secrets: &[String]) -> Result<Self, SecretError> {
        let key = |secret: &String| {
            let text = secret.strip_prefix("whsec_").unwrap_or(secret);
            let bytes = STANDARD.decode(text).ok().filter(|bytes| !bytes.is_empty()).ok_or(SecretError)?;
            Ok(hmac::Key::new(hmac::HMAC_SHA256, &bytes))
        };
        let keys = secrets.iter().map(key).collect::<Result<Vec<_>, _>>()?;
        if keys.is_empty() { Err(SecretError) } else { Ok(Self { name: name.to_owned(), keys }) }
    }
}

#[derive(Deserialize)]
struct Delivery<'b> {
    r#type: String,
    timestamp: String,
    #[serde(borrow)]
    data: &'b RawValue,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Data {
    payment: String,
    movement: Option<String>,
    #[serde(default)]
    account: String,
    amount_minor: i64,
    currency: String,
}

fn kind_of(name: &str) -> Option<PaymentKind> {
    let all = [
        PaymentKind::Requested,
        PaymentKind::Captured,
        PaymentKind::Refunded,
        PaymentKind::Reversed,
        PaymentKind::ChargedBack,
        PaymentKind::Reinstated,
    ];
    all.into_iter().find(|kind| name.strip_prefix("recharge.") == Some(kind.name()))
}

impl PaymentGateway for Generic {
    fn name(&self) -> &str {
        &self.name
    }

    fn hear(&self, headers: &Headers, body: &[u8], now: Instant) -> Result<Vec<GatewayMessage>, HookError> {
        let (id, at) = (headers.get("webhook-id")?, headers.get("webhook-timestamp")?);
        let signatures = headers.get("webhook-signature")?;
        let signed = [id.as_bytes(), b".", at.as_bytes(), b".", body].concat();
        let is_good = |signature: &str| {
            let bytes = signature.strip_prefix("v1,").and_then(|text| STANDARD.decode(text).ok());
            bytes.is_some_and(|bytes| self.keys.iter().any(|key| hmac::verify(key, &signed, &bytes).is_ok()))
        };
        if !signatures.split(' ').any(is_good) {
            return Err(HookError::BadSignature);
        }
        near(at, now)?;
        let delivery: Delivery<'_> = json(body)?;
        let Some(kind) = kind_of(&delivery.r#type) else { return Ok(Vec::new()) };
        let data: Data = json(delivery.data.get().as_bytes())?;
        let is_first = matches!(kind, PaymentKind::Requested | PaymentKind::Captured);
        let movement = match data.movement {
            None if is_first => data.payment.clone(),
            Some(movement) if !is_first || movement == data.payment => movement,
            _ => return Err(HookError::Body("data.movement: names what moved, but for a request or capture".into())),
        };
        let time =
            Instant::parse(&delivery.timestamp).map_err(|error| HookError::Body(format!("timestamp: {error}")))?;
        let (gateway, currency) = (self.name.clone(), data.currency.to_ascii_uppercase());
        let Data { payment, account, amount_minor, .. } = data;
        Ok(vec![GatewayMessage { gateway, kind, payment, movement, account, amount_minor, currency, time }])
    }

    fn poll(&self, _: Instant, _: Instant, _: &[String]) -> Result<Vec<GatewayMessage>, PollError> {
        Err(PollError::NotOffered)
    }
}
