//! An owner in a test: a site folder's facts offered to an intake, at the instants at which they were received.

use std::collections::BTreeMap;

use adapters::clock::GivenClock;
use adapters::event_log::{EventLog, Filter, LogEvent, Sequence};
use adapters::intake::{Arrival, Fact, Intake, MemoryIntake, Poll};
use adapters::site_folder::SiteFolder;
use domain::event::{EventId, SiteId};
use domain::quantity::Instant;
use services::owner::{COMMIT, Feed, Inlet, Owner};

/// Items of an intake.
pub type Items = Vec<(EventId, Vec<u8>)>;

/// What of a folder became known when, as items.
pub fn offers(folder: &SiteFolder) -> anyhow::Result<BTreeMap<Instant, Items>> {
    let mut all: BTreeMap<Instant, Items> = BTreeMap::new();
    let fact = |fact: &adapters::site_folder::Fact| {
        let (site, time, actor, body) = (folder.site.clone(), fact.time, fact.actor.clone(), fact.body.clone());
        let id = EventId::derive(&[b"fact", fact.key.as_bytes()]);
        Arrival::Fact(Box::new(Fact { id, site, time, actor, body })).encode()
    };
    for one in folder.facts.iter().filter(|fact| !fact.after_readings) {
        all.entry(one.received).or_default().push(fact(one)?);
    }
    for (received, row) in &folder.readings {
        for poll in Poll::of_rows(&folder.site, "cellar", "rtu-1", std::slice::from_ref(row)) {
            all.entry(*received).or_default().push(Arrival::Poll(poll).encode()?);
        }
    }
    for one in folder.facts.iter().filter(|fact| fact.after_readings) {
        all.entry(one.received).or_default().push(fact(one)?);
    }
    Ok(all)
}

/// Has an owner take up all of it until an instant, and decide what is due by then.
pub fn play(
    log: &mut dyn EventLog,
    site: &SiteId,
    offers: &BTreeMap<Instant, Items>,
    until: Instant,
) -> anyhow::Result<[u8; 32]> {
    let mut owner = Owner::open(log, site.clone(), COMMIT)?;
    let (mut intake, clock) = (MemoryIntake::new(), GivenClock::default());
    let mut sender = intake.reopen();
    let mut inlet = Inlet::new(&mut intake, &clock, Feed::Source);
    for (received, items) in offers.range(..=until) {
        clock.set(*received);
        sender.offer_all(items)?;
        while inlet.pump(&mut owner)?.items > 0 {}
    }
    owner.settle_before(until.plus(1))?;
    owner.flush()?;
    inlet.acknowledge(&owner)?;
    Ok(owner.root())
}

/// All events of a log.
pub fn events(log: &dyn EventLog) -> anyhow::Result<Vec<LogEvent>> {
    let stored = log.read(Sequence(0), &Filter::default(), usize::MAX >> 1)?;
    Ok(stored.into_iter().map(|stored| stored.event).collect())
}
