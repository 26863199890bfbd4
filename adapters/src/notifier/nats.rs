//! A subject of a NATS server, a kind of alarm each: `tallywatt.SITE.alarm.KIND`.

use std::time::Duration;

use async_nats::{Client, ConnectOptions, HeaderMap, Subscriber};
use domain::event::SiteId;
use futures_util::StreamExt as _;
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;

use super::Notice;
use super::courier::Carrier;
use crate::nats::header;

/// How long a server may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// The header that streams know a repetition by.
const ID: &str = "Nats-Msg-Id";

/// Publishes notices. The server is not trusted to have one before it gave it back to us as to any other subscriber.
#[derive(Debug)]
pub struct NatsCarrier {
    server: String,
    prefix: String,
    at: Option<Line>,
}

#[derive(Debug)]
struct Line {
    runtime: Runtime,
    client: Client,
    back: Subscriber,
}

/// A subject's token: what a site's id may have and a token may not becomes an underscore.
fn token(text: &str) -> String {
    text.chars().map(|c| if c.is_whitespace() || matches!(c, '.' | '*' | '>') { '_' } else { c }).collect()
}

impl NatsCarrier {
    /// To a server, as `HOST:PORT`, about a site.
    pub fn new(server: &str, site: &SiteId) -> Self {
        let prefix = format!("tallywatt.{}.alarm", token(site.as_str()));
        Self { server: server.to_owned(), prefix, at: None }
    }

    fn connect(&self) -> Result<Line, String> {
        let runtime =
            Builder::new_multi_thread().worker_threads(1).enable_all().build().map_err(|error| error.to_string())?;
        let how = ConnectOptions::new().connection_timeout(PATIENCE);
        let client = runtime.block_on(how.connect(&self.server)).map_err(|error| error.to_string())?;
        let back = client.subscribe(format!("{}.*", self.prefix));
        let back = runtime.block_on(back).map_err(|error| error.to_string())?;
        Ok(Line { runtime, client, back })
    }
}

impl Line {
    fn publish(&mut self, subject: String, notice: &Notice) -> Result<(), String> {
        let id = notice.id.to_string();
        let mut headers = HeaderMap::new();
        headers.insert(ID, id.as_str());
        let body = notice.body.clone().into_bytes().into();
        let (client, back) = (&self.client, &mut self.back);
        let sent = async {
            client.publish_with_headers(subject, headers, body).await.map_err(|error| error.to_string())?;
            client.flush().await.map_err(|error| error.to_string())?;
            while let Some(message) = back.next().await {
                if header(&message, ID) == Some(id.as_str()) {
                    return Ok(());
                }
            }
            Err("the connection ended".to_owned())
        };
        self.runtime
            .block_on(async { timeout(PATIENCE, sent).await })
            .unwrap_or_else(|_| Err("the server did not give it back in time".to_owned()))
    }
}

impl Carrier for NatsCarrier {
    fn carry(&mut self, notice: &Notice) -> Result<(), String> {
        let mut line = match self.at.take() {
            Some(line) => line,
            None => self.connect()?,
        };
        line.publish(format!("{}.{}", self.prefix, notice.kind), notice)?;
        self.at = Some(line);
        Ok(())
    }
}
