//! The queries as a NATS service, and events: with a client in Python, against a real nats-server whose
//! permissions are those of the example.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use domain::event::AccountId;
use serde_json::{Value, json};
use services::command::{Amount, Asked, Key, Recharge, recharge};
use services::identity::{Actor, Role, Scope};
use services::nats_api::EXAMPLE;
use tests::nats;
use tests::served::{SITE, Served};

const AT: &str = "2026-03-05T12:00:00Z";

/// The example's permissions, of this site, with passwords.
fn permissions() -> String {
    let text = EXAMPLE.replace("A-101", "A-1").replace(".tower.", &format!(".{SITE}."));
    let text = text.replace("$SERVICE_PASSWORD", "tallywatt-secret");
    text.replace("$TENANT_PASSWORD", "A-1-secret").replace("$AUDITOR_PASSWORD", "auditor-secret")
}

/// A client in Python, asked step by step.
struct Client {
    child: Child,
    said: BufReader<ChildStdout>,
}

impl Client {
    fn start(server: &str, steps: &Value) -> Self {
        let here = env!("CARGO_MANIFEST_DIR");
        let tools = format!("{here}/../.tools/nats-py");
        assert!(Path::new(&tools).exists(), "no nats-py: run `sh tests/tools.sh`");
        let mut child = Command::new("python3")
            .env("PYTHONPATH", tools)
            .arg(format!("{here}/clients/nats_client.py"))
            .args([&format!("nats://{server}"), &steps.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python runs");
        let said = BufReader::new(child.stdout.take().expect("a pipe"));
        Self { child, said }
    }

    fn line(&mut self) -> Value {
        let mut line = String::new();
        self.said.read_line(&mut line).expect("a line");
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line:?}"))
    }

    fn go(&mut self) {
        writeln!(self.child.stdin.as_mut().expect("a pipe")).expect("it reads");
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.child.kill().unwrap_or_default();
        self.child.wait().expect("it ends");
    }
}

fn served(server: &nats::Server, folder: &Path) -> Served {
    let secret = folder.join("secret");
    std::fs::write(&secret, "tallywatt-secret\n").expect("a file");
    let more = format!(
        "[serve.nats]\nserver = \"nats://{}\"\nuser = \"tallywatt\"\npassword_file = '{}'",
        server.options.server,
        secret.display()
    );
    Served::start(&more, AT)
}

fn pay(served: &Served, key: &str, account: &str, minor: i64) {
    let actor =
        Actor { user: "m.roe".to_owned(), role: Role::Manager, scope: Scope::all(), read_only: false, token: None };
    let asked = Asked { key: Key::try_new(key).expect("a key"), actor, dry_run: false };
    let account = AccountId::try_new(account).expect("an id");
    let order = Recharge { account, amount: Amount { minor, currency: "EUR".to_owned() }, reference: String::new() };
    let desk = served.server().app.site(SITE).expect("the site").desk.clone();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(recharge(&desk, asked, order)).expect("it is made");
}

#[test]
fn a_tenant_asks_and_hears_of_one_account_and_of_no_other() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = nats::Server::start_with(folder.path(), None, |_| permissions());
    let served = served(&server, folder.path());
    pay(&served, "k-0", "A-1", 4200);
    let api = format!("tw.api.v1.{SITE}");
    let steps = json!([
        {"user": "A-1", "ask": format!("{api}.account.A-1.balance.get"), "body": ""},
        {"user": "A-1", "ask": format!("{api}.account.A-1.bills.list"), "body": "{}"},
        {"user": "A-1", "ask": format!("{api}.account.A-1.balance.get"), "body": "{\"account\": \"A-2\"}"},
        {"user": "A-1", "ask": format!("{api}.account.A-1.balance.put"), "body": ""},
        {"user": "A-1", "ask": format!("{api}.account.A-2.balance.get"), "body": ""},
        {"user": "A-1", "ask": format!("{api}.audit.root"), "body": ""},
        {"user": "A-1", "listen": format!("tw.events.{SITE}.account.A-2.>"), "denied": true},
        {"user": "A-1", "listen": format!("tw.events.{SITE}.>"), "denied": true},
        {"user": "A-1", "listen": "_INBOX_auditor.>", "denied": true},
        {"user": "A-1", "listen": format!("tw.events.{SITE}.account.A-1.>")},
        {"user": "A-1", "wait": true},
        {"user": "A-1", "hear": true},
        {"user": "auditor", "ask": format!("{api}.account.A-2.balance.get"), "body": ""},
        {"user": "auditor", "ask": format!("{api}.audit.root"), "body": ""},
    ]);
    let mut client = Client::start(&server.options.server, &steps);
    assert_eq!(client.line()["body"]["balance"], json!({"minor": 4200, "currency": "EUR"}));
    assert_eq!(client.line()["body"]["bills"].as_array().map(Vec::is_empty), Some(false));
    assert_eq!(client.line()["error"], json!("FIELD_INVALID"));
    assert_eq!(client.line()["error"], json!("METHOD_UNKNOWN"));
    for _ in 0..2 {
        let denied = client.line();
        assert!(denied["denied"].as_str().is_some_and(|text| text.to_lowercase().contains("permissions")), "{denied}");
    }
    for _ in 0..3 {
        let denied = client.line();
        assert!(denied["denied"].as_str().is_some_and(|text| text.to_lowercase().contains("permissions")), "{denied}");
    }
    assert_eq!(client.line()["listens"], json!(true));
    client.go();
    assert_eq!(client.line()["went"], json!(true));
    pay(&served, "k-1", "A-2", 100);
    pay(&served, "k-2", "A-1", 300);
    let heard = client.line();
    assert_eq!(heard["subject"], json!(format!("tw.events.{SITE}.account.A-1.recharge.received.v1")));
    assert_eq!(heard["body"]["data"]["amount_minor"], json!(300));
    assert_eq!(heard["body"].get("actor"), None, "who took the money is not the tenant's to see");
    assert_eq!(client.line()["body"]["balance"]["minor"], json!(100));
    let root = client.line();
    assert_eq!(root["body"]["root"].as_str().map(str::len), Some(64), "{root}");
}

#[test]
fn the_service_is_discovered_by_the_service_protocol() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = nats::Server::start_with(folder.path(), None, |_| permissions());
    let _served = served(&server, folder.path());
    let steps = json!([
        {"user": "auditor", "ask": "$SRV.PING"},
        {"user": "auditor", "ask": "$SRV.INFO.tallywatt"},
        {"user": "auditor", "ask": format!("tw.api.v1.{SITE}.account.A-1.balance.get")},
        {"user": "auditor", "ask": format!("tw.api.v1.{SITE}.account.A-9.balance.get")},
        {"user": "auditor", "ask": "$SRV.STATS.tallywatt"},
    ]);
    let mut client = Client::start(&server.options.server, &steps);
    let ping = client.line()["body"].clone();
    assert_eq!((&ping["name"], &ping["type"]), (&json!("tallywatt"), &json!("io.nats.micro.v1.ping_response")));
    let info = client.line()["body"].clone();
    assert_eq!(info["id"], ping["id"]);
    let subjects: Vec<&str> =
        info["endpoints"].as_array().expect("a list").iter().filter_map(|one| one["subject"].as_str()).collect();
    assert!(subjects.contains(&"tw.api.v1.*.account.*.balance.get"), "{subjects:?}");
    assert!(subjects.contains(&"tw.api.v1.*.audit.root"), "{subjects:?}");
    assert_eq!(client.line()["error"], Value::Null);
    assert_eq!(client.line()["error"], json!("ACCOUNT_UNKNOWN"));
    let stats = client.line()["body"].clone();
    let of = stats["endpoints"].as_array().expect("a list").iter().find(|one| one["name"] == "balance-get");
    let of = of.expect("the endpoint");
    assert_eq!((&of["num_requests"], &of["num_errors"]), (&json!(2), &json!(1)));
}
