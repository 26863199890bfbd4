//! What surfaces do beyond a request and an answer: downloads over HTTP and gRPC, TLS, pages of other origins, and
//! supply over gRPC.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use domain::event::SiteId;
use domain::quantity::Date;
use proto::v1::balance_client::BalanceClient;
use proto::v1::export_client::ExportClient;
use proto::v1::ledger_client::LedgerClient;
use proto::v1::{
    Command, DisputeRequest, ExportRequest, GetBalanceRequest, PointRequest, SupplyState, SwitchSupplyRequest,
    WeatherRequest,
};
use serde_json::json;
use services::export::{Days, Format, Request as Wanted, Source, write};
use services::identity::Role;
use services::serve::Config;
use tests::http;
use tests::instance::Instance;
use tests::served::{SITE, Served};
use tonic::transport::{Certificate, Channel, ClientTlsConfig};
use tonic::{Code, Request, Status};
use tonic_types::StatusExt as _;

const AT: &str = "2026-03-05T12:00:00Z";

fn asks<T>(message: T, token: &str) -> Result<Request<T>> {
    let mut request = Request::new(message);
    request.metadata_mut().insert("authorization", format!("Bearer {token}").parse()?);
    request.set_timeout(Duration::from_secs(60));
    Ok(request)
}

fn run<F: Future>(future: F) -> Result<F::Output> {
    Ok(tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?.block_on(future))
}

/// What `tallywatt export` writes of March by a position of the log.
fn expected(log: &str, format: Format, through: u64) -> Result<Vec<u8>> {
    let site = SiteId::try_new("berlin").context("an id")?;
    let days = Days { from: Date::parse("2026-03-01"), to: Date::parse("2026-03-31") };
    let wanted = Wanted { through: Some(through), ..Wanted::new(format, days) };
    let mut bytes = Vec::new();
    write(&wanted, Source { dir: Path::new(""), log: Some(log), site: Some(&site) }, &mut bytes)
        .map_err(|failure| anyhow::anyhow!("{}", failure.error))?;
    Ok(bytes)
}

#[test]
fn a_download_is_the_file_of_the_command_and_its_tag_the_position() -> Result<()> {
    let instance = Instance::start();
    let at = instance.server.http;
    let auditor = instance.token(Role::Auditor, "berlin", true);
    let log = instance.server.app.site("berlin").context("the site")?.log.clone();
    let path = |format: Format, more: &str| {
        format!("/api/v1/sites/berlin/export/{}?from=2026-03-01&until=2026-04-01{more}", format.name())
    };
    let mut last = 0;
    for format in [Format::Hledger, Format::Beancount, Format::Charges, Format::Xero, Format::Quickbooks] {
        let answer = http::get(at, &path(format, ""), &auditor)?;
        ensure!(answer.status == 200, "{}: {}", format.name(), answer.body);
        let header = |name: &str| answer.headers.get(name).map(String::as_str).context(name.to_owned());
        let position: u64 = header("tallywatt-position")?.parse()?;
        assert_eq!(header("etag")?, format!("\"{position}\""));
        assert_eq!(header("content-type")?, format.media_type());
        let name = format!("berlin-{}-2026-03-01-2026-03-31-{position}.{}", format.name(), format.extension());
        assert_eq!(header("content-disposition")?, format!("attachment; filename=\"{name}\""));
        ensure!(answer.body.len() > 1000, "{}: {} bytes", format.name(), answer.body.len());
        ensure!(answer.body.as_bytes() == expected(&log, format, position)?, "{} differs", format.name());
        last = position;
    }
    let bearer = format!("Bearer {auditor}");
    let held = [("authorization", bearer.as_str()), ("if-none-match", &format!("\"{last}\""))];
    let again = http::ask(at, "GET", &path(Format::Charges, ""), &held)?;
    assert_eq!((again.status, again.body.as_str()), (304, ""));

    // The log grows: the newest is another one, and the earlier one is given by its position.
    let manager = instance.token(Role::Manager, "berlin", false);
    let cash = json!({"amount": {"minor": 700, "currency": "EUR"}});
    let paid = http::post(at, "/api/v1/sites/berlin/accounts/berlin-A-1/recharges", &manager, "k", &cash)?;
    ensure!(paid.status == 200, "{}", paid.body);
    let until = std::time::Instant::now() + Duration::from_secs(30);
    let newer = loop {
        let answer = http::ask(at, "GET", &path(Format::Charges, ""), &held)?;
        if answer.status == 200 {
            break answer;
        }
        ensure!(std::time::Instant::now() < until, "the file is as old as before: {}", answer.status);
    };
    ensure!(newer.headers.get("etag") != Some(&format!("\"{last}\"")), "it has a tag of its own");
    let earlier = http::get(at, &path(Format::Charges, &format!("&through={last}")), &auditor)?;
    ensure!(earlier.body.as_bytes() == expected(&log, Format::Charges, last)?, "an earlier file is as it was");

    for (format, more) in [("parquet", "&table=postings"), ("parquet", "&table=readings&step=hour"), ("xlsx", "")] {
        let path = format!("/api/v1/sites/berlin/export/{format}?from=2026-03-01&until=2026-03-04{more}");
        let answer = http::get(at, &path, &auditor)?;
        let magic = if format == "parquet" { "PAR1" } else { "PK" };
        ensure!(answer.status == 200 && answer.body.starts_with(magic), "{path}: {}", answer.status);
    }
    let charges = "/api/v1/sites/berlin/export/charges";
    for (path, status) in [
        ("/api/v1/sites/berlin/export/pdf".to_owned(), 404),
        (format!("{charges}?from=2026-03-02&until=2026-03-02"), 400),
        (format!("{charges}?through=99999999"), 400),
        (format!("{charges}?table=bills"), 400),
    ] {
        assert_eq!(http::get(at, &path, &auditor)?.status, status, "{path}");
    }
    Ok(())
}

#[test]
fn grpc_streams_the_same_file() -> Result<()> {
    let instance = Instance::start_with("grpc = \"127.0.0.1:0\"");
    let auditor = instance.token(Role::Auditor, "berlin", true);
    let served = instance.server.app.site("berlin").context("the site")?;
    let (log, position) = (served.log.clone(), served.desk.moment().position);
    let url = instance.server.grpc.as_ref().context("gRPC")?.url();
    let asked = |format: &str, site: &str| ExportRequest {
        site: site.to_owned(),
        format: format.to_owned(),
        from_day: "2026-03-01".to_owned(),
        until_day: "2026-04-01".to_owned(),
        through: position,
        ..ExportRequest::default()
    };
    run(async {
        let mut export = ExportClient::new(Channel::from_shared(url)?.connect().await?);
        for format in [Format::Hledger, Format::Charges, Format::Parquet] {
            let mut pieces = export.get(asks(asked(format.name(), "berlin"), &auditor)?).await?.into_inner();
            let mut bytes = Vec::new();
            while let Some(piece) = pieces.message().await? {
                ensure!(piece.data.len() <= 65_536, "{} bytes in a piece", piece.data.len());
                bytes.extend(piece.data);
            }
            ensure!(bytes == expected(&log, format, position)?, "{} differs: {} bytes", format.name(), bytes.len());
        }
        let none = export.get(asks(asked("pdf", "berlin"), &auditor)?).await.map(drop);
        assert_eq!(none.map_err(|status| code(&status)), Err((Code::InvalidArgument, "FIELD_INVALID".to_owned())));
        let foreign = export.get(asks(asked("charges", "tokyo"), &auditor)?).await.map(drop);
        assert_eq!(foreign.map_err(|status| code(&status)), Err((Code::NotFound, "NOT_FOUND".to_owned())));
        Ok(())
    })?
}

fn code(status: &Status) -> (Code, String) {
    (status.code(), status.get_details_error_info().map(|info| info.reason).unwrap_or_default())
}

#[test]
fn beyond_the_loopback_grpc_speaks_tls_and_nothing_else() -> Result<()> {
    let served = Served::start("grpc = \"0.0.0.0:0\"", AT);
    let tenant = served.token("t.doe", Role::Tenant, "A-1");
    let listener = served.server().grpc.as_ref().context("gRPC")?;
    let port = listener.address.port();
    ensure!(listener.secure && listener.url().starts_with("https://"), "{}", listener.url());
    let account = || GetBalanceRequest { site: SITE.to_owned(), account: "A-1".to_owned() };
    run(async {
        let trusts = ClientTlsConfig::new().ca_certificate(Certificate::from_pem(served.certificate()));
        let secure = Channel::from_shared(format!("https://127.0.0.1:{port}"))?.tls_config(trusts)?.connect().await?;
        let balance = BalanceClient::new(secure).get(asks(account(), &tenant)?).await?.into_inner();
        assert_eq!(balance.account, "A-1");
        let plain = Channel::from_shared(format!("http://127.0.0.1:{port}"))?.connect_lazy();
        let refused = BalanceClient::new(plain).get(asks(account(), &tenant)?).await;
        ensure!(refused.is_err(), "a token travelled in the clear and was answered");
        let strange = Channel::from_shared(format!("https://127.0.0.1:{port}"))?.tls_config(ClientTlsConfig::new())?;
        ensure!(strange.connect().await.is_err(), "who does not know the certificate does not trust it");
        Ok(())
    })?
}

#[test]
fn only_pages_of_listed_origins_may_ask() -> Result<()> {
    let (ours, theirs) = ("https://app.example.org", "https://evil.example.org");
    let path = format!("/api/v1/sites/{SITE}/accounts/A-1/recharges");
    let preflight = |served: &Served, origin: &str| {
        let headers = [
            ("origin", origin),
            ("access-control-request-method", "POST"),
            ("access-control-request-headers", "authorization,idempotency-key"),
        ];
        http::ask(served.server().http, "OPTIONS", &path, &headers)
    };
    let allowed = |answer: &http::Answer| answer.headers.get("access-control-allow-origin").cloned();
    let served = Served::start(&format!("cors = [\"{ours}\"]"), AT);
    let yes = preflight(&served, ours)?;
    assert_eq!((yes.status, allowed(&yes).as_deref()), (200, Some(ours)));
    let names = yes.headers.get("access-control-allow-headers").context("headers")?;
    ensure!(names.contains("authorization") && names.contains("idempotency-key"), "{names}");
    assert_eq!(allowed(&preflight(&served, theirs)?), None);
    let at = served.server().http;
    let bearer = format!("Bearer {}", served.token("m.roe", Role::Manager, ""));
    let asked = |origin: &str| http::ask(at, "GET", "/api/v1/me", &[("origin", origin), ("authorization", &bearer)]);
    let answer = asked(ours)?;
    assert_eq!((answer.status, allowed(&answer).as_deref()), (200, Some(ours)));
    ensure!(!answer.headers.contains_key("access-control-allow-credentials"), "no cookie comes along");
    assert_eq!(allowed(&asked(theirs)?), None);
    let page = http::ask(at, "GET", "/healthz", &[("origin", ours)])?;
    assert_eq!(allowed(&page), None, "only the interface for programs is open");
    drop(served);

    let usual = Served::start("", AT);
    assert_eq!(allowed(&preflight(&usual, ours)?), None, "off where nothing is said");
    for wrong in ["*", "https://app.example.org/", "app.example.org", "https://a.example, https://b.example"] {
        let text =
            format!("[serve]\ndata = \"d\"\nhttp = \"127.0.0.1:0\"\ncors = [\"{wrong}\"]\n[[site]]\nfolder = \"s\"\n");
        ensure!(Config::parse(Path::new("tallywatt.toml"), &text).is_err(), "{wrong} is no origin");
    }
    Ok(())
}

#[test]
fn supply_is_commanded_over_grpc_once_under_its_key() -> Result<()> {
    let served = Served::start("grpc = \"127.0.0.1:0\"", AT);
    let (manager, auditor) = (served.token("m.roe", Role::Manager, ""), served.token("a.udit", Role::Auditor, ""));
    let command = |key: &str| Some(Command { site: SITE.to_owned(), idempotency_key: key.to_owned() });
    let point = |key: &str, point: &str, reason: &str| PointRequest {
        command: command(key),
        point: point.to_owned(),
        reason: reason.to_owned(),
        dry_run: false,
    };
    let dispute = |key: &str| DisputeRequest {
        command: command(key),
        account: "A-1".to_owned(),
        reason: "the bill".to_owned(),
        dry_run: false,
    };
    let url = served.grpc();
    run(async {
        let mut ledger = LedgerClient::new(Channel::from_shared(url)?.connect().await?);
        let first = ledger.protect_point(asks(point("k-1", "P-1", "lift"), &manager)?).await?.into_inner();
        let again = ledger.protect_point(asks(point("k-1", "P-1", "lift"), &manager)?).await?.into_inner();
        assert!(!first.repeated && again.repeated);
        assert_eq!((first.event, first.position), (again.event, again.position));
        for (request, kind, reason) in [
            (point("k-1", "P-1", "other"), Code::AlreadyExists, "KEY_REUSED"),
            (point("k-1", "P-2", "lift"), Code::AlreadyExists, "KEY_REUSED"),
            (point("k-2", "P-1", "lift"), Code::FailedPrecondition, "ALREADY_SO"),
            (point("k-2", "P-9", "lift"), Code::NotFound, "POINT_UNKNOWN"),
            (point("k-2", "P-2", " "), Code::InvalidArgument, "TEXT_MISSING"),
        ] {
            let refused = ledger.protect_point(asks(request, &manager)?).await.map(drop);
            assert_eq!(refused.map_err(|status| code(&status)), Err((kind, reason.to_owned())));
        }
        let cut = |reason: &str, to: SupplyState| SwitchSupplyRequest {
            command: command("k-3"),
            point: "P-1".to_owned(),
            reason: reason.to_owned(),
            to: to.into(),
            dry_run: false,
        };
        let protected = ledger.switch_supply(asks(cut("empty", SupplyState::Disconnected), &manager)?).await.map(drop);
        let wanted = (Code::FailedPrecondition, "SUPPLY_REFUSED".to_owned());
        assert_eq!(protected.map_err(|status| code(&status)), Err(wanted));
        let unsaid = ledger.switch_supply(asks(cut("empty", SupplyState::Unspecified), &manager)?).await.map(drop);
        assert_eq!(unsaid.map_err(|status| code(&status).1), Err("FIELD_INVALID".to_owned()));
        ledger.unprotect_point(asks(point("k-4", "P-1", "no lift"), &manager)?).await?;
        ledger.open_dispute(asks(dispute("k-5"), &manager)?).await?;
        ledger.close_dispute(asks(dispute("k-6"), &manager)?).await?;
        let until_s = domain::quantity::Instant::parse("2026-03-06T00:00:00Z")?.get();
        let storm =
            |dry_run: bool| WeatherRequest { command: command("k-7"), until_s, reason: "storm".to_owned(), dry_run };
        let rehearsed = ledger.hold_weather(asks(storm(true), &manager)?).await?.into_inner();
        let done = ledger.hold_weather(asks(storm(false), &manager)?).await?.into_inner();
        assert!(rehearsed.event.is_empty() && !done.event.is_empty() && !done.repeated);
        let denied = ledger.hold_weather(asks(storm(false), &auditor)?).await.map(drop);
        assert_eq!(denied.map_err(|status| code(&status).1), Err("PERMISSION_DENIED".to_owned()));
        Ok(())
    })?
}
