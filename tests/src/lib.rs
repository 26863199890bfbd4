//! Shared parts of the test suites.
pub mod field;
pub mod loads;
