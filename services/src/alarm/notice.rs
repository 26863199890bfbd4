//! An alarm as others get it: JSON for programs, with its sentence for people.

use adapters::notifier::Notice;
use domain::alarm::Happened;
use domain::billing::Site;
use domain::event::{AlarmEvent, SiteId};
use serde_json::{Value, json};

use super::words::{cleared_text, raised_text};

/// What happened, as programs read it.
pub fn said(site_id: &SiteId, decimals: u8, happened: &Happened) -> Value {
    let mut data = json!({"at": happened.at, "id": happened.id, "position": happened.position, "site": site_id});
    let (what, fields, text) = match &happened.event {
        AlarmEvent::AlarmPolicyPublished(data) => ("policy", json!(data), format!("new bounds by {}", data.by)),
        AlarmEvent::AlarmRaised(data) => ("raised", json!(data), raised_text(data, decimals)),
        AlarmEvent::AlarmCleared(data) => ("cleared", json!(data), cleared_text(data)),
        AlarmEvent::AlarmAcknowledged(data) => {
            let note = data.note.as_ref().map(|note| format!(": {note}")).unwrap_or_default();
            ("acknowledged", json!(data), format!("{} sees to it{note}", data.by))
        }
    };
    if let (Some(data), Value::Object(fields)) = (data.as_object_mut(), fields) {
        data.extend(fields);
        data.insert("text".to_owned(), json!(text));
        data.insert("what".to_owned(), json!(what));
    }
    data
}

/// The notice of what happened; none of a policy.
pub fn notice(site_id: &SiteId, site: &Site, happened: &Happened) -> Option<Notice> {
    let (kind, ..) = happened.event.about()?;
    let decimals = site.premises().site.as_ref().map_or(2, |site| site.currency_decimals);
    let data = said(site_id, decimals, happened);
    let what = data.get("what").and_then(Value::as_str).unwrap_or_default();
    let body = json!({"type": format!("alarm.{what}"), "timestamp": happened.at, "data": data}).to_string();
    Some(Notice { id: happened.id, position: happened.position, kind, body })
}
