//! What a form asks for: its fields, the session's mark, and the key that makes it count once.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use domain::event::AccountId;
use domain::premises::Premises;
use ring::rand::{SecureRandom as _, SystemRandom};
use rust_decimal::Decimal;
use serde::Deserialize;

use super::error::Fault;
use super::sheet::{Field, Form, Kind, Said};
use super::visit::Visit;
use super::words::Language;
use crate::command::{Amount, Asked, CommandError, Key, Made};
use domain::quantity::Money;

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
        let text = self.text("amount").replace(',', "");
        let money = Decimal::from_str_exact(&text).ok().and_then(|one| Money::from_major(one, decimals));
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

/// Why a command was refused, in the reader's language, with the command's own words where they say more.
pub(super) fn refused(error: &CommandError, language: Language) -> Said {
    let code = error.code().to_lowercase().replace('_', "-");
    let text = language.find(&format!("refused-{code}"), &[]).unwrap_or_else(|| error.to_string());
    let more = matches!(error, CommandError::Tables { .. } | CommandError::Owner(_));
    Said::refused(if more { format!("{text} {error}") } else { text })
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
