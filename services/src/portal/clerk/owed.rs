//! What is owed to tenants at the end of a day: the sum of what was prepaid and is not used yet.

use domain::event::AccountId;
use domain::quantity::{Date, Instant, Money};

use crate::portal::sheet::{Card, Field, Form, Kind, Table, head};
use crate::portal::show::Coin;
use crate::portal::words::Language;
use crate::query::{self, QueryError, View};

/// The balances at a day's end, and their sums.
pub(super) struct Owed {
    rows: Vec<(String, Money)>,
    prepaid: Money,
    overdrawn: Money,
}

/// Reads the balance of every account but the landlord's at the end of a day, or now.
pub(super) fn read(view: &View<'_>, day: Date) -> Result<Owed, QueryError> {
    let premises = view.premises();
    let landlord = &premises.site().landlord;
    let end = premises.calendar.end_of(day);
    let mut owed = Owed { rows: Vec::new(), prepaid: Money::ZERO, overdrawn: Money::ZERO };
    let accounts: Vec<AccountId> = premises.accounts.keys().filter(|id| *id != landlord).cloned().collect();
    for account in accounts {
        let ledger = query::ledger(view, &account, Instant::new(i64::MIN), end)?;
        let balance = Money::new(ledger.closing_balance.minor);
        if balance > Money::ZERO {
            owed.prepaid += balance;
        } else {
            owed.overdrawn += balance;
        }
        owed.rows.push((account.to_string(), balance));
    }
    Ok(owed)
}

impl Owed {
    /// Its card.
    pub(super) fn card(&self, day: Date, coin: &Coin, language: Language) -> Card {
        let form = Form {
            id: "owed".to_owned(),
            button: language.say("show"),
            quiet: true,
            fields: vec![Field::new("day", language.say("field-day"), Kind::Date, day.to_string())],
            ..Form::default()
        };
        let mut card = form.card("liability", language.say("owed"), language.say("owed-lead"));
        card.side = day.to_string();
        card.big = coin.money(self.prepaid);
        card.facts = vec![
            (language.say("owed-overdrawn"), coin.money(self.overdrawn)),
            (language.say("owed-net"), coin.money(self.prepaid + self.overdrawn)),
        ];
        card.none = language.say("owed-none");
        card.table = Some(Table {
            name: language.say("owed"),
            heads: head(language, &[("col-account", false), ("balance", true)]),
            rows: self.rows.iter().map(|(account, balance)| vec![account.clone(), coin.money(*balance)]).collect(),
            foot: vec![language.say("owed-net"), coin.money(self.prepaid + self.overdrawn)],
        });
        card
    }
}
