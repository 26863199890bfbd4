//! Shared parts of the test suites.
pub mod events;
pub mod field;
pub mod loads;
pub mod nats;
