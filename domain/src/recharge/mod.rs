//! Money in: payments as gateways report them, and what becomes of each.
//!
//! `Requested → Captured → Credited → Refunded | Reversed | ChargedBack`, or
//! `Captured → Suspended → Credited | Returned`.
//!
//! # Contract
//!
//! - A balance moves by `recharge.received.v1` alone. Its reference is derived from the gateway and its id, so that
//!   the ledger takes it once, for ever.
//! - What a gateway says is known by (gateway, its id, kind). Said again with the same content it changes nothing;
//!   with another content it is refused, and the refusal is kept for a person.
//! - Messages come in any order. What came before its capture is parked, and carried out with it. The same messages
//!   give the same balances in whichever order and however often they come.
//! - Money that left at the gateway has left: it is taken from the account even where that owes it then, a receivable.
//!   In the ledger it is a reversal, because a refund may not be above the balance (BILLING §7).
//! - Money that names no known account stays in suspense until a person matches or returns it, or until the request
//!   for it names the account.
//! - `decide` completes what was cut off: what the log lacks of a payment's consequences comes with its next message.

mod cash;
mod decide;
mod error;
mod message;
mod state;
#[cfg(test)]
#[expect(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::wildcard_enum_match_arm,
    reason = "tests may panic"
)]
mod tests;

pub use cash::{CASH, credited, receipt};
pub use decide::{Act, Command, Decision, Fact, Outcome, View, decide};
pub use error::RechargeRefusal;
pub use message::{GatewayMessage, PaymentKey};
pub use state::{Captured, Movement, Payment, PaymentState, Payments};
