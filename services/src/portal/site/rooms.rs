//! The room grid: every unit with its state, who holds it, and what that account has.

use askama::Template;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;

use super::flow::Flow;
use super::{Spot, frame};
use crate::desk::Moment;
use crate::identity::Permission;
use crate::portal::page::{Frame, page};
use crate::portal::show::Coin;
use crate::portal::tenant;
use crate::portal::visit::Visit;
use crate::portal::words::Language;
use crate::query::{self, RoomState, UnitState};

struct Room {
    href: String,
    unit: String,
    account: String,
    mood: &'static str,
    state: String,
    balance: String,
}

#[derive(Template)]
#[template(path = "site/rooms.html")]
struct Grid {
    frame: Frame,
    counts: Vec<(&'static str, String, usize)>,
    rooms: Vec<Room>,
    flow: Option<Flow>,
}

/// The states in the order of how much they ask for, with their look and their words.
const STATES: [(RoomState, &str, &str); 5] = [
    (RoomState::Cut, "bad", "room-cut"),
    (RoomState::Silent, "warn", "room-silent"),
    (RoomState::Low, "warn", "room-low"),
    (RoomState::On, "", "room-on"),
    (RoomState::Vacant, "plain", "room-vacant"),
];

/// `GET /site/{site}`
pub(super) async fn rooms(visit: Visit, Path(site): Path<String>) -> Response {
    let served = match visit.site(&site, Permission::ReadSite) {
        Ok(served) => served,
        Err(fault) => return visit.fault(fault),
    };
    let (moment, language) = (served.desk.moment(), visit.reader.language);
    let units = query::units(&moment);
    let count = |state: RoomState| units.iter().filter(|unit| unit.state == state).count();
    let counts = STATES.map(|(state, mood, key)| (mood, language.say(key), count(state)));
    let title = moment.premises.site.as_ref().map_or_else(|| site.clone(), |site| site.name.clone());
    let sheet = Grid {
        frame: frame(&visit, &site, Spot::Rooms, title),
        counts: counts.into_iter().filter(|(_, _, count)| *count > 0).collect(),
        rooms: units.iter().map(|unit| room(&moment, &site, unit, language)).collect(),
        flow: Flow::read(served, language).await,
    };
    page(StatusCode::OK, &sheet)
}

fn room(moment: &Moment, site: &str, unit: &UnitState, language: Language) -> Room {
    let coin = moment.premises.site.as_ref().map(|site| Coin::new(&site.currency, site.currency_decimals));
    let balance = unit.balance.as_ref().zip(coin).map(|(balance, coin)| coin.text(&balance.text));
    let state = STATES.iter().find(|(state, ..)| *state == unit.state);
    let (mood, key) = state.map_or(("", "room-on"), |(_, mood, key)| (*mood, *key));
    Room {
        href: tenant::base(site, &unit.account),
        unit: unit.unit.clone(),
        account: unit.account.clone(),
        mood,
        state: language.say(key),
        balance: balance.unwrap_or_default(),
    }
}
