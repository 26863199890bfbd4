//! Who is told of alarms: webhooks that the reference implementation verifies, in order, whatever is down; a real NATS server.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use adapters::event_log::MemoryLog;
use adapters::notifier::{Notice, Notifier, Notify, Pace};
use domain::event::{AlarmKind, EventId};
use serde_json::{Value, json};
use services::alarm::AlarmDuty;
use tests::alarm_site::{Course, site_id};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const PACE: Pace = Pace { first: Duration::from_millis(10), longest: Duration::from_millis(50) };

/// Waits until it is so, a minute at most.
fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(60);
    while !is_so() {
        assert!(Instant::now() < end, "not within a minute: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// What a receiver got: headers and body of each request, as JSON.
type Got = Arc<Mutex<Vec<Value>>>;

/// Answers requests, the first so many with 503.
fn receive(address: SocketAddr, mut refuse: usize) -> Got {
    let got = Got::default();
    let (kept, listener) = (Arc::clone(&got), TcpListener::bind(address).expect("binds"));
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = BufReader::new(stream.expect("a connection"));
            let (mut headers, mut length) = (serde_json::Map::new(), 0usize);
            loop {
                let mut line = String::new();
                if stream.read_line(&mut line).unwrap_or(0) == 0 || line.trim().is_empty() {
                    break;
                }
                if let Some((name, value)) = line.trim().split_once(": ") {
                    if name.eq_ignore_ascii_case("content-length") {
                        length = value.parse().expect("a length");
                    }
                    headers.insert(name.to_lowercase(), value.into());
                }
            }
            let mut body = vec![0; length];
            stream.read_exact(&mut body).expect("a body");
            let status = if refuse > 0 { "503 Service Unavailable" } else { "204 No Content" };
            let mut one = json!({"headers": headers, "body": String::from_utf8(body).expect("text")});
            one["refused"] = json!(refuse > 0);
            kept.lock().expect("no panic").push(one);
            refuse = refuse.saturating_sub(1);
            write!(stream.get_mut(), "HTTP/1.1 {status}\r\nconnection: close\r\n\r\n").expect("answers");
        }
    });
    got
}

/// The reference implementation's verdict on each request.
fn verified(requests: &[Value]) -> anyhow::Result<bool> {
    let tools = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.tools/standardwebhooks");
    anyhow::ensure!(tools.exists(), "no standardwebhooks: run `sh tests/tools.sh`");
    let program = "import json,sys\nfrom standardwebhooks.webhooks import Webhook\n\
        [Webhook(sys.argv[1]).verify(one['body'], one['headers']) for one in json.load(sys.stdin)]";
    let mut child = Command::new("python3")
        .args(["-c", program, SECRET])
        .env("PYTHONPATH", tools)
        .stdin(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    child.stdin.take().expect("piped").write_all(json!(requests).to_string().as_bytes())?;
    Ok(child.wait()?.success())
}

fn notice(position: u64) -> Notice {
    let id = EventId::derive(&[b"notice", &position.to_be_bytes()]);
    Notice { id, position, kind: AlarmKind::Loss, body: json!({"data": {"position": position}}).to_string() }
}

fn free() -> anyhow::Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

fn webhook(folder: &Path, address: SocketAddr) -> anyhow::Result<Notify> {
    let secret_file = folder.join("secret");
    std::fs::write(&secret_file, format!("{SECRET}\n"))?;
    Ok(Notify::Webhook { name: "ops".into(), url: format!("http://{address}/hook"), secret_file, kinds: Vec::new() })
}

#[test]
fn a_receiver_that_was_down_gets_each_in_order_also_after_a_restart() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let address = free()?;
    let endpoint = webhook(folder.path(), address)?;
    let mut courier = endpoint.start(&site_id(), folder.path(), PACE)?;
    assert_eq!(courier.offered_to()?, None);
    for position in [3, 5, 5, 3, 8] {
        courier.offer(&notice(position))?;
    }
    until("it is tried in vain", || courier.state().failures > 2);
    assert_eq!(courier.state().waiting, 3);
    drop(courier);
    let got = receive(address, 2);
    let mut courier = endpoint.start(&site_id(), folder.path(), PACE)?;
    assert_eq!(courier.offered_to()?, Some(8));
    courier.offer(&notice(9))?;
    until("all are delivered", || courier.state().waiting == 0);
    drop(courier);
    let requests = got.lock().expect("no panic").clone();
    let ids: Vec<_> = requests.iter().map(|one| one["headers"]["webhook-id"].as_str().expect("an id")).collect();
    let expected = [3, 3, 3, 5, 8, 9].map(|position| notice(position).id.to_string());
    assert_eq!(ids, expected, "refused twice, then each once");
    assert!(verified(&requests)?);
    let mut forged = requests.clone();
    forged[0]["body"] = json!("{}");
    assert!(!verified(&forged)?, "a judge that says yes to everything");
    Ok(())
}

#[test]
fn an_alarm_is_told_by_webhook_and_on_its_subject_of_a_nats_server() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let address = free()?;
    let got = receive(address, 0);
    let server = tests::nats::Server::start(tests::nats::ALWAYS);
    let mut subscriber = BufReader::new(TcpStream::connect(&server.options.server)?);
    subscriber.get_ref().set_read_timeout(Some(Duration::from_secs(60)))?;
    write!(
        subscriber.get_mut(),
        "CONNECT {{\"headers\":true,\"verbose\":false}}\r\nSUB tallywatt.alarms.alarm.silent_meter 1\r\nPING\r\n"
    )?;
    let mut line = String::new();
    while !line.starts_with("PONG") {
        line.clear();
        assert!(subscriber.read_line(&mut line)? > 0);
    }
    let nats = Notify::Nats { name: "bus".into(), server: server.options.server.clone(), kinds: Vec::new() };
    let notifiers: Vec<Box<dyn Notifier>> = vec![
        Box::new(webhook(folder.path(), address)?.start(&site_id(), folder.path(), PACE)?),
        Box::new(nats.start(&site_id(), folder.path(), PACE)?),
    ];
    let mut log = MemoryLog::new();
    let mut course = Course::start(&mut log, AlarmDuty::new(notifiers))?;
    course.steps(5, 60, &[("M-1", 500)], 0)?;
    course.steps_with(40, 60, &[("M-1", 500)], 0, |polled| (polled.meter.as_str() != "M-2").then_some(()))?;
    course.steps(5, 60, &[("M-1", 500)], 0)?;
    until("both are told", || got.lock().expect("no panic").len() == 2);
    let requests = got.lock().expect("no panic").clone();
    assert!(verified(&requests)?);
    let bodies: Vec<Value> =
        requests.iter().map(|one| serde_json::from_str(one["body"].as_str().expect("text")).expect("JSON")).collect();
    assert_eq!((&bodies[0]["type"], &bodies[1]["type"]), (&json!("alarm.raised"), &json!("alarm.cleared")));
    assert_eq!(bodies[0]["data"]["subject"], "meter/M-2");
    assert!(bodies[0]["data"]["text"].as_str().expect("a sentence").contains("no reading for"), "{}", bodies[0]);
    let mut types = Vec::new();
    while types.len() < 2 {
        line.clear();
        assert!(subscriber.read_line(&mut line)? > 0, "the connection ended");
        if line.starts_with('{') {
            types.push(serde_json::from_str::<Value>(&line)?["type"].clone());
        }
    }
    assert_eq!(types, ["alarm.raised", "alarm.cleared"]);
    Ok(())
}

#[test]
fn endpoints_are_read_from_toml_and_unknown_keys_are_refused() {
    let of = |text: &str| toml_edit::de::from_str::<Notify>(text);
    let bus = of("to = \"nats\"\nname = \"bus\"\nserver = \"localhost:4222\"\nkinds = [\"loss\"]").expect("a table");
    assert_eq!(bus, Notify::Nats { name: "bus".into(), server: "localhost:4222".into(), kinds: vec![AlarmKind::Loss] });
    assert!(of("to = \"nats\"\nname = \"bus\"\nserver = \"x\"\npasword = \"y\"").is_err());
    assert!(of("to = \"pigeon\"\nname = \"bus\"").is_err());
}
