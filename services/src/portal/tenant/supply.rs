//! Supply of a point, as its people see it: whether it is on, what is to happen, and what holds it.

use askama::Template;

use crate::desk::Moment;
use crate::portal::show;
use crate::portal::words::Language;
use crate::query::{Balance, PointState, When};

/// A point's card.
#[derive(Template)]
#[template(path = "tenant/supply.html")]
pub(super) struct SupplyCard {
    id: String,
    title: String,
    mood: &'static str,
    state: String,
    lead: String,
    facts: Vec<(String, String)>,
}

/// The cards of an account's points.
pub(super) fn cards(moment: &Moment, balance: &Balance, language: Language) -> Vec<SupplyCard> {
    let several = balance.points.len() > 1;
    let points = balance.points.iter().zip(1usize..);
    points.map(|(point, number)| card(moment, point, (number, several), language)).collect()
}

fn card(moment: &Moment, point: &PointState, (number, several): (usize, bool), language: Language) -> SupplyCard {
    let time = |when: &When| {
        let calendar = &moment.premises.calendar;
        let clock = show::clock(when.utc, calendar.offset_at(when.utc));
        format!("{}, {clock}", language.day(calendar.day_of(when.utc)))
    };
    let (mood, state, lead) = match point.supply.as_str() {
        "connected" => ("", "supply-connected", "supply-good"),
        "disconnected" => ("bad", "supply-disconnected", "supply-off"),
        "ready_for_reconnection" => ("warn", "supply-ready", "supply-ready-lead"),
        _ => ("plain", "supply-unknown", "supply-uncontrolled"),
    };
    let mut facts = Vec::new();
    let mut lead = language.say(lead);
    if let Some(pending) = &point.pending {
        let key = if pending.to == "connected" { "supply-pending-close" } else { "supply-pending-open" };
        lead = language.say1(key, "time", &time(&pending.since));
        if let Some(reason) = &pending.held_by {
            facts.push((language.say("supply-held"), reason_of(reason, language)));
        }
    }
    if let Some(reason) = &point.cut_by {
        facts.push((
            language.say("supply-cut-by"),
            language.say(if reason == "balance" { "supply-by-balance" } else { "supply-by-person" }),
        ));
    }
    if let Some(at) = point.cut_at.as_ref().filter(|_| point.cut_by.is_some()) {
        facts.push((language.say("supply-cut-at"), time(at)));
    }
    if point.protected {
        facts.push((language.say("supply-rule"), language.say("supply-protected")));
    }
    let title = language.say("supply");
    SupplyCard {
        id: number.to_string(),
        title: if several { format!("{title} · {}", point.point) } else { title },
        mood,
        state: language.say(state),
        lead,
        facts,
    }
}

/// What holds a step back, in words where there are some.
fn reason_of(code: &str, language: Language) -> String {
    language.find(&format!("hold-{}", code.replace('_', "-")), &[]).unwrap_or_else(|| code.replace('_', " "))
}
