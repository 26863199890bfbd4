//! Laws of raising and clearing, over random levels, gaps and starts.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::event::{AlarmBound, AlarmEvent, AlarmKind, AlarmSubject, EventId, MeterId};
use crate::quantity::Instant;

#[derive(Debug, Clone)]
enum Step {
    /// So many seconds later a level, or none, of each of two meters.
    Look(i64, Option<i64>, Option<i64>),
    /// The program starts anew.
    Start,
}

fn step() -> impl Strategy<Value = Step> {
    let level = || prop::option::weighted(0.9, prop_oneof![3 => 0i64..20, 1 => 8i64..12]);
    prop_oneof![
        20 => (1i64..2000, level(), level()).prop_map(|(seconds, one, two)| Step::Look(seconds, one, two)),
        1 => Just(Step::Start),
    ]
}

fn subject(index: usize) -> AlarmSubject {
    AlarmSubject::Meter(MeterId::try_new(&format!("M-{index}")).expect("an id"))
}

fn level(kind: AlarmKind, index: usize, level: i64, bound: &AlarmBound) -> Level {
    Level { kind, subject: subject(index), level, bound: bound.clone(), figures: BTreeMap::new() }
}

/// What was said of each meter: when, whether raised, and the level.
type Said = BTreeMap<AlarmSubject, Vec<(Instant, bool, i64)>>;

fn play(kind: AlarmKind, bound: &AlarmBound, steps: &[Step]) -> Said {
    let (mut alarms, mut watch, mut now, mut said) =
        (Alarms::default(), Watch::default(), Instant::new(0), Said::new());
    for (position, step) in (1..).zip(steps) {
        let Step::Look(seconds, one, two) = step else {
            watch = Watch::default();
            continue;
        };
        now = now.plus(*seconds);
        let levels: Vec<Level> = [*one, *two]
            .into_iter()
            .enumerate()
            .filter_map(|(index, of)| Some(level(kind, index, of?, bound)))
            .collect();
        for event in decide(&alarms, &mut watch, &levels, |_, _| false, now) {
            alarms.take(&event, position, EventId::default(), now);
            match event {
                AlarmEvent::AlarmRaised(data) => {
                    said.entry(data.subject).or_default().push((now, true, data.level));
                }
                AlarmEvent::AlarmCleared(data) => {
                    said.entry(data.subject).or_default().push((now, false, data.level.expect("a level")));
                }
                AlarmEvent::AlarmPolicyPublished(_) | AlarmEvent::AlarmAcknowledged(_) => unreachable!("nobody did"),
            }
        }
    }
    said
}

proptest! {
    #[test]
    fn raised_and_cleared_alternate_beyond_and_back_at_most_once_an_hour(
        low in any::<bool>(),
        raise_for_s in 0i64..3000,
        clear_for_s in 0i64..3000,
        steps in prop::collection::vec(step(), 0..200),
    ) {
        let kind = if low { AlarmKind::LowBalance } else { AlarmKind::SilentMeter };
        let (raise, clear) = if low { (8, 12) } else { (12, 8) };
        let bound = AlarmBound { clear, clear_for_s, on: true, raise, raise_for_s };
        for (_, events) in play(kind, &bound, &steps) {
            for (index, (_, raised, level)) in events.iter().enumerate() {
                prop_assert_eq!(*raised, index % 2 == 0);
                let beyond = if low { *level <= raise } else { *level >= raise };
                let back = if low { *level >= clear } else { *level <= clear };
                prop_assert!(if *raised { beyond } else { back }, "{} at {}", raised, level);
            }
            let raised: Vec<Instant> = events.iter().filter(|event| event.1).map(|event| event.0).collect();
            prop_assert!(raised.windows(2).all(|pair| pair[1].since(pair[0]) >= 3600), "{:?}", raised);
        }
    }
}

fn looks(levels: &[i64]) -> Vec<Step> {
    levels.iter().map(|level| Step::Look(60, Some(*level), None)).collect()
}

fn of(kind: AlarmKind, bound: &AlarmBound, levels: &[i64]) -> Vec<(i64, bool)> {
    let said = play(kind, bound, &looks(levels));
    said.get(&subject(0))
        .map(|all| all.iter().map(|one| (one.0.get().div_euclid(60), one.1)).collect())
        .unwrap_or_default()
}

#[test]
fn between_the_bounds_what_was_beyond_counts_on_and_what_was_back_begins_anew() {
    let bound = AlarmBound { clear: 8, clear_for_s: 120, on: true, raise: 12, raise_for_s: 120 };
    let kind = AlarmKind::SilentMeter;
    assert_eq!(of(kind, &bound, &[12, 10, 12]), [(3, true)]);
    assert_eq!(of(kind, &bound, &[12, 8, 12, 12]), [], "it came back");
    assert_eq!(of(kind, &bound, &[12, 12, 10, 10]), [], "it is raised beyond its bound only");
    assert_eq!(of(kind, &bound, &[12, 12, 12, 8, 8, 8]), [(3, true), (6, false)]);
    assert_eq!(of(kind, &bound, &[12, 12, 12, 8, 8, 10, 8, 8, 8]), [(3, true), (9, false)]);
}

#[test]
fn the_defaults_may_be_published_and_others_only_as_they_fit() {
    let alarms = Alarms::default();
    assert!(publish(&alarms, defaults(), "J. Doe", "as they are").is_ok());
    assert_eq!(publish(&alarms, defaults(), " ", "why"), Err(AlarmRefusal::Empty("by")));
    let mut none = defaults();
    none.bounds.remove(&AlarmKind::Loss);
    assert_eq!(publish(&alarms, none, "J. Doe", "why"), Err(AlarmRefusal::NoBound(AlarmKind::Loss)));
    let mut wrong = defaults();
    wrong.held_s = 0;
    assert!(matches!(publish(&alarms, wrong, "J. Doe", "why"), Err(AlarmRefusal::Range { key: "held_s", .. })));
}
