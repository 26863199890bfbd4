//! What an item of an intake says: a fact, or a poll of the meters of a bus.
//!
//! The bytes are canonical JSON (sorted keys, no spaces, no null, integers
//! only), `format` is 1. A collector in any language can write them:
//!
//! ```json
//! {"actor":"J. Doe","data":{"account":"A-1","amount_minor":5000,"kind":"recharge","reference":"R-1"},
//!  "format":1,"id":"00112233445566778899aabbccddeeff","kind":"fact","site":"riverside",
//!  "time":"2026-03-01T12:00:00Z","type":"recharge.received.v1"}
//! {"bus":"rtu-1","collector":"cellar","format":1,"kind":"poll",
//!  "meters":[{"device_time":"2026-03-01T11:59:58Z","kwh":"1204.500","meter":"M-1","profile":"kpm33b/2",
//!             "relay":"connected","remote":true,"serial":"33B1","words":"44969000"}],
//!  "site":"riverside","time":"2026-03-01T12:00:00Z"}
//! ```
//!
//! (Broken into lines here.) When it was received is not said: that is the
//! clock of the owner that appends it.

use domain::event::{Body, EventError, EventId, MeterId, OutputState, ReadingRow, SiteId};
use domain::quantity::Instant;
use serde::{Deserialize, Serialize};

use super::MAX_BYTES;

/// The format that this program writes, the only one so far.
const FORMAT: i64 = 1;
/// Words of a meter's registers: as many as one Modbus answer can hold.
const MAX_WORDS: usize = 125;
/// Every row of a poll has fewer bytes than this beside its texts.
const ROW_BYTES: usize = 200;

/// What comes in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Arrival {
    /// A fact of the catalogue, other than readings.
    Fact(Box<Fact>),
    /// Readings of the meters of one bus.
    Poll(Poll),
}

/// A fact that comes in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// The event's id for ever; the item is offered under it. The same id is the same fact.
    pub id: EventId,
    /// The site that it is about.
    pub site: SiteId,
    /// When it happened, by its source's clock.
    pub time: Instant,
    /// Who says so: a named person, a gateway, `site-folder`.
    pub actor: String,
    /// Type and payload; neither readings nor a decision.
    pub body: Body,
}

/// One poll of the meters of one bus. The owner merges the buses of a minute into one event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Poll {
    /// The bus, named once for each collector.
    pub bus: String,
    /// The collector.
    pub collector: String,
    format: i64,
    kind: PollKind,
    /// The meters that answered, in the order of the bus; at least one. The
    /// same order each time makes small events.
    pub meters: Vec<PolledMeter>,
    /// The site.
    pub site: SiteId,
    /// When the poll began, by the collector's clock, also when it was spooled for hours.
    pub time: Instant,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum PollKind {
    Poll,
}

/// What a meter answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolledMeter {
    /// The meter's own clock, where it was read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_time: Option<Instant>,
    /// Its import register in kWh, as decimal text.
    pub kwh: String,
    /// The meter.
    pub meter: MeterId,
    /// Its line in the file that it was read from; 0 where there is none.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub place: u32,
    /// Its active power in mW, where it was read; given back it is negative.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub power_mw: Option<i64>,
    /// The profile and its version that made the text from the words, as `kpm33b/2`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// The registers of its rates in kWh, as decimal texts, where they were read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rates_kwh: Vec<String>,
    /// Where its relay was read; absent where it has none, or reads off while power flows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub relay: Option<OutputState>,
    /// Whether its relay obeys: its mode was read as remote.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remote: Option<bool>,
    /// The serial that it gave.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serial: Option<String>,
    /// When it answered, by the collector's clock; the poll's time where it is not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<Instant>,
    /// The register words as sent: four lower-case hexadecimal digits for each, in the order of the profile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub words: Option<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
const fn is_zero(place: &u32) -> bool {
    *place == 0
}

/// Why bytes are no arrival, or an arrival has no bytes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ArrivalError {
    /// Not the JSON of an arrival.
    #[error("not the JSON of a fact or a poll: {0}")]
    Json(String),
    /// JSON, but not in its one canonical form.
    #[error("not in canonical form: write keys sorted, without spaces and nulls, and leave out what is empty")]
    NotCanonical,
    /// Written by a newer program.
    #[error("format {0} is unknown to this version of tallywatt: use a newer one")]
    Format(i64),
    /// A payload that is not that of its type.
    #[error(transparent)]
    Event(#[from] EventError),
    /// Readings come as polls, decisions from the core alone.
    #[error("{0} does not come in as a fact: send readings as polls; decisions are the core's")]
    NotAFact(&'static str),
    /// A poll without an answer.
    #[error("poll without a meter: leave it out")]
    Empty,
    /// Words that are not.
    #[error("words of meter {0} are not 1 to 125 times four lower-case hexadecimal digits, or have no profile")]
    Words(MeterId),
    /// Too large for an intake.
    #[error("arrival has {0} bytes, more than the 524288 of an intake: send the poll in parts")]
    TooLarge(usize),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FactWire<'a> {
    actor: std::borrow::Cow<'a, str>,
    data: serde_json::Value,
    format: i64,
    id: EventId,
    kind: FactKind,
    site: SiteId,
    time: Instant,
    r#type: std::borrow::Cow<'a, str>,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum FactKind {
    Fact,
}

/// What every format has.
#[derive(Deserialize)]
struct Head {
    format: i64,
    kind: Option<PollKind>,
}

impl Arrival {
    /// The item's id and its canonical bytes. A fact has its own id; a poll's is derived from what it says.
    pub fn encode(&self) -> Result<(EventId, Vec<u8>), ArrivalError> {
        let (id, bytes) = match self {
            Self::Fact(fact) => {
                let data = fact.body.to_value().filter(|_| !fact.body.is_decision());
                let wire = FactWire {
                    actor: fact.actor.as_str().into(),
                    data: data.ok_or(ArrivalError::NotAFact(fact.body.type_name()))?,
                    format: FORMAT,
                    id: fact.id,
                    kind: FactKind::Fact,
                    site: fact.site.clone(),
                    time: fact.time,
                    r#type: fact.body.type_name().into(),
                };
                (fact.id, json(&wire)?)
            }
            Self::Poll(poll) => {
                poll.check()?;
                let bytes = json(poll)?;
                (EventId::derive(&[b"poll", &bytes]), bytes)
            }
        };
        if bytes.len() > MAX_BYTES { Err(ArrivalError::TooLarge(bytes.len())) } else { Ok((id, bytes)) }
    }

    /// The arrival of its bytes; anything but the one canonical form is refused.
    pub fn decode(bytes: &[u8]) -> Result<Self, ArrivalError> {
        // The first key of each kind's one form; what begins otherwise is not of that form, but may still have a better name.
        let parsed = if bytes.starts_with(b"{\"bus\":") { Self::poll(bytes) } else { Self::fact(bytes) };
        let (arrival, again) = parsed.map_err(|error| match serde_json::from_slice::<Head>(bytes) {
            Ok(head) if head.format != FORMAT => ArrivalError::Format(head.format),
            Ok(Head { kind: Some(PollKind::Poll), .. }) => {
                Self::poll(bytes).err().unwrap_or(ArrivalError::NotCanonical)
            }
            _ => error,
        })?;
        if again == bytes { Ok(arrival) } else { Err(ArrivalError::NotCanonical) }
    }

    fn poll(bytes: &[u8]) -> Result<(Self, Vec<u8>), ArrivalError> {
        let poll: Poll = serde_json::from_slice(bytes).map_err(malformed)?;
        if poll.format != FORMAT {
            return Err(ArrivalError::Format(poll.format));
        }
        poll.check()?;
        let again = json(&poll)?;
        Ok((Self::Poll(poll), again))
    }

    fn fact(bytes: &[u8]) -> Result<(Self, Vec<u8>), ArrivalError> {
        let wire: FactWire<'_> = serde_json::from_slice(bytes).map_err(malformed)?;
        if wire.format != FORMAT {
            return Err(ArrivalError::Format(wire.format));
        }
        let again = json(&wire)?;
        let body = Body::from_parts(&wire.r#type, wire.data)?;
        if body.is_decision() {
            return Err(ArrivalError::NotAFact(body.type_name()));
        }
        let fact = Fact { id: wire.id, site: wire.site, time: wire.time, actor: wire.actor.into_owned(), body };
        Ok((Self::Fact(Box::new(fact)), again))
    }

    /// The site that it is of.
    pub const fn site(&self) -> &SiteId {
        match self {
            Self::Fact(fact) => &fact.site,
            Self::Poll(poll) => &poll.site,
        }
    }
}

fn malformed(error: serde_json::Error) -> ArrivalError {
    ArrivalError::Json(error.to_string())
}

fn json<T: Serialize>(value: &T) -> Result<Vec<u8>, ArrivalError> {
    serde_json::to_vec(value).map_err(malformed)
}

impl Poll {
    /// A poll of these meters.
    pub fn new(site: SiteId, collector: &str, bus: &str, time: Instant, meters: Vec<PolledMeter>) -> Self {
        let (bus, collector) = (bus.to_owned(), collector.to_owned());
        Self { bus, collector, format: FORMAT, kind: PollKind::Poll, meters, site, time }
    }

    /// Polls of rows that were read elsewhere, in their order: as many as needed for each to fit an intake.
    pub fn of_rows(site: &SiteId, collector: &str, bus: &str, rows: &[ReadingRow]) -> Vec<Self> {
        let mut polls: Vec<Self> = Vec::new();
        let mut left = 0usize;
        for row in rows {
            // A control character of a text takes six bytes.
            let texts = [row.meter.as_str().len(), row.kwh.len(), row.serial.as_ref().map_or(0, |text| text.len())];
            let size = texts.into_iter().fold(ROW_BYTES, |sum, len| sum.saturating_add(len.saturating_mul(6)));
            match polls.last_mut() {
                Some(poll) if size <= left => poll.meters.push(PolledMeter::of_row(row, poll.time)),
                _ => {
                    let meters = vec![PolledMeter::of_row(row, row.time)];
                    polls.push(Self::new(site.clone(), collector, bus, row.time, meters));
                    left = MAX_BYTES.saturating_sub(4 * ROW_BYTES);
                }
            }
            left = left.saturating_sub(size);
        }
        polls
    }

    /// Its rows, as readings of an event.
    pub fn rows(&self) -> impl Iterator<Item = ReadingRow> {
        self.meters.iter().map(|polled| ReadingRow {
            meter: polled.meter.clone(),
            time: polled.time.unwrap_or(self.time),
            kwh: polled.kwh.as_str().into(),
            serial: polled.serial.as_deref().map(Into::into),
            device_time: polled.device_time,
            place: polled.place,
        })
    }

    fn check(&self) -> Result<(), ArrivalError> {
        if self.meters.is_empty() {
            return Err(ArrivalError::Empty);
        }
        for polled in &self.meters {
            let hex = |text: &str| text.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'));
            let fits =
                |text: &str| (4..=4 * MAX_WORDS).contains(&text.len()) && text.len().is_multiple_of(4) && hex(text);
            if polled.words.as_deref().is_some_and(|text| !fits(text) || polled.profile.is_none()) {
                return Err(ArrivalError::Words(polled.meter.clone()));
            }
        }
        Ok(())
    }
}

impl PolledMeter {
    /// What a meter answered at the time of its poll.
    pub fn new(meter: MeterId, kwh: &str) -> Self {
        Self {
            device_time: None,
            kwh: kwh.to_owned(),
            meter,
            place: 0,
            power_mw: None,
            profile: None,
            rates_kwh: Vec::new(),
            relay: None,
            remote: None,
            serial: None,
            time: None,
            words: None,
        }
    }

    fn of_row(row: &ReadingRow, poll: Instant) -> Self {
        Self {
            device_time: row.device_time,
            place: row.place,
            serial: row.serial.as_deref().map(str::to_owned),
            time: (row.time != poll).then_some(row.time),
            ..Self::new(row.meter.clone(), &row.kwh)
        }
    }
}
