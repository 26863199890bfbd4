//! Supply: who is to be cut and when, what holds it, and what people say about it.

use axum::Form as Sent;
use axum::extract::{Path, Query};
use axum::http::StatusCode;
use axum::response::Response;
use domain::billing::BillingError;
use domain::event::{AccountId, Body, Event, OutputState, PointId, SupplyCheck};
use domain::quantity::{Instant, Money};

use crate::command;
use crate::desk::Moment;
use crate::identity::Permission;
use crate::portal::act::{self, Given};
use crate::portal::error::Fault;
use crate::portal::page::page as answer;
use crate::portal::sheet::{Card, Field, Form, Item, Kind, Said, Sheet, Table, head, stamp};
use crate::portal::show::Coin;
use crate::portal::site::{Spot, base, frame};
use crate::portal::tenant;
use crate::portal::visit::Visit;
use crate::portal::words::Language;
use crate::query::Show;
use crate::supply::{self, Ask, PointStatus};
use crate::told::{Told, told};

/// So many of the last events are shown.
const RECENT: usize = 25;
/// So many points at which nothing is to happen are shown; others are found by name.
const SHOWN: usize = 60;
/// With fewer points nobody looks for one.
const FEW: usize = 20;

/// `GET …/supply`; `find` is a part of the name of a point, a unit or an account.
pub(super) async fn page(visit: Visit, Path(site): Path<String>, Query(given): Query<Given>) -> Response {
    show(&visit, &site, given.text("find"), None).await
}

/// `POST …/supply`
pub(super) async fn act(visit: Visit, Path(site): Path<String>, Sent(given): Sent<Given>) -> Response {
    if let Err(fault) = visit.accepts(&given) {
        return visit.fault(fault);
    }
    let served = match visit.site(&site, Permission::SwitchSupply) {
        Ok(served) => served,
        Err(fault) => return visit.fault(fault),
    };
    let language = visit.reader.language;
    let said = match (visit.asked(&given), asked(&given)) {
        (Err(error), _) => act::refused(&error, language),
        (Ok(_), None) => Said::refused(language.say("refused-not-found")),
        (Ok(asked), Some(ask)) => {
            let made = command::supply(&served.desk, asked, ask).await;
            act::outcome(made.as_ref(), language.say("supply-said"), language)
        }
    };
    show(&visit, &site, "", Some((said, &given))).await
}

/// What a form asks.
fn asked(given: &Given) -> Option<Ask> {
    let point = || PointId::try_new(given.text("point"));
    let account = || AccountId::try_new(given.text("account"));
    let reason = given.text("reason").to_owned();
    Some(match given.text("act") {
        "cut" => Ask::Switch { point: point()?, to: OutputState::Disconnected, reason },
        "restore" => Ask::Switch { point: point()?, to: OutputState::Connected, reason },
        "approve" => Ask::Approve { point: point()? },
        "protect" => Ask::Protect { point: point()?, reason },
        "unprotect" => Ask::Unprotect { point: point()?, reason },
        "dispute" => Ask::OpenDispute { account: account()?, reason },
        "settle" => Ask::CloseDispute { account: account()?, reason },
        _ => return None,
    })
}

async fn show(visit: &Visit, site: &str, find: &str, came: Option<(Said, &Given)>) -> Response {
    let served = match visit.site(site, Permission::ReadSite) {
        Ok(served) => served,
        Err(fault) => return visit.fault(fault),
    };
    let links = served.links.clone();
    let read = served.desk.read(move |turn| {
        let rows = supply::status(turn.owner, &links, turn.now)?;
        let facts = turn.owner.facts().all().iter().rev();
        let happened = facts.filter(|event| matches!(event.body, Body::Supply(_))).take(RECENT);
        Ok::<_, BillingError>((rows, happened.cloned().collect::<Vec<Event>>()))
    });
    let (rows, happened) = match read.await.map_err(Fault::from).and_then(|read| read.map_err(unready)) {
        Ok(read) => read,
        Err(fault) => return visit.fault(fault),
    };
    let moment = served.desk.moment();
    let language = visit.reader.language;
    let teller = Teller {
        language,
        moment: &moment,
        site,
        user: &visit.session.actor.user,
        switches: visit.site(site, Permission::SwitchSupply).is_ok(),
    };
    let (moves, mut stays): (Vec<_>, Vec<_>) = rows.iter().partition(|row| is_moving(row));
    stays.retain(|row| teller.is_called(row, find));
    // Where somebody has just said something comes first.
    let acted = came.as_ref().map_or("", |(_, given)| given.text("point"));
    stays.sort_by_key(|row| row.point.as_str() != acted);
    let more = stays.len().saturating_sub(SHOWN);
    stays.truncate(SHOWN);
    let card = |id, key: &str, none: &str, rows: &[&PointStatus]| Card {
        id,
        title: language.say(key),
        items: rows.iter().map(|row| teller.item(row)).collect(),
        none: language.say(none),
        ..Card::default()
    };
    let (said, given) = came.unzip();
    let sheet = Sheet {
        frame: frame(visit, site, Spot::Supply, language.say("supply")),
        lead: language.say("supply-lead"),
        said,
        cards: [
            Some(card("queue", "supply-queue", "supply-queue-none", &moves)),
            (rows.len() > FEW).then(|| teller.search(find)),
            Some(Card {
                links: teller.links(),
                lead: if more > 0 { language.say1("supply-more", "count", &more.to_string()) } else { String::new() },
                ..card("points", "supply-points", "supply-points-none", &stays)
            }),
            Some(teller.happened(&happened)),
        ]
        .into_iter()
        .flatten()
        .collect(),
    };
    answer(StatusCode::OK, &sheet.keeping(given.unwrap_or(&Given::default())))
}

/// Where the books cannot be computed, supply cannot be shown.
pub(super) fn unready(error: BillingError) -> Fault {
    tracing::error!(%error, "supply cannot be shown");
    Fault::Unready
}

/// Whether something is to happen at a point.
fn is_moving(row: &PointStatus) -> bool {
    row.due.is_some() || row.pending.is_some() || row.request.is_some()
}

/// Says what is seen.
struct Teller<'a> {
    language: Language,
    moment: &'a Moment,
    site: &'a str,
    user: &'a str,
    switches: bool,
}

impl Teller<'_> {
    fn stamp(&self, at: Instant) -> String {
        stamp(&Show(&self.moment.premises).when(at))
    }

    fn money(&self, amount: Money) -> String {
        let site = self.moment.premises.site.as_ref();
        site.map(|site| Coin::new(&site.currency, site.currency_decimals).money(amount)).unwrap_or_default()
    }

    fn tell(&self, told: &Told) -> String {
        self.language.tell(told, &|at| self.stamp(at))
    }

    fn links(&self) -> Vec<(String, String)> {
        let several = (self.language.say("several-title"), format!("{}/supply/several", base(self.site)));
        self.switches.then_some(several).into_iter().collect()
    }

    /// The name of a point, with its unit.
    fn name(&self, row: &PointStatus) -> String {
        let place = self.moment.premises.points.get(&row.point).and_then(|point| point.unit.as_ref());
        place.map_or_else(|| row.point.to_string(), |unit| format!("{unit} · {}", row.point))
    }

    /// Whether a part of a name is of a point, its unit or its account.
    fn is_called(&self, row: &PointStatus, find: &str) -> bool {
        let has = |name: &str| name.to_lowercase().contains(&find.to_lowercase());
        has(&self.name(row)) || row.account.as_ref().is_some_and(|account| has(account.as_str()))
    }

    fn search(&self, find: &str) -> Card {
        let field = Field::new("find", self.language.say("supply-find"), Kind::Optional, find);
        let button = self.language.say("show");
        let form = Form { id: "search".to_owned(), button, quiet: true, fields: vec![field], ..Form::default() };
        form.card("search", self.language.say("supply-search"), String::new())
    }

    fn item(&self, row: &PointStatus) -> Item {
        let language = self.language;
        let (mood, key) = match row.control {
            "connected" => ("", "supply-connected"),
            "disconnected" => ("bad", "supply-disconnected"),
            "ready_for_reconnection" => ("warn", "supply-ready"),
            _ => ("plain", "supply-unknown"),
        };
        let href = row.account.as_ref().map(|account| tenant::base(self.site, account.as_str()));
        Item {
            name: self.name(row),
            href: href.unwrap_or_default(),
            state: (mood, language.say(key)),
            lines: self.lines(row),
            more: (language.say("supply-checks"), self.checks(row)),
            forms: if self.switches { self.forms(row) } else { Vec::new() },
        }
    }

    fn lines(&self, row: &PointStatus) -> Vec<String> {
        let language = self.language;
        let mut lines = Vec::new();
        let money = row.balance_minor.map(|money| self.money(money));
        lines.extend(money.map(|money| language.say1("supply-balance", "amount", &money)));
        if let Some(due) = &row.due {
            let key = if due.to == OutputState::Disconnected { "supply-due-cut" } else { "supply-due-restore" };
            lines.push(language.say(key));
            let held = due.checks.iter().filter(|check| !check.passed);
            lines.extend(held.map(|check| self.check(check, "supply-holds")));
        }
        if let Some(at) = row.earliest_cut {
            lines.push(language.say1("supply-not-before", "time", &self.stamp(at)));
        }
        if let Some(pending) = &row.pending {
            let key =
                if pending.to == OutputState::Disconnected { "supply-pending-open" } else { "supply-pending-close" };
            lines.push(language.say1(key, "time", &self.stamp(pending.since)));
            lines.extend(pending.command.map(|command| {
                let sent = pending.sent.map(|at| told("order-sent").with("command", command).with("at", at));
                self.tell(&sent.unwrap_or_else(|| told("order-waits").with("command", command)))
            }));
        }
        if let Some(request) = &row.request {
            let key = if request.to == OutputState::Disconnected { "supply-asked-cut" } else { "supply-asked-restore" };
            lines.push(language.say_with(key, &[("by", &request.by), ("time", &self.stamp(request.at))]));
            lines.extend(request.approver.as_ref().map(|by| language.say1("supply-approved", "by", by)));
        }
        if row.protected {
            lines.push(language.say("supply-protected-here"));
        }
        if row.account.as_ref().is_some_and(|account| self.moment.supply.disputes.contains(account)) {
            lines.push(language.say("hold-dispute"));
        }
        lines
    }

    fn check(&self, check: &SupplyCheck, key: &str) -> String {
        let said = self.tell(&supply::check(check, &|money| self.money(money)));
        self.language.say1(key, "check", &said)
    }

    /// Every check of what is due.
    fn checks(&self, row: &PointStatus) -> Vec<String> {
        let checks = row.due.iter().flat_map(|due| &due.checks);
        checks.map(|one| self.check(one, if one.passed { "supply-passes" } else { "supply-holds" })).collect()
    }

    /// What happened lately.
    fn happened(&self, events: &[Event]) -> Card {
        let row = |event: &Event| {
            let Body::Supply(what) = &event.body else { return None };
            let (account, point) = what.about();
            let about = point.map(ToString::to_string).or_else(|| account.map(ToString::to_string));
            let said = self.tell(&supply::happened(what, &|money| self.money(money)));
            Some(vec![self.stamp(event.received), about.unwrap_or_default(), said])
        };
        let keys = [("col-date", false), ("col-subject", false), ("col-what", false)];
        let table = Table {
            name: self.language.say("supply-recent"),
            heads: head(self.language, &keys),
            rows: events.iter().filter_map(row).collect(),
            foot: Vec::new(),
        };
        Card {
            id: "recent",
            title: table.name.clone(),
            table: Some(table),
            none: self.language.say("supply-recent-none"),
            ..Card::default()
        }
    }

    fn forms(&self, row: &PointStatus) -> Vec<Form> {
        let language = self.language;
        let about = |act: &str, button: &str, fields: Vec<Field>| {
            let mut form = act::form(format!("{act}-{}", row.point), act, language.say(button), fields);
            form.id = form.id.replace(' ', "_");
            // A complaint is an account's, the others are the point's: a form has what it is about, and no more.
            form.hidden.push(match (act, &row.account) {
                ("dispute" | "settle", Some(account)) => ("account", account.to_string()),
                _ => ("point", row.point.to_string()),
            });
            form.quiet = true;
            form
        };
        let folded = |act: &str, button: &str, open: &str| Form {
            folded: language.say(open),
            ..about(act, button, vec![act::reason(language)])
        };
        let mut forms = Vec::new();
        if row.request.as_ref().is_some_and(|request| request.approver.is_none() && request.by != self.user) {
            forms.push(about("approve", "supply-approve", Vec::new()));
        }
        if row.control == "disconnected" || row.control == "ready_for_reconnection" {
            forms.push(folded("restore", "supply-restore", "supply-restore-open"));
        } else {
            forms.push(folded("cut", "supply-cut", "supply-cut-open"));
        }
        if let Some(account) = &row.account {
            forms.push(if self.moment.supply.disputes.contains(account) {
                folded("settle", "supply-settle", "supply-settle-open")
            } else {
                folded("dispute", "supply-dispute", "supply-dispute-open")
            });
        }
        forms.push(if row.protected {
            folded("unprotect", "supply-unprotect", "supply-unprotect-open")
        } else {
            folded("protect", "supply-protect", "supply-protect-open")
        });
        forms
    }
}
