//! InvoiceShelf/InvoiceShelf#762, akaunting/akaunting#1987 (PAINS 19), for pages: every route of the portal × role ×
//! foreign site, account and point, read and written: no foreign byte. Routes are found in the source, so that a new
//! one is walked without being listed; one that is of no site has to be in `OPEN`.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use anyhow::{Context as _, Result, ensure};
use domain::event::{
    AccountId, AlarmEvent, AlarmKind, AlarmRaised, AlarmSubject, Body, ChangeKind, ChangeProposed, DisputeOpened,
    EventId, MeterId, OutputState, PaymentKind, PointId, PointProtected, SiteId, SupplyEvent, SupplyPolicy,
    SupplyPolicyPublished, SupplyRequested,
};
use domain::quantity::Instant;
use domain::recharge::GatewayMessage;
use domain::supply::preset;
use serde_json::Value;
use services::identity::{Grant, Role};
use services::owner::Draft;
use services::recharge::receive;
use tests::http::{self, Answer};
use tests::instance::{Instance, NOW, SITES, id};
use tests::portal_forms::{Field, Form, forms, plain};
use tests::portal_routes::{Route, routes};

/// Routes of no site: what signs in and out, the first page (which shows what is granted), and files of the program.
const OPEN: [&str; 5] = ["/", "/assets/{hash}/{name}", "/link/{secret}", "/sign-in", "/sign-out"];
const PASSWORD: &str = "correct horse battery";

/// What stands for the names of a path. A new name needs a value here.
const VALUES: [(&str, &str); 4] =
    [("{month}", "2026-03"), ("{date}", "2026-03-05"), ("{line}", "1"), ("{user}", "tenant-visitor")];

/// A path with everything of it.
fn fill(route: &Route, site: &str, account: &str, point: &str) -> Result<String> {
    let mut path = route.path.replace("{site}", site).replace("{account}", account).replace("{point}", point);
    for (name, value) in VALUES {
        path = path.replace(name, value);
    }
    ensure!(!path.contains('{'), "{path}: say in VALUES what stands for its names");
    Ok(path)
}

/// Somebody who is signed in.
struct Visitor {
    cookie: String,
    csrf: String,
}

impl Visitor {
    fn new(instance: &Instance, role: Role) -> Result<Self> {
        let identity = &instance.server.app.identity;
        let account = (role == Role::Tenant).then(|| AccountId::try_new(&id("berlin", "A-1"))).flatten();
        let grant = Grant { site: SiteId::try_new("berlin").context("an id")?, account };
        let grants = if role == Role::Operator { vec![] } else { vec![grant] };
        let name = format!("{role}-visitor");
        identity.user_add(&name, role, &grants, "test")?;
        identity.password_set(&name, PASSWORD, "test")?;
        let entered = identity.sign_in(&name, PASSWORD, IpAddr::V4(Ipv4Addr::LOCALHOST))?;
        Ok(Self { csrf: entered.session.csrf(), cookie: entered.cookie.expose().to_owned() })
    }

    fn read(&self, at: SocketAddr, path: &str) -> Result<Answer> {
        if path.ends_with("/live") {
            // A stream does not end: its head says enough, and what is refused is no stream.
            let head = http::head_with(at, path, &[("cookie", &format!("tw_session={}", self.cookie))])?;
            if head.status == 200 {
                return Ok(head);
            }
        }
        http::page(at, path, &self.cookie)
    }

    /// Sends a form with its session's mark and every field that a form of the portal may have.
    fn write(&self, at: SocketAddr, path: &str, csrf: &str) -> Result<Answer> {
        let fields = [("csrf", csrf), ("key", "walk"), ("act", "walk"), ("reason", "walk")];
        http::submit(at, path, &self.cookie, &fields)
    }
}

/// Sites, accounts and points that are not the visitor's, at least one of each path.
fn foreign(role: Role) -> Vec<[String; 3]> {
    let of = |site: &str, account: String, point: String| [site.to_owned(), account, point];
    let own = |plain| id("berlin", plain);
    let mut all = vec![
        of("nowhere", id("nowhere", "A-1"), id("nowhere", "P-1")),
        of("berlin", id("tokyo", "A-1"), id("tokyo", "P-1")),
        of("berlin", own("A-1"), id("tokyo", "P-1")),
        of("berlin", own("A-1"), own("P-2")),
    ];
    if role != Role::Operator {
        all.push(of("tokyo", id("tokyo", "A-1"), id("tokyo", "P-1")));
        all.push(of("tokyo", own("A-1"), own("P-1")));
    }
    if role == Role::Tenant {
        all.push(of("berlin", own("A-2"), own("P-2")));
        all.push(of("berlin", own("A-2"), own("P-1")));
    }
    all
}

/// The events of all sites.
fn positions(instance: &Instance) -> Vec<u64> {
    let desks = instance.server.app.sites.values().map(|site| &site.desk);
    // A change that appends nothing is answered after a whole turn.
    desks.map(|desk| desk.change_blocking(|turn| Ok::<_, ()>(turn.owner.events())).unwrap_or_default()).collect()
}

fn at_sites() -> Result<Vec<Route>> {
    let (sites, open): (Vec<Route>, Vec<Route>) =
        routes()?.into_iter().partition(|route| route.path.starts_with("/site/{site}"));
    let open: Vec<&str> = open.iter().map(|route| route.path.as_str()).collect();
    ensure!(open == OPEN, "routes of no site: {open:?}; those that are known to show nothing of one: {OPEN:?}");
    ensure!(sites.len() >= 12, "the search finds the routes: {sites:?}");
    Ok(sites)
}

#[test]
fn what_is_foreign_is_not_there_on_any_page() -> Result<()> {
    let instance = Instance::start_with("requests_per_s = 1000000");
    let at = instance.server.http;
    let routes = at_sites()?;
    let before = positions(&instance);
    let mut walked = 0;
    for role in Role::ALL {
        let visitor = Visitor::new(&instance, role)?;
        for route in &routes {
            let own = fill(route, "berlin", &id("berlin", "A-1"), &id("berlin", "P-1"))?;
            let missing = fill(route, "nowhere", &id("nowhere", "A-1"), &id("nowhere", "P-1"))?;
            for [site, account, point] in foreign(role) {
                let there = fill(route, &site, &account, &point)?;
                if there == own {
                    continue;
                }
                walked += 1;
                if route.get {
                    let (answer, none) = (visitor.read(at, &there)?, visitor.read(at, &missing)?);
                    ensure!(answer.status == 404, "{role} GET {there}: {}: {}", answer.status, answer.body);
                    // To the byte what is said of what was never there, but for the address that was asked for.
                    let same = answer.body.replace(&there, "") == none.body.replace(&missing, "");
                    ensure!(same, "{role} GET {there}: {}", answer.body);
                }
                if route.post {
                    let (answer, none) =
                        (visitor.write(at, &there, &visitor.csrf)?, visitor.write(at, &missing, &visitor.csrf)?);
                    let refused = matches!(answer.status, 403 | 404);
                    ensure!(refused, "{role} POST {there}: {}: {}", answer.status, answer.body);
                    let same = answer.body.replace(&there, "") == none.body.replace(&missing, "");
                    ensure!(same || answer.status == 403, "{role} POST {there}: {}", answer.body);
                    ensure!(!answer.body.replace(&there, "").contains("tokyo"), "{role} POST {there}: {}", answer.body);
                }
            }
            // A form of another page than the session's own is no form.
            if route.post {
                let answer = visitor.write(at, &own, "forged")?;
                ensure!(matches!(answer.status, 403 | 404), "{role} POST {own}: {}: {}", answer.status, answer.body);
            }
        }
    }
    ensure!(walked > 200, "only {walked} were walked");
    assert_eq!(before, positions(&instance), "nothing was written down");
    Ok(())
}

/// Every figure of an account in the JSON that its people may read.
fn figures(at: SocketAddr, token: &str, account: &str) -> Result<BTreeSet<String>> {
    fn texts(value: &Value, into: &mut BTreeSet<String>) {
        match value {
            Value::Object(fields) => {
                let text = fields.get("text").and_then(Value::as_str);
                // Short ones are alike by chance.
                into.extend(text.filter(|text| text.len() >= 5).map(ToOwned::to_owned));
                fields.values().for_each(|value| texts(value, into));
            }
            Value::Array(values) => values.iter().for_each(|value| texts(value, into)),
            _ => {}
        }
    }
    let mut found = BTreeSet::new();
    for path in ["balance", "bills", "bills/2026-03"] {
        let answer = http::get(at, &format!("/api/v1/sites/berlin/accounts/{account}/{path}"), token)?;
        ensure!(answer.status == 200, "{path}: {}", answer.body);
        texts(&answer.json()?, &mut found);
    }
    Ok(found)
}

#[test]
fn no_page_of_ones_own_has_a_foreign_byte() -> Result<()> {
    let instance = Instance::start_with("requests_per_s = 1000000");
    let at = instance.server.http;
    let token = instance.token(Role::Manager, "berlin", true);
    let (own, neighbour) = (figures(at, &token, &id("berlin", "A-1"))?, figures(at, &token, &id("berlin", "A-2"))?);
    let theirs: Vec<&String> = neighbour.difference(&own).collect();
    ensure!(theirs.len() > 5, "the neighbour has figures: {theirs:?}");
    let mut unseen: BTreeSet<String> = at_sites()?.into_iter().filter(|one| one.get).map(|one| one.path).collect();
    for role in Role::ALL {
        let visitor = Visitor::new(&instance, role)?;
        for route in at_sites()?.iter().filter(|route| route.get) {
            let here = fill(route, "berlin", &id("berlin", "A-1"), &id("berlin", "P-1"))?;
            let answer = visitor.read(at, &here)?;
            let wide = !route.path.contains("{account}");
            let allowed: &[u16] = match role {
                Role::Tenant if wide => &[404],
                Role::Tenant => &[200, 303],
                Role::Manager | Role::Auditor | Role::Finance | Role::Operator => &[200, 303, 403],
            };
            ensure!(allowed.contains(&answer.status), "{role} {here}: {}: {}", answer.status, answer.body);
            if answer.status != 403 && answer.status != 404 {
                unseen.remove(&route.path);
            }
            let body = answer.body.replace(',', "");
            let sites = ["tokyo", "kuwait", "JPY", "KWD"].into_iter().find(|text| body.contains(text));
            ensure!(role == Role::Operator || sites.is_none(), "{role} {here} has {sites:?}: {}", answer.body);
            if role == Role::Tenant {
                let ids = ["A-2", "U-2", "M-2", "P-2", "R-2"].map(|plain| id("berlin", plain));
                let found = ids.iter().chain(theirs.iter().copied()).find(|text| body.contains(*text));
                ensure!(found.is_none(), "{here} has the neighbour's {found:?}: {}", answer.body);
            }
        }
    }
    ensure!(unseen.is_empty(), "nobody is shown {unseen:?}, so that nothing was looked at there");
    Ok(())
}

#[test]
fn who_is_not_signed_in_is_shown_nothing() -> Result<()> {
    let instance = Instance::start_with("requests_per_s = 1000000");
    let at = instance.server.http;
    for route in at_sites()? {
        let here = fill(&route, "berlin", &id("berlin", "A-1"), &id("berlin", "P-1"))?;
        for method in ["GET", "POST"].into_iter().filter(|one| if *one == "GET" { route.get } else { route.post }) {
            let answer = http::ask(at, method, &here, &[("cookie", "tw_session=no")])?;
            ensure!(matches!(answer.status, 303 | 401), "{method} {here}: {}: {}", answer.status, answer.body);
            ensure!(!answer.body.contains("berlin"), "{method} {here}: {}", answer.body);
        }
    }
    Ok(())
}

/// What there is to decide at a site: rules of supply, a request, an alarm, money in suspense and a proposal.
fn busy(instance: &Instance, site: &str) -> Result<()> {
    let point = PointId::try_new(&id(site, "P-1")).context("an id")?;
    let (by, reason) = ("someone".to_owned(), "walk".to_owned());
    let policy = SupplyPolicy { persons: 2, ..preset("uk-prepay").context("shipped")?.policy() };
    let published = SupplyPolicyPublished { by: by.clone(), policy, preset: None, version: 1 };
    let to = OutputState::Disconnected;
    let (author, account) = (by.clone(), AccountId::try_new(&id(site, "A-1")).context("an id")?);
    let asked = SupplyRequested { by: by.clone(), point, reason: reason.clone(), request: 1, to };
    let far = PointId::try_new(&id(site, "P-2")).context("an id")?;
    let second = AccountId::try_new(&id(site, "A-2")).context("an id")?;
    let (about, facts) = (vec![format!("account/{account}")], Vec::new());
    let kind = ChangeKind::Correct;
    let proposed = ChangeProposed { about, author, facts, kind, reason: reason.clone(), reverses: None };
    let alarm = AlarmRaised {
        episode: 1,
        figures: BTreeMap::new(),
        kind: AlarmKind::RelayWelded,
        level: 1,
        limit: 1,
        policy: 0,
        since: Instant::parse(NOW)?,
        subject: AlarmSubject::Meter(MeterId::try_new(&id(site, "M-1")).context("an id")?),
    };
    let currency = SITES.iter().find(|(name, ..)| *name == site).context("a site")?.2.to_owned();
    let message = GatewayMessage {
        gateway: "stripe".to_owned(),
        kind: PaymentKind::Captured,
        payment: id(site, "pi-1"),
        movement: id(site, "pi-1"),
        account: "nobody".to_owned(),
        amount_minor: 4_711,
        currency,
        time: Instant::parse(NOW)?,
    };
    let bodies: Vec<Body> = vec![
        SupplyEvent::SupplyPolicyPublished(published).into(),
        SupplyEvent::SupplyRequested(asked).into(),
        SupplyEvent::DisputeOpened(DisputeOpened { account: second, by: by.clone(), reason: reason.clone() }).into(),
        SupplyEvent::PointProtected(PointProtected { by, point: far, reason }).into(),
        AlarmEvent::AlarmRaised(alarm).into(),
        Body::ChangeProposed(proposed),
    ];
    let site = site.to_owned();
    let desk = &instance.server.app.site(&site).context("the site")?.desk;
    let said = desk.change_blocking(move |turn| {
        for body in bodies {
            let (time, received) = (turn.now, turn.now);
            let id = EventId::derive(&[site.as_bytes(), body.type_name().as_bytes()]);
            let draft = Draft { id, time, received, actor: "someone".to_owned(), body };
            turn.owner.append(draft).map_err(|error| error.to_string())?;
        }
        receive(turn.owner, turn.now, "stripe", &message).map(|_| ()).map_err(|error| error.to_string())
    });
    said.map_err(|error| anyhow::anyhow!("{error}"))
}

/// The same of a foreign site; none where a value says nothing of a site.
fn foreign_value(field: &Field) -> Option<String> {
    let proposal = |site: &str| EventId::derive(&[site.as_bytes(), b"change.proposed.v1"]).to_string();
    if field.value == proposal("berlin") {
        return Some(proposal("tokyo"));
    }
    if field.value.contains("berlin") {
        return Some(field.value.replace("berlin", "tokyo"));
    }
    // What a person writes: by the field's name, or in tables.
    let plain = match field.name.as_str() {
        "account" => "A-1",
        "meter" => "M-1",
        "point" => "P-1",
        "unit" => "U-1",
        "pool" => "L-1",
        "user" => "someone",
        "text" => {
            let of = |plain| id("tokyo", plain);
            return Some(format!(
                "[[lease]]\naccount = \"{}\"\nunit = \"{}\"\nfrom = 2026-04-01T00:00:00Z\n",
                of("A-1"),
                of("U-1")
            ));
        }
        _ => return None,
    };
    Some(id("tokyo", plain))
}

/// A form with its session's mark, a key of its own, and something in every field that a person fills.
fn filled(form: &Form, csrf: &str, key: &str) -> Vec<(String, String)> {
    let value = |field: &Field| match field.name.as_str() {
        "csrf" => csrf.to_owned(),
        "key" => key.to_owned(),
        "amount" => "1.00".to_owned(),
        "time" => "2026-04-09T09:00:00Z".to_owned(),
        "day" | "from" | "until" => "2026-04-10".to_owned(),
        _ if field.is_shown && field.value.is_empty() => "walk".to_owned(),
        _ => field.value.clone(),
    };
    form.fields.iter().map(|field| (field.name.clone(), value(field))).collect()
}

#[test]
fn no_form_of_ones_own_page_reaches_what_is_foreign() -> Result<()> {
    let instance = Instance::start_with("requests_per_s = 1000000");
    let at = instance.server.http;
    busy(&instance, "berlin")?;
    busy(&instance, "tokyo")?;
    let mut walk = Walk { instance: &instance, acts: BTreeSet::new(), sent: 0 };
    for role in Role::ALL.into_iter().filter(|role| *role != Role::Operator) {
        let visitor = Visitor::new(&instance, role)?;
        for route in at_sites()?.iter().filter(|route| route.get) {
            let here = fill(route, "berlin", &id("berlin", "A-1"), &id("berlin", "P-1"))?;
            let page = visitor.read(at, &here)?;
            for form in forms(&here, &page.body)? {
                walk.swap(&visitor, &form)?;
                if form.act() == "try" {
                    // What is tried as it should be has a form that publishes it.
                    let tried = walk.send(&visitor, &form, &[])?;
                    let publish = forms(&here, &tried.body)?.into_iter().filter(|form| form.act() == "publish");
                    publish.collect::<Vec<_>>().iter().try_for_each(|form| walk.swap(&visitor, form))?;
                }
            }
        }
    }
    let Walk { acts, sent, .. } = walk;
    ensure!(acts.len() >= 14 && sent >= 25, "{sent} forms of {acts:?}: the walk finds what can be asked");
    Ok(())
}

/// Sends forms with what is foreign in them.
struct Walk<'a> {
    instance: &'a Instance,
    acts: BTreeSet<String>,
    sent: usize,
}

impl Walk<'_> {
    /// Sends a form with some fields' values replaced; nothing may change.
    fn send(&mut self, visitor: &Visitor, form: &Form, swapped: &[(usize, String)]) -> Result<Answer> {
        self.sent += 1;
        let mut fields = filled(form, &visitor.csrf, &format!("walk-{}", self.sent));
        for (at, value) in swapped {
            fields[*at].1.clone_from(value);
        }
        let before = positions(self.instance);
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, text)| (&**name, &**text)).collect();
        let answer = http::submit(self.instance.server.http, &form.action, &visitor.cookie, &fields)?;
        let what = format!("POST {} {fields:?}", form.action);
        assert_eq!(before, positions(self.instance), "{what} changed something: {}", answer.body);
        ensure!(answer.status < 500, "{what}: {}", answer.body);
        // What was written into the form may stand there again, and nothing else of the other site.
        let mut body = plain(&answer.body);
        for part in swapped.iter().flat_map(|(_, value)| value.split(['/', '"', ':', '\n'])) {
            body = if part.contains("tokyo") { body.replace(part, "") } else { body };
        }
        // Money of Tokyo has no decimals, so that 4711 is not Berlin's 47.11.
        let found = ["tokyo", "kuwait", "JPY", "KWD", "4711"].into_iter().find(|text| body.contains(text));
        ensure!(found.is_none(), "{what} shows {found:?}: {}", answer.body);
        Ok(answer)
    }

    /// Sends a form with what is foreign in each field alone, and in all of them.
    fn swap(&mut self, visitor: &Visitor, form: &Form) -> Result<()> {
        let fields = form.fields.iter().enumerate();
        let of: Vec<(usize, String)> = fields.filter_map(|(at, field)| Some((at, foreign_value(field)?))).collect();
        let alone = of.iter().map(|one| vec![one.clone()]);
        for swapped in alone.chain((of.len() > 1).then(|| of.clone())) {
            self.send(visitor, form, &swapped)?;
            self.acts.insert(form.act().to_owned());
        }
        Ok(())
    }
}
