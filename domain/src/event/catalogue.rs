//! The catalogue: every type of event with its version, in one append-only
//! list. A name is never reused; new meaning is a new version.

use serde_json::Value;

use super::alarm::{AlarmAcknowledged, AlarmCleared, AlarmPolicyPublished, AlarmRaised};
use super::canonical::{self, CanonicalError};
use super::change::{ApprovalsSet, BillHeld, ChangeProposed, ChangeRecorded, RechargeSuspended};
use super::decision::{AccountSettled, BillIssued, DaySettled, PoolDayAllocated};
use super::envelope::{Event, EventError};
use super::fact::{
    AccountOpened, AreaMeasured, CalendarPublished, HolidayDeclared, LeaseRecorded, MaxGapSet, MeterInstalled,
    PointRegistered, PoolDefined, PoolPointsChanged, PostingMade, ReadingReleased, ReadingWithdrawn, RechargeReceived,
    RulePublished, SiteRegistered, TariffAssigned, TariffPublished, TaxSet, UnitRegistered,
};
use super::fact::{ComplianceChosen, ConsentGiven, SupplierBillReceived};
use super::finding::FindingRaised;
use super::id::{EventId, SiteId};
use super::payment::{
    RechargeCaptured, RechargeMatched, RechargeMoved, RechargeParked, RechargeRefused, RechargeRequested,
    RechargeReturned,
};
use super::readings::ReadingsBatch;
use super::supply::{
    DisputeClosed, DisputeOpened, PointProtected, PointUnprotected, ReconnectionConfirmed, ReconnectionOffered,
    SupplyApproved, SupplyCommandCancelled, SupplyCommandExpired, SupplyCommandFailed, SupplyCommandOrdered,
    SupplyCommandSent, SupplyCutConfirmed, SupplyCutHeld, SupplyModeObserved, SupplyObserved, SupplyPolicyPublished,
    SupplyRequested, SupplyRestoreHeld, SupplyRestoredConfirmed, SupplyWarned, WarningCleared, WeatherHeld,
};

macro_rules! catalogue {
    (
        $($variant:ident = $name:literal,)*
        $(; $(#[$doc:meta])* $group:ident($events:ident) { $($of:ident = $of_name:literal,)* })*
    ) => {
        /// What an event says: one variant for each type, or for a family of types, of the catalogue.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub enum Body {
            /// `readings.recorded.v1`: a batch of meter readings, in the binary layout.
            ReadingsRecorded(ReadingsBatch),
            $(
                #[doc = concat!("`", $name, "`.")]
                $variant($variant),
            )*
            $($(#[$doc])* $group($events)),*
        }

        $(
            $(#[$doc])*
            #[derive(Debug, Clone, PartialEq, Eq)]
            pub enum $events {
                $(
                    #[doc = concat!("`", $of_name, "`.")]
                    $of($of)
                ),*
            }

            impl From<$events> for Body {
                fn from(event: $events) -> Self {
                    Self::$group(event)
                }
            }
        )*

        /// The names of all types, in the order in which they came to be; families stand last.
        pub const CATALOGUE: &[&str] = &["readings.recorded.v1", $($name,)* $($($of_name,)*)*];

        impl Body {
            /// Its type's name, version included.
            pub const fn type_name(&self) -> &'static str {
                match self {
                    Self::ReadingsRecorded(_) => "readings.recorded.v1",
                    $(Self::$variant(_) => $name,)*
                    $(Self::$group(event) => match event { $($events::$of(_) => $of_name),* }),*
                }
            }

            pub(crate) fn encode_in(&self, event: &Event) -> Result<Vec<u8>, CanonicalError> {
                match self {
                    Self::ReadingsRecorded(_) => Err(CanonicalError::NotAnObject),
                    $(Self::$variant(data) => event.encode_data($name, data),)*
                    $(Self::$group(of) => match of { $($events::$of(data) => event.encode_data($of_name, data)),* }),*
                }
            }

            /// Its payload as a JSON value; none for the binary batch.
            pub fn to_value(&self) -> Option<Value> {
                match self {
                    Self::ReadingsRecorded(_) => None,
                    $(Self::$variant(data) => serde_json::to_value(data).ok(),)*
                    $(Self::$group(of) => match of { $($events::$of(data) => serde_json::to_value(data).ok()),* }),*
                }
            }

            /// The body of a type's name and its payload.
            pub fn from_parts(name: &str, data: Value) -> Result<Self, EventError> {
                match name {
                    $($name => Ok(Self::$variant(canonical::from_value(data)?)),)*
                    $($($of_name => Ok(Self::$group($events::$of(canonical::from_value(data)?))),)*)*
                    other => Err(EventError::UnknownType(other.to_owned())),
                }
            }
        }
    };
}

catalogue! {
    SiteRegistered = "site.registered.v1",
    CalendarPublished = "calendar.published.v1",
    UnitRegistered = "unit.registered.v1",
    PointRegistered = "point.registered.v1",
    MeterInstalled = "meter.installed.v1",
    AccountOpened = "account.opened.v1",
    LeaseRecorded = "lease.recorded.v1",
    TariffPublished = "tariff.published.v1",
    TariffAssigned = "tariff.assigned.v1",
    PoolDefined = "pool.defined.v1",
    RulePublished = "rule.published.v1",
    TaxSet = "tax.set.v1",
    HolidayDeclared = "holiday.declared.v1",
    AreaMeasured = "area.measured.v1",
    PoolPointsChanged = "pool.points.changed.v1",
    MaxGapSet = "max_gap.set.v1",
    RechargeReceived = "recharge.received.v1",
    ReadingWithdrawn = "reading.withdrawn.v1",
    ReadingReleased = "reading.released.v1",
    PostingMade = "posting.made.v1",
    PoolDayAllocated = "pool.day.allocated.v1",
    AccountSettled = "account.settled.v1",
    DaySettled = "day.settled.v1",
    BillIssued = "bill.issued.v1",
    ComplianceChosen = "compliance.chosen.v1",
    SupplierBillReceived = "supplier_bill.received.v1",
    ConsentGiven = "consent.given.v1",
    FindingRaised = "finding.raised.v1",
    ChangeRecorded = "change.recorded.v1",
    ChangeProposed = "change.proposed.v1",
    ApprovalsSet = "approvals.set.v1",
    RechargeSuspended = "recharge.suspended.v1",
    BillHeld = "bill.held.v1",
    ;
    /// What happens to supply: rules, holds, orders to relays, and what became of each.
    Supply(SupplyEvent) {
        SupplyPolicyPublished = "supply.policy.published.v1",
        PointProtected = "supply.point.protected.v1",
        PointUnprotected = "supply.point.unprotected.v1",
        DisputeOpened = "supply.dispute.opened.v1",
        DisputeClosed = "supply.dispute.closed.v1",
        WeatherHeld = "supply.weather.held.v1",
        SupplyRequested = "supply.requested.v1",
        SupplyApproved = "supply.approved.v1",
        ReconnectionConfirmed = "supply.reconnection.confirmed.v1",
        SupplyObserved = "supply.observed.v1",
        SupplyWarned = "supply.warned.v1",
        WarningCleared = "supply.warning.cleared.v1",
        ReconnectionOffered = "supply.reconnection.offered.v1",
        SupplyCommandOrdered = "supply.command.ordered.v1",
        SupplyCommandSent = "supply.command.sent.v1",
        SupplyCutConfirmed = "supply.cut.confirmed.v1",
        SupplyRestoredConfirmed = "supply.restored.confirmed.v1",
        SupplyCommandFailed = "supply.command.failed.v1",
        SupplyCommandExpired = "supply.command.expired.v1",
        SupplyCommandCancelled = "supply.command.cancelled.v1",
        SupplyCutHeld = "supply.cut.held.v1",
        SupplyRestoreHeld = "supply.restore.held.v1",
        SupplyModeObserved = "supply.mode.observed.v1",
    }
    ;
    /// Alarms: when they are raised, and what became of each.
    Alarm(AlarmEvent) {
        AlarmPolicyPublished = "alarm.policy.published.v1",
        AlarmRaised = "alarm.raised.v1",
        AlarmCleared = "alarm.cleared.v1",
        AlarmAcknowledged = "alarm.acknowledged.v1",
    }
    ;
    /// What happens to a payment before and after it is credited.
    Payment(PaymentEvent) {
        RechargeRequested = "recharge.requested.v1",
        RechargeCaptured = "recharge.captured.v1",
        RechargeMoved = "recharge.moved.v1",
        RechargeParked = "recharge.parked.v1",
        RechargeMatched = "recharge.matched.v1",
        RechargeReturned = "recharge.returned.v1",
        RechargeRefused = "recharge.refused.v1",
    }
}

impl Body {
    /// Whether it is a decision of a settlement or bill run, which a replay derives again; a fact otherwise. What
    /// supply control and alarms do stands among the facts: it also depends on links and live balances, which they record.
    pub const fn is_decision(&self) -> bool {
        matches!(
            self,
            Self::PoolDayAllocated(_)
                | Self::AccountSettled(_)
                | Self::DaySettled(_)
                | Self::BillIssued(_)
                | Self::FindingRaised(_)
                | Self::BillHeld(_)
        )
    }

    /// The id of a decision: derived from its site, run, type, key and part, so
    /// that a run that was cut off is completed with the ids that it would have had. None for a fact.
    pub fn decision_id(&self, site: &SiteId) -> Option<EventId> {
        let (run, key, part) = if let Self::PoolDayAllocated(data) = self {
            (data.run.clone(), format!("{}/{}", data.pool, data.day), data.page)
        } else if let Self::AccountSettled(data) = self {
            (data.run.clone(), data.account.to_string(), data.part)
        } else if let Self::BillIssued(data) = self {
            (format!("bill/{}", data.month), data.account.to_string(), data.part)
        } else if let Self::DaySettled(data) = self {
            (data.run.clone(), String::new(), 1)
        } else if let Self::BillHeld(data) = self {
            (data.run.clone(), format!("{}/{}", data.account, data.month), 1)
        } else if let Self::FindingRaised(data) = self {
            let of = data.account.as_ref().map(ToString::to_string).or(data.pool.as_ref().map(ToString::to_string));
            let parts = [&data.preset, &data.version.to_string(), &data.rule, &data.place, &data.text];
            let key = parts.map(String::as_str).join("/");
            (data.run.clone(), format!("{}/{key}", of.unwrap_or_default()), 1)
        } else {
            return None;
        };
        Some(EventId::derive(&[
            b"decision",
            site.as_str().as_bytes(),
            run.as_bytes(),
            self.type_name().as_bytes(),
            key.as_bytes(),
            &part.to_be_bytes(),
        ]))
    }

    /// The keys of the chains that it belongs to, sorted.
    pub fn chain_keys(&self) -> Vec<String> {
        let account = |id: &super::AccountId| format!("account/{id}");
        match self {
            Self::ReadingsRecorded(_)
            | Self::SiteRegistered(_)
            | Self::CalendarPublished(_)
            | Self::UnitRegistered(_)
            | Self::PointRegistered(_)
            | Self::MeterInstalled(_)
            | Self::TaxSet(_)
            | Self::HolidayDeclared(_)
            | Self::AreaMeasured(_)
            | Self::MaxGapSet(_)
            | Self::ReadingWithdrawn(_)
            | Self::ReadingReleased(_)
            | Self::ComplianceChosen(_)
            | Self::ApprovalsSet(_)
            | Self::RechargeSuspended(_)
            | Self::DaySettled(_) => Vec::new(),
            Self::AccountOpened(data) => vec![account(&data.id)],
            Self::LeaseRecorded(data) => vec![account(&data.account)],
            Self::RechargeReceived(data) => vec![account(&data.account)],
            Self::PostingMade(data) => vec![account(&data.account)],
            Self::AccountSettled(data) => vec![account(&data.account)],
            Self::BillIssued(data) => vec![account(&data.account)],
            Self::ConsentGiven(data) => vec![account(&data.account)],
            Self::SupplierBillReceived(data) => data.pool.iter().map(|pool| format!("pool/{pool}")).collect(),
            Self::FindingRaised(data) => {
                let pool = data.pool.iter().map(|pool| format!("pool/{pool}"));
                data.account.iter().map(account).chain(pool).collect()
            }
            Self::BillHeld(data) => vec![account(&data.account)],
            Self::ChangeRecorded(data) => data.about.clone(),
            Self::ChangeProposed(data) => data.about.clone(),
            Self::TariffPublished(data) => vec![format!("tariff/{}", data.id)],
            Self::TariffAssigned(data) => {
                let mut keys: Vec<String> = data.pool.iter().map(|pool| format!("pool/{pool}")).collect();
                keys.push(format!("tariff/{}", data.tariff));
                keys
            }
            Self::PoolDefined(data) => vec![format!("pool/{}", data.id)],
            Self::Supply(event) => event.chain_keys(),
            Self::Alarm(event) => {
                let account = event.about().and_then(|(_, subject, _)| match subject {
                    super::alarm::AlarmSubject::Account(id) => Some(account(id)),
                    super::alarm::AlarmSubject::Meter(_)
                    | super::alarm::AlarmSubject::Point(_)
                    | super::alarm::AlarmSubject::Site => None,
                });
                account.into_iter().collect()
            }
            Self::Payment(event) => event.chain_keys(),
            Self::PoolPointsChanged(data) => vec![format!("pool/{}", data.pool)],
            Self::PoolDayAllocated(data) => vec![format!("pool/{}", data.pool)],
            Self::RulePublished(data) => vec![format!("pool/{}", data.pool), format!("rule/{}", data.pool)],
        }
    }
}
