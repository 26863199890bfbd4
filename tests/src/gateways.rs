//! Deliveries of gateways as the gateways would sign them, and a desk that takes them.

use std::path::Path;

use adapters::clock::{GivenClock, SharedClock};
use adapters::payment_gateway::Headers;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::event::PaymentKind;
use domain::quantity::Instant;
use domain::recharge::{GatewayMessage, Outcome};
use ring::hmac;
use serde_json::json;
use services::desk::{ChangeError, Desk};
use services::recharge::{RechargeError, receive};
use services::serve::{Config, Server};

use crate::site;

/// An instant.
pub fn at(text: &str) -> Instant {
    Instant::parse(text).expect("an instant")
}

/// Writes a site of two flats below a folder, with the service's file, whose sites have the tables `more`.
pub fn write(folder: &Path, more: &str) -> Config {
    let site = folder.join("site");
    std::fs::create_dir_all(&site).expect("a folder");
    let flats = [1, 2].map(|number| site::flat(number, "2026-03-01T00:00:00Z", "t")).concat();
    let text = [site::head("UTC", "EUR"), site::one_price("t", "0.30"), flats].concat();
    std::fs::write(site.join("site.toml"), text).expect("a file");
    let file = format!("[serve]\ndata = \"data\"\nhttp = \"127.0.0.1:0\"\n[[site]]\nfolder = \"site\"\n{more}");
    Config::parse(&folder.join("tallywatt.toml"), &file).expect("the file is right")
}

/// Starts the service by a given clock.
pub fn start(config: &Config, at: Instant) -> Server {
    Server::start(config, SharedClock::new(GivenClock::new(at))).expect("it starts")
}

/// The desk of the one site.
pub fn desk(server: &Server) -> Desk {
    server.app.sites.values().next().expect("a site").desk.clone()
}

/// A capture of gateway `stripe`.
pub fn captured(payment: &str, account: &str, amount_minor: i64) -> GatewayMessage {
    let [gateway, payment, account, currency] = ["stripe", payment, account, "EUR"].map(ToOwned::to_owned);
    let (kind, movement, time) = (PaymentKind::Captured, payment.clone(), at("2026-03-05T11:59:00Z"));
    GatewayMessage { gateway, kind, payment, movement, account, amount_minor, currency, time }
}

/// A movement of a payment of gateway `stripe`.
pub fn back(kind: PaymentKind, payment: &str, movement: &str, amount_minor: i64) -> GatewayMessage {
    GatewayMessage { kind, movement: movement.to_owned(), ..captured(payment, "", amount_minor) }
}

/// Hands a message to a desk and waits until it is durable.
pub fn hear(desk: &Desk, message: &GatewayMessage) -> Result<Outcome, ChangeError<RechargeError>> {
    let message = message.clone();
    desk.change_blocking(move |turn| receive(turn.owner, turn.now, "gateway", &message))
}

/// The balance of an account.
pub fn balance(desk: &Desk, account: &str) -> i64 {
    let account = domain::event::AccountId::try_new(account).expect("an id");
    desk.change_blocking(move |turn| Ok::<_, RechargeError>(turn.owner.site().balance(&account, turn.now).get()))
        .expect("the desk answers")
}

/// What Stripe signs a body with.
pub fn stripe_header(secret: &str, at: Instant, body: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let tag = hmac::sign(&key, format!("{}.{body}", at.get()).as_bytes());
    format!("t={},v1={},v0=00", at.get(), domain::event::hex(tag.as_ref()))
}

/// A delivery of Stripe.
pub fn stripe(secret: &str, at: Instant, body: &str) -> Headers {
    [("Stripe-Signature", stripe_header(secret, at, body))].into_iter().collect()
}

/// A delivery of Standard Webhooks.
pub fn standard(secret: &str, id: &str, at: Instant, body: &str) -> Headers {
    let bytes = STANDARD.decode(secret.trim_start_matches("whsec_")).expect("a secret");
    let key = hmac::Key::new(hmac::HMAC_SHA256, &bytes);
    let tag = hmac::sign(&key, format!("{id}.{}.{body}", at.get()).as_bytes());
    let signature = format!("v1,{}", STANDARD.encode(tag.as_ref()));
    let headers = [("webhook-id", id.to_owned()), ("webhook-timestamp", at.get().to_string())];
    headers.into_iter().chain([("webhook-signature", signature)]).collect()
}

/// An event of Stripe about an object.
pub fn stripe_event(kind: &str, object: serde_json::Value) -> String {
    json!({"id": "evt_1", "object": "event", "api_version": "2025-03-31.basil", "created": 1_772_711_940,
        "type": kind, "livemode": false, "data": {"object": object}})
    .to_string()
}

/// A payment intent of Stripe that succeeded.
pub fn intent(id: &str, amount: i64, account: Option<&str>) -> serde_json::Value {
    let metadata = account.map_or(json!({}), |account| json!({"account": account}));
    json!({"id": id, "object": "payment_intent", "amount": amount, "amount_received": amount, "currency": "eur",
        "created": 1_772_711_900, "status": "succeeded", "metadata": metadata, "latest_charge": "ch_1"})
}
