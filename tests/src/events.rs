//! Events for the suites of the log.

use adapters::event_log::{Kind, LogEvent};
use domain::event::{EventId, SiteId};

/// An event whose bytes are this text; its id is derived from all of it.
pub fn event(site: &str, position: u64, text: &str) -> LogEvent {
    let id = EventId::derive(&[site.as_bytes(), &position.to_be_bytes(), text.as_bytes()]);
    let site = SiteId::try_new(site).expect("a site's id");
    LogEvent { site, position, id, kind: Kind::Readings, bytes: text.as_bytes().to_vec() }
}

/// The `n`th event of site `a`, the same at every call.
pub fn numbered(n: u64) -> LogEvent {
    event("a", n, &format!("event {n} {}", "x".repeat(usize::try_from(n % 2_000).expect("fits"))))
}
