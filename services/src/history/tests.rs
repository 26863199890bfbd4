//! Positions in a log of several sites.

use adapters::event_log::{EventLog as _, Kind, LogEvent, MemoryLog, Sequence};
use domain::event::{EventId, SiteId};

use super::at;

/// Two sites share a log; of one, every position is found, wherever the other's events stand.
#[test]
fn a_position_is_found_between_other_sites() {
    let site = |name: &str| SiteId::try_new(name).expect("an id");
    let (one, other) = (site("one"), site("other"));
    let mut log = MemoryLog::new();
    let (mut sequence, mut last) = (0u64, (0u64, 0u64));
    for burst in [1u64, 50, 3, 700, 2, 1, 9] {
        let event = |site: &SiteId, position: u64| LogEvent {
            site: site.clone(),
            position,
            id: EventId::derive(&[site.as_str().as_bytes(), &position.to_be_bytes()]),
            kind: Kind::Fact,
            bytes: position.to_be_bytes().to_vec(),
        };
        let mut events: Vec<LogEvent> = (1..=burst).map(|step| event(&other, last.1 + step)).collect();
        events.extend((1..=3).map(|step| event(&one, last.0 + step)));
        log.append(Sequence(sequence), &events).expect("it is appended");
        last = (last.0 + 3, last.1 + burst);
        sequence += burst + 3;
    }
    for position in 1..=last.0 {
        let found = at(&log, &one, position, 2).expect("it reads");
        let positions: Vec<u64> = found.iter().map(|one| one.event.position).collect();
        let wanted: Vec<u64> = (position..=last.0).take(2).collect();
        assert_eq!(positions, wanted);
    }
    assert!(at(&log, &one, last.0 + 1, 2).expect("it reads").is_empty());
}
