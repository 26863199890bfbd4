//! A connection to a `JetStream` server that waits for its disk; the log and
//! the intake share it.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use async_nats::{Client, ConnectOptions, Message};
use futures_util::StreamExt as _;
use serde_json::{Value, json};
use tokio::runtime::{Builder, Runtime};

use crate::event_log::LogError;
use crate::event_log::jetstream::Options;

/// A connection, with the name of the stream it is for.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) runtime: Runtime,
    pub(crate) client: Client,
    pub(crate) stream: String,
    patience: Duration,
}

pub(crate) fn unreachable(error: impl std::error::Error + Send + Sync + 'static) -> LogError {
    LogError::Unreachable(Box::new(error))
}

/// Asks the server itself whether it waits for the disk.
fn check_sync(monitor: &str, patience: Duration) -> Result<(), LogError> {
    let mut socket = TcpStream::connect(monitor).map_err(unreachable)?;
    socket.set_read_timeout(Some(patience)).map_err(unreachable)?;
    write!(socket, "GET /varz HTTP/1.0\r\n\r\n").map_err(unreachable)?;
    let mut answer = String::new();
    socket.read_to_string(&mut answer).map_err(unreachable)?;
    let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    let varz: Value = serde_json::from_str(body).map_err(unreachable)?;
    match varz.pointer("/jetstream/config/sync_always") {
        Some(Value::Bool(true)) => Ok(()),
        _ => Err(LogError::Unsynced),
    }
}

pub(crate) fn header<'a>(message: &'a Message, name: &str) -> Option<&'a str> {
    message.headers.as_ref()?.get(name).map(async_nats::HeaderValue::as_str)
}

/// The answer of the server, or its error as one of ours.
pub(crate) fn answer(message: &Message) -> Result<Value, LogError> {
    if message.payload.is_empty() {
        return Ok(Value::Null);
    }
    let answer: Value = serde_json::from_slice(&message.payload).map_err(unreachable)?;
    let Some(error) = answer.get("error") else {
        return Ok(answer);
    };
    let code = error.get("err_code").and_then(Value::as_u64).unwrap_or(0);
    Err(LogError::Server { code, description: error.get("description").and_then(Value::as_str).unwrap_or("").into() })
}

impl Connection {
    /// Connects to a server that is new enough and waits for its disk.
    pub(crate) fn open(options: &Options) -> Result<Self, LogError> {
        let patience = options.patience;
        if !options.allow_unsynced {
            check_sync(&options.monitor, patience)?;
        }
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().map_err(unreachable)?;
        let how = ConnectOptions::new().request_timeout(Some(patience)).connection_timeout(patience);
        let client = runtime.block_on(how.connect(&options.server)).map_err(unreachable)?;
        let version = client.server_info().version;
        let mut numbers = version.split('.').map(|part| part.parse::<u64>().unwrap_or(0));
        if (numbers.next(), numbers.next()) < (Some(2), Some(12)) {
            return Err(LogError::OldServer(version));
        }
        Ok(Self { runtime, client, stream: options.stream.clone(), patience })
    }

    /// Asks the server's API.
    pub(crate) fn ask(&self, subject: &str, request: &Value) -> Result<Value, LogError> {
        let asked = self.client.request(subject.to_owned(), request.to_string().into_bytes().into());
        answer(&self.runtime.block_on(asked).map_err(unreachable)?)
    }

    /// At most `limit` messages of a subject, from sequence `from` on.
    pub(crate) fn fetch(&self, from: u64, subject: &str, limit: usize) -> Result<Vec<Message>, LogError> {
        let request = json!({"seq": from, "batch": limit, "next_by_subj": subject});
        self.runtime.block_on(async {
            let inbox = self.client.new_inbox();
            let mut answers = self.client.subscribe(inbox.clone()).await.map_err(unreachable)?;
            let to = format!("$JS.API.DIRECT.GET.{}", self.stream);
            let asked = self.client.publish_with_reply(to, inbox, request.to_string().into_bytes().into());
            asked.await.map_err(unreachable)?;
            let mut messages = Vec::new();
            loop {
                let next = tokio::time::timeout(self.patience, answers.next()).await.map_err(unreachable)?;
                let message = next.ok_or_else(|| unreachable(std::io::Error::other("connection is closed")))?;
                match message.status.map(|status| status.as_u16()) {
                    None => messages.push(message),
                    // 204 ends a page, 404 says that there is nothing more.
                    Some(204 | 404) => return Ok(messages),
                    Some(code) => return Err(refused(code, &message)),
                }
            }
        })
    }
}

fn refused(code: u16, message: &Message) -> LogError {
    LogError::Server { code: code.into(), description: message.description.clone().unwrap_or_default() }
}
