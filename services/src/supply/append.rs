//! Events of supply on their way into the log: their ids, causes and actor.

use domain::event::{Body, EventId, PointId, SiteId, SupplyEvent};
use domain::quantity::Instant;

use crate::owner::{Draft, Owner, OwnerError};

/// The actor of what supply control does by itself.
pub(crate) const ACTOR: &str = "supply-control";

/// The id of the order of a point's command.
pub(crate) fn command_id(site: &SiteId, point: &PointId, command: i64) -> EventId {
    of_command(site, point, command, "supply.command.ordered.v1")
}

fn of_command(site: &SiteId, point: &PointId, command: i64, kind: &str) -> EventId {
    let (site, point) = (site.as_str().as_bytes(), point.as_str().as_bytes());
    EventId::derive(&[b"supply", site, point, &command.to_be_bytes(), kind.as_bytes()])
}

/// Point and number of the command that an event is of.
fn command_of(event: &SupplyEvent) -> Option<(&PointId, i64)> {
    match event {
        SupplyEvent::SupplyCommandOrdered(data) => Some((&data.point, data.command)),
        SupplyEvent::SupplyCommandSent(data) => Some((&data.point, data.command)),
        SupplyEvent::SupplyCutConfirmed(data) => Some((&data.point, data.command)),
        SupplyEvent::SupplyRestoredConfirmed(data) => Some((&data.point, data.command)),
        SupplyEvent::SupplyCommandFailed(data) => Some((&data.point, data.command)),
        SupplyEvent::SupplyCommandExpired(data) => Some((&data.point, data.command)),
        SupplyEvent::SupplyCommandCancelled(data) => Some((&data.point, data.command)),
        _ => None,
    }
}

/// Appends an event that supply control makes. A command's events have ids of their own for ever, and follow from its
/// order; the others are of their place in the site's order.
pub(super) fn append(
    owner: &mut Owner<'_>,
    event: SupplyEvent,
    time: Instant,
    now: Instant,
    cause: Option<EventId>,
) -> Result<(), OwnerError> {
    let site = owner.site_id().clone();
    let of = command_of(&event).map(|(point, command)| (point.clone(), command));
    let body = Body::Supply(event);
    let kind = body.type_name();
    let id = if let Some((point, command)) = &of {
        of_command(&site, point, *command, kind)
    } else {
        let place = owner.events().saturating_add(1).to_be_bytes();
        EventId::derive(&[b"supply", site.as_str().as_bytes(), &place, kind.as_bytes()])
    };
    let ordered = of.map(|(point, command)| command_id(&site, &point, command)).filter(|ordered| *ordered != id);
    let draft = Draft { id, time, received: now, actor: ACTOR.to_owned(), body };
    owner.append_caused(draft, cause.or(ordered)).map(|_| ())
}
