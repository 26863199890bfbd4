//! The connection: who asks is answered, and events are published, until it is dropped.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant as Clock};

use adapters::nats::{Login, LoginError};
use async_nats::{Client, ConnectOptions, Message};
use futures_util::StreamExt as _;
use futures_util::stream::{SelectAll, select_all};
use tokio::runtime::Runtime;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::answer::answer;
use super::events;
use super::micro::{GROUP, Micro};
use super::subject::{API, parse, token};
use crate::grpc::Refusal;
use crate::serve::App;

/// How long the server may take to let us in.
const PATIENCE: Duration = Duration::from_secs(10);
/// Requests at a time.
const AT_ONCE: usize = 256;
/// An answer takes at most so long.
const LONGEST: Duration = Duration::from_secs(60);

/// `[serve.nats]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NatsConfig {
    /// The server: `nats://HOST:PORT`, or `tls://HOST:PORT`.
    pub server: String,
    /// How the server lets the service in.
    pub login: Login,
}

/// Why there is no NATS service.
#[derive(Debug, thiserror::Error)]
pub enum NatsError {
    /// The password, or a certificate.
    #[error(transparent)]
    Login(#[from] LoginError),
    /// The server.
    #[error("NATS at {0} does not let the service in: see its address, user and password in [serve.nats]")]
    Server(String, #[source] Box<dyn std::error::Error + Send + Sync>),
    /// A thread.
    #[error("no thread for events")]
    Thread(#[from] io::Error),
}

/// The service on NATS. It stops when it is dropped.
#[derive(Debug)]
pub struct Connection {
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            // A thread that panicked has said so.
            thread.join().unwrap_or_default();
        }
    }
}

/// Connects, answers and publishes.
pub fn connect(runtime: &Runtime, config: &NatsConfig, app: &Arc<App>) -> Result<Connection, NatsError> {
    let options = ConnectOptions::new().name("tallywatt").connection_timeout(PATIENCE);
    let options = config.login.apply(options)?;
    let refused = |error: Box<dyn std::error::Error + Send + Sync>| NatsError::Server(config.server.clone(), error);
    let client = runtime.block_on(options.connect(&config.server)).map_err(|error| refused(error.into()))?;
    let started = app.now();
    let micro = Arc::new(Micro::new(client.new_inbox().replace("_INBOX.", ""), started));
    let (asked, found) = runtime
        .block_on(async {
            let mut asked = Vec::new();
            for site in app.sites.keys() {
                let subject = format!("{API}.{}.>", token(site.as_str()));
                asked.push(client.queue_subscribe(subject, GROUP.to_owned()).await?);
            }
            let mut found = Vec::new();
            for subject in micro.subjects() {
                found.push(client.subscribe(subject).await?);
            }
            Ok::<_, async_nats::SubscribeError>((select_all(asked), select_all(found)))
        })
        .map_err(|error| refused(error.into()))?;
    runtime.block_on(client.flush()).map_err(|error| refused(error.into()))?;
    runtime.spawn(discover(client.clone(), Arc::clone(&micro), found));
    runtime.spawn(serve(client.clone(), Arc::clone(app), micro, asked));
    let stop = Arc::new(AtomicBool::new(false));
    let thread = |(site, served): (&domain::event::SiteId, &crate::serve::ServedSite)| {
        events::publish(site.clone(), served.log.clone(), client.clone(), runtime.handle().clone(), Arc::clone(&stop))
    };
    let threads = app.sites.iter().map(thread).collect::<Result<_, _>>()?;
    Ok(Connection { stop, threads })
}

/// Answers who looks for services.
async fn discover(client: Client, micro: Arc<Micro>, mut found: SelectAll<async_nats::Subscriber>) {
    while let Some(message) = found.next().await {
        let Some((reply, body)) = message.reply.zip(micro.answer(&message.subject)) else { continue };
        if let Err(error) = client.publish(reply, body.to_string().into()).await {
            tracing::warn!(%error, "NATS has no answer");
        }
    }
}

/// Answers requests, each in a task of its own.
async fn serve(client: Client, app: Arc<App>, micro: Arc<Micro>, mut asked: SelectAll<async_nats::Subscriber>) {
    let places = Arc::new(Semaphore::new(AT_ONCE));
    while let Some(message) = asked.next().await {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        let (client, app, micro) = (client.clone(), Arc::clone(&app), Arc::clone(&micro));
        tokio::spawn(async move {
            respond(&client, &app, &micro, message).await;
            drop(place);
        });
    }
}

async fn respond(client: &Client, app: &Arc<App>, micro: &Micro, message: Message) {
    let began = Clock::now();
    let Some(reply) = message.reply.clone() else { return };
    let Ok(found) = timeout(LONGEST, answer(app, &message)).await else {
        tracing::warn!(subject = %message.subject, "a request took too long");
        return;
    };
    let method = parse(&message.subject).map(|asked| asked.method).unwrap_or_default();
    micro.count(&method, began.elapsed(), found.refused.as_ref());
    if let Some(Refusal { code, .. }) = &found.refused {
        tracing::debug!(subject = %message.subject, code, "a request was refused");
    }
    if let Err(error) = client.publish_with_headers(reply, found.headers, found.body.into()).await {
        tracing::warn!(%error, "NATS has no answer");
    }
}
