//! Endpoints as the configuration names them.

use std::path::{Path, PathBuf};

use domain::event::{AlarmKind, SiteId};
use serde::Deserialize;

use super::courier::Pace;
use super::{Courier, NatsCarrier, NotifierError, WebhookCarrier};

/// An endpoint: a `[[site.notify]]` table.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "to", rename_all = "snake_case", deny_unknown_fields)]
pub enum Notify {
    /// `to = "webhook"`: posts to a URL, signed as Standard Webhooks.
    Webhook {
        /// Its name, and that of its outbox.
        name: String,
        /// Where to.
        url: String,
        /// A file with the secret, `whsec_…`.
        secret_file: PathBuf,
        /// Only these kinds; all where it is left out.
        #[serde(default)]
        kinds: Vec<AlarmKind>,
    },
    /// `to = "nats"`: publishes on `tallywatt.SITE.alarm.KIND`.
    Nats {
        /// Its name, and that of its outbox.
        name: String,
        /// As `HOST:PORT`.
        server: String,
        /// Only these kinds; all where it is left out.
        #[serde(default)]
        kinds: Vec<AlarmKind>,
    },
}

/// Why an endpoint cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum NotifyConfigError {
    /// A name that names no file.
    #[error("notify: name '{0}' has other characters than a-z, 0-9, - and _, or none")]
    Name(String),
    /// No secret.
    #[error("notify: {}: cannot be read", path.display())]
    SecretFile {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Not a secret.
    #[error("notify: the secret is not whsec_ and base64: make one with 24 to 64 random bytes")]
    Secret,
    /// No outbox, or no thread.
    #[error(transparent)]
    Notifier(#[from] NotifierError),
}

impl Notify {
    /// With its files looked for beside a configuration.
    #[must_use]
    pub fn beside(mut self, folder: &Path) -> Self {
        if let Self::Webhook { secret_file, .. } = &mut self {
            *secret_file = folder.join(&*secret_file);
        }
        self
    }

    /// Its name.
    pub fn name(&self) -> &str {
        match self {
            Self::Webhook { name, .. } | Self::Nats { name, .. } => name,
        }
    }

    /// Opens its outbox in a folder and starts to deliver what waits there.
    pub fn start(&self, site: &SiteId, folder: &Path, pace: Pace) -> Result<Courier, NotifyConfigError> {
        let name = self.name();
        let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_');
        if name.is_empty() || !name.chars().all(fits) {
            return Err(NotifyConfigError::Name(name.to_owned()));
        }
        let outbox = folder.join(format!("notify-{name}.db"));
        Ok(match self {
            Self::Webhook { url, secret_file, kinds, .. } => {
                let secret = std::fs::read_to_string(secret_file)
                    .map_err(|source| NotifyConfigError::SecretFile { path: secret_file.clone(), source })?;
                Courier::start(name, kinds.clone(), &outbox, pace, WebhookCarrier::try_new(url, &secret)?)?
            }
            Self::Nats { server, kinds, .. } => {
                Courier::start(name, kinds.clone(), &outbox, pace, NatsCarrier::new(server, site))?
            }
        })
    }
}
