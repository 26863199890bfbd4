//! The queries of gRPC as a NATS service, found by `nats micro`, and the log's events
//! for who subscribes.
//!
//! Who may ask and hear what is the server's to say: site and account are tokens of every
//! subject, so that permissions of a NATS user on subjects suffice (`permissions`; `nats-server.conf`
//! beside this file). What an account's request says of another account is refused.
//!
//! Reading order: `subject` (names), `micro` (the service protocol), `answer` (a request),
//! `events` (what is published), `server` (the connection), `permissions` (what a user may, for the NATS server).

mod answer;
mod events;
mod micro;
pub mod permissions;
mod server;
mod subject;

pub use server::{Connection, NatsConfig, NatsError, connect};

/// A server's configuration to begin with: a service, and a tenant who sees one account.
pub const EXAMPLE: &str = include_str!("nats-server.conf");
