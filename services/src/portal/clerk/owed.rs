//! What is owed to tenants at the end of a day: the sum of what was prepaid and is not used yet.

use domain::quantity::Date;

use crate::portal::sheet::{Card, Field, Form, Kind, Said, Table, head};
use crate::portal::show::Coin;
use crate::portal::words::Language;
use crate::query::{Owed, OwedRow};

/// Its card, with the question of a day.
pub(super) fn card(owed: &Owed, day: Date, coin: &Coin, language: Language) -> Card {
    let form = Form {
        id: "owed".to_owned(),
        button: language.say("show"),
        quiet: true,
        fields: vec![Field::new("day", language.say("field-day"), Kind::Date, day.to_string())],
        ..Form::default()
    };
    let mut card = form.card("liability", language.say("owed"), language.say("owed-lead"));
    card.side = day.to_string();
    card.big = coin.text(&owed.prepaid.text);
    card.facts = vec![
        (language.say("owed-overdrawn"), coin.text(&owed.overdrawn.text)),
        (language.say("owed-net"), coin.text(&owed.net.text)),
    ];
    let settled = owed.settled_to.as_deref().and_then(Date::parse);
    if settled.is_none_or(|settled| settled < day) {
        let to = settled.map(|day| day.to_string()).unwrap_or_default();
        card.note = Some(Said::done(language.say1("owed-open", "day", &to)));
    }
    card.none = language.say("owed-none");
    let row = |row: &OwedRow| vec![row.account.clone(), coin.text(&row.balance.text)];
    card.table = Some(Table {
        name: language.say("owed"),
        heads: head(language, &[("col-account", false), ("balance", true)]),
        rows: owed.accounts.iter().map(row).collect(),
        foot: vec![language.say("owed-net"), coin.text(&owed.net.text)],
    });
    card
}
