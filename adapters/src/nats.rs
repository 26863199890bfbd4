//! A connection to a `JetStream` server that waits for its disk; the log and
//! the intake share it. `Login` is how a secured server lets somebody in.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_nats::{Client, ConnectOptions, Event, Message};
use futures_util::StreamExt as _;
use serde_json::{Value, json};
use tokio::runtime::{Builder, Runtime};

use crate::event_log::LogError;
use crate::event_log::jetstream::Options;

/// How a secured server lets somebody in. Secrets stand in files, never in a configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Login {
    /// The user there; none where the server asks for none.
    pub user: Option<String>,
    /// The file with its password, in its first line.
    pub password_file: Option<PathBuf>,
    /// Certificates (PEM) of who signed the server's; with it, or an address `tls://…`, TLS is required.
    pub ca_file: Option<PathBuf>,
    /// The client's own certificate and key (PEM), where the server asks for one.
    pub client: Option<(PathBuf, PathBuf)>,
}

/// A file of a login that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("{}: what opens the NATS server cannot be read", path.display())]
pub struct LoginError {
    path: PathBuf,
    source: std::io::Error,
}

impl Login {
    /// Adds it to how a client connects.
    pub fn apply(&self, mut options: ConnectOptions) -> Result<ConnectOptions, LoginError> {
        let certificates = self.ca_file.iter().chain(self.client.iter().flat_map(|(chain, key)| [chain, key]));
        for path in certificates {
            let is_there = std::fs::metadata(path).map(|_| ());
            is_there.map_err(|source| LoginError { path: path.clone(), source })?;
        }
        if let Some(user) = &self.user {
            let password = self.password_file.as_deref().map(first_line).transpose()?;
            options = options.user_and_password(user.clone(), password.unwrap_or_default());
        }
        if let Some(ca) = &self.ca_file {
            options = options.add_root_certificates(ca.clone()).require_tls(true);
        }
        if let Some((chain, key)) = &self.client {
            options = options.add_client_certificate(chain.clone(), key.clone()).require_tls(true);
        }
        Ok(options)
    }
}

fn first_line(path: &Path) -> Result<String, LoginError> {
    let text = std::fs::read_to_string(path).map_err(|source| LoginError { path: path.to_owned(), source })?;
    Ok(text.lines().next().unwrap_or_default().to_owned())
}

/// A connection, with the name of the stream it is for.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) runtime: Runtime,
    pub(crate) client: Client,
    pub(crate) stream: String,
    patience: Duration,
    /// Where the server says whether it waits for its disk; none where that is not asked.
    monitor: Option<String>,
    /// Whether the connection was lost since: behind it may be a server with other settings.
    lost: Arc<AtomicBool>,
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
        let monitor = (!options.allow_unsynced).then(|| options.monitor.clone());
        if let Some(monitor) = &monitor {
            check_sync(monitor, patience)?;
        }
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().map_err(unreachable)?;
        let how = ConnectOptions::new().request_timeout(Some(patience)).connection_timeout(patience);
        let lost = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&lost);
        let how = options.login.apply(how).map_err(unreachable)?.event_callback(move |event| {
            if matches!(event, Event::Disconnected) {
                seen.store(true, Ordering::SeqCst);
            }
            std::future::ready(())
        });
        let client = runtime.block_on(how.connect(&options.server)).map_err(unreachable)?;
        let version = client.server_info().version;
        let mut numbers = version.split('.').map(|part| part.parse::<u64>().unwrap_or(0));
        if (numbers.next(), numbers.next()) < (Some(2), Some(12)) {
            return Err(LogError::OldServer(version));
        }
        Ok(Self { runtime, client, stream: options.stream.clone(), patience, monitor, lost })
    }

    /// Before something is to be durable: a server that came back is asked again whether it waits for its disk.
    pub(crate) fn check(&self) -> Result<(), LogError> {
        let Some(monitor) = self.monitor.as_ref().filter(|_| self.lost.swap(false, Ordering::SeqCst)) else {
            return Ok(());
        };
        check_sync(monitor, self.patience).inspect_err(|_| self.lost.store(true, Ordering::SeqCst))
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
