//! Frames of KPM33B meters that come over MQTT, into the intake. The time of
//! a reading is its arrival; the meter's own clock is kept beside it.
//!
//! A frame of a registered meter is a reading, also one of zeros or of an odd
//! clock: the log keeps it, and the gate behind the log judges it (BILLING §3).
//! What is no frame, or of nobody's meter, is written to the file of the refused.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::path::PathBuf;

use adapters::inbox::{Inbox, InboxError, Message};
use adapters::intake::{Arrival, ArrivalError, Intake, IntakeError, Poll, PolledMeter};
use chrono_tz::Tz;
use domain::event::{MeterId, SiteId};
use domain::quantity::Instant;

use crate::import::{MqttFrame, instant_of};

/// Messages of one turn.
const TURN: usize = 500;

/// Whose frames are wanted, and how they are told.
#[derive(Debug, Clone)]
pub struct Frames {
    /// The site.
    pub site: SiteId,
    /// The collector.
    pub collector: String,
    /// The name of this source, as that of a bus.
    pub name: String,
    /// The zone of the meters' clocks.
    pub zone: Tz,
    /// The meters by their serials.
    pub meters: BTreeMap<String, MeterId>,
    /// Where refused messages are kept, a JSON line each.
    pub refused: PathBuf,
}

/// Why frames could not be kept; what was not acknowledged is taken again.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// The broker.
    #[error(transparent)]
    Inbox(#[from] InboxError),
    /// The intake.
    #[error(transparent)]
    Intake(#[from] IntakeError),
    /// A fault of this program.
    #[error(transparent)]
    Arrival(#[from] ArrivalError),
    /// The file of the refused.
    #[error("{}: cannot be written", path.display())]
    Refused {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// What a turn did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Turn {
    /// Frames that became readings.
    pub readings: usize,
    /// Messages that became none.
    pub refused: usize,
}

impl Frames {
    /// The poll of a frame, or what is wrong with the message.
    pub fn arrival(&self, message: &Message) -> Result<Arrival, &'static str> {
        let line = [message.topic.as_bytes(), b" ", &message.payload].concat();
        let frame = MqttFrame::parse(&line)?;
        let meter = self.meters.get(&frame.serial).ok_or("unknown_meter")?;
        let polled = PolledMeter {
            // Told twice by its meter it is two readings; taken twice by us, one.
            place: u32::try_from(message.place).unwrap_or(0),
            device_time: Some(Instant::new(instant_of(self.zone, frame.clock).timestamp())),
            serial: Some(frame.serial),
            ..PolledMeter::new(meter.clone(), &frame.kwh)
        };
        let poll = Poll::new(self.site.clone(), &self.collector, &self.name, message.received, vec![polled]);
        Ok(Arrival::Poll(poll))
    }

    /// Moves at most 500 messages into the intake; what is durable there, or
    /// in the file of the refused, is forgotten by the broker.
    pub fn turn(&self, inbox: &mut dyn Inbox, intake: &mut dyn Intake) -> Result<Turn, FrameError> {
        let messages = inbox.take(TURN)?;
        let mut turn = Turn::default();
        let mut refused = Vec::new();
        for message in &messages {
            match self.arrival(message) {
                Ok(arrival) => {
                    let (id, bytes) = arrival.encode()?;
                    intake.offer(id, &bytes)?;
                    turn.readings = turn.readings.saturating_add(1);
                }
                Err(reason) => {
                    turn.refused = turn.refused.saturating_add(1);
                    refused.push(serde_json::json!({
                        "payload": String::from_utf8_lossy(&message.payload), "place": message.place,
                        "reason": reason, "received": message.received, "topic": message.topic,
                    }));
                }
            }
        }
        self.keep(&refused).map_err(|source| FrameError::Refused { path: self.refused.clone(), source })?;
        if let Some(last) = messages.last() {
            inbox.acknowledge(last.place)?;
        }
        Ok(turn)
    }

    fn keep(&self, refused: &[serde_json::Value]) -> io::Result<()> {
        if refused.is_empty() {
            return Ok(());
        }
        let mut file = OpenOptions::new().create(true).append(true).open(&self.refused)?;
        let mut lines: Vec<String> = refused.iter().map(serde_json::Value::to_string).collect();
        lines.push(String::new());
        file.write_all(lines.join("\n").as_bytes())?;
        file.sync_data()
    }
}
