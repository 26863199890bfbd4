//! One user of a site: what may be seen, a link that signs in, tokens, and whether to let in at all.

use axum::Form as Sent;
use axum::extract::Path;
use axum::http::header::HOST;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use domain::event::{AccountId, SiteId};
use domain::premises::Premises;
use domain::quantity::Instant;

use super::users::{changes, fault_of, places, refused, say_role, state};
use crate::identity::{Care, Grant, IdentityError, Member, NewToken, Permission, Role, Secret, Token, Trail};
use crate::portal::act::{self, Given};
use crate::portal::error::Fault;
use crate::portal::page::page as answer;
use crate::portal::sheet::{Card, Field, Form, Item, Kind, Said, Sheet, stamp};
use crate::portal::site::{Spot, base, frame};
use crate::portal::visit::Visit;
use crate::portal::words::Language;
use crate::query::{self, Show};
use crate::serve::ServedSite;

/// How long a link may work, in hours.
const HOURS: [i64; 3] = [24, 72, 168];
/// How long a token may work, in days.
const DAYS: [i64; 4] = [90, 7, 30, 365];
/// So many changes are listed.
const CHANGES: usize = 50;

/// What a form has led to: what is said, and a secret that is shown now and never again.
struct Outcome {
    said: Said,
    once: Option<Card>,
}

/// `GET …/users/{user}`
pub(super) async fn page(visit: Visit, Path((site, user)): Path<(String, String)>) -> Response {
    show(&visit, &site, &user, None).await
}

/// `POST …/users/{user}`
pub(super) async fn act(
    visit: Visit,
    Path((site, user)): Path<(String, String)>,
    headers: HeaderMap,
    Sent(given): Sent<Given>,
) -> Response {
    if let Err(fault) = visit.accepts(&given) {
        return visit.fault(fault);
    }
    let served = match visit.site(&site, Permission::InviteTenants) {
        Ok(served) => served,
        Err(fault) => return visit.fault(fault),
    };
    // Who is not of this site is not changed on its page, even by one who sees both.
    let (id, name) = (served.desk.site().clone(), user.clone());
    let member = match visit.identity(move |identity, actor| identity.member(actor, &id, &name)).await {
        Ok(Ok(member)) => member,
        Ok(Err(error)) => return visit.fault(fault_of(&error)),
        Err(fault) => return visit.fault(fault),
    };
    match carry_out(&visit, served, &member, &headers, &given).await {
        Ok(outcome) => show(&visit, &site, &user, Some(outcome)).await,
        Err(fault) => visit.fault(fault),
    }
}

async fn carry_out(
    visit: &Visit,
    served: &ServedSite,
    member: &Member,
    headers: &HeaderMap,
    given: &Given,
) -> Result<Outcome, Fault> {
    let (language, moment) = (visit.reader.language, served.desk.moment());
    let account = given.account(&moment.premises);
    let of = |account: Option<AccountId>| Grant { site: served.desk.site().clone(), account };
    let (name, act) = (member.name.clone(), given.text("act").to_owned());
    let made = match act.as_str() {
        "sign-in-link" => {
            let hours = HOURS.into_iter().find(|hours| hours.to_string() == given.text("hours")).unwrap_or(24);
            let made = visit.identity(move |identity, actor| {
                let link = identity.link_create(&name, hours.saturating_mul(3_600), actor)?;
                Ok((link, identity.now().plus(hours.saturating_mul(3_600))))
            });
            made.await?.map(|(link, until)| Some(link_card(&link, until, (visit, headers, &moment.premises))))
        }
        "token" => {
            let new = new_token(member, &served.desk.site().clone(), account, given);
            let made = visit.identity(move |identity, actor| {
                let days = new.1;
                let expires = identity.now().plus(days.saturating_mul(86_400));
                let new = NewToken { expires, ..new.0 };
                Ok((identity.token_create(&name, &new, actor)?, new))
            });
            made.await?.map(|(secret, new)| Some(token_card(&secret, &new, &moment.premises, language)))
        }
        "revoke-token" => {
            let token = given.text("token").to_owned();
            visit.identity(move |identity, actor| identity.token_revoke(&name, &token, actor)).await?.map(|()| None)
        }
        "link-account" | "unlink-account" => {
            let Some(account) = account else {
                let said = Said::refused(language.say("refused-account-unknown"));
                return Ok(Outcome { said, once: None });
            };
            let (grant, gives) = (of(Some(account)), act == "link-account");
            let change = move |identity: &crate::identity::Identity, actor: &crate::identity::Actor| {
                if gives { identity.grant(&name, &grant, actor) } else { identity.revoke(&name, &grant, actor) }
            };
            visit.identity(change).await?.map(|()| None)
        }
        "leave-site" => {
            let grant = of(None);
            visit.identity(move |identity, actor| identity.revoke(&name, &grant, actor)).await?.map(|()| None)
        }
        "disable" | "enable" => {
            let disabled = act == "disable";
            visit.identity(move |identity, actor| identity.disable(&name, disabled, actor)).await?.map(|()| None)
        }
        "unlock" => visit.identity(move |identity, actor| identity.unlock(&name, actor)).await?.map(|()| None),
        "end-sessions" => {
            visit.identity(move |identity, actor| identity.sign_out_all(&name, actor)).await?.map(|()| None)
        }
        _ => return Err(Fault::NotFound),
    };
    visit.app.gate.forget();
    Ok(match made {
        Ok(once) => Outcome { said: Said::done(language.say(&format!("user-done-{act}"))), once },
        Err(error) => Outcome { said: refused(&error, language), once: None },
    })
}

/// A token that reaches no further than this site, and how many days it works.
fn new_token(member: &Member, site: &SiteId, account: Option<AccountId>, given: &Given) -> (NewToken, i64) {
    let role = Role::parse(given.text("role")).unwrap_or(member.role);
    let account = if member.role == Role::Tenant {
        account.or_else(|| member.grants.first().and_then(|grant| grant.account.clone()))
    } else {
        None
    };
    let days = DAYS.into_iter().find(|days| days.to_string() == given.text("days")).unwrap_or(7);
    let within = Some(Grant { site: site.clone(), account });
    // What is not said to write only reads.
    let read_only = given.text("access") != "write";
    let name = given.text("name").to_owned();
    (NewToken { name, role, within, read_only, expires: Instant::default() }, days)
}

/// Where the browser found this service; a path alone where it does not say so.
fn origin(visit: &Visit, headers: &HeaderMap) -> String {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '[' | ']');
    if host.is_empty() || !host.chars().all(fits) {
        return String::new();
    }
    format!("{}://{host}", if visit.reader.secure { "https" } else { "http" })
}

fn link_card(link: &Secret, until: Instant, (visit, headers, premises): (&Visit, &HeaderMap, &Premises)) -> Card {
    let (language, until) = (visit.reader.language, stamp(&Show(premises).when(until)));
    Card {
        id: "once",
        title: language.say("user-link-made"),
        lead: language.say1("user-link-made-lead", "time", &until),
        lines: vec![(0, format!("{}/link/{}", origin(visit, headers), link.expose()))],
        ..Card::default()
    }
}

fn token_card(secret: &Secret, new: &NewToken, premises: &Premises, language: Language) -> Card {
    let until = stamp(&Show(premises).when(new.expires));
    Card {
        id: "once",
        title: language.say1("user-token-made", "name", &new.name),
        lead: language.say1("user-token-made-lead", "time", &until),
        lines: vec![(0, secret.expose().to_owned())],
        ..Card::default()
    }
}

async fn show(visit: &Visit, site: &str, user: &str, outcome: Option<Outcome>) -> Response {
    let served = match visit.site(site, Permission::InviteTenants) {
        Ok(served) => served,
        Err(fault) => return visit.fault(fault),
    };
    let (id, name) = (served.desk.site().clone(), user.to_owned());
    let read = visit.identity(move |identity, actor| {
        let member = identity.member(actor, &id, &name)?;
        let own = member.name == actor.user;
        let tokens = if member.care == Care::All || own { identity.tokens(&member.name)? } else { Vec::new() };
        let trail = identity.trail_of(actor, &id, &[&member.name], CHANGES)?;
        Ok((member, tokens, trail, identity.now()))
    });
    let read: (Member, Vec<Token>, Vec<Trail>, Instant) = match read.await {
        Ok(Ok(read)) => read,
        // Who took the last thing of this site from a user no longer sees the user here.
        Ok(Err(IdentityError::NoUser(_))) if outcome.is_some() => {
            return crate::portal::visit::see_other(&format!("{}/users", base(site)));
        }
        Ok(Err(error)) => return visit.fault(fault_of(&error)),
        Err(fault) => return visit.fault(fault),
    };
    let (member, tokens, trail, now) = read;
    let (moment, language) = (served.desk.moment(), visit.reader.language);
    let premises = &moment.premises;
    let own = member.name == visit.session.actor.user;
    let (said, once) = outcome.map_or((None, None), |outcome| (Some(outcome.said), outcome.once));
    let mut cards: Vec<Card> = once.into_iter().collect();
    cards.push(who(&member, now, (premises, own), language));
    let mut accounts = query::accounts(&moment);
    let linked = |row: &query::AccountRow| {
        member.grants.iter().any(|grant| grant.account.as_ref().is_some_and(|one| one.as_str() == row.account))
    };
    let of_user: Vec<query::AccountRow> = accounts.iter().filter(|row| linked(row)).cloned().collect();
    accounts.retain(|row| !linked(row));
    if member.role == Role::Tenant && !own {
        cards.push(accounts_card(&of_user, act::accounts(language, &accounts, ""), language));
    }
    if member.care == Care::All {
        cards.push(link_form(language));
    }
    if member.care == Care::All || own {
        cards.push(tokens_card(&member, &tokens, (act::accounts(language, &of_user, ""), now, premises), language));
    }
    cards.push(changes(&trail, premises, language));
    if let Some(last) = cards.last_mut() {
        last.links.push((language.say("users-all"), format!("{}/users", base(site))));
    }
    let frame = frame(visit, site, Spot::People, member.name.clone());
    let sheet = Sheet { frame, lead: places(&member, language), said, cards };
    answer(StatusCode::OK, &sheet)
}

/// How the user stands, and what ends or mends that.
fn who(member: &Member, now: Instant, (premises, own): (&Premises, bool), language: Language) -> Card {
    let time = |at: Instant| stamp(&Show(premises).when(at));
    let mut facts = vec![(language.say("col-state"), state(member, now, language).1)];
    if member.care != Care::Here {
        let last = member.last_sign_in.map_or_else(|| "–".to_owned(), time);
        let by = language.say(if member.has_password { "user-by-password" } else { "user-by-link" });
        facts.extend([(language.say("user-last-title"), last), (language.say("user-by"), by)]);
    }
    let simple = |act: &str| {
        let mut form = act::form(act.to_owned(), act, language.say(&format!("user-do-{act}")), Vec::new());
        form.quiet = true;
        form
    };
    let mut forms: Vec<Form> = Vec::new();
    if member.care == Care::All || own {
        forms.push(simple("end-sessions"));
    }
    if member.care == Care::All {
        if member.locked_until.is_some_and(|until| now < until) {
            forms.push(simple("unlock"));
        }
        forms.push(simple(if member.disabled { "enable" } else { "disable" }));
        if member.role != Role::Tenant {
            forms.push(simple("leave-site"));
        }
    }
    let locked = member.locked_until.filter(|until| now < *until);
    let note = match locked {
        Some(until) => Some(language.say1("user-locked-until", "time", &time(until))),
        None if member.care == Care::Here => Some(language.say("user-elsewhere-lead")),
        None if own => Some(language.say("user-own-lead")),
        None if member.care == Care::None => Some(language.say("user-not-yours")),
        None => None,
    };
    let title = language.say("user-access");
    Card { id: "access", title, facts, note: note.map(Said::done), forms, ..Card::default() }
}

fn accounts_card(of_user: &[query::AccountRow], others: Field, language: Language) -> Card {
    let item = |(row, number): (&query::AccountRow, usize)| {
        let button = language.say("user-do-unlink-account");
        let mut form = act::form(format!("unlink-{number}"), "unlink-account", button, Vec::new());
        form.hidden.push(("account", row.account.clone()));
        form.quiet = true;
        Item { name: row.account.clone(), lines: vec![row.units.join(", ")], forms: vec![form], ..Item::default() }
    };
    let mut form =
        act::form("link-account".to_owned(), "link-account", language.say("user-do-link-account"), vec![others]);
    form.folded = language.say("user-link-account-open");
    Card {
        id: "accounts",
        title: language.say("user-accounts"),
        lead: language.say("user-accounts-lead"),
        items: of_user.iter().zip(1..).map(item).collect(),
        forms: vec![form],
        ..Card::default()
    }
}

fn link_form(language: Language) -> Card {
    let option = |hours: i64| (hours.to_string(), language.hours(hours.saturating_mul(3_600)));
    let hours = Field::select("hours", language.say("field-works"), "24", HOURS.map(option).to_vec());
    let form = act::form("sign-in-link".to_owned(), "sign-in-link", language.say("user-do-sign-in-link"), vec![hours]);
    form.card("invite", language.say("user-link"), language.say("user-link-lead"))
}

fn tokens_card(
    member: &Member,
    tokens: &[Token],
    (accounts, now, premises): (Field, Instant, &Premises),
    language: Language,
) -> Card {
    let time = |at: Instant| stamp(&Show(premises).when(at));
    let item = |(token, number): (&Token, usize)| {
        let made = &token.made;
        let works = token.revoked.is_none() && now < made.expires;
        let state = match token.revoked {
            Some(at) => ("plain", language.say1("token-revoked", "time", &time(at))),
            None if works => ("", language.say1("token-until", "time", &time(made.expires))),
            None => ("plain", language.say1("token-expired", "time", &time(made.expires))),
        };
        let access = language.say(if made.read_only { "token-reads" } else { "token-writes" });
        let used = token
            .used
            .map_or_else(|| language.say("token-unused"), |at| language.say1("token-used", "time", &time(at)));
        let account = made.within.as_ref().and_then(|grant| grant.account.as_ref()).map(|one| format!(" · {one}"));
        let lines = vec![format!("{} · {access}{}", say_role(made.role, language), account.unwrap_or_default()), used];
        let mut form = act::form(format!("revoke-{number}"), "revoke-token", language.say("token-revoke"), Vec::new());
        form.hidden.push(("token", made.name.clone()));
        form.quiet = true;
        let forms = if works { vec![form] } else { Vec::new() };
        Item { name: made.name.clone(), state, lines, forms, ..Item::default() }
    };
    // A token of a whole site has a role of whole sites.
    let of_site = [Role::Manager, Role::Auditor, Role::Finance];
    let roles = of_site.into_iter().filter(|role| role.within(member.role));
    let roles: Vec<_> = roles.map(|role| (role.to_string(), say_role(role, language))).collect();
    let access = ["read", "write"].map(|one| (one.to_owned(), language.say(&format!("token-{one}s"))));
    let days = DAYS.map(|days| (days.to_string(), language.say1("days-count", "count", &days.to_string())));
    let mut fields = vec![
        Field::new("name", language.say("field-token"), Kind::Text, ""),
        Field::select("access", language.say("field-access"), "read", access.to_vec()),
        Field::select("days", language.say("field-works"), "90", days.to_vec()),
    ];
    if member.role == Role::Tenant {
        fields.push(accounts);
    } else {
        fields.insert(1, Field::select("role", language.say("field-role"), member.role.as_str(), roles));
    }
    let mut form = act::form("token".to_owned(), "token", language.say("user-do-token"), fields);
    form.folded = language.say("user-token-open");
    Card {
        id: "tokens",
        title: language.say("user-tokens"),
        lead: language.say("user-tokens-lead"),
        none: language.say("user-tokens-none"),
        items: tokens.iter().zip(1..).map(item).collect(),
        forms: vec![form],
        ..Card::default()
    }
}
