//! The envelope of every event, and the bytes that are hashed and stored.

use serde::{Deserialize, Serialize};

use super::canonical::{self, CanonicalError};
use super::catalogue::Body;
use super::chain::Link;
use super::id::{EventId, SiteId, sha256};
use super::readings::{self, BatchError, Decoder, ReadingsBatch};
use crate::quantity::Instant;

/// An event: what happened, when, when it was known, and by whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Its contiguous number in its site, from 1; set before hashing.
    pub position: u64,
    /// Its id: the same id is the same event, for ever.
    pub id: EventId,
    /// The site in whose order it stands.
    pub site: SiteId,
    /// When it happened.
    pub time: Instant,
    /// The owner's clock at append; never decreases along positions.
    pub received: Instant,
    /// Who caused it: a user, a collector, or `core`.
    pub actor: String,
    /// The event it answers, if any.
    pub cause: Option<EventId>,
    /// Its places in the chains of what it is about.
    pub chains: Vec<Link>,
    /// Its type and payload.
    pub body: Body,
}

/// Why stored bytes are no event of this program.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EventError {
    /// Not canonical.
    #[error(transparent)]
    Canonical(#[from] CanonicalError),
    /// A readings batch that breaks its layout.
    #[error(transparent)]
    Batch(#[from] BatchError),
    /// A type or version that this program does not know.
    #[error("event type {0:?} is unknown to this version of tallywatt; use a newer one")]
    UnknownType(String),
    /// Readings written as differences to a full event, at this position, that was not seen: decode in order, with a `Decoder`.
    #[error("readings are differences to the event at position {0}, which was not seen")]
    MissingBase(u64),
}

#[derive(Serialize)]
struct Wire<'a, T> {
    actor: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<EventId>,
    #[serde(skip_serializing_if = "<[Link]>::is_empty")]
    chains: &'a [Link],
    data: &'a T,
    id: EventId,
    position: u64,
    received: Instant,
    site: &'a SiteId,
    time: Instant,
    r#type: &'static str,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Parsed {
    actor: String,
    cause: Option<EventId>,
    #[serde(default)]
    chains: Vec<Link>,
    data: serde_json::Value,
    id: EventId,
    position: u64,
    received: Instant,
    site: SiteId,
    time: Instant,
    r#type: String,
}

/// The leaf hash of an event's bytes in the site's tree: H(0x00 ‖ bytes).
pub fn leaf_hash(bytes: &[u8]) -> [u8; 32] {
    sha256(&[&[0], bytes])
}

impl Event {
    /// Its canonical bytes.
    pub fn encode(&self) -> Result<Vec<u8>, EventError> {
        if let Body::ReadingsRecorded(batch) = &self.body {
            return Ok(readings::encode(self, batch)?);
        }
        Ok(self.body.encode_in(self)?)
    }

    /// The event of its stored bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, EventError> {
        if bytes.starts_with(readings::MAGIC) {
            return Decoder::new().decode_readings(bytes);
        }
        let parsed: Parsed = canonical::from_value(canonical::decode(bytes)?)?;
        let body = Body::from_parts(&parsed.r#type, parsed.data)?;
        Ok(Self {
            position: parsed.position,
            id: parsed.id,
            site: parsed.site,
            time: parsed.time,
            received: parsed.received,
            actor: parsed.actor,
            cause: parsed.cause,
            chains: parsed.chains,
            body,
        })
    }

    /// The batch of readings that it is, if it is one.
    pub fn readings(&self) -> Option<&ReadingsBatch> {
        if let Body::ReadingsRecorded(batch) = &self.body { Some(batch) } else { None }
    }

    pub(crate) fn encode_data<T: Serialize>(&self, name: &'static str, data: &T) -> Result<Vec<u8>, CanonicalError> {
        canonical::encode(&Wire {
            actor: &self.actor,
            cause: self.cause,
            chains: &self.chains,
            data,
            id: self.id,
            position: self.position,
            received: self.received,
            site: &self.site,
            time: self.time,
            r#type: name,
        })
    }
}
