//! Where in the site folder an error has its cause, and what mends it.

use adapters::site_folder::{Fact, FolderError, SiteFolder};
use domain::billing::BillingError;
use domain::event::EventId;
use domain::metering::MeteringError;
use domain::quantity::Instant;

use crate::owner::{OwnerError, Refusal, Refused};

/// File and line.
type Place = (&'static str, usize);

/// The places of a folder's facts.
#[derive(Debug)]
pub(super) struct Places {
    /// Id, table and key, when it became known, and where it stands.
    facts: Vec<(EventId, String, Instant, Place)>,
}

/// The id of a folder's fact.
pub(super) fn id_of(fact: &Fact) -> EventId {
    EventId::derive(&[b"fact", fact.key.as_bytes()])
}

/// The table that the folder has a fact in.
fn table_of(key: &str) -> &str {
    key.split('/').next().unwrap_or_default()
}

impl Places {
    pub(super) fn of(folder: &SiteFolder) -> Self {
        let place = |fact: &Fact| (id_of(fact), fact.key.clone(), fact.received, fact.place);
        Self { facts: folder.facts.iter().map(place).collect() }
    }

    /// An item that cannot be appended, as an error of the folder.
    pub(super) fn refused(&self, refused: &Refused) -> FolderError {
        let at = self.facts.iter().find(|(id, ..)| *id == refused.id);
        let mend = match &refused.reason {
            Refusal::Fact(error) => mend_of(error),
            Refusal::Arrival(_) | Refusal::OtherSite(_) | Refusal::OtherId(_) => {
                "this is a bug of tallywatt: report it"
            }
        };
        error_at(at.map(|(_, key, _, place)| (key.as_str(), *place)), refused.reason.to_string(), mend)
    }

    /// What a settlement found, as an error of the folder.
    pub(super) fn stopped(&self, error: &OwnerError) -> Option<FolderError> {
        let OwnerError::Billing(billing) = error else { return None };
        let (table, id) = match billing {
            BillingError::Metering(metering) => ("meter", meter_of(metering)),
            BillingError::NoTariff { point, .. } => ("point", point.as_str()),
            BillingError::RefundAboveBalance { reference, .. } => ("recharge/refund", reference.as_str()),
            BillingError::TooManyAccounts { pool, .. } | BillingError::TooManyShares { pool, .. } => {
                ("pool", pool.as_str())
            }
            BillingError::BeforeFirstDay { meter, .. } => ("meter", meter.as_str()),
        };
        let start = format!("{table}/{id}");
        let of = |key: &str| key.strip_prefix(&start).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        // A table that came later takes the place of the one before.
        let at = self.facts.iter().filter(|(_, key, ..)| of(key)).max_by_key(|(_, _, received, _)| *received);
        Some(error_at(at.map(|(_, key, _, place)| (key.as_str(), *place)), error.to_string(), mend_of(error)))
    }
}

/// Readings that the log does not have although it is further already.
pub(super) fn of_readings(line: u32, error: &OwnerError) -> FolderError {
    let line = usize::try_from(line).ok().filter(|line| *line > 0);
    let (problem, mend) = (error.to_string(), mend_of(error).to_owned());
    FolderError { file: "readings.csv", line, field: Some("received".to_owned()), problem, mend }
}

fn error_at(at: Option<(&str, Place)>, problem: String, mend: &str) -> FolderError {
    let (field, file, line) = match at {
        Some((key, (file, line))) => {
            let table = table_of(key);
            let field = if file == "site.toml" { format!("[[{table}]]") } else { table.to_owned() };
            (Some(field), file, Some(line))
        }
        None => (None, "site.toml", None),
    };
    FolderError { file, line, field, problem, mend: mend.to_owned() }
}

fn meter_of(error: &MeteringError) -> &str {
    match error {
        MeteringError::Table { meter, .. }
        | MeteringError::MultiplierChanged { meter }
        | MeteringError::TableReadingQuarantined { meter, .. }
        | MeteringError::UnknownMeter { meter }
        | MeteringError::NothingAccepted { meter, .. }
        | MeteringError::OfTheTable { meter, .. }
        | MeteringError::AlreadyAccepted { meter, .. }
        | MeteringError::NothingQuarantined { meter, .. }
        | MeteringError::WouldDecrease { meter, .. } => meter.as_str(),
    }
}

/// What to do about it.
fn mend_of(error: &OwnerError) -> &'static str {
    match error {
        OwnerError::IdReused { .. } | OwnerError::Earlier { .. } => {
            "what the log has stays: write a change with the received of when it became known, or run into a new log"
        }
        OwnerError::Billing(billing) => match billing {
            BillingError::Metering(metering) => match metering {
                MeteringError::Table { .. } | MeteringError::MultiplierChanged { .. } => "correct the meter's table",
                MeteringError::TableReadingQuarantined { .. } => {
                    "correct it, or withdraw the readings that it contradicts"
                }
                MeteringError::OfTheTable { .. } => "correct start_kwh or final_kwh in the meter's table",
                MeteringError::UnknownMeter { .. } => "name a meter that is known by then",
                MeteringError::NothingAccepted { .. } => "name the time of an accepted reading, or take the table out",
                MeteringError::AlreadyAccepted { .. } | MeteringError::NothingQuarantined { .. } => {
                    "name the time of a quarantined reading, or take the table out"
                }
                MeteringError::WouldDecrease { .. } => "withdraw the readings that are wrong first",
            },
            BillingError::NoTariff { .. } => "add an [[assign]] for the point, or make one begin earlier",
            BillingError::RefundAboveBalance { .. } => "refund at most the settled balance at that time",
            BillingError::TooManyAccounts { .. } | BillingError::TooManyShares { .. } => "split the pool into several",
            BillingError::BeforeFirstDay { .. } => "install it no earlier than the first settled day",
        },
        _ => "mend the site folder as the message says, and run again",
    }
}

/// Whether readings are meant.
pub(super) fn is_of_readings(error: &OwnerError) -> bool {
    matches!(error, OwnerError::Earlier { what: "readings.recorded.v1", .. })
}
