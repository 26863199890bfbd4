//! What those see who see a whole site: its rooms at a glance. The pages of managers, auditors
//! and finance stand beside it, each a folder of its own with `routes()`, and have their
//! place in [`frame`].

mod rooms;

use std::sync::Arc;

use axum::Router;
use axum::routing::get;

use super::page::{Frame, Icon, Place};
use super::visit::Visit;
use crate::serve::App;

/// The pages of a site.
pub(super) fn routes() -> Router<Arc<App>> {
    Router::new().route("/site/{site}", get(rooms::rooms))
}

/// The address of a site's first page.
pub(super) fn base(site: &str) -> String {
    format!("/site/{site}")
}

/// The places of a site. A new page adds its own here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Spot {
    /// The rooms.
    Rooms,
}

/// A frame with a site's navigation, of what the visitor's role may see.
pub(super) fn frame(visit: &Visit, site: &str, spot: Spot, title: String) -> Frame {
    let mut frame = visit.frame(title);
    let name = frame.say("place-site");
    frame.places = vec![Place { href: base(site), name, icon: Icon::Rooms, current: spot == Spot::Rooms }];
    frame
}
