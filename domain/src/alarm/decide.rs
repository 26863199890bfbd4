//! What follows from levels: alarms that are raised and cleared, each once an episode.

use std::collections::BTreeMap;

use super::alarms::Key;
use super::policy::{check, in_force};
use super::{AlarmRefusal, Alarms};
use crate::event::{
    AlarmAcknowledged, AlarmBound, AlarmCleared, AlarmEnd, AlarmEvent, AlarmKind, AlarmPolicy, AlarmPolicyPublished,
    AlarmRaised, AlarmSubject,
};
use crate::quantity::Instant;

/// Where something stands, and its bound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Level {
    /// What.
    pub kind: AlarmKind,
    /// About whom.
    pub subject: AlarmSubject,
    /// Where it stands.
    pub level: i64,
    /// Where it is raised and cleared.
    pub bound: AlarmBound,
    /// What it was found from.
    pub figures: BTreeMap<String, i64>,
}

/// Which side of its bounds a level is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Beyond,
    Between,
    Back,
}

impl Level {
    /// Whether it is on the good side of both bounds.
    pub(super) fn is_back(&self) -> bool {
        self.side() == Side::Back
    }

    const fn side(&self) -> Side {
        let (level, raise, clear) = (self.level, self.bound.raise, self.bound.clear);
        let (beyond, back) =
            if self.kind.is_low() { (level <= raise, level >= clear) } else { (level >= raise, level <= clear) };
        if beyond {
            Side::Beyond
        } else if back {
            Side::Back
        } else {
            Side::Between
        }
    }
}

/// Since when levels are beyond their bound, or back: what a start forgets, so that nothing is raised or cleared by what was
/// not looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Watch {
    since: BTreeMap<Key, Instant>,
}

/// What follows from the levels of now. Open alarms whose subject has no level stay, unless nothing is left to look at.
pub fn decide(
    alarms: &Alarms,
    watch: &mut Watch,
    levels: &[Level],
    is_gone: impl Fn(AlarmKind, &AlarmSubject) -> bool,
    now: Instant,
) -> Vec<AlarmEvent> {
    let (version, policy) = in_force(alarms);
    let mut events = Vec::new();
    let mut since = BTreeMap::new();
    for level in levels.iter().filter(|level| level.bound.on) {
        let key = (level.kind, level.subject.clone());
        let is_open = alarms.open.contains_key(&key);
        let side = level.side();
        // Between its bounds, what was beyond is not back: it counts on. What was back is not back any longer.
        let counts = if is_open { side == Side::Back } else { side != Side::Back };
        let began = watch.since.get(&key).copied();
        let began = if counts { began.or((side != Side::Between).then_some(now)) } else { None };
        let Some(began) = began else { continue };
        let waited = now.since(began);
        if is_open && waited >= level.bound.clear_for_s {
            events.extend(cleared(alarms, &key, AlarmEnd::Back, Some(level.level), began));
        } else if !is_open
            && side == Side::Beyond
            && waited >= level.bound.raise_for_s
            && alarms.last.get(&key).is_none_or(|(_, at)| now.since(*at) >= policy.again_after_s)
        {
            events.push(raised(alarms, level, version, began));
        } else {
            since.insert(key, began);
        }
    }
    watch.since = since;
    for (key, _) in alarms.open.iter().filter(|((kind, subject), _)| is_gone(*kind, subject)) {
        if !events
            .iter()
            .any(|event| event.about().is_some_and(|(kind, subject, _)| kind == key.0 && *subject == key.1))
        {
            events.extend(cleared(alarms, key, AlarmEnd::Gone, None, now));
        }
    }
    events
}

fn raised(alarms: &Alarms, level: &Level, policy: i64, since: Instant) -> AlarmEvent {
    let key = (level.kind, level.subject.clone());
    let episode = alarms.last.get(&key).map_or(0, |(episode, _)| *episode).saturating_add(1);
    let Level { kind, subject, level, bound, figures } = level.clone();
    AlarmEvent::AlarmRaised(AlarmRaised { episode, figures, kind, level, limit: bound.raise, policy, since, subject })
}

fn cleared(alarms: &Alarms, key: &Key, end: AlarmEnd, level: Option<i64>, since: Instant) -> Option<AlarmEvent> {
    let episode = alarms.open.get(key)?.raised.episode;
    let (kind, subject) = key.clone();
    Some(AlarmEvent::AlarmCleared(AlarmCleared { end, episode, kind, level, since, subject }))
}

fn said(text: &str, what: &'static str) -> Result<String, AlarmRefusal> {
    let text = text.trim();
    if text.is_empty() { Err(AlarmRefusal::Empty(what)) } else { Ok(text.to_owned()) }
}

/// A person sees to an open alarm.
pub fn acknowledge(
    alarms: &Alarms,
    kind: AlarmKind,
    subject: &AlarmSubject,
    by: &str,
    note: Option<&str>,
) -> Result<AlarmEvent, AlarmRefusal> {
    let by = said(by, "by")?;
    let subject = subject.clone();
    let Some(open) = alarms.open_of(kind, &subject) else { return Err(AlarmRefusal::NotOpen { kind, subject }) };
    if let Some((by, _)) = open.acknowledged.clone() {
        return Err(AlarmRefusal::Acknowledged { kind, subject, by });
    }
    let note = note.map(str::trim).filter(|note| !note.is_empty()).map(str::to_owned);
    Ok(AlarmEvent::AlarmAcknowledged(AlarmAcknowledged { by, episode: open.raised.episode, kind, note, subject }))
}

/// Other bounds count from now on.
pub fn publish(alarms: &Alarms, policy: AlarmPolicy, by: &str, reason: &str) -> Result<AlarmEvent, AlarmRefusal> {
    let (by, reason) = (said(by, "by")?, said(reason, "reason")?);
    check(&policy)?;
    let (version, now) = in_force(alarms);
    if version > 0 && now == policy {
        return Err(AlarmRefusal::Same);
    }
    let version = version.saturating_add(1);
    Ok(AlarmEvent::AlarmPolicyPublished(AlarmPolicyPublished { by, policy, reason, version }))
}
