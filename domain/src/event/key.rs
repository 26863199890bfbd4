//! The table and key of a structural fact: one received later takes the place,
//! as a whole, of the one with the same key (BILLING §8).

use super::catalogue::Body;

impl Body {
    /// Table and key; none of a fact that takes no other's place.
    pub fn table_key(&self) -> Option<(&'static str, String)> {
        Some(match self {
            Self::UnitRegistered(data) => ("unit", data.id.to_string()),
            Self::PointRegistered(data) => ("point", data.id.to_string()),
            Self::AccountOpened(data) => ("account", data.id.to_string()),
            Self::MeterInstalled(data) => ("meter", data.id.to_string()),
            Self::LeaseRecorded(data) => ("lease", format!("{}/{}/{}", data.account, data.unit, data.from)),
            Self::TariffPublished(data) => ("tariff", format!("{}/{}", data.id, data.version)),
            Self::TariffAssigned(data) => {
                let subject = match (&data.point, &data.pool) {
                    (Some(point), _) => format!("point/{point}"),
                    (None, Some(pool)) => format!("pool/{pool}"),
                    (None, None) => return None,
                };
                ("assign", format!("{subject}/{}", data.from))
            }
            Self::PoolDefined(data) => ("pool", data.id.to_string()),
            Self::RulePublished(data) => ("rule", format!("{}/{}", data.pool, data.version)),
            Self::TaxSet(data) => ("tax", data.from.to_string()),
            Self::HolidayDeclared(data) => ("holiday", data.date.to_string()),
            Self::AreaMeasured(data) => ("area", format!("{}/{}", data.unit, data.from)),
            Self::PoolPointsChanged(data) => ("pool_points", format!("{}/{}", data.pool, data.from)),
            Self::MaxGapSet(data) => ("max_gap", data.from.to_string()),
            Self::ReadingsRecorded(_)
            | Self::SiteRegistered(_)
            | Self::CalendarPublished(_)
            | Self::RechargeReceived(_)
            | Self::RechargeSuspended(_)
            | Self::ReadingWithdrawn(_)
            | Self::ReadingReleased(_)
            | Self::PostingMade(_)
            | Self::ComplianceChosen(_)
            | Self::SupplierBillReceived(_)
            | Self::ConsentGiven(_)
            | Self::FindingRaised(_)
            | Self::ApprovalsSet(_)
            | Self::ChangeRecorded(_)
            | Self::Supply(_)
            | Self::Payment(_)
            | Self::ChangeProposed(_)
            | Self::PoolDayAllocated(_)
            | Self::AccountSettled(_)
            | Self::DaySettled(_)
            | Self::BillIssued(_)
            | Self::BillHeld(_)
            | Self::Alarm(_) => return None,
        })
    }
}
