//! Payment gateways: what they say, checked and in one form.

mod error;
pub mod generic;
mod http;
mod pem;
pub mod stripe;
mod wechat_clear;
pub mod wechat_pay;

use std::collections::BTreeMap;

use domain::quantity::Instant;
use domain::recharge::GatewayMessage;

pub use error::{HookError, PollError};

/// How old a signature may be, and how far ahead, in seconds: what the gateways themselves recommend.
pub const TOLERANCE_S: i64 = 300;

/// A payment gateway.
///
/// # Contract
///
/// - `hear` trusts nothing before the signature over the bytes as they came is good and its time is within
///   `TOLERANCE_S` of `now`. A message repeated within that time is heard again: whoever takes it knows its ids.
/// - What the gateway says that moves no money here is accepted and gives no message.
/// - Amounts are whole minor units as sent; none passes through a float. A currency is given as sent, in capitals.
/// - `poll` asks for what was paid or taken back since an instant. It says the same of a payment as `hear` does, so
///   that both may be used together and overlap.
/// - Secrets are never shown: not in errors, not by `Debug`.
pub trait PaymentGateway: Send + Sync {
    /// Its name here: that of its part of the configuration.
    fn name(&self) -> &str;

    /// The messages of a delivery.
    fn hear(&self, headers: &Headers, body: &[u8], now: Instant) -> Result<Vec<GatewayMessage>, HookError>;

    /// What happened since an instant. `open` are payments that were asked for and whose capture has not come.
    fn poll(&self, since: Instant, now: Instant, open: &[String]) -> Result<Vec<GatewayMessage>, PollError>;
}

/// The headers of a delivery, by names in lower case.
#[derive(Debug, Clone, Default)]
pub struct Headers(BTreeMap<String, String>);

impl Headers {
    /// One header.
    fn get(&self, name: &'static str) -> Result<&str, HookError> {
        self.0.get(name).map(String::as_str).ok_or(HookError::NoHeader(name))
    }
}

impl<K: AsRef<str>, V: Into<String>> FromIterator<(K, V)> for Headers {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(headers: I) -> Self {
        Self(headers.into_iter().map(|(name, value)| (name.as_ref().to_ascii_lowercase(), value.into())).collect())
    }
}

/// The time of a signature, which must be near.
fn near(text: &str, now: Instant) -> Result<i64, HookError> {
    let at: i64 = text.parse().map_err(|_| HookError::BadSignature)?;
    let signed = Instant::new(at.clamp(-(1 << 40), 1 << 40));
    if now.since(signed).saturating_abs() > TOLERANCE_S {
        return Err(HookError::NotNow { signed, now });
    }
    Ok(at)
}

/// A payload of JSON.
fn json<'b, T: serde::Deserialize<'b>>(body: &'b [u8]) -> Result<T, HookError> {
    serde_json::from_slice(body).map_err(|error| HookError::Body(error.to_string()))
}
