//! Leases: who lives where, who moves in, who moves out, and the bill that is left.

use domain::event::LeaseRecorded;
use domain::quantity::{Date, Month};

use super::draft::{self, Draft};
use crate::desk::Moment;
use crate::portal::act;
use crate::portal::sheet::{Card, Field, Kind, Table, head, stamp};
use crate::portal::show::Coin;
use crate::portal::words::Language;
use crate::query::{self, Show};
use crate::serve::ServedSite;

/// The leases that run, and the two forms.
pub(super) fn cards(moment: &Moment, language: Language) -> Vec<Card> {
    let (premises, now) = (&moment.premises, moment.live_at.1);
    let open: Vec<&LeaseRecorded> = premises
        .units
        .keys()
        .flat_map(|unit| premises.leases_of(unit))
        .filter(|lease| lease.until.is_none_or(|until| now < until))
        .collect();
    let show = Show(premises);
    let row = |lease: &&LeaseRecorded| {
        let until = lease.until.map_or_else(|| "–".to_owned(), |until| stamp(&show.when(until)));
        vec![lease.unit.to_string(), lease.account.to_string(), stamp(&show.when(lease.from)), until]
    };
    let keys = [("col-unit", false), ("col-account", false), ("col-from", false), ("col-until", false)];
    let table = Table {
        name: language.say("leases"),
        heads: head(language, &keys),
        rows: open.iter().map(row).collect(),
        foot: Vec::new(),
    };
    let day = premises.calendar.day_of(now).to_string();
    let mut movein = act::form(
        "move-in".to_owned(),
        "try",
        language.say("rules-try"),
        vec![
            act::accounts(language, &query::accounts(moment), ""),
            Field::select("unit", language.say("field-unit"), "", options(premises.units.keys())),
            Field::new("day", language.say("field-in"), Kind::Date, day.clone()),
            act::reason(language),
        ],
    );
    movein.hidden.push(("what", "move-in".to_owned()));
    movein.folded = language.say("move-in");
    let leased = open.iter().filter(|lease| lease.until.is_none()).map(|lease| {
        let name = draft::lease_name(&lease.account, &lease.unit, lease.from);
        (name, format!("{} · {}", lease.unit, lease.account))
    });
    let mut moveout = act::form(
        "move-out".to_owned(),
        "try",
        language.say("rules-try"),
        vec![
            Field::select("lease", language.say("field-lease"), "", leased.collect()),
            Field::new("day", language.say("field-out"), Kind::Date, day),
            act::reason(language),
        ],
    );
    moveout.hidden.push(("what", "move-out".to_owned()));
    moveout.folded = language.say("move-out");
    let title = table.name.clone();
    vec![Card {
        id: "leases",
        title,
        lead: language.say("leases-lead"),
        none: language.say("leases-none"),
        table: Some(table),
        forms: vec![movein, moveout],
        ..Card::default()
    }]
}

fn options<T: ToString>(ids: impl Iterator<Item = T>) -> Vec<(String, String)> {
    ids.map(|id| (id.to_string(), id.to_string())).collect()
}

/// The bill under way of who is to move out: what would be left of the balance.
pub(super) async fn preview(served: &ServedSite, tried: &Draft, language: Language) -> Option<Card> {
    let (account, ..) = draft::lease(tried.text("lease"))?;
    let month = Date::parse(tried.text("day"))?.month();
    let asked = account.clone();
    let bill = query::read(&served.desk, move |view| {
        let now = view.premises().calendar.day_of(view.until()).month();
        query::bill(&view, &asked, Month::min(month, now))
    });
    let bill = bill.await.ok()?;
    let moment = served.desk.moment();
    let coin = moment.premises.site.as_ref().map(|site| Coin::new(&site.currency, site.currency_decimals))?;
    Some(Card {
        id: "final",
        title: language.say1("leases-final", "account", account.as_str()),
        lead: language.say("leases-final-lead"),
        facts: vec![
            (language.say("bill-opening"), coin.text(&bill.opening_balance.text)),
            (language.say("bill-charges"), coin.text(&bill.charges.text)),
            (language.say("bill-closing"), coin.text(&bill.closing_balance.text)),
        ],
        ..Card::default()
    })
}
