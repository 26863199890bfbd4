//! What those see who see a whole site: its rooms at a glance. The pages of managers, auditors
//! and finance stand beside it, each a folder of its own with `routes()`, and have their
//! place in [`frame`].

mod flow;
mod rooms;

use std::sync::Arc;

use axum::Router;
use axum::routing::get;

use super::page::{Frame, Icon, Place};
use super::visit::Visit;
use crate::identity::Permission;
use crate::serve::App;

/// The pages of a site.
pub(super) fn routes() -> Router<Arc<App>> {
    Router::new().route("/site/{site}", get(rooms::rooms))
}

/// The address of a site's first page.
pub(super) fn base(site: &str) -> String {
    format!("/site/{site}")
}

/// The places of a site. A new page adds its own here and in [`PLACES`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Spot {
    /// The rooms.
    Rooms,
    /// Alarms and held readings.
    Alarms,
    /// Supply: who is to be cut.
    Supply,
    /// The cash desk.
    Cash,
    /// Rules, tariffs and leases.
    Rules,
    /// Who lives where, and who signs in.
    People,
    /// What an auditor looks at.
    Audit,
    /// The books.
    Books,
}

/// Where they are, what they are called, and who sees them.
const PLACES: [(Spot, &str, &str, Icon, Permission); 8] = [
    (Spot::Rooms, "", "place-site", Icon::Rooms, Permission::ReadSite),
    (Spot::Alarms, "/alarms", "place-alarms", Icon::Alarm, Permission::ReadSite),
    (Spot::Supply, "/supply", "place-supply", Icon::Supply, Permission::ReadSite),
    (Spot::Cash, "/cash", "place-cash", Icon::Pay, Permission::MoveMoney),
    (Spot::Rules, "/rules", "place-rules", Icon::Rules, Permission::ChangeRules),
    (Spot::People, "/leases", "place-people", Icon::People, Permission::InviteTenants),
    (Spot::Audit, "/audit", "place-audit", Icon::Audit, Permission::ReadAudit),
    (Spot::Books, "/books", "place-books", Icon::Bill, Permission::Export),
];

/// A frame with a site's navigation, of what the visitor's role may see.
pub(super) fn frame(visit: &Visit, site: &str, spot: Spot, title: String) -> Frame {
    let mut frame = visit.frame(title);
    let seen = PLACES.iter().filter(|(.., permission)| visit.site(site, *permission).is_ok());
    let place = |(one, path, key, icon, _): &(Spot, &str, &str, Icon, Permission)| Place {
        href: format!("{}{path}", base(site)),
        name: frame.say(key),
        icon: *icon,
        current: *one == spot,
    };
    let places = seen.map(place).collect();
    frame.places = places;
    frame
}
