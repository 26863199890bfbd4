//! Money that names no known account: what it is, and, for who moves money, whose it is.

use domain::event::RechargeSuspended;
use domain::quantity::{Instant, Money};
use domain::recharge::{Act, PaymentKey};

use crate::command::{self, Resolve};
use crate::desk::{DeskError, Moment};
use crate::identity::Permission;
use crate::portal::act::{self, Given};
use crate::portal::error::Fault;
use crate::portal::sheet::{Card, Item, Said, stamp};
use crate::portal::show::Coin;
use crate::portal::visit::Visit;
use crate::portal::words::Language;
use crate::query::{self, Show};
use crate::serve::ServedSite;

/// A payment in suspense, and what is left of it.
pub(super) struct Held {
    time: Instant,
    data: RechargeSuspended,
    left: Money,
    /// Whether a gateway reported it: the others are matched by what the site folder says.
    known: bool,
}

/// Reads what is in suspense.
pub(super) async fn read(served: &ServedSite) -> Result<Vec<Held>, DeskError> {
    let read = served.desk.read(|turn| {
        let (ledger, payments) = (turn.owner.site().ledger(), turn.owner.payments());
        let held = |(time, data): &(Instant, RechargeSuspended)| {
            let left = payments.left_in_suspense(&data.reference);
            let held = Held {
                time: *time,
                left: left.unwrap_or(Money::new(data.amount_minor)),
                known: left.is_some(),
                data: data.clone(),
            };
            (held.left > Money::ZERO).then_some(held)
        };
        ledger.unmatched().filter_map(held).collect()
    });
    read.await
}

/// Its card; with forms for who may.
pub(super) fn card(held: &[Held], may: bool, moment: &Moment, (coin, language): (&Coin, Language)) -> Card {
    let show = Show(&moment.premises);
    let accounts = query::accounts(moment);
    let item = |(one, number): (&Held, usize)| {
        let form = |act: &str, button: &str, open: &str, with_account: bool| {
            let account = with_account.then(|| act::accounts(language, &accounts, ""));
            let fields = account.into_iter().chain([act::reason(language)]).collect();
            let mut form = act::form(format!("{act}-{number}"), act, language.say(button), fields);
            form.hidden.push(("payment", one.data.reference.clone()));
            form.folded = language.say(open);
            form
        };
        let forms = if may && one.known {
            vec![
                form("match", "suspense-match", "suspense-match-open", true),
                form("return", "suspense-return", "suspense-return-open", false),
            ]
        } else {
            Vec::new()
        };
        let said = language.say1("suspense-said", "account", &one.data.account);
        Item {
            name: format!("{} · {}", coin.money(one.left), one.data.reference),
            state: ("warn", language.say("cash-suspense")),
            lines: vec![stamp(&show.when(one.time)), said],
            forms,
            ..Item::default()
        }
    };
    Card {
        id: "suspense",
        title: language.say("suspense"),
        lead: language.say("suspense-lead"),
        items: held.iter().zip(1..).map(item).collect(),
        none: language.say("suspense-none"),
        ..Card::default()
    }
}

/// Credits a payment to its account, or sends it back.
pub(super) async fn resolve(visit: &Visit, site: &str, given: &Given) -> Result<Said, Fault> {
    let served = visit.site(site, Permission::MoveMoney)?;
    let language = visit.reader.language;
    let account = given.account(&served.desk.moment().premises);
    let deed = match given.text("act") {
        "match" => account.map(Act::Match),
        _ => Some(Act::Return),
    };
    let Some((payment, deed)) = PaymentKey::parse(given.text("payment")).zip(deed) else {
        return Ok(Said::refused(language.say("refused-account-unknown")));
    };
    let order = Resolve { payment, act: deed, reason: given.text("reason").to_owned() };
    let made = match visit.asked(given) {
        Ok(asked) => command::resolve(&served.desk, asked, order).await,
        Err(error) => Err(error),
    };
    Ok(act::outcome(made.as_ref(), language.say("suspense-done"), language))
}
