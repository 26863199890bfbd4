//! A few curves as they were judged by the facts received up to an instant, with no more readings than a question
//! about them needs.

use std::collections::BTreeSet;

use super::Metering;
use super::meter::Meter;
use crate::event::MeterId;
use crate::quantity::Instant;

/// What an excerpt is asked about.
#[derive(Debug, Clone, Copy)]
pub enum About<'a> {
    /// Registers at these instants, and whether they are interpolated.
    Instants(&'a BTreeSet<Instant>),
    /// Everything between two instants, both included.
    Span(Instant, Instant),
}

impl Metering {
    /// The curves of some meters by the facts received up to an instant that is not after the last advance. What it
    /// says about the instants that are asked about, is what the whole said then; about others it says nothing.
    #[must_use]
    pub fn excerpt(&self, meters: &BTreeSet<MeterId>, received: Instant, about: About<'_>) -> Self {
        let mut excerpt = Self::new();
        for id in meters {
            let Some(meter) = self.of(id) else { continue };
            let then;
            let meter = if meter.is_as_of(received.get()) {
                meter
            } else {
                then = meter.as_of(received.get(), &self.sources);
                &then
            };
            let points = points_about(meter, received.get(), about, &self.sources);
            let index = excerpt.meters.len();
            excerpt.meters.push(meter.of_points(&points, &self.sources, &mut excerpt.sources));
            excerpt.ids.insert(id.clone(), index);
        }
        excerpt
    }
}

/// The numbers of the accepted readings, received by then, that are next to instants.
fn points_about(meter: &Meter, received: i64, about: About<'_>, sources: &[super::Source]) -> BTreeSet<usize> {
    let known = |index: &usize| meter.is_known(*index, received, sources);
    let before = |at: Instant| (0..meter.until(at.get())).rev().find(known);
    let after = |at: Instant| (meter.until(at.get())..meter.points()).find(known);
    match about {
        About::Instants(all) => all.iter().flat_map(|at| [before(*at), after(*at)]).flatten().collect(),
        About::Span(from, until) => {
            let within = meter.until(from.get())..meter.until(until.get());
            before(from).into_iter().chain(within.filter(known)).chain(after(until)).collect()
        }
    }
}
