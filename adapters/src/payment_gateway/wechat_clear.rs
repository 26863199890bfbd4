//! What `WeChat` Pay says once it is opened: payments and refunds.

use domain::event::PaymentKind;
use domain::quantity::Instant;
use domain::recharge::GatewayMessage;
use serde::Deserialize;

use super::HookError;

/// A payment, in a notification or as the answer to a query.
#[derive(Deserialize)]
pub(super) struct Payment {
    out_trade_no: String,
    trade_state: String,
    success_time: Option<String>,
    /// What we wrote into the order: the account.
    attach: Option<String>,
    amount: Option<Amount>,
}

#[derive(Deserialize)]
struct Amount {
    total: i64,
    currency: Option<String>,
}

/// A refund.
#[derive(Deserialize)]
pub(super) struct MoneyBack {
    out_trade_no: String,
    refund_id: String,
    refund_status: String,
    success_time: Option<String>,
    amount: RefundAmount,
}

#[derive(Deserialize)]
struct RefundAmount {
    refund: i64,
    currency: Option<String>,
}

fn time(text: Option<&String>) -> Result<Instant, HookError> {
    let text = text.ok_or_else(|| HookError::Body("success_time is missing".to_owned()))?;
    Instant::parse(text).map_err(|error| HookError::Body(format!("success_time: {error}")))
}

/// The one currency of a domestic merchant.
fn currency(text: Option<String>) -> String {
    text.unwrap_or_else(|| "CNY".to_owned())
}

impl Payment {
    /// What it says: a payment that has not succeeded says nothing.
    pub(super) fn messages(self, gateway: &str) -> Result<Vec<GatewayMessage>, HookError> {
        // `REFUND`: it was paid, and then something of it was refunded, which the refund says.
        if !matches!(self.trade_state.as_str(), "SUCCESS" | "REFUND") {
            return Ok(Vec::new());
        }
        let amount = self.amount.ok_or_else(|| HookError::Body("amount is missing".to_owned()))?;
        Ok(vec![GatewayMessage {
            gateway: gateway.to_owned(),
            kind: PaymentKind::Captured,
            movement: self.out_trade_no.clone(),
            payment: self.out_trade_no,
            account: self.attach.unwrap_or_default().trim().to_owned(),
            amount_minor: amount.total,
            currency: currency(amount.currency),
            time: time(self.success_time.as_ref())?,
        }])
    }
}

impl MoneyBack {
    /// What it says: a refund that was closed or failed moved nothing.
    pub(super) fn messages(self, gateway: &str) -> Result<Vec<GatewayMessage>, HookError> {
        if self.refund_status != "SUCCESS" {
            return Ok(Vec::new());
        }
        Ok(vec![GatewayMessage {
            gateway: gateway.to_owned(),
            kind: PaymentKind::Refunded,
            payment: self.out_trade_no,
            movement: self.refund_id,
            account: String::new(),
            amount_minor: self.amount.refund,
            currency: currency(self.amount.currency),
            time: time(self.success_time.as_ref())?,
        }])
    }
}
