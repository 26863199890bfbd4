//! The facts of a site by their ids: what was said, in the log's order. Readings and decisions are not among them.

use std::collections::HashMap;

use domain::event::{Body, Event, EventId};

/// The facts of a site.
#[derive(Debug, Default)]
pub struct Facts {
    events: Vec<Event>,
    places: HashMap<EventId, usize>,
}

impl Facts {
    /// Takes up an event, if it is a fact.
    pub(super) fn record(&mut self, event: &Event) {
        if matches!(event.body, Body::ReadingsRecorded(_)) || event.body.is_decision() {
            return;
        }
        self.places.insert(event.id, self.events.len());
        self.events.push(event.clone());
    }

    /// All of them, in the log's order.
    pub fn all(&self) -> &[Event] {
        &self.events
    }

    /// One by its id.
    pub fn get(&self, id: EventId) -> Option<&Event> {
        self.places.get(&id).and_then(|place| self.events.get(*place))
    }

    /// Those before one.
    pub fn before(&self, id: EventId) -> &[Event] {
        self.places.get(&id).and_then(|place| self.events.get(..*place)).unwrap_or_default()
    }
}
