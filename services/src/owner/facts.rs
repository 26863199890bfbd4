//! The facts of a site by their ids: what was said, in the log's order. Readings and decisions are not among them.

use std::collections::{BTreeMap, HashMap};

use domain::event::{Body, Event, EventId};
use domain::premises::Premises;

/// What is published on chains of its own, and named by the lines of bills.
const PUBLISHED: [&str; 2] = ["tariff/", "rule/"];

/// The facts of a site.
#[derive(Debug, Default)]
pub struct Facts {
    events: Vec<Event>,
    places: HashMap<EventId, usize>,
    /// Those of tariffs and rules, by their chains.
    published: BTreeMap<String, Vec<usize>>,
    /// Those that say what is in force.
    structure: Vec<usize>,
}

impl Facts {
    /// Takes up an event, if it is a fact.
    pub(super) fn record(&mut self, event: &Event) {
        if matches!(event.body, Body::ReadingsRecorded(_)) || event.body.is_decision() {
            return;
        }
        let place = self.events.len();
        self.places.insert(event.id, place);
        let keys = event.chains.iter().map(|link| &link.key);
        for key in keys.filter(|key| PUBLISHED.iter().any(|prefix| key.starts_with(prefix))) {
            self.published.entry(key.clone()).or_default().push(place);
        }
        if Premises::takes_up(&event.body) {
            self.structure.push(place);
        }
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

    /// Those on the chain of a tariff or a rule, in the log's order.
    pub fn published(&self, chain: &str) -> impl Iterator<Item = &Event> {
        self.published.get(chain).into_iter().flatten().filter_map(|place| self.events.get(*place))
    }

    /// What was in force by the facts up to a position.
    pub fn premises_at(&self, position: u64) -> Premises {
        let facts = self.structure.iter().filter_map(|place| self.events.get(*place));
        facts.take_while(|event| event.position <= position).fold(Premises::default(), |mut premises, event| {
            premises.apply(&event.body);
            premises
        })
    }
}
