//! The listener: services, health, reflection, who calls, limits, and a stop that lets calls end.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::AUTHORIZATION;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use proto::v1::audit_server::AuditServer;
use proto::v1::balance_server::BalanceServer;
use proto::v1::bills_server::BillsServer;
use proto::v1::consumption_server::ConsumptionServer;
use proto::v1::export_server::ExportServer;
use proto::v1::ledger_server::LedgerServer;
use tokio::runtime::Runtime;
use tokio::sync::watch;
use tonic::Status;
use tonic::service::Routes;
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Identity, Server, ServerTlsConfig};
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;

use super::access::Gate;
use super::service::Service;
use crate::serve::App;

/// No request is larger, in bytes.
const LARGEST: usize = 262_144;
/// Calls of one connection at a time.
const CALLS: u32 = 1_000;
/// A connection that is silent is asked whether it is there, and dropped where it is not.
const QUIET: Duration = Duration::from_secs(30);
/// Health is looked at so often.
const LOOK: Duration = Duration::from_secs(1);
/// What health is said of.
const SERVICES: [&str; 7] = [
    "",
    "tallywatt.v1.Audit",
    "tallywatt.v1.Balance",
    "tallywatt.v1.Bills",
    "tallywatt.v1.Consumption",
    "tallywatt.v1.Export",
    "tallywatt.v1.Ledger",
];
/// What anyone may ask.
const OPEN: [&str; 2] = ["/grpc.health.v1.", "/grpc.reflection."];

/// gRPC at work. Calls that have begun may end; no new one begins, when this is dropped.
#[derive(Debug)]
pub struct Listener {
    /// Where it is.
    pub address: SocketAddr,
    /// Whether it speaks TLS there.
    pub secure: bool,
    stop: watch::Sender<bool>,
}

impl Listener {
    /// Where it is, for programs.
    pub fn url(&self) -> String {
        format!("{}://{}", if self.secure { "https" } else { "http" }, self.address)
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.stop.send_replace(true);
    }
}

/// Listens and serves; over TLS where there is a certificate, which is a chain and its key in PEM.
pub fn listen(
    runtime: &Runtime,
    address: SocketAddr,
    app: &Arc<App>,
    certificate: Option<(Vec<u8>, Vec<u8>)>,
) -> io::Result<Listener> {
    let listener = TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    let (stop, stopping) = watch::channel(false);
    let inside = runtime.enter();
    // An answer is several small frames: without this the last ones wait until the first are acknowledged.
    let incoming = TcpIncoming::from(tokio::net::TcpListener::from_std(listener)?).with_nodelay(Some(true));
    drop(inside);
    let (reporter, health) = tonic_health::server::health_reporter();
    runtime.spawn(look(Arc::clone(app), reporter, stopping.clone()));
    let gate = Arc::new(Gate::new(Arc::clone(&app.identity)));
    let service = Service { app: Arc::clone(app), gate: Arc::clone(&gate), stopping: stopping.clone() };
    let reflection = tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(proto::DESCRIPTORS)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        .build_v1()
        .map_err(io::Error::other)?;
    let routes = Routes::new(health)
        .add_service(reflection)
        .add_service(BalanceServer::new(service.clone()).max_decoding_message_size(LARGEST))
        .add_service(LedgerServer::new(service.clone()).max_decoding_message_size(LARGEST))
        .add_service(BillsServer::new(service.clone()).max_decoding_message_size(LARGEST))
        .add_service(ConsumptionServer::new(service.clone()).max_decoding_message_size(LARGEST))
        .add_service(ExportServer::new(service.clone()).max_decoding_message_size(LARGEST))
        .add_service(AuditServer::new(service).max_decoding_message_size(LARGEST));
    let routes = Routes::from(routes.into_axum_router().layer(from_fn_with_state(gate, admit)));
    let secure = certificate.is_some();
    let mut server = Server::builder()
        .max_concurrent_streams(CALLS)
        .http2_keepalive_interval(Some(QUIET))
        .http2_keepalive_timeout(Some(QUIET));
    if let Some((chain, key)) = certificate {
        let tls = ServerTlsConfig::new().identity(Identity::from_pem(chain, key));
        server = server.tls_config(tls).map_err(io::Error::other)?;
    }
    let serving = server.add_routes(routes).serve_with_incoming_shutdown(incoming, stopped(stopping));
    runtime.spawn(async move {
        if let Err(error) = serving.await {
            tracing::error!(%error, %address, "gRPC has stopped");
        }
    });
    Ok(Listener { address, secure, stop })
}

async fn stopped(mut stopping: watch::Receiver<bool>) {
    // A sender that is gone has stopped, too.
    stopping.wait_for(|stop| *stop).await.map(drop).unwrap_or_default();
}

/// Finds who calls, and refuses who may not.
async fn admit(State(gate): State<Arc<Gate>>, mut request: Request, next: Next) -> Response {
    let path = request.uri().path();
    if OPEN.iter().any(|open| path.starts_with(open)) {
        return next.run(request).await;
    }
    let token = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    match gate.admit(path, token).await {
        Ok(call) => {
            request.extensions_mut().insert(call);
            next.run(request).await
        }
        Err(refusal) => Status::from(refusal).into_http::<Body>(),
    }
}

/// Says by service whether it serves: all of them while every site can append.
async fn look(app: Arc<App>, reporter: HealthReporter, stopping: watch::Receiver<bool>) {
    let stop = stopped(stopping);
    tokio::pin!(stop);
    let mut beat = tokio::time::interval(LOOK);
    loop {
        let ends = tokio::select! {
            () = &mut stop => true,
            _ = beat.tick() => false,
        };
        let well = app.sites.values().all(|site| site.desk.moment().fault.is_none());
        let status = if well && !ends { ServingStatus::Serving } else { ServingStatus::NotServing };
        for service in SERVICES {
            reporter.set_service_status(service, status).await;
        }
        if ends {
            return;
        }
    }
}
