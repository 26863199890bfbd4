//! What a form asks for: its fields, the session's mark, and the key that makes it count once.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use domain::alarm::AlarmRefusal;
use domain::event::{AccountId, OutputState};
use domain::premises::Premises;
use domain::quantity::{Instant, Money};
use domain::supply::Refusal;
use ring::rand::{SecureRandom as _, SystemRandom};
use rust_decimal::Decimal;
use serde::Deserialize;

use super::error::Fault;
use super::sheet::{Field, Form, Kind, Said};
use super::visit::Visit;
use super::words::Language;
use crate::command::{Amount, Asked, CommandError, Key, Made};
use crate::told::{Told, told};

/// The fields that came.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(transparent)]
pub(super) struct Given(BTreeMap<String, String>);

impl Given {
    /// A field's text; empty where there is none.
    pub(super) fn text(&self, name: &str) -> &str {
        self.0.get(name).map_or("", |text| text.trim())
    }

    /// A text of many lines, as it was written.
    pub(super) fn lines(&self, name: &str) -> String {
        self.0.get(name).map(|text| text.replace("\r\n", "\n")).unwrap_or_default()
    }

    /// An account of the site, by its id.
    pub(super) fn account(&self, premises: &Premises) -> Option<AccountId> {
        AccountId::try_new(self.text("account")).filter(|id| premises.accounts.contains_key(id))
    }

    /// An amount of the site's currency; what is none is 0, which commands refuse.
    pub(super) fn amount(&self, premises: &Premises) -> Amount {
        let site = premises.site.as_ref();
        let decimals = site.map_or(2, |site| site.currency_decimals);
        let text = ungrouped(self.text("amount"));
        let money = text.and_then(|text| Decimal::from_str_exact(&text).ok());
        let money = money.and_then(|one| Money::from_major(one, decimals));
        let currency = site.map(|site| site.currency.clone()).unwrap_or_default();
        Amount { minor: money.unwrap_or_default().get(), currency }
    }
}

impl Visit {
    /// Whether a form was made for this session.
    pub(super) fn accepts(&self, given: &Given) -> Result<(), Fault> {
        if self.session.accepts(given.text("csrf")) { Ok(()) } else { Err(Fault::Stale) }
    }

    /// Who asks, under the form's key.
    pub(super) fn asked(&self, given: &Given) -> Result<Asked, CommandError> {
        Ok(Asked { key: Key::try_new(given.text("key"))?, actor: self.session.actor.clone(), dry_run: false })
    }
}

/// A key that nobody drew before.
pub(super) fn key() -> String {
    let mut bytes = [0; 18];
    // Without randomness there is no key, and without a key nothing is done.
    if SystemRandom::new().fill(&mut bytes).is_err() {
        return String::new();
    }
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

/// A form that writes.
pub(super) fn form(id: String, act: &str, button: String, fields: Vec<Field>) -> Form {
    let hidden = vec![("act", act.to_owned()), ("key", key())];
    Form { id, writes: true, button, hidden, fields, ..Form::default() }
}

/// A field for a reason.
pub(super) fn reason(language: Language) -> Field {
    Field::new("reason", language.say("field-reason"), Kind::Text, "")
}

/// A field for one of the site's accounts.
pub(super) fn accounts(language: Language, rows: &[crate::query::AccountRow], chosen: &str) -> Field {
    let option = |row: &crate::query::AccountRow| {
        let units = row.units.join(", ");
        let text = if units.is_empty() { row.account.clone() } else { format!("{} · {units}", row.account) };
        (row.account.clone(), text)
    };
    Field::select("account", language.say("field-account"), chosen, rows.iter().map(option).collect())
}

/// A number without the commas between its thousands; none where they stand elsewhere: `20,00` is not 2000.
pub(super) fn ungrouped(text: &str) -> Option<String> {
    let whole = text.split('.').next().unwrap_or_default().trim_start_matches(['-', '+']);
    let mut groups = whole.split(',');
    let first = groups.next().unwrap_or_default();
    let is_right = !text.contains(',')
        || ((1..=3).contains(&first.len()) && groups.all(|group| group.len() == 3) && !after_point(text).contains(','));
    is_right.then(|| text.replace(',', ""))
}

fn after_point(text: &str) -> &str {
    text.split_once('.').map_or("", |(_, after)| after)
}

/// Why a command was refused, in the reader's language; what the program says of tables stands beside it.
pub(super) fn refused(error: &CommandError, language: Language) -> Said {
    let code = error.code().to_lowercase().replace('_', "-");
    let plain = |at: Instant| at.to_string();
    let text = why(error).map(|why| language.tell(&why, &plain));
    let text = text.unwrap_or_else(|| language.say(&format!("refused-{code}")));
    let more = matches!(error, CommandError::Tables { .. } | CommandError::Owner(_));
    let detail = if more { error.to_string() } else { String::new() };
    let is_spent = matches!(error, CommandError::KeyReused { .. } | CommandError::BadKey);
    Said { detail, is_spent, ..Said::refused(text) }
}

/// Why, where a code alone says too little.
fn why(error: &CommandError) -> Option<Told> {
    match error {
        CommandError::Supply(refusal) => supply(refusal),
        CommandError::Alarm(AlarmRefusal::NotOpen { .. }) => Some(told("refused-alarm-over")),
        CommandError::Alarm(AlarmRefusal::Acknowledged { by, .. }) => {
            Some(told("refused-alarm-seen").with("by", by.as_str()))
        }
        _ => None,
    }
}

fn supply(refusal: &Refusal) -> Option<Told> {
    match refusal {
        Refusal::NoPolicy => Some(told("refused-no-policy")),
        Refusal::AlreadyThere(OutputState::Connected) => Some(told("refused-is-on")),
        Refusal::AlreadyThere(OutputState::Disconnected) => Some(told("refused-is-off")),
        Refusal::Protected => Some(told("refused-protected")),
        Refusal::NoRequest => Some(told("refused-no-request")),
        Refusal::NotReady => Some(told("refused-not-ready")),
        Refusal::Empty(_)
        | Refusal::Policy(_)
        | Refusal::SamePerson(_)
        | Refusal::UnknownCommand(_)
        | Refusal::CommandEnded(_)
        | Refusal::AlreadySent(_)
        | Refusal::NotSent(_)
        | Refusal::NotReadBack { .. } => None,
    }
}

/// What became of a command: done, done before, or waiting for a second person.
pub(super) fn outcome(made: Result<&Made, &CommandError>, done: String, language: Language) -> Said {
    match made {
        Ok(made) if made.repeated => Said::done(format!("{done} {}", language.say("said-repeated"))),
        Ok(made) if made.proposed => Said::done(language.say("said-proposed")),
        Ok(_) => Said::done(done),
        Err(error) => refused(error, language),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::CODES;

    #[test]
    fn every_refusal_is_said_in_every_language() {
        for code in CODES {
            let key = format!("refused-{}", code.to_lowercase().replace('_', "-"));
            for language in Language::ALL {
                assert!(language.find(&key, &[]).is_some(), "{key} in {}", language.name());
            }
        }
    }

    #[test]
    fn commas_stand_between_thousands_alone() {
        for (text, number) in [("20.00", "20.00"), ("1,234.50", "1234.50"), ("-1,234,567", "-1234567"), ("", "")] {
            assert_eq!(ungrouped(text).as_deref(), Some(number), "{text}");
        }
        for text in ["20,00", "1,23", "1234,567", "1.234,50", ",500"] {
            assert_eq!(ungrouped(text), None, "{text}");
        }
    }
}
