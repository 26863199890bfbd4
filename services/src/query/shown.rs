//! How quantities look: exact integers, and the texts that people read.

use chrono::DateTime;
use domain::premises::Premises;
use domain::quantity::{Energy, Instant, Money};
use serde::Serialize;
use utoipa::ToSchema;

/// Money.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Amount {
    /// In minor units of the currency.
    pub minor: i64,
    /// In major units, with all decimals of the currency.
    pub text: String,
    /// ISO 4217.
    pub currency: String,
}

/// Energy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Kwh {
    /// In milliwatt-hours.
    pub mwh: i64,
    /// In kWh, with 2 to 6 decimals.
    pub text: String,
}

/// An instant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct When {
    /// In UTC.
    #[schema(value_type = String, format = DateTime)]
    pub utc: Instant,
    /// By the site's wall clock, with its offset.
    #[schema(format = DateTime)]
    pub local: String,
}

impl Kwh {
    /// Of an energy.
    pub fn new(energy: Energy) -> Self {
        Self { mwh: energy.get(), text: energy.kwh() }
    }
}

/// How a site shows its quantities.
#[derive(Debug, Clone, Copy)]
pub struct Show<'a>(pub &'a Premises);

impl Show<'_> {
    /// Money in the site's currency.
    pub fn money(self, money: Money) -> Amount {
        let (currency, decimals) = self
            .0
            .site
            .as_ref()
            .map_or_else(|| (String::new(), 0), |site| (site.currency.clone(), site.currency_decimals));
        Amount { minor: money.get(), text: money.major(decimals), currency }
    }

    /// An instant in UTC and by the wall clock.
    pub fn when(self, at: Instant) -> When {
        When { utc: at, local: self.local(at) }
    }

    /// By the site's wall clock, with its offset from UTC.
    pub fn local(self, at: Instant) -> String {
        let offset = self.0.calendar.offset_at(at);
        let Some(wall) = DateTime::from_timestamp(at.plus(offset).get(), 0) else { return at.to_string() };
        let (sign, minutes) = (if offset < 0 { '-' } else { '+' }, offset.saturating_abs().div_euclid(60));
        let (hours, minutes) = (minutes.div_euclid(60), minutes.rem_euclid(60));
        format!("{}{sign}{hours:02}:{minutes:02}", wall.format("%Y-%m-%dT%H:%M:%S"))
    }
}
