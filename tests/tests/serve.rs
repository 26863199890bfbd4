//! The service in one process: a desk that commits what is asked, and what HTTP says of it.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;

use adapters::clock::{GivenClock, SharedClock};
use domain::event::{AccountId, Body, EventId, RechargeKind, RechargeReceived};
use domain::quantity::Instant;
use services::cli::Cli;
use services::console::Console;
use services::exit::Exit;
use services::owner::{Draft, OwnerError};
use services::serve::{Config, Server};
use tests::site;

fn config(folder: &Path) -> Config {
    let text = "[serve]\ndata = \"data\"\nhttp = \"127.0.0.1:0\"\n[[site]]\nfolder = \"site\"\n";
    Config::parse(&folder.join("tallywatt.toml"), text).expect("the file is right")
}

/// One flat, without a table of readings.
fn write_site(folder: &Path) {
    let flat = site::flat(1, "2026-03-01T00:00:00Z", "t");
    std::fs::create_dir(folder).expect("a folder");
    let text = [site::head("UTC", "EUR"), site::one_price("t", "0.30"), flat].concat();
    std::fs::write(folder.join("site.toml"), text).expect("a file");
}

fn get(at: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(at).expect("the service listens");
    write!(stream, "GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").expect("it reads");
    let mut text = String::new();
    stream.read_to_string(&mut text).expect("it answers");
    text
}

fn start(folder: &Path, at: &str) -> Server {
    let clock = GivenClock::new(Instant::parse(at).expect("an instant"));
    Server::start(&config(folder), SharedClock::new(clock)).expect("it starts")
}

/// Pays once; whether the log did not have it.
fn pay(server: &Server, minor: i64) -> Result<bool, String> {
    let desk = server.app.sites.values().next().expect("a site").desk.clone();
    let change = desk.change_blocking(move |turn| {
        let account = AccountId::try_new("A-1").expect("an id");
        let reference = "P-1".to_owned();
        let data = RechargeReceived { account, amount_minor: minor, kind: RechargeKind::Recharge, reference };
        let (time, received) = (turn.now, turn.now);
        let id = EventId::derive(&[b"pay", b"P-1"]);
        let draft = Draft { id, time, received, actor: "test".to_owned(), body: Body::RechargeReceived(data) };
        turn.owner.append(draft)
    });
    change.map_err(|error: services::desk::ChangeError<OwnerError>| error.to_string())
}

#[test]
fn what_a_desk_answered_is_there_after_a_new_start() {
    let folder = tempfile::tempdir().expect("a folder");
    write_site(&folder.path().join("site"));
    let server = start(folder.path(), "2026-03-05T12:00:00Z");
    assert_eq!(pay(&server, 5000), Ok(true));
    let position = server.app.sites.values().next().expect("a site").desk.moment().position;
    assert!(get(server.http, "/healthz").ends_with("ok\n"));
    assert!(get(server.http, "/readyz").starts_with("HTTP/1.1 200"));
    assert!(get(server.http, "/metrics").contains("tallywatt_site_ready{site="));
    drop(server);
    let server = start(folder.path(), "2026-03-05T12:00:00Z");
    let desk = &server.app.sites.values().next().expect("a site").desk;
    assert!(desk.moment().position >= position);
    let paid = desk.moment().live.values().map(|live| live.balance.get()).sum::<i64>();
    assert_eq!(paid, 5000, "the recharge is in the balance");
}

#[test]
fn what_init_writes_is_served_as_it_is() {
    let folder = tempfile::tempdir().expect("a folder");
    let dir = folder.path().join("new");
    let name = dir.display().to_string();
    let init =
        || Cli::try_from_args(["tallywatt", "init", &name]).expect("right").run(&mut Console::to(std::io::sink()));
    assert!(init().is_ok());
    let text = std::fs::read_to_string(dir.join("tallywatt.toml")).expect("written");
    let with_meters = text.replace("127.0.0.1:8380", "127.0.0.1:0").replace("# collector =", "collector =");
    let is_setting = |line: &&str| line.starts_with("# ") && (line.contains(" = ") || line.starts_with("# ["));
    let open = |line: &str| format!("{}\n", if is_setting(&line) { line.trim_start_matches("# ") } else { line });
    let with_all: String = with_meters.lines().map(open).collect();
    let config = Config::parse(&dir.join("tallywatt.toml"), &with_all).expect("what is commented is right, too");
    assert_eq!(config.sites[0].notify.len(), 2);
    let config = Config::parse(&dir.join("tallywatt.toml"), &with_meters).expect("and so is a collector");
    assert_eq!(config.sites[0].collector.as_ref().map(|one| one.buses.len()), Some(3));
    let mut config = config;
    config.sites[0].collector = None;
    let clock = GivenClock::new(Instant::parse("2026-01-05T12:00:00Z").expect("an instant"));
    let server = Server::start(&config, SharedClock::new(clock)).expect("it starts");
    assert!(get(server.http, "/readyz").starts_with("HTTP/1.1 200"));
    let site = server.app.sites.values().next().expect("a site");
    assert_eq!(site.desk.moment().live.len(), 3);
    assert_eq!(init().expect_err("nothing is written over").exit, Exit::BadInput);
    drop(server);
    let config = dir.join("tallywatt.toml").display().to_string();
    let tallywatt = |args: &[&str]| {
        let args = ["tallywatt"].into_iter().chain(args.iter().copied()).chain(["--config", &config]);
        Cli::try_from_args(args).expect("right").run(&mut Console::to(std::io::sink())).expect("it runs")
    };
    assert_eq!(tallywatt(&["doctor"]), Exit::Differences, "nobody is an operator");
    assert_eq!(tallywatt(&["user", "add", "ann", "--role", "operator"]), Exit::Done);
    assert_eq!(tallywatt(&["doctor"]), Exit::Done);
}
