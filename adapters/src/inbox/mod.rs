//! Messages that devices publish to a broker, kept until they are read.
//!
//! # Contract
//!
//! - A message is there once the broker has stored it, also while nobody reads.
//! - `take` gives what is there, oldest first, each message once from one
//!   opened inbox; `received` is the broker's clock when it stored it, so the
//!   same message read twice says the same.
//! - `acknowledge` forgets messages for good. What is not acknowledged is
//!   given again after the inbox is opened anew.

mod jetstream;

use domain::quantity::Instant;

use crate::event_log::LogError;

pub use jetstream::JetStreamInbox;

/// A message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Its number in the inbox, rising.
    pub place: u64,
    /// The topic that it was published to.
    pub topic: String,
    /// When it arrived, by the broker's clock.
    pub received: Instant,
    /// Its bytes, untouched.
    pub payload: Vec<u8>,
}

/// An inbox. See the contract at the head of this module.
pub trait Inbox: Send {
    /// At most `limit` messages that were not yet given.
    fn take(&mut self, limit: usize) -> Result<Vec<Message>, InboxError>;

    /// Forgets everything up to a place that was given.
    fn acknowledge(&mut self, up_to: u64) -> Result<(), InboxError>;
}

/// Why an inbox cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum InboxError {
    /// A topic that is no name.
    #[error("topic `{0}` is no name: give each topic in full, without # and +")]
    Topic(String),
    /// The server refused or gave no answer.
    #[error("stream of the inbox could not be used")]
    Server(#[from] LogError),
    /// A stored message without number, subject or time.
    #[error("inbox is damaged behind message {0}")]
    Damaged(u64),
}
