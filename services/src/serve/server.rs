//! The service at work: desks, collectors and listeners, started in this order and stopped in the other.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use adapters::clock::{SharedClock, SystemClock};
use adapters::event_log::jetstream::Options;
use adapters::intake::{Intake, IntakeError, JetStreamIntake, Spool};
use adapters::notifier::{self, Notifier, NotifyConfigError};
use adapters::site_folder::{FolderError, SiteFolder};
use adapters::supply_switch::{Pace, Switchboard};
use axum::Router;
use axum::http::HeaderValue;
use axum_server::Handle;
use axum_server::tls_rustls::RustlsConfig;
use metrics_exporter_prometheus::{BuildError, PrometheusBuilder, PrometheusHandle};
use tokio::runtime::Runtime;

use super::access::{Gate, Limits, guard};
use super::config::{Config, SiteConfig};
use super::{App, ServedSite, health, tls};
use crate::alarm::AlarmDuty;
use crate::api;
use crate::collect::{CollectError, Collector, Heard};
use crate::desk::{Desk, DeskError, Setup, Worker};
use crate::grpc;
use crate::identity::{self, Identity, IdentityError};
use crate::nats_api::{self, NatsError};
use crate::owner::HeadFile;
use crate::portal;
use crate::recharge::{self, GatewayError};
use crate::supply::{SharedSwitch, SupplyControl};

/// Requests that have begun may take so long to end.
const GRACE: Duration = Duration::from_secs(5);

/// Why the service did not start.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// A file or a folder of the service's own.
    #[error("{}: cannot be made or written", path.display())]
    Data {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Somebody who is to be told of alarms.
    #[error(transparent)]
    Notify(#[from] NotifyConfigError),
    /// A site folder.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// An intake.
    #[error(transparent)]
    Intake(#[from] IntakeError),
    /// A log, or what is in it.
    #[error(transparent)]
    Desk(#[from] DeskError),
    /// A gateway of payments.
    #[error(transparent)]
    Gateway(#[from] GatewayError),
    /// A collector.
    #[error(transparent)]
    Collect(#[from] CollectError),
    /// An address that cannot be listened on.
    #[error("cannot listen on {address}: another program has it, or it is not this machine's")]
    Listen {
        /// Which.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// No runtime, or no metrics.
    #[error("cannot start")]
    Start(#[from] io::Error),
    /// The file of who may use it.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// The NATS service.
    #[error(transparent)]
    Nats(#[from] NatsError),
    /// The recorder of metrics.
    #[error("metrics cannot be recorded")]
    Metrics(#[from] BuildError),
}

/// The service at work. It stops when it is dropped: listeners first, then collectors, then the desks.
pub struct Server {
    /// What its requests see.
    pub app: Arc<App>,
    /// Where HTTP is.
    pub http: SocketAddr,
    /// Whether HTTP is spoken over TLS there.
    pub secure: bool,
    /// gRPC, if it is served.
    pub grpc: Option<grpc::Listener>,
    nats: Option<nats_api::Connection>,
    handle: Handle<SocketAddr>,
    runtime: Option<Runtime>,
    collectors: Vec<Collector<SharedClock>>,
    workers: Vec<Worker>,
}

impl Server {
    /// Starts everything of a configuration, by a clock.
    pub fn start(config: &Config, clock: SharedClock) -> Result<Self, ServeError> {
        let metrics = recorder()?;
        fs::create_dir_all(&config.data).map_err(|source| ServeError::Data { path: config.data.clone(), source })?;
        let (mut sites, mut collectors, mut workers) = (BTreeMap::new(), Vec::new(), Vec::new());
        for site in &config.sites {
            let (served, worker, collector) = open_site(config, site, &clock)?;
            sites.insert(served.desk.site().clone(), served);
            workers.push(worker);
            collectors.extend(collector);
        }
        // Who is asked by the machine's clock: what expires must expire where a site's clock is fast, too.
        let identity = Arc::new(Identity::open(&config.data.join(identity::FILE), SystemClock)?);
        let (gate, limits) = (Gate::new(Arc::clone(&identity)), Limits::new(config.rate));
        let app = Arc::new(App { sites, identity, gate, limits, clock, metrics });
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().thread_name("serve").build()?;
        for (site, gateway) in app.sites.values().flat_map(|site| site.gateways.iter().map(move |one| (site, one))) {
            runtime.spawn(recharge::poll(site.desk.clone(), gateway.clone(), app.clock.clone()));
        }
        let handle = Handle::new();
        let certificate = tls::certificate(config.certificate.as_ref(), config.http, &config.data)?;
        let tls = certificate.as_ref().map(|one| runtime.block_on(tls::read(one))).transpose()?;
        let secure = tls.is_some();
        let http = listen(&runtime, config.http, routes(&app, &config.cors), &handle, tls)?;
        let grpc = config.grpc.map(|address| {
            let failed = |source| ServeError::Listen { address, source };
            let certificate = tls::certificate(config.certificate.as_ref(), address, &config.data).map_err(failed)?;
            let pem = certificate.as_ref().map(tls::pem).transpose().map_err(failed)?;
            grpc::listen(&runtime, address, &app, pem).map_err(failed)
        });
        let grpc = grpc.transpose()?;
        let nats = config.nats.as_ref().map(|nats| nats_api::connect(&runtime, nats, &app)).transpose()?;
        Ok(Self { app, http, secure, grpc, nats, handle, runtime: Some(runtime), collectors, workers })
    }
}

impl Server {
    /// Where HTTP is, for people.
    pub fn url(&self) -> String {
        format!("{}://{}", if self.secure { "https" } else { "http" }, self.http)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.grpc.take();
        self.nats.take();
        self.handle.graceful_shutdown(Some(GRACE));
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_timeout(GRACE);
        }
        self.collectors.clear();
        self.workers.clear();
    }
}

/// All that is served over HTTP.
fn routes(app: &Arc<App>, origins: &[HeaderValue]) -> Router {
    let routes = health::routes().merge(recharge::routes()).merge(api::routes(app, origins)).merge(portal::routes());
    guard(routes.with_state(Arc::clone(app)), app)
}

/// Listens and serves; the address with the port that it got.
fn listen(
    runtime: &Runtime,
    address: SocketAddr,
    routes: Router,
    handle: &Handle<SocketAddr>,
    tls: Option<RustlsConfig>,
) -> Result<SocketAddr, ServeError> {
    let failed = |source| ServeError::Listen { address, source };
    let listener = TcpListener::bind(address).map_err(failed)?;
    listener.set_nonblocking(true).map_err(failed)?;
    let at = listener.local_addr().map_err(failed)?;
    let _inside = runtime.enter();
    let service = routes.into_make_service_with_connect_info::<SocketAddr>();
    let ended = move |outcome: io::Result<()>| {
        if let Err(error) = outcome {
            tracing::error!(%error, %at, "HTTP has stopped");
        }
    };
    if let Some(tls) = tls {
        let server = axum_server::from_tcp_rustls(listener, tls).map_err(failed)?.handle(handle.clone());
        runtime.spawn(async move { ended(server.serve(service).await) });
    } else {
        let server = axum_server::from_tcp(listener).map_err(failed)?.handle(handle.clone());
        runtime.spawn(async move { ended(server.serve(service).await) });
    }
    Ok(at)
}

/// The process has one recorder of metrics.
fn recorder() -> Result<PrometheusHandle, BuildError> {
    static RECORDER: Mutex<Option<PrometheusHandle>> = Mutex::new(None);
    // Two services may start at once: one installs it, the other one finds it.
    let mut recorder = RECORDER.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(handle) = recorder.as_ref() {
        return Ok(handle.clone());
    }
    let handle = PrometheusBuilder::new().install_recorder()?;
    Ok(recorder.insert(handle).clone())
}

type Opened = (ServedSite, Worker, Option<Collector<SharedClock>>);

fn open_site(config: &Config, site: &SiteConfig, clock: &SharedClock) -> Result<Opened, ServeError> {
    let folder = SiteFolder::open_structure(&site.folder)?;
    let own = config.data.join(folder.site.as_str());
    fs::create_dir_all(&own).map_err(|source| ServeError::Data { path: own.clone(), source })?;
    let log = site.log.clone().unwrap_or_else(|| own.join("log.db").display().to_string());
    let (spool, server) = (own.join("intake.db"), site.intake.clone());
    let open = move || -> Result<Box<dyn Intake>, IntakeError> {
        Ok(match &server {
            Some(server) => Box::new(JetStreamIntake::open(&Options::parse(server)?)?),
            None => Box::new(Spool::open(&spool)?),
        })
    };
    let mut notifiers: Vec<Box<dyn Notifier>> = Vec::new();
    for notify in &site.notify {
        notifiers.push(Box::new(notify.start(&folder.site, &own, notifier::Pace::default())?));
    }
    // Before the desk, whose supply control moves its relays.
    let name = folder.site.to_string();
    let collector = site.collector.as_ref().map(|collector| {
        Collector::start(collector, &open, clock.clone(), Pace::default(), move |heard| note(&name, &heard))
    });
    let collector = collector.transpose()?;
    let control = supply_control(site, collector.as_ref(), clock);
    let links = control.links();
    let setup = Setup {
        site: folder.site,
        log: log.clone(),
        head: HeadFile::new(own.join("head.json")),
        intake: open()?,
        patience_s: site.patience_s,
        clock: Box::new(clock.clone()),
        facts: folder.facts,
        refused: own.join("refused.jsonl"),
        duties: vec![
            Box::new(control),
            // After it, so that what it appended is told at once.
            Box::new(AlarmDuty::new(notifiers)),
        ],
    };
    let gateways = site.gateways.iter().map(recharge::GatewayConfig::open).collect::<Result<Vec<_>, _>>()?;
    let (desk, worker) = Desk::start(setup)?;
    Ok((ServedSite { desk, log, links, gateways }, worker, collector))
}

/// Without a collector there is no relay to move, and people are warned all the same.
fn supply_control(site: &SiteConfig, collector: Option<&Collector<SharedClock>>, clock: &SharedClock) -> SupplyControl {
    let switch: SharedSwitch = match collector {
        Some(collector) => Arc::<Switchboard<SharedClock>>::clone(&collector.switchboard),
        None => Arc::new(Switchboard::new(clock.clone())),
    };
    SupplyControl::new(switch).silent_after(site.silent_after_s)
}

fn note(site: &str, heard: &Heard<'_>) {
    match heard {
        Heard::Round { bus, round } if !round.silent.is_empty() => {
            tracing::warn!(site, bus, answered = round.answers.len(), silent = round.silent.len(), "meters are silent");
        }
        Heard::Round { .. } => {}
        Heard::Taken { source, readings, refused } => {
            tracing::info!(site, source, readings, refused, "readings came in");
        }
        Heard::NotKept(error) => tracing::error!(site, %error, "a poll is not kept; it is tried again"),
        Heard::Failed { source, error } => tracing::warn!(site, source, %error, "a source cannot be read"),
        Heard::NotWritten(error) => tracing::error!(site, %error, "a poll is left out"),
    }
}
