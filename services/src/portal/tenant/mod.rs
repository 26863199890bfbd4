//! What tenants see: one account of one site.
//!
//! Reading order: `home` (the first page, and its live part `now`), `day` and `month`
//! (what was used), `supply` and its `rules`, `payments`, `bills` and `bill`.

mod bill;
mod bills;
mod day;
mod gaps;
mod home;
mod month;
mod now;
mod proof;
mod rules;
mod supply;
mod tiers;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};
use domain::event::{AccountId, SiteId};

use super::page::{Frame, Icon, Place};
use super::show::Coin;
use super::visit::Visit;
use crate::desk::Moment;
use crate::query;
use crate::serve::App;
pub(super) use proof::stands;

/// The pages of an account.
pub(super) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/site/{site}/account/{account}", get(home::home))
        .route("/site/{site}/account/{account}/live", get(now::live))
        .route("/site/{site}/account/{account}/supply/{point}/confirm", post(supply::confirm))
        .route("/site/{site}/account/{account}/usage", get(month::now))
        .route("/site/{site}/account/{account}/month/{month}", get(month::of))
        .route("/site/{site}/account/{account}/day/{date}", get(day::of))
        .route("/site/{site}/account/{account}/day/{date}/curve", get(day::curve))
        .route("/site/{site}/account/{account}/payments", get(bills::paid))
        .route("/site/{site}/account/{account}/bills", get(bills::bills))
        .route("/site/{site}/account/{account}/bills/{month}", get(bill::bill))
        .route("/site/{site}/account/{account}/bills/{month}/proof", get(proof::download))
        .route("/site/{site}/account/{account}/bills/{month}/line/{line}", get(bill::line))
}

/// The address of an account's first page.
pub(super) fn base(site: &str, account: &str) -> String {
    format!("/site/{site}/account/{account}")
}

/// The places of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Spot {
    Home,
    Usage,
    Bills,
    Payments,
}

/// A frame with an account's navigation.
fn frame(visit: &Visit, site: &str, base: &str, spot: Spot, title: String) -> Frame {
    let mut frame = visit.frame(title);
    let place = |href: String, key: &str, icon, one| {
        let (name, current) = (frame.say(key), spot == one);
        Place { href, name, icon, current }
    };
    let rooms =
        Place { href: super::site::base(site), name: frame.say("place-site"), icon: Icon::Rooms, current: false };
    let is_wider = SiteId::try_new(site).is_some_and(|id| visit.session.actor.scope.sees_site(&id));
    let mut places = vec![
        place(base.to_owned(), "place-home", Icon::Home, Spot::Home),
        place(format!("{base}/usage"), "place-usage", Icon::Use, Spot::Usage),
        place(format!("{base}/bills"), "place-bills", Icon::Bill, Spot::Bills),
        place(format!("{base}/payments"), "place-payments", Icon::Pay, Spot::Payments),
    ];
    if is_wider {
        places.insert(0, rooms);
    }
    frame.places = places;
    frame
}

/// The site's currency.
fn coin(moment: &Moment) -> Coin {
    let site = moment.premises.site.as_ref();
    site.map_or_else(|| Coin::new("", 2), |site| Coin::new(&site.currency, site.currency_decimals))
}

/// What an account is called: by the units it holds, and its site.
fn names(moment: &Moment, account: &AccountId) -> (String, String) {
    let held = query::accounts(moment).into_iter().find(|row| row.account == account.as_str());
    let units = held.map(|row| row.units.join(", ")).filter(|units| !units.is_empty());
    let site = moment.premises.site.as_ref().map(|site| site.name.clone()).unwrap_or_default();
    (units.unwrap_or_else(|| account.to_string()), site)
}
