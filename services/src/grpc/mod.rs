//! gRPC: `tallywatt.v1` of the crate `proto`, with health and reflection.
//!
//! Reading order: `access` (who may call what: one table), `refusal` (errors and
//! their codes), then what is answered, by service: `balance`, `bills`, `consumption`, `ledger`, `supply`,
//! `audit`, `export`. These are plain
//! functions, which the NATS service calls too; `service` is how tonic sees them,
//! `server` how they are served.

mod access;
pub(crate) mod audit;
pub(crate) mod balance;
pub(crate) mod bills;
pub(crate) mod consumption;
mod export;
mod ledger;
mod refusal;
mod server;
mod service;
mod stream;
mod supply;

pub use access::{Call, Gate, Of, RULES, Rule};
pub use refusal::{CODES, Kind, Refusal};
pub use server::{Listener, listen};
