//! The first page of whoever is signed in: the only place that is granted, or a choice with how each place stands.

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;

use super::page::{Frame, page};
use super::show::Coin;
use super::visit::{Visit, see_other};
use super::words::Language;
use super::{site, tenant};
use crate::identity::Grant;
use crate::query::{self, RoomState};
use crate::serve::ServedSite;

/// A place to go to.
struct Choice {
    name: String,
    href: String,
    /// How it stands: the look, and the words.
    states: Vec<(&'static str, String)>,
}

/// What one may choose from.
#[derive(Template)]
#[template(path = "choose.html")]
struct Choose {
    frame: Frame,
    choices: Vec<Choice>,
}

/// `GET /`
pub(super) async fn start(visit: Visit) -> Response {
    let all = || visit.app.sites.keys().map(|site| Grant { site: site.clone(), account: None }).collect();
    let grants = visit.session.actor.scope.grants().unwrap_or_else(all);
    let href = |grant: &Grant| match &grant.account {
        Some(account) => tenant::base(grant.site.as_str(), account.as_str()),
        None => site::base(grant.site.as_str()),
    };
    if let [grant] = grants.as_slice() {
        return see_other(&href(grant));
    }
    let language = visit.reader.language;
    let mut choices = Vec::new();
    for grant in &grants {
        let (name, states) = match (visit.app.sites.get(&grant.site), &grant.account) {
            // A grant of a site that is not served here.
            (None, account) => {
                (account.as_ref().map_or_else(|| grant.site.to_string(), ToString::to_string), Vec::new())
            }
            (Some(served), None) => (name_of(served), site_states(served, language).await),
            (Some(served), Some(account)) => {
                let moment = served.desk.moment();
                let coin = moment.premises.site.as_ref().map(|site| Coin::new(&site.currency, site.currency_decimals));
                let balance = query::balance(&moment, account).ok().zip(coin);
                let states = balance.map(|(balance, coin)| {
                    (if balance.low { "warn" } else { "plain" }, coin.text(&balance.balance.text))
                });
                (format!("{account} · {}", name_of(served)), states.into_iter().collect())
            }
        };
        choices.push(Choice { name, href: href(grant), states });
    }
    let title = if choices.is_empty() { "no-account" } else { "choose" };
    let frame = visit.frame(language.say(title));
    page(StatusCode::OK, &Choose { frame, choices })
}

fn name_of(served: &ServedSite) -> String {
    let moment = served.desk.moment();
    moment.premises.site.as_ref().map_or_else(|| served.desk.site().to_string(), |site| site.name.clone())
}

/// What asks for somebody at a site: alarms, rooms without supply, balances that are low, meters that are silent.
async fn site_states(served: &ServedSite, language: Language) -> Vec<(&'static str, String)> {
    let alarms = served.desk.read(|turn| turn.owner.alarms().open().count()).await;
    let moment = served.desk.moment();
    let units = query::units(&moment);
    let rooms = |state: RoomState| units.iter().filter(|unit| unit.state == state).count();
    let low = query::accounts(&moment).iter().filter(|account| account.low && !account.units.is_empty()).count();
    let silent = query::points(&moment).iter().filter(|point| point.silent).count();
    let fault = alarms.is_err() || moment.fault.is_some();
    let counted = [
        ("bad", "start-alarms", alarms.unwrap_or_default()),
        ("bad", "start-cut", rooms(RoomState::Cut)),
        ("warn", "start-low", low),
        ("warn", "start-silent", silent),
    ];
    let counted = counted.into_iter().filter(|(.., count)| *count > 0);
    let counted = counted.map(|(mood, key, count)| (mood, language.say1(key, "count", &count.to_string())));
    let mut states: Vec<_> = fault.then(|| ("bad", language.say("start-fault"))).into_iter().chain(counted).collect();
    if states.is_empty() {
        states.push(("", language.say("start-well")));
    }
    states
}
