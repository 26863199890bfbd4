//! Who signs in for a site: its users, a new one, and what was changed of them.

use axum::Form as Sent;
use axum::extract::{Path, Query};
use axum::http::StatusCode;
use axum::response::Response;
use domain::event::AccountId;
use domain::premises::Premises;
use domain::quantity::Instant;
use serde::Deserialize;

use crate::identity::{Care, Denied, Grant, IdentityError, Member, Permission, Role, Trail, TrailKind};
use crate::portal::act::{self, Given};
use crate::portal::error::Fault;
use crate::portal::page::page as answer;
use crate::portal::sheet::{Card, Field, Form, Item, Kind, Said, Sheet, Table, head, stamp};
use crate::portal::site::{Spot, base, frame};
use crate::portal::visit::Visit;
use crate::portal::words::Language;
use crate::query::{self, Show};
use crate::serve::ServedSite;

/// At most so many users are listed at once: a search finds the others.
const MOST: usize = 100;
/// So many changes are listed.
const CHANGES: usize = 50;

/// What is looked for.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    find: String,
}

/// `GET …/users`
pub(super) async fn page(visit: Visit, Path(site): Path<String>, Query(asked): Query<Asked>) -> Response {
    show(&visit, &site, &asked, None).await
}

/// `POST …/users`
pub(super) async fn act(visit: Visit, Path(site): Path<String>, Sent(given): Sent<Given>) -> Response {
    if let Err(fault) = visit.accepts(&given) {
        return visit.fault(fault);
    }
    let said = match visit.site(&site, Permission::InviteTenants) {
        Ok(served) => add(&visit, served, &given).await,
        Err(fault) => return visit.fault(fault),
    };
    match said {
        Ok(said) => show(&visit, &site, &Asked::default(), Some((said, &given))).await,
        Err(fault) => visit.fault(fault),
    }
}

/// Makes a user of this site, and of no other.
async fn add(visit: &Visit, served: &ServedSite, given: &Given) -> Result<Said, Fault> {
    let language = visit.reader.language;
    let asked = if given.text("role").is_empty() { Role::Tenant.as_str() } else { given.text("role") };
    let Some(role) = roles(visit).into_iter().find(|role| role.as_str() == asked) else {
        return Ok(Said::refused(language.say("refused-permission-denied")));
    };
    let account = given.account(&served.desk.moment().premises);
    if role == Role::Tenant && account.is_none() {
        return Ok(Said::refused(language.say("refused-account-unknown")));
    }
    let grant = Grant { site: served.desk.site().clone(), account: account.filter(|_| role == Role::Tenant) };
    let name = given.text("name").to_owned();
    let added = visit.identity(move |identity, actor| identity.user_add(&name, role, &[grant], actor)).await?;
    Ok(match added {
        Ok(user) => Said::done(language.say1("user-added", "user", &user.name)),
        Err(error) => refused(&error, language),
    })
}

/// The roles that the visitor may give.
fn roles(visit: &Visit) -> Vec<Role> {
    let all = visit.session.actor.has(Permission::ManageUsers).is_ok();
    let of_site = |role: &Role| *role == Role::Tenant || (all && *role != Role::Operator);
    Role::ALL.into_iter().filter(of_site).collect()
}

async fn show(visit: &Visit, site: &str, asked: &Asked, came: Option<(Said, &Given)>) -> Response {
    let served = match visit.site(site, Permission::InviteTenants) {
        Ok(served) => served,
        Err(fault) => return visit.fault(fault),
    };
    let (id, find) = (served.desk.site().clone(), asked.find.trim().to_owned());
    let read = visit.identity(move |identity, actor| {
        let members = identity.members(actor, &id, &find, MOST.saturating_add(1))?;
        let names: Vec<&str> = members.iter().map(|member| member.name.as_str()).collect();
        let trail = identity.trail_of(actor, &id, &names, CHANGES)?;
        Ok((members, trail, identity.now()))
    });
    let (members, trail, now) = match read.await {
        Ok(Ok(read)) => read,
        Ok(Err(error)) => return visit.fault(fault_of(&error)),
        Err(fault) => return visit.fault(fault),
    };
    let (moment, language) = (served.desk.moment(), visit.reader.language);
    let premises = &moment.premises;
    let shown = members.get(..members.len().min(MOST)).unwrap_or_default();
    let items = shown.iter().map(|member| item(member, (site, now), premises, language)).collect();
    let find = Form {
        id: "find".to_owned(),
        button: language.say("user-find"),
        quiet: true,
        fields: vec![Field::new("find", language.say("field-find"), Kind::Optional, asked.find.trim())],
        ..Form::default()
    };
    let more = members.len() > MOST;
    let list = Card {
        id: "list",
        title: language.say("users-here"),
        note: more.then(|| Said::done(language.say1("users-more", "count", &MOST.to_string()))),
        none: language.say("users-none"),
        items,
        forms: vec![find],
        ..Card::default()
    };
    let accounts = act::accounts(language, &query::accounts(&moment), "");
    let mut cards = vec![list, adding(&roles(visit), accounts, language), changes(&trail, premises, language)];
    if let Some(list) = cards.first_mut() {
        list.links.push((language.say("leases"), format!("{}/leases", base(site))));
    }
    let title = language.say("users");
    let (said, given) = came.unzip();
    let sheet = Sheet { frame: frame(visit, site, Spot::People, title), lead: language.say("users-lead"), said, cards };
    answer(StatusCode::OK, &sheet.keeping(given.unwrap_or(&Given::default())))
}

/// The form for a new user.
fn adding(roles: &[Role], accounts: Field, language: Language) -> Card {
    let mut fields = vec![Field::new("name", language.say("field-user"), Kind::Text, "")];
    if roles.len() > 1 {
        let options = roles.iter().map(|role| (role.to_string(), say_role(*role, language))).collect();
        fields.push(Field::select("role", language.say("field-role"), "", options));
    }
    fields.push(accounts);
    let form = act::form("add".to_owned(), "add", language.say("user-add"), fields);
    form.card("adding", language.say("user-new"), language.say("user-new-lead"))
}

fn item(member: &Member, (site, now): (&str, Instant), premises: &Premises, language: Language) -> Item {
    let last = member.last_sign_in.map(|at| stamp(&Show(premises).when(at)));
    let last = last.map_or_else(|| language.say("user-never"), |time| language.say1("user-last", "time", &time));
    let mut lines = vec![places(member, language)];
    lines.push(if member.care == Care::Here { language.say("user-elsewhere") } else { last });
    Item {
        name: member.name.clone(),
        href: format!("{}/users/{}", base(site), member.name),
        state: state(member, now, language),
        lines,
        ..Item::default()
    }
}

/// The role and the accounts of this site.
pub(super) fn places(member: &Member, language: Language) -> String {
    let accounts: Vec<&str> =
        member.grants.iter().filter_map(|grant| grant.account.as_ref()).map(AccountId::as_str).collect();
    let places = if accounts.is_empty() { language.say("user-whole-site") } else { accounts.join(", ") };
    format!("{} · {places}", say_role(member.role, language))
}

/// Whether a user can sign in: the look of it, and the words.
pub(super) fn state(member: &Member, now: Instant, language: Language) -> (&'static str, String) {
    if member.disabled {
        ("bad", language.say("user-disabled"))
    } else if member.locked_until.is_some_and(|until| now < until) {
        ("warn", language.say("user-locked"))
    } else {
        ("", language.say("user-active"))
    }
}

pub(super) fn say_role(role: Role, language: Language) -> String {
    language.say(&format!("role-{role}"))
}

/// Who changed what of users, the newest first.
pub(super) fn changes(trail: &[Trail], premises: &Premises, language: Language) -> Card {
    let row = |row: &Trail| {
        let (by, what) = row.parts();
        let time = stamp(&Show(premises).when(row.at));
        vec![time, row.user.clone(), said_of(row.kind, what, language), by.to_owned()]
    };
    let keys = [("col-date", false), ("col-user", false), ("col-what", false), ("col-by", false)];
    let table = Table {
        name: language.say("user-changes"),
        heads: head(language, &keys),
        rows: trail.iter().map(row).collect(),
        foot: Vec::new(),
    };
    let none = language.say("user-changes-none");
    Card { id: "trail", title: table.name.clone(), none, table: Some(table), ..Card::default() }
}

/// What happened, in the reader's language; names stand as they were written.
fn said_of(kind: TrailKind, what: &str, language: Language) -> String {
    let key = match (kind, what) {
        (TrailKind::UserChanged, "shut out") => "trail-shut-out",
        (TrailKind::UserChanged, "let in") => "trail-let-in",
        (TrailKind::UserChanged, "unlocked") => "trail-unlocked",
        (TrailKind::UserChanged, _) if what.starts_with("granted ") => "trail-granted",
        (TrailKind::UserChanged, _) => "trail-revoked",
        (TrailKind::UserAdded, _) => "trail-added",
        (TrailKind::PasswordSet, _) => "trail-password",
        (TrailKind::LinkMade, _) => "trail-link",
        (TrailKind::TokenMade, _) => "trail-token",
        (TrailKind::TokenRevoked, _) => "trail-token-revoked",
        (TrailKind::LockedOut, _) => "trail-locked-out",
        (TrailKind::SignedOut | TrailKind::SignedIn | TrailKind::LinkUsed | TrailKind::Refused, _) => "trail-ended",
    };
    // Of a grant, what is of the site: the account, or its own id.
    let name = what.split_once(' ').map_or(what, |(first, rest)| match kind {
        TrailKind::UserChanged => rest.split_once('/').map_or(rest, |(_, account)| account),
        _ => first,
    });
    let role = Role::parse(name).filter(|_| kind == TrailKind::UserAdded).map(|role| say_role(role, language));
    language.say1(key, "name", role.as_deref().unwrap_or(name))
}

/// Why nothing was changed. A user of another site is answered as one who is not there.
pub(super) fn refused(error: &IdentityError, language: Language) -> Said {
    let key = match error {
        IdentityError::NoUser(_) | IdentityError::Denied(Denied::Unseen { .. }) => "refused-user-unknown",
        IdentityError::UserExists(_) => "refused-user-exists",
        IdentityError::BadName(_) => "refused-user-name",
        IdentityError::BadGrant { .. } | IdentityError::NoGrant(_) => "refused-grant",
        IdentityError::TokenTooWide(_) => "refused-token-wide",
        IdentityError::TokenExists { .. } => "refused-token-exists",
        IdentityError::NoToken { .. } => "refused-token-unknown",
        IdentityError::BadExpiry { .. } => "refused-expiry",
        IdentityError::OwnUser(_) => "refused-own-user",
        IdentityError::LastGrant(_) => "refused-last-grant",
        IdentityError::LastOperator(_) => "refused-last-operator",
        IdentityError::Denied(_) => "refused-permission-denied",
        IdentityError::BadPassword
        | IdentityError::NoRandomness
        | IdentityError::NotOurs
        | IdentityError::Damaged(_)
        | IdentityError::Open(_)
        | IdentityError::File(_) => {
            tracing::error!(%error, "users cannot be changed");
            "error-unready"
        }
    };
    Said::refused(language.say(key))
}

/// Why users are not shown.
pub(super) fn fault_of(error: &IdentityError) -> Fault {
    match error {
        IdentityError::NoUser(_) | IdentityError::BadName(_) => Fault::NotFound,
        IdentityError::Denied(denied) => denied.clone().into(),
        _ => {
            tracing::error!(%error, "users cannot be read");
            Fault::Unready
        }
    }
}
