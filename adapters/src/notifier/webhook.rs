//! A webhook, signed as Standard Webhooks asks for.

use std::time::Duration;

use standardwebhooks::Webhook;
use ureq::Agent;

use super::courier::Carrier;
use super::{Notice, NotifyConfigError};
use crate::clock::{Clock as _, SystemClock};

/// How long an endpoint may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// Posts notices to a URL.
pub struct WebhookCarrier {
    agent: Agent,
    url: String,
    webhook: Webhook,
}

impl std::fmt::Debug for WebhookCarrier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WebhookCarrier").field("url", &self.url).finish_non_exhaustive()
    }
}

impl WebhookCarrier {
    /// To a URL, signed with a secret in the form `whsec_…`.
    pub fn try_new(url: &str, secret: &str) -> Result<Self, NotifyConfigError> {
        let webhook = Webhook::new(secret.trim()).map_err(|_| NotifyConfigError::Secret)?;
        let config = Agent::config_builder().timeout_global(Some(PATIENCE)).max_redirects(0).build();
        Ok(Self { agent: config.into(), url: url.to_owned(), webhook })
    }
}

impl Carrier for WebhookCarrier {
    /// Any answer in 200 to 299 is that it was taken.
    fn carry(&mut self, notice: &Notice) -> Result<(), String> {
        let (id, now) = (notice.id.to_string(), SystemClock.now().get());
        let signature = self.webhook.sign(&id, now, notice.body.as_bytes()).map_err(|error| error.to_string())?;
        let request = self
            .agent
            .post(&self.url)
            .header("content-type", "application/json")
            .header("webhook-id", &id)
            .header("webhook-timestamp", &now.to_string())
            .header("webhook-signature", &signature);
        let answer = request.send(&notice.body).map_err(|error| error.to_string())?;
        if answer.status().is_success() { Ok(()) } else { Err(format!("it answered {}", answer.status())) }
    }
}
