//! The service's file: where it listens, and the sites that it serves.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use adapters::nats::Login;
use adapters::notifier::Notify;
use axum::http::HeaderValue;
use serde::Deserialize;

use super::access::Rate;
use super::tls::Certificate;
use crate::collect::{self, ConfigError};
use crate::nats_api::NatsConfig;
use crate::recharge::GatewayConfig;
use crate::supply::SILENT_AFTER_S;

/// A commented file, as `--example` prints it.
pub const EXAMPLE: &str = include_str!("example.toml");

/// The service.
#[derive(Debug, Clone)]
pub struct Config {
    /// The folder of what the service keeps.
    pub data: PathBuf,
    /// Where portal, JSON and metrics are.
    pub http: SocketAddr,
    /// Where gRPC is, if anywhere.
    pub grpc: Option<SocketAddr>,
    /// The NATS service, if there is one.
    pub nats: Option<NatsConfig>,
    /// Pages of these origins may ask `/api` with a token.
    pub cors: Vec<HeaderValue>,
    /// The certificate of HTTP and gRPC; without one, a listener that is not at the loopback makes its own.
    pub certificate: Option<Certificate>,
    /// How often an address or a user may ask over HTTP.
    pub rate: Rate,
    /// The sites.
    pub sites: Vec<SiteConfig>,
}

/// A site of the service.
#[derive(Debug, Clone)]
pub struct SiteConfig {
    /// The folder with its `site.toml`.
    pub folder: PathBuf,
    /// Its log, where it is not a file of the data folder.
    pub log: Option<String>,
    /// Its intake, where it is not a file of the data folder.
    pub intake: Option<String>,
    /// The meters that this process polls.
    pub collector: Option<collect::Config>,
    /// How long the polls of a minute wait for a slow bus, in seconds.
    pub patience_s: i64,
    /// A meter that was not polled for so long does not answer, in seconds: nobody is cut then.
    pub silent_after_s: i64,
    /// Who is told of its alarms.
    pub notify: Vec<Notify>,
    /// Who takes payments for it.
    pub gateways: Vec<GatewayConfig>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    serve: FileServe,
    #[serde(default)]
    site: Vec<FileSite>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileServe {
    data: PathBuf,
    http: String,
    grpc: Option<String>,
    nats: Option<FileNats>,
    certificate: Option<PathBuf>,
    key: Option<PathBuf>,
    requests_per_s: Option<u32>,
    #[serde(default)]
    cors: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileNats {
    server: String,
    user: Option<String>,
    password_file: Option<PathBuf>,
    ca_file: Option<PathBuf>,
    cert_file: Option<PathBuf>,
    key_file: Option<PathBuf>,
}

impl FileNats {
    fn within(self, folder: &Path) -> NatsConfig {
        let file = |file: Option<PathBuf>| file.map(|file| folder.join(file));
        let (password_file, ca_file) = (file(self.password_file), file(self.ca_file));
        let client = file(self.cert_file).zip(file(self.key_file));
        NatsConfig { server: self.server, login: Login { user: self.user, password_file, ca_file, client } }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileSite {
    folder: PathBuf,
    log: Option<String>,
    intake: Option<String>,
    collector: Option<PathBuf>,
    #[serde(default = "patience")]
    patience_s: i64,
    #[serde(default)]
    notify: Vec<Notify>,
    #[serde(default)]
    gateway: Vec<GatewayConfig>,
}

const fn patience() -> i64 {
    20
}

/// The origin of a page: a scheme, a host, perhaps a port, and nothing else.
fn origin(text: &str) -> Option<HeaderValue> {
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"))?;
    let fits = !host.is_empty() && host.bytes().all(|one| one.is_ascii_alphanumeric() || b".-:[]".contains(&one));
    HeaderValue::from_str(text).ok().filter(|_| fits)
}

impl Config {
    /// Reads a file.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| ConfigError::Unreadable { path: path.to_owned(), source })?;
        Self::parse(path, &text)
    }

    /// Reads the text of a file of this name.
    pub fn parse(path: &Path, text: &str) -> Result<Self, ConfigError> {
        let file: File = toml_edit::de::from_str(text).map_err(|error| ConfigError::malformed(path, text, &error))?;
        let wrong = |key: &str, problem: &str| ConfigError::Value {
            path: path.to_owned(),
            key: key.to_owned(),
            problem: problem.to_owned(),
        };
        let address = |key: &str, text: &str| {
            text.parse().map_err(|_| wrong(key, "an address and a port, such as 127.0.0.1:8380"))
        };
        if file.site.is_empty() {
            return Err(wrong("site", "at least one [[site]]"));
        }
        let folder = path.parent().unwrap_or(Path::new(""));
        let sites = file.site.into_iter().map(|site| {
            if !(0..=300).contains(&site.patience_s) {
                return Err(wrong("site.patience_s", "0 to 300"));
            }
            let collector = site.collector.map(|file| collect::Config::read(&folder.join(file))).transpose()?;
            if collector.as_ref().is_some_and(|collector| collector.server.is_some()) {
                return Err(wrong(
                    "site.collector",
                    "a collector in this process has no [intake] server: leave it out",
                ));
            }
            let (log, intake, patience_s) = (site.log, site.intake, site.patience_s);
            let period_s = collector.as_ref().map_or(60, |collector| i64::from(collector.period_s));
            let silent_after_s = period_s.saturating_mul(3).max(SILENT_AFTER_S);
            let notify = site.notify.into_iter().map(|notify| notify.beside(folder)).collect();
            let gateways: Vec<_> = site.gateway.into_iter().map(|one| one.within(folder)).collect();
            let mut names: Vec<&String> = gateways.iter().map(|one| &one.name).collect();
            names.sort_unstable();
            if names.windows(2).any(|pair| matches!(pair, [a, b] if a == b)) {
                return Err(wrong("site.gateway.name", "a name of its own for each gateway"));
            }
            Ok(SiteConfig {
                folder: folder.join(site.folder),
                log,
                intake,
                collector,
                patience_s,
                silent_after_s,
                notify,
                gateways,
            })
        });
        let grpc = file.serve.grpc.map(|text| address("serve.grpc", &text)).transpose()?;
        let cors = file.serve.cors.iter().map(|text| {
            origin(text).ok_or_else(|| wrong("serve.cors", "origins such as https://app.example.org, each written out"))
        });
        let cors = cors.collect::<Result<_, _>>()?;
        let certificate = match (file.serve.certificate, file.serve.key) {
            (None, None) => None,
            (Some(chain), Some(key)) => Some(Certificate { chain: folder.join(chain), key: folder.join(key) }),
            _ => return Err(wrong("serve.certificate", "a file, together with serve.key")),
        };
        let usual = Rate::default();
        let per_s = file.serve.requests_per_s.unwrap_or(usual.per_s);
        if per_s == 0 {
            return Err(wrong("serve.requests_per_s", "1 or more"));
        }
        Ok(Self {
            certificate,
            cors,
            rate: Rate { per_s, burst: usual.burst.max(per_s) },
            data: folder.join(file.serve.data),
            http: address("serve.http", &file.serve.http)?,
            grpc,
            nats: file.serve.nats.map(|nats| nats.within(folder)),
            sites: sites.collect::<Result<_, _>>()?,
        })
    }
}
