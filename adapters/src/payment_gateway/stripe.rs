//! Stripe: deliveries signed by `Stripe-Signature` (scheme v1), and lists of the API.
//!
//! The account stands in the `metadata` of the payment intent or of the checkout
//! session, under `account`; a session's `client_reference_id` serves, too. A
//! payment is known by its payment intent, a refund and a dispute by their own ids.
//! Deliver at least `payment_intent.succeeded`, `checkout.session.completed`,
//! `refund.created`, `refund.updated`, `refund.failed` (or, up to API version
//! 2022-08-01, `charge.refunded`, which lists its refunds), `charge.dispute.created`,
//! `charge.dispute.funds_withdrawn` and `charge.dispute.funds_reinstated`.

use domain::event::PaymentKind;
use domain::quantity::Instant;
use domain::recharge::GatewayMessage;
use ring::hmac;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Headers, HookError, PaymentGateway, PollError, http, json, near};

/// Currencies of no decimals that Stripe's amounts have two of.
const HUNDREDFOLD: [&str; 2] = ["ISK", "UGX"];

/// A Stripe account.
pub struct Stripe {
    name: String,
    secrets: Vec<hmac::Key>,
    api: String,
    key: Option<String>,
}

impl Stripe {
    /// With the endpoint's signing secrets (more than one while they are rolled), and a key to ask the API with.
    pub fn new(name: &str, secrets: &[String], api: &str, key: Option<String>) -> Self {
        let key_of = |secret: &String| hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
        let api = api.trim_end_matches('/').to_owned();
        Self { name: name.to_owned(), secrets: secrets.iter().map(key_of).collect(), api, key }
    }

    /// Checks `t=…,v1=…,v1=…` over `t.body`.
    fn check(&self, header: &str, body: &[u8], now: Instant) -> Result<(), HookError> {
        let fields = || header.split(',').filter_map(|field| field.trim().split_once('='));
        let at = fields().find(|(name, _)| *name == "t").map(|(_, at)| at).ok_or(HookError::BadSignature)?;
        let signed = [at.as_bytes(), b".", body].concat();
        let is_good = |(name, text): (&str, &str)| {
            let bytes = (name == "v1").then(|| of_hex(text)).flatten();
            bytes.is_some_and(|bytes| self.secrets.iter().any(|key| hmac::verify(key, &signed, &bytes).is_ok()))
        };
        if !fields().any(is_good) {
            return Err(HookError::BadSignature);
        }
        near(at, now).map(|_| ())
    }

    fn message(&self, kind: PaymentKind, said: Said<'_>) -> Result<GatewayMessage, HookError> {
        let currency = said.currency.to_ascii_uppercase();
        let amount_minor = if HUNDREDFOLD.contains(&currency.as_str()) {
            let whole = said.amount.checked_rem(100) == Some(0);
            let amount = said.amount.checked_div(100).filter(|_| whole);
            amount.ok_or_else(|| HookError::Amount { amount: said.amount, currency: currency.clone() })?
        } else {
            said.amount
        };
        let [gateway, payment, movement, account] =
            [&self.name, said.payment, said.movement, said.account].map(str::to_owned);
        let time = Instant::new(said.at.clamp(0, 1 << 40));
        Ok(GatewayMessage { gateway, kind, payment, movement, account, amount_minor, currency, time })
    }

    /// The messages of an object that an event or a list shows. A payment's account
    /// is a request of its own, because intent and session do not both say it.
    fn said_of(&self, event: Option<&str>, object: &Shown) -> Result<Vec<GatewayMessage>, HookError> {
        use PaymentKind::{Captured, ChargedBack, Refunded, Reinstated, Requested};
        let say = |kinds: &[PaymentKind], said: Said<'_>| kinds.iter().map(|kind| self.message(*kind, said)).collect();
        let status = object.status.as_deref().unwrap_or_default();
        let account = object.account();
        let first: &[PaymentKind] = if account.is_empty() { &[Captured] } else { &[Requested, Captured] };
        let of = object.payment_intent.as_deref().or(object.charge.as_deref()).unwrap_or_default();
        let amount = object.amount.unwrap_or_default();
        let said = |payment, amount| {
            let (movement, currency, at) = (&object.id, object.currency.as_deref().unwrap_or_default(), object.created);
            Said { payment, movement, account: "", amount, currency, at }
        };
        match (object.object.as_str(), event) {
            ("payment_intent", None | Some("payment_intent.succeeded")) if status == "succeeded" => {
                let said = said(&object.id, object.amount_received.unwrap_or(amount));
                first.iter().map(|kind| self.message(*kind, said.of(*kind, account))).collect()
            }
            (
                "checkout.session",
                None | Some("checkout.session.completed" | "checkout.session.async_payment_succeeded"),
            ) if object.payment_status.as_deref() == Some("paid") => {
                let payment = object.payment_intent.as_deref().unwrap_or(&object.id);
                let said = Said { movement: payment, ..said(payment, object.amount_total.unwrap_or_default()) };
                first.iter().map(|kind| self.message(*kind, said.of(*kind, account))).collect()
            }
            // A refund leaves when it is made, also while it is pending; one that fails comes back.
            ("refund", None | Some(_)) if matches!(status, "pending" | "succeeded") => {
                say(&[Refunded], said(of, amount))
            }
            ("refund", None | Some(_)) if status == "failed" => say(&[Refunded, Reinstated], said(of, amount)),
            ("charge", Some("charge.refunded")) => {
                let refunds = object.refunds.iter().flat_map(|list| &list.data);
                let messages = refunds.map(|refund| self.said_of(None, refund)).collect::<Result<Vec<_>, _>>()?;
                Ok(messages.concat())
            }
            // An inquiry takes nothing yet.
            ("dispute", event) if event == Some("charge.dispute.funds_withdrawn") || !status.starts_with("warning") => {
                let back = status == "won" || event == Some("charge.dispute.funds_reinstated");
                let kinds: &[PaymentKind] = if back { &[ChargedBack, Reinstated] } else { &[ChargedBack] };
                say(kinds, said(of, amount))
            }
            _ => Ok(Vec::new()),
        }
    }

    /// All pages of a list of the API, from an instant on.
    fn list(&self, key: &str, what: &str, since: Instant) -> Result<Vec<Shown>, PollError> {
        let bearer = format!("Bearer {key}");
        let mut all: Vec<Shown> = Vec::new();
        loop {
            let after = all.last().map_or(String::new(), |last| format!("&starting_after={}", last.id));
            let url = format!("{}/v1/{what}?limit=100&created%5Bgte%5D={}{after}", self.api, since.get());
            let answer = http::get(&url, &[("authorization", &bearer)], &[])?;
            let body = answer.map(|answer| answer.body).unwrap_or_default();
            let page: List = json(&body)?;
            let ends = !page.has_more || page.data.is_empty();
            all.extend(page.data);
            if ends {
                return Ok(all);
            }
        }
    }
}

/// What is said of a payment.
#[derive(Clone, Copy)]
struct Said<'a> {
    payment: &'a str,
    movement: &'a str,
    account: &'a str,
    amount: i64,
    currency: &'a str,
    at: i64,
}

impl<'a> Said<'a> {
    fn of(self, kind: PaymentKind, account: &'a str) -> Self {
        Self { account: if kind == PaymentKind::Requested { account } else { "" }, ..self }
    }
}

#[derive(Deserialize)]
struct Event<'b> {
    r#type: String,
    #[serde(borrow)]
    data: Holds<'b>,
}

#[derive(Deserialize)]
struct Holds<'b> {
    #[serde(borrow)]
    object: &'b RawValue,
}

#[derive(Deserialize)]
struct Named {
    object: String,
}

#[derive(Deserialize)]
struct List {
    data: Vec<Shown>,
    #[serde(default)]
    has_more: bool,
}

/// The fields of the objects that matter here; amounts are integers, in minor units.
#[derive(Deserialize)]
struct Shown {
    id: String,
    object: String,
    amount: Option<i64>,
    amount_received: Option<i64>,
    amount_total: Option<i64>,
    charge: Option<String>,
    client_reference_id: Option<String>,
    #[serde(default)]
    created: i64,
    currency: Option<String>,
    metadata: Option<Metadata>,
    payment_intent: Option<String>,
    payment_status: Option<String>,
    refunds: Option<List>,
    status: Option<String>,
}

#[derive(Deserialize)]
struct Metadata {
    account: Option<String>,
}

impl Shown {
    fn account(&self) -> &str {
        let said = self.metadata.as_ref().and_then(|metadata| metadata.account.as_deref());
        said.or(self.client_reference_id.as_deref()).unwrap_or_default().trim()
    }
}

fn of_hex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes();
    let whole = digits.len().is_multiple_of(2) && digits.iter().all(u8::is_ascii_hexdigit);
    let pair = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    if whole { digits.chunks(2).map(pair).collect() } else { None }
}

/// The objects whose events are heard.
const HEARD: [&str; 5] = ["payment_intent", "checkout.session", "refund", "charge", "dispute"];

impl PaymentGateway for Stripe {
    fn name(&self) -> &str {
        &self.name
    }

    fn hear(&self, headers: &Headers, body: &[u8], now: Instant) -> Result<Vec<GatewayMessage>, HookError> {
        self.check(headers.get("stripe-signature")?, body, now)?;
        let event: Event<'_> = json(body)?;
        let object = event.data.object.get().as_bytes();
        if !json::<Named>(object).is_ok_and(|named| HEARD.contains(&named.object.as_str())) {
            return Ok(Vec::new());
        }
        let object: Shown = json(object)?;
        self.said_of(Some(&event.r#type), &object)
    }

    fn poll(&self, since: Instant, _: Instant, _: &[String]) -> Result<Vec<GatewayMessage>, PollError> {
        let key = self.key.as_deref().ok_or_else(|| PollError::NoKey(self.name.clone()))?;
        let mut messages = Vec::new();
        // Sessions first: they say the account, without which a payment would pass through suspense.
        for what in ["checkout/sessions", "payment_intents", "refunds", "disputes"] {
            for object in self.list(key, what, since)? {
                messages.extend(self.said_of(None, &object)?);
            }
        }
        Ok(messages)
    }
}
