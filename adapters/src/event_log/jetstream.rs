//! The log in a `JetStream` stream, by atomic batches.
//!
//! `Nats-Msg-Id` is not sent: the server forgets it after its window. Ids are
//! read from the stream when it is opened and kept here.

use std::collections::{HashMap, VecDeque};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_nats::{HeaderMap, Message};
use domain::event::{EventId, SiteId};
use serde_json::{Value, json};

use crate::nats::{Connection, Login, answer, header, unreachable};

use super::{EventLog, Filter, Follow, Kind, LogError, LogEvent, Sequence, Stored, Verdict, judge};

/// How long an answer may take, unless told otherwise.
const PATIENCE: Duration = Duration::from_secs(5);
const LOOK: Duration = Duration::from_millis(5);
const PAGE: usize = 500;
const SCHEMES: [&str; 2] = ["nats", "tls"];
/// The server's code for a wrong expectation, of a stream or of a subject.
pub(crate) const WRONG_LAST_SEQUENCE: u64 = 10_071;

/// Where a stream is: `nats://host:port/STREAM`, or `tls://host:port/STREAM`.
#[derive(Debug, Clone)]
pub struct Options {
    /// Host and port of the server.
    pub server: String,
    /// Name of the stream.
    pub stream: String,
    /// Host and port of its HTTP monitoring.
    pub monitor: String,
    /// How the server lets us in.
    pub login: Login,
    /// For trials only: a power loss takes acknowledged events.
    pub allow_unsynced: bool,
    /// How long an answer may take before the server counts as gone.
    pub patience: Duration,
}

impl Options {
    /// Of `nats://host:port/STREAM?monitor=HOST:PORT`; without them the stream
    /// is `tallywatt`, and monitoring at the host's port 8222. For a secured server `tls://` stands for
    /// `nats://`, and `user`, `password_file`, `ca_file`, `cert_file` with `key_file` follow, by `&`.
    pub fn parse(url: &str) -> Result<Self, LogError> {
        let wrong = || LogError::Url(url.to_owned());
        let (scheme, rest) = url.split_once("://").filter(|(scheme, _)| SCHEMES.contains(scheme)).ok_or_else(wrong)?;
        let (place, query) = rest.split_once('?').map_or((rest, None), |(place, query)| (place, Some(query)));
        let (server, stream) = place.split_once('/').unwrap_or((place, ""));
        let stream = if stream.is_empty() { "tallywatt" } else { stream };
        let named = stream.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
        if server.is_empty() || !named {
            return Err(wrong());
        }
        let host = server.rsplit_once(':').map_or(server, |(host, _)| host);
        let (mut monitor, mut login) = (format!("{host}:8222"), Login::default());
        let (mut chain, mut key) = (None, None);
        for (name, value) in
            query.iter().flat_map(|query| query.split('&')).map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        {
            let file = || Some(PathBuf::from(value));
            match name {
                "monitor" if value.contains(':') => value.clone_into(&mut monitor),
                "user" if !value.is_empty() => login.user = Some(value.to_owned()),
                "password_file" => login.password_file = file(),
                "ca_file" => login.ca_file = file(),
                "cert_file" => chain = file(),
                "key_file" => key = file(),
                _ => return Err(wrong()),
            }
        }
        login.client = chain.zip(key);
        let server = if scheme == "tls" { format!("tls://{server}") } else { server.to_owned() };
        Ok(Self { server, stream: stream.to_owned(), monitor, login, allow_unsynced: false, patience: PATIENCE })
    }
}

/// The log of a shard in a stream.
#[derive(Debug)]
pub struct JetStreamLog {
    connection: Arc<Connection>,
    ids: HashMap<EventId, Sequence>,
    lasts: HashMap<SiteId, u64>,
    head: Sequence,
}

impl JetStreamLog {
    /// Opens the stream, and makes it where there is none.
    pub fn open(options: &Options) -> Result<Self, LogError> {
        let connection = Arc::new(Connection::open(options)?);
        connection.create()?;
        let mut log = Self { connection, ids: HashMap::new(), lasts: HashMap::new(), head: Sequence(0) };
        log.catch_up()?;
        Ok(log)
    }

    /// Opens a stream that is there, for readers: what is in it is taken up when somebody appends.
    pub(super) fn open_unread(options: &Options) -> Result<Self, LogError> {
        let connection = Arc::new(Connection::open(options)?);
        Ok(Self { connection, ids: HashMap::new(), lasts: HashMap::new(), head: Sequence(0) })
    }

    /// Takes up what is in the stream and not yet known here.
    fn catch_up(&mut self) -> Result<(), LogError> {
        let end = self.connection.head()?;
        while self.head < end {
            let page = self.connection.read(self.head, &Filter::default(), PAGE)?;
            if page.is_empty() {
                return Err(LogError::Damaged(Sequence(self.head.0.saturating_add(1))));
            }
            for stored in page {
                // Nothing may be deleted, so a gap is damage.
                if stored.sequence.0 != self.head.0.saturating_add(1) {
                    return Err(LogError::Damaged(stored.sequence));
                }
                self.take_up(stored.sequence, &stored.event);
            }
        }
        Ok(())
    }

    fn take_up(&mut self, sequence: Sequence, event: &LogEvent) {
        self.ids.insert(event.id, sequence);
        self.lasts.insert(event.site.clone(), event.position);
        self.head = sequence;
    }

    fn judge(&self, expected: Sequence, events: &[LogEvent]) -> Result<Verdict, LogError> {
        let find = |id| match self.ids.get(&id) {
            Some(sequence) => {
                let before = Sequence(sequence.0.saturating_sub(1));
                Ok(self.connection.read(before, &Filter::default(), 1)?.pop())
            }
            None => Ok(None),
        };
        judge(expected, self.head, events, find, |site| Ok(self.lasts.get(site).copied().unwrap_or(0)))
    }
}

fn escape(site: &SiteId) -> String {
    let keep = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    let token = |b: u8| if keep(b) { char::from(b).to_string() } else { format!("%{b:02x}") };
    site.as_str().bytes().map(token).collect()
}

fn unescape(token: &str) -> Option<SiteId> {
    let mut parts = token.split('%');
    let mut bytes = parts.next()?.as_bytes().to_vec();
    for part in parts {
        bytes.push(u8::from_str_radix(part.get(..2)?, 16).ok()?);
        bytes.extend_from_slice(part.get(2..)?.as_bytes());
    }
    SiteId::try_new(std::str::from_utf8(&bytes).ok()?)
}

const fn word(kind: Kind) -> &'static str {
    match kind {
        Kind::Readings => "readings",
        Kind::Fact => "facts",
        Kind::Decision => "decisions",
    }
}

fn stored(message: &Message) -> Option<Stored> {
    let sequence = Sequence(header(message, "Nats-Sequence")?.parse().ok()?);
    let mut tokens = header(message, "Nats-Subject")?.split('.').skip(2);
    let site = unescape(tokens.next()?)?;
    let name = tokens.next()?;
    let kind = [Kind::Readings, Kind::Fact, Kind::Decision].into_iter().find(|kind| word(*kind) == name)?;
    let position = header(message, "Tw-Position")?.parse().ok()?;
    let id = EventId::parse(header(message, "Tw-Id")?)?;
    Some(Stored { sequence, event: LogEvent { site, position, id, kind, bytes: message.payload.to_vec() } })
}

impl Connection {
    fn create(&self) -> Result<(), LogError> {
        let kinds = [Kind::Readings, Kind::Fact, Kind::Decision];
        let subjects = kinds.map(|kind| format!("tw.{}.*.{}", self.stream, word(kind)));
        let config = json!({
            "name": self.stream, "subjects": subjects,
            "retention": "limits", "storage": "file", "discard": "new", "num_replicas": 1,
            "max_age": 0, "max_bytes": -1, "max_msgs": -1, "max_msgs_per_subject": -1, "max_consumers": -1,
            "deny_delete": true, "deny_purge": true, "allow_rollup_hdrs": false,
            "allow_direct": true, "allow_atomic": true,
        });
        let made = self.ask(&format!("$JS.API.STREAM.CREATE.{}", self.stream), &config)?;
        let set = |key: &str| made.pointer(&format!("/config/{key}")) == Some(&Value::Bool(true));
        if ["deny_delete", "deny_purge", "allow_atomic", "allow_direct"].into_iter().all(set) {
            return Ok(());
        }
        Err(LogError::Server { code: 0, description: "stream lacks deny_delete, deny_purge or allow_atomic".into() })
    }

    fn head(&self) -> Result<Sequence, LogError> {
        let info = self.ask(&format!("$JS.API.STREAM.INFO.{}", self.stream), &json!({}))?;
        Ok(Sequence(info.pointer("/state/last_seq").and_then(Value::as_u64).unwrap_or(0)))
    }

    fn read(&self, after: Sequence, filter: &Filter, limit: usize) -> Result<Vec<Stored>, LogError> {
        let mut events = Vec::new();
        let mut from = after;
        while events.len() < limit {
            let page = self.page(from, filter, limit.saturating_sub(events.len()).min(PAGE))?;
            let Some(last) = page.last() else { break };
            from = last.sequence;
            events.extend(page);
        }
        Ok(events)
    }

    fn page(&self, after: Sequence, filter: &Filter, limit: usize) -> Result<Vec<Stored>, LogError> {
        let site = filter.site.as_ref().map_or("*".to_owned(), escape);
        let subject = format!("tw.{}.{site}.{}", self.stream, filter.kind.map_or("*", word));
        let damaged = || LogError::Damaged(Sequence(after.0.saturating_add(1)));
        let messages = self.fetch(after.0.saturating_add(1), &subject, limit)?;
        messages.iter().map(|message| stored(message).ok_or_else(damaged)).collect()
    }

    fn publish(&self, expected: Sequence, events: &[LogEvent]) -> Result<(), LogError> {
        self.check()?;
        let batch = self.client.new_inbox().replace('.', "-");
        self.runtime.block_on(async {
            for (number, event) in (1_usize..).zip(events) {
                let mut headers = HeaderMap::new();
                headers.insert("Tw-Id", event.id.to_string());
                headers.insert("Tw-Position", event.position.to_string());
                if number == 1 {
                    headers.insert("Nats-Expected-Last-Sequence", expected.0.to_string());
                }
                if events.len() > 1 {
                    headers.insert("Nats-Batch-Id", batch.as_str());
                    headers.insert("Nats-Batch-Sequence", number.to_string());
                }
                let last = number == events.len();
                if last && number > 1 {
                    headers.insert("Nats-Batch-Commit", "1");
                }
                let subject = format!("tw.{}.{}.{}", self.stream, escape(&event.site), word(event.kind));
                let bytes = event.bytes.clone().into();
                if number == 1 || last {
                    let asked = self.client.request_with_headers(subject, headers, bytes);
                    answer(&asked.await.map_err(unreachable)?)?;
                } else {
                    self.client.publish_with_headers(subject, headers, bytes).await.map_err(unreachable)?;
                }
            }
            Ok(())
        })
    }
}

impl EventLog for JetStreamLog {
    fn append(&mut self, expected: Sequence, events: &[LogEvent]) -> Result<Vec<Sequence>, LogError> {
        if !matches!(self.judge(expected, events), Ok(Verdict::New)) {
            // Whatever stands against it is said only of the stream as it is.
            self.catch_up()?;
            if let Verdict::Known(sequences) = self.judge(expected, events)? {
                return Ok(sequences);
            }
        }
        if let Err(error) = self.connection.publish(expected, events) {
            if !matches!(error, LogError::Server { code: WRONG_LAST_SEQUENCE, .. } | LogError::Unreachable(_)) {
                return Err(error);
            }
            // Another owner was first, or only the acknowledgement was lost.
            self.catch_up()?;
            return match self.judge(expected, events)? {
                Verdict::Known(sequences) => Ok(sequences),
                Verdict::New => Err(error),
            };
        }
        let mut sequences = Vec::with_capacity(events.len());
        for event in events {
            let sequence = Sequence(self.head.0.saturating_add(1));
            self.take_up(sequence, event);
            sequences.push(sequence);
        }
        Ok(sequences)
    }

    fn read(&self, after: Sequence, filter: &Filter, limit: usize) -> Result<Vec<Stored>, LogError> {
        self.connection.read(after, filter, limit)
    }

    fn head(&self) -> Result<Sequence, LogError> {
        self.connection.head()
    }

    fn follow(&self, after: Sequence, filter: Filter) -> Result<Box<dyn Follow>, LogError> {
        Ok(Box::new(Follower { connection: Arc::clone(&self.connection), after, filter, page: VecDeque::new() }))
    }
}

struct Follower {
    connection: Arc<Connection>,
    after: Sequence,
    filter: Filter,
    page: VecDeque<Stored>,
}

impl Follow for Follower {
    fn next(&mut self, patience: Duration) -> Result<Option<Stored>, LogError> {
        let start = Instant::now();
        loop {
            if self.page.is_empty() {
                self.page = self.connection.page(self.after, &self.filter, PAGE)?.into();
            }
            if let Some(stored) = self.page.pop_front() {
                self.after = stored.sequence;
                return Ok(Some(stored));
            }
            let left = patience.saturating_sub(start.elapsed());
            if left.is_zero() {
                return Ok(None);
            }
            std::thread::sleep(left.min(LOOK));
        }
    }
}
