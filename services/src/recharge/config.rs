//! Gateways of a site in the service's file. Secrets stand in files or in the environment, never in the file itself.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use adapters::payment_gateway::PaymentGateway;
use adapters::payment_gateway::generic::Generic;
use adapters::payment_gateway::stripe::Stripe;
use adapters::payment_gateway::wechat_pay::{Merchant, WechatPay};
use serde::Deserialize;

/// `[[site.gateway]]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GatewayConfig {
    /// Its name here: part of its address, and of every reference.
    pub name: String,
    /// Which.
    pub kind: GatewayKind,
    /// A file with what signs deliveries, a secret a line; of `WeChat` Pay, the API v3 key.
    pub secret_file: Option<PathBuf>,
    /// The same, in a variable of the environment.
    pub secret_env: Option<String>,
    /// A file with the key to ask with: of Stripe the secret key, of `WeChat` Pay the merchant's private key.
    pub api_key_file: Option<PathBuf>,
    /// The same, in a variable of the environment.
    pub api_key_env: Option<String>,
    /// Where to ask, if not at the gateway's own address.
    pub api: Option<String>,
    /// Seconds between two questions; 0 asks never.
    #[serde(default = "poll_s")]
    pub poll_s: u32,
    /// The merchant's number at `WeChat` Pay.
    pub mchid: Option<String>,
    /// The serial of the merchant's certificate.
    pub serial: Option<String>,
    /// The platform's public keys.
    #[serde(default)]
    pub platform: Vec<PlatformKey>,
}

/// A public key of `WeChat` Pay's platform.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlatformKey {
    /// As `Wechatpay-Serial` names it.
    pub serial: String,
    /// PEM.
    pub key_file: PathBuf,
}

/// Which gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GatewayKind {
    /// One's own, signed as Standard Webhooks.
    Generic,
    /// Stripe.
    Stripe,
    /// `WeChat` Pay, API v3.
    WechatPay,
}

const fn poll_s() -> u32 {
    300
}

/// Why a gateway cannot be opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("gateway {name}: {key} {problem}")]
pub struct GatewayError {
    /// Which.
    pub name: String,
    /// The key of the file.
    pub key: &'static str,
    /// What is wrong, and what mends it.
    pub problem: String,
}

/// A gateway that is open.
#[derive(Clone)]
pub struct Gateway {
    /// It.
    pub port: Arc<dyn PaymentGateway>,
    /// Seconds between two questions; none where it is not asked.
    pub poll_s: Option<u32>,
}

impl fmt::Debug for Gateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gateway").field("name", &self.port.name()).field("poll_s", &self.poll_s).finish()
    }
}

impl GatewayConfig {
    /// Paths are from a folder.
    #[must_use]
    pub fn within(mut self, folder: &Path) -> Self {
        let files = [&mut self.secret_file, &mut self.api_key_file].into_iter().flatten();
        for path in files.chain(self.platform.iter_mut().map(|one| &mut one.key_file)) {
            *path = folder.join(&*path);
        }
        self
    }

    fn error(&self, key: &'static str, problem: impl Into<String>) -> GatewayError {
        GatewayError { name: self.name.clone(), key, problem: problem.into() }
    }

    fn file(&self, key: &'static str, path: &Path) -> Result<String, GatewayError> {
        fs::read_to_string(path).map_err(|error| self.error(key, format!("{}: {error}", path.display())))
    }

    /// A text from a file or a variable; none where neither is named.
    fn text(
        &self,
        (file_key, file): (&'static str, Option<&PathBuf>),
        (env_key, env): (&'static str, Option<&String>),
    ) -> Result<Option<String>, GatewayError> {
        match (file, env) {
            (Some(path), None) => self.file(file_key, path).map(Some),
            (None, Some(name)) => match std::env::var(name) {
                Ok(text) if !text.trim().is_empty() => Ok(Some(text)),
                _ => Err(self.error(env_key, format!("names {name}, which is not set: set it before the start"))),
            },
            (None, None) => Ok(None),
            (Some(_), Some(_)) => Err(self.error(env_key, format!("stands beside {file_key}: leave one of them out"))),
        }
    }

    /// Reads the secrets and opens it.
    pub fn open(&self) -> Result<Gateway, GatewayError> {
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if !(1..=32).contains(&self.name.len())
            || !self.name.chars().all(is_name)
            || self.name == domain::recharge::CASH
        {
            return Err(self.error("name", "is none: use 1 to 32 letters, digits, - or _, and not 'cash'"));
        }
        let secret = self.text(("secret_file", self.secret_file.as_ref()), ("secret_env", self.secret_env.as_ref()))?;
        let secret = secret.ok_or_else(|| self.error("secret_env", "is missing: name a variable, or a secret_file"))?;
        let secrets: Vec<String> = secret.split_whitespace().map(str::to_owned).collect();
        if secrets.is_empty() {
            return Err(self.error("secret_file", "is empty"));
        }
        let key =
            self.text(("api_key_file", self.api_key_file.as_ref()), ("api_key_env", self.api_key_env.as_ref()))?;
        let asks = key.is_some() && self.kind != GatewayKind::Generic;
        let port: Arc<dyn PaymentGateway> = match self.kind {
            GatewayKind::Generic => {
                let opened = Generic::try_new(&self.name, &secrets);
                Arc::new(opened.map_err(|error| self.error("secret_env", error.to_string()))?)
            }
            GatewayKind::Stripe => {
                let api = self.api.as_deref().unwrap_or("https://api.stripe.com");
                Arc::new(Stripe::new(&self.name, &secrets, api, key.map(|key| key.trim().to_owned())))
            }
            GatewayKind::WechatPay => Arc::new(self.wechat(&secrets, key)?),
        };
        Ok(Gateway { port, poll_s: Some(self.poll_s).filter(|seconds| asks && *seconds > 0) })
    }

    fn wechat(&self, secrets: &[String], key: Option<String>) -> Result<WechatPay, GatewayError> {
        let api_v3 = secrets.first().map(String::as_str).unwrap_or_default();
        let platform = self.platform.iter().map(|one| Ok((one.serial.clone(), self.file("platform", &one.key_file)?)));
        let platform = platform.collect::<Result<Vec<_>, GatewayError>>()?;
        let merchant = key.map(|key| {
            let need = |name, value: &Option<String>| {
                value.clone().ok_or_else(|| self.error(name, "is missing: it goes with the merchant's key"))
            };
            let (mchid, serial) = (need("mchid", &self.mchid)?, need("serial", &self.serial)?);
            Merchant::try_new(&mchid, &serial, &key).map_err(|error| self.error("api_key_file", error.to_string()))
        });
        let api = self.api.as_deref().unwrap_or("https://api.mch.weixin.qq.com");
        WechatPay::try_new(&self.name, api_v3, &platform, merchant.transpose()?, api)
            .map_err(|error| self.error("platform", error.to_string()))
    }
}
