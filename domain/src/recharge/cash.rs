//! Cash: what a person took over the counter is a payment too, by its receipt.

use super::PaymentKey;
use crate::event::RechargeKind;

/// The name under which cash is kept beside the gateways; no gateway has it.
pub const CASH: &str = "cash";

/// The payment of a receipt, as a person writes it: by its number, or as a list shows it.
pub fn receipt(text: &str) -> PaymentKey {
    let text = text.trim();
    let number = text.strip_prefix(CASH).and_then(|rest| rest.strip_prefix(':')).unwrap_or(text);
    PaymentKey::new(CASH, number.trim())
}

/// Whether the ledger has the credit of a payment. The receipt of cash is also known by its
/// bare number: logs have both forms, and no receipt counts twice.
pub fn credited(key: &PaymentKey, taken: impl Fn(&str, RechargeKind) -> bool) -> bool {
    let bare = key.gateway == CASH && taken(&key.payment, RechargeKind::Recharge);
    bare || taken(&key.reference(), RechargeKind::Recharge)
}
