//! Two instants of knowledge side by side: what is shown of the same thing, where it differs, and which events came
//! between, by whom and why.

use std::collections::{BTreeMap, BTreeSet};

use domain::event::{AccountId, Body, Event, PoolId};
use domain::quantity::{Date, Instant};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::known::{InForce, KnownAt, Then, in_force, with_then};
use super::past::row;
use super::{Allocation, Bill, ChangeRow, Ledger, QueryError, View, allocation, bill, ledger};
use crate::serve::ServedSite;

/// What is looked at, of a local day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum About {
    /// The tariffs and rules in force.
    InForce,
    /// How a pool's day was split.
    Pool(PoolId),
    /// An account's bill of the day's month.
    Bill(AccountId),
    /// An account's ledger up to the day's end.
    Balance(AccountId),
}

/// A figure or a word that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Differing {
    /// Where it stands in what is shown.
    pub what: String,
    /// As it was known first; none where it was not there.
    pub before: Option<String>,
    /// As it was known then; none where it is not there any more.
    pub after: Option<String>,
}

/// Two instants of knowledge, the earlier one first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Compared {
    /// The earlier one.
    pub before: Then,
    /// The later one.
    pub after: Then,
    /// What differs.
    pub differing: Vec<Differing>,
    /// The facts that came between and may be the cause, in their order: of other accounts none.
    pub events: Vec<ChangeRow>,
    /// How many events of readings came between.
    pub readings: u64,
}

/// Most events that are shown.
const MOST: usize = 200;
/// Beside the text that is shown there are the same in other units.
const TWICE: [&str; 4] = ["minor", "mwh", "utc", "currency"];
/// What tells the items of a list apart.
const NAMES: [&str; 9] = ["line", "part", "unit", "account", "reference", "point", "pool", "month", "position"];

/// What is shown of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Shown {
    /// The tariffs and rules in force.
    InForce(InForce),
    /// How a pool's day was split.
    Pool(Box<Allocation>),
    /// An account's bill.
    Bill(Box<Bill>),
    /// An account's ledger.
    Balance(Ledger),
}

/// What is shown of it, by the facts of a view.
pub fn shown(view: &View<'_>, about: &About, day: Date) -> Result<Shown, QueryError> {
    Ok(match about {
        About::InForce => Shown::InForce(in_force(view, day)),
        About::Pool(pool) => Shown::Pool(Box::new(allocation(view, pool, day)?)),
        About::Bill(account) => Shown::Bill(Box::new(bill(view, account, day.month())?)),
        About::Balance(account) => {
            let end = view.premises().calendar.end_of(day);
            Shown::Balance(ledger(view, account, Instant::new(i64::MIN), end)?)
        }
    })
}

/// The leaves of a document by their places.
fn leaves(value: &Value, place: String, all: &mut BTreeMap<String, String>) {
    let within = |name: &str| if place.is_empty() { name.to_owned() } else { format!("{place} {name}") };
    match value {
        Value::Object(members) => {
            let has_text = members.contains_key("text") || members.contains_key("local");
            for (name, member) in members.iter().filter(|(name, _)| !TWICE.contains(&name.as_str())) {
                let here =
                    if has_text && matches!(name.as_str(), "text" | "local") { place.clone() } else { within(name) };
                leaves(member, here, all);
            }
        }
        Value::Array(items) => {
            for (number, item) in (1..).zip(items) {
                let named = |name: &&&str| item.get(**name).is_some_and(|value| value.is_string() || value.is_number());
                let name = NAMES.iter().find(named).and_then(|name| item.get(*name)).map(text);
                leaves(item, within(&name.unwrap_or_else(|| format!("{number}"))), all);
            }
        }
        Value::Null => {}
        leaf => {
            all.insert(place, text(leaf));
        }
    }
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn differing(before: Option<&Value>, after: Option<&Value>) -> Vec<Differing> {
    let of = |value: Option<&Value>| {
        let mut all = BTreeMap::new();
        if let Some(value) = value {
            leaves(value, String::new(), &mut all);
        }
        all
    };
    let (before, after) = (of(before), of(after));
    let places: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let differ = places.into_iter().filter(|place| before.get(*place) != after.get(*place));
    let one = |place: &String| Differing {
        what: place.clone(),
        before: before.get(place).cloned(),
        after: after.get(place).cloned(),
    };
    differ.map(one).collect()
}

/// Whether a fact may have changed what is shown: one of another account has not.
fn may_matter(event: &Event, about: &About) -> bool {
    let whose = match about {
        About::Bill(account) | About::Balance(account) => Some(format!("account/{account}")),
        About::InForce | About::Pool(_) => None,
    };
    let mut accounts = event.chains.iter().filter(|link| link.key.starts_with("account/")).peekable();
    let of_others = accounts.peek().is_some() && accounts.all(|link| whose.as_ref() != Some(&link.key));
    // Money moves no tariff, and no share of a pool.
    let is_money = matches!(event.body, Body::RechargeReceived(_) | Body::PostingMade(_) | Body::RechargeSuspended(_));
    let is_aside = matches!(event.body, Body::ReadingsRecorded(_) | Body::Supply(_) | Body::Alarm(_));
    let is_foreign = if whose.is_some() { of_others } else { is_money };
    !is_aside && !is_foreign
}

/// Compares what was known at two instants, in whichever order they are given.
pub async fn compare(
    site: &ServedSite,
    about: &About,
    day: Date,
    (one, other): (KnownAt, KnownAt),
) -> Result<Compared, QueryError> {
    let at = |known: KnownAt| {
        let about = about.clone();
        // What was not known yet is shown as nothing.
        let asked =
            move |view: View<'_>| Ok(shown(&view, &about, day).ok().and_then(|one| serde_json::to_value(one).ok()));
        with_then(site, known, asked)
    };
    let mut pair = [at(one).await?, at(other).await?];
    pair.sort_by_key(|(then, _)| (then.position, then.at.utc));
    let [(before, first), (after, second)] = pair;
    let events = between(site, about.clone(), (before.position, after.position)).await?;
    let readings = after.readings.saturating_sub(before.readings);
    Ok(Compared { differing: differing(first.as_ref(), second.as_ref()), before, after, events, readings })
}

/// The facts of positions within `(from, to]` that may matter.
async fn between(site: &ServedSite, about: About, (from, to): (u64, u64)) -> Result<Vec<ChangeRow>, QueryError> {
    let read = site.desk.read(move |turn| {
        let within = |event: &&Event| from < event.position && event.position <= to;
        let facts = turn.owner.facts().all().iter().filter(within).filter(|event| may_matter(event, &about));
        facts.take(MOST).map(|event| row(turn.moment, event)).collect()
    });
    Ok(read.await?)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_differs_is_named_by_what_people_know_it_by() {
        let share = |unit: &str, kwh: &str| json!({"unit": unit, "kwh": {"mwh": 1, "text": kwh}});
        let before = json!({"rule": 1, "parts": [{"part": 1, "shares": [share("U-1", "2.0"), share("U-2", "3.0")]}]});
        let after = json!({"rule": 2, "parts": [{"part": 1, "shares": [share("U-2", "3.5"), share("U-1", "2.0")]}]});
        let found = differing(Some(&before), Some(&after));
        let found: Vec<(&str, Option<&str>, Option<&str>)> =
            found.iter().map(|one| (one.what.as_str(), one.before.as_deref(), one.after.as_deref())).collect();
        assert_eq!(found, [("parts 1 shares U-2 kwh", Some("3.0"), Some("3.5")), ("rule", Some("1"), Some("2"))]);
        assert_eq!(differing(None, Some(&json!({"number": 7})))[0].before, None);
    }
}
