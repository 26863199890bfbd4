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
use tests::run::command;
use tests::served::{SITE, Served};

const AT: &str = "2026-03-05T12:00:00Z";

/// The example's permissions, of this site, with passwords; its users' files are what the command would write.
fn permissions(folder: &Path) -> String {
    let users = folder.join("users");
    std::fs::create_dir_all(&users).expect("a folder");
    let own = format!(
        "publish: [\"tw.api.v1.{SITE}.account.A-1.>\"]\nsubscribe: [\"tw.events.{SITE}.account.A-1.>\", \"_INBOX_A-1.>\"]"
    );
    let all = format!(
        "publish: [\"tw.api.v1.{SITE}.>\", \"$SRV.>\"]\nsubscribe: [\"tw.events.{SITE}.>\", \"_INBOX_auditor.>\"]"
    );
    for (file, user, may) in [("t.doe", "A-1", own), ("a.udit", "auditor", all)] {
        let text = format!("user: {user}\npassword: {user}-secret\npermissions: {{\n{may}\n}}\n");
        std::fs::write(users.join(format!("{file}.conf")), text).expect("a file");
    }
    EXAMPLE.replace("$SERVICE_PASSWORD", "tallywatt-secret")
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
    let server = nats::Server::start_with(folder.path(), None, |_| permissions(folder.path()));
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
    let server = nats::Server::start_with(folder.path(), None, |_| permissions(folder.path()));
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

/// What `tallywatt user nats` writes is all that a server needs of a user: it lets in who has the password,
/// to what the role and the grants give, and to nothing of a neighbour.
#[test]
fn a_user_is_let_in_by_the_file_that_the_command_writes() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("users-data").display().to_string();
    let users = folder.path().join("users");
    std::fs::create_dir(&users).expect("a folder");
    let told = |words: &[&str]| {
        let (code, said) = command(&[&["user"], words, &["--data", &data, "--json"]].concat()).expect("it runs");
        (code, serde_json::from_str::<Value>(&said).unwrap_or(Value::String(said)))
    };
    let mut secrets = Vec::new();
    for (name, role, account) in [("ada", "tenant", "A-1"), ("bob", "tenant", "A-2"), ("tom", "auditor", "")] {
        let place = if account.is_empty() { vec![] } else { vec!["--account", account] };
        let (code, said) = told(&[&["add", name, "--role", role, "--site", SITE][..], &place].concat());
        assert_eq!(code, 0, "{said}");
        let file = users.join(format!("{name}.conf"));
        let (code, said) = told(&["nats", name, "--out", &file.display().to_string()]);
        assert_eq!(code, 0, "{said}");
        let password = said["password"].as_str().expect("a password").to_owned();
        let text = std::fs::read_to_string(&file).expect("a file");
        assert!(text.contains("$2a$") && !text.contains(&password), "{text}");
        secrets.push(password);
    }
    assert_eq!(told(&["add", "eve", "--role", "tenant"]).0, 0);
    let (code, said) = told(&["nats", "eve", "--out", &users.join("eve.conf").display().to_string()]);
    assert!(code == 2 && said.to_string().contains("without a grant"), "{said}");

    let server = nats::Server::start_with(folder.path(), None, |_| {
        "authorization { users = [\n  { user: tallywatt, password: tallywatt-secret }\n  { include users/ada.conf }\n\
           { include users/bob.conf }\n  { include users/tom.conf }\n] }"
            .to_owned()
    });
    let served = served(&server, folder.path());
    pay(&served, "k-0", "A-1", 4200);
    let (api, events) = (format!("tw.api.v1.{SITE}"), format!("tw.events.{SITE}"));
    let ask = |user: &str, subject: &str| {
        let secret = ["ada", "bob", "tom"].iter().position(|one| *one == user).and_then(|at| secrets.get(at));
        json!({"user": user, "password": secret, "ask": format!("{api}.{subject}"), "body": ""})
    };
    let steps = json!([
        ask("ada", "account.A-1.balance.get"),
        ask("ada", "account.A-1.bills.payments"),
        ask("ada", "account.A-2.balance.get"),
        ask("ada", "audit.root"),
        {"user": "ada", "listen": format!("{events}.account.A-2.>"), "denied": true},
        {"user": "ada", "listen": format!("{events}.account.*.>"), "denied": true},
        {"user": "ada", "listen": "_INBOX_bob.>", "denied": true},
        {"user": "ada", "listen": format!("{events}.account.A-1.>")},
        ask("bob", "account.A-2.balance.get"),
        ask("bob", "account.A-1.balance.get"),
        ask("tom", "account.A-1.balance.get"),
        ask("tom", "audit.root"),
    ]);
    let mut client = Client::start(&server.options.server, &steps);
    let denied = |said: &Value| said["denied"].as_str().is_some_and(|text| text.to_lowercase().contains("permissions"));
    assert_eq!(client.line()["body"]["balance"]["minor"], json!(4200));
    let paid = client.line();
    assert_eq!(paid["error"], json!(null), "{paid}");
    for what in ["a neighbour's balance", "the audit", "a neighbour's events", "everybody's events", "an inbox"] {
        let said = client.line();
        assert!(denied(&said), "{what}: {said}");
    }
    assert_eq!(client.line()["listens"], json!(true));
    assert_eq!(client.line()["body"]["balance"]["minor"], json!(0));
    let said = client.line();
    assert!(denied(&said), "{said}");
    assert_eq!(client.line()["body"]["balance"]["minor"], json!(4200));
    assert_eq!(client.line()["body"]["root"].as_str().map(str::len), Some(64));
}
