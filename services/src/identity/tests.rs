//! What signing in, sessions, links and tokens promise.

use std::net::{IpAddr, Ipv4Addr};

use adapters::clock::GivenClock;
use domain::event::{AccountId, SiteId};
use domain::quantity::Instant;
use tempfile::TempDir;

use std::sync::atomic::AtomicU32;

use super::*;

const PASSWORD: &str = "correct horse";

struct World {
    folder: TempDir,
    clock: GivenClock,
    identity: Identity,
}

impl World {
    fn new() -> Self {
        let folder = TempDir::new().expect("a folder");
        let clock = GivenClock::new(Instant::new(1_000_000));
        let identity = Identity::open(&folder.path().join("identity.db"), clock.clone()).expect("a file");
        Self { folder, clock, identity }
    }

    fn after(&self, seconds: i64) {
        self.clock.set(Instant::new(Clock::now(&self.clock).get() + seconds));
    }
}

fn site(account: Option<&str>) -> Grant {
    Grant { site: SiteId::try_new("tower").expect("an id"), account: account.and_then(AccountId::try_new) }
}

fn from(last: u8) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(192, 0, 2, last))
}

#[test]
fn a_role_takes_only_grants_that_fit() {
    let world = World::new();
    let add = |name: &str, role, grants: &[Grant]| world.identity.user_add(name, role, grants, "test").map(|_| ());
    assert!(matches!(add("t", Role::Tenant, &[site(None)]), Err(IdentityError::BadGrant { role: Role::Tenant })));
    assert!(matches!(add("a", Role::Auditor, &[site(Some("a"))]), Err(IdentityError::BadGrant { .. })));
    assert!(matches!(add("o", Role::Operator, &[site(None)]), Err(IdentityError::BadGrant { .. })));
    assert!(matches!(add("No Name", Role::Operator, &[]), Err(IdentityError::BadName(_))));
    add("T.One", Role::Tenant, &[site(Some("a"))]).expect("it fits");
    assert!(matches!(add("t.one", Role::Tenant, &[]), Err(IdentityError::UserExists(_))));
}

#[test]
fn a_session_ends_when_idle_and_at_its_age() {
    let world = World::new();
    world.identity.user_add("m", Role::Manager, &[site(None)], "test").expect("new");
    world.identity.password_set("m", PASSWORD, "test").expect("long enough");
    let SignedIn { cookie, session } = world.identity.sign_in("M", PASSWORD, from(1)).expect("right");
    let open = || world.identity.session(cookie.expose()).expect("readable");
    assert_eq!(open().expect("open").actor, session.actor);
    for _ in 0..24 {
        world.after(1_799);
        let used = open().expect("used in time");
        assert!(used.accepts(&session.csrf()) && !used.accepts("x") && !used.accepts(""));
    }
    world.after(24);
    assert!(open().is_none(), "12 hours are over");

    let SignedIn { cookie, .. } = world.identity.sign_in("m", PASSWORD, from(1)).expect("right");
    world.after(1_800);
    assert!(world.identity.session(cookie.expose()).expect("readable").is_none(), "idle");
}

#[test]
fn a_csrf_token_is_of_its_session_only() {
    let world = World::new();
    world.identity.user_add("m", Role::Manager, &[site(None)], "test").expect("new");
    let open = || {
        let link = world.identity.link_create("m", 60, "test").expect("a link");
        world.identity.link_redeem(link.expose(), from(1)).expect("fresh")
    };
    let (one, other) = (open(), open());
    assert!(one.session.accepts(&one.session.csrf()) && !one.session.accepts(&other.session.csrf()));
}

#[test]
fn changes_of_a_user_reach_open_sessions() {
    let world = World::new();
    let identity = &world.identity;
    identity.user_add("t", Role::Tenant, &[site(Some("a")), site(Some("b"))], "test").expect("new");
    let link = identity.link_create("t", 60, "test").expect("a link");
    let open = identity.link_redeem(link.expose(), from(1)).expect("fresh");
    let actor = || identity.session(open.cookie.expose()).expect("readable").map(|session| session.actor);
    let tower = site(None).site;
    let b = AccountId::try_new("b");
    assert!(actor().expect("open").may(Permission::ReadAccount, &tower, b.as_ref()).is_ok());
    identity.revoke("t", &site(Some("b")), "test").expect("there");
    assert!(actor().expect("open").may(Permission::ReadAccount, &tower, b.as_ref()).is_err());
    identity.password_set("t", PASSWORD, "test").expect("long enough");
    assert_eq!(actor(), None, "a new password ends what was open");
}

#[test]
fn a_link_works_once_and_in_time() {
    let world = World::new();
    let identity = &world.identity;
    identity.user_add("t", Role::Tenant, &[site(Some("a"))], "test").expect("new");
    let link = identity.link_create("t", 60, "test").expect("a link");
    identity.link_redeem(link.expose(), from(1)).expect("fresh");
    assert!(matches!(identity.link_redeem(link.expose(), from(1)), Err(SignInError::Refused)));
    let late = identity.link_create("t", 60, "test").expect("a link");
    world.after(60);
    assert!(matches!(identity.link_redeem(late.expose(), from(1)), Err(SignInError::Refused)));
    assert!(matches!(identity.link_redeem("", from(1)), Err(SignInError::Refused)));
    assert!(matches!(identity.link_create("t", 604_801, "test"), Err(IdentityError::BadExpiry { days: 7 })));
    let last = identity.link_create("t", 60, "test").expect("a link");
    identity.disable("t", true, "test").expect("no operator");
    assert!(matches!(identity.link_redeem(last.expose(), from(1)), Err(SignInError::Refused)));
}

#[test]
fn a_name_is_locked_out_and_waits_twice_as_long_each_time() {
    let world = World::new();
    let identity = &world.identity;
    identity.user_add("m", Role::Manager, &[site(None)], "test").expect("new");
    identity.password_set("m", PASSWORD, "test").expect("long enough");
    let try_it = |password: &str, address: u8| identity.sign_in("m", password, from(address)).map(|_| ());
    let until = |result: Result<(), SignInError>| match result {
        Err(SignInError::LockedOut { until }) => until.get() - Clock::now(&world.clock).get(),
        Err(_) | Ok(()) => 0,
    };
    for address in 1..=5 {
        assert!(matches!(try_it("wrong wrong", address), Err(SignInError::Refused)));
    }
    // From another address and with the right password, too.
    assert_eq!(until(try_it(PASSWORD, 99)), 30);
    world.after(30);
    assert!(matches!(try_it("wrong wrong", 6), Err(SignInError::Refused)));
    assert_eq!(until(try_it(PASSWORD, 7)), 60);
    world.after(60);
    try_it(PASSWORD, 7).expect("right, and no longer locked out");
    assert!(matches!(try_it("wrong wrong", 8), Err(SignInError::Refused)), "the failures are forgotten");
}

#[test]
fn an_address_is_locked_out_over_many_names() {
    let folder = TempDir::new().expect("a folder");
    let clock = GivenClock::new(Instant::new(1_000_000));
    let limits = Limits { failures_of_address: 3, ..Limits::default() };
    let identity = Identity::open_with(&folder.path().join("i.db"), clock, limits).expect("a file");
    let six = |last: u16| IpAddr::V6(std::net::Ipv6Addr::new(0x2001, 0xdb8, 0, 1, 0, 0, 0, last));
    for (name, last) in [("a", 1), ("b", 2), ("c", 3)] {
        assert!(matches!(identity.sign_in(name, "guess guess", six(last)), Err(SignInError::Refused)));
    }
    assert!(matches!(identity.sign_in("d", "guess guess", six(4)), Err(SignInError::LockedOut { .. })));
    assert!(matches!(identity.link_redeem("guess", six(5)), Err(SignInError::LockedOut { .. })));
    assert!(matches!(identity.sign_in("d", "guess guess", from(1)), Err(SignInError::Refused)), "another address");
    let trail = identity.trail(10).expect("readable");
    assert_eq!(trail.iter().filter(|row| row.kind == TrailKind::LockedOut).count(), 1, "noted once, not each time");
}

#[test]
fn guesses_at_the_same_time_are_counted() {
    let world = World::new();
    world.identity.user_add("m", Role::Manager, &[site(None)], "test").expect("new");
    let refused = AtomicU32::new(0);
    std::thread::scope(|scope| {
        for _ in 0..12 {
            scope.spawn(|| {
                if matches!(world.identity.sign_in("m", "guess guess", from(1)), Err(SignInError::Refused)) {
                    refused.fetch_add(1, Ordering::SeqCst);
                }
            });
        }
    });
    assert_eq!(refused.into_inner(), 5);
}

fn new_token(role: Role, within: Option<Grant>) -> NewToken {
    NewToken { name: "nightly".to_owned(), role, within, read_only: false, expires: Instant::new(1_086_400) }
}

#[test]
fn a_token_never_does_more_than_its_user() {
    let world = World::new();
    let identity = &world.identity;
    identity.user_add("m", Role::Manager, &[site(None)], "test").expect("new");
    identity.user_add("f", Role::Finance, &[site(None)], "test").expect("new");
    let wide = identity.token_create("f", &new_token(Role::Auditor, None), "test");
    assert!(matches!(wide, Err(IdentityError::TokenTooWide(_))));
    let elsewhere = Grant { site: SiteId::try_new("other").expect("an id"), account: None };
    assert!(identity.token_create("m", &new_token(Role::Manager, Some(elsewhere)), "test").is_err());

    let within = site(Some("a"));
    let secret = identity.token_create("m", &new_token(Role::Manager, Some(within)), "test").expect("narrower");
    let actor = identity.token(secret.expose()).expect("readable").expect("in force");
    let (a, b) = (AccountId::try_new("a"), AccountId::try_new("b"));
    let tower = site(None).site;
    assert!(actor.may(Permission::MoveMoney, &tower, a.as_ref()).is_ok());
    assert!(actor.may(Permission::MoveMoney, &tower, b.as_ref()).is_err());
    assert!(actor.may(Permission::ReadSite, &tower, None).is_err());
    identity.revoke("m", &site(None), "test").expect("there");
    let actor = identity.token(secret.expose()).expect("readable").expect("in force");
    assert!(actor.may(Permission::ReadAccount, &tower, a.as_ref()).is_err(), "its user lost the site");
}

#[test]
fn a_token_expires_and_is_revoked() {
    let world = World::new();
    let identity = &world.identity;
    identity.user_add("m", Role::Manager, &[site(None)], "test").expect("new");
    let secret = identity.token_create("m", &new_token(Role::Auditor, None), "test").expect("narrower");
    let again = identity.token_create("m", &new_token(Role::Auditor, None), "test");
    assert!(matches!(again, Err(IdentityError::TokenExists { .. })));
    let in_force = || identity.token(secret.expose()).expect("readable").is_some();
    assert!(in_force());
    world.after(86_399);
    assert!(in_force());
    world.after(1);
    assert!(!in_force());
    world.after(-1);
    identity.token_revoke("m", "nightly", "test").expect("there");
    assert!(!in_force());
    assert!(identity.tokens("m").expect("readable").first().is_some_and(|token| token.revoked.is_some()));
}

#[test]
fn the_last_operator_stays() {
    let world = World::new();
    let identity = &world.identity;
    identity.user_add("o", Role::Operator, &[], "test").expect("new");
    assert!(matches!(identity.disable("o", true, "test"), Err(IdentityError::LastOperator(_))));
    identity.user_add("p", Role::Operator, &[], "test").expect("new");
    identity.disable("o", true, "test").expect("another is there");
}

#[test]
fn another_programs_file_is_left_alone() {
    let world = World::new();
    let path = world.folder.path().join("other.db");
    let other = Connection::open(&path).expect("a file");
    other.execute_batch("CREATE TABLE t (a)").expect("a table");
    assert!(matches!(Identity::open(&path, world.clock.clone()), Err(IdentityError::NotOurs)));
}
