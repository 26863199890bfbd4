//! The intake in the stream `tw-in`: a subject for each id, by our own
//! positions. There is no consumer: what is acknowledged is purged.

use async_nats::{HeaderMap, Message};
use domain::event::EventId;
use serde_json::{Value, json};

use crate::event_log::LogError;
use crate::event_log::jetstream::{Options, WRONG_LAST_SEQUENCE};
use crate::nats::{Connection, answer, header, unreachable};

use super::{Intake, IntakeError, Item, Place, check_size, check_taken};

const STREAM: &str = "tw-in";
const PAGE: usize = 500;

/// An intake in a stream.
#[derive(Debug)]
pub struct JetStreamIntake {
    connection: Connection,
    taken: Place,
}

impl JetStreamIntake {
    /// Opens `tw-in` of this server, and makes it where there is none; the
    /// options' own stream is the log's and is left alone.
    pub fn open(options: &Options) -> Result<Self, IntakeError> {
        let connection = Connection::open(&Options { stream: STREAM.to_owned(), ..options.clone() })?;
        let config = json!({
            "name": STREAM, "subjects": [format!("{STREAM}.*")],
            "retention": "limits", "storage": "file", "discard": "new", "num_replicas": 1,
            "max_age": 0, "max_bytes": -1, "max_msgs": -1, "max_msgs_per_subject": -1, "max_consumers": -1,
            "deny_delete": true, "deny_purge": false, "allow_rollup_hdrs": false, "allow_direct": true,
        });
        connection.ask(&format!("$JS.API.STREAM.CREATE.{STREAM}"), &config)?;
        Ok(Self { connection, taken: Place(0) })
    }

    /// Sends an item that may stand under its id only if nothing does.
    fn publish(&self, id: EventId, bytes: &[u8]) -> Result<(), LogError> {
        self.connection.check()?;
        let mut headers = HeaderMap::new();
        headers.insert("Nats-Expected-Last-Subject-Sequence", "0");
        let client = &self.connection.client;
        let asked = client.request_with_headers(subject(id), headers, bytes.to_vec().into());
        answer(&self.connection.runtime.block_on(asked).map_err(unreachable)?)?;
        Ok(())
    }

    /// The item that waits under an id.
    fn find(&self, id: EventId) -> Result<Option<Message>, LogError> {
        Ok(self.connection.fetch(1, &subject(id), 1)?.pop())
    }
}

fn subject(id: EventId) -> String {
    format!("{STREAM}.{id}")
}

fn item(message: &Message) -> Option<Item> {
    let place = Place(header(message, "Nats-Sequence")?.parse().ok()?);
    let id = EventId::parse(header(message, "Nats-Subject")?.strip_prefix(STREAM)?.strip_prefix('.')?)?;
    Some(Item { place, id, bytes: message.payload.to_vec() })
}

impl Intake for JetStreamIntake {
    fn offer(&mut self, id: EventId, bytes: &[u8]) -> Result<(), IntakeError> {
        check_size(bytes)?;
        loop {
            match self.publish(id, bytes) {
                Err(LogError::Server { code: WRONG_LAST_SEQUENCE, .. }) => {}
                done => return Ok(done?),
            }
            match self.find(id)? {
                Some(message) if message.payload == bytes => return Ok(()),
                Some(_) => return Err(IntakeError::IdReused(id)),
                // It was acknowledged just now: there is room under the id.
                None => {}
            }
        }
    }

    fn take(&mut self, limit: usize) -> Result<Vec<Item>, IntakeError> {
        let (mut items, mut taken) = (Vec::new(), self.taken);
        while items.len() < limit {
            let page = limit.saturating_sub(items.len()).min(PAGE);
            let messages = self.connection.fetch(taken.0.saturating_add(1), &format!("{STREAM}.*"), page)?;
            if messages.is_empty() {
                break;
            }
            for message in messages {
                let next = Place(taken.0.saturating_add(1));
                let item = item(&message).ok_or(IntakeError::Damaged(next))?;
                taken = item.place;
                items.push(item);
            }
        }
        self.taken = taken;
        Ok(items)
    }

    fn acknowledge(&mut self, up_to: Place) -> Result<(), IntakeError> {
        check_taken(up_to, self.taken)?;
        // Purged is what stands before this sequence.
        let before: Value = json!({"seq": up_to.0.saturating_add(1)});
        self.connection.ask(&format!("$JS.API.STREAM.PURGE.{STREAM}"), &before)?;
        Ok(())
    }
}
