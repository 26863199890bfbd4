//! Users of a site, on its pages: what a manager may do, and what is not his to see or change.

use adapters::clock::{Clock as _, SystemClock};
use anyhow::{Context as _, Result, ensure};
use domain::event::{AccountId, SiteId};
use domain::quantity::Instant;
use services::identity::{Grant, NewToken, Role, SignedIn};
use services::query;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use tests::http::{self, Answer};
use tests::instance::{Instance, id};
use tests::portal_site::{self, PASSWORD as LONG, SITE};

const PASSWORD: &str = "correct horse battery";
const HOME: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

fn grant(site: &str, account: Option<&str>) -> Grant {
    let account = account.and_then(|plain| AccountId::try_new(&id(site, plain)));
    Grant { site: SiteId::try_new(site).expect("an id"), account }
}

/// Three sites with a manager each of berlin and tokyo, and tenants of one, the other and both.
struct World {
    instance: Instance,
    at: SocketAddr,
}

impl World {
    fn new() -> Result<Self> {
        let instance = Instance::start_with("requests_per_s = 1000000");
        let identity = &instance.server.app.identity;
        let users = [
            ("mia", Role::Manager, vec![grant("berlin", None)]),
            ("moe", Role::Manager, vec![grant("berlin", None), grant("kuwait", None)]),
            ("ken", Role::Manager, vec![grant("tokyo", None)]),
            ("tom", Role::Auditor, vec![grant("berlin", None)]),
            ("ada", Role::Tenant, vec![grant("berlin", Some("A-1"))]),
            ("hana", Role::Tenant, vec![grant("tokyo", Some("A-1"))]),
            ("both", Role::Tenant, vec![grant("berlin", Some("A-2")), grant("tokyo", Some("A-2"))]),
            ("root", Role::Operator, vec![]),
        ];
        for (name, role, grants) in users {
            identity.user_add(name, role, &grants, "test")?;
            identity.password_set(name, PASSWORD, "test")?;
        }
        let at = instance.server.http;
        Ok(Self { instance, at })
    }

    fn enter(&self, name: &str) -> Result<Visitor<'_>> {
        let entered = self.instance.server.app.identity.sign_in(name, PASSWORD, HOME)?;
        Ok(Visitor { world: self, entered })
    }
}

struct Visitor<'w> {
    world: &'w World,
    entered: SignedIn,
}

impl Visitor<'_> {
    fn read(&self, path: &str) -> Result<Answer> {
        http::page(self.world.at, path, self.entered.cookie.expose())
    }

    /// Sends a form to a site's users, or to one of them.
    fn send(&self, path: &str, act: &str, more: &[(&str, &str)]) -> Result<Answer> {
        let csrf = self.entered.session.csrf();
        let fields = [&[("csrf", csrf.as_str()), ("key", "k"), ("act", act)], more].concat();
        http::submit(self.world.at, path, self.entered.cookie.expose(), &fields)
    }
}

/// What a page says became of a form, or its status where it is no such page.
fn said(answer: &Answer) -> String {
    let found = answer.body.split_once("id=\"said\">").and_then(|(_, rest)| rest.split_once("</p>"));
    found.map_or_else(|| answer.status.to_string(), |(text, _)| text.to_owned())
}

/// The text between two others.
fn between<'t>(text: &'t str, from: &str, to: &str) -> Result<&'t str> {
    let (_, rest) = text.split_once(from).with_context(|| format!("{from} in {text}"))?;
    Ok(rest.split_once(to).context("an end")?.0)
}

const BERLIN: &str = "/site/berlin/users";

#[test]
fn what_is_of_another_site_is_not_seen_and_not_changed() -> Result<()> {
    let world = World::new()?;
    let identity = &world.instance.server.app.identity;
    let mia = world.enter("mia")?;
    let list = mia.read(BERLIN)?;
    ensure!(list.status == 200 && list.body.contains(">ada<") && list.body.contains(">both<"), "{}", list.body);
    for foreign in ["hana", ">ken<", "root", "tokyo", "kuwait"] {
        ensure!(!list.body.contains(foreign), "the list has {foreign}: {}", list.body);
    }
    // Of one who is at both sites too: what is here, and nothing of there.
    let both = mia.read("/site/berlin/users/both")?;
    ensure!(both.status == 200 && both.body.contains("berlin-A-2") && !both.body.contains("tokyo"), "{}", both.body);

    let before = identity.users()?;
    let sessions = world.enter("hana")?;
    // A user of another site is answered to the byte as one who was never there.
    for act in
        ["disable", "enable", "unlock", "end-sessions", "sign-in-link", "token", "link-account", "unlink-account"]
    {
        let more = [("account", "berlin-A-1"), ("name", "t"), ("hours", "24"), ("days", "7")];
        for name in ["hana", "ken", "root"] {
            let there = mia.send(&format!("{BERLIN}/{name}"), act, &more)?;
            let none = mia.send(&format!("{BERLIN}/nobody"), act, &more)?;
            ensure!(there.status == 404, "{act} {name}: {}", there.status);
            assert_eq!(there.body.replace(name, ""), none.body.replace("nobody", ""), "{act} {name}");
            ensure!(mia.send(&format!("/site/tokyo/users/{name}"), act, &more)?.status == 404, "{act} {name} at tokyo");
        }
        // Who is elsewhere too would take along what is there.
        if !matches!(act, "link-account" | "unlink-account") {
            let refused = mia.send("/site/berlin/users/both", act, &more)?;
            ensure!(said(&refused) == "This site has no such user.", "{act}: {}", said(&refused));
        }
        // Nor does a manager change managers and auditors, or himself.
        if act != "end-sessions" && act != "token" {
            let own = mia.send(&format!("{BERLIN}/mia"), act, &more)?;
            ensure!(said(&own).contains("You cannot do this to yourself"), "{act}: {}", said(&own));
        }
        let auditor = mia.send(&format!("{BERLIN}/tom"), act, &more)?;
        ensure!(said(&auditor).contains("Your role does not include this"), "{act}: {}", said(&auditor));
    }
    let own = mia.send(&format!("{BERLIN}/mia"), "leave-site", &[])?;
    ensure!(said(&own).contains("You cannot do this to yourself"), "{}", said(&own));
    assert_eq!(before, identity.users()?, "nobody was changed");
    ensure!(sessions.read("/")?.status == 303, "hana is still signed in");

    // Accounts of this site alone are linked and unlinked, and the last one stays.
    let link = mia.send("/site/berlin/users/both", "link-account", &[("account", "tokyo-A-1")])?;
    ensure!(said(&link).contains("no such account"), "{}", said(&link));
    ensure!(
        said(&mia.send("/site/berlin/users/ada", "unlink-account", &[("account", "berlin-A-1")])?)
            .contains("only account")
    );
    let unlinked = mia.send("/site/berlin/users/both", "unlink-account", &[("account", "berlin-A-2")])?;
    ensure!(unlinked.status == 303, "{}: who has nothing here any more is not shown here", unlinked.status);
    assert_eq!(identity.user("both")?.grants, vec![grant("tokyo", Some("A-2"))]);
    ensure!(mia.read("/site/berlin/users/both")?.status == 404);
    // And is not brought back by whoever knows the name.
    ensure!(mia.send("/site/berlin/users/both", "link-account", &[("account", "berlin-A-2")])?.status == 404);
    Ok(())
}

#[test]
fn nobody_gives_more_than_he_has() -> Result<()> {
    let world = World::new()?;
    let identity = &world.instance.server.app.identity;
    let mia = world.enter("mia")?;
    for role in ["operator", "manager", "auditor", "finance", "king"] {
        let answer = mia.send(BERLIN, "add", &[("name", "new"), ("role", role), ("account", "berlin-A-1")])?;
        ensure!(said(&answer).contains("Your role does not include this"), "{role}: {}", said(&answer));
    }
    for account in ["tokyo-A-1", "none", ""] {
        let answer = mia.send(BERLIN, "add", &[("name", "new"), ("account", account)])?;
        ensure!(said(&answer).contains("no such account"), "{account}: {}", said(&answer));
    }
    ensure!(mia.send("/site/tokyo/users", "add", &[("name", "new"), ("account", "tokyo-A-1")])?.status == 404);
    for name in ["hana", "root", "ada"] {
        let answer = mia.send(BERLIN, "add", &[("name", name), ("account", "berlin-A-1")])?;
        assert_eq!(said(&answer), "This name is taken. Choose another one.", "wherever the user is");
    }
    ensure!(identity.user("new").is_err());
    ensure!(mia.send(BERLIN, "add", &[("name", "new"), ("account", "berlin-A-1")])?.status == 200);
    assert_eq!(identity.user("new")?.grants, vec![grant("berlin", Some("A-1"))]);

    // His own token goes no further than this site, and no further than his role.
    let moe = world.enter("moe")?;
    let wide = [("name", "wide"), ("role", "operator"), ("access", "write"), ("days", "7")];
    ensure!(said(&moe.send(&format!("{BERLIN}/moe"), "token", &wide)?).contains("more than its user"));
    let fits = [("name", "nightly"), ("role", "auditor"), ("access", "write"), ("days", "7")];
    let made = moe.send(&format!("{BERLIN}/moe"), "token", &fits)?;
    let secret = format!("twt_{}", between(&made.body, "twt_", "<")?);
    let actor = identity.token(&secret)?.context("in force")?;
    assert_eq!((actor.role, actor.scope.grants()), (Role::Auditor, Some(vec![grant("berlin", None)])));
    // An operator makes users of every role of a site, and no operator.
    let root = world.enter("root")?;
    ensure!(said(&root.send(BERLIN, "add", &[("name", "op"), ("role", "operator")])?).contains("does not include"));
    ensure!(root.send(BERLIN, "add", &[("name", "fay"), ("role", "finance")])?.body.contains("fay is added"));
    assert_eq!(identity.user("fay")?.grants, vec![grant("berlin", None)]);
    // Who only reads, or is a tenant, has none of these pages.
    for (name, status) in [("tom", 403), ("ada", 404)] {
        let visitor = world.enter(name)?;
        assert_eq!(visitor.read(BERLIN)?.status, status, "{name}");
        assert_eq!(visitor.send(BERLIN, "add", &[("name", "x"), ("account", "berlin-A-1")])?.status, status, "{name}");
        assert_eq!(visitor.send(&format!("{BERLIN}/new"), "sign-in-link", &[])?.status, status, "{name}");
    }
    Ok(())
}

#[test]
fn a_secret_is_shown_once_and_the_trail_says_who_made_it() -> Result<()> {
    let world = World::new()?;
    let identity = &world.instance.server.app.identity;
    let mia = world.enter("mia")?;
    let page = format!("{BERLIN}/ada");
    let made = mia.send(&page, "sign-in-link", &[("hours", "72")])?;
    let address = between(&made.body, "http://", "<")?;
    let (host, secret) = address.split_once("/link/").context("a link")?;
    assert_eq!((host, made.headers["cache-control"].as_str()), (world.at.to_string().as_str(), "no-store"));
    let token = mia.send(&page, "token", &[("name", "meter"), ("days", "7"), ("account", "berlin-A-1")])?;
    let token = format!("twt_{}", between(&token.body, "twt_", "<")?);
    for path in [BERLIN, page.as_str()] {
        let body = mia.read(path)?.body;
        ensure!(!body.contains(secret) && !body.contains(&token), "{path} shows a secret again");
    }
    // A look at the link uses nothing up; the button does, and it works once.
    ensure!(http::ask(world.at, "GET", &format!("/link/{secret}"), &[])?.status == 200);
    let used = http::ask(world.at, "POST", &format!("/link/{secret}"), &[])?;
    ensure!(used.status == 303 && used.headers["set-cookie"].contains("tw_"), "{}", used.status);
    ensure!(http::ask(world.at, "POST", &format!("/link/{secret}"), &[])?.status == 401);
    let actor = identity.token(&token)?.context("in force")?;
    ensure!(actor.read_only && actor.user == "ada", "{actor:?}");
    mia.send(&page, "revoke-token", &[("token", "meter")])?;
    ensure!(identity.token(&token)?.is_none(), "revoked");

    // Shut out, nothing that was open works; let in, the password does.
    let ada = world.enter("ada")?;
    ensure!(ada.read("/site/berlin/account/berlin-A-1")?.status == 200);
    mia.send(&page, "end-sessions", &[])?;
    ensure!(ada.read("/site/berlin/account/berlin-A-1")?.status == 303, "its session is ended");
    mia.send(&page, "disable", &[])?;
    ensure!(world.enter("ada").is_err(), "shut out");
    ensure!(mia.read(BERLIN)?.body.contains("shut out"));
    mia.send(&page, "enable", &[])?;
    for _ in 0..6 {
        ensure!(identity.sign_in("ada", "wrong wrong", HOME).is_err());
    }
    ensure!(mia.read(&page)?.body.contains("locked out until") && world.enter("ada").is_err());
    mia.send(&page, "unlock", &[])?;
    world.enter("ada")?;

    // Each change has its row, with who did it; and no row has a secret.
    let trail = identity.trail(100)?;
    let of: Vec<String> = trail.iter().filter(|row| row.user == "ada").map(|row| row.detail.clone()).collect();
    for detail in ["by mia", "by mia: meter tenant", "by mia: meter", "by mia: everywhere", "by mia: shut out"] {
        ensure!(of.iter().any(|one| one == detail), "{detail}: {of:?}");
    }
    ensure!(of.iter().any(|one| one == "by mia: let in") && of.iter().any(|one| one == "by mia: unlocked"), "{of:?}");
    let shown = mia.read(&page)?.body;
    for text in ["sign-in link made", "token meter revoked", "all sessions ended", "let in again", "unlocked"] {
        ensure!(shown.contains(text), "{text}: {shown}");
    }
    ensure!(!format!("{trail:?}").contains(secret) && !format!("{trail:?}").contains(&token[4..]));
    Ok(())
}

#[test]
fn of_who_was_elsewhere_the_trail_says_only_what_is_of_here() -> Result<()> {
    let world = World::new()?;
    let identity = &world.instance.server.app.identity;
    // Hana moves from Tokyo to Berlin.
    identity.grant("hana", &grant("berlin", Some("A-2")), "test")?;
    let expires = SystemClock.now().plus(3600);
    let new = NewToken { name: "noren".to_owned(), role: Role::Tenant, within: None, read_only: true, expires };
    let ken = world.enter("ken")?;
    ensure!(said(&ken.send("/site/tokyo/users/hana", "sign-in-link", &[])?) == "This site has no such user.");
    identity.token_create("hana", &new, "test")?;
    identity.revoke("hana", &grant("tokyo", Some("A-1")), "test")?;
    let mia = world.enter("mia")?;
    let page = mia.read("/site/berlin/users/hana")?.body;
    ensure!(page.contains("linked berlin-A-2") && !page.contains("tokyo"), "{page}");
    ensure!(!between(&page, "id=\"trail\"", "</table>")?.contains("noren"), "{page}");
    Ok(())
}

#[test]
fn a_manager_of_several_sites_sees_how_each_stands() -> Result<()> {
    let world = World::new()?;
    let moe = world.enter("moe")?;
    let well = moe.read("/")?;
    ensure!(well.status == 200 && well.body.contains("href=\"/site/berlin\""), "{}", well.body);
    ensure!(well.body.contains("href=\"/site/kuwait\"") && !well.body.contains("tokyo"), "{}", well.body);
    // Two days later no meter was heard of; what lasts from one look to the next is an alarm.
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    for later in ["2026-04-12T09:00:00Z", "2026-04-12T12:00:00Z", "2026-04-12T15:00:00Z"] {
        let later = Instant::parse(later)?;
        world.instance.clock.set(later);
        for name in ["berlin", "kuwait"] {
            let desk = &world.instance.server.app.site(name).context("served")?.desk;
            runtime.block_on(async { desk.watch().wait_for(|moment| moment.live_at.1 >= later).await.map(|_| ()) })?;
        }
    }
    for name in ["berlin", "kuwait"] {
        let desk = &world.instance.server.app.site(name).context("served")?.desk;
        let alarms = runtime.block_on(desk.read(|turn| turn.owner.alarms().open().count()))?;
        let moment = desk.moment();
        let silent = query::points(&moment).iter().filter(|point| point.silent).count();
        let low = query::accounts(&moment).iter().filter(|one| one.low && !one.units.is_empty()).count();
        ensure!(silent == 3 && alarms > 0, "{name}: {silent} silent, {alarms} alarms");
        let page = moe.read("/")?.body;
        let row = between(&page, &format!("href=\"/site/{name}\""), "</a>")?;
        let texts = [("Silent meters", silent), ("Open alarms", alarms), ("Low balances", low)];
        for (text, count) in texts {
            ensure!(count == 0 || row.contains(&format!("{text}: {count}<")), "{name} {text} {count}: {row}");
        }
        ensure!(!row.contains("All is well"), "{row}");
    }
    // A tenant of two sites chooses between accounts, each with its balance; who has one place goes there.
    let both = world.enter("both")?.read("/")?.body;
    ensure!(both.contains("berlin-A-2") && both.contains("tokyo-A-2") && both.contains("€"), "{both}");
    ensure!(world.enter("mia")?.read("/")?.status == 303);

    portal_site::browse(world.at, "start.mjs", &["moe", PASSWORD])
}

#[test]
fn a_manager_looks_after_users_in_a_browser() {
    let portal = portal_site::start().expect("the service starts");
    portal_site::browse(portal.server.http, "users.mjs", &[SITE, LONG]).expect("the browser finds nothing wrong");
}
