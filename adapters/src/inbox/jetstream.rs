//! An inbox in the stream `tw-mqtt`: nats-server's own MQTT listener publishes
//! what devices send to the subject of the topic's name, and the stream keeps it.

use domain::quantity::Instant;
use serde_json::json;

use super::{Inbox, InboxError, Message};
use crate::event_log::jetstream::Options;
use crate::nats::{Connection, header};

const STREAM: &str = "tw-mqtt";
const PAGE: usize = 500;

/// An inbox in a stream.
#[derive(Debug)]
pub struct JetStreamInbox {
    connection: Connection,
    taken: u64,
}

/// MQTT's `/` is a `.` of NATS. Wildcards also bring the server's own messages.
fn subject(topic: &str) -> Option<String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '/');
    let fits = !topic.is_empty() && topic.chars().all(plain) && topic.split('/').all(|part| !part.is_empty());
    fits.then(|| topic.replace('/', "."))
}

impl JetStreamInbox {
    /// Opens `tw-mqtt` of this server for these topics, and makes it where
    /// there is none; the options' own stream is the log's and is left alone.
    pub fn open(options: &Options, topics: &[String]) -> Result<Self, InboxError> {
        let subjects = topics.iter().map(|topic| subject(topic).ok_or_else(|| InboxError::Topic(topic.clone())));
        let subjects: Vec<String> = subjects.collect::<Result<_, _>>()?;
        let connection = Connection::open(&Options { stream: STREAM.to_owned(), ..options.clone() })?;
        let config = json!({
            "name": STREAM, "subjects": subjects,
            "retention": "limits", "storage": "file", "discard": "new", "num_replicas": 1,
            "max_age": 0, "max_bytes": -1, "max_msgs": -1, "max_msgs_per_subject": -1, "max_consumers": -1,
            "deny_delete": true, "deny_purge": false, "allow_rollup_hdrs": false, "allow_direct": true,
        });
        connection.ask(&format!("$JS.API.STREAM.CREATE.{STREAM}"), &config)?;
        Ok(Self { connection, taken: 0 })
    }
}

fn message(stored: &async_nats::Message) -> Option<Message> {
    let at = chrono::DateTime::parse_from_rfc3339(header(stored, "Nats-Time-Stamp")?).ok()?;
    Some(Message {
        place: header(stored, "Nats-Sequence")?.parse().ok()?,
        topic: header(stored, "Nats-Subject")?.replace('.', "/"),
        received: Instant::new(at.timestamp()),
        payload: stored.payload.to_vec(),
    })
}

impl Inbox for JetStreamInbox {
    fn take(&mut self, limit: usize) -> Result<Vec<Message>, InboxError> {
        let mut messages: Vec<Message> = Vec::new();
        while messages.len() < limit {
            let page = limit.saturating_sub(messages.len()).min(PAGE);
            let stored = self.connection.fetch(self.taken.saturating_add(1), ">", page)?;
            if stored.is_empty() {
                break;
            }
            for stored in stored {
                let message = message(&stored).ok_or(InboxError::Damaged(self.taken))?;
                self.taken = message.place;
                messages.push(message);
            }
        }
        Ok(messages)
    }

    fn acknowledge(&mut self, up_to: u64) -> Result<(), InboxError> {
        // Purged is what stands before this sequence.
        let before = json!({"seq": up_to.min(self.taken).saturating_add(1)});
        self.connection.ask(&format!("$JS.API.STREAM.PURGE.{STREAM}"), &before)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics_are_names() {
        assert_eq!(subject("MQTT_ENY_NOW").as_deref(), Some("MQTT_ENY_NOW"));
        assert_eq!(subject("site1/MQTT_ENY_NOW").as_deref(), Some("site1.MQTT_ENY_NOW"));
        for wild in ["", "#", "a/#", "+/b", "a//b", "a b", "a.b", "$JS/x"] {
            assert_eq!(subject(wild), None, "{wild}");
        }
    }
}
