//! Users and sign-ins from outside: the command, the file, and what secrets leave on the disk.

use std::fs;
use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use adapters::clock::{GivenClock, SystemClock};
use domain::event::SiteId;
use domain::quantity::Instant;
use services::identity::{Denied, Grant, Identity, NewToken, Permission, Role, SignInError};
use tempfile::TempDir;

const HOME: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

fn tallywatt(data: &Path, args: &[&str], input: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_tallywatt_killed"))
        .arg("user")
        .args(args)
        .arg("--data")
        .arg(data)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    // A command that reads nothing may have ended before.
    child.stdin.take().expect("piped").write_all(input.as_bytes()).unwrap_or_default();
    child.wait_with_output().expect("the program ends")
}

fn ok(data: &Path, args: &[&str], input: &str) -> String {
    let output = tallywatt(data, args, input);
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8").trim().to_owned()
}

fn tower() -> SiteId {
    SiteId::try_new("tower").expect("an id")
}

/// Whether any file of the folder has the text in it.
fn on_disk(folder: &Path, text: &str) -> bool {
    fs::read_dir(folder).expect("a folder").any(|entry| {
        let bytes = fs::read(entry.expect("an entry").path()).expect("a file");
        bytes.windows(text.len()).any(|window| window == text.as_bytes())
    })
}

#[test]
fn the_command_makes_users_and_secrets_work_once_said() {
    let folder = TempDir::new().expect("a folder");
    let data = folder.path().join("data");
    ok(&data, &["add", "m.roe", "--role", "manager", "--site", "tower"], "");
    ok(&data, &["password", "m.roe"], "a fine password\n");
    let drawn = {
        ok(&data, &["add", "boss", "--role", "operator"], "");
        ok(&data, &["password", "boss", "--draw"], "")
    };
    let link = ok(&data, &["link", "m.roe", "--hours", "1"], "");
    let token = ok(&data, &["token", "m.roe", "--name", "nightly", "--role", "auditor"], "");

    // Held open: the write-ahead log is on the disk, too, while the bytes are looked at.
    let identity = Identity::open(&data.join("identity.db"), SystemClock).expect("the same file");
    let session = identity.sign_in("m.roe", "a fine password", HOME).expect("right");
    identity.sign_in("boss", &drawn, HOME).expect("right");
    for (what, secret) in [
        ("password", "a fine password"),
        ("drawn", &drawn),
        ("link", &link),
        ("token", &token),
        ("cookie", session.cookie.expose()),
        ("csrf", &session.session.csrf()),
    ] {
        assert!(secret.len() >= 15 && !on_disk(&data, secret), "{what} is on the disk");
        assert!(!on_disk(&data, secret.trim_start_matches("tws_").trim_start_matches("twt_")), "{what}");
    }
    assert!(on_disk(&data, "m.roe"), "the scan finds what is there");
    assert!(!format!("{session:?}").contains(session.cookie.expose()));
    assert!(identity.token(&token).expect("readable").is_some());
    assert!(identity.link_redeem(&link, HOME).is_ok() && identity.link_redeem(&link, HOME).is_err());

    ok(&data, &["revoke", "m.roe", "--token", "nightly"], "");
    assert!(identity.token(&token).expect("readable").is_none());
    ok(&data, &["revoke", "m.roe", "--all"], "");
    assert!(identity.session(session.cookie.expose()).expect("readable").is_none());
    let list = ok(&data, &["list"], "");
    assert!(list.lines().any(|line| line.contains("m.roe") && line.contains("shut out")), "{list}");
}

#[test]
fn wrong_commands_say_what_mends_them() {
    let folder = TempDir::new().expect("a folder");
    let bad = |args: &[&str], input: &str| {
        let output = tallywatt(folder.path(), args, input);
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        String::from_utf8(output.stderr).expect("UTF-8")
    };
    assert!(bad(&["password", "nobody"], "long enough\n").contains("there is no user nobody"));
    assert!(bad(&["add", "t", "--role", "tenant", "--site", "tower"], "").contains("grants of accounts"));
    assert!(bad(&["add", "t", "--role", "king"], "").contains("king is no role"));
    ok(folder.path(), &["add", "t", "--role", "tenant"], "");
    assert!(bad(&["password", "t"], "short\n").contains("10 to 1024"));
    assert!(bad(&["grant", "t"], "").contains("add --site"));
}

#[cfg(unix)]
#[test]
fn only_its_owner_reads_the_file() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = TempDir::new().expect("a folder");
    let path = folder.path().join("identity.db");
    fs::write(&path, "").expect("a file");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("it is ours");
    let identity = Identity::open(&path, SystemClock).expect("an empty file is made");
    identity.user_add("o", Role::Operator, &[], "test").expect("new");
    for entry in fs::read_dir(folder.path()).expect("a folder") {
        let entry = entry.expect("an entry");
        assert_eq!(entry.metadata().expect("there").permissions().mode() & 0o777, 0o600, "{:?}", entry.path());
    }
}

/// Pain 25: SparkMeter's API has one key that does everything at every site.
#[test]
fn pain_25_an_auditors_key_writes_nothing() {
    let folder = TempDir::new().expect("a folder");
    let clock = GivenClock::new(Instant::new(1_000_000));
    let identity = Identity::open(&folder.path().join("identity.db"), clock).expect("a file");
    let grant = Grant { site: tower(), account: None };
    identity.user_add("auditor", Role::Auditor, std::slice::from_ref(&grant), "test").expect("new");
    identity.user_add("clerk", Role::Manager, &[grant], "test").expect("new");
    let key = |user: &str, role, read_only| {
        let (name, expires) = (format!("{role}-{read_only}"), Instant::new(1_000_100));
        let new = NewToken { name, role, within: None, read_only, expires };
        let secret = identity.token_create(user, &new, "test").expect("no wider than its user");
        identity.token(secret.expose()).expect("readable").expect("in force")
    };
    let keys =
        [key("auditor", Role::Auditor, false), key("clerk", Role::Auditor, false), key("clerk", Role::Manager, true)];
    for actor in keys {
        for permission in Permission::all().filter(|permission| permission.writes()) {
            assert!(actor.may(permission, &tower(), None).is_err(), "{actor:?} {permission:?}");
        }
        assert_eq!(actor.may(Permission::ReadAudit, &tower(), None), Ok(()));
        let other = SiteId::try_new("other").expect("an id");
        assert!(matches!(actor.may(Permission::ReadAudit, &other, None), Err(Denied::Unseen { .. })));
    }
    let clerk = key("clerk", Role::Manager, false);
    assert_eq!(clerk.may(Permission::MoveMoney, &tower(), None), Ok(()));
    assert!(matches!(clerk.may_approve(&tower(), "Clerk"), Err(Denied::OwnProposal { .. })));
}

/// Unknown names take the same work as known ones, and a lock-out takes none.
#[test]
fn an_unknown_name_is_hashed_like_a_wrong_password() {
    let folder = TempDir::new().expect("a folder");
    let identity = Identity::open(&folder.path().join("identity.db"), SystemClock).expect("a file");
    identity.user_add("known", Role::Operator, &[], "test").expect("new");
    identity.user_add("passwordless", Role::Operator, &[], "test").expect("new");
    identity.user_add("shut", Role::Tenant, &[], "test").expect("new");
    for user in ["known", "shut"] {
        identity.password_set(user, "a fine password", "test").expect("long enough");
    }
    identity.disable("shut", true, "test").expect("no operator");
    for name in ["known", "unknown", "passwordless", "shut", "No Name!"] {
        let before = identity.hashes();
        let password = if name == "shut" { "a fine password" } else { "a wrong password" };
        assert!(matches!(identity.sign_in(name, password, HOME), Err(SignInError::Refused)), "{name}");
        assert_eq!(identity.hashes() - before, 1, "{name}");
    }
    for _ in 0..4 {
        assert!(matches!(identity.sign_in("known", "a wrong password", HOME), Err(SignInError::Refused)));
    }
    let before = identity.hashes();
    assert!(matches!(identity.sign_in("known", "a fine password", HOME), Err(SignInError::LockedOut { .. })));
    assert_eq!(identity.hashes(), before);
}
